//! The engine as a value: what all its handlers share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use super::applications::{Applications, Credentials};
use super::counters::Counters;
use super::directory::{Directory, Seats};
use super::hearing::Hearing;
use super::http::refusal::Refusals;
use super::settings::EngineSettings;
use super::store::{SqliteStore, Store};
use super::token::TokenMint;

/// Everything that handlers and sockets of one engine share. Cloning it shares it.
#[derive(Clone)]
pub struct EngineState {
    shared: Arc<Shared>,
}

struct Shared {
    settings: EngineSettings,
    applications: Applications,
    tokens: TokenMint,
    directory: Arc<Directory>,
    hearing: Arc<dyn Hearing>,
    refusals: Arc<Refusals>,
    store: Arc<dyn Store>,
}

/// What is going on, for gauges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connection ids in use.
    pub connections: usize,
    /// Sockets.
    pub seats: Seats,
    /// Refusals that are being held back.
    pub held_refusals: usize,
}

impl EngineState {
    /// Returns an engine whose record ends with the process; with no application configured, also the credentials made
    /// up for it, to be shown once.
    pub fn new(settings: EngineSettings, hearing: Arc<dyn Hearing>) -> (Self, Option<Credentials>) {
        #[expect(clippy::expect_used, reason = "fails only where no memory or no thread is left")]
        let store = SqliteStore::in_memory().expect("memory for a store");
        Self::with_store(settings, hearing, Arc::new(store))
    }

    /// Returns an engine with a record that may outlive it, and credentials as [`Self::new`] does.
    pub fn with_store(
        mut settings: EngineSettings,
        hearing: Arc<dyn Hearing>,
        store: Arc<dyn Store>,
    ) -> (Self, Option<Credentials>) {
        let generated = settings.applications.is_empty().then(Credentials::generate);
        settings.applications.extend(generated.iter().map(Credentials::application));
        let key = settings.signing_key.as_ref().map(|key| key.expose_secret().as_bytes());
        let counters = Arc::new(Counters::default());
        let shared = Shared {
            applications: Applications::new(settings.applications.clone()),
            tokens: TokenMint::new(key, settings.token_lifetime()),
            directory: Directory::new(settings.limits.clone(), settings.timers.clone(), counters),
            refusals: Refusals::new(&settings),
            hearing,
            store,
            settings,
        };
        (Self { shared: Arc::new(shared) }, generated)
    }

    /// Refuses newcomers, ends every leg in order, and waits for that at most `patience`; returns whether all ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.directory().drain();
        tokio::time::timeout(patience, self.directory().emptied()).await.is_ok()
    }

    /// Returns what is going on.
    pub fn counts(&self) -> Counts {
        let (connections, seats) = self.directory().counts();
        Counts { connections, seats, held_refusals: self.refusals().held() }
    }

    /// Returns what has happened since the start.
    pub fn counters(&self) -> &Counters {
        self.directory().counters()
    }

    pub(super) fn settings(&self) -> &EngineSettings {
        &self.shared.settings
    }

    pub(super) fn applications(&self) -> &Applications {
        &self.shared.applications
    }

    pub(super) fn tokens(&self) -> &TokenMint {
        &self.shared.tokens
    }

    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.shared.directory
    }

    pub(super) fn hearing(&self) -> &dyn Hearing {
        &*self.shared.hearing
    }

    /// Returns the record that stays. What blocks belongs into `web::block`.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.shared.store)
    }

    pub(super) fn refusals(&self) -> &Arc<Refusals> {
        &self.shared.refusals
    }
}

/// Returns seconds of Unix time.
pub(super) fn unix_now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
