//! The supervisor: which calls and legs there are. One a process, and the one owner of every leg.
//!
//! It asks [`Registry`] what to do and does it. A leg ends here and nowhere else, however it ended: its connection
//! reports the end, or, should whoever holds the leg die, the [`LegGuard`] it leaves behind does. A media socket that does
//! not end when it must is cut from outside ([`MediaSockets`]).

mod ends;
mod message;
mod reattach;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

pub use message::{
    AnnounceCall, CallEnded, Census, Drain, Elsewhere, EndAllLegs, LegConnected, LegEnded, LegInterrupted,
    LegNow, LegResumed, MediaEnded, ReadMeters, SocketOpened, StartLeg, StreamStopped, TagsOfCall,
    TakeCensus,
};
pub use reattach::PlanReattach;

use super::call::facts::{CallFacts, LegFacts};
use super::call::leg::{Interruption, LegExit, Millis, Stage, millis};
use super::call::registry::{
    Announcement, CallPlan, LegId, LegPlan, NotStreamed, Registry, StreamRefusal, StreamStart,
};
use super::call::room::masked;
use super::call::update::LegNews;
use super::cluster::{Cluster, LegBegan, LegProposal, State};
use super::leg_guard::LegGuard;
use super::leg_meter::LegMeter;
use super::load::LoadMeter;
use super::media_sockets::MediaSockets;
use super::reattach::Reattach;
use super::services::tags;
use super::twilio_stream::{StopLeg, TwilioStream};
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;

/// Webhooks wait here for their answers; beyond this they wait for a place, still inside the process.
const MAILBOX: usize = 4096;

/// How often old calls and sockets are forgotten, and frozen sockets looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// When a stream's mailbox is full, it is told again after this.
const TELL_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The actor.
pub struct Supervisor {
    registry: Registry,
    sockets: MediaSockets,
    /// One a live leg.
    meters: BTreeMap<LegId, Arc<LegMeter>>,
    /// What other nodes know, and the way to all dashboards.
    cluster: Arc<dyn Cluster>,
    load: LoadMeter,
    /// Beyond this delay no new leg is taken.
    max_delay: Option<Duration>,
    metrics: Metrics,
    began: Instant,
    draining: bool,
    /// Who waits until no leg is left.
    waiting_for_none: Vec<oneshot::Sender<()>>,
    /// Hears what becomes of calls and their streams; none: nobody gets a new one.
    reattach: Option<Reattach>,
}

impl Supervisor {
    /// Returns a supervisor that has not started.
    pub fn new(
        registry: Registry,
        cluster: Arc<dyn Cluster>,
        load: LoadMeter,
        max_delay: Option<Duration>,
        metrics: Metrics,
    ) -> Self {
        metrics.legs.ended.expect(&LegExit::ALL.map(LegExit::as_str));
        metrics.legs.expect_states(&Stage::ALL.map(Stage::as_str));
        metrics.upstream.interruptions.expect(&Interruption::ALL.map(Interruption::as_str));
        metrics.legs.not_streamed.expect(&NotStreamed::ALL.map(NotStreamed::as_str));
        Self {
            registry,
            meters: BTreeMap::new(),
            sockets: MediaSockets::default(),
            cluster,
            load,
            max_delay,
            metrics,
            began: Instant::now(),
            draining: false,
            waiting_for_none: Vec::new(),
            reattach: None,
        }
    }

    /// Tells `reattach` what becomes of calls and their streams.
    #[must_use]
    pub fn telling(self, reattach: Option<Reattach>) -> Self {
        Self { reattach, ..self }
    }

    fn now(&self) -> Millis {
        millis(self.began.elapsed())
    }

    fn publish(&self, news: impl IntoIterator<Item = LegNews>) {
        for news in news {
            self.cluster.publish(news);
        }
    }

    /// Tells a leg's media socket to end; its connection reports the end later.
    fn stop(&mut self, leg: LegId, exit: LegExit, ctx: &mut Context<Self>) {
        self.sockets.must_end(self.now(), leg);
        let Some(stream) = self.sockets.of_leg(leg) else {
            return;
        };
        if let Err(SendError::Full(StopLeg(exit))) = stream.try_send(StopLeg(exit)) {
            ctx.run_later(TELL_AGAIN_AFTER, move |supervisor, ctx| supervisor.stop(leg, exit, ctx));
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(SWEEP_EVERY, |supervisor, _| supervisor.sweep());
    }
}

impl Handler<AnnounceCall> for Supervisor {
    type Result = ActorResponse<Self, CallPlan>;

    fn handle(&mut self, AnnounceCall(call): AnnounceCall, _: &mut Self::Context) -> Self::Result {
        if self.cluster.state() != State::Joined {
            return ActorResponse::reply(self.announce(&call, None));
        }
        let wish = self.registry.wish_of(&call, unique_id);
        let asked = self.cluster.announce(&call.call_sid, wish).get().into_actor(self);
        ActorResponse::r#async(asked.map(move |facts, supervisor, _| supervisor.announce(&call, facts)))
    }
}

impl Supervisor {
    fn announce(&mut self, call: &Announcement, facts: Option<CallFacts>) -> CallPlan {
        if let Some(facts) = &facts {
            self.registry.learn(self.now(), call, facts);
        }
        let mut plan = self.registry.announce(self.now(), call, unique_id);
        if let Some(facts) = facts {
            // A call that is too much for this node still joins its conference.
            plan.room = facts.room;
        }
        if let Some(reason) = self.closed_to_newcomers() {
            plan.stream = Err(reason);
        }
        let trace = self.registry.trace_of(&call.call_sid).or(call.trace);
        let leg = tags(call.call_sid.as_str(), "", "", plan.room.as_str()).traced(trace);
        let (from, role) = (call.from.masked(), plan.party.role.as_str());
        events::CallAnnounced { leg: Some(&leg), from: &from, role }.emit();
        self.metrics.legs.announced.inc();
        if let Err(reason) = plan.stream {
            self.metrics.legs.not_streamed.add(reason.as_str());
            events::CallNotStreamed { leg: Some(&leg), reason: &reason.to_string() }.emit();
        }
        plan
    }
}

impl Handler<SocketOpened> for Supervisor {
    type Result = ();

    fn handle(&mut self, opened: SocketOpened, _: &mut Self::Context) {
        self.sockets.opened(self.now(), opened.stream, opened.socket, opened.start_timeout);
    }
}

impl Handler<StartLeg> for Supervisor {
    type Result = ActorResponse<Self, Result<(LegPlan, LegGuard), StreamRefusal>>;

    fn handle(&mut self, StartLeg { start, stream }: StartLeg, ctx: &mut Self::Context) -> Self::Result {
        if self.cluster.state() != State::Joined {
            return ActorResponse::reply(self.start_leg(&start, stream, None, ctx));
        }
        if self.draining {
            return ActorResponse::reply(Err(StreamRefusal::ShuttingDown));
        }
        let (room, party, connection_id) = match self.registry.expect_leg(self.now(), &start, unique_id) {
            Ok(expected) => expected,
            Err(refusal) => return ActorResponse::reply(Err(refusal)),
        };
        let proposal = LegProposal {
            call_sid: start.call_sid.clone(),
            stream: start.stream,
            room,
            connection_id: connection_id.unwrap_or_else(unique_id),
            speaker: party.speaker,
        };
        let asked = self.cluster.begin_leg(proposal).get().into_actor(self);
        ActorResponse::r#async(asked.map(move |facts, supervisor, ctx| {
            facts.and_then(|facts| supervisor.start_leg(&start, stream, facts, ctx))
        }))
    }
}

impl Supervisor {
    /// Begins a leg; what the cluster gave for it goes back if it does not begin.
    fn start_leg(
        &mut self,
        start: &StreamStart,
        stream: Addr<TwilioStream>,
        facts: Option<LegFacts>,
        ctx: &mut Context<Self>,
    ) -> Result<(LegPlan, LegGuard), StreamRefusal> {
        let plan = match &facts {
            _ if self.draining => Err(StreamRefusal::ShuttingDown),
            Some(facts) => self.registry.begin_leg_as(self.now(), start, facts),
            None => self.registry.begin_leg(self.now(), start, unique_id),
        };
        let plan = plan.inspect_err(|_| {
            if let Some(facts) = &facts {
                self.cluster.give_back(&start.call_sid, facts);
            }
        })?;
        for older in &plan.replaces {
            self.stop(*older, LegExit::Replaced, ctx);
        }
        self.sockets.began(stream, plan.leg);
        self.metrics.legs.started.inc();
        if let Some(reattach) = &self.reattach {
            reattach.leg_began(start, &plan);
        }
        if let Some(leg) = self.registry.live_leg(plan.leg) {
            let name = facts.map(|facts| facts.name);
            self.cluster.leg_began(LegBegan { leg, stream: start.stream, name });
        }
        if self.registry.has_ended(&start.call_sid) {
            // The callback overtook the stream; what was said is heard, and nobody else would end this leg.
            self.stop(plan.leg, LegExit::CallCompleted, ctx);
        }
        // From here on somebody owes us this leg's end, even if the socket is gone before the answer.
        let meter = Arc::new(LegMeter::default());
        self.meters.insert(plan.leg, Arc::clone(&meter));
        let guard = LegGuard::new(plan.leg, ctx.address(), meter);
        Ok((plan, guard))
    }
}

impl Handler<LegConnected> for Supervisor {
    type Result = ();

    fn handle(&mut self, fact: LegConnected, _: &mut Self::Context) {
        let news = self.registry.leg_connected(fact.leg, fact.conversation_id);
        self.publish(news);
    }
}

impl Handler<LegInterrupted> for Supervisor {
    type Result = ();

    fn handle(&mut self, fact: LegInterrupted, _: &mut Self::Context) {
        let news = self.registry.leg_interrupted(fact.leg, fact.why);
        self.publish(news);
    }
}

impl Handler<LegResumed> for Supervisor {
    type Result = ();

    fn handle(&mut self, fact: LegResumed, _: &mut Self::Context) {
        let LegResumed { leg, conversation_id, interrupted_ms, lost_ms } = fact;
        let news = self.registry.leg_resumed(leg, conversation_id, interrupted_ms, lost_ms);
        self.publish(news);
    }
}

impl Handler<MediaEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, MediaEnded { leg, exit }: MediaEnded, _: &mut Self::Context) {
        self.registry.media_ended(leg);
        if let Some(reattach) = &self.reattach {
            reattach.media_ended(leg);
        }
        let goes_on =
            |leg| self.registry.live_leg(leg).is_some_and(|leg| !self.registry.has_ended(&leg.call_sid));
        if exit == LegExit::Shutdown && goes_on(leg) {
            self.cluster.hand_over(leg);
        } else {
            self.cluster.media_ended(leg);
        }
        self.sockets.must_end(self.now(), leg);
    }
}

impl Handler<LegEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, LegEnded { leg, exit }: LegEnded, _: &mut Self::Context) {
        let news = self.registry.leg_ended(self.now(), leg, exit);
        if !news.is_empty() {
            self.metrics.legs.ended.add(exit.as_str());
        }
        if let Some(reattach) = &self.reattach {
            reattach.leg_ended(leg, exit);
        }
        self.meters.remove(&leg);
        self.publish(news);
        self.cluster.leg_ended(leg);
        let stream = self.sockets.leg_ended(self.now(), leg);
        if let (Some(stream), LegExit::Panicked) = (stream, exit) {
            // Its connection could not say good-bye. A socket that cannot hear it has its deadline.
            let _ = stream.try_send(StopLeg(exit));
        }
        if self.sockets.live_legs() == 0 {
            for waiting in self.waiting_for_none.drain(..) {
                // Whoever gave up waiting no longer needs the answer.
                let _ = waiting.send(());
            }
        }
    }
}

impl Handler<TagsOfCall> for Supervisor {
    type Result = MessageResult<TagsOfCall>;

    fn handle(&mut self, TagsOfCall(call_sid): TagsOfCall, _: &mut Self::Context) -> Self::Result {
        let leg = self.registry.live_legs().into_iter().find(|leg| leg.call_sid == call_sid);
        let room = self.registry.room_of(&call_sid).map_or("", |room| room.as_str());
        let tags = match &leg {
            Some(leg) => tags(call_sid.as_str(), leg.stream_sid.as_str(), &leg.view.connection_id, room),
            None => tags(call_sid.as_str(), "", "", room),
        };
        MessageResult(tags.traced(self.registry.trace_of(&call_sid)))
    }
}

impl Handler<ReadMeters> for Supervisor {
    type Result = MessageResult<ReadMeters>;

    fn handle(&mut self, ask: ReadMeters, _: &mut Self::Context) -> Self::Result {
        let legs = self.registry.live_legs().into_iter().filter_map(|leg| {
            let wanted = ask.connection_id.as_ref().is_none_or(|id| *id == leg.view.connection_id);
            let meter = self.meters.get(&leg.leg).filter(|_| wanted)?;
            Some(LegNow { reading: meter.read(ask.connection_id.is_some()), leg })
        });
        MessageResult(legs.collect())
    }
}

impl Handler<EndAllLegs> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: EndAllLegs, ctx: &mut Self::Context) -> Self::Result {
        let legs: Vec<LegId> = self.sockets.legs().collect();
        for leg in legs {
            self.stop(leg, LegExit::Shutdown, ctx);
        }
        for socket in self.sockets.all() {
            // A leg hears it twice and does it once; a full mailbox has heard it already.
            let _ = socket.try_send(StopLeg(LegExit::Shutdown));
        }
        self.until_no_leg_is_left()
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        self.cluster.prepare_to_leave();
        self.until_no_leg_is_left()
    }
}

impl Supervisor {
    /// Returns why no new leg is taken, whoever calls; none in good times.
    fn closed_to_newcomers(&self) -> Option<NotStreamed> {
        if self.draining {
            return Some(NotStreamed::ShuttingDown);
        }
        self.max_delay.is_some_and(|most| self.load.delay() > most).then_some(NotStreamed::Overloaded)
    }

    fn sweep(&mut self) {
        let now = self.now();
        self.registry.forget_old_calls(now);
        for leg in self.sockets.sweep(now) {
            let tags = leg.and_then(|leg| self.registry.live_leg(leg)).map(|leg| {
                let view = &leg.view;
                tags(&view.call_sid, leg.stream_sid.as_str(), &view.connection_id, &view.room)
                    .traced(self.registry.trace_of(&leg.call_sid))
            });
            let reason = "it did not end by itself when it had to";
            events::MediaSocketCut { leg: tags.as_ref(), reason }.emit();
        }
        let gauges = &self.metrics.legs;
        gauges.conferences.set(as_gauge(self.registry.conferences()));
        gauges.calls.set(as_gauge(self.registry.calls()));
        gauges.media_sockets.set(as_gauge(self.sockets.open()));
        events::Census {
            leg: None,
            calls: self.registry.calls() as u64,
            legs: self.registry.legs() as u64,
            sockets: self.sockets.open() as u64,
            delay_ms: millis(self.load.delay()),
        }
        .emit();
    }

    fn until_no_leg_is_left(&mut self) -> ResponseFuture<()> {
        if self.sockets.live_legs() == 0 {
            return Box::pin(std::future::ready(()));
        }
        let (none_left, none_is_left) = oneshot::channel();
        self.waiting_for_none.push(none_left);
        Box::pin(async {
            // An error means that the supervisor itself is gone, and every leg with it.
            let _ = none_is_left.await;
        })
    }
}

impl Handler<TakeCensus> for Supervisor {
    type Result = Census;

    fn handle(&mut self, _: TakeCensus, _: &mut Self::Context) -> Census {
        let legs = self.registry.live_legs().into_iter();
        Census {
            calls: self.registry.calls(),
            legs: legs.map(|leg| (leg.call_sid, masked(&leg.view.room).into_owned())).collect(),
            sockets: self.sockets.open(),
        }
    }
}

fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unique_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
impl Handler<super::twilio_stream::fault::Fault> for Supervisor {
    type Result = ();

    /// Passes it on to every leg, if it is not its own.
    fn handle(&mut self, fault: super::twilio_stream::fault::Fault, _: &mut Self::Context) {
        assert_ne!(fault, super::twilio_stream::fault::Fault::Supervisor, "a fault that a test asked for");
        for stream in self.sockets.all() {
            stream.try_send(fault).unwrap();
        }
    }
}
