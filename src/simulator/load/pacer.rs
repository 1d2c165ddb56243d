//! Sends every leg's frames when they are due, from a thread of its own.
//!
//! An async timer ticks in milliseconds, which is more than a bridge may take; a thread that sleeps comes some 60 µs late.
//! The sockets stay with the async runtime, which reads them and closes them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::chance::Chance;
use super::frame::{self, FRAME_MS, Stamp};
use super::histogram::Histogram;
use super::{Arrivals, since};

/// The thread looks for new orders at least this often.
const LONGEST_SLEEP: Duration = Duration::from_millis(5);

/// What waits for a bridge that does not read, at most: a good three seconds. Frames beyond it are not sent at all.
const MOST_UNSENT: usize = 64 * 1024;

/// How late a frame of irregular arrivals is on average, and at most, against the beat; Twilio's come in time or in bursts.
const MEAN_JITTER_MS: f64 = 4.0;
const MOST_JITTER_MS: f64 = 60.0;

/// How frames are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) run: u32,
    pub(super) began: Instant,
    /// 1 is real time.
    pub(super) speed: f64,
    pub(super) arrivals: Arrivals,
    pub(super) seed: u64,
}

/// A leg, handed over to be spoken for.
pub(super) struct Speaker {
    pub(super) leg: u32,
    pub(super) stream: Arc<TcpStream>,
    pub(super) stream_sid: String,
    /// When its next frame is due, in nanoseconds since the run began.
    pub(super) first_due_ns: u64,
}

/// What became of a leg.
pub(super) struct Spoken {
    pub(super) leg: u32,
    /// Frames, the first one included; those that could not be written as well.
    pub(super) frames: u64,
    /// Bytes of frames that the bridge has not taken yet.
    pub(super) unsent: Vec<u8>,
}

/// What became of all of them.
pub(super) struct Paced {
    pub(super) legs: Vec<Spoken>,
    /// How late frames within the window were written.
    pub(super) lateness: Histogram,
    /// Frames that were due while more than [`MOST_UNSENT`] bytes waited, or whose socket was broken.
    pub(super) unwritten: u64,
}

/// The running thread.
pub(super) struct Pacer {
    orders: Sender<Order>,
    thread: JoinHandle<Paced>,
    sent: Arc<AtomicU64>,
}

enum Order {
    Speak(Box<Speaker>),
    /// Frames due within are those whose lateness counts.
    Measure(std::ops::Range<u64>),
    /// No frame that is due later is sent.
    StopAt(u64),
}

impl Pacer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When there can be no further thread.
    pub(super) fn start(pace: Pace) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let thread = std::thread::Builder::new()
            .name("load-pacer".to_owned())
            .spawn(move || Beat::new(pace, counted).run(&inbox))?;
        Ok(Self { orders, thread, sent })
    }

    /// Speaks for one more leg.
    pub(super) fn speak(&self, speaker: Speaker) {
        // The thread ends only after it was told to.
        let _ = self.orders.send(Order::Speak(Box::new(speaker)));
    }

    /// Measures lateness within `window`.
    pub(super) fn measure(&self, window: std::ops::Range<u64>) {
        let _ = self.orders.send(Order::Measure(window));
    }

    /// Returns the frames sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends the thread at `end_ns` and returns what became of the legs.
    pub(super) async fn finish(self, end_ns: u64) -> Option<Paced> {
        let _ = self.orders.send(Order::StopAt(end_ns));
        while !self.thread.is_finished() {
            tokio::time::sleep(LONGEST_SLEEP).await;
        }
        self.thread.join().ok()
    }
}

/// The thread's state.
struct Beat {
    pace: Pace,
    interval_ns: f64,
    legs: Vec<Leg>,
    /// When a frame is due, and whose.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    window: std::ops::Range<u64>,
    stop_at: u64,
    scratch: Vec<u8>,
    chance: Chance,
    paced: Paced,
    sent: Arc<AtomicU64>,
}

struct Leg {
    speaker: Speaker,
    frames: u64,
    unsent: Vec<u8>,
    is_broken: bool,
}

impl Beat {
    fn new(pace: Pace, sent: Arc<AtomicU64>) -> Self {
        Self {
            pace,
            interval_ns: FRAME_MS as f64 * 1e6 / pace.speed,
            legs: Vec::new(),
            due: BinaryHeap::new(),
            window: 0..0,
            stop_at: u64::MAX,
            scratch: Vec::with_capacity(1024),
            chance: Chance::new(pace.seed),
            paced: Paced { legs: Vec::new(), lateness: Histogram::default(), unwritten: 0 },
            sent,
        }
    }

    fn run(mut self, inbox: &Receiver<Order>) -> Paced {
        loop {
            loop {
                match inbox.try_recv() {
                    Ok(Order::Speak(speaker)) => self.take(*speaker),
                    Ok(Order::Measure(window)) => self.window = window,
                    Ok(Order::StopAt(end)) => self.stop_at = end,
                    Err(TryRecvError::Empty) => break,
                    // Whoever gave the orders is gone: so is the run.
                    Err(TryRecvError::Disconnected) => return self.end(),
                }
            }
            let now_ns = since(self.pace.began);
            let next_ns = self.due.peek().map_or(u64::MAX, |Reverse((due_ns, _))| *due_ns);
            if next_ns.min(now_ns) >= self.stop_at {
                return self.end();
            }
            if next_ns > now_ns {
                let wait = Duration::from_nanos(next_ns - now_ns).min(LONGEST_SLEEP);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a thread of its own, which does nothing else"
                )]
                sleep(wait);
                continue;
            }
            if let Some(Reverse((due_ns, index))) = self.due.pop() {
                self.send(index, due_ns, now_ns);
            }
        }
    }

    fn take(&mut self, speaker: Speaker) {
        self.due.push(Reverse((speaker.first_due_ns, self.legs.len())));
        // The first frame went with `start`.
        self.legs.push(Leg { speaker, frames: 1, unsent: Vec::new(), is_broken: false });
    }

    fn send(&mut self, index: usize, due_ns: u64, now_ns: u64) {
        let leg = &mut self.legs[index];
        let number = leg.frames;
        leg.frames += 1;
        self.sent.fetch_add(1, Ordering::Relaxed);
        if self.window.contains(&due_ns) {
            self.paced.lateness.record(now_ns.saturating_sub(due_ns));
        }
        let stamp = Stamp { leg: leg.speaker.leg, number, due_ns, sent_ns: now_ns };
        let audio = frame::audio(self.pace.run, stamp);
        self.scratch.clear();
        std::mem::swap(&mut self.scratch, &mut leg.unsent);
        let was_waiting = self.scratch.len();
        if was_waiting > MOST_UNSENT || leg.is_broken {
            self.paced.unwritten += 1;
        } else {
            frame::append_media(&mut self.scratch, &leg.speaker.stream_sid, number, &audio);
        }
        let mut written = 0;
        while written < self.scratch.len() && !leg.is_broken {
            match leg.speaker.stream.try_write(&self.scratch[written..]) {
                Ok(count) => written += count,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => leg.is_broken = true,
            }
        }
        if written < self.scratch.len() && !leg.is_broken {
            leg.unsent.extend_from_slice(&self.scratch[written..]);
        }
        // A frame is never due before the one before it: what a stall holds up comes as a burst.
        let next_ns = self.next_due(index, number).max(due_ns);
        self.due.push(Reverse((next_ns, index)));
    }

    /// The beat is counted from the leg's first frame, so that it does not drift.
    fn next_due(&mut self, index: usize, number: u64) -> u64 {
        let first_ns = self.legs[index].speaker.first_due_ns;
        let beat_ns = first_ns + (self.interval_ns * number as f64) as u64;
        match self.pace.arrivals {
            Arrivals::Regular => beat_ns,
            Arrivals::Random => {
                let jitter_ms = self.chance.exponential(MEAN_JITTER_MS).min(MOST_JITTER_MS);
                beat_ns + (jitter_ms * 1e6) as u64
            }
        }
    }

    fn end(mut self) -> Paced {
        let spoken = |leg: Leg| Spoken { leg: leg.speaker.leg, frames: leg.frames, unsent: leg.unsent };
        self.paced.legs = self.legs.into_iter().map(spoken).collect();
        self.paced
    }
}
