//! Waiting for states, with a deadline. No test sleeps to let things settle.

use std::future::Future;
use std::time::{Duration, Instant};

/// Long enough for a debug build on a busy machine; reached only when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a state is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(4);

/// Returns as soon as `condition` holds; panics, naming `what`, when it does not in time.
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(())).await;
}

/// Returns the first thing that `probe` finds; panics, naming `what`, when it finds none in time.
pub async fn wait_for<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    wait_patiently(PATIENCE, what, probe).await
}

/// The same with a patience of its own, for what the bridge itself takes its time for.
pub async fn wait_patiently<T>(patience: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Returns as soon as `condition` holds, which has to be asked for; panics, naming `what`, when it does not in time.
pub async fn wait_until_asked(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Returns what `future` returns; panics, naming `what`, when it does not in time.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}
