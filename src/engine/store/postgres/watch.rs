//! The thread that says that this engine lives, hears of changed trackers, and ends what dead engines left open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use log::{error, info, warn};

use super::change;
use super::session::{Address, Session};
use super::tracker::{self, Trackers};
use crate::engine::store::StoreError;

/// How often an engine says that it lives. The queries count one as dead that was not seen for thirty seconds.
const BEAT: Duration = Duration::from_secs(5);

/// How often it is looked for what dead engines left open.
const ROUND: Duration = Duration::from_secs(10);

/// How long the connection has to stand before anybody is taken for dead: after a failure of the database all engines
/// have been silent, and each gets the time to say that it lives.
const FAIRNESS: Duration = Duration::from_secs(40);

/// How long one wait takes: the end of the store waits for it.
const WAIT: Duration = Duration::from_millis(200);

/// The thread; it ends when this is dropped.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    node: String,
    trackers: Arc<Trackers>,
    /// How long conversations go on at least when nobody is in them; negative until the engine says so.
    grace_ms: AtomicI64,
    is_ending: AtomicBool,
}

impl Watch {
    /// Starts the thread.
    pub(super) fn start(
        address: &Arc<Address>,
        node: &str,
        trackers: &Arc<Trackers>,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            node: node.to_owned(),
            trackers: Arc::clone(trackers),
            grace_ms: AtomicI64::new(-1),
            is_ending: AtomicBool::new(false),
        });
        let (own, session) = (Arc::clone(&shared), Session::new(Arc::clone(address)));
        match thread::Builder::new().name("store-watch".to_owned()).spawn(move || own.run(session)) {
            Ok(thread) => Ok(Self { shared, thread: Some(thread) }),
            Err(error) => {
                error!(error:% = error; "no thread for the store");
                Err(StoreError::Stalled)
            }
        }
    }

    /// Ends abandoned conversations from now on, so long after the last thing known of them.
    pub(super) fn keep_house(&self, grace_ms: i64) {
        self.shared.grace_ms.store(grace_ms.max(0), Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that watches the store had panicked");
        }
    }
}

impl Shared {
    fn run(&self, mut session: Session) {
        while !self.is_ending() {
            // Why the connection broke was said where it broke.
            if let Err(error) = self.watch(&mut session)
                && session.is_connected()
            {
                warn!(error:% = error; "the store's watch failed; it begins again");
            }
            if !self.is_ending() {
                thread::park_timeout(WAIT);
            }
        }
        if session.is_connected() {
            // Otherwise the others find out by themselves.
            let _ = session.read(|access| change::say_good_bye(access, &self.node));
        }
    }

    /// Watches until the store ends or the connection breaks.
    fn watch(&self, session: &mut Session) -> Result<(), StoreError> {
        session.read(|access| Ok(access.batch(tracker::LISTEN)?))?;
        let (connection, connected_at) = (session.connection(), Instant::now());
        let (mut beat_at, mut round_at) = (None::<Instant>, connected_at);
        let mut is_stale = true;
        while !self.is_ending() {
            if std::mem::take(&mut is_stale) {
                self.trackers.refresh(|| session.read(tracker::all))?;
            }
            if beat_at.is_none_or(|at| at.elapsed() >= BEAT) {
                session.read(|access| change::beat(access, &self.node))?;
                beat_at = Some(Instant::now());
            }
            if connected_at.elapsed() >= FAIRNESS && round_at.elapsed() >= ROUND {
                self.end_abandoned(session)?;
                round_at = Instant::now();
            }
            is_stale = session.notified(WAIT)?;
            if session.connection() != connection {
                // Another has taken the place of one that broke, and nobody listens on it.
                return Ok(());
            }
        }
        Ok(())
    }

    fn end_abandoned(&self, session: &mut Session) -> Result<(), StoreError> {
        let grace_ms = self.grace_ms.load(Ordering::Relaxed);
        if grace_ms < 0 {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let conversations =
            session.transaction(|access| change::end_abandoned(access, now_ms, grace_ms, true))?;
        if conversations > 0 {
            info!(conversations; "conversations of engines that are gone have ended");
        }
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }
}
