//! One leg with all that is around it: the caller, the timer, the pump and the socket, each as late as the real actor can
//! make it, and a check of everything the leg does.

use std::collections::VecDeque;
use std::time::Duration;

use symbl_bridge::bridge::call::leg::{
    Effect, Interruption, Leg, LegEvent, LegExit, LegLimits, MESSAGE_LIMIT, Millis, Outgoing,
};

use super::account::Account;
use super::caller::{Said, script};
use super::coverage::Coverage;
use super::random::Random;
use super::server::{Answer, Frame, Manners, Socket, Temper};
use super::state::{State, name_of};
use super::{Outcome, ensure};

/// A ping follows the audio at most this often.
const PING_EVERY: Millis = 1_000;

/// What a leg tells the supervisor, in order.
#[derive(Debug, Clone)]
pub enum Fact {
    Connected(String),
    Interrupted(Interruption),
    Resumed { conversation_id: String, after: Millis, lost: u64 },
    MediaEnded,
    Ended(LegExit),
}

#[derive(Debug)]
pub struct Line {
    leg: Leg,
    limits: LegLimits,
    state: State,
    account: Account,
    temper: Temper,
    random: Random,
    attempt: Option<(Millis, Option<Manners>)>,
    socket: Option<Socket>,
    pub script: VecDeque<(Millis, Said)>,
    timer: Option<Millis>,
    pump: Option<Millis>,
    pub facts: VecDeque<(Millis, Fact)>,
    stop_by: Option<Millis>,
    media_ended: bool,
    connected: bool,
    interrupted: Option<(Millis, u64)>,
    /// Since when the server has been silent about audio that it should have.
    silent_since: Option<Millis>,
    pub ended: Option<LegExit>,
    steps: u32,
}

impl Line {
    pub fn begin(now: Millis, temper: Temper, seed: u64, coverage: &mut Coverage) -> Outcome<Self> {
        let mut random = Random::new(seed);
        let heals = temper.heals_at.is_some();
        let is_large = random.once_in(64);
        let buffer = if is_large { 20_000 } else { random.pick(&[64, 256, 1_000, 4_000]) };
        let limits = LegLimits {
            buffer,
            give_up_after: Duration::from_millis(if heals {
                300_000
            } else {
                random.pick(&[0, 2_000, 30_000])
            }),
            acknowledge_within: Duration::from_millis(random.pick(&[2_000, 10_000])),
            stop_within: Duration::from_millis(if heals {
                10_000
            } else {
                random.pick(&[300, 2_000, 10_000])
            }),
        };
        let script = script(now, is_large, temper, &mut random);
        let mut line = Self {
            leg: Leg::new(limits, random.next()),
            limits,
            state: State::New,
            account: Account::new(buffer),
            temper,
            random,
            attempt: None,
            socket: None,
            script,
            timer: None,
            pump: None,
            facts: VecDeque::new(),
            stop_by: None,
            media_ended: false,
            connected: false,
            interrupted: None,
            silent_since: None,
            ended: None,
            steps: 0,
        };
        line.happen(now, LegEvent::Begin, coverage)?;
        Ok(line)
    }

    /// Returns when something happens next.
    pub fn due(&self) -> Option<Millis> {
        self.channels().into_iter().flatten().min()
    }

    fn channels(&self) -> [Option<Millis>; 6] {
        if self.ended.is_some() {
            return [None; 6];
        }
        [
            self.attempt.as_ref().map(|(at, _)| *at),
            self.socket.as_ref().and_then(Socket::server_due),
            self.socket.as_ref().and_then(Socket::answer_due),
            self.script.front().map(|(at, _)| *at),
            self.timer,
            self.pump,
        ]
    }

    /// Lets one of the things happen that are due, whichever.
    pub fn step(&mut self, now: Millis, coverage: &mut Coverage) -> Outcome<()> {
        let channels = self.channels();
        let is_due = |channel: &usize| channels[*channel].is_some_and(|at| at <= now);
        let due = (0..channels.len()).filter(is_due).count() as u64;
        let chosen = self.random.below(due) as usize;
        let Some(channel) = (0..channels.len()).filter(is_due).nth(chosen) else { return Ok(()) };
        self.steps += 1;
        ensure(self.steps < 20_000, || "the leg comes to no end".to_owned())?;
        match channel {
            0 => self.attempt_is_over(now, coverage)?,
            1 => {
                let Self { socket: Some(socket), account, random, .. } = self else { return Ok(()) };
                return socket.serve(now, account, random, coverage);
            }
            2 => self.answered(now, coverage)?,
            3 => self.caller(now, coverage)?,
            4 => {
                self.timer = None;
                self.happen(now, LegEvent::Tick, coverage)?;
            }
            _ => {
                self.pump = None;
                self.pull(now, coverage)?;
            }
        }
        self.check(now)
    }

    /// Notes that the clock jumped: nobody could be asked or answer meanwhile.
    pub fn oversleep(&mut self, jump: Millis) {
        self.silent_since = self.silent_since.map(|since| since + jump);
    }

    /// Lets the actor die.
    pub fn die(&mut self, now: Millis) {
        if self.ended.is_none() {
            self.ended = Some(LegExit::Panicked);
            self.facts.push_back((now, Fact::Ended(LegExit::Panicked)));
        }
    }

    /// Ends the caller's audio from outside, as the media socket does when it is told to stop.
    pub fn stop(&mut self, at: Millis, exit: LegExit) {
        self.script.clear();
        self.script.push_back((at, Said::Ends(exit)));
    }

    fn attempt_is_over(&mut self, now: Millis, coverage: &mut Coverage) -> Outcome<()> {
        let Some((_, opened)) = self.attempt.take() else { return Ok(()) };
        match opened {
            Some(manners) => {
                self.socket = Some(Socket::open(manners));
                self.happen(now, LegEvent::Opened, coverage)
            }
            None => {
                let retry = self.temper.heals_at.is_some() || !self.random.once_in(20);
                self.happen(now, LegEvent::NotOpened { retry, reason: String::new() }, coverage)
            }
        }
    }

    fn answered(&mut self, now: Millis, coverage: &mut Coverage) -> Outcome<()> {
        let Some(answer) = self.socket.as_mut().and_then(Socket::answer) else { return Ok(()) };
        let event = match answer {
            Answer::Acknowledged => LegEvent::Acknowledged,
            Answer::Named(name) => LegEvent::ConversationNamed(name.to_owned()),
            Answer::Pong(position) => LegEvent::Received(position),
            Answer::Completed => LegEvent::Completed,
            Answer::Ended(end) => {
                self.socket = None;
                LegEvent::SocketEnded { end, reason: String::new() }
            }
        };
        self.happen(now, event, coverage)
    }

    fn caller(&mut self, now: Millis, coverage: &mut Coverage) -> Outcome<()> {
        match self.script.pop_front() {
            Some((_, Said::Audio(count))) if !self.media_ended => {
                let audio = self.account.say(count);
                let dropped = self.leg.hear(&audio);
                let expected = self.account.said(count);
                ensure(dropped == expected, || format!("{dropped} bytes were dropped, not {expected}"))?;
                if dropped > 0 {
                    coverage.saw("audio dropped for want of room");
                }
                // The pump is polled when the mailbox is empty.
                self.pump = Some(now);
                Ok(())
            }
            Some((_, Said::Ends(exit))) => self.happen(now, LegEvent::MediaEnded(exit), coverage),
            _ => Ok(()),
        }
    }

    /// Tells the leg what happened, and does what it decides.
    fn happen(&mut self, now: Millis, event: LegEvent, coverage: &mut Coverage) -> Outcome<()> {
        let before = self.state;
        let effects = self.leg.on_event(now, event.clone());
        self.follow(now, &event, &effects, coverage)?;
        let is_over = effects.iter().position(|effect| matches!(effect, Effect::ReportEnded(_)));
        ensure(is_over.is_none_or(|place| place + 1 == effects.len()), || format!("{effects:?}"))?;
        for effect in effects {
            self.perform(now, effect, coverage)?;
        }
        if self.ended.is_some() {
            return self.close();
        }
        let woken = self.leg.wake_at();
        let late = if self.random.once_in(8) { self.random.below(100) } else { 0 };
        ensure(woken.is_some(), || format!("{:?} waits for nothing after {event:?}", self.state))?;
        let is_stuck = event == LegEvent::Tick && before == self.state && woken.is_some_and(|at| at <= now);
        ensure(!is_stuck, || format!("{:?} wants to be woken again and again", self.state))?;
        self.timer = woken.map(|at| at.max(now) + late);
        self.pump = Some(now + if self.random.once_in(8) { self.random.below(60) } else { 0 });
        Ok(())
    }

    /// Keeps state and account up with an event, before its effects are looked at.
    fn follow(
        &mut self,
        now: Millis,
        event: &LegEvent,
        effects: &[Effect],
        coverage: &mut Coverage,
    ) -> Outcome<()> {
        let is_live = matches!(self.state, State::Live | State::Stopping);
        let is_out_of_time = self.stop_by.is_some_and(|at| now >= at);
        match event {
            LegEvent::Opened => self.go(State::Starting, coverage)?,
            LegEvent::Acknowledged if self.state == State::Starting => {
                self.go(State::Live, coverage)?;
                self.silent_since = (self.account.behind() > 0).then_some(now);
            }
            LegEvent::Received(position) if is_live && self.account.acknowledge(*position) => {
                self.silent_since = (self.account.behind() > 0).then_some(now);
            }
            LegEvent::Completed if self.state == State::Stopping && self.account.behind() == 0 => {
                self.go(State::Closing, coverage)?;
            }
            LegEvent::Tick if is_live && is_out_of_time && effects.is_empty() => {
                self.go(State::Closing, coverage)?;
            }
            LegEvent::MediaEnded(_) if self.stop_by.is_none() => {
                self.stop_by = Some(now + self.limits.stop_within.as_millis() as u64);
            }
            _ => {}
        }
        let goes_on = effects
            .iter()
            .any(|effect| matches!(effect, Effect::ReportRetry { .. } | Effect::ReportInterrupted { .. }));
        let is_over = effects.iter().any(|effect| matches!(effect, Effect::ReportFailed { .. }));
        // A leg that fails for good may or may not have taken its account back before: both are the truth then.
        let took_back = goes_on || is_over && self.account.agrees(self.leg.upload()).is_err();
        if is_live && took_back {
            let lost = self.account.lose_connection();
            let reported = effects.iter().any(|effect| matches!(effect, Effect::ReportDropped { .. }));
            ensure(reported == (lost > 0), || format!("{lost} bytes are lost: {effects:?}"))?;
            if self.account.waiting() > 0 {
                coverage.saw("audio sent again");
            }
        }
        Ok(())
    }

    fn perform(&mut self, now: Millis, effect: Effect, coverage: &mut Coverage) -> Outcome<()> {
        coverage.saw(name_of(&effect));
        match effect {
            Effect::Connect => {
                ensure(self.is_unconnected(), || "a second connection beside the first".to_owned())?;
                self.go(State::Connecting, coverage)?;
                self.attempt = Some(self.draw_attempt(now));
            }
            Effect::DropSocket => {
                self.attempt = None;
                self.socket = None;
            }
            Effect::ReportConnected { conversation_id, buffered } => {
                ensure(!std::mem::replace(&mut self.connected, true), || "connected twice".to_owned())?;
                let waiting = self.account.waiting();
                ensure(buffered == waiting, || format!("{buffered} bytes had waited, not {waiting}"))?;
                self.tell(now, Fact::Connected(conversation_id));
            }
            Effect::ReportInterrupted { why, unacknowledged } => {
                coverage.saw(match why {
                    Interruption::ClosedByServer => "interrupted ClosedByServer",
                    Interruption::ConnectionLost => "interrupted ConnectionLost",
                    Interruption::NoAcknowledgement => "interrupted NoAcknowledgement",
                });
                ensure(self.connected && self.interrupted.is_none(), || "interrupted twice".to_owned())?;
                let behind = self.account.behind();
                ensure(unacknowledged == behind, || format!("{unacknowledged} bytes are not {behind}"))?;
                self.interrupted = Some((now, self.account.dropped_before_loss()));
                self.tell(now, Fact::Interrupted(why));
            }
            Effect::ReportResumed { conversation_id, after, lost } => {
                let Some((since, dropped)) = self.interrupted.take() else {
                    return Err("resumed twice".to_owned());
                };
                ensure(after == now - since, || format!("interrupted for {after} ms"))?;
                let dropped = self.account.dropped() - dropped;
                ensure(lost == dropped, || format!("{lost} bytes were lost, not {dropped}"))?;
                if lost > 0 {
                    coverage.saw("resumed with a loss");
                }
                self.tell(now, Fact::Resumed { conversation_id, after, lost });
            }
            Effect::ReportRenamed { conversation_id } => {
                ensure(self.connected && self.interrupted.is_none(), || "renamed unseen".to_owned())?;
                self.tell(now, Fact::Connected(conversation_id));
            }
            Effect::ReportMediaEnded(_) => {
                ensure(!std::mem::replace(&mut self.media_ended, true), || "media ended twice".to_owned())?;
                self.tell(now, Fact::MediaEnded);
            }
            Effect::ReportRetry { pause, .. } => {
                ensure((125..=5_000).contains(&pause), || format!("a pause of {pause} ms"))?;
                ensure(self.is_unconnected(), || "a pause with a connection".to_owned())?;
                self.go(State::Waiting, coverage)?;
            }
            Effect::CloseMedia => self.script.clear(),
            Effect::ReportEnded(exit) => {
                self.go(State::Ended, coverage)?;
                ensure(self.media_ended, || "ended before the audio".to_owned())?;
                self.ended = Some(exit);
                self.tell(now, Fact::Ended(exit));
            }
            Effect::ReportDropped { .. } | Effect::ReportFailed { .. } => {}
        }
        Ok(())
    }

    fn is_unconnected(&self) -> bool {
        self.attempt.is_none() && self.socket.is_none()
    }

    fn tell(&mut self, now: Millis, fact: Fact) {
        let at = now + if self.random.once_in(4) { self.random.below(400) } else { 0 };
        let at = self.facts.back().map_or(at, |(last, _)| at.max(*last));
        self.facts.push_back((at, fact));
    }

    /// Draws an attempt to connect: when it is over, and how the connection goes if there is one.
    fn draw_attempt(&mut self, now: Millis) -> (Millis, Option<Manners>) {
        let is_well = self.temper.heals_at.is_some_and(|heals_at| now >= heals_at);
        if !is_well && self.random.once_in(self.temper.trouble) {
            // As long as an attempt may take.
            return (now + self.random.below(5_000), None);
        }
        let opened_at = now + self.random.below(200);
        (opened_at, Some(Manners::draw(opened_at, self.temper, &mut self.random)))
    }

    fn go(&mut self, to: State, coverage: &mut Coverage) -> Outcome<()> {
        let Some(way) = self.state.way_to(to) else { return Err(format!("from {:?} to {to:?}", self.state)) };
        coverage.saw(way);
        self.state = to;
        Ok(())
    }

    /// Lets the socket take frames until there is none or it takes no more, as the pump does.
    fn pull(&mut self, now: Millis, coverage: &mut Coverage) -> Outcome<()> {
        while self.socket.as_ref().is_some_and(Socket::has_room) {
            if let Some(position) = self.leg.next_ping(now) {
                self.ping(now, position, coverage)?;
            }
            let frame = match self.leg.next_frame(now) {
                None => return Ok(()),
                Some(Outgoing::Ping(_)) => return Err("two pings at once".to_owned()),
                Some(Outgoing::Audio(audio)) => {
                    coverage.saw("frame Audio");
                    if audio.len() == MESSAGE_LIMIT {
                        coverage.saw("frame Audio of the largest size");
                    }
                    ensure(self.state == State::Live && audio.len() <= MESSAGE_LIMIT, || "audio".to_owned())?;
                    let samples = self.account.send(audio)?;
                    let count = audio.len();
                    self.leg.mark_sent(count);
                    Frame::Audio(samples)
                }
                Some(Outgoing::StartRequest) => Frame::StartRequest,
                Some(Outgoing::StopRequest) => Frame::StopRequest,
                Some(Outgoing::Close) => Frame::Close,
            };
            self.control(&frame, coverage)?;
            let Self { socket: Some(socket), random, .. } = self else { return Ok(()) };
            socket.write(now, frame, random);
        }
        Ok(())
    }

    fn control(&mut self, frame: &Frame, coverage: &mut Coverage) -> Outcome<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        match frame {
            Frame::StartRequest => {
                coverage.saw(if socket.starts == 0 {
                    "frame StartRequest"
                } else {
                    "frame StartRequest again"
                });
                socket.starts += 1;
                ensure(self.state == State::Starting && socket.starts <= 2, || "start_request".to_owned())
            }
            Frame::StopRequest => {
                coverage.saw("frame StopRequest");
                let asked = socket.asked.map_or(0, |(_, position)| position);
                let all = self.account.sent();
                let is_asked = asked == all || self.account.behind() == 0 || socket.asked.is_none();
                ensure(is_asked, || format!("stop_request at {all}, and the last ping was at {asked}"))?;
                ensure(self.media_ended && self.account.waiting() == 0, || {
                    "stop_request too early".to_owned()
                })?;
                self.go(State::Stopping, coverage)
            }
            Frame::Close => {
                coverage.saw("frame Close");
                ensure(self.state == State::Closing, || format!("a close frame in {:?}", self.state))
            }
            Frame::Audio(_) | Frame::Ping(_) => Ok(()),
        }
    }

    fn ping(&mut self, now: Millis, position: u64, coverage: &mut Coverage) -> Outcome<()> {
        coverage.saw("frame Ping");
        let is_last = self.media_ended && self.account.waiting() == 0;
        let Self { socket: Some(socket), random, account, .. } = self else { return Ok(()) };
        ensure(position == account.sent(), || format!("a ping with {position} at {}", account.sent()))?;
        if let Some((at, asked)) = socket.asked {
            ensure(position > asked, || "the same ping again".to_owned())?;
            ensure(is_last || now >= at + PING_EVERY, || format!("a ping {} ms after the last", now - at))?;
        }
        socket.asked = Some((now, position));
        socket.write(now, Frame::Ping(position), random);
        Ok(())
    }

    /// What holds between any two steps.
    fn check(&mut self, now: Millis) -> Outcome<()> {
        if self.ended.is_some() {
            ensure(self.leg.next_frame(now).is_none(), || "a frame after the end".to_owned())?;
            return ensure(self.leg.wake_at().is_none(), || "a timer after the end".to_owned());
        }
        self.account.agrees(self.leg.upload())?;
        if !matches!(self.state, State::Live | State::Stopping) || self.account.behind() == 0 {
            self.silent_since = None;
            return Ok(());
        }
        // Timers and pumps are late by less than that.
        let limit = 2 * self.limits.acknowledge_within.as_millis() as u64 + 2 * PING_EVERY;
        let since = *self.silent_since.get_or_insert(now);
        let is_waking = self.timer.is_some_and(|at| at <= now);
        ensure(is_waking || now < since + limit, || {
            let (silent, behind) = (now - since, self.account.behind());
            let (asked, has_room) =
                self.socket.as_ref().map_or((None, false), |socket| (socket.asked, socket.has_room()));
            format!(
                "{:?}: the server has been silent for {silent} ms, {behind} bytes behind; last ping {asked:?}, the \
                 socket takes more: {has_room}",
                self.state
            )
        })
    }

    /// What holds in the end.
    fn close(&mut self) -> Outcome<()> {
        self.account.agrees(self.leg.upload())?;
        self.account.close()?;
        ensure(self.temper.heals_at.is_none() || self.ended != Some(LegExit::UpstreamFailed), || {
            "the server behaved in the end, and the leg failed all the same".to_owned()
        })?;
        let behind = self.account.behind();
        ensure(self.temper.heals_at.is_none() || behind == 0, || format!("{behind} bytes were not delivered"))
    }
}
