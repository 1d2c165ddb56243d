//! A node as a member: it joins, follows what the others do, and when NATS is gone it goes on alone and comes back.
//!
//! Joining reads everything anew, after a second of NATS's absence as after an hour: one way in is easier to get right than
//! two.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Addr;
use async_nats::connection::State as ConnectionState;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::kv::{Operation, Store, Watch};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream;
use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subscriber};
use futures_util::StreamExt as _;
use secrecy::ExposeSecret;
use tokio::sync::watch;

use super::bucket::{self, kind};
use super::outbox::Outgoing;
use super::presence::{Presence, SAY_EVERY};
use super::records::{CallRecord, ConferenceRecord};
use super::{Inner, Link, Said, SaidWhat, heal, legs};
use crate::bridge::call::update::{LegView, Told, UpdateKind, UpdateLog};
use crate::bridge::cluster::locked;
use crate::bridge::supervisor::{Elsewhere, Supervisor};
use crate::bridge::tell;
use crate::bridge::updates_hub::Append;
use crate::config::ClusterSettings;
use crate::telemetry::events;
use crate::twilio::{CallSid, StreamSid};

/// Between two attempts to join.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// One attempt to join, all that is kept read.
const JOIN_WITHIN: Duration = Duration::from_secs(20);

/// One request to NATS.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);

/// Records and updates are kept so long after their last change: longer than a call may last (4 h).
const KEPT_FOR: Duration = Duration::from_secs(5 * 60 * 60);

/// Updates that the stream keeps; a node that joins reads them all, to know which legs are up.
const MOST_UPDATES: i64 = 1_000_000;

/// The same in bytes.
const MOST_UPDATE_BYTES: i64 = 256 * 1024 * 1024;

/// An update that is sent again within this time is taken once.
const SAME_WITHIN: Duration = Duration::from_secs(10 * 60);

/// After an update could not be sent.
const SEND_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A member's time between joining and being cut off.
pub(super) struct Session {
    pub(super) inner: Arc<Inner>,
    pub(super) link: Link,
    stream: stream::Stream,
    supervisor: Addr<Supervisor>,
    /// The number of the update before the stream's first.
    base: u64,
    /// Legs that are up, as dashboards of all nodes know them, by name.
    pub(super) told: RefCell<HashMap<String, LegView>>,
    /// The records of calls and conferences that have legs, by key.
    pub(super) calls: RefCell<HashMap<String, CallRecord>>,
    pub(super) conferences: RefCell<HashMap<String, ConferenceRecord>>,
    pub(super) presence: RefCell<Presence>,
    /// Legs whose records did not fit a second ago.
    pub(super) doubted: RefCell<HashSet<String>>,
}

/// What a session follows.
struct Followed {
    updates: Ordered,
    last_sequence: u64,
    records: Watch,
    said: Subscriber,
    alive: Subscriber,
    questions: Subscriber,
}

/// Stays a member as long as the process lives.
pub(super) async fn run(inner: Arc<Inner>, settings: ClusterSettings, supervisor: Addr<Supervisor>) {
    let (breaks, mut broke) = watch::channel(());
    let client = match connect(&inner, &settings, breaks).await {
        Ok(client) => client,
        Err(reason) => return events::ClusterLost { leg: None, node: &inner.node, reason: &reason }.emit(),
    };
    // What the log said last, so that it says each reason once.
    let mut said = String::new();
    first_connection(&client).await;
    loop {
        broke.mark_unchanged();
        let join = Session::join(&inner, &client, &settings, supervisor.clone());
        let joined = tokio::time::timeout(JOIN_WITHIN, join).await;
        match joined.unwrap_or_else(|_| Err("joining took too long".to_owned())) {
            Ok((session, followed, log)) => {
                inner.joined(session.link.clone(), log);
                said = session.follow(followed, &mut broke).await;
                inner.cut_off(&said);
            }
            Err(reason) if reason != said => {
                events::ClusterLost { leg: None, node: &inner.node, reason: &reason }.emit();
                said = reason;
            }
            Err(_) => {}
        }
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
    }
}

/// Waits until the client had the time that a connection takes.
async fn first_connection(client: &Client) {
    let until = Instant::now() + REQUEST_WITHIN;
    while client.connection_state() != ConnectionState::Connected && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns a client that connects, and connects again, by itself; it tells of each break.
async fn connect(
    inner: &Inner,
    settings: &ClusterSettings,
    breaks: watch::Sender<()>,
) -> Result<Client, String> {
    let addresses = settings.nats_url.expose_secret().split(',').map(|url| url.trim().parse::<ServerAddr>());
    // The address may hold a password, so the fault is not shown.
    let addresses: Result<Vec<ServerAddr>, _> = addresses.collect();
    let addresses = addresses.map_err(|_| "cluster.nats_url is no address of NATS".to_owned())?;
    let breaks = Arc::new(breaks);
    let options = ConnectOptions::new()
        .name(&inner.node)
        .retry_on_initial_connect()
        .connection_timeout(REQUEST_WITHIN)
        .request_timeout(Some(REQUEST_WITHIN))
        .ping_interval(REQUEST_WITHIN)
        .reconnect_delay_callback(|attempts| {
            TRY_AGAIN_AFTER
                .min(Duration::from_millis(50) * u32::try_from(attempts).unwrap_or(u32::MAX).min(10))
        })
        .event_callback(move |event| {
            if let Event::Disconnected = event {
                // Nobody listens any more: the process ends.
                let _ = breaks.send(());
            }
            std::future::ready(())
        });
    options.connect(addresses).await.map_err(|error| error.to_string())
}

/// Opens the bucket, as a stream with what makes a stream a bucket: the library's own way asks about the account first, and
/// does not understand what servers before 2.10 answer.
async fn open_bucket(
    jetstream: &async_nats::jetstream::Context,
    inner: &Inner,
    replicas: usize,
) -> Result<Store, String> {
    let bucket = &inner.names.bucket;
    let config = stream::Config {
        name: format!("KV_{bucket}"),
        description: Some("symbl-bridge: calls and conferences".to_owned()),
        subjects: vec![format!("$KV.{bucket}.>")],
        max_messages_per_subject: 1,
        max_age: KEPT_FOR,
        discard: stream::DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        num_replicas: replicas,
        ..stream::Config::default()
    };
    jetstream.get_or_create_stream(config).await.map_err(|error| error.to_string())?;
    jetstream.get_key_value(bucket).await.map_err(|error| error.to_string())
}

impl Session {
    /// Reads what all nodes know, and takes this node's legs back.
    async fn join(
        inner: &Arc<Inner>,
        client: &Client,
        settings: &ClusterSettings,
        supervisor: Addr<Supervisor>,
    ) -> Result<(Self, Followed, UpdateLog), String> {
        if client.connection_state() != ConnectionState::Connected {
            return Err("no connection to NATS".to_owned());
        }
        let mut jetstream = async_nats::jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST_WITHIN);
        let bucket = open_bucket(&jetstream, inner, settings.replicas).await?;
        let config = stream::Config {
            name: inner.names.stream.clone(),
            description: Some("symbl-bridge: updates for dashboards".to_owned()),
            subjects: vec![inner.names.updates.clone()],
            max_age: KEPT_FOR,
            max_messages: MOST_UPDATES,
            max_bytes: MOST_UPDATE_BYTES,
            duplicate_window: SAME_WITHIN,
            num_replicas: settings.replicas,
            ..stream::Config::default()
        };
        let stream = jetstream.get_or_create_stream(config).await.map_err(|error| error.to_string())?;
        let info = stream.get_info().await.map_err(|error| error.to_string())?;
        // As a process's own numbers, so that another stream's are always larger.
        let base = u64::try_from(info.created.unix_timestamp_nanos() / 1000).unwrap_or_default();
        let subscribe = async |subject: &str| {
            client.subscribe(subject.to_owned()).await.map_err(|error| error.to_string())
        };
        // Before anything is read, so that nothing is missed.
        let (said, alive) = (subscribe(&inner.names.said).await?, subscribe(&inner.names.alive).await?);
        let questions = subscribe(&inner.names.legs).await?;
        let consumer = OrderedConfig { deliver_policy: DeliverPolicy::All, ..OrderedConfig::default() };
        let consumer = stream.create_consumer(consumer).await.map_err(|error| error.to_string())?;
        let updates = consumer.messages().await.map_err(|error| error.to_string())?;
        let records = bucket.watch_with_history(">").await.map_err(|error| error.to_string())?;
        let link = Link { client: client.clone(), jetstream, bucket };
        let session = Self {
            inner: Arc::clone(inner),
            link,
            stream,
            supervisor,
            base,
            told: RefCell::default(),
            calls: RefCell::default(),
            conferences: RefCell::default(),
            doubted: RefCell::default(),
            presence: RefCell::new(Presence::new(&inner.node, Instant::now())),
        };
        let first = info.state.first_sequence;
        let last_sequence = if info.state.messages == 0 { info.state.last_sequence } else { first - 1 };
        let mut followed = Followed { updates, last_sequence, records, said, alive, questions };
        let mut log = UpdateLog::new(base, inner.keep);
        log.skip_to(base + followed.last_sequence);
        while followed.last_sequence < info.state.last_sequence {
            let (id, told) = session.next_update(&mut followed.updates, &mut followed.last_sequence).await?;
            log.append(id, told);
        }
        heal::take_legs_back(&session).await.map_err(|error| error.to_string())?;
        Ok((session, followed, log))
    }

    /// Follows the others until the way is lost; returns why.
    async fn follow(&self, followed: Followed, broke: &mut watch::Receiver<()>) -> String {
        let Followed { updates, last_sequence, records, said, alive, questions } = followed;
        tokio::select! {
            reason = self.follow_updates(updates, last_sequence) => reason,
            reason = self.follow_records(records) => reason,
            reason = self.follow_said(said) => reason,
            reason = self.follow_alive(alive) => reason,
            reason = self.answer_questions(questions) => reason,
            reason = self.send_updates() => reason,
            reason = self.say_that_we_live() => reason,
            reason = self.tend() => reason,
            reason = self.watch_over_nats() => reason,
            _ = broke.changed() => "the connection to NATS broke".to_owned(),
        }
    }

    /// Returns the stream's next update and its number.
    async fn next_update(&self, updates: &mut Ordered, last: &mut u64) -> Result<(u64, Told), String> {
        let message = updates.next().await.ok_or("the stream of updates ended")?;
        let message = message.map_err(|error| error.to_string())?;
        let sequence = message.info().map_err(|error| error.to_string())?.stream_sequence;
        if sequence != *last + 1 {
            return Err(format!("updates are missing: {sequence} follows {last}"));
        }
        *last = sequence;
        let told: Told = serde_json::from_slice(&message.payload)
            .map_err(|error| format!("an update that this version does not understand: {error}"))?;
        let mut live = self.told.borrow_mut();
        match told.kind {
            UpdateKind::ConnectionStopped => {
                live.remove(&told.leg);
            }
            UpdateKind::ConnectionStarted | UpdateKind::ConnectionResumed => {
                live.insert(told.leg.clone(), told.view.clone());
            }
            _ => {}
        }
        Ok((self.base + sequence, told))
    }

    async fn follow_updates(&self, mut updates: Ordered, mut last_sequence: u64) -> String {
        loop {
            match self.next_update(&mut updates, &mut last_sequence).await {
                Ok((id, told)) => {
                    tell(&self.inner.hub, Append { id, told });
                    locked(&self.inner.shared).told_to = id;
                }
                Err(reason) => return reason,
            }
        }
    }

    async fn follow_records(&self, mut records: Watch) -> String {
        while let Some(entry) = records.next().await {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return error.to_string(),
            };
            let value = if entry.operation == Operation::Put { &*entry.value } else { &[] };
            if bucket::name_of(kind::CALL, &entry.key).is_some() {
                let call: Option<CallRecord> = serde_json::from_slice(value).ok();
                self.take_call(entry.key, call.filter(|call| !call.legs.is_empty()));
            } else if bucket::name_of(kind::CONFERENCE, &entry.key).is_some() {
                let conference: Option<ConferenceRecord> = serde_json::from_slice(value).ok();
                self.take_conference(entry.key, conference.filter(|open| !open.legs.is_empty()));
            }
        }
        "the records ended".to_owned()
    }

    fn take_call(&self, key: String, call: Option<CallRecord>) {
        let Some(call) = call else {
            self.calls.borrow_mut().remove(&key);
            return;
        };
        let own = &self.inner.node;
        let is_lost = call.legs.values().any(|leg| leg.node == *own && leg.lost_to.is_some());
        if call.legs.values().any(|leg| leg.handed_over && leg.lost_to.is_none() && leg.node != *own) {
            self.inner.handed_over.notify_one();
        }
        self.calls.borrow_mut().insert(key, call);
        if is_lost {
            self.inner.mend_later();
        }
    }

    fn take_conference(&self, key: String, conference: Option<ConferenceRecord>) {
        let mut conferences = self.conferences.borrow_mut();
        match conference {
            Some(conference) => conferences.insert(key, conference),
            None => conferences.remove(&key),
        };
    }

    async fn follow_said(&self, mut said: Subscriber) -> String {
        while let Some(message) = said.next().await {
            let said: Option<Said> = serde_json::from_slice(&message.payload).ok();
            if let Some(said) = said.filter(|said| said.node != self.inner.node)
                && let Some(elsewhere) = elsewhere(said.what)
            {
                tell(&self.supervisor, elsewhere);
            }
        }
        "what nodes say ended".to_owned()
    }

    async fn follow_alive(&self, mut alive: Subscriber) -> String {
        while let Some(message) = alive.next().await {
            if let Ok(node) = std::str::from_utf8(&message.payload) {
                self.presence.borrow_mut().heard(node, Instant::now());
            }
        }
        "what nodes say ended".to_owned()
    }

    async fn answer_questions(&self, mut questions: Subscriber) -> String {
        while let Some(question) = questions.next().await {
            legs::answer(&self.inner, &self.link, &self.supervisor, question).await;
        }
        "what nodes ask ended".to_owned()
    }

    /// Sends what waits, one after the other: the stream's order is this node's order.
    async fn send_updates(&self) -> String {
        loop {
            let next = locked(&self.inner.shared).outbox.next().cloned();
            let Some(next) = next else {
                self.inner.wake.notified().await;
                continue;
            };
            match self.send(&next).await {
                Ok(id) => {
                    let mut shared = locked(&self.inner.shared);
                    shared.outbox.sent(&next.id);
                    shared.sent_to = shared.sent_to.max(id);
                    let waiting = i64::try_from(shared.outbox.len()).unwrap_or(i64::MAX);
                    self.inner.metrics.cluster.updates_waiting.set(waiting);
                }
                Err(_) => tokio::time::sleep(SEND_AGAIN_AFTER).await,
            }
        }
    }

    /// Puts an update into the stream, unless it has it; returns its number.
    pub(super) async fn send(&self, outgoing: &Outgoing) -> Result<u64, String> {
        let text = serde_json::to_vec(&outgoing.told).map_err(|error| error.to_string())?;
        let message = PublishMessage::build().payload(text.into()).message_id(&outgoing.id);
        let subject = self.inner.names.updates.clone();
        let sent = self.link.jetstream.send_publish(subject, message).await;
        let taken = sent.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())?;
        Ok(self.base + taken.sequence)
    }

    async fn say_that_we_live(&self) -> String {
        loop {
            let (subject, node) = (self.inner.names.alive.clone(), self.inner.node.clone());
            // A break is noticed elsewhere.
            let _ = self.link.client.publish(subject, node.into()).await;
            tokio::time::sleep(SAY_EVERY).await;
        }
    }

    /// Looks who lives, reports who does not, and writes what could not be written when it happened.
    async fn tend(&self) -> String {
        loop {
            // Somebody is not heard until a leg that was handed over is taken.
            let _ = tokio::time::timeout(SAY_EVERY, self.inner.handed_over.notified()).await;
            self.presence.borrow_mut().look(Instant::now());
            let nodes = self.presence.borrow().nodes();
            locked(&self.inner.shared).others = nodes - 1;
            self.inner.metrics.cluster.nodes.set(i64::try_from(nodes).unwrap_or(i64::MAX));
            heal::tend(self).await;
        }
    }

    async fn watch_over_nats(&self) -> String {
        loop {
            tokio::time::sleep(SAY_EVERY).await;
            match tokio::time::timeout(REQUEST_WITHIN, self.stream.get_info()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return format!("JetStream does not work: {error}"),
                Err(_) => return "JetStream does not answer".to_owned(),
            }
        }
    }
}

fn elsewhere(what: SaidWhat) -> Option<Elsewhere> {
    let call = |call_sid: String| CallSid::parse(&call_sid).ok();
    match what {
        SaidWhat::CallEnded { call_sid } => call(call_sid).map(Elsewhere::CallEnded),
        SaidWhat::StreamStopped { stream_sid } => {
            StreamSid::parse(&stream_sid).ok().map(Elsewhere::StreamStopped)
        }
        SaidWhat::LegBegan { call_sid, stream } => {
            call(call_sid).map(|call_sid| Elsewhere::LegBegan { call_sid, stream })
        }
    }
}
