//! A server of the Symbl protocol as seen through one socket: it takes frames in order, answers in order, and may be
//! slow, silent, early or gone at any moment.

use std::collections::VecDeque;

use symbl_bridge::bridge::call::leg::{Millis, SocketEnd};

use super::account::Account;
use super::coverage::Coverage;
use super::random::Random;
use super::{Outcome, ensure};

/// A frame of the bridge on its way.
#[derive(Debug)]
pub enum Frame {
    StartRequest,
    Audio(Vec<u16>),
    Ping(u64),
    StopRequest,
    Close,
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Acknowledged,
    Named(&'static str),
    Pong(u64),
    Completed,
    Ended(SocketEnd),
}

/// What happens to a socket by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Ends(SocketEnd),
    Completes,
    StopsReading,
}

/// What the server does when it is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    Completes,
    Closes,
    Breaks,
    Nothing,
}

/// How trouble is dealt out to a leg.
#[derive(Debug, Clone, Copy)]
pub struct Temper {
    /// One connection in so many has trouble of each kind.
    pub trouble: u64,
    /// From when on all is well; nothing before it is for good, either.
    pub heals_at: Option<Millis>,
}

/// How one connection goes.
#[derive(Debug)]
pub struct Manners {
    acknowledges_after: Option<Millis>,
    named_after: Option<Millis>,
    name: &'static str,
    pongs: u32,
    fate: Option<(Millis, Fate)>,
    /// When the socket breaks at the latest: nothing of the bad times outlives them.
    breaks_at: Option<Millis>,
    on_stop: OnStop,
    answers_close: bool,
    latency: Millis,
    /// Frames that still fit into the socket once nobody reads.
    room: u32,
}

impl Manners {
    pub fn draw(now: Millis, temper: Temper, random: &mut Random) -> Self {
        let heals = temper.heals_at.is_some();
        let is_well = temper.heals_at.is_some_and(|heals_at| now >= heals_at);
        let trouble = |random: &mut Random| !is_well && random.once_in(temper.trouble);
        let acknowledges_after = (!trouble(random)).then(|| random.below(if is_well { 300 } else { 6_000 }));
        let named_after = (!trouble(random)).then(|| random.below(500));
        let breaks_at = temper.heals_at.filter(|_| !is_well);
        let fate = trouble(random).then(|| {
            let after = if random.once_in(4) { random.below(40_000) } else { random.below(4_000) };
            (now + after, fate(heals, random))
        });
        let breaks = breaks_at.map(|at| (at, Fate::Ends(SocketEnd::Lost)));
        let fate = fate.filter(|(at, _)| breaks_at.is_none_or(|breaks_at| *at < breaks_at)).or(breaks);
        Self {
            acknowledges_after,
            named_after,
            name: if random.once_in(8) { "other" } else { "conversation" },
            pongs: if trouble(random) { random.below(4) as u32 } else { u32::MAX },
            fate,
            breaks_at,
            on_stop: if trouble(random) {
                random.pick(&[OnStop::Closes, OnStop::Breaks, OnStop::Nothing])
            } else {
                OnStop::Completes
            },
            answers_close: !trouble(random),
            latency: random.pick(&[0, 1, 30, 300]),
            room: random.pick(&[0, 0, 1, 3, 20]),
        }
    }
}

fn fate(heals: bool, random: &mut Random) -> Fate {
    match random.below(10) {
        0..=3 => Fate::Ends(SocketEnd::Lost),
        4 => Fate::Completes,
        5 => Fate::StopsReading,
        // What the leg takes for a judgement of what it says ends it; where all must be well in the end nobody says so.
        6 if !heals => Fate::Ends(random.pick(&[SocketEnd::Fault, SocketEnd::Closed(Some(1008))])),
        7 if !heals => Fate::Ends(SocketEnd::Closed(Some(1000))),
        _ => Fate::Ends(random.pick(&[
            SocketEnd::Closed(Some(1001)),
            SocketEnd::Closed(Some(1011)),
            SocketEnd::Closed(Some(1013)),
            SocketEnd::Closed(None),
        ])),
    }
}

/// One connection.
#[derive(Debug)]
pub struct Socket {
    manners: Manners,
    to_server: VecDeque<(Millis, Frame)>,
    to_bridge: VecDeque<(Millis, Answer)>,
    last_accepted: Option<u16>,
    /// Nothing is read any more.
    is_deaf: bool,
    pub starts: u32,
    pub asked: Option<(Millis, u64)>,
}

impl Socket {
    pub fn open(manners: Manners) -> Self {
        Self {
            manners,
            to_server: VecDeque::new(),
            to_bridge: VecDeque::new(),
            last_accepted: None,
            is_deaf: false,
            starts: 0,
            asked: None,
        }
    }

    /// Returns whether the bridge can write another frame.
    pub fn has_room(&self) -> bool {
        !self.is_deaf || self.manners.room > 0
    }

    /// Takes a frame that the bridge wrote.
    pub fn write(&mut self, now: Millis, frame: Frame, random: &mut Random) {
        if self.is_deaf {
            // A ping goes in one write with the frame behind it.
            self.manners.room = self.manners.room.saturating_sub(1);
        }
        let arrives = now + random.below(self.manners.latency + 1);
        let arrives = self.to_server.back().map_or(arrives, |(last, _)| arrives.max(*last));
        self.to_server.push_back((arrives, frame));
    }

    /// Returns when the server does something next.
    pub fn server_due(&self) -> Option<Millis> {
        let reads = self.to_server.front().filter(|_| !self.is_deaf).map(|(at, _)| *at);
        let fate = self.manners.fate.map(|(at, _)| at);
        reads.into_iter().chain(fate).min()
    }

    /// Returns when the bridge hears something next.
    pub fn answer_due(&self) -> Option<Millis> {
        self.to_bridge.front().map(|(at, _)| *at)
    }

    /// Returns the next answer.
    pub fn answer(&mut self) -> Option<Answer> {
        self.to_bridge.pop_front().map(|(_, answer)| answer)
    }

    /// Lets the server do what is due.
    pub fn serve(
        &mut self,
        now: Millis,
        account: &mut Account,
        random: &mut Random,
        coverage: &mut Coverage,
    ) -> Outcome<()> {
        if let Some((at, fate)) = self.manners.fate
            && at <= now
        {
            self.manners.fate = None;
            self.meet(now, fate, random, coverage);
            return Ok(());
        }
        let Some((_, frame)) = self.to_server.pop_front() else { return Ok(()) };
        match frame {
            Frame::StartRequest => {
                let (acknowledged, named) = (self.manners.acknowledges_after, self.manners.named_after);
                if self.starts == 1 {
                    let mut answers = [
                        acknowledged.map(|after| (after, Answer::Acknowledged)),
                        named.map(|after| (after, Answer::Named(self.manners.name))),
                    ];
                    answers.sort_by_key(|answer| answer.map(|(after, _)| after));
                    for (after, answer) in answers.into_iter().flatten() {
                        self.push(now + after, answer);
                    }
                }
            }
            Frame::Audio(samples) => account.accept(&mut self.last_accepted, &samples)?,
            Frame::Ping(position) => {
                if self.manners.pongs > 0 {
                    self.manners.pongs -= 1;
                    self.push(now + random.below(self.manners.latency + 1), Answer::Pong(position));
                }
            }
            Frame::StopRequest => match self.manners.on_stop {
                OnStop::Completes => self.push(now + random.below(1_500), Answer::Completed),
                OnStop::Closes => self.end(now + random.below(1_500), SocketEnd::Closed(Some(1000))),
                OnStop::Breaks => self.end(now + random.below(1_500), SocketEnd::Lost),
                OnStop::Nothing => {}
            },
            Frame::Close => {
                if self.manners.answers_close {
                    self.end(now, SocketEnd::Closed(Some(1000)));
                }
            }
        }
        ensure(self.to_server.len() < 100_000, || "too many frames are on their way".to_owned())
    }

    fn meet(&mut self, now: Millis, fate: Fate, random: &mut Random, coverage: &mut Coverage) {
        match fate {
            Fate::StopsReading => {
                self.is_deaf = true;
                self.manners.fate = self.manners.breaks_at.map(|at| (at, Fate::Ends(SocketEnd::Lost)));
                coverage.saw("socket that takes nothing more");
            }
            Fate::Completes => {
                // It says so and goes; what is on its way to it is not read.
                self.push(now, Answer::Completed);
                self.is_deaf = true;
                self.manners.room = u32::MAX;
            }
            Fate::Ends(end) => {
                if end == SocketEnd::Lost {
                    let kept = random.below(self.to_bridge.len() as u64 + 1) as usize;
                    if self.to_bridge.drain(kept..).any(|(_, answer)| matches!(answer, Answer::Pong(_))) {
                        coverage.saw("pong that is lost with its socket");
                    }
                }
                if self.to_server.iter().any(|(_, frame)| matches!(frame, Frame::Ping(_))) {
                    coverage.saw("ping that is lost with its socket");
                }
                self.end(now + random.below(200), end);
            }
        }
    }

    fn end(&mut self, at: Millis, end: SocketEnd) {
        self.push(at, Answer::Ended(end));
        self.to_server.clear();
        self.manners.fate = None;
        self.is_deaf = true;
        self.manners.room = u32::MAX;
    }

    fn push(&mut self, at: Millis, answer: Answer) {
        let at = self.to_bridge.back().map_or(at, |(last, _)| at.max(*last));
        self.to_bridge.push_back((at, answer));
    }
}
