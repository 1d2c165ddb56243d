//! A leg comes to this engine whose conversation began on another, which died or is out of the balancer's reach: the
//! conversation goes on here, under its id.
//!
//! Only legs bring conversations along. Who only listens cannot know where they speak.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use log::{info, warn};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::EngineState;
use super::conversation::Interrupted;
use super::state::{remember, unix_now_ms};
use super::store::StoreError;

/// How long a leg waits; a client gives up soon after.
const PATIENCE: Duration = Duration::from_secs(4);

/// Two legs of one conversation take turns, so that the second finds what the first has brought along. With so many turns
/// legs of different conversations hardly ever wait for each other.
const TURNS: usize = 256;

/// Whose turn it is.
pub(super) struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self(std::iter::repeat_with(Arc::default).take(TURNS).collect())
    }
}

impl Turns {
    async fn take(&self, connection_id: &str) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        connection_id.hash(&mut hasher);
        let place = hasher.finish() % TURNS as u64;
        Arc::clone(&self.0[place as usize]).lock_owned().await
    }
}

/// The store takes too long to say whether a conversation goes on; the leg should come again.
#[derive(Debug, thiserror::Error)]
#[error("The store is busy; try again in a moment.")]
pub(super) struct StoreIsBusy;

/// Takes the conversation of a connection id over, if there is one elsewhere and nobody speaks in it here.
///
/// A store that fails holds no call up: then another conversation begins.
pub(super) async fn take_over(state: &EngineState, connection_id: &str) -> Result<(), StoreIsBusy> {
    if !state.store().is_shared() || state.directory().has_legs(connection_id) {
        return Ok(());
    }
    let (own, id) = (state.clone(), connection_id.to_owned());
    // Goes on when the leg has given up: the conversation is this engine's from then on, and the leg comes again.
    let taking = actix_web::rt::spawn(async move {
        let _turn = own.turns().take(&id).await;
        if own.directory().has_legs(&id) {
            return;
        }
        let state = own.clone();
        match web::block(move || look(&state, &id)).await {
            Ok(Ok(Some(before))) => {
                let conversation = before.conversation.record.id.as_str();
                info!(conversation; "a conversation of another engine goes on here");
                own.directory().go_on(before);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => warn!(error:%; "whether a conversation goes on is not known; another begins"),
            // Only at the end of the process are there no threads to block.
            Err(_) => {}
        }
    });
    match tokio::time::timeout(PATIENCE, taking).await {
        Ok(_) => Ok(()),
        Err(_) => Err(StoreIsBusy),
    }
}

fn look(state: &EngineState, connection_id: &str) -> Result<Option<Interrupted>, StoreError> {
    let store = state.store();
    let Some(taken) = store.take_over(connection_id, unix_now_ms(), state.grace_ms())? else {
        return Ok(None);
    };
    // It is ours now. Without what was said it only lacks older topics.
    let without_messages = Interrupted { conversation: taken.clone(), messages: Vec::new() };
    Ok(Some(remember(&**store, taken).unwrap_or(without_messages)))
}
