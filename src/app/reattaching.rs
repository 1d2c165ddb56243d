//! New streams for calls that lost theirs: where calls are remembered, and what a stream's token is signed with.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::{StartError, user_data_dir};
use crate::bridge::call::registry::Registry;
use crate::bridge::call::stream_token::StreamTokens;
use crate::bridge::reattach::worker::Worker;
use crate::bridge::reattach::{Reattach, expect_metrics};
use crate::bridge::services::Shared;
use crate::config::{JournalPlace, Settings, StorePlace};
use crate::telemetry::metrics::Metrics;
use crate::twilio::AuthToken;

/// What a restart must know of calls, in the store's directory.
const JOURNAL_FILE: &str = "calls.journal";

/// Gets calls new streams once somebody runs it.
pub(super) struct Reattaching {
    pub(super) worker: Worker,
    pub(super) shared: Shared,
    pub(super) most_calls: usize,
}

impl Reattaching {
    /// Looks for calls without a stream as long as the application runs.
    pub(super) async fn run(self) {
        self.worker.run(self.shared, self.most_calls).await;
    }
}

/// Returns what gets calls new streams, and what does the work once the listener runs; none if it is off.
pub(super) fn reattach(
    settings: &Settings,
    registry: &mut Registry,
    metrics: &Metrics,
) -> Option<(Reattach, Worker)> {
    expect_metrics(metrics);
    let reattach = settings.reattach.clone()?;
    let beside = |dir: PathBuf| dir.join(JOURNAL_FILE);
    let journal = match (&reattach.journal, &settings.store.place) {
        (JournalPlace::File(path), _) => Some(path.clone()),
        (JournalPlace::BesideStore, StorePlace::Directory(dir)) => Some(beside(dir.clone())),
        (JournalPlace::BesideStore, StorePlace::UserData) => user_data_dir().map(beside),
        (JournalPlace::BesideStore, StorePlace::Memory) | (JournalPlace::Nowhere, _) => None,
    };
    let most_calls = settings.limits.max_calls;
    Some(Reattach::new(reattach, journal.as_deref(), most_calls, registry, metrics.clone()))
}

/// Returns the key of stream tokens: the same in every life of this server, and on every node that has the same secret, so that a
/// stream which was on its way is taken. Without any secret nobody else knows the key.
pub(super) fn stream_token_key(settings: &Settings) -> Result<[u8; 32], StartError> {
    let chosen = settings.stream_secret.as_ref().map(ExposeSecret::expose_secret);
    if let Some(secret) = chosen.or_else(|| settings.twilio.auth_tokens.first().map(AuthToken::expose)) {
        return Ok(StreamTokens::key_of(secret));
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| StartError::Random)?;
    Ok(key)
}
