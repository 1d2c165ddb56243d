//! Forgets conversations whose time is over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use log::{info, warn};

use super::store::Store;

/// How often it is looked for conversations to forget.
const ROUND: Duration = Duration::from_secs(3600);

/// Deletes conversations `retention` after their end, once an hour, for as long as it is polled.
pub async fn forget_old_conversations(store: Arc<dyn Store>, retention: Duration) {
    let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let mut rounds = tokio::time::interval(ROUND);
    loop {
        rounds.tick().await;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let store = Arc::clone(&store);
        let before_ms = now_ms.saturating_sub(retention_ms);
        let deleted = actix_web::web::block(move || store.delete_ended_before(before_ms)).await;
        match deleted {
            Ok(Ok(0)) => {}
            Ok(Ok(conversations)) => {
                info!(event = "conversations_forgotten", conversations; "past their retention")
            }
            Ok(Err(error)) => warn!(event = "retention_failed", error:%; "old conversations stay for now"),
            // Only at the end of the process are there no threads to block.
            Err(_) => return,
        }
    }
}
