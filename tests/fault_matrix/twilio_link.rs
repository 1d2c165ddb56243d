//! Twilio to bridge: the caller's media socket comes through the proxy, and Twilio's side is the one that fails.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::cells::{Kind, Moment};
use crate::support::AGENT;
use crate::support::bridge::Bridge;
use crate::support::caller::{Call, Caller, FRAME_BYTES};
use crate::support::dashboard::Dashboard;
use crate::support::fault_proxy::{Culprit, Fault, FaultProxy, Plan};
use crate::support::socket::Closing;
use crate::support::symbl_server::{Ended, SymblServer};
use crate::support::wait::{wait_until, within};
use crate::support::witness::Witness;

/// The call's length in frames of 20 ms.
const FRAMES: usize = 100;
/// So many of them are heard before the others follow at once.
const FRAMES_BEFORE: usize = 20;
/// A fault in mid-speech meets the frame of this number, counted from 1.
const STRUCK_FRAME: usize = 60;
const AT_STRUCK_FRAME: &str = r#""chunk":"60""#;
const AT_START: &str = r#""event":"start""#;
const AT_STOP: &str = r#""event":"stop""#;

pub(crate) async fn play(fault: Kind, moment: Moment) -> String {
    let server = SymblServer::start().await;
    let settings = crate::settings(&server.base_url())
        .set("BRIDGE__MEDIA__START_TIMEOUT_MS", "3000")
        .set("BRIDGE__MEDIA__SILENCE_TIMEOUT_MS", "4000");
    let bridge = settings.start().await;
    let mut witness = Witness::start(&bridge, &server).await;
    let caller = Caller::new(AGENT);
    let call_sid = caller.call_sid.clone();
    let link = TwilioLink { bridge: &bridge, server: &server, fault: fault.as_fault() };
    let outcome = witness.during(async |dashboard| link.play(caller, moment, dashboard).await).await;
    let updates = witness.ends_whole(bridge).await;
    let has_leg = updates.iter().any(|update| update.text("callSid") == call_sid);
    assert_eq!(has_leg, outcome != NO_LEG, "updates about a leg: {updates:#?}");
    outcome
}

const NO_LEG: &str = "no leg begins";

struct TwilioLink<'a> {
    bridge: &'a Bridge,
    server: &'a SymblServer,
    fault: Fault,
}

impl TwilioLink<'_> {
    async fn play(&self, caller: Caller, moment: Moment, dashboard: &Dashboard) -> String {
        let small_window = self.fault == Fault::StopReading;
        let proxy = FaultProxy::start(self.bridge.address, Culprit::Client, small_window, 7).await;
        proxy.plan([match (moment, self.fault) {
            (Moment::BeforeStart, fault) if begins_with_the_socket(fault) => Plan::from_the_beginning(fault),
            (Moment::BeforeStart, fault) => Plan::at_text(fault, AT_START),
            (Moment::MidSpeech, fault) => Plan::at_text(fault, AT_STRUCK_FRAME),
            (Moment::AtStop, fault) => Plan::at_text(fault, AT_STOP),
        }]);
        if matches!(self.fault, Fault::Refuse | Fault::SilentAccept) {
            return self.without_a_socket(caller, &proxy).await;
        }
        let mut call = caller.call_through(proxy.address, self.bridge, "").await;
        if moment == Moment::BeforeStart && !self.is_endured() {
            return self.without_a_leg(&mut call, &proxy).await;
        }
        // A reset throws away what its receiver has not read: here that must be nothing, or nobody could say what arrived.
        let before = match (self.fault, moment) {
            (Fault::ResetInMidFrame, Moment::MidSpeech) => STRUCK_FRAME - 1,
            (Fault::ResetInMidFrame, _) => FRAMES,
            _ => FRAMES_BEFORE,
        };
        call.speak(before).await;
        let leg = self.server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, "the caller, before the fault").await;
        call.speak(FRAMES - before).await;
        call.stop().await;
        let passed =
            if moment == Moment::MidSpeech && !self.is_endured() { STRUCK_FRAME - 1 } else { FRAMES };
        leg.hears_exactly(&call.sent[..passed * FRAME_BYTES], "the caller").await;
        if self.is_endured() {
            call.socket.send_close(Some(1000)).await;
        }
        if (self.fault, moment) == (Fault::HalfOpen, Moment::AtStop) {
            // Twilio's own `stop` is lost; its callback comes another way.
            assert_eq!(call.caller.report(self.bridge, "completed").await.status, 204);
        }
        let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "the leg's connection");
        assert_eq!(leg.texts_of("stop_request").len(), 1, "stop_request");
        leg.hears_exactly(&call.sent[..passed * FRAME_BYTES], "the caller, to the end").await;
        assert_eq!(proxy.strikes(), 1, "strikes");
        if self.is_endured() && self.fault != Fault::StopReading {
            assert_eq!(call.closed().await, Closing::Code(1000), "the close frame's echo");
        }
        // Late or repeated, it must not end the leg once more.
        assert_eq!(call.caller.report(self.bridge, "completed").await.status, 204);
        let heard = if passed == FRAMES { "all audio" } else { "all that arrived" };
        format!("{heard}; `{}`", stopped.text("reason"))
    }

    /// Whether the fault only makes the link worse.
    fn is_endured(&self) -> bool {
        matches!(self.fault, Fault::StopReading | Fault::ByteByByte | Fault::Jitter | Fault::SlowLink)
    }

    /// The media socket never gets as far as its handshake.
    async fn without_a_socket(&self, caller: Caller, proxy: &FaultProxy) -> String {
        caller.twiml(self.bridge, "").await;
        let mut connection = TcpStream::connect(proxy.address).await.expect("connects to the proxy");
        wait_until("the fault", || proxy.strikes() == 1).await;
        let mut said = Vec::new();
        let _ = within("the end of the connection", connection.read_to_end(&mut said)).await;
        self.ends_without_a_leg(&caller).await
    }

    /// The media socket opens, and `start` never comes whole.
    async fn without_a_leg(&self, call: &mut Call, proxy: &FaultProxy) -> String {
        call.speak(1).await;
        wait_until("the fault", || proxy.strikes() == 1).await;
        if matches!(self.fault, Fault::SilentUpgrade | Fault::HalfOpen) {
            let refused = self.bridge.wait_for_event("media_socket_refused", |_| true).await;
            assert_eq!(refused["code"], 1008, "{refused}");
        }
        if self.fault != Fault::HalfOpen {
            let closing = call.closed().await;
            assert_eq!(closing == Closing::Code(1008), self.fault == Fault::SilentUpgrade, "{closing:?}");
        }
        self.ends_without_a_leg(&call.caller).await
    }

    /// Twilio reports the end of a call that was never streamed.
    async fn ends_without_a_leg(&self, caller: &Caller) -> String {
        assert_eq!(caller.report(self.bridge, "completed").await.status, 204);
        assert_eq!(self.server.legs().len(), 1, "connections of a call without a stream");
        NO_LEG.to_string()
    }
}

/// Whether "before start" means from the first byte on; all other faults meet the `start` message itself.
fn begins_with_the_socket(fault: Fault) -> bool {
    !matches!(fault, Fault::Close(_) | Fault::Vanish | Fault::ResetInMidFrame | Fault::HalfOpen)
}
