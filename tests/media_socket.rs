//! The media socket: who is let in, what is tolerated, and with which code the rest is closed.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::caller::{CONNECTED, Call, Caller, Random, open_media};
use support::dashboard::{self, Dashboard};
use support::http::get;
use support::raw_socket::{self, RawSocket};
use support::socket::Closing;
use support::symbl_server::{Ended, SymblServer};
use support::wait::wait_until;
use support::witness::Witness;
use support::{AGENT, STRANGER};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

const TEXT: OpCode = OpCode::Data(Data::Text);
const CLOSE: OpCode = OpCode::Control(Control::Close);
const CONTINUE: OpCode = OpCode::Data(Data::Continue);

/// A call that has its TwiML and its socket, and has said nothing yet.
async fn about_to_start(bridge: &Bridge) -> Call {
    let caller = Caller::new(AGENT);
    let twiml = caller.twiml(bridge, "").await;
    Call::connect(bridge, caller, twiml).await
}

/// A change to a right `start` message; another call's sid and token are at hand.
type Change = fn(&mut Value, &str, &str);

#[tokio::test]
async fn a_start_that_does_not_fit_is_refused_with_a_code_and_a_reason() {
    let server = SymblServer::start().await;
    // A `start` without a right call sid is none, so that the socket stays without one.
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__START_TIMEOUT_MS", "1000");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    let changes: [(&str, u16, Change); 13] = [
        ("an unknown token", 1008, |start, _, _| {
            start["start"]["customParameters"]["token"] = json!("v1.1.Zm9v")
        }),
        ("an empty token", 1008, |start, _, _| start["start"]["customParameters"]["token"] = json!("")),
        ("another call's token", 1008, |start, _, token| {
            start["start"]["customParameters"]["token"] = json!(token);
        }),
        ("another call's sid", 1008, |start, sid, _| start["start"]["callSid"] = json!(sid)),
        ("a sid of no call", 1008, |start, _, _| {
            start["start"]["callSid"] = json!("CA00000000000000000000000000000000")
        }),
        ("no call sid", 1008, |start, _, _| drop(start["start"].as_object_mut().unwrap().remove("callSid"))),
        ("a call sid too long", 1008, |start, _, _| start["start"]["callSid"] = json!("C".repeat(10_000))),
        ("16 bits a sample", 1003, |start, _, _| {
            start["start"]["mediaFormat"]["encoding"] = json!("audio/x-l16")
        }),
        ("A-law", 1003, |start, _, _| start["start"]["mediaFormat"]["encoding"] = json!("audio/x-alaw")),
        ("16000 samples a second", 1003, |start, _, _| {
            start["start"]["mediaFormat"]["sampleRate"] = json!(16_000)
        }),
        ("a sample rate in words", 1003, |start, _, _| {
            start["start"]["mediaFormat"]["sampleRate"] = json!("fast")
        }),
        ("two channels", 1003, |start, _, _| start["start"]["mediaFormat"]["channels"] = json!(2)),
        ("two channels as text", 1003, |start, _, _| start["start"]["mediaFormat"]["channels"] = json!("2")),
    ];
    let other = Caller::new(STRANGER);
    let other_twiml = other.twiml(&bridge, "").await;
    for (what, code, change) in changes {
        let mut call = about_to_start(&bridge).await;
        let mut start = call.start_message();
        change(&mut start, &other.call_sid, other_twiml.parameter("token"));
        let refused = bridge.events("media_socket_refused").len();
        call.start_with(start.clone()).await;
        assert_eq!(call.closed().await, Closing::Code(code), "{what}");
        wait_until(&format!("a log line about {what}"), || {
            bridge.events("media_socket_refused").len() == refused + 1
        })
        .await;
        let line = bridge.events("media_socket_refused").pop().expect("just counted");
        let reason = line["reason"].as_str().expect("a reason");
        assert!(!reason.is_empty(), "{what}: {line}");
        if what == "16 bits a sample" {
            assert!(reason.contains("audio/x-l16"), "the format is refused by name: {line}");
        }
    }
    // Nobody else's token was used up by that.
    let mut other = Call::connect(&bridge, other, other_twiml).await;
    other.start().await;
    other.speak(3).await;
    let leg = server.leg_that_hears(&other.caller.first_bytes()).await;
    leg.hears_exactly(&other.sent, "the other call").await;
    other.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &other.caller.call_sid).await;
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 4, "nothing but the witness and the other call: {updates:#?}");
}

#[tokio::test]
async fn a_token_opens_one_socket_only() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = about_to_start(&bridge).await;
    call.start().await;
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the first socket").await;
    let mut thief = Call::connect(&bridge, call.caller.clone(), call.twiml.clone()).await;
    thief.start().await;
    assert_eq!(thief.closed().await, Closing::Code(1008), "a token a second time");
    call.speak(3).await;
    leg.hears_exactly(&call.sent, "the first socket").await;
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    let mut late = Call::connect(&bridge, call.caller.clone(), call.twiml.clone()).await;
    late.start().await;
    assert_eq!(late.closed().await, Closing::Code(1008), "a token after its call");
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 4, "{updates:#?}");
}

#[tokio::test]
async fn a_socket_without_a_start_in_time_is_closed() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__START_TIMEOUT_MS", "700");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    for what in ["nothing", "connected", "media"] {
        let mut call = about_to_start(&bridge).await;
        match what {
            "connected" => call.socket.send_text(CONNECTED).await,
            "media" => call.speak(5).await,
            _ => {}
        }
        assert_eq!(call.closed().await, Closing::Code(1008), "{what}");
    }
    // Trickling pings is no start either.
    let mut pinging = about_to_start(&bridge).await;
    pinging.ping(b"still here").await;
    assert_eq!(pinging.closed().await, Closing::Code(1008), "a ping");
    wait_until("a log line about each", || bridge.events("media_socket_refused").len() == 4).await;
    let updates = witness.ends_whole(bridge).await;
    assert_eq!(updates.len(), 2, "nothing but the witness: {updates:#?}");
}

#[tokio::test]
async fn a_second_start_is_ignored_when_equal_and_fatal_when_not() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let witness = Witness::start(&bridge, &server).await;
    let mut call = about_to_start(&bridge).await;
    call.start().await;
    call.speak(3).await;
    let again = call.start_message();
    call.socket.send_text(again.to_string()).await;
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    let mut other = again;
    other["streamSid"] = json!("MZ00000000000000000000000000000000");
    other["start"]["streamSid"] = other["streamSid"].clone();
    call.socket.send_text(other.to_string()).await;
    assert_eq!(call.closed().await, Closing::Code(1008));
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    leg.hears_exactly(&call.sent, "the caller").await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    witness.ends_whole(bridge).await;
}

/// Rules of reference 4.4 for a tolerant parser.
#[tokio::test]
async fn numbers_for_texts_other_orders_and_unknown_fields_are_understood() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    let mut start = call.start_message();
    start["sequenceNumber"] = json!(1);
    start["news"] = json!({ "nested": [1, 2, { "event": "stop" }] });
    start["start"]["mediaFormat"] =
        json!({ "channels": "1", "sampleRate": "8000", "encoding": "audio/x-mulaw" });
    start["start"]["customParameters"]["unknown"] = json!("something");
    call.start_with(start).await;
    let mut random = Random::new(7);
    let mut said = Vec::new();
    let sid = call.caller.stream_sid.clone();
    for (number, length) in [1, 159, 160, 161, 320, 8000].into_iter().enumerate() {
        let audio = random.bytes(length);
        let payload = STANDARD.encode(&audio);
        let (sequence, chunk) = (number + 2, number + 1);
        let text = match number {
            0 => format!(
                r#"{{"streamSid":"{sid}","media":{{"payload":"{payload}","track":"inbound","chunk":{chunk}}},"sequenceNumber":{sequence},"event":"media"}}"#
            ),
            1 => format!(
                r#" {{ "media" : {{ "extra": {{"payload":"AAAA"}}, "payload" : "{payload}", "timestamp": 155 }}, "event" : "media" }} "#
            ),
            2 => json!({
                "event": "media", "sequenceNumber": null, "streamSid": sid,
                "media": { "track": "inbound", "chunk": null, "timestamp": null, "payload": payload }
            })
            .to_string(),
            // Escapes are legal anywhere in a JSON text.
            3 => format!(
                r#"{{"\u0065vent":"medi\u0061","streamSid":"{sid}","media":{{"track":"inbound","payload":"{}"}}}}"#,
                payload.replace('/', "\\/")
            ),
            _ => json!({
                "event": "media", "sequenceNumber": sequence, "streamSid": sid,
                "media": { "track": "inbound", "chunk": chunk, "timestamp": "900", "payload": payload }
            })
            .to_string(),
        };
        call.socket.send_text(text).await;
        said.extend(audio);
    }
    let leg = server.leg_that_hears(&said[..160]).await;
    leg.hears_exactly(&said, "the caller").await;
    call.hang_up(&bridge).await;
    leg.hears_exactly(&said, "the caller").await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn only_the_callers_own_track_and_stream_are_heard() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    let mut start = call.start_message();
    start["start"]["tracks"] = json!(["inbound", "outbound"]);
    call.start_with(start).await;
    for _ in 0..10 {
        call.speak(1).await;
        // What Twilio plays to the caller, and a frame of another stream.
        let mut outbound = call.foreign_media();
        outbound["media"]["track"] = json!("outbound");
        call.socket.send_text(outbound.to_string()).await;
        let mut foreign = call.foreign_media();
        foreign["streamSid"] = json!("MZ00000000000000000000000000000000");
        call.socket.send_text(foreign.to_string()).await;
    }
    call.speak(1).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller's own track").await;
    call.hang_up(&bridge).await;
    leg.hears_exactly(&call.sent, "the caller's own track").await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_jump_in_the_numbering_is_logged_and_what_came_is_heard() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    call.start().await;
    call.speak(3).await;
    let huge = u64::MAX.to_string();
    for kind in ["missing_messages", "time_jump", "restart", "duplicate", "out_of_order"] {
        let lines_before = bridge.events("media_gap").len();
        match kind {
            "missing_messages" => {
                call.lose(4);
                call.speak(1).await;
            }
            "time_jump" => {
                let mut media = call.next_media();
                media["media"]["timestamp"] = json!("5000000");
                call.socket.send_text(media.to_string()).await;
            }
            "restart" => {
                let mut media = call.next_media();
                media["sequenceNumber"] = json!(huge);
                media["media"]["chunk"] = json!(huge);
                media["media"]["timestamp"] = json!(huge);
                call.socket.send_text(media.to_string()).await;
                // The next one is as far from that as that was from those before.
                call.speak(3).await;
            }
            // Heard once, however often it comes.
            "duplicate" => {
                let media = call.next_media().to_string();
                call.socket.send_text(media.clone()).await;
                call.socket.send_text(media).await;
            }
            // What comes after its successors comes too late.
            _ => {
                let heard_so_far = call.sent.len();
                let late = call.next_media().to_string();
                call.sent.truncate(heard_so_far);
                call.speak(1).await;
                call.socket.send_text(late).await;
            }
        }
        wait_until(&format!("a log line about {kind}"), || {
            bridge.events("media_gap")[lines_before..].iter().any(|line| line["kind"] == kind)
        })
        .await;
    }
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    call.hang_up(&bridge).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn messages_in_fragments_are_put_together() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    call.start().await;
    for pieces in [2, 3, 50] {
        let text = call.next_media().to_string();
        let size = text.len().div_ceil(pieces);
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        for (number, chunk) in chunks.iter().enumerate() {
            let opcode = if number == 0 { TEXT } else { CONTINUE };
            let frame = Frame::message(chunk.to_vec(), opcode, number + 1 == chunks.len());
            call.socket.send_frame(frame).await;
            if number == 0 {
                // A control frame may come between fragments, and is answered there.
                call.ping(format!("between {pieces}").as_bytes()).await;
            }
        }
    }
    call.speak(1).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    call.hang_up(&bridge).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_call_one_byte_at_a_time_is_a_call() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    let mut bytes = raw_socket::frame(CONNECTED.as_bytes(), TEXT, true);
    bytes.extend(raw_socket::frame(call.start_message().to_string().as_bytes(), TEXT, true));
    for _ in 0..3 {
        bytes.extend(raw_socket::frame(call.next_media().to_string().as_bytes(), TEXT, true));
    }
    let mut slow = RawSocket::open(bridge.address, "/twilio/media").await;
    for byte in bytes {
        slow.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, "the slow caller").await;
    assert_eq!(call.caller.report(&bridge, "completed").await.status, 204);
    let (texts, closing) = slow.read_to_end().await;
    assert_eq!((texts.len(), closing), (0, Closing::Code(1000)));
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    dashboard::finish(bridge, dashboard).await;
}

/// What breaks the WebSocket protocol, with the codes that fit (RFC 6455 7.4.1, reference 7.3 rows 27 to 30).
fn broken_frames() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let large = vec![b'x'; 70_000];
    let mut unmasked = vec![0x81, 5];
    unmasked.extend_from_slice(b"hello");
    let mut many_empty = raw_socket::frame(b"{", TEXT, false);
    for _ in 0..50_000 {
        many_empty.extend(raw_socket::frame(b"", CONTINUE, false));
    }
    let mut large_in_pieces = raw_socket::frame(&large[..40_000], TEXT, false);
    large_in_pieces.extend(raw_socket::frame(&large[..40_000], CONTINUE, true));
    let mut text_in_text = raw_socket::frame(b"{", TEXT, false);
    text_in_text.extend(raw_socket::frame(b"{", TEXT, true));
    vec![
        ("a message of 70 kB", raw_socket::frame(&large, TEXT, true), &[1009]),
        ("a message of 80 kB in pieces", large_in_pieces, &[1009]),
        ("the promise of 4 GiB", vec![0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], &[1009]),
        ("50 000 empty fragments", many_empty, &[1002, 1008, 1009]),
        ("text that is not UTF-8", raw_socket::frame(b"{\"event\":\"\xff\xfe\"}", TEXT, true), &[1007]),
        ("a frame without a mask", unmasked, &[1002]),
        ("an unknown opcode", vec![0x83, 0x80, 1, 2, 3, 4], &[1002]),
        ("a reserved bit", vec![0xc1, 0x80, 1, 2, 3, 4], &[1002]),
        ("a continuation of nothing", raw_socket::frame(b"{}", CONTINUE, true), &[1002]),
        ("a text inside a text", text_in_text, &[1002]),
        ("a ping in fragments", vec![0x09, 0x80, 1, 2, 3, 4], &[1002]),
        (
            "a long ping",
            {
                let mut ping = vec![0x89, 0xfe, 0, 126, 0, 0, 0, 0];
                ping.extend([0; 126]);
                ping
            },
            &[1002],
        ),
    ]
}

#[tokio::test]
async fn broken_frames_close_their_own_socket_before_and_after_start() {
    let server = SymblServer::start().await;
    // A frame that is never complete must end by its size, not by these limits.
    let settings = Settings::with_upstream(&server.base_url())
        .set("BRIDGE__MEDIA__START_TIMEOUT_MS", "3000")
        .set("BRIDGE__MEDIA__SILENCE_TIMEOUT_MS", "3000");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut wrong = Vec::new();
    for (what, bytes, codes) in broken_frames() {
        let mut early = RawSocket::open(bridge.address, "/twilio/media").await;
        early.write(&bytes).await;
        let (_, closing) = early.read_to_end().await;
        if !codes.iter().any(|code| closing == Closing::Code(*code)) {
            wrong.push(format!("{what} before start: {closing:?}, not one of {codes:?}"));
        }

        let mut call = about_to_start(&bridge).await;
        let mut socket = RawSocket::open(bridge.address, "/twilio/media").await;
        for text in [CONNECTED, &call.start_message().to_string(), &call.next_media().to_string()] {
            socket.write(&raw_socket::frame(text.as_bytes(), TEXT, true)).await;
        }
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        socket.write(&bytes).await;
        let (texts, closing) = socket.read_to_end().await;
        if !codes.iter().any(|code| closing == Closing::Code(*code)) {
            wrong.push(format!("{what} after start: {closing:?}, not one of {codes:?}"));
        }
        assert_eq!(texts.len(), 0, "{what}");
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)), "{what}");
        leg.hears_exactly(&call.sent, what).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    dashboard::finish(bridge, dashboard).await;
}

#[tokio::test]
async fn a_trailing_slash_and_a_request_without_upgrade_are_answered() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let plain = get(bridge.address, "/twilio/media").await;
    assert!((400..500).contains(&plain.status), "a plain GET: {}", plain.status);
    // Twilio may sign and call the address with a slash at its end (reference 5.5).
    let mut socket = RawSocket::open(bridge.address, "/twilio/media/").await;
    socket.write(&raw_socket::frame(b"\x03\xe8", CLOSE, true)).await;
    let (texts, closing) = socket.read_to_end().await;
    assert_eq!((texts.len(), closing), (0, Closing::Code(1000)), "the close frame is echoed");
    bridge.finish().await;
}

/// Strangers who open sockets and say nothing must not keep callers out.
#[tokio::test]
async fn many_silent_sockets_keep_no_caller_out() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__START_TIMEOUT_MS", "2000");
    let bridge = settings.start().await;
    let witness = Witness::start(&bridge, &server).await;
    let mut silent = Vec::new();
    for _ in 0..150 {
        silent.push(open_media(&bridge).await);
    }
    let mut call = Caller::new(STRANGER).call(&bridge, "").await;
    call.speak(3).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "a caller").await;
    call.hang_up(&bridge).await;
    witness.dashboard().wait_for("connection_stopped", &call.caller.call_sid).await;
    for socket in &silent {
        assert_eq!(socket.closed("a silent socket").await, Closing::Code(1008));
    }
    witness.ends_whole(bridge).await;
}

/// A half-open connection: no bytes, no end (reference 7.3, row 10).
#[tokio::test]
async fn a_stream_that_falls_silent_for_good_is_ended() {
    let server = SymblServer::start().await;
    let settings =
        Settings::with_upstream(&server.base_url()).set("BRIDGE__MEDIA__SILENCE_TIMEOUT_MS", "1000");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = about_to_start(&bridge).await;
    call.start().await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    let closing = call.closed().await;
    assert!(matches!(closing, Closing::Code(1000 | 1001 | 1008)), "{closing:?}");
    let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "media_silence");
    assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
    leg.hears_exactly(&call.sent, "the caller").await;
    dashboard::finish(bridge, dashboard).await;
}
