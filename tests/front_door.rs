//! The front door: what a stranger may cost. Connections, heads, bodies and refusals have bounds, each address its own.

// A test that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::json;
use support::bridge::{APP_ID, APP_SECRET, AUTH_TOKEN, Bridge, Settings};
use support::caller::Caller;
use support::http::{Answer, FORM, Request, form, get, signature};
use support::socket::Socket;
use support::wait::{wait_for, wait_until, within};
use support::{AGENT, STRANGER};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

const NOWHERE: &str = "http://127.0.0.1:9";

/// Another address of this machine's, so that one test has two clients.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(IpAddr::V4(from), 0)).expect("an address of this machine");
    within("a connection", socket.connect(to)).await.expect("connects to the bridge")
}

/// Reads until the bridge has closed.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..length]);
        }
    };
    within("the end of a connection", read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Connections that say nothing; each task reads until its connection ends, and ends it when aborted.
async fn crowd_from(from: Ipv4Addr, to: SocketAddr, count: usize) -> Vec<JoinHandle<String>> {
    let mut crowd = Vec::new();
    for _ in 0..count {
        let stream = connect_from(from, to).await;
        crowd.push(tokio::spawn(read_to_end(stream)));
    }
    crowd
}

/// Waits until so many have been sent away, and takes them out; gives what they heard.
async fn refused(crowd: &mut Vec<JoinHandle<String>>, count: usize) -> Vec<String> {
    wait_until("some to be refused", || crowd.iter().filter(|reader| reader.is_finished()).count() >= count)
        .await;
    let (ended, inside): (Vec<_>, Vec<_>) =
        std::mem::take(crowd).into_iter().partition(JoinHandle::is_finished);
    *crowd = inside;
    let mut heard = Vec::new();
    for reader in ended {
        heard.push(reader.await.unwrap());
    }
    heard
}

/// A bridge with the engine beside it, which hears nothing: no test waits for a model.
fn with_engine() -> Settings {
    Settings::with_upstream("").set("BRIDGE__MODEL__NAME", "no-model")
}

/// A bridge with the engine beside it, whose proxy on this machine is trusted: tests write `X-Forwarded-For`.
fn behind_a_proxy() -> Settings {
    with_engine().set("BRIDGE__HTTP__TRUSTED_PROXIES", "127.0.0.1")
}

async fn post_as(bridge: &Bridge, client: &str, target: &str, content_type: &str, body: &str) -> Answer {
    let request = Request::new("POST", target).body(content_type, body);
    request.header("X-Forwarded-For", client).send(bridge.address).await
}

async fn ask_token_as(bridge: &Bridge, client: &str, secret: &str) -> u16 {
    let body = json!({ "type": "application", "appId": APP_ID, "appSecret": secret }).to_string();
    post_as(bridge, client, "/oauth2/token:generate", "application/json", &body).await.status
}

#[tokio::test]
async fn an_address_that_has_all_its_connections_leaves_room_for_the_others() {
    let bridge = Settings::with_upstream(NOWHERE)
        .set("BRIDGE__HTTP__LIMIT_LOOPBACK", "true")
        .set("BRIDGE__HTTP__MAX_CONNECTIONS_PER_ADDRESS", "5")
        .set("BRIDGE__HTTP__HEAD_TIMEOUT_MS", "60000")
        .start()
        .await;
    let mut silent = crowd_from(ELSEWHERE, bridge.address, 8).await;
    let heard = refused(&mut silent, 3).await;
    assert!(heard.iter().all(|heard| heard.starts_with("HTTP/1.1 503 ") && heard.contains("Retry-After: 5")));
    assert_eq!(get(bridge.address, "/healthz").await.status, 200, "another address");
    let lines = bridge.events("connection_refused");
    assert_eq!(lines.len(), 1, "one line for all: {lines:?}");
    assert_eq!(lines[0]["address"], "127.0.0.2");
    // A place is free again as soon as one of them leaves.
    assert_eq!(silent.len(), 5);
    silent[0].abort();
    let again = async {
        loop {
            let mut stream = connect_from(ELSEWHERE, bridge.address).await;
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").await;
            let heard = read_to_end(stream).await;
            // Refused with its request unread, a connection may lose the answer.
            if heard.starts_with("HTTP/1.1 200 ") {
                return;
            }
        }
    };
    within("a free place", again).await;
    silent.iter().for_each(JoinHandle::abort);
    bridge.finish().await;
}

#[tokio::test]
async fn connections_in_all_have_a_cap_too() {
    let bridge = Settings::with_upstream(NOWHERE)
        .set("BRIDGE__HTTP__MAX_CONNECTIONS", "4")
        .set("BRIDGE__HTTP__HEAD_TIMEOUT_MS", "60000")
        .start()
        .await;
    let mut silent = crowd_from(Ipv4Addr::LOCALHOST, bridge.address, 6).await;
    let heard = refused(&mut silent, 2).await;
    assert!(heard.iter().all(|heard| heard.starts_with("HTTP/1.1 503 ")), "{heard:?}");
    let line = bridge.wait_for_event("connection_refused", |_| true).await;
    assert_eq!(line["reason"], "too many in all");
    assert_eq!(silent.len(), 4);
    silent.iter().for_each(JoinHandle::abort);
    bridge.finish().await;
}

#[tokio::test]
async fn calls_of_one_address_are_not_counted_against_it_once_they_are_sockets() {
    let bridge = Settings::with_upstream(NOWHERE)
        .set("BRIDGE__HTTP__LIMIT_LOOPBACK", "true")
        .set("BRIDGE__HTTP__MAX_CONNECTIONS_PER_ADDRESS", "2")
        .start()
        .await;
    let mut sockets = Vec::new();
    for number in 0..6 {
        sockets.push(Socket::open(bridge.address, "/twilio/media", &[]).await.expect("a media socket"));
        assert!(sockets.iter().all(|socket| socket.closing().is_none()), "socket {number}");
    }
    drop(sockets);
    bridge.finish().await;
}

/// A request's head that never ends, or never begins, is cut off: the first of a connection, and the second.
#[tokio::test]
async fn a_head_that_does_not_come_in_time_ends_its_connection() {
    let bridge = Settings::with_upstream(NOWHERE)
        .set("BRIDGE__HTTP__HEAD_TIMEOUT_MS", "1000")
        .set("BRIDGE__HTTP__KEEP_ALIVE_MS", "1000")
        .start()
        .await;
    let whole = "GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n";
    let half = "GET /healthz HTTP/1.1\r\nHost: b\r\nX-Half: ";
    for (what, sent, expected) in [
        ("nothing", String::new(), "HTTP/1.1 408 "),
        ("half a head", half.to_owned(), "HTTP/1.1 408 "),
        ("a request and nothing more", whole.to_owned(), "HTTP/1.1 200 "),
        ("a request and half a head", format!("{whole}{half}"), "HTTP/1.1 200 "),
    ] {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, bridge.address).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        let heard = read_to_end(stream).await;
        assert!(heard.starts_with(expected), "{what}: {heard}");
    }
    // The second head may also trickle: each byte resets a clock that only counts silence, and this is none.
    let mut stream = connect_from(Ipv4Addr::LOCALHOST, bridge.address).await;
    stream.write_all(whole.as_bytes()).await.unwrap();
    let mut answer = [0; 512];
    let length = within("an answer", stream.read(&mut answer)).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200 "));
    stream.write_all(half.as_bytes()).await.unwrap();
    let trickle = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within("the end of a trickle", trickle).await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_refused_wherever_it_is_read() {
    let bridge = with_engine().set("BRIDGE__HTTP__BODY_TIMEOUT_MS", "300").start().await;
    let token = engine_token(&bridge).await;
    for target in [
        "/twilio/twiml",
        "/twilio/statuschange",
        "/oauth2/token:generate",
        "/v1/process/text",
        "/v1/manage/trackers",
    ] {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\nContent-Type: {FORM}\r\n\
             Content-Length: 1000\r\n\r\nCallSid="
        );
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, bridge.address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let heard = read_to_end(stream).await;
        assert!(heard.starts_with("HTTP/1.1 408 "), "{target}: {heard}");
    }
    bridge.finish().await;
}

async fn engine_token(bridge: &Bridge) -> String {
    let body = json!({ "type": "application", "appId": APP_ID, "appSecret": APP_SECRET }).to_string();
    let request = Request::new("POST", "/oauth2/token:generate").body("application/json", body);
    let answer = request.send(bridge.address).await;
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    body["accessToken"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// What actix enforces by itself; the figures are in docs/security.md.
#[tokio::test]
async fn heads_have_a_largest_size_and_number_of_headers() {
    let bridge = Bridge::start(NOWHERE).await;
    let line = |bytes: usize| format!("X-Long: {}\r\n", "x".repeat(bytes));
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    for (what, headers, expected) in [
        ("60 KB", line(60_000), "HTTP/1.1 200 "),
        ("90 headers", many(90), "HTTP/1.1 200 "),
        ("1 MB", line(1_000_000), "HTTP/1.1 431 "),
        ("200 headers", many(200), "HTTP/1.1 431 "),
    ] {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, bridge.address).await;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n{headers}\r\n");
        // It may close before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let heard = read_to_end(stream).await;
        assert!(
            heard.is_empty() && expected.contains("431") || heard.starts_with(expected),
            "{what}: {heard}"
        );
    }
    assert_eq!(get(bridge.address, "/healthz").await.status, 200);
    bridge.finish().await;
}

#[tokio::test]
async fn who_is_refused_too_often_is_told_to_wait_and_nobody_else_is() {
    let bridge = behind_a_proxy()
        .public("bridge.example.com")
        .set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "4")
        .start()
        .await;
    let pairs = Caller::new(STRANGER).form("ringing");
    let body = form(&pairs);
    // Any route of the kind draws on the one allowance, however its path is written.
    for target in ["/twilio/twiml", "/twilio/conference", "/%74wilio/twiml", "/twilio/media"] {
        let status = post_as(&bridge, "192.0.2.1", target, FORM, &body).await.status;
        assert!((400..429).contains(&status), "{target}: {status}");
    }
    for target in ["/twilio/twiml", "/%74wilio/twiml", "//oauth2/token:generate", "/symbl/updates"] {
        let answer = post_as(&bridge, "192.0.2.1", target, FORM, &body).await;
        assert_eq!(answer.status, 429, "{target}");
        assert!(answer.header("Retry-After").is_some_and(|after| after.parse::<u64>().is_ok()), "{answer:?}");
    }
    for (path, header) in [("/symbl/updates", "192.0.2.1"), ("/v1/subscribe/x", "1.1.1.1, 192.0.2.1")] {
        let opened = Socket::open(bridge.address, path, &[("X-Forwarded-For", header)]).await;
        assert_eq!(opened.err(), Some(429), "{path}");
    }
    let line = bridge.wait_for_event("address_limited", |line| line["address"] == "192.0.2.1").await;
    assert_eq!(line["of"], "refused requests");
    assert_eq!(post_as(&bridge, "192.0.2.2", "/twilio/twiml", FORM, &body).await.status, 403, "a neighbour");
    assert_eq!(get(bridge.address, "/healthz").await.status, 200);
    bridge.finish().await;
}

#[tokio::test]
async fn what_twilio_signed_passes_from_an_address_without_allowance() {
    let bridge = behind_a_proxy()
        .public("bridge.example.com")
        .set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "3")
        .start()
        .await;
    // Somebody else's Twilio account is pointed at us: the same addresses, another key.
    let pairs = Caller::new(STRANGER).form("ringing");
    let url = "https://bridge.example.com/twilio/twiml";
    let foreign = signature("ffffffffffffffffffffffffffffffff", url, &pairs);
    let own = signature(AUTH_TOKEN, url, &pairs);
    let post = async |signed: &str| {
        let request = Request::new("POST", "/twilio/twiml").body(FORM, form(&pairs));
        let request = request.header("X-Forwarded-For", "192.0.2.7").header("X-Twilio-Signature", signed);
        request.send(bridge.address).await.status
    };
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(post(&foreign).await);
        assert_eq!(post(&own).await, 200, "our own call after {statuses:?}");
    }
    assert_eq!(statuses[..3], [403; 3]);
    assert!(statuses[3..].contains(&429) && statuses[3..].iter().all(|status| [403, 429].contains(status)));
    let lines = bridge.events("signature_refused").len();
    let answered = statuses.iter().filter(|status| **status == 403).count();
    assert_eq!(lines, answered, "what hears 429 is not logged");
    let handshake = signature(AUTH_TOKEN, "wss://bridge.example.com/twilio/media", &[]);
    let headers = [("X-Forwarded-For", "192.0.2.7"), ("X-Twilio-Signature", handshake.as_str())];
    assert!(Socket::open(bridge.address, "/twilio/media", &headers).await.is_ok(), "our own media socket");
    bridge.finish().await;
}

#[tokio::test]
async fn guessing_credentials_and_asking_for_tokens_are_slowed_down() {
    let bridge = behind_a_proxy()
        .set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "3")
        .set("BRIDGE__HTTP__TOKENS_PER_MINUTE", "10")
        .start()
        .await;
    for _ in 0..3 {
        assert_eq!(ask_token_as(&bridge, "192.0.2.1", "wrong").await, 401);
    }
    assert_eq!(ask_token_as(&bridge, "192.0.2.1", "wrong").await, 429);
    assert_eq!(ask_token_as(&bridge, "192.0.2.1", APP_SECRET).await, 429, "even with the right one");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(ask_token_as(&bridge, "192.0.2.2", APP_SECRET).await);
    }
    assert_eq!(statuses[..10], [200; 10]);
    assert!(statuses[10..].contains(&429), "{statuses:?}");
    assert_eq!(ask_token_as(&bridge, "2001:db8:1:2::1", "wrong").await, 401);
    bridge.finish().await;
}

#[tokio::test]
async fn an_ipv6_network_is_one_address() {
    let bridge = behind_a_proxy().set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "2").start().await;
    for host in 1..=2 {
        assert_eq!(ask_token_as(&bridge, &format!("2001:db8:1:2::{host}"), "wrong").await, 401);
    }
    assert_eq!(ask_token_as(&bridge, "2001:db8:1:2:3:4:5:6", "wrong").await, 429);
    assert_eq!(ask_token_as(&bridge, "2001:db8:1:3::1", "wrong").await, 401, "another network");
    bridge.finish().await;
}

#[tokio::test]
async fn this_machine_is_not_limited_unless_it_passes_on_or_is_told_to_be() {
    let settings = || with_engine().set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "2");
    let body = json!({ "type": "application", "appId": APP_ID, "appSecret": "wrong" }).to_string();
    let ask = async |bridge: &Bridge, headers: &[(&str, &str)]| {
        let mut request =
            Request::new("POST", "/oauth2/token:generate").body("application/json", body.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send(bridge.address).await.status
    };
    let bridge = settings().start().await;
    for _ in 0..6 {
        assert_eq!(ask(&bridge, &[]).await, 401);
    }
    // No trusted proxy is configured: whatever is claimed, it is one and the same address that is refused.
    let mut statuses = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        statuses.push(ask(&bridge, &[("X-Forwarded-For", client)]).await);
    }
    assert_eq!(statuses, [401, 401, 429]);
    assert_eq!(ask(&bridge, &[]).await, 401, "this machine itself");
    bridge.finish().await;
    let strict = settings().set("BRIDGE__HTTP__LIMIT_LOOPBACK", "true").start().await;
    for expected in [401, 401, 429] {
        assert_eq!(ask(&strict, &[]).await, expected);
    }
    strict.finish().await;
}

#[tokio::test]
async fn a_flood_of_signed_webhooks_from_one_address_is_served() {
    let bridge = behind_a_proxy()
        .public("bridge.example.com")
        .set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "1")
        .start()
        .await;
    let callers: Vec<Caller> = (0..200).map(|_| Caller::new(AGENT)).collect();
    for caller in &callers {
        let pairs = caller.form("ringing");
        let signed = signature(AUTH_TOKEN, "https://bridge.example.com/twilio/twiml", &pairs);
        let request = Request::new("POST", "/twilio/twiml").body(FORM, form(&pairs));
        let request = request.header("X-Forwarded-For", "192.0.2.9").header("X-Twilio-Signature", &signed);
        assert_eq!(request.send(bridge.address).await.status, 200);
    }
    wait_for("the last call to be known", || bridge.events("call_announced").get(199).cloned()).await;
    bridge.finish().await;
}

/// A client that wanted another protocol may already have spoken it: that must not be read as its next request.
#[tokio::test]
async fn a_refused_upgrade_is_answered_and_ends_its_connection() {
    let bridge = Bridge::start(NOWHERE).await;
    for (target, status) in [("/nothing-here", 404), ("/twilio/media", 400), ("/", 200)] {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, bridge.address).await;
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            bridge.address
        );
        let too_early = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", bridge.address);
        stream.write_all(format!("{request}{too_early}").as_bytes()).await.expect("a bridge that listens");
        let answer = read_to_end(stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{target}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{target}: {answer}");
    }
    bridge.finish().await;
}
