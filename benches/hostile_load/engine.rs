//! The engine: from a frame written by a leg to what was heard in it, read on the same socket.
//!
//! The ears are scripted and hear a sentence of one word in every tenth frame, so that every tenth frame has its answer.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::bridge::block_on;
use crate::engine_support::{Engine, Scripted, mulaw, settings, start_request};
use crate::figures::Delays;

const LEGS: usize = 10;
const FRAME_MS: usize = 20;

/// Frames that make a sentence.
const FRAMES_A_WORD: usize = 10;
const SETTLE: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_secs(8);

/// Against real time.
const FLOOD: usize = 100;

/// Subscribers that never read, on the conversation of the leg that floods.
const DEAF: usize = 5;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Runs an engine with ordinary legs, with or without hostile peers, and gives the delays of the ordinary legs' words.
pub fn measure(disturbed: bool) -> Delays {
    let (url, token, stop) = engine();
    let delays = block_on(async {
        let url = |path: &str, id: &str| format!("{url}/v1/{path}/{id}?access_token={token}");
        let mut legs = Vec::new();
        for number in 0..LEGS {
            legs.push(leg(&url("streaming", &format!("ordinary-{number}"))).await);
        }
        let mut deaf = Vec::new();
        if disturbed {
            for _ in 0..DEAF {
                deaf.push(deaf_subscriber(&url("subscribe", "flood")).await);
            }
            spawn_local(flood(leg(&url("streaming", "flood")).await));
        }
        let mut delays = Delays::default();
        for of_leg in join_all(legs.into_iter().map(ordinary_leg)).await {
            delays.extend(of_leg);
        }
        delays
    });
    drop(stop);
    delays
}

/// Starts an engine on a thread of its own, until what keeps it is dropped; gives its address and a token.
fn engine() -> (String, String, tokio::sync::oneshot::Sender<()>) {
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let word_ms = Some((FRAMES_A_WORD * FRAME_MS) as u64);
            let hearing = Scripted { word_ms, ..Scripted::hearing(&["Yes."]) };
            let engine = Engine::start_with(settings(), hearing);
            tell.send((engine.ws(""), engine.token().await)).expect("somebody waits");
            let _ = stopped.await;
        });
    });
    let (url, token) = told.recv().expect("an engine");
    (url, token, stop)
}

async fn leg(url: &str) -> Socket {
    let (mut socket, _) = connect_async(url).await.expect("a leg");
    socket.send(Message::text(start_request("+1").to_string())).await.expect("a leg that listens");
    socket
}

/// Speaks at the pace of a call; gives the delay of each word.
async fn ordinary_leg(socket: Socket) -> Delays {
    let (mut sink, mut stream) = socket.split();
    let heard_at = Arc::new(Mutex::new(Vec::new()));
    let kept = heard_at.clone();
    let reading = spawn_local(async move {
        while let Some(Ok(message)) = stream.next().await {
            let is_final =
                |text: &str| text.contains("recognition_result") && text.contains(r#""isFinal":true"#);
            if message.to_text().is_ok_and(is_final) {
                kept.lock().expect("no reader panicked").push(Instant::now());
            }
        }
    });
    let (mut pace, mut sent_at) = (interval(Duration::from_millis(FRAME_MS as u64)), Vec::new());
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = Instant::now();
    while began.elapsed() < SETTLE + MEASURE {
        pace.tick().await;
        sent_at.push(Instant::now());
        sink.send(Message::binary(mulaw(FRAME_MS))).await.expect("an engine that listens");
    }
    let all_heard = async {
        while heard_at.lock().expect("no reader panicked").len() < sent_at.len() / FRAMES_A_WORD {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), all_heard).await.expect("a word for every tenth frame");
    reading.abort();
    let mut delays = Delays::default();
    let last_frames = sent_at.iter().skip(FRAMES_A_WORD - 1).step_by(FRAMES_A_WORD);
    for (sent, heard) in last_frames.zip(heard_at.lock().expect("no reader panicked").iter()) {
        if sent.duration_since(began) > SETTLE {
            delays.push(heard.duration_since(*sent));
        }
    }
    delays
}

/// Speaks a hundred times as fast as anybody can, and takes note of nothing it is told but that it has to read.
async fn flood(socket: Socket) {
    let (mut sink, mut stream) = socket.split();
    spawn_local(async move { while let Some(Ok(_)) = stream.next().await {} });
    let mut pace = interval(Duration::from_millis(FRAME_MS as u64));
    loop {
        pace.tick().await;
        for _ in 0..FLOOD {
            if sink.feed(Message::binary(mulaw(FRAME_MS))).await.is_err() {
                return;
            }
        }
        let _ = sink.flush().await;
    }
}

/// Subscribes with a small window and never reads.
async fn deaf_subscriber(url: &str) -> TcpStream {
    let (address, target) = url.trim_start_matches("ws://").split_once('/').expect("a path");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket option");
    let mut stream = socket.connect(address.parse().expect("an address")).await.expect("connects");
    let request = format!(
        "GET /{target} HTTP/1.1\r\nHost: engine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("an engine that reads");
    stream
}
