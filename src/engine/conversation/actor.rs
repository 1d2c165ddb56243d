//! Gives a [`Room`] its sockets and timers. Everything that can be decided is decided there; here it is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Recipient};
use bytestring::ByteString;
use jiff::Timestamp;
use log::{info, warn};

use super::effect::{AfterStop, Audience, EarNumber, Effect, TaskNumber};
use super::ids::SocketId;
use super::live::Interrupted;
use super::room::Room;
use super::transcript::Anchor;
use super::watched::WatchList;
use crate::engine::analysis::{Answer, Ask, Task};
use crate::engine::counters::Count;
use crate::engine::directory::Directory;
use crate::engine::hearing::Heard;
use crate::engine::insight::analyst::{Analyst, TrackerHit};
use crate::engine::llm::notes::{Notes, Wants};
use crate::engine::settings::Timers;
use crate::engine::store::record::InsightRecord;
use crate::symbl::client_message::StartRequest;
use crate::symbl::server_message::ServerMessage;
use crate::ws::outbox::{Outbox, Pushed, Worth};

/// Legs, subscribers and ears of one conversation speak to it; none of them can fill this for long, because nothing
/// that it does waits.
const MAILBOX: usize = 1024;

/// How often silence is checked for.
const IDLE_CHECK: Duration = Duration::from_secs(60);

/// The actor of one connection id. It stops when nothing is left to remember.
#[derive(Debug)]
pub struct Conversation {
    connection_id: Arc<str>,
    directory: Arc<Directory>,
    timers: Timers,
    room: Room,
    peers: HashMap<SocketId, Peer>,
    /// What is known of the conversation that is going on; the analysis thread holds it while it judges.
    analyst: Arc<Mutex<Analyst>>,
    watch_list: WatchList,
    interrupted: Option<Interrupted>,
    /// For the language model, if there is one.
    notes: Notes,
    /// As of the last thing that happened in the conversation.
    wants: Wants,
}

#[derive(Debug)]
struct Peer {
    outbox: Outbox,
    /// Legs only.
    end_leg: Option<Recipient<EndLeg>>,
}

/// A socket opened; with `end_leg` it is a leg, without it a subscriber.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// The socket.
    pub id: SocketId,
    /// Where its messages go.
    pub outbox: Outbox,
    /// How the conversation ends a leg.
    pub end_leg: Option<Recipient<EndLeg>>,
}

/// A leg began to listen, or said start again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LegStarted {
    /// The leg.
    pub id: SocketId,
    /// What it asked for.
    pub request: Arc<StartRequest>,
    /// Its new ear, if it got one.
    pub ear: Option<EarNumber>,
}

/// A leg listens with another ear from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EarChanged {
    /// The leg.
    pub id: SocketId,
    /// Its new ear.
    pub ear: EarNumber,
}

/// A leg asked for entities, or for none.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EntitiesWanted(pub bool);

/// The analysis thread has an answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Judged {
    number: TaskNumber,
    answer: Answer,
}

/// The analysis thread found trackers in words that may still change.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct SeenEarly {
    text: String,
    hits: Vec<TrackerHit>,
}

/// The language model found more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Suggested(Vec<InsightRecord>);

/// A leg has told its ear to finish.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LegStopped {
    /// The leg.
    pub id: SocketId,
    /// What becomes of its socket.
    pub then: AfterStop,
}

/// An ear made something out.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EarHeard {
    /// The leg.
    pub id: SocketId,
    /// Which of its ears.
    pub ear: EarNumber,
    /// Where the ear's audio lies.
    pub anchor: Anchor,
    /// What it heard.
    pub heard: Heard,
}

/// A socket is gone. Sent by its seat, so that it comes whatever happened to the socket's actor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SocketGone {
    /// The socket.
    pub id: SocketId,
}

/// A conversation that began on another engine goes on in this room.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct GoOn(pub Interrupted);

/// The engine goes down.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Tells a leg to finish its ear and report [`LegStopped`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndLeg {
    /// What becomes of its socket.
    pub then: AfterStop,
}

impl Conversation {
    /// Starts the actor on this thread; `interrupted` is the conversation that goes on in it after a restart.
    pub fn start(
        connection_id: Arc<str>,
        directory: Arc<Directory>,
        timers: Timers,
        interrupted: Option<Interrupted>,
    ) -> actix::Addr<Self> {
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            Self {
                room: Room::new(&connection_id),
                connection_id,
                directory,
                timers,
                peers: HashMap::new(),
                analyst: Arc::default(),
                watch_list: WatchList::default(),
                interrupted,
                notes: Notes::default(),
                wants: Wants::default(),
            }
        })
    }

    fn perform(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Send { to, message } => self.send(to, &message, ctx),
                Effect::Close { to, code, why, has_grace } => {
                    let grace = if has_grace { self.timers.close_grace } else { Duration::ZERO };
                    for peer in self.peers_of(to) {
                        peer.outbox.close(code, why, grace);
                    }
                }
                Effect::EndLeg(id, then) => self.end_leg(id, then, ctx),
                Effect::AwaitFlush(id, ear) => {
                    ctx.run_later(self.timers.flush, move |conversation, ctx| {
                        let effects = conversation.room.flush_expired(id, ear);
                        if !effects.is_empty() {
                            warn!(leg:% = id; "the recogniser did not finish in time");
                        }
                        conversation.perform_and_rest(effects, ctx);
                    });
                }
                Effect::AwaitReturn(returning, patience) => {
                    ctx.run_later(patience, move |conversation, ctx| {
                        let effects = conversation.room.return_expired(returning);
                        conversation.perform_and_rest(effects, ctx);
                    });
                }
                Effect::Judge(number, ask) => self.judge(number, ask, ctx),
                Effect::LookEarly(text) => self.look_early(text, ctx),
                Effect::Remember(ask) => {
                    self.give(ask, |_| {});
                }
                Effect::Watch { wishes, all } => self.watch_list.wish(wishes, all),
                Effect::Record(record) => {
                    if self.directory.llm().is_some() {
                        self.notes.note(&record);
                    }
                    self.directory.store().record(record);
                }
                Effect::Began(id) => {
                    self.analyst = Arc::default();
                    self.notes = Notes::default();
                    self.directory.counters().add(Count::ConversationBegan);
                    info!(conversation = id.as_str(); "conversation began");
                }
                Effect::Finalised(id) => {
                    info!(conversation = id.as_str(); "conversation finalised");
                    self.ask_for_the_rest(ctx);
                }
            }
        }
        self.ask_for_more(ctx);
    }

    /// Asks the language model, if there is one, what the rules missed in the last sentences.
    fn ask_for_more(&mut self, ctx: &Context<Self>) {
        let (Some(llm), Some(wants)) = (self.directory.llm(), self.room.wants()) else {
            return;
        };
        self.wants = wants;
        if let Some(batch) = self.notes.batch(&self.wants) {
            llm.look_again(batch, deliver(ctx.address()));
        }
    }

    /// The conversation is over: what the model finds now is written down, but no longer sent.
    fn ask_for_the_rest(&mut self, ctx: &Context<Self>) {
        let Some(llm) = self.directory.llm() else {
            return;
        };
        let whole = self.notes.whole(&self.wants);
        if let Some(batch) = self.notes.rest(&self.wants) {
            llm.look_again(batch, deliver(ctx.address()));
        }
        if let Some(whole) = whole {
            llm.summarise(whole);
        }
        self.notes = Notes::default();
    }

    /// Every task is answered, so that nothing waits for ever: by the thread, or at once when it is too busy.
    fn judge(&mut self, number: TaskNumber, ask: Ask, ctx: &mut Context<Self>) {
        let conversation = ctx.address();
        let is_given = self.give(ask, move |answer| {
            #[expect(clippy::disallowed_methods, reason = "as many as tasks were given, which are bounded")]
            conversation.do_send(Judged { number, answer });
        });
        if !is_given {
            self.directory.counters().add(Count::SentenceUnjudged);
            let effects = self.room.judged(number, Answer::Nothing);
            self.perform(effects, ctx);
        }
    }

    fn look_early(&mut self, text: String, ctx: &mut Context<Self>) {
        let conversation = ctx.address();
        if self.directory.analysis().waiting() > 0 {
            // The next interim result says more.
            return;
        }
        self.give(Ask::Interim(text.clone()), move |answer| {
            if let Answer::Interim(hits) = answer {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "as many as tasks were given, which are bounded"
                )]
                conversation.do_send(SeenEarly { text, hits });
            }
        });
    }

    fn give(&mut self, ask: Ask, deliver: impl FnOnce(Answer) + Send + 'static) -> bool {
        let watched = self.watch_list.current(&self.directory.store().trackers());
        let analyst = Arc::clone(&self.analyst);
        self.directory.analysis().give(Task { analyst, watched, ask, deliver: Box::new(deliver) })
    }

    fn perform_and_rest(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        self.perform(effects, ctx);
        if self.room.is_empty() && self.directory.retire(&self.connection_id) {
            ctx.stop();
        }
    }

    /// Serialises once, whoever listens.
    fn send(&self, to: Audience, message: &ServerMessage, ctx: &mut Context<Self>) {
        let worth = match message {
            ServerMessage::RecognitionResult(result) if !result.is_final => Worth::Droppable,
            _ => Worth::Needed,
        };
        let counters = self.directory.counters();
        if matches!(message, ServerMessage::RecognitionResult(result) if result.is_final) {
            counters.add(Count::FinalResult);
        }
        let text = ByteString::from(message.to_json());
        for id in self.room.sockets(to) {
            let Some(peer) = self.peers.get(&id) else {
                continue;
            };
            match peer.outbox.text(text.clone(), worth) {
                Pushed::Kept { dropped: 0 } | Pushed::Closing => {}
                Pushed::Kept { dropped } => counters.add_many(Count::InterimDropped, dropped as u64),
                Pushed::Overflowed => {
                    counters.add(Count::SlowClosed);
                    warn!(socket:% = id; "closing a receiver that is too slow");
                    // A peer that reads nothing at all does not even take the close frame.
                    let outbox = peer.outbox.clone();
                    ctx.run_later(self.timers.slow_close, move |_, _| outbox.cut());
                }
            }
        }
    }

    fn end_leg(&self, id: SocketId, then: AfterStop, ctx: &mut Context<Self>) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let told = peer.end_leg.as_ref().map(|leg| leg.try_send(EndLeg { then }));
        if !matches!(told, Some(Ok(()))) {
            // Its actor is frozen behind a peer that does not read: nobody hears a good-bye.
            let outbox = peer.outbox.clone();
            ctx.run_later(self.timers.slow_close, move |_, _| outbox.cut());
        }
    }

    fn peers_of(&self, to: Audience) -> impl Iterator<Item = &Peer> {
        self.room.sockets(to).into_iter().filter_map(|id| self.peers.get(&id))
    }
}

impl Actor for Conversation {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(IDLE_CHECK.min(self.timers.idle), |conversation, ctx| {
            let effects = conversation.room.check_idle(conversation.timers.idle, now_ms());
            conversation.perform_and_rest(effects, ctx);
        });
        if let Some(before) = self.interrupted.take() {
            let effects = self.room.resume(before, self.timers.resume_grace, now_ms());
            self.perform(effects, ctx);
        }
    }
}

impl Handler<Join> for Conversation {
    type Result = ();

    fn handle(&mut self, message: Join, ctx: &mut Self::Context) {
        let Join { id, outbox, end_leg } = message;
        let is_leg = end_leg.is_some();
        self.peers.insert(id, Peer { outbox, end_leg });
        let effects =
            if is_leg { self.room.leg_joined(id) } else { self.room.subscriber_joined(id, now_ms()) };
        self.perform(effects, ctx);
    }
}

impl Handler<LegStarted> for Conversation {
    type Result = ();

    fn handle(&mut self, message: LegStarted, ctx: &mut Self::Context) {
        let effects = self.room.leg_started(message.id, message.request, message.ear, now_ms());
        self.perform(effects, ctx);
    }
}

impl Handler<EarChanged> for Conversation {
    type Result = ();

    fn handle(&mut self, message: EarChanged, _: &mut Self::Context) {
        self.room.ear_changed(message.id, message.ear);
    }
}

impl Handler<LegStopped> for Conversation {
    type Result = ();

    fn handle(&mut self, message: LegStopped, ctx: &mut Self::Context) {
        let effects = self.room.leg_stopped(message.id, message.then);
        self.perform_and_rest(effects, ctx);
    }
}

impl Handler<EarHeard> for Conversation {
    type Result = ();

    fn handle(&mut self, message: EarHeard, ctx: &mut Self::Context) {
        let effects = self.room.heard(message.id, message.ear, message.anchor, message.heard, now_ms());
        self.perform_and_rest(effects, ctx);
    }
}

impl Handler<EntitiesWanted> for Conversation {
    type Result = ();

    fn handle(&mut self, message: EntitiesWanted, _: &mut Self::Context) {
        self.room.entities_wanted(message.0);
    }
}

impl Handler<Judged> for Conversation {
    type Result = ();

    fn handle(&mut self, message: Judged, ctx: &mut Self::Context) {
        let effects = self.room.judged(message.number, message.answer);
        self.perform_and_rest(effects, ctx);
    }
}

impl Handler<SeenEarly> for Conversation {
    type Result = ();

    fn handle(&mut self, message: SeenEarly, ctx: &mut Self::Context) {
        let effects = self.room.seen_early(&message.text, &message.hits);
        self.perform(effects, ctx);
    }
}

impl Handler<Suggested> for Conversation {
    type Result = ();

    fn handle(&mut self, message: Suggested, ctx: &mut Self::Context) {
        let Some(conversation_id) = message.0.first().map(|insight| insight.conversation_id.clone()) else {
            return;
        };
        let effects = self.room.suggested(&conversation_id, &message.0);
        self.perform(effects, ctx);
    }
}

impl Handler<SocketGone> for Conversation {
    type Result = ();

    fn handle(&mut self, message: SocketGone, ctx: &mut Self::Context) {
        self.peers.remove(&message.id);
        let effects = self.room.socket_gone(message.id);
        self.perform_and_rest(effects, ctx);
    }
}

impl Handler<GoOn> for Conversation {
    type Result = ();

    fn handle(&mut self, message: GoOn, ctx: &mut Self::Context) {
        let effects = self.room.resume(message.0, self.timers.resume_grace, now_ms());
        self.perform_and_rest(effects, ctx);
    }
}

impl Handler<Drain> for Conversation {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) {
        let effects = self.room.drain();
        self.perform_and_rest(effects, ctx);
    }
}

fn deliver(conversation: Addr<Conversation>) -> impl FnOnce(Vec<InsightRecord>) + Send + 'static {
    move |found| {
        #[expect(clippy::disallowed_methods, reason = "as many as questions were asked, which are bounded")]
        conversation.do_send(Suggested(found));
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
