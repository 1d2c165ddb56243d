//! Schedules of everything that can happen to legs and calls, each drawn from a number, against the pure core of the
//! bridge: `call::leg` and `call::registry`. No clock, no socket; an hour of calls takes microseconds.
//!
//! * [`line`] - one leg with caller, timer, pump and socket around it.
//! * [`caller`] - what a caller says, and when.
//! * [`server`] - a model of the server at the other end of a socket.
//! * [`state`] - where a leg is, as far as the outside can tell.
//! * [`account`] - the caller's audio as it must arrive.
//! * [`coverage`] - what the schedules reached.
//!
//! What must hold (design, section 8): the server has what the caller said, in order; a hole is as large as what was
//! reported; every report comes once and in its order; nothing follows the end; every leg comes to its end; one whose
//! server behaves from some moment on delivers all that is still kept.

// The test and the benchmark compile this for themselves.
#![allow(dead_code, unreachable_pub)]

pub mod account;
pub mod caller;
pub mod coverage;
pub mod line;
pub mod random;
pub mod server;
pub mod state;

use std::cell::Cell;

use coverage::Coverage;
use line::{Fact, Line};
use random::Random;
use server::Temper;
use symbl_bridge::bridge::call::leg::{LegExit, Millis};
use symbl_bridge::bridge::call::registry::{
    Announcement, LegId, NotStreamed, Registry, RegistryLimits, StreamRefusal, StreamStart,
};
use symbl_bridge::bridge::call::room::Room;
use symbl_bridge::bridge::call::update::LegNews;
use symbl_bridge::bridge::call::upload::BYTES_PER_MS;
use symbl_bridge::config::{PartyList, RoomPolicy};
use symbl_bridge::twilio::{CallSid, Caller, StreamSid};

/// What a step comes to; an error says what did not hold.
pub type Outcome<T> = Result<T, String>;

/// Returns an error unless `holds`.
pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what()) }
}

/// After four hours nothing is remembered of any call.
const EVERYTHING_IS_FORGOTTEN_AFTER: Millis = 5 * 60 * 60 * 1_000;

/// Runs the schedule of a number; says what did not hold.
pub fn run(seed: u64, coverage: &mut Coverage) -> Outcome<()> {
    World::new(seed).run(coverage)
}

/// Something that happens to a call from outside its leg.
#[derive(Debug, Clone, Copy)]
enum Event {
    Announce { call: usize },
    Start { call: usize, stream: u32 },
    Over { call: usize },
    Dies { line: usize },
    Sweep,
}

/// What dashboards know of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Started,
    Interrupted,
    Failed,
    Stopped,
}

/// One leg of the registry.
#[derive(Debug)]
struct Known {
    id: LegId,
    line: Line,
    connection_id: String,
    room: Room,
    shown: Shown,
    media_ended: bool,
    is_over: bool,
}

#[derive(Debug)]
struct World {
    now: Millis,
    random: Random,
    registry: Registry,
    calls: Vec<Announcement>,
    events: Vec<(Millis, Event)>,
    legs: Vec<Known>,
    temper: Temper,
    names: Cell<u32>,
    limits: RegistryLimits,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let heals_at = random.once_in(4).then(|| random.below(20_000));
        let temper = Temper { trouble: random.pick(&[3, 6, 6, 30]), heals_at };
        let policy = random.pick(&[RoomPolicy::Number, RoomPolicy::Pair]);
        let calls = if heals_at.is_some() { 1 } else { random.pick(&[1, 1, 2, 3]) };
        let limits = RegistryLimits {
            calls: if calls == 3 && random.once_in(8) { 2 } else { 4 },
            legs: if calls > 1 && random.once_in(8) { 1 } else { 4 },
            ended_call_lifetime: 120_000,
        };
        let mut world = Self {
            now: random.below(10_000),
            registry: Registry::new(policy, PartyList::default(), limits),
            calls: Vec::new(),
            events: Vec::new(),
            legs: Vec::new(),
            temper,
            names: Cell::new(0),
            limits,
            random,
        };
        for call in 0..calls {
            world.add_call(call);
        }
        world
    }

    /// Draws what happens to a call: the webhook, perhaps twice, the stream, perhaps a second one, the status callback.
    fn add_call(&mut self, call: usize) {
        const SIDS: [&str; 3] = ["CA1", "CA2", "CA3"];
        // Two of them share a number, as two may.
        const FROM: [&str; 3] = ["+12125550123", "+12125550123", "anonymous"];
        self.calls.push(Announcement {
            trace: None,
            call_sid: CallSid::parse(SIDS[call]).unwrap(),
            from: Caller::parse(FROM[call]),
            to: "+14155550100".to_owned(),
            room: self.random.once_in(3).then(|| Room::parse("seven").unwrap()),
        });
        let mut at = self.now + self.random.below(4_000);
        self.events.push((at, Event::Announce { call }));
        if self.temper.heals_at.is_some() {
            return self.events.push((at + self.random.below(1_000), Event::Start { call, stream: 1 }));
        }
        if self.random.once_in(6) {
            self.events.push((at + self.random.below(1_000), Event::Announce { call }));
        }
        if !self.random.once_in(20) {
            at += self.random.below(1_000);
            self.events.push((at, Event::Start { call, stream: 1 }));
        }
        if self.random.once_in(6) {
            at += self.random.below(8_000);
            let stream = self.random.between(1, 2) as u32;
            self.events.push((at, Event::Start { call, stream }));
        }
        if self.random.once_in(4) {
            let over_at = self.now + self.random.below(30_000);
            self.events.push((over_at, Event::Over { call }));
        }
        if self.random.once_in(40) {
            self.events.push((at + self.random.below(10_000), Event::Dies { line: call }));
        }
        if self.random.once_in(10) {
            self.events.push((at + self.random.below(200_000), Event::Sweep));
        }
    }

    fn run(mut self, coverage: &mut Coverage) -> Outcome<()> {
        let heals = self.temper.heals_at.is_some();
        while let Some(due) = self.due() {
            self.now = self.now.max(due);
            if !heals && self.random.once_in(256) {
                coverage.saw("clock that jumps");
                let jump = self.random.below(60_000);
                self.now += jump;
                self.legs.iter_mut().for_each(|known| known.line.oversleep(jump));
            }
            self.step(coverage)?;
        }
        if heals && !self.legs.is_empty() {
            coverage.saw("server that behaves in the end");
        }
        let live = self.registry.live_legs();
        ensure(live.is_empty(), || format!("{live:?} live on"))?;
        let without_end = self.legs.iter().find(|known| known.shown != Shown::Stopped);
        ensure(without_end.is_none(), || format!("dashboards believe in {without_end:?}"))?;
        self.registry.forget_old_calls(self.now + EVERYTHING_IS_FORGOTTEN_AFTER);
        let calls = self.registry.calls();
        ensure(calls == 0, || format!("{calls} calls are remembered for ever"))
    }

    fn due(&self) -> Option<Millis> {
        let lines = self.legs.iter().filter(|known| !known.is_over).flat_map(|known| {
            [known.line.due(), known.line.facts.front().map(|(at, _)| *at)].into_iter().flatten()
        });
        self.events.iter().map(|(at, _)| *at).chain(lines).min()
    }

    /// Lets one thing happen that is due.
    fn step(&mut self, coverage: &mut Coverage) -> Outcome<()> {
        let now = self.now;
        let event = self.events.iter().position(|(at, _)| *at <= now);
        if let Some(event) = event.filter(|_| !self.random.once_in(4)) {
            let (_, event) = self.events.swap_remove(event);
            return self.happen(event, coverage);
        }
        let first = self.random.below(self.legs.len() as u64 + 1) as usize;
        for offset in 0..self.legs.len() {
            let place = (first + offset) % self.legs.len();
            let known = &mut self.legs[place];
            if known.is_over {
                continue;
            }
            let has_fact = known.line.facts.front().is_some_and(|(at, _)| *at <= now);
            let has_step = known.line.due().is_some_and(|at| at <= now);
            if has_fact && (!has_step || self.random.once_in(2)) {
                return self.fact(place, coverage);
            }
            if has_step {
                return known.line.step(now, coverage);
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event, coverage: &mut Coverage) -> Outcome<()> {
        match event {
            Event::Announce { call } => self.announce(call, coverage),
            Event::Start { call, stream } => self.start(call, stream, coverage),
            Event::Over { call } => {
                let to_stop = self.registry.call_ended(self.now, &self.calls[call].call_sid);
                if to_stop.is_empty() {
                    coverage.saw("call that is over before its stream");
                }
                // Twilio's own stop comes first, if it comes.
                self.stop(&to_stop, 1_000, LegExit::CallCompleted);
                Ok(())
            }
            Event::Dies { line } => {
                if let Some(known) = self.legs.get_mut(line) {
                    known.line.die(self.now);
                }
                Ok(())
            }
            Event::Sweep => {
                self.registry.forget_old_calls(self.now);
                Ok(())
            }
        }
    }

    fn unique(names: &Cell<u32>) -> String {
        names.set(names.get() + 1);
        format!("unique-{}", names.get())
    }

    fn announce(&mut self, call: usize, coverage: &mut Coverage) -> Outcome<()> {
        let before = self.registry.room_of(&self.calls[call].call_sid).cloned();
        let plan = self.registry.announce(self.now, &self.calls[call], || Self::unique(&self.names));
        match plan.stream {
            Ok(_) => {}
            Err(NotStreamed::TooManyCalls) => coverage.saw("call beyond the calls that may be known"),
            Err(NotStreamed::TooManyLegs) => coverage.saw("call beyond the legs that may live"),
            Err(other) => return Err(format!("a call is not streamed: {other}")),
        }
        if let Some(before) = before {
            coverage.saw("call that is announced twice");
            ensure(before == plan.room, || format!("{before} became {}", plan.room))?;
        }
        Ok(())
    }

    fn start(&mut self, call: usize, stream: u32, coverage: &mut Coverage) -> Outcome<()> {
        let start = StreamStart {
            call_sid: self.calls[call].call_sid.clone(),
            stream_sid: StreamSid::parse(if stream == 1 { "MZ1" } else { "MZ2" }).unwrap(),
            stream,
            parameters: self.calls[call].clone(),
        };
        let plan = match self.registry.begin_leg(self.now, &start, || Self::unique(&self.names)) {
            Ok(plan) => plan,
            Err(StreamRefusal::TokenUsed) => {
                coverage.saw("token that was used before");
                return Ok(());
            }
            Err(StreamRefusal::TooManyLegs) => {
                coverage.saw("stream beyond the legs that may live");
                return Ok(());
            }
            Err(StreamRefusal::TooManyCalls) => {
                coverage.saw("stream beyond the calls that may be known");
                return Ok(());
            }
            Err(other) => return Err(format!("a stream is refused: {other}")),
        };
        self.within_limits()?;
        ensure(self.legs.iter().all(|known| known.id != plan.leg), || "a leg's number twice".to_owned())?;
        let together = self.legs.iter().find(|known| {
            known.room == plan.room && known.shown != Shown::Stopped && !known.media_ended && !known.is_over
        });
        if let Some(together) = together {
            coverage.saw("conference of two");
            let shared = &together.connection_id;
            ensure(*shared == plan.connection_id, || format!("{shared} and {}", plan.connection_id))?;
        }
        self.stop(&plan.replaces, 100, LegExit::Replaced);
        self.legs.push(Known {
            id: plan.leg,
            line: Line::begin(self.now, self.temper, self.random.next(), coverage)?,
            connection_id: plan.connection_id,
            room: plan.room,
            shown: Shown::Nothing,
            media_ended: false,
            is_over: false,
        });
        Ok(())
    }

    /// A leg that takes the place of another of its call may live beside it for a while.
    fn within_limits(&self) -> Outcome<()> {
        let mut calls: Vec<CallSid> = self.registry.live_legs().into_iter().map(|leg| leg.call_sid).collect();
        calls.sort();
        calls.dedup();
        let known = self.registry.calls();
        ensure(calls.len() <= self.limits.legs, || format!("legs of {} calls live", calls.len()))?;
        ensure(known <= self.limits.calls, || format!("{known} calls are known"))
    }

    /// Tells media sockets to stop.
    fn stop(&mut self, legs: &[LegId], within: Millis, exit: LegExit) {
        for known in self.legs.iter_mut().filter(|known| legs.contains(&known.id)) {
            known.line.stop(self.now + self.random.below(within), exit);
        }
    }

    /// Lets the supervisor take a leg's next fact.
    fn fact(&mut self, place: usize, coverage: &mut Coverage) -> Outcome<()> {
        let known = &mut self.legs[place];
        let Some((_, fact)) = known.line.facts.pop_front() else { return Ok(()) };
        let id = known.id;
        let news = match fact {
            Fact::Connected(name) => self.registry.leg_connected(id, name).into_iter().collect(),
            Fact::Interrupted(why) => self.registry.leg_interrupted(id, why).into_iter().collect(),
            Fact::Resumed { conversation_id, after, lost } => {
                let lost_ms = lost / BYTES_PER_MS as u64;
                self.registry.leg_resumed(id, conversation_id, after, lost_ms).into_iter().collect()
            }
            Fact::MediaEnded => {
                self.registry.media_ended(id);
                known.media_ended = true;
                Vec::new()
            }
            Fact::Ended(exit) => {
                known.is_over = true;
                saw_end(exit, coverage);
                self.registry.leg_ended(self.now, id, exit)
            }
        };
        news.iter().try_for_each(|news| show(known, news, coverage))
    }
}

/// Notes what dashboards are told of a leg: started once, interrupted and resumed in turn, failed before stopped, stopped
/// once and last.
fn show(known: &mut Known, news: &LegNews, coverage: &mut Coverage) -> Outcome<()> {
    let (next, name, leg) = match news {
        LegNews::Started(leg, _) => (Shown::Started, "news Started", leg),
        LegNews::Interrupted(leg, ..) => (Shown::Interrupted, "news Interrupted", leg),
        LegNews::Resumed { leg, .. } => (Shown::Started, "news Resumed", leg),
        LegNews::Failed(leg, _) => (Shown::Failed, "news Failed", leg),
        LegNews::Stopped(leg, ..) => (Shown::Stopped, "news Stopped", leg),
    };
    coverage.saw(name);
    ensure(*leg == known.id, || format!("{leg:?} is not {:?}", known.id))?;
    let fits = match news {
        LegNews::Started(..) => known.shown == Shown::Nothing,
        LegNews::Interrupted(..) => known.shown == Shown::Started,
        LegNews::Resumed { .. } => known.shown == Shown::Interrupted,
        LegNews::Failed(..) => matches!(known.shown, Shown::Started | Shown::Interrupted),
        LegNews::Stopped(_, _, exit) => match known.shown {
            Shown::Failed => *exit == LegExit::UpstreamFailed,
            Shown::Started | Shown::Interrupted => *exit != LegExit::UpstreamFailed,
            Shown::Nothing | Shown::Stopped => false,
        },
    };
    ensure(fits, || format!("{news:?} after {:?}", known.shown))?;
    known.shown = next;
    Ok(())
}

fn saw_end(exit: LegExit, coverage: &mut Coverage) {
    coverage.saw(match exit {
        LegExit::Hangup => "ended Hangup",
        LegExit::SocketClosed => "ended SocketClosed",
        LegExit::CallCompleted => "ended CallCompleted",
        LegExit::StreamStopped => "ended StreamStopped",
        LegExit::Replaced => "ended Replaced",
        LegExit::UpstreamFailed => "ended UpstreamFailed",
        LegExit::Panicked => "ended Panicked",
        LegExit::MediaSilence => "ended MediaSilence",
        LegExit::MediaFault => "ended MediaFault",
        LegExit::Shutdown => "ended Shutdown",
    });
}
