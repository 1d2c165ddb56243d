//! The engine as a value: what all its handlers share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use super::analysis::Analysis;
use super::applications::{Applications, Credentials};
use super::conversation::Interrupted;
use super::counters::Counters;
use super::directory::{Directory, Seats};
use super::hearing::Hearing;
use super::http::refusal::Refusals;
use super::import::Imports;
use super::llm::stage::Stage;
use super::settings::EngineSettings;
use super::store::view::OpenConversation;
use super::store::{Store, StoreError};
use super::taking_over::Turns;
use super::token::TokenMint;

/// Messages of an interrupted conversation that its topics are made of after a restart.
const MESSAGES_REMEMBERED: usize = 2000;

/// How often it is looked whether the last transcript has been put down.
const IMPORT_CHECK: Duration = Duration::from_millis(20);

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
    imports: Imports,
    turns: Turns,
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
    /// Returns an engine; with no application configured, also the credentials made up for it, to be shown once.
    pub fn new(
        mut settings: EngineSettings,
        hearing: Arc<dyn Hearing>,
        analysis: Analysis,
        store: Arc<dyn Store>,
    ) -> (Self, Option<Credentials>) {
        let generated = settings.applications.is_empty().then(Credentials::generate);
        settings.applications.extend(generated.iter().map(Credentials::application));
        let key = settings.signing_key.as_ref().map(|key| key.expose_secret().as_bytes());
        let counters = Arc::new(Counters::default());
        let llm = settings.llm.as_ref().map(|llm| Stage::start(llm, Arc::clone(&counters), &store));
        let shared = Shared {
            applications: Applications::new(settings.applications.clone()),
            tokens: TokenMint::new(key, settings.token_lifetime()),
            directory: Directory::new(
                settings.limits.clone(),
                settings.timers.clone(),
                counters,
                analysis,
                store,
                llm,
            ),
            refusals: Refusals::new(&settings),
            imports: Imports::start(settings.limits.imports),
            turns: Turns::default(),
            hearing,
            settings,
        };
        (Self { shared: Arc::new(shared) }, generated)
    }

    /// Goes on with the conversations that a restart interrupted; returns how many. Reads the store, on this thread.
    ///
    /// Must be called on a thread that runs an actix system: the conversations live there.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn resume(&self) -> Result<usize, StoreError> {
        let (now_ms, grace_ms) = (unix_now_ms(), self.grace_ms());
        let store = self.store();
        let mut interrupted = Vec::new();
        for conversation in store.open_conversations(now_ms, grace_ms)? {
            interrupted.push(remember(&**store, conversation)?);
        }
        let count = interrupted.len();
        self.directory().resume(interrupted);
        Ok(count)
    }

    /// Returns how long conversations go on at least when a restart took their legs from them.
    pub(super) fn grace_ms(&self) -> i64 {
        i64::try_from(self.settings().timers.resume_grace.as_millis()).unwrap_or(i64::MAX)
    }

    /// Returns the turns of those that take conversations over.
    pub(super) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    /// Returns where conversations stay.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.directory().store()
    }

    /// Returns what judges sentences.
    pub fn analysis(&self) -> &Analysis {
        self.directory().analysis()
    }

    /// Refuses newcomers from now on; who is in may go on.
    pub fn refuse_newcomers(&self) {
        self.directory().refuse_newcomers();
    }

    /// Refuses newcomers, ends every leg in order, and waits for that at most `patience`; returns whether all ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.directory().drain();
        self.imports().stop();
        let ended = async {
            self.directory().emptied().await;
            while self.imports().unfinished() > 0 {
                tokio::time::sleep(IMPORT_CHECK).await;
            }
        };
        tokio::time::timeout(patience, ended).await.is_ok()
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

    pub(super) fn imports(&self) -> &Imports {
        &self.shared.imports
    }

    pub(super) fn refusals(&self) -> &Arc<Refusals> {
        &self.shared.refusals
    }
}

/// Returns a conversation with what was said last in it.
pub(super) fn remember(store: &dyn Store, conversation: OpenConversation) -> Result<Interrupted, StoreError> {
    let mut messages = store.messages(&conversation.record.id, false)?;
    let old = messages.len().saturating_sub(MESSAGES_REMEMBERED);
    let messages =
        messages.drain(old..).map(|message| (message.id, message.text, message.polarity)).collect();
    Ok(Interrupted { conversation, messages })
}

/// Returns milliseconds of Unix time, to the second.
pub(super) fn unix_now_ms() -> i64 {
    i64::try_from(unix_now_s()).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// Returns seconds of Unix time.
pub(super) fn unix_now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
