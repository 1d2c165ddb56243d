//! What a whole call leaves in the log: enough for an operator, nothing of what was said.

mod support;

use serde_json::json;
use support::bridge::{APP_SECRET, AUTH_TOKEN, Bridge, Settings};
use support::caller::{Call, Caller};
use support::dashboard::Dashboard;
use support::http::{FORM, Request, form};
use support::socket::Socket;
use support::symbl_server::{Handshake, Script, SymblServer, message_response, recognition_result};
use support::{AGENT, CUSTOMER, STRANGER, TWILIO_NUMBER};

/// Words that no log message would hold by chance.
const SAID: &str = "marmalade zeppelin quarrels";
const WATCH_TOKEN: &str = "watch-token-of-the-dashboards";
const WRONG_WATCH_TOKEN: &str = "guessed-watch-token-of-nobody";
const WRONG_SIGNATURE: &str = "Z3Vlc3NlZFNpZ25hdHVyZT0=";

/// A server that has something to say to each leg, at its start and at its end, and fails first.
fn talkative() -> Script {
    let speaker = json!({ "userId": AGENT, "name": "Agent" });
    let mut script = Script {
        then_say: vec![
            recognition_result(SAID, &speaker).to_string(),
            message_response(SAID, &speaker).to_string(),
            format!("{{\"type\":\"broken {SAID}"),
            json!({ "type": "something_new", "text": SAID }).to_string(),
        ],
        last_words: vec![recognition_result(SAID, &speaker).to_string()],
        ..Script::default()
    };
    script.handshakes.push_back(Handshake::Refuse(503));
    script
}

/// Requests that are refused: unsigned, signed wrongly, from dashboards without the token.
async fn guess(bridge: &Bridge) {
    let pairs = Caller::new(STRANGER).form("ringing");
    for path in ["/twilio/twiml", "/twilio/statuschange"] {
        for signature in [None, Some(WRONG_SIGNATURE)] {
            let mut request = Request::new("POST", path).body(FORM, form(&pairs));
            if let Some(signature) = signature {
                request = request.header("X-Twilio-Signature", signature);
            }
            request.send(bridge.address).await;
        }
    }
    let bearer = format!("Bearer {WRONG_WATCH_TOKEN}");
    for (path, headers) in [
        (format!("/symbl/updates?token={WRONG_WATCH_TOKEN}"), vec![]),
        ("/symbl/updates".to_string(), vec![("Authorization", bearer.as_str())]),
        ("/symbl/updates".to_string(), vec![("Sec-WebSocket-Protocol", WRONG_WATCH_TOKEN)]),
    ] {
        let refused = Socket::open(bridge.address, &path, &headers).await.err();
        assert_eq!(refused, Some(401), "{path} {headers:?}");
    }
}

/// A whole call of two callers with everything that leaves a line; gives the log and what must not be in it.
async fn log_of_a_call(settings: Settings, server: &SymblServer) -> (String, Vec<String>) {
    let bridge = settings.set("BRIDGE__UPDATES__TOKEN", WATCH_TOKEN).start().await;
    let dashboard = Dashboard::join_at(bridge.address, &format!("/symbl/updates?token={WATCH_TOKEN}")).await;
    let mut secrets = Vec::new();
    guess(&bridge).await;
    // One room is named by the URL, the other for the number that was dialled.
    for (from, query) in [(AGENT, "?room=talk"), (CUSTOMER, "")] {
        let caller = Caller::new(from).with("CallerName", "Theodora Quillfeather");
        let mut call = caller.call(&bridge, query).await;
        secrets.push(call.twiml.parameter("token").to_string());
        call.speak(5).await;
        call.socket.send_text(r#"{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"7"}}"#).await;
        call.socket.send_text(format!("no JSON, but {SAID}")).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, from).await;
        dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        // A token a second time.
        let mut thief = Call::connect(&bridge, call.caller.clone(), call.twiml.clone()).await;
        thief.start().await;
        thief.closed().await;
        call.hang_up(&bridge).await;
        dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    // A socket that is turned away leaves a line too.
    let caller = Caller::new(CUSTOMER);
    let twiml = caller.twiml(&bridge, "").await;
    let mut refused = support::caller::Call::connect(&bridge, caller, twiml).await;
    let mut start = refused.start_message();
    start["start"]["customParameters"]["token"] = json!("v1.guessed.token");
    refused.start_with(start).await;
    refused.closed().await;
    bridge.wait_for_event("media_socket_refused", |_| true).await;
    bridge.process().signal("TERM");
    let finished = bridge.finish_signalled().await;
    secrets.extend(server.issued_tokens());
    let known = [APP_SECRET, AUTH_TOKEN, WATCH_TOKEN, WRONG_WATCH_TOKEN, WRONG_SIGNATURE, "v1.guessed.token"];
    secrets.extend(known.map(str::to_string));
    (format!("{}\n{}", finished.stdout, finished.stderr), secrets)
}

/// Every setting of detail that an operator may choose.
#[tokio::test]
async fn the_log_of_a_call_holds_no_word_no_number_and_no_secret() {
    for level in ["the default", "info", "debug", "trace"] {
        let server = SymblServer::start_with(talkative()).await;
        let settings = Settings::with_upstream(&server.base_url()).set("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
        let settings = match level {
            "the default" => settings.without("RUST_LOG"),
            level => settings.set("RUST_LOG", level),
        };
        let (log, secrets) = log_of_a_call(settings, &server).await;
        for word in SAID.split(' ') {
            assert!(!log.contains(word), "{level}: {word:?} in the log:\n{log}");
        }
        for number in [AGENT, CUSTOMER, STRANGER, TWILIO_NUMBER] {
            let digits = number.trim_start_matches('+');
            assert!(!log.contains(digits), "{level}: {number} in the log:\n{log}");
            assert!(!log.contains(&format!("%2B{digits}")), "{level}: {number} in the log:\n{log}");
        }
        assert!(!log.contains("Quillfeather"), "{level}: the caller's name in the log:\n{log}");
        assert!(!log.contains(r#""digit""#), "{level}: a key pressed in the log:\n{log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{level}: {secret:?} in the log:\n{log}");
        }
        assert!(log.contains("signature_refused"), "{level}: what is refused leaves a line:\n{log}");
        assert!(log.contains("0001"), "{level}: the last four digits are there to recognise a caller by");
    }
}

#[tokio::test]
async fn transcripts_are_in_the_log_when_an_operator_asks_for_them() {
    let server = SymblServer::start_with(talkative()).await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__LOG__TRANSCRIPTS", "true");
    let (log, secrets) = log_of_a_call(settings, &server).await;
    assert!(log.contains(SAID), "no transcript in the log:\n{log}");
    assert!(!log.contains(AGENT), "a full number in the log:\n{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret:?} in the log:\n{log}");
    }
}

#[tokio::test]
async fn every_line_about_a_leg_says_which_leg() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(AGENT).call(&bridge, "?room=lines").await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    bridge.wait_for_event("leg_ended", |_| true).await;
    let lines = bridge.process().log();
    let of_the_leg: Vec<_> =
        lines.iter().filter(|line| line["call_sid"] == call.caller.call_sid.as_str()).collect();
    for event in ["call_announced", "leg_started", "leg_connected", "media_ended", "leg_ended"] {
        let line = of_the_leg.iter().find(|line| line["event"] == event);
        let line = line.unwrap_or_else(|| panic!("no line {event} about the leg"));
        assert_eq!(line["room"], "lines", "{line}");
        if event != "call_announced" {
            assert_eq!(line["stream_sid"], call.caller.stream_sid.as_str(), "{line}");
            assert_eq!(line["connection_id"], leg.connection_id.as_str(), "{line}");
        }
    }
    for line in &of_the_leg {
        for key in ["ts", "level", "event", "call_sid", "stream_sid", "connection_id", "room"] {
            assert!(line[key].is_string(), "{key} is missing in {line}");
        }
    }
    bridge.finish().await;
}
