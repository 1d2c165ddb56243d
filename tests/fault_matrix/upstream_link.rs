//! Bridge to upstream: all connections of the bridge go through the proxy, and the server's side is the one that fails.

use std::time::Duration;

use crate::cells::{Kind, Moment};
use crate::joined::joined;
use crate::support::AGENT;
use crate::support::bridge::Bridge;
use crate::support::caller::{Call, Caller, FRAME_BYTES};
use crate::support::dashboard::{Dashboard, Update};
use crate::support::fault_proxy::{Cue, Culprit, Fault, FaultProxy, Line, Plan};
use crate::support::socket::Closing;
use crate::support::symbl_server::SymblServer;
use crate::support::wait::{wait_patiently, wait_until};
use crate::support::witness::Witness;

/// A server that is silent after the upgrade costs 15 seconds before it is tried again.
const LONG: Duration = Duration::from_secs(60);

/// Half a second of audio in 20 ms frames, and how many of them are said at once where time has to pass.
const FRAMES: usize = 25;
const FRAMES_AT_ONCE: usize = 5;
const FRAME_TIME: Duration = Duration::from_millis(20);

const START_REQUEST: &str = r#""type":"start_request""#;

/// The proxy's lines: the witness comes first.
const FAULTY_LINE: usize = 1;

pub(crate) async fn play(kind: Kind, moment: Moment) -> String {
    let server = SymblServer::start().await;
    let small_window = kind == Kind::StopReading;
    let proxy = FaultProxy::start(server.address(), Culprit::Server, small_window, 5).await;
    let settings = crate::settings(&proxy.base_url())
        .set("BRIDGE__SYMBL__ACK_TIMEOUT_MS", "3000")
        .set("BRIDGE__SYMBL__CONNECT_TIMEOUT_MS", "1000")
        .set("BRIDGE__SYMBL__STOP_TIMEOUT_MS", "60000");
    let bridge = settings.start().await;
    let mut witness = Witness::start(&bridge, &server).await;
    let link = UpstreamLink { bridge: &bridge, server: &server, proxy: &proxy, kind, moment };
    let (outcome, call_sid) = witness.during(async |dashboard| link.play(dashboard).await).await;
    let updates = witness.ends_whole(bridge).await;
    let interrupted = about(&updates, &call_sid, "connection_interrupted").len();
    let resumed = about(&updates, &call_sid, "connection_resumed").len();
    let failed = about(&updates, &call_sid, "connection_failed").len();
    assert_eq!(interrupted, resumed + usize::from(interrupted > 0) * failed, "pairs in {updates:#?}");
    assert_eq!(proxy.plans_left(), 0, "faults that never struck");
    outcome
}

fn about<'a>(updates: &'a [Update], call_sid: &str, kind: &str) -> Vec<&'a Update> {
    updates.iter().filter(|update| update.is(kind, call_sid)).collect()
}

struct UpstreamLink<'a> {
    bridge: &'a Bridge,
    server: &'a SymblServer,
    proxy: &'a FaultProxy,
    kind: Kind,
    moment: Moment,
}

impl UpstreamLink<'_> {
    async fn play(&self, dashboard: &Dashboard) -> (String, String) {
        let caller = Caller::new(AGENT);
        if self.moment == Moment::BeforeStart {
            self.proxy.plan(self.plans_for_new_connections(true));
        }
        let mut call = caller.call(self.bridge, "?room=faulty").await;
        let call_sid = call.caller.call_sid.clone();
        call.speak(FRAMES).await;
        if self.moment != Moment::BeforeStart {
            let line = self.proxy.line(FAULTY_LINE).await;
            self.until_acknowledged(&mut call, &line).await;
            self.strike(&mut call, &line).await;
        }
        if self.is_final() {
            let closing = call.closed().await;
            // At stop the caller's own end may come first.
            let is_stopped = self.moment == Moment::AtStop && closing == Closing::Code(1000);
            assert!(
                is_stopped || closing == Closing::Code(1011),
                "the media socket of a failed leg: {closing:?}"
            );
        } else {
            if self.moment != Moment::AtStop {
                call.speak(FRAMES).await;
                wait_until("the fault", || self.proxy.strikes() >= 1).await;
                if self.moment == Moment::BeforeStart {
                    self.wait_for("connection_started", &call_sid, dashboard).await;
                } else if !self.is_endured() {
                    self.wait_for("connection_resumed", &call_sid, dashboard).await;
                }
                call.speak(FRAMES).await;
            }
            call.hang_up(self.bridge).await;
        }
        let stopped = self.wait_for("connection_stopped", &call_sid, dashboard).await;
        assert!(self.proxy.strikes() >= 1, "no fault struck");
        let updates = dashboard.updates();
        let mut words = Vec::new();
        for interrupted in about(&updates, &call_sid, "connection_interrupted") {
            words.push(format!("`{}`, then ", interrupted.text("reason")));
        }
        if self.is_final() {
            words.truncate(0);
            assert_eq!(about(&updates, &call_sid, "connection_failed").len(), 1, "{updates:#?}");
            words.push("`connection_failed`".to_string());
        } else {
            self.assert_all_heard(&call);
            words.push("all audio".to_string());
        }
        (format!("{}; `{}`", words.concat(), stopped.text("reason")), call_sid)
    }

    /// Speaks in real time until the server has acknowledged some, then once more, so that some is not.
    async fn until_acknowledged(&self, call: &mut Call, line: &Line) {
        let deadline = tokio::time::Instant::now() + LONG;
        while line.pongs().is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "nothing was ever acknowledged");
            call.speak(FRAMES_AT_ONCE).await;
            tokio::time::sleep(FRAMES_AT_ONCE as u32 * FRAME_TIME).await;
        }
        call.speak(FRAMES_AT_ONCE).await;
        let leg = self.server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, "the caller, before the fault").await;
    }

    /// Lets the fault strike a line that has served until now, and those that follow it.
    async fn strike(&self, call: &mut Call, line: &Line) {
        let fault = if self.is_at_the_handshake() {
            self.proxy.plan(self.plans_for_new_connections(false));
            Fault::Vanish
        } else {
            self.kind.as_fault()
        };
        if self.moment == Moment::AtStop {
            // The last audio, and with it the `stop_request` right behind it.
            line.strike_at(Cue::Audio(call.sent.len() + FRAMES * FRAME_BYTES), fault);
        } else {
            line.switch(fault);
        }
        call.speak(FRAMES).await;
        if self.moment == Moment::AtStop && self.is_final() {
            call.stop().await;
        }
    }

    fn plans_for_new_connections(&self, at_the_start: bool) -> Vec<Plan> {
        let fault = self.kind.as_fault();
        let count = match self.kind {
            Kind::Refuse | Kind::SilentAccept | Kind::Unauthorized | Kind::Unavailable => 2,
            _ => 1,
        };
        let plan = if at_the_start && self.strikes_at_start_request() {
            Plan::at_text(fault, START_REQUEST)
        } else {
            Plan::from_the_beginning(fault)
        };
        vec![plan; count]
    }

    fn strikes_at_start_request(&self) -> bool {
        matches!(
            self.kind.as_fault(),
            Fault::Close(_) | Fault::Vanish | Fault::ResetInMidFrame | Fault::HalfOpen
        )
    }

    /// Whether it strikes new connections only. One that serves is lost first.
    fn is_at_the_handshake(&self) -> bool {
        matches!(
            self.kind.as_fault(),
            Fault::Refuse | Fault::SilentAccept | Fault::SilentUpgrade | Fault::Status(_)
        )
    }

    /// Whether the fault only makes the link worse.
    fn is_endured(&self) -> bool {
        matches!(self.kind.as_fault(), Fault::ByteByByte | Fault::Jitter | Fault::SlowLink)
    }

    /// Whether the leg cannot go on. A server that is done before it began is not asked again.
    fn is_final(&self) -> bool {
        matches!(self.kind, Kind::Unauthorized | Kind::ClosePolicy)
            || (self.kind, self.moment) == (Kind::CloseNormal, Moment::BeforeStart)
    }

    async fn wait_for(&self, kind: &str, call_sid: &str, dashboard: &Dashboard) -> Update {
        wait_patiently(LONG, &format!("{kind} of {call_sid}"), || {
            dashboard.updates().into_iter().find(|update| update.is(kind, call_sid))
        })
        .await
    }

    /// Nothing that the caller said is missing, and what was sent again begins where the last word on it was.
    fn assert_all_heard(&self, call: &Call) {
        let connections: Vec<Vec<u8>> =
            self.server.legs()[FAULTY_LINE..].iter().map(|leg| leg.audio()).collect();
        let starts = joined(&connections, &call.sent).unwrap_or_else(|fault| panic!("{fault}"));
        let pongs = self.proxy.lines()[FAULTY_LINE..].iter().flat_map(Line::pongs).collect::<Vec<_>>();
        for start in starts {
            let word = start.to_string().into_bytes();
            assert!(start == 0 || pongs.contains(&word), "sent again from {start} without a pong of that");
        }
    }
}
