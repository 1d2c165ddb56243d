//! A TCP proxy on loopback that misbehaves to order: each connection by its plan, and while it lives.
//!
//! One side of it is the bridge, the other is the *culprit*: the peer whose misbehaviour the bridge is to endure,
//! a server that it calls or a client that calls it. Every fault is the culprit's, as the bridge sees it. Until a
//! fault strikes everything passes unchanged, frame by frame. What is random comes from a seed.

mod connection;
mod frames;
mod pump;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use frames::WholeFrame;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::wait::wait_for;

/// What the culprit does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is reset as soon as it is there.
    Refuse,
    /// The connection stands, and nothing is ever said on it.
    SilentAccept,
    /// The upgrade succeeds, and nothing is said after it.
    SilentUpgrade,
    /// The handshake is answered with this status. Only a server can do that.
    Status(u16),
    /// A close frame with this code, at the end of a frame.
    Close(u16),
    /// The end of the stream without a close frame, which is what 1006 means.
    Vanish,
    /// A reset when half of the next frame has passed.
    ResetInMidFrame,
    /// Nothing that the bridge writes is read any more.
    StopReading,
    /// Each byte in a segment of its own.
    ByteByByte,
    /// Each frame is late by up to 300 ms, in order.
    Jitter,
    /// 50 kB/s in each direction.
    SlowLink,
    /// Nothing more is said and everything is taken and forgotten, as behind a NAT that lost its table.
    HalfOpen,
}

/// Who misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// The bridge is the proxy's client and calls a bad server.
    Server,
    /// The bridge is the proxy's target and is called by a bad client.
    Client,
}

/// What becomes of one connection.
#[derive(Debug, Clone)]
pub struct Plan {
    fault: Fault,
    /// From the first byte on, if nothing is awaited.
    at: Option<Cue>,
}

/// The frame that a fault strikes, from either side. It is the first that the fault meets: it does not pass unharmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cue {
    /// A text message with these words in it.
    Text(&'static str),
    /// The binary message with which so many bytes of them have come.
    Audio(usize),
}

impl Plan {
    /// The fault is there from the first byte on.
    pub fn from_the_beginning(fault: Fault) -> Self {
        Self { fault, at: None }
    }

    /// The fault strikes the first text message with these words in it.
    pub fn at_text(fault: Fault, words: &'static str) -> Self {
        Self { fault, at: Some(Cue::Text(words)) }
    }

    const BEHAVE: Self = Self { fault: Fault::None, at: None };
}

#[derive(Default)]
struct Record {
    plans: VecDeque<Plan>,
    lines: Vec<Line>,
    strikes: usize,
}

struct Shared {
    target: SocketAddr,
    culprit: Culprit,
    seed: u64,
    small_window: bool,
    record: Mutex<Record>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no connection panicked")
    }

    /// Takes the next plan, if it begins below HTTP or `whatever` it is.
    fn take_plan(&self, whatever: bool) -> Option<Plan> {
        let mut record = self.record();
        let is_due = |plan: &Plan| whatever || matches!(plan.fault, Fault::Refuse | Fault::SilentAccept);
        record.plans.front().is_some_and(is_due).then(|| record.plans.pop_front()).flatten()
    }

    fn struck(&self) {
        self.record().strikes += 1;
    }
}

/// One upgraded connection. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct Line {
    fault: Arc<watch::Sender<Fault>>,
    awaited: Arc<Mutex<Option<(Cue, Fault)>>>,
    /// Bytes of binary messages so far.
    audio: Arc<AtomicUsize>,
    pongs: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Line {
    fn new() -> Self {
        Self {
            fault: Arc::new(watch::Sender::new(Fault::None)),
            awaited: Arc::default(),
            audio: Arc::default(),
            pongs: Arc::default(),
        }
    }

    /// Makes this fault strike when the cue comes.
    pub fn strike_at(&self, cue: Cue, fault: Fault) {
        *self.awaited.lock().expect("no connection panicked") = Some((cue, fault));
    }

    /// Makes the culprit do this from now on. What has passed has passed.
    pub fn switch(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Lets the awaited fault strike if this is its cue.
    fn meets(&self, frame: &WholeFrame) {
        let audio = self.audio.fetch_add(frame.audio(), Ordering::Relaxed) + frame.audio();
        let is_cue = |cue: &Cue| match cue {
            Cue::Text(words) => frame.says(words),
            Cue::Audio(bytes) => audio >= *bytes,
        };
        let awaited = self.awaited.lock().expect("no connection panicked");
        if let Some((cue, fault)) = &*awaited
            && *self.fault.borrow() == Fault::None
            && is_cue(cue)
        {
            self.fault.send_replace(*fault);
        }
    }

    /// Payloads of the pongs that passed, in order.
    pub fn pongs(&self) -> Vec<Vec<u8>> {
        self.pongs.lock().expect("no connection panicked").clone()
    }
}

/// The proxy. It and its connections end when it is dropped.
pub struct FaultProxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// A proxy in front of `target` whose `culprit` behaves until told otherwise. With a `small_window` it takes as little
    /// as it can from the bridge ahead of what it reads; what is random comes from `seed`.
    pub async fn start(target: SocketAddr, culprit: Culprit, small_window: bool, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        if small_window && culprit == Culprit::Server {
            // Connections inherit it, in time for the window that they announce.
            SockRef::from(&listener)
                .set_recv_buffer_size(connection::SMALL_WINDOW as usize)
                .expect("a socket option");
        }
        let record = Mutex::default();
        let shared = Arc::new(Shared { target, culprit, seed, small_window, record });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// What a bridge is configured with that calls through this proxy.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Plans for the connections to come, one each. A plan that begins below HTTP takes the next connection, any other
    /// the next upgrade. When the plans are used up the culprit behaves.
    pub fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        self.shared.record().plans.extend(plans);
    }

    /// Lets the culprit behave from now on: plans that wait for a connection are dropped.
    pub fn forget_plans(&self) {
        self.shared.record().plans.clear();
    }

    /// How often a fault has struck.
    pub fn strikes(&self) -> usize {
        self.shared.record().strikes
    }

    /// How many plans wait for a connection.
    pub fn plans_left(&self) -> usize {
        self.shared.record().plans.len()
    }

    /// Every connection whose upgrade was passed on, in order.
    pub fn lines(&self) -> Vec<Line> {
        self.shared.record().lines.clone()
    }

    /// Waits for the upgraded connection of this number, counted from 0.
    pub async fn line(&self, number: usize) -> Line {
        wait_for("a connection through the proxy", || self.lines().get(number).cloned()).await
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the task that owns this.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let seed = shared.seed.wrapping_add(2 * connections.len() as u64);
        connections.spawn(connection::serve(client, shared.clone(), seed));
    }
}
