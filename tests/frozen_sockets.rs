//! Media sockets whose peer takes no bytes: they are heard as before, and end when they must.

mod support;

use support::bridge::Settings;
use support::caller::{Call, Caller};
use support::raw_socket::{RawSocket, frame};
use support::symbl_server::SymblServer;
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, STRANGER};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Longer than the test: what ends these sockets is not the kernel's patience.
const KERNEL_WAITS_MS: &str = "600000";

#[tokio::test]
async fn a_leg_whose_peer_reads_nothing_ends_when_its_call_does() {
    let server = SymblServer::start().await;
    let settings =
        Settings::with_upstream(&server.base_url()).set("BRIDGE__HTTP__PEER_TIMEOUT_MS", KERNEL_WAITS_MS);
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;

    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(&bridge, "").await;
    // A call beside it, to write its messages down.
    let mut script = Call::connect(&bridge, caller.clone(), twiml).await;
    let mut raw = RawSocket::open_with_small_buffers(bridge.address, "/twilio/media").await;
    let text = |message: String| frame(message.as_bytes(), OpCode::Data(Data::Text), true);
    raw.write(&text(script.start_message().to_string())).await;
    for _ in 0..5 {
        let media = script.next_media();
        raw.write(&text(media.to_string())).await;
    }
    let leg = server.leg_that_hears(&caller.first_bytes()).await;
    leg.hears_exactly(&script.sent, "the leg before it froze").await;
    witness.dashboard().wait_for("connection_started", &caller.call_sid).await;

    raw.jam().await;
    let media = script.next_media();
    raw.write(&text(media.to_string())).await;
    leg.hears_exactly(&script.sent, "the leg whose peer reads nothing").await;
    assert_eq!(caller.report(&bridge, "completed").await.status, 204);
    raw.broken().await;
    witness.dashboard().wait_for("connection_stopped", &caller.call_sid).await;
    assert_eq!(leg.texts_of("stop_request").len(), 1, "what was heard is concluded");
    assert_eq!(bridge.events("media_socket_cut").len(), 0, "nobody had to help");
    witness.ends_whole(bridge).await;
}

#[tokio::test]
async fn a_socket_that_freezes_before_its_start_is_gone_in_time() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__HTTP__PEER_TIMEOUT_MS", KERNEL_WAITS_MS)
        .set("BRIDGE__MEDIA__START_TIMEOUT_MS", "5000")
        .set("RUST_LOG", "info,symbl_bridge::census=debug");
    let bridge = settings.start().await;
    let mut raw = RawSocket::open_with_small_buffers(bridge.address, "/twilio/media").await;
    raw.jam().await;
    bridge.wait_for_event("media_socket_refused", |_| true).await;
    raw.broken().await;
    wait_until("no socket to be left", || {
        bridge.events("census").last().is_some_and(|census| census["sockets"] == 0)
    })
    .await;
    // A caller comes in as before.
    let mut call = Caller::new(STRANGER).call(&bridge, "").await;
    call.speak(2).await;
    server.leg_that_hears(&call.caller.first_bytes()).await;
    call.hang_up(&bridge).await;
    bridge.wait_for_event("leg_ended", |_| true).await;
    bridge.finish().await;
}
