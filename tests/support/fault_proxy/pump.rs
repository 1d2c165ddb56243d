//! An upgraded connection through the proxy: frames pass in both directions until the line's fault says otherwise.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::reset_on_drop;
use super::frames::{Incoming, WholeFrame, close_frame};
use super::{Culprit, Fault, Line, Shared};
use crate::support::caller::Random;

/// Delays of [`Fault::Jitter`] are below this.
const MOST_JITTER_MS: u64 = 300;

/// [`Fault::SlowLink`] passes a piece of this size, then waits as long as 50 kB/s need for it.
const SLOW_PIECE: usize = 500;
const SLOW_PIECE_TAKES: Duration = Duration::from_millis(10);

/// One side's connection.
pub(super) struct Side<'a> {
    pub incoming: Incoming<'a>,
    pub out: WriteHalf<'a>,
}

impl<'a> Side<'a> {
    pub(super) fn of(stream: &'a mut TcpStream) -> Self {
        let (half, out) = stream.split();
        Self { incoming: Incoming::new(half), out }
    }

    pub(super) fn reset_on_drop(&self) {
        reset_on_drop(self.out.as_ref());
    }
}

/// Runs until the connection is over in both directions.
pub(super) async fn run(client: Side<'_>, target: Side<'_>, line: &Line, shared: &Shared, seed: u64) {
    let told = Notify::new();
    let pump = |incoming, out, to_bridge, seed| Pump {
        incoming,
        out,
        to_bridge,
        line,
        told: &told,
        shared,
        random: Random::new(seed),
        delayed: VecDeque::new(),
        last_due: Instant::now(),
    };
    let is_client_the_culprit = shared.culprit == Culprit::Client;
    let to_target = pump(client.incoming, target.out, is_client_the_culprit, seed).run();
    let to_client = pump(target.incoming, client.out, !is_client_the_culprit, seed + 1).run();
    tokio::pin!(to_target, to_client);
    tokio::select! {
        end = &mut to_target => if end == End::Direction {
            to_client.await;
        },
        end = &mut to_client => if end == End::Direction {
            to_target.await;
        },
    }
}

/// What is over when a pump returns.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Direction,
    Connection,
}

/// What a fault makes of a direction.
enum Flow {
    Pass,
    /// Read and forgotten.
    Swallow,
    /// Not even read.
    Hold,
    /// Over, in the fault's own way.
    Break,
}

struct Pump<'a> {
    incoming: Incoming<'a>,
    out: WriteHalf<'a>,
    to_bridge: bool,
    line: &'a Line,
    /// The bridge has been told of the end.
    told: &'a Notify,
    shared: &'a Shared,
    random: Random,
    /// What is to be written, and when.
    delayed: VecDeque<(Instant, Vec<u8>)>,
    last_due: Instant,
}

impl Pump<'_> {
    async fn run(mut self) -> End {
        let mut changes = self.line.fault.subscribe();
        let mut struck = false;
        let mut has_ended = false;
        loop {
            let fault = *changes.borrow_and_update();
            if self.to_bridge && !struck && !matches!(fault, Fault::None | Fault::ResetInMidFrame) {
                struck = true;
                self.shared.struck();
            }
            match self.flow(fault) {
                Flow::Break => return self.end(fault).await,
                Flow::Hold => {
                    let _ = changes.changed().await;
                    continue;
                }
                Flow::Swallow => {
                    tokio::select! {
                        _ = changes.changed() => continue,
                        () = self.incoming.swallow() => return pending().await,
                    }
                }
                Flow::Pass => {}
            }
            let due = self.delayed.front().map(|(due, _)| *due);
            if due.is_some_and(|due| due <= Instant::now()) {
                if self.write_next(fault).await.is_err() {
                    return End::Direction;
                }
                continue;
            }
            if has_ended && due.is_none() {
                let _ = self.out.shutdown().await;
                return End::Direction;
            }
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                () = sleep_until(due.unwrap_or(self.last_due)), if due.is_some() => {}
                frame = self.incoming.frame(), if !has_ended => match frame {
                    Some(frame) => if let Some(end) = self.take(frame).await {
                        return end;
                    },
                    None => has_ended = true,
                },
            }
        }
    }

    fn flow(&self, fault: Fault) -> Flow {
        match fault {
            Fault::Close(_) | Fault::Vanish => Flow::Break,
            Fault::HalfOpen => Flow::Swallow,
            // What the bridge says still passes, so that its verdict can be seen.
            Fault::SilentUpgrade if self.to_bridge => Flow::Swallow,
            Fault::StopReading if !self.to_bridge => Flow::Hold,
            _ => Flow::Pass,
        }
    }

    /// Sees to a frame that came; tells if that was the end.
    async fn take(&mut self, frame: WholeFrame) -> Option<End> {
        self.line.meets(&frame);
        let fault = *self.line.fault.borrow();
        if fault == Fault::ResetInMidFrame {
            self.shared.struck();
            let _ = self.out.write_all(&frame.bytes[..frame.bytes.len() / 2]).await;
            reset_on_drop(self.out.as_ref());
            reset_on_drop(self.incoming.half.as_ref());
            return Some(End::Connection);
        }
        if matches!(self.flow(fault), Flow::Pass) {
            if let Some(pong) = frame.pong().filter(|_| self.to_bridge) {
                self.line.pongs.lock().expect("no connection panicked").push(pong);
            }
            let mut due = Instant::now();
            if fault == Fault::Jitter {
                due += Duration::from_millis(self.random.next_u64() % MOST_JITTER_MS);
            }
            self.last_due = self.last_due.max(due);
            self.delayed.push_back((self.last_due, frame.bytes));
        }
        None
    }

    /// Writes what is due first.
    async fn write_next(&mut self, fault: Fault) -> std::io::Result<()> {
        let Some((_, bytes)) = self.delayed.pop_front() else {
            return Ok(());
        };
        match fault {
            Fault::ByteByByte => {
                for byte in bytes.chunks(1) {
                    self.out.write_all(byte).await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            Fault::SlowLink => {
                for piece in bytes.chunks(SLOW_PIECE) {
                    self.out.write_all(piece).await?;
                    sleep(SLOW_PIECE_TAKES * piece.len() as u32 / SLOW_PIECE as u32).await;
                }
                Ok(())
            }
            _ => self.out.write_all(&bytes).await,
        }
    }

    /// Ends the connection: the bridge is told in the fault's way and may answer, the other side sees its end.
    async fn end(mut self, fault: Fault) -> End {
        if !self.to_bridge {
            let _ = self.out.shutdown().await;
            self.told.notified().await;
            self.incoming.swallow().await;
            return End::Connection;
        }
        if let Fault::Close(code) = fault {
            let frame = close_frame(code, self.shared.culprit == Culprit::Client);
            let _ = self.out.write_all(&frame).await;
        } else {
            let _ = self.out.shutdown().await;
        }
        self.told.notify_one();
        // The other direction ends the connection when the bridge has.
        pending().await
    }
}
