//! One step of a load run: legs are set up, speak, are measured, and take their leave.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{interval, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::caller::{self, Line, SetUpFault, Standing};
use super::chance::Chance;
use super::frame::FRAME_MS;
use super::histogram::Histogram;
use super::pacer::{Pace, Paced, Pacer, Speaker, Spoken};
use super::process::{Usage, machine_busy_s};
use super::received::Received;
use super::report::{BridgeCost, Delay, Generator, Moment, SetUp, StepReport};
use super::sink::Sink;
use super::{Arrivals, since};
use crate::simulator::address::{Address, BadAddress};
use crate::twilio::{AuthToken, Signer};

/// Legs that stand wait with speaking until all stand, so that setting up can be measured by itself; but not longer.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// Time for the first frames to come out after the last leg stood.
const FIRST_AUDIO_LIMIT: Duration = Duration::from_secs(10);

/// From the order to speak to the first frame.
const BEGIN_AFTER: Duration = Duration::from_millis(50);

/// How often whoever watches is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Time for the bridge to close a media socket that has said `stop`.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Time for the last audio to come out: the bridge's own patience at a stop, and some.
const LEAVE_LIMIT: Duration = Duration::from_secs(15);

/// Status callbacks at once.
const CALLBACKS_AT_ONCE: usize = 50;

/// What a step does.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// Where the bridge is reached, over plain http.
    pub base_url: String,
    /// The address it believes to have, which is signed; the base if none.
    pub public_url: Option<String>,
    /// Signs webhooks and handshakes; they go unsigned without it.
    pub auth_token: Option<AuthToken>,
    /// The account, `AC…`.
    pub account_sid: String,
    /// The number that is dialled.
    pub to: String,
    /// Calls.
    pub legs: usize,
    /// How many of them meet in one conference.
    pub legs_a_room: usize,
    /// Calls a second while setting up.
    pub calls_a_second: f64,
    /// Speaking that is not measured, before what is.
    pub settle: Duration,
    /// How long is measured.
    pub duration: Duration,
    /// 1 is real time.
    pub pace: f64,
    /// How calls and frames arrive.
    pub arrivals: Arrivals,
    /// Makes random arrivals come again.
    pub seed: u64,
    /// The bridge's process, if what it uses is to be measured.
    pub pid: Option<u32>,
}

/// Why a step could not be made; a bridge that fails is no error but a report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address of the bridge.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// An address of another scheme.
    #[error(
        "{0}: the load generator speaks plain http only; give the bridge's own address, behind its proxy"
    )]
    NotHttp(String),
    /// Nobody to be found there.
    #[error("{0} leads nowhere: {1}")]
    Nowhere(String, #[source] io::Error),
    /// The bridge's process.
    #[error("process {0} cannot be measured: {1}; give the bridge's --pid, or none")]
    Process(u32, #[source] io::Error),
    /// A thread.
    #[error("the thread that sends frames failed: {0}")]
    Pacer(#[source] io::Error),
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Calls are made.
    SettingUp {
        /// Legs that stand.
        standing: usize,
        /// Calls that got none.
        failed: usize,
        /// Calls in all.
        legs: usize,
    },
    /// Frames are sent.
    Speaking {
        /// So far, the time to settle included.
        elapsed: Duration,
        /// In all.
        total: Duration,
        /// Frames sent so far.
        sent: u64,
        /// Different frames that came out so far.
        received: u64,
        /// The 99th percentile of the delay so far, in milliseconds.
        p99_ms: f64,
    },
    /// Legs take their leave.
    Ending {
        /// Connections at the sink that are still open.
        open: usize,
    },
}

/// The sink, and the clock that everything is measured by.
pub struct LoadRun {
    sink: Sink,
    began: Instant,
}

impl LoadRun {
    /// Opens the sink; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let began = Instant::now();
        Ok(Self { sink: Sink::listen(address, began).await?, began })
    }

    /// Returns where the sink listens: what the bridge's `SYMBL_API_BASE_URL` must lead to.
    pub fn sink_address(&self) -> SocketAddr {
        self.sink.address
    }

    /// Makes a step and returns its figures.
    ///
    /// # Errors
    ///
    /// When it cannot be made at all.
    pub async fn step(&self, plan: &LoadPlan, tell: &dyn Fn(&Stage)) -> Result<StepReport, LoadError> {
        Step::new(self, plan, tell)?.make().await
    }
}

/// A step under way.
struct Step<'a> {
    run: &'a LoadRun,
    plan: &'a LoadPlan,
    tell: &'a dyn Fn(&Stage),
    line: Rc<Line>,
    pacer: Pacer,
    /// Legs that stand and whose socket has ended.
    ended: Rc<Cell<usize>>,
    /// Whether legs wait with speaking until all stand.
    holds: bool,
}

/// A leg that stands, and the task that ends when the bridge closes its socket.
struct Leg {
    standing: Standing,
    reading: JoinHandle<()>,
}

impl<'a> Step<'a> {
    fn new(run: &'a LoadRun, plan: &'a LoadPlan, tell: &'a dyn Fn(&Stage)) -> Result<Self, LoadError> {
        let address = Address::new(&plan.base_url, plan.public_url.as_deref())?;
        let number = Uuid::new_v4().as_u128() as u32;
        let line = Rc::new(Line {
            socket: resolve(&plan.base_url)?,
            address,
            signer: plan.auth_token.clone().map(Signer::new),
            account_sid: plan.account_sid.clone(),
            to: plan.to.clone(),
            legs_a_room: plan.legs_a_room.max(1),
            run: number,
            began: run.began,
        });
        let pace = Pace {
            run: number,
            began: run.began,
            speed: plan.pace,
            arrivals: plan.arrivals,
            seed: plan.seed,
        };
        let ears = &run.sink.ears;
        ears.received.replace(Received::new(number, plan.legs));
        ears.handshakes.set(0);
        ears.completed.set(0);
        let pacer = Pacer::start(pace).map_err(LoadError::Pacer)?;
        let holds = plan.legs as f64 / plan.calls_a_second <= LONGEST_HOLD.as_secs_f64();
        Ok(Self { run, plan, tell, line, pacer, ended: Rc::default(), holds })
    }

    async fn make(self) -> Result<StepReport, LoadError> {
        let idle = self.moment()?;
        let mut faults = BTreeMap::new();
        let legs = self.set_up(&mut faults).await;
        self.await_first_audio(&legs).await;
        let set_up = self.moment().unwrap_or(idle);
        let (begin, end, end_ns) = self.speak(&legs, idle).await;
        let broken = self.ended.get();
        let Self { run, plan, tell, line, pacer, holds, .. } = self;
        let paced = pacer.finish(end_ns).await;
        let paced = paced.ok_or_else(|| LoadError::Pacer(io::ErrorKind::Interrupted.into()))?;
        let webhooks = histogram(legs.iter().map(|leg| leg.standing.webhook_ns));
        let started: Vec<_> = legs.iter().map(|leg| (leg.standing.leg, leg.standing.started_ns)).collect();
        let (standing, Paced { legs: spoken, lateness, unwritten }) = (legs.len(), paced);
        let expected: Vec<_> = spoken.iter().map(|leg| (leg.leg as usize, leg.frames)).collect();
        let callbacks_failed = take_leave(&line, legs, spoken).await;
        let ears = &run.sink.ears;
        let patience = Instant::now() + LEAVE_LIMIT;
        while ears.open.get() > 0 && Instant::now() < patience {
            tell(&Stage::Ending { open: ears.open.get() });
            sleep(TELL_EVERY / 4).await;
        }

        let received = ears.received.borrow();
        let first_audio = histogram(started.iter().filter_map(|(leg, started_ns)| {
            received.first_ns(*leg as usize).map(|first_ns| first_ns.saturating_sub(*started_ns))
        }));
        let frames_sent: u64 = expected.iter().map(|(_, frames)| frames).sum();
        let lost = expected.iter().map(|(leg, frames)| frames.saturating_sub(received.distinct(*leg))).sum();
        let set_up_cpu_s = set_up.bridge.zip(idle.bridge).map(|(after, before)| after.cpu_s - before.cpu_s);
        Ok(StepReport {
            legs: plan.legs,
            standing,
            broken,
            seconds: plan.duration.as_secs_f64(),
            pace: plan.pace,
            arrivals: plan.arrivals,
            set_up: SetUp {
                faults,
                seconds: set_up.at_s - idle.at_s,
                webhook_ms: Delay::of(&webhooks),
                first_audio_ms: Delay::of(&first_audio),
                cpu_ms_a_leg: set_up_cpu_s
                    .filter(|_| holds && standing > 0)
                    .map(|cpu_s| cpu_s * 1000.0 / standing as f64),
            },
            frames_sent,
            frames_measured: lateness.len(),
            frames_received: received.all(),
            lost,
            not_taken: unwritten,
            duplicates: received.duplicates,
            out_of_order: received.out_of_order,
            damaged: received.damaged,
            delay_ms: Delay::of(&received.since_due),
            since_sent_ms: Delay::of(&received.since_sent),
            reconnections: ears.handshakes.get().saturating_sub(standing as u64),
            without_leave: (standing as u64).saturating_sub(ears.completed.get()),
            callbacks_failed,
            bridge: BridgeCost::between(&idle, &begin, &end, lateness.len(), standing),
            relay: None,
            generator: Generator::between(&begin, &end, &lateness, allowed_cores()),
        })
    }

    /// Makes the calls; returns those that stand.
    async fn set_up(&self, faults: &mut BTreeMap<String, u64>) -> Vec<Leg> {
        let (done, mut results) = mpsc::unbounded_channel();
        let mut chance = Chance::new(self.plan.seed);
        let begin = tokio::time::Instant::now();
        let step_s = 1.0 / self.plan.calls_a_second;
        let mut at_s = 0.0;
        for leg in 0..self.plan.legs {
            let at = begin + Duration::from_secs_f64(at_s);
            at_s += match self.plan.arrivals {
                Arrivals::Regular => step_s,
                Arrivals::Random => chance.exponential(step_s),
            };
            let (line, done) = (Rc::clone(&self.line), done.clone());
            spawn_local(async move {
                sleep_until(at).await;
                let result: Result<Standing, SetUpFault> = line.set_up(leg as u32).await;
                // Whoever made the step may have been interrupted.
                let _ = done.send(result);
            });
        }
        drop(done);
        let (mut legs, mut failed) = (Vec::new(), 0);
        let mut ticks = interval(TELL_EVERY);
        loop {
            tokio::select! {
                result = results.recv() => match result {
                    None => return legs,
                    Some(Ok(standing)) => legs.push(self.watched(standing, &mut chance)),
                    Some(Err(fault)) => {
                        failed += 1;
                        *faults.entry(fault.to_string()).or_default() += 1;
                    }
                },
                _ = ticks.tick() => {
                    (self.tell)(&Stage::SettingUp { standing: legs.len(), failed, legs: self.plan.legs });
                }
            }
        }
    }

    fn watched(&self, standing: Standing, chance: &mut Chance) -> Leg {
        let (stream, ended) = (Arc::clone(&standing.stream), Rc::clone(&self.ended));
        let reading = spawn_local(async move {
            caller::drain(&stream).await;
            ended.update(|count| count + 1);
        });
        if !self.holds {
            // Where it stands in the beat follows from when it called, and random calls from chance.
            let interval_ns = FRAME_MS as f64 * 1e6 / self.plan.pace;
            let begin_ns = since(self.run.began) + (interval_ns * (1.0 + chance.share())) as u64;
            self.pacer.speak(speaker(&standing, begin_ns));
        }
        Leg { standing, reading }
    }

    /// Waits until a frame of every leg has come out, or none comes any more.
    async fn await_first_audio(&self, legs: &[Leg]) {
        let patience = Instant::now() + FIRST_AUDIO_LIMIT;
        let came =
            |leg: &Leg| self.run.sink.ears.received.borrow().first_ns(leg.standing.leg as usize).is_some();
        while !legs.iter().all(came) && self.ended.get() < legs.len() && Instant::now() < patience {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets all legs speak; returns the moments between which was measured, and when the last frame is due.
    async fn speak(&self, legs: &[Leg], idle: Moment) -> (Moment, Moment, u64) {
        let begin_ns = since(self.run.began) + nanos(BEGIN_AFTER);
        let mut chance = Chance::new(self.plan.seed ^ 0xF00D);
        if self.holds {
            let interval_ns = FRAME_MS as f64 * 1e6 / self.plan.pace;
            for (index, leg) in legs.iter().enumerate() {
                let share = match self.plan.arrivals {
                    Arrivals::Regular => index as f64 / legs.len() as f64,
                    Arrivals::Random => chance.share(),
                };
                self.pacer.speak(speaker(&leg.standing, begin_ns + (interval_ns * share) as u64));
            }
        }
        let from_ns = begin_ns + nanos(self.plan.settle);
        let to_ns = from_ns + nanos(self.plan.duration);
        self.pacer.measure(from_ns..to_ns);
        self.run.sink.ears.received.borrow_mut().measure(from_ns..to_ns);
        self.until(from_ns, begin_ns, to_ns, legs.len()).await;
        let begin = self.moment().unwrap_or(idle);
        self.until(to_ns, begin_ns, to_ns, legs.len()).await;
        // A bridge that died meanwhile has used nothing that could be read.
        let end = self.moment().unwrap_or(begin);
        (begin, end, to_ns.min(since(self.run.began)))
    }

    /// Waits for a moment, or until no leg is left; tells how it goes.
    async fn until(&self, at_ns: u64, begin_ns: u64, end_ns: u64, legs: usize) {
        loop {
            let now_ns = since(self.run.began);
            if now_ns >= at_ns || self.ended.get() >= legs {
                return;
            }
            let received = {
                let received = self.run.sink.ears.received.borrow();
                let p99_ms = received.since_due.quantile(0.99) as f64 / 1e6;
                (received.all(), p99_ms)
            };
            (self.tell)(&Stage::Speaking {
                elapsed: Duration::from_nanos(now_ns.saturating_sub(begin_ns)),
                total: Duration::from_nanos(end_ns - begin_ns),
                sent: self.pacer.sent() + legs as u64,
                received: received.0,
                p99_ms: received.1,
            });
            sleep(TELL_EVERY.min(Duration::from_nanos(at_ns - now_ns))).await;
        }
    }

    fn moment(&self) -> Result<Moment, LoadError> {
        let usage = |pid: u32| Usage::of(pid).map_err(|fault| LoadError::Process(pid, fault));
        Ok(Moment {
            at_s: self.run.began.elapsed().as_secs_f64(),
            bridge: self.plan.pid.map(usage).transpose()?,
            ours: usage(std::process::id())?,
            machine_busy_s: machine_busy_s(),
        })
    }
}

fn speaker(standing: &Standing, first_due_ns: u64) -> Speaker {
    Speaker {
        leg: standing.leg,
        stream: Arc::clone(&standing.stream),
        stream_sid: standing.ids.stream_sid.clone(),
        first_due_ns,
    }
}

/// Ends all legs as Twilio does; returns how many status callbacks failed.
async fn take_leave(line: &Rc<Line>, legs: Vec<Leg>, spoken: Vec<Spoken>) -> u64 {
    let mut spoken: BTreeMap<u32, Spoken> = spoken.into_iter().map(|leg| (leg.leg, leg)).collect();
    let callbacks = Rc::new(Semaphore::new(CALLBACKS_AT_ONCE));
    let leaving: Vec<_> = legs
        .into_iter()
        .map(|Leg { standing, mut reading }| {
            let (line, callbacks) = (Rc::clone(line), Rc::clone(&callbacks));
            let said = spoken.remove(&standing.leg);
            spawn_local(async move {
                let (frames, unsent) = said.map_or((1, Vec::new()), |said| (said.frames, said.unsent));
                let leave = async {
                    caller::take_leave(&standing.stream, &standing.ids, frames + 2, unsent).await;
                    let _ = (&mut reading).await;
                };
                if timeout(CLOSE_LIMIT, leave).await.is_err() {
                    reading.abort();
                }
                let Standing { ids, leg, .. } = standing;
                let _permit = callbacks.acquire().await;
                matches!(line.hang_up(&ids, leg).await, Ok(200..=299))
            })
        })
        .collect();
    let mut failed = 0;
    for leg in leaving {
        failed += u64::from(!leg.await.unwrap_or(false));
    }
    failed
}

/// Returns where a plain http address leads.
fn resolve(base_url: &str) -> Result<SocketAddr, LoadError> {
    let rest = base_url.strip_prefix("http://").ok_or_else(|| LoadError::NotHttp(base_url.to_owned()))?;
    let authority = rest.split('/').next().unwrap_or_default();
    let with_port = if authority.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let nowhere = |fault| LoadError::Nowhere(base_url.to_owned(), fault);
    let mut found = with_port.to_socket_addrs().map_err(nowhere)?;
    found.next().ok_or_else(|| nowhere(io::ErrorKind::NotFound.into()))
}

fn histogram(values: impl Iterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::default();
    values.for_each(|value| histogram.record(value));
    histogram
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns how many cores this process may run on.
fn allowed_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_leads_somewhere() {
        assert_eq!(resolve("http://127.0.0.1:3000/").unwrap().to_string(), "127.0.0.1:3000");
        assert_eq!(resolve("http://127.0.0.1").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(resolve("http://[::1]:81/x").unwrap().to_string(), "[::1]:81");
        assert!(matches!(resolve("https://127.0.0.1:3000"), Err(LoadError::NotHttp(_))));
        assert!(matches!(resolve("http://:3000"), Err(LoadError::Nowhere(..))));
    }
}
