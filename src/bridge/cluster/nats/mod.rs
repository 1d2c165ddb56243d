//! Several nodes over NATS JetStream: `docs/cluster.md` says what is shared and what happens at each failure.
//!
//! * [`records`] - what is kept of calls and conferences, and the rules by which it changes.
//! * [`calls`] - what is asked and written as calls and legs begin and end.
//! * [`bucket`] - the records' place, with compare-and-set.
//! * [`outbox`] - updates on their way to the stream that gives them their order.
//! * [`presence`] - which nodes live.
//! * [`member`] - joins, follows what others do, and comes back after NATS was gone.
//! * [`legs`] - how live legs on other nodes stand.
//! * [`heal`] - what a node that was cut off does before it counts again, and what survivors do for one that died.
//!
//! This file is what the supervisor sees. Everything that it starts is bounded by [`ANSWER_WITHIN`], because webhooks wait
//! for it; what could not be written in time is written later, by [`heal`].

mod bucket;
mod calls;
mod heal;
mod legs;
mod member;
mod outbox;
mod presence;
mod records;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use actix::Addr;
use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::kv::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use self::bucket::{BucketError, kind};
use self::outbox::{Outbox, Outgoing};
use self::records::{CallRecord, Claim, LegRecord};
use super::{Answer, Cluster, LegBegan, LegProposal, OnCallsLost, State, locked};
use crate::bridge::call::facts::{CallFacts, LegFacts, Wish};
use crate::bridge::call::leg::{Interruption, Millis, millis};
use crate::bridge::call::registry::{LegId, StreamRefusal};
use crate::bridge::call::room::Room;
use crate::bridge::call::update::{LegNews, LegView, UpdateLog};
use crate::bridge::supervisor::Supervisor;
use crate::bridge::updates_hub::{BeginAnew, Publish, UpdatesHub, first_id};
use crate::bridge::{seconds_now, tell};
use crate::config::ClusterSettings;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::twilio::{CallSid, StreamSid};

/// Webhooks wait so long for NATS and not longer; then this node decides by what it knows itself.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The implementation. Cloning it shares it.
#[derive(Clone)]
pub struct NatsCluster {
    inner: Arc<Inner>,
}

struct Inner {
    /// Never the same in two lives of a node.
    node: String,
    names: Names,
    hub: Addr<UpdatesHub>,
    /// Updates that dashboards may miss.
    keep: usize,
    metrics: Metrics,
    on_calls_lost: OnceLock<OnCallsLost>,
    shared: Mutex<Shared>,
    /// There is something to send, or to mend.
    wake: Notify,
    /// Another node hands a leg over.
    handed_over: Notify,
}

/// What things are called in NATS.
struct Names {
    bucket: String,
    stream: String,
    updates: String,
    said: String,
    alive: String,
    legs: String,
}

#[derive(Default)]
struct Shared {
    /// The way to what is shared; none: cut off.
    link: Option<Link>,
    /// Those that live here.
    legs: HashMap<LegId, MyLeg>,
    /// Names of legs that are about to begin here.
    expected: HashSet<String>,
    outbox: Outbox,
    /// Whether records may not say what is true of this node's legs.
    needs_mending: bool,
    to_forget: VecDeque<(Instant, String)>,
    /// The newest update of this node in the stream, and the newest of anybody that has reached the hub.
    sent_to: u64,
    told_to: u64,
    /// Nodes besides this one.
    others: usize,
    /// Writes that nobody waits for are on their way.
    under_way: usize,
    /// This node is about to end.
    is_leaving: bool,
}

/// The way to what is shared.
#[derive(Clone)]
struct Link {
    client: Client,
    jetstream: jetstream::Context,
    bucket: Store,
}

/// A leg that lives here.
#[derive(Debug, Clone)]
struct MyLeg {
    name: String,
    view: LegView,
    stream: u32,
    /// Whether its record was ever written.
    is_known: bool,
    media_ended: bool,
    /// Whoever takes it sees to its record.
    handed_over: bool,
    /// Dashboards have heard of it.
    is_told: bool,
    interruptions: u32,
    /// Why the server does not listen at the moment.
    interrupted: Option<Interruption>,
}

/// What nodes say to all others; who is not there does not hear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    node: String,
    #[serde(flatten)]
    what: SaidWhat,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
enum SaidWhat {
    CallEnded { call_sid: String },
    StreamStopped { stream_sid: String },
    LegBegan { call_sid: String, stream: u32 },
}

impl Names {
    fn new(cluster: &str) -> Self {
        Self {
            bucket: format!("{cluster}-calls"),
            stream: format!("{cluster}-updates"),
            updates: format!("{cluster}.updates"),
            said: format!("{cluster}.said"),
            alive: format!("{cluster}.alive"),
            legs: format!("{cluster}.legs"),
        }
    }
}

impl NatsCluster {
    /// Returns a node that is cut off until [`NatsCluster::start`]; `keep` updates are kept for dashboards that come back.
    pub fn new(settings: &ClusterSettings, hub: Addr<UpdatesHub>, keep: usize, metrics: Metrics) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let node = format!("{}-{}", settings.node.as_deref().unwrap_or("node"), &unique[..8]);
        let inner = Inner {
            node,
            names: Names::new(&settings.name),
            hub,
            keep,
            metrics,
            on_calls_lost: OnceLock::new(),
            shared: Mutex::default(),
            wake: Notify::new(),
            handed_over: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns this node's name; another one in each life.
    pub fn node(&self) -> &str {
        &self.inner.node
    }

    /// Joins and stays; must be called within an actix `System`, on the thread of supervisor and hub.
    pub fn start(&self, settings: &ClusterSettings, supervisor: Addr<Supervisor>) {
        actix::spawn(member::run(Arc::clone(&self.inner), settings.clone(), supervisor));
    }
}

impl fmt::Debug for NatsCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsCluster").field("node", &self.inner.node).finish_non_exhaustive()
    }
}

impl Inner {
    fn link(&self) -> Option<Link> {
        locked(&self.shared).link.clone()
    }

    /// Does something that nobody waits for; what fails is mended later.
    fn in_background<F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>, Link) -> F)
    where
        F: Future<Output = Result<(), BucketError>> + 'static,
    {
        let Some(link) = self.link() else {
            return self.mend_later();
        };
        let (work, inner) = (work(Arc::clone(self), link), Arc::clone(self));
        locked(&self.shared).under_way += 1;
        actix::spawn(async move {
            let done = work.await;
            locked(&inner.shared).under_way -= 1;
            if done.is_err() {
                inner.mend_later();
            }
        });
    }

    fn mend_later(&self) {
        locked(&self.shared).needs_mending = true;
        self.wake.notify_one();
    }

    fn say(self: &Arc<Self>, what: SaidWhat) {
        let said = Said { node: self.node.clone(), what };
        self.in_background(|inner, link| async move {
            let text = serde_json::to_vec(&said).unwrap_or_default();
            // Who is cut off does not hear it: then the media socket's end tells the rest.
            let _ = link.client.publish(inner.names.said.clone(), text.into()).await;
            Ok(())
        });
    }

    /// Returns what a task brings within the bound; none when it does not, or the way is lost.
    fn ask<T, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>, Link) -> F) -> Answer<Option<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BucketError>> + Send + 'static,
    {
        let Some(link) = self.link() else {
            return Answer::Now(None);
        };
        let (work, inner) = (work(Arc::clone(self), link), Arc::clone(self));
        Answer::later(async move {
            let reason = match tokio::time::timeout(ANSWER_WITHIN, work).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            inner.metrics.cluster.unanswered.inc();
            log::debug!(reason:%; "decided without the other nodes");
            None
        })
    }

    /// Takes the way that was found; dashboards begin anew with what all nodes know.
    fn joined(&self, link: Link, log: UpdateLog) {
        let mut shared = locked(&self.shared);
        shared.outbox.forget_lost(|leg| log.is_live(leg));
        shared.told_to = log.last_id();
        shared.link = Some(link);
        tell(&self.hub, BeginAnew { log, is_shared: true });
        drop(shared);
        self.metrics.cluster.connected.set(1);
        events::ClusterJoined { leg: None, node: &self.node }.emit();
    }

    /// Goes on alone; dashboards begin anew with what this node knows.
    fn cut_off(&self, reason: &str) {
        let mut shared = locked(&self.shared);
        shared.link = None;
        let mut told: Vec<(&LegId, &MyLeg)> = shared.legs.iter().filter(|(_, leg)| leg.is_told).collect();
        told.sort_unstable_by_key(|(id, _)| **id);
        let mut log = UpdateLog::new(first_id(), self.keep);
        for (id, leg) in told {
            log.publish(LegNews::Started(*id, leg.view.clone()), Timestamp::now());
            if let Some(why) = leg.interrupted {
                log.publish(LegNews::Interrupted(*id, leg.view.clone(), why), Timestamp::now());
            }
        }
        tell(&self.hub, BeginAnew { log, is_shared: false });
        drop(shared);
        self.metrics.cluster.connected.set(0);
        self.metrics.cluster.nodes.set(1);
        events::ClusterLost { leg: None, node: &self.node, reason }.emit();
    }
}

impl Cluster for NatsCluster {
    fn announce(&self, call_sid: &CallSid, wish: Wish) -> Answer<Option<CallFacts>> {
        let call_sid = call_sid.clone();
        self.inner.ask(|inner, link| inner.announce(link, call_sid, wish))
    }

    fn begin_leg(&self, leg: LegProposal) -> Answer<Result<Option<LegFacts>, StreamRefusal>> {
        let name = uuid::Uuid::new_v4().to_string();
        locked(&self.inner.shared).expected.insert(name.clone());
        let asked = self.inner.ask(|inner, link| inner.begin_leg(link, name.clone(), leg));
        let inner = Arc::clone(&self.inner);
        Answer::later(async move {
            let answer = asked.get().await;
            if !matches!(answer, Some(Ok(_))) {
                // Should it have been written all the same, it is removed as nobody's.
                locked(&inner.shared).expected.remove(&name);
            }
            answer.transpose()
        })
    }

    fn give_back(&self, call_sid: &CallSid, facts: &LegFacts) {
        locked(&self.inner.shared).expected.remove(&facts.name);
        let view = LegView {
            speaker: crate::symbl::Speaker::default(),
            connection_id: facts.connection_id.clone(),
            conversation_id: None,
            call_sid: call_sid.to_string(),
            room: facts.room.to_string(),
        };
        let name = facts.name.clone();
        self.inner.in_background(|inner, link| async move { inner.remove(&link, &view, &name).await });
    }

    fn leg_began(&self, LegBegan { leg, stream, name }: LegBegan) {
        let mut shared = locked(&self.inner.shared);
        let is_known = name.is_some();
        let name = name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        shared.expected.remove(&name);
        let my_leg = MyLeg {
            name,
            view: leg.view,
            stream,
            is_known,
            media_ended: false,
            handed_over: false,
            is_told: false,
            interruptions: 0,
            interrupted: None,
        };
        shared.legs.insert(leg.leg, my_leg);
        drop(shared);
        if !is_known {
            self.inner.mend_later();
        }
    }

    fn media_ended(&self, leg: LegId) {
        let mut shared = locked(&self.inner.shared);
        let Some(leg) = shared.legs.get_mut(&leg) else { return };
        leg.media_ended = true;
        let (name, room) = (leg.name.clone(), Room::parse(&leg.view.room));
        drop(shared);
        if let Ok(room) = room {
            self.inner.in_background(|inner, link| async move { inner.leave(&link, &room, &name).await });
        }
    }

    fn leg_ended(&self, leg: LegId) {
        let ended = locked(&self.inner.shared).legs.remove(&leg);
        if let Some(MyLeg { name, view, .. }) = ended.filter(|leg| !leg.handed_over) {
            self.inner.in_background(|inner, link| async move { inner.remove(&link, &view, &name).await });
        }
    }

    fn hand_over(&self, leg: LegId) {
        let mut shared = locked(&self.inner.shared);
        let Some(leg) = shared.legs.get_mut(&leg) else { return };
        (leg.media_ended, leg.handed_over) = (true, true);
        let (name, view) = (leg.name.clone(), leg.view.clone());
        drop(shared);
        self.inner.in_background(|inner, link| inner.hand_over(link, view, name));
    }

    fn prepare_to_leave(&self) {
        locked(&self.inner.shared).is_leaving = true;
    }

    fn call_ended(&self, call_sid: &CallSid) {
        self.inner.say(SaidWhat::CallEnded { call_sid: call_sid.to_string() });
        let call_sid = call_sid.clone();
        self.inner.in_background(|inner, link| inner.end_call(link, call_sid));
    }

    fn stream_stopped(&self, stream_sid: &StreamSid) {
        self.inner.say(SaidWhat::StreamStopped { stream_sid: stream_sid.to_string() });
    }

    fn publish(&self, news: LegNews) {
        let mut shared = locked(&self.inner.shared);
        let Some(leg) = shared.legs.get_mut(&news.leg()) else { return };
        if leg.handed_over && !matches!(news, LegNews::Stopped(..)) {
            // Whoever takes it may have told that it stopped.
            return;
        }
        match &news {
            LegNews::Started(_, view) | LegNews::Resumed { view, .. } => {
                leg.view.clone_from(view);
                leg.is_told = true;
                leg.interrupted = None;
            }
            LegNews::Interrupted(_, _, why) => {
                leg.interruptions += 1;
                leg.interrupted = Some(*why);
            }
            LegNews::Failed(..) | LegNews::Stopped(..) => {}
        }
        let (name, interruptions) = (leg.name.clone(), leg.interruptions);
        let outgoing = Outgoing::new(news.clone().told(name, Timestamp::now()), interruptions);
        shared.outbox.push(outgoing);
        if shared.link.is_none() {
            tell(&self.inner.hub, Publish(news));
        }
        drop(shared);
        self.inner.wake.notify_one();
    }

    fn state(&self) -> State {
        if locked(&self.inner.shared).link.is_some() { State::Joined } else { State::CutOff }
    }

    fn has_live_leg(&self, call_sid: &CallSid) -> Answer<Option<bool>> {
        // Of its own legs this node knows more than the record, which may be on its way.
        let here = locked(&self.inner.shared);
        if here.legs.values().any(|leg| leg.view.call_sid == call_sid.as_str() && !leg.media_ended) {
            return Answer::Now(Some(true));
        }
        drop(here);
        let key = bucket::key(kind::CALL, call_sid.as_str());
        self.inner.ask(|inner, link| async move {
            let call: Option<CallRecord> = bucket::read(&link.bucket, &key).await?;
            let is_live = |leg: &LegRecord| leg.node != inner.node && leg.is_live();
            Ok(call.is_some_and(|call| call.legs.values().any(is_live)))
        })
    }

    fn claim_once(&self, key: &str, lifetime: Duration) -> Answer<Option<bool>> {
        let key = bucket::key(kind::CLAIM, key);
        self.inner.ask(|inner, link| async move {
            let take = |record: &mut Option<Claim>| Claim::take(record, now(), millis(lifetime), &inner.node);
            bucket::change(&link.bucket, &key, take).await
        })
    }

    fn release(&self, key: &str) {
        let key = bucket::key(kind::CLAIM, key);
        self.inner.in_background(|inner, link| async move {
            let release = |record: &mut Option<Claim>| Claim::release(record, &inner.node);
            // What is not given up is over soon.
            let _ = bucket::change(&link.bucket, &key, release).await;
            Ok(())
        });
    }

    fn on_calls_lost(&self, hook: OnCallsLost) {
        // A second one is a mistake in this program that no operator can mend.
        let _ = self.inner.on_calls_lost.set(hook);
    }

    fn legs_elsewhere(&self, connection_id: Option<&str>) -> Answer<Vec<Box<RawValue>>> {
        let (inner, question) = (Arc::clone(&self.inner), legs::question(&self.inner.node, connection_id));
        match self.inner.link() {
            Some(link) => Answer::later(async move { legs::ask(&inner, &link, question).await }),
            None => Answer::Now(Vec::new()),
        }
    }

    fn settle(&self, patience: Duration) -> Answer<()> {
        let inner = Arc::clone(&self.inner);
        let is_settled = move || {
            let shared = locked(&inner.shared);
            shared.link.is_none()
                || shared.outbox.len() == 0 && shared.under_way == 0 && shared.told_to >= shared.sent_to
        };
        Answer::later(async move {
            let until = Instant::now() + patience;
            while !is_settled() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    }
}

/// Milliseconds since 1970; nodes agree on it as well as their clocks do.
fn now() -> Millis {
    seconds_now() * 1000
}
