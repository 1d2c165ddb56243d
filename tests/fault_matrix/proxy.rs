//! The proxy itself: each fault does what it says, seen from a raw peer and by a target that repeats what it hears.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::fault_proxy::{Culprit, Fault, FaultProxy, Plan};
use crate::support::raw_socket::frame;
use crate::support::wait::{wait_until, within};

/// Long enough for anything on loopback to have come, if it were coming.
const SILENCE: Duration = Duration::from_millis(200);

const UPGRADE: &str = "GET /somewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What the target saw, connection by connection.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    texts: Vec<String>,
    closed_with: Option<u16>,
    broke: bool,
}

struct Echo {
    proxy: FaultProxy,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Echo {
    async fn behind_a_proxy(culprit: Culprit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = FaultProxy::start(listener.local_addr().unwrap(), culprit, true, 1).await;
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = shared.lock().unwrap().len();
                shared.lock().unwrap().push(Seen::default());
                tokio::spawn(repeat(stream, shared.clone(), number));
            }
        });
        Self { proxy, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.proxy.address).await.expect("connects") }
    }

    /// A client whose upgrade went through under this plan.
    async fn upgraded(&self, plan: Option<Plan>) -> Client {
        self.proxy.plan(plan);
        let mut client = self.client().await;
        let head = client.upgrade().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }
}

async fn repeat(stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, number: usize) {
    let note = |change: &dyn Fn(&mut Seen)| change(&mut seen.lock().unwrap()[number]);
    let Ok(mut socket) = accept_async(stream).await else {
        return note(&|seen| seen.broke = true);
    };
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                note(&|seen| seen.texts.push(text.to_string()));
                let _ = socket.send(Message::Text(text)).await;
            }
            Some(Ok(Message::Close(frame))) => {
                note(&|seen| seen.closed_with = frame.as_ref().map(|frame| frame.code.into()));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return note(&|seen| seen.broke = seen.closed_with.is_none()),
        }
    }
}

struct Client {
    stream: TcpStream,
}

impl Client {
    async fn upgrade(&mut self) -> String {
        self.stream.write_all(UPGRADE.as_bytes()).await.expect("the proxy reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("a head", self.stream.read_u8()).await.expect("an answer"));
        }
        String::from_utf8(head).unwrap()
    }

    async fn say(&mut self, text: &str) {
        self.stream.write_all(&frame(text.as_bytes(), OpCode::Data(Data::Text), true)).await.expect("taken");
    }

    /// Reads this repeated text, byte for byte.
    async fn hears(&mut self, text: &str) {
        let length = text.len();
        let mut expected = vec![0x81];
        match u8::try_from(length).ok().filter(|length| *length < 126) {
            Some(length) => expected.push(length),
            None => expected.extend([126, (length >> 8) as u8, length as u8]),
        }
        expected.extend_from_slice(text.as_bytes());
        let mut heard = vec![0; expected.len()];
        within("a repeated text", self.stream.read_exact(&mut heard)).await.expect("bytes");
        assert_eq!(heard, expected);
    }

    /// Everything up to the end, and whether that was a reset.
    async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut rest = Vec::new();
        let end = within("the end", self.stream.read_to_end(&mut rest)).await;
        (rest, end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset))
    }

    async fn is_left_in_silence(&mut self) -> bool {
        tokio::time::timeout(SILENCE, self.stream.read_u8()).await.is_err()
    }
}

#[tokio::test]
async fn without_a_fault_everything_passes() {
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    let mut client = echo.upgraded(None).await;
    let long = "x".repeat(5000);
    for text in ["one", "two", &long] {
        client.say(text).await;
        client.hears(text).await;
    }
    drop(client);
    wait_until("the end at the target", || echo.seen()[0].broke).await;
    assert_eq!(echo.seen()[0].texts, ["one", "two", &long]);
    assert_eq!((echo.proxy.strikes(), echo.proxy.lines().len()), (0, 1));
}

#[tokio::test]
async fn a_plan_is_for_one_connection() {
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    echo.proxy.plan([Fault::Refuse, Fault::Status(503), Fault::Status(401)].map(Plan::from_the_beginning));
    let mut refused = echo.client().await;
    assert_eq!(refused.rest().await, (Vec::new(), true));
    for status in ["503", "401"] {
        let mut client = echo.client().await;
        assert!(client.upgrade().await.starts_with(&format!("HTTP/1.1 {status} ")), "{status}");
        assert!(!client.rest().await.1, "{status} and then the end");
    }
    let mut client = echo.upgraded(None).await;
    client.say("now it behaves").await;
    client.hears("now it behaves").await;
    assert_eq!((echo.proxy.strikes(), echo.proxy.plans_left()), (3, 0));
    // Only the last one was passed on as an upgrade.
    assert_eq!(echo.seen().iter().filter(|seen| !seen.texts.is_empty()).count(), 1);
}

#[tokio::test]
async fn a_silent_server_takes_a_connection_or_an_upgrade_and_says_nothing() {
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    echo.proxy.plan([Plan::from_the_beginning(Fault::SilentAccept)]);
    let mut client = echo.client().await;
    client.stream.write_all(UPGRADE.as_bytes()).await.expect("taken");
    assert!(client.is_left_in_silence().await);
    assert!(echo.seen().is_empty(), "nothing reaches the target");
    echo.proxy.plan([Plan::from_the_beginning(Fault::SilentUpgrade)]);
    let mut client = echo.client().await;
    let head = client.upgrade().await;
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "{head}");
    client.say("hello").await;
    assert!(client.is_left_in_silence().await);
    assert!(echo.seen().iter().all(|seen| seen.texts.is_empty()), "nothing reaches the target");
}

#[tokio::test]
async fn a_close_frame_comes_between_frames_and_a_vanished_server_sends_none() {
    for (fault, last_words) in [
        (Fault::Close(1000), vec![0x88, 2, 0x03, 0xe8]),
        (Fault::Close(1013), vec![0x88, 2, 0x03, 0xf5]),
        (Fault::Vanish, vec![]),
    ] {
        let echo = Echo::behind_a_proxy(Culprit::Server).await;
        let mut client = echo.upgraded(Some(Plan::at_text(fault, "two"))).await;
        client.say("one").await;
        client.hears("one").await;
        client.say("two").await;
        let mut said = vec![0; last_words.len()];
        within("the last words", client.stream.read_exact(&mut said)).await.expect("bytes");
        assert_eq!(said, last_words, "{fault:?}");
        client.stream.shutdown().await.expect("open on this side");
        assert_eq!(client.rest().await, (Vec::new(), false), "{fault:?}");
        wait_until("the end at the target", || echo.seen()[0].broke).await;
        assert_eq!(echo.seen()[0].texts, ["one"], "{fault:?}");
        assert_eq!(echo.proxy.strikes(), 1);
    }
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_a_frame_on_both_sides() {
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    let mut client = echo.upgraded(Some(Plan::at_text(Fault::ResetInMidFrame, "two"))).await;
    client.say("one").await;
    client.hears("one").await;
    client.say("two").await;
    assert_eq!(client.rest().await, (Vec::new(), true));
    wait_until("the end at the target", || echo.seen()[0].broke).await;
    assert_eq!(echo.seen()[0].texts, ["one"], "half a frame is none");
    // A line that is switched is reset in the next frame, whoever sends it.
    let mut client = echo.upgraded(None).await;
    client.say("one").await;
    client.hears("one").await;
    echo.proxy.line(1).await.switch(Fault::ResetInMidFrame);
    client.say("two").await;
    assert!(client.rest().await.1);
    assert_eq!(echo.proxy.strikes(), 2);
}

#[tokio::test]
async fn a_server_that_stops_reading_can_still_speak_and_takes_little() {
    const MORE_THAN_BUFFERS_HOLD: usize = 64 << 20;
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    let mut client = echo.upgraded(Some(Plan::at_text(Fault::StopReading, "two"))).await;
    client.say("one").await;
    client.hears("one").await;
    client.say("two").await;
    wait_until("the fault", || echo.proxy.strikes() == 1).await;
    let flood = vec![0; MORE_THAN_BUFFERS_HOLD];
    let taken = tokio::time::timeout(SILENCE, client.stream.write_all(&flood)).await;
    assert!(taken.is_err(), "all of it was read");
    assert_eq!(echo.seen()[0].texts, ["one"]);
}

#[tokio::test]
async fn a_half_open_connection_takes_everything_and_passes_nothing_on() {
    let echo = Echo::behind_a_proxy(Culprit::Server).await;
    let mut client = echo.upgraded(None).await;
    client.say("one").await;
    client.hears("one").await;
    echo.proxy.line(0).await.switch(Fault::HalfOpen);
    wait_until("the fault", || echo.proxy.strikes() == 1).await;
    let flood = vec![0; 8 << 20];
    within("a flood to be taken", client.stream.write_all(&flood)).await.expect("taken");
    assert!(client.is_left_in_silence().await);
    assert_eq!(echo.seen(), [Seen { texts: vec!["one".into()], ..Seen::default() }], "no end at the target");
}

/// Slow links may only be as slow as they say: the lower bound is theirs, there is no upper one.
#[tokio::test]
async fn slow_links_change_nothing_but_the_time() {
    const TEXTS: usize = 40;
    for (fault, takes_at_least) in [
        (Fault::ByteByByte, Duration::ZERO),
        // The seed's longest delay of forty is above this.
        (Fault::Jitter, Duration::from_millis(200)),
        // 40 kB.
        (Fault::SlowLink, Duration::from_millis(700)),
    ] {
        let echo = Echo::behind_a_proxy(Culprit::Server).await;
        let mut client = echo.upgraded(Some(Plan::from_the_beginning(fault))).await;
        let began = Instant::now();
        let texts: Vec<String> = (0..TEXTS).map(|number| format!("{number:01000}")).collect();
        for text in &texts {
            client.say(text).await;
        }
        for text in &texts {
            client.hears(text).await;
        }
        assert!(began.elapsed() >= takes_at_least, "{fault:?} took {:?}", began.elapsed());
        assert_eq!(echo.seen()[0].texts, texts, "{fault:?}");
        assert_eq!(echo.proxy.strikes(), 1);
    }
}

#[tokio::test]
async fn a_bad_client_fails_towards_the_target() {
    let echo = Echo::behind_a_proxy(Culprit::Client).await;
    echo.proxy.plan([Plan::from_the_beginning(Fault::SilentAccept)]);
    let mut silent = echo.client().await;
    silent.stream.write_all(UPGRADE.as_bytes()).await.expect("taken");
    assert!(silent.is_left_in_silence().await);
    wait_until("a connection at the target", || echo.seen() == [Seen::default()]).await;
    for (number, fault) in
        [Fault::Close(1008), Fault::Vanish, Fault::ResetInMidFrame, Fault::HalfOpen, Fault::SilentUpgrade]
            .into_iter()
            .enumerate()
    {
        let plan = match fault {
            Fault::SilentUpgrade => Plan::from_the_beginning(fault),
            _ => Plan::at_text(fault, "two"),
        };
        let mut client = echo.upgraded(Some(plan)).await;
        client.say("one").await;
        if fault != Fault::SilentUpgrade {
            client.hears("one").await;
        }
        client.say("two").await;
        wait_until("the fault", || echo.proxy.strikes() == number + 2).await;
        let seen = || echo.seen()[number + 1].clone();
        let one = vec!["one".to_string()];
        match fault {
            Fault::Close(code) => wait_until("a close frame", || seen().closed_with == Some(code)).await,
            Fault::Vanish | Fault::ResetInMidFrame => wait_until("the end", || seen().broke).await,
            _ => assert!(client.is_left_in_silence().await, "{fault:?}"),
        }
        let texts = if fault == Fault::SilentUpgrade { Vec::new() } else { one };
        assert_eq!(seen().texts, texts, "{fault:?}");
    }
}
