//! A call that must not notice what happens to others.

use std::time::Duration;

use super::CUSTOMER;
use super::bridge::Bridge;
use super::caller::{Call, Caller};
use super::dashboard::{self, Dashboard, Update};
use super::symbl_server::{Ended, Leg, SymblServer};

/// Half a second of audio before the event, and again after it.
const FRAMES: usize = 25;

/// How a witness speaks on: so many frames, then as long a pause as they last.
const FRAMES_AT_ONCE: usize = 10;
const FRAME_TIME: Duration = Duration::from_millis(20);

/// A call under way, with a dashboard that has watched the bridge from the beginning.
pub struct Witness {
    call: Call,
    leg: Leg,
    dashboard: Dashboard,
}

impl Witness {
    /// Calls a fresh bridge and is heard.
    pub async fn start(bridge: &Bridge, server: &SymblServer) -> Self {
        let dashboard = Dashboard::join(bridge).await;
        let mut call = Caller::new(CUSTOMER).call(bridge, "?room=witness").await;
        call.speak(FRAMES).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, "the witness").await;
        dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        Self { call, leg, dashboard }
    }

    /// The dashboard that has watched from the beginning.
    pub fn dashboard(&self) -> &Dashboard {
        &self.dashboard
    }

    /// Speaks on, frame by frame, while `what` happens, which may watch the dashboard.
    pub async fn during<T>(&mut self, what: impl AsyncFnOnce(&Dashboard) -> T) -> T {
        let (call, dashboard) = (&mut self.call, &self.dashboard);
        let speaking = async {
            loop {
                call.speak(FRAMES_AT_ONCE).await;
                tokio::time::sleep(FRAMES_AT_ONCE as u32 * FRAME_TIME).await;
            }
        };
        tokio::select! {
            happened = what(dashboard) => happened,
            never = speaking => never,
        }
    }

    /// Goes on, hangs up and was whole throughout; then ends the bridge and gives every update there was.
    pub async fn ends_whole(mut self, bridge: Bridge) -> Vec<Update> {
        self.call.speak(FRAMES).await;
        self.call.hang_up(&bridge).await;
        assert_eq!(self.leg.end().await, Ended::CloseFrame(Some(1000)), "the witness's connection");
        self.leg.hears_exactly(&self.call.sent, "the witness").await;
        self.dashboard.wait_for("connection_stopped", &self.call.caller.call_sid).await;
        dashboard::finish(bridge, self.dashboard).await
    }
}
