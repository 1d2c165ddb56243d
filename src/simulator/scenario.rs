//! Several callers, at once or one after another, in shared conferences.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::address::BadAddress;
use super::phone::{Phone, PhoneOptions, Progress};
use super::report::CallReport;
use super::rooms::Rooms;
use super::webhooks::client;

/// Told how the call of a caller, counted from 0, goes on.
type OnProgress = Rc<dyn Fn(usize, &Progress)>;

/// Callers and when they call.
pub struct Scenario {
    calls: Vec<PhoneOptions>,
    waits: Vec<Duration>,
    hang_up: CancellationToken,
    on_progress: OnProgress,
}

impl Scenario {
    /// Returns a scenario in which all call at once.
    pub fn new(calls: Vec<PhoneOptions>) -> Self {
        Self { calls, waits: Vec::new(), hang_up: CancellationToken::new(), on_progress: Rc::new(|_, _| {}) }
    }

    /// Lets so much time pass from one caller to the next.
    #[must_use]
    pub fn staggered(self, stagger: Duration) -> Self {
        let callers = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.waiting((0..callers).map(|index| stagger.saturating_mul(index)).collect())
    }

    /// Lets each caller wait for a time of its own; those beyond the list call at once.
    #[must_use]
    pub fn waiting(mut self, waits: Vec<Duration>) -> Self {
        self.waits = waits;
        self
    }

    /// Lets all hang up when the token is cancelled.
    #[must_use]
    pub fn hung_up_by(mut self, hang_up: &CancellationToken) -> Self {
        self.hang_up = hang_up.child_token();
        self
    }

    /// Reports how each call goes on; the number is the caller's, from 0.
    #[must_use]
    pub fn on_progress(mut self, on_progress: impl Fn(usize, &Progress) + 'static) -> Self {
        self.on_progress = Rc::new(on_progress);
        self
    }

    /// Runs all calls to their end; the reports are in the order of the callers. Who had not
    /// called yet when all were told to hang up does not call, and has no report.
    pub async fn run(self) -> Result<Vec<CallReport>, BadAddress> {
        let (rooms, client) = (Rooms::default(), client());
        let mut calls = Vec::new();
        for (index, options) in self.calls.into_iter().enumerate() {
            let wait = self.waits.get(index).copied().unwrap_or_default();
            let (hang_up, on_progress) = (self.hang_up.clone(), self.on_progress.clone());
            let phone = Phone::new(options)
                .in_rooms(&rooms)
                .using(&client)
                .hung_up_by(&hang_up)
                .on_progress(move |progress| on_progress(index, progress));
            calls.push(async move {
                tokio::select! {
                    biased;
                    () = hang_up.cancelled() => Ok(None),
                    () = tokio::time::sleep(wait) => phone.call().await.map(Some),
                }
            });
        }
        join_all(calls).await.into_iter().filter_map(Result::transpose).collect()
    }
}
