//! Phones that call a small bridge of our own, good and bad, over real sockets.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use actix::{Actor, ActorContext, StreamHandler};
use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws;

use super::*;
use crate::simulator::Scenario;
use crate::twilio::media::{Start, StreamMessage, parse};
use crate::twilio::signature::{Body, PresentedSignature};
use crate::twilio::twiml::{self, ConferenceTwiml, StreamTwiml};
use crate::twilio::{Form, PublicUrl, Signer, decode_payload};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC: &str = "https://bridge.example.com";

/// What the bridge does wrong, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Good,
    Connect,
    ConnectThenConference,
    NoStream,
    TwimlStatus(u16),
    PlainText,
    BrokenTwiml,
    RefusesSocket,
    SpeaksOnStart,
    ClosesEarly(u16),
    Vanishes,
    CallbacksFail,
}

#[derive(Default)]
struct Seen {
    posts: Vec<(String, Form)>,
    starts: Vec<Start>,
    audio: bytes::BytesMut,
    chunks: Vec<(u64, u64, u64)>,
    stops: usize,
    connected: usize,
    handshakes: Vec<HeaderMap>,
    faults: Vec<String>,
}

#[derive(Clone)]
struct Bridge {
    manner: Manner,
    public: String,
    seen: Arc<Mutex<Seen>>,
}

impl Bridge {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn check(&self, request: &HttpRequest, form: Option<&Form>) {
        let headers = request.headers();
        let signatures = headers.get_all("x-twilio-signature").map(|value| value.as_bytes());
        let Ok(presented) = PresentedSignature::from_headers(signatures, None) else {
            return;
        };
        let signer = Signer::new(AuthToken::parse(TOKEN).unwrap());
        let base = PublicUrl::parse(&self.public).unwrap();
        let path = request.uri().path_and_query().unwrap().as_str();
        let verdict = match form {
            Some(form) => signer.verify_webhook(&presented, &base, path, Body::Form(form)),
            None => signer.verify_handshake(&presented, &base, path),
        };
        if let Err(fault) = verdict {
            self.seen().faults.push(format!("{path}: {fault}"));
        }
    }

    fn twiml(&self) -> String {
        let base = PublicUrl::parse(&self.public).unwrap();
        let (url, events) = (base.stream("/twilio/media").unwrap(), base.page("/twilio/stream-events"));
        let (action, conference) = (base.page("/twilio/dial-done"), base.page("/twilio/conference"));
        let stream = StreamTwiml {
            name: "leg",
            url: &url,
            status_callback: Some(&events),
            parameters: &[("from", "+12125550123"), ("token", "t<&>")],
            announcement: None,
        };
        let room = ConferenceTwiml {
            dial_action: Some(&action),
            status_callback: Some(&conference),
            ..ConferenceTwiml::new("room-7")
        };
        match self.manner {
            Manner::Connect => twiml::connect_stream(&stream).unwrap(),
            Manner::ConnectThenConference => {
                let connect = twiml::connect_stream(&stream).unwrap();
                connect.replace(
                    "</Response>",
                    "<Dial><Conference waitUrl=\"\">late</Conference></Dial></Response>",
                )
            }
            Manner::NoStream => twiml::conference_only(&room).unwrap(),
            Manner::BrokenTwiml => "<Response><Dial></Response>".to_owned(),
            _ => twiml::conference(&stream, &room).unwrap(),
        }
    }
}

async fn post(bridge: web::Data<Bridge>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let form = Form::parse(&body).unwrap();
    bridge.check(&request, Some(&form));
    let path = request.path().to_owned();
    bridge.seen().posts.push((path.clone(), form));
    match (path.as_str(), bridge.manner) {
        ("/twilio/twiml", Manner::TwimlStatus(status)) => {
            HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
        }
        ("/twilio/twiml", Manner::PlainText) => {
            HttpResponse::Ok().content_type("text/plain").body(bridge.twiml())
        }
        ("/twilio/twiml", _) => {
            HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(bridge.twiml())
        }
        (_, Manner::CallbacksFail) => HttpResponse::InternalServerError().finish(),
        ("/twilio/dial-done", _) => HttpResponse::Ok().content_type("text/xml").body(twiml::hang_up()),
        _ => HttpResponse::NoContent().finish(),
    }
}

async fn media(
    bridge: web::Data<Bridge>,
    request: HttpRequest,
    body: web::Payload,
) -> actix_web::Result<HttpResponse> {
    bridge.check(&request, None);
    bridge.seen().handshakes.push(request.headers().clone());
    if bridge.manner == Manner::RefusesSocket {
        return Ok(HttpResponse::Forbidden().finish());
    }
    ws::start(Socket { bridge: bridge.as_ref().clone(), frames: 0 }, &request, body)
}

struct Socket {
    bridge: Bridge,
    frames: usize,
}

impl Actor for Socket {
    type Context = ws::WebsocketContext<Self>;
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Socket {
    fn handle(&mut self, item: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        let text = match item {
            Ok(ws::Message::Text(text)) => text,
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                return ctx.stop();
            }
            _ => return,
        };
        let mut seen = self.bridge.seen();
        match parse(&text).unwrap() {
            StreamMessage::Connected => seen.connected += 1,
            StreamMessage::Start(start) => {
                seen.starts.push(*start);
                if self.bridge.manner == Manner::SpeaksOnStart {
                    ctx.text("{\"event\":\"hello\"}");
                }
            }
            StreamMessage::Media(media) => {
                self.frames += 1;
                decode_payload(&media.payload, &mut seen.audio).unwrap();
                let numbers =
                    (media.sequence_number.unwrap(), media.chunk.unwrap(), media.timestamp_ms.unwrap());
                seen.chunks.push(numbers);
                match self.bridge.manner {
                    Manner::ClosesEarly(code) if self.frames == 3 => {
                        ctx.close(Some(ws::CloseReason::from(ws::CloseCode::from(code))));
                        ctx.stop();
                    }
                    Manner::ConnectThenConference if self.frames == 3 => {
                        ctx.close(None);
                        ctx.stop();
                    }
                    Manner::Vanishes if self.frames == 3 => ctx.stop(),
                    Manner::Connect if self.frames == 2 => {
                        ctx.text("{\"event\":\"mark\",\"mark\":{\"name\":\"m\"}}")
                    }
                    _ => {}
                }
            }
            StreamMessage::Stop { .. } => seen.stops += 1,
            StreamMessage::Mark { name, .. } => assert_eq!(name.as_deref(), Some("m")),
            other => seen.faults.push(format!("{other:?}")),
        }
    }
}

/// Starts a bridge; `is_public` gives it a name in the world.
fn serve(manner: Manner, is_public: bool) -> (Bridge, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let public = if is_public { PUBLIC.to_owned() } else { base.clone() };
    let bridge = Bridge { manner, public, seen: Arc::default() };
    let data = web::Data::new(bridge.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/twilio/media", web::get().to(media))
            .default_service(web::post().to(post))
    });
    actix::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    (bridge, base)
}

fn tone(frames: usize) -> Bytes {
    (0..frames * 160).map(|n| (n % 251) as u8).collect()
}

/// A signed caller that speaks as fast as possible.
fn options(bridge: &Bridge, base: &str, frames: usize) -> PhoneOptions {
    PhoneOptions {
        public_url: Some(bridge.public.clone()),
        auth_token: Some(AuthToken::parse(TOKEN).unwrap()),
        audio: tone(frames),
        speed: 0.0,
        ..PhoneOptions::new(base, "+12125550123", "+14155550100")
    }
}

async fn call(manner: Manner) -> (CallReport, Bridge) {
    let (bridge, base) = serve(manner, true);
    let report = Phone::new(options(&bridge, &base, 100)).call().await.unwrap();
    (report, bridge)
}

fn paths(bridge: &Bridge) -> Vec<String> {
    bridge.seen().posts.iter().map(|(path, _)| path.clone()).collect()
}

#[actix::test]
async fn a_good_bridge_gets_every_frame_in_order_and_no_complaint() {
    let (report, bridge) = call(Manner::Good).await;
    assert!(report.is_good(), "{report}");
    assert_eq!((report.frames_sent(), report.streams[0].end.clone()), (100, StreamEnd::Stopped));
    assert_eq!(report.caller, "…0123");
    let seen = bridge.seen();
    assert_eq!(seen.faults, Vec::<String>::new());
    assert_eq!(seen.audio, tone(100));
    assert_eq!((seen.connected, seen.starts.len(), seen.stops), (1, 1, 1));
    let first = seen.chunks[0].2;
    assert!((70..=175).contains(&first), "{first}");
    for (index, numbers) in (0u64..).zip(&seen.chunks) {
        assert_eq!(*numbers, (index + 2, index + 1, first + 20 * index));
    }
    let start = &seen.starts[0];
    assert_eq!((start.parameter("from"), start.parameter("token")), (Some("+12125550123"), Some("t<&>")));
    assert_eq!(start.call_sid.as_ref().unwrap().as_str(), report.call_sid);
}

#[actix::test]
async fn the_handshake_is_twilios() {
    let (_, bridge) = call(Manner::Good).await;
    let seen = bridge.seen();
    let mut names: Vec<&str> = seen.handshakes[0].keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "connection",
        // awc adds it to whatever it sends; Twilio does not.
        "date",
        "host",
        "sec-websocket-key",
        "sec-websocket-version",
        "upgrade",
        "user-agent",
        "x-twilio-signature",
    ];
    assert_eq!(names, expected);
    let text = |name: &str| seen.handshakes[0].get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((text("host"), text("user-agent")), ("bridge.example.com".into(), "Twilio.TmeWs/1.0".into()));
    assert_eq!(text("x-twilio-signature"), "nPw+nZIzNlb4/A2jsIh3MO8SVBE=", "T9");
}

#[actix::test]
async fn all_callbacks_are_posted_once_with_their_fields() {
    let (report, bridge) = call(Manner::Good).await;
    let mut posted = paths(&bridge);
    assert_eq!(posted[0], "/twilio/twiml");
    assert_eq!(posted.last().unwrap(), "/twilio/statuschange");
    posted.sort();
    let mut expected = vec!["/twilio/conference"; 3];
    expected.extend([
        "/twilio/dial-done",
        "/twilio/statuschange",
        "/twilio/stream-events",
        "/twilio/stream-events",
        "/twilio/twiml",
    ]);
    assert_eq!(posted, expected);
    let seen = bridge.seen();
    let form = |path: &str| &seen.posts.iter().find(|(posted, _)| posted == path).unwrap().1;
    let voice = form("/twilio/twiml");
    assert_eq!((voice.len(), voice.get("CallStatus"), voice.get("ToZip")), (25, Some("ringing"), Some("")));
    assert_eq!(form("/twilio/statuschange").get("CallStatus"), Some("completed"));
    assert_eq!(form("/twilio/dial-done").get("DialCallStatus"), Some("completed"));
    assert!(seen.posts.iter().all(|(_, form)| form.get("AccountSid").is_some()));
    assert_eq!(report.exchanges.len(), 8);
}

#[actix::test]
async fn without_a_token_and_a_name_it_calls_unsigned_over_loopback() {
    let (bridge, base) = serve(Manner::Good, false);
    let report = Phone::new(PhoneOptions {
        audio: tone(20),
        speed: 0.0,
        room: Some("green room".into()),
        ..PhoneOptions::new(base, "+12125550123", "+14155550100")
    });
    let report = report.call().await.unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!(bridge.seen().audio, tone(20));
    assert!(bridge.seen().handshakes[0].get("x-twilio-signature").is_none());
}

#[actix::test]
async fn signatures_hold_with_a_room_in_the_query_and_with_a_slash() {
    let (bridge, base) = serve(Manner::Good, true);
    let options = PhoneOptions {
        room: Some("green & blue".into()),
        sign_with_slash: true,
        ..options(&bridge, &base, 5)
    };
    let report = Phone::new(options).call().await.unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!(bridge.seen().faults, Vec::<String>::new());
}

#[actix::test]
async fn a_connect_stream_blocks_what_follows_until_the_bridge_closes() {
    let (report, bridge) = call(Manner::Connect).await;
    assert!(report.is_good(), "{report}");
    assert_eq!((report.frames_sent(), report.streams[0].messages_received), (100, 1));
    assert_eq!(bridge.seen().audio, tone(100));

    let (bridge, base) = serve(Manner::ConnectThenConference, true);
    let slow = PhoneOptions { speed: 4.0, ..options(&bridge, &base, 40) };
    let report = Phone::new(slow).call().await.unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!(report.streams[0].end, StreamEnd::ClosedByServer(None));
    assert!(report.twiml.iter().any(|line| line == "Dial/Conference late"), "{report}");
    assert!(
        report.duration_ms >= 200,
        "the caller talks on for the 0.8 s / 4 that the audio lasts: {report}"
    );
}

#[actix::test]
async fn a_call_without_a_stream_lasts_as_long_as_its_audio() {
    let (bridge, base) = serve(Manner::NoStream, true);
    let begin = Instant::now();
    let report = Phone::new(PhoneOptions { speed: 2.0, ..options(&bridge, &base, 20) }).call().await.unwrap();
    assert!(report.is_good(), "{report}");
    assert!(report.streams.is_empty());
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[actix::test]
async fn frames_keep_their_pace_and_the_length_of_the_call_is_obeyed() {
    let (bridge, base) = serve(Manner::Good, true);
    let duration = Some(Duration::from_millis(600));
    let report =
        Phone::new(PhoneOptions { speed: 2.0, duration, ..options(&bridge, &base, 1) }).call().await.unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!(report.frames_sent(), 30);
    assert!(report.duration_ms >= 290, "{report}");
    assert_eq!(bridge.seen().audio[160..], [0xFF; 29 * 160]);
}

#[actix::test]
async fn every_fault_of_a_bridge_is_named() {
    let cases = [
        (Manner::TwimlStatus(403), "answered with 403"),
        (Manner::TwimlStatus(500), "11200"),
        (Manner::TwimlStatus(204), "answered with 204"),
        (Manner::PlainText, "12300"),
        (Manner::BrokenTwiml, "12100"),
        (Manner::RefusesSocket, "31920"),
        (Manner::SpeaksOnStart, "31924"),
        (Manner::ClosesEarly(1011), "31921"),
        (Manner::Vanishes, "31903"),
        (Manner::CallbacksFail, "15003"),
    ];
    for (manner, expected) in cases {
        let (bridge, base) = serve(manner, true);
        // actix needs a second to close the connection of a socket actor that just stops.
        let (speed, frames) = if manner == Manner::Vanishes { (2.0, 160) } else { (8.0, 40) };
        let report =
            Phone::new(PhoneOptions { speed, ..options(&bridge, &base, frames) }).call().await.unwrap();
        assert!(!report.is_good(), "{manner:?}: {report}");
        assert!(report.problems.iter().any(|problem| problem.contains(expected)), "{manner:?}: {report}");
        assert_eq!(paths(&bridge).last().unwrap(), "/twilio/statuschange", "{manner:?}");
    }
}

#[actix::test]
async fn a_refused_socket_leaves_the_call_in_its_conference() {
    let (report, bridge) = call(Manner::RefusesSocket).await;
    assert_eq!(report.streams[0].end, StreamEnd::Refused(403));
    let seen = bridge.seen();
    let events: Vec<_> = seen.posts.iter().filter_map(|(_, form)| form.get("StreamEvent")).collect();
    assert_eq!(events, ["stream-error"]);
    assert!(report.twiml.iter().any(|line| line.starts_with("Dial/Conference")), "{report}");
}

#[actix::test]
async fn an_absent_bridge_is_a_problem_and_a_wrong_address_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = Phone::new(PhoneOptions::new(base, "+1", "+2")).call().await.unwrap();
    assert!(report.problems[0].contains("no answer"), "{report}");
    assert!(Phone::new(PhoneOptions::new("localhost:3000", "+1", "+2")).call().await.is_err());
}

#[actix::test]
async fn callers_share_a_room_and_can_all_be_hung_up() {
    let (bridge, base) = serve(Manner::Good, true);
    let calls: Vec<PhoneOptions> = (0..3)
        .map(|_| PhoneOptions {
            speed: 1.0,
            duration: Some(Duration::from_secs(60)),
            ..options(&bridge, &base, 0)
        })
        .collect();
    let hang_up = CancellationToken::new();
    let (token, joined) = (hang_up.clone(), Cell::new(0));
    let scenario = Scenario::new(calls).staggered(Duration::from_millis(20)).hung_up_by(&hang_up);
    let begin = Instant::now();
    let reports = scenario
        .on_progress(move |index, progress| {
            if matches!(progress, Progress::Streaming { .. }) {
                joined.set(joined.get() | 1 << index);
            }
            if joined.get() == 0b111 {
                token.cancel();
            }
        })
        .run()
        .await
        .unwrap();
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert!(reports.len() == 3 && reports.iter().all(CallReport::is_good), "{reports:?}");
    let seen = bridge.seen();
    assert_eq!((seen.starts.len(), seen.stops), (3, 3));
    let events: Vec<_> = seen.posts.iter().filter_map(|(_, form)| form.get("StatusCallbackEvent")).collect();
    let count = |event: &str| events.iter().filter(|seen| **seen == event).count();
    assert_eq!((count("participant-join"), count("participant-leave")), (3, 3));
    assert_eq!((count("conference-start"), count("conference-end")), (1, 1));
    assert_eq!(seen.faults, Vec::<String>::new());
}

#[actix::test]
async fn more_callers_than_a_client_usually_has_connections_all_stream() {
    let (bridge, base) = serve(Manner::Good, true);
    let calls = vec![PhoneOptions { speed: 1.0, ..options(&bridge, &base, 50) }; 150];
    let reports = Scenario::new(calls).run().await.unwrap();
    let bad: Vec<_> = reports.iter().filter(|report| !report.is_good()).map(ToString::to_string).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(reports.iter().map(CallReport::frames_sent).sum::<u64>(), 150 * 50);
    assert_eq!(bridge.seen().audio.len(), 150 * 50 * 160);
}
