//! Three bridges that share NATS lose one of theirs, or are started anew one after the other, while twelve callers talk on: each
//! stream that ends with its node comes back on another one.
//!
//! The callers speak in real time, whether anybody hears them or not, so what the Symbl-protocol server lacks is what was lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::TWILIO_NUMBER;
use support::bridge::{AUTH_TOKEN, Bridge, Settings};
use support::caller::{ACCOUNT_SID, Call, Caller, FRAME_BYTES};
use support::dashboard::{Dashboard, Update, id};
use support::http::Request;
use support::nats_server::NatsServer;
use support::symbl_server::SymblServer;
use support::twilio_rest::TwilioRest;
use support::twiml::Twiml;
use support::wait::{wait_until, wait_until_asked};
use tempfile::TempDir;

const NODES: usize = 3;
const LEGS: usize = 12;
const FRAME: Duration = Duration::from_millis(20);
const WATCH_TOKEN: &str = "a-token-for-watchers";

/// Longer than this no call may be without a stream while bridges are started anew.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// What stays while bridges come and go.
struct World {
    server: SymblServer,
    rest: TwilioRest,
    nats: NatsServer,
    journals: TempDir,
    /// Those that the balancer sends requests to.
    ready: RefCell<Vec<Rc<Bridge>>>,
    turn: Cell<usize>,
}

impl World {
    async fn start() -> Option<Self> {
        let nats = NatsServer::start().await?;
        let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
        let (server, journals) = (SymblServer::start().await, TempDir::new().unwrap());
        Some(Self { server, rest, nats, journals, ready: RefCell::default(), turn: Cell::new(0) })
    }

    /// Starts a bridge and waits until it is ready and hears all the others, `count` with itself.
    async fn add_node(&self, node: usize, count: usize) -> Rc<Bridge> {
        let journal = self.journals.path().join(format!("node{node}.journal"));
        let settings = Settings::with_upstream(&self.server.base_url())
            .public("bridge.example.com")
            .set("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
            .set("BRIDGE__TWILIO__API_URL", &self.rest.base_url())
            .set("BRIDGE__UPDATES__TOKEN", WATCH_TOKEN)
            .set("BRIDGE__REATTACH__JOURNAL", journal.to_str().unwrap())
            .set("BRIDGE__CLUSTER__NATS_URL", &self.nats.url())
            .set("BRIDGE__CLUSTER__NODE", &format!("node{node}"))
            .set("BRIDGE__DRAIN__DEADLINE_MS", "200");
        let bridge = Rc::new(settings.start().await);
        wait_until_asked("the bridge to be ready", async || {
            Request::new("GET", "/readyz").send(bridge.address).await.status == 200
        })
        .await;
        hears_of(&bridge, count).await;
        self.ready.borrow_mut().push(Rc::clone(&bridge));
        bridge
    }

    /// A bridge as the balancer picks it.
    fn any(&self) -> Rc<Bridge> {
        let ready = self.ready.borrow();
        self.turn.set(self.turn.get() + 1);
        Rc::clone(&ready[self.turn.get() % ready.len()])
    }

    /// Takes a bridge away from the balancer, as a failed `/readyz` does.
    fn remove(&self, bridge: &Rc<Bridge>) {
        self.ready.borrow_mut().retain(|other| !Rc::ptr_eq(other, bridge));
    }
}

async fn hears_of(bridge: &Bridge, count: usize) {
    let line = format!("symbl_bridge_cluster_nodes {count}");
    let metrics = Request::new("GET", "/metrics").header("Authorization", &format!("Bearer {WATCH_TOKEN}"));
    wait_until_asked("nodes to hear of each other", async || {
        metrics.clone().send(bridge.address).await.body.lines().any(|found| found == line)
    })
    .await;
}

/// Gives a bridge back whose last other holder is about to let go of it.
async fn sole(mut bridge: Rc<Bridge>) -> Bridge {
    loop {
        match Rc::try_unwrap(bridge) {
            Ok(bridge) => return bridge,
            Err(shared) => bridge = shared,
        }
        tokio::task::yield_now().await;
    }
}

/// Someone who talks, heard or not.
struct Talker {
    call: Call,
    node: usize,
    began: Instant,
    /// Frames said since then.
    said: usize,
    /// When the stream ended, while there is none.
    lost_at: Option<Instant>,
    gaps: Vec<Duration>,
}

impl Talker {
    /// Calls a bridge, and is heard.
    async fn begin(world: &World, bridge: &Bridge, node: usize, number: usize) -> Self {
        // The conferences 0 to 2 are on one node each, the others on all.
        let room =
            if number % 6 < 3 { format!("alone{}", number % 3) } else { format!("mixed{}", number / 6) };
        let caller = Caller::new(&format!("+1310555{number:04}"));
        world.rest.add_live_call(&caller.call_sid, &caller.from, TWILIO_NUMBER);
        let mut call = caller.call(bridge, &format!("?room={room}")).await;
        call.speak(1).await;
        world.server.leg_that_hears(&call.caller.first_bytes()).await;
        Self { call, node, began: Instant::now(), said: 1, lost_at: None, gaps: Vec::new() }
    }

    fn call_sid(&self) -> &str {
        &self.call.caller.call_sid
    }

    /// Says what is due into its stream, if there is one; what Twilio is asked for and tells happens meanwhile.
    async fn tick(&mut self, world: &World) {
        let due = (self.began.elapsed().as_millis() / FRAME.as_millis()) as usize;
        let due = due.saturating_sub(self.said);
        self.said += due;
        let is_anybody_there = !world.ready.borrow().is_empty();
        if let Some(lost_at) = self.lost_at {
            if !is_anybody_there {
                return;
            }
            let mut asked =
                world.rest.streams().into_iter().filter(|stream| stream.call_sid == self.call_sid());
            let Some(stream) = asked.nth(self.gaps.len()) else { return };
            let caller = self.call.caller.clone().streaming_anew();
            let bridge = world.any();
            self.call = Call::connect(&bridge, caller, Twiml::of_rest(stream.parameters)).await;
            self.call.start().await;
            self.call.speak(1).await;
            self.said += 1;
            self.gaps.push(lost_at.elapsed());
            self.lost_at = None;
        } else if self.call.socket.closing().is_some() {
            self.lost_at = Some(Instant::now());
            if !is_anybody_there {
                return;
            }
            let caller = &self.call.caller;
            let pairs = [
                ("AccountSid", ACCOUNT_SID),
                ("CallSid", &caller.call_sid),
                ("StreamSid", &caller.stream_sid),
                ("StreamEvent", "stream-stopped"),
                ("Timestamp", "2026-03-03T10:15:42.000000000Z"),
            ];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(world.any().post("/twilio/stream-events", &pairs).await.status, 204);
        } else {
            self.call.speak(due).await;
        }
    }

    /// What the server never heard, in milliseconds of audio.
    fn lost_ms(&self, world: &World) -> usize {
        let first = self.call.caller.first_bytes();
        let legs =
            world.server.legs().into_iter().map(|leg| leg.audio()).filter(|audio| audio.starts_with(&first));
        (self.said * FRAME_BYTES).saturating_sub(legs.map(|audio| audio.len()).sum()) / 8
    }
}

/// Everybody talks in real time, until `work` is done.
async fn talk<T>(world: &World, talkers: &mut [Talker], work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut clock = tokio::time::interval(FRAME);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = clock.tick() => {}
        }
        // Side by side with the work, so that neither waits for the other.
        let all = futures_util::future::join_all(talkers.iter_mut().map(|talker| talker.tick(world)));
        let mut all = std::pin::pin!(all);
        tokio::select! {
            _ = &mut all => {}
            done = &mut work => {
                all.await;
                return done;
            }
        }
    }
}

/// Everybody talks until each has had so many gaps.
async fn talk_until_back(world: &World, talkers: &mut [Talker], gaps: impl Fn(&Talker) -> usize) {
    let mut ticks = 0;
    while talkers.iter().any(|talker| talker.gaps.len() < gaps(talker) || talker.lost_at.is_some()) {
        talk(world, talkers, tokio::time::sleep(5 * FRAME)).await;
        ticks += 1;
        assert!(
            ticks < 200,
            "a call waits in vain: {:?}",
            talkers.iter().map(|one| &one.gaps).collect::<Vec<_>>()
        );
    }
}

/// A dashboard that has seen the update `after` last.
async fn dashboard(bridge: &Bridge, after: u64) -> Dashboard {
    Dashboard::join_at(bridge.address, &format!("/symbl/updates?token={WATCH_TOKEN}&after={after}")).await
}

fn told<'a>(updates: &'a [Update], kind: &str, call_sid: &str) -> Vec<&'a Update> {
    updates.iter().filter(|update| update.is(kind, call_sid)).collect()
}

/// Each call's room and connection as its first update told them, and the same in each later one.
fn one_connection_each(updates: &[Update]) {
    let mut known: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut rooms: BTreeMap<&str, &str> = BTreeMap::new();
    for update in updates {
        let (room, connection) = (update.text("room"), update.text("connectionId"));
        let first = *known.entry(update.text("callSid")).or_insert((room, connection));
        assert_eq!(first, (room, connection), "{}", update.value);
        assert_eq!(*rooms.entry(room).or_insert(connection), connection, "{}", update.value);
    }
    assert_eq!(rooms.len(), 5, "{rooms:?}");
}

/// Everybody hangs up; then no bridge has anything left.
async fn end(world: &World, talkers: &mut [Talker], dashboards: &[Dashboard], late: bool) -> Vec<Update> {
    for talker in talkers {
        world.rest.end_call(&talker.call.caller.call_sid, false);
        talker.call.hang_up(&world.any()).await;
    }
    for dashboard in dashboards {
        wait_until("all legs to be told as stopped", || {
            let updates = dashboard.updates();
            let of = |kind: &str| updates.iter().filter(|update| update.text("type") == kind).count();
            // Each call has one more start than it lost streams; whoever came late did not hear the first of all.
            of("connection_started") + usize::from(late) == of("connection_stopped")
        })
        .await;
    }
    let updates = dashboards.first().map(Dashboard::updates).unwrap_or_default();
    let bridges = world.ready.take();
    for bridge in bridges {
        let bridge = sole(bridge).await;
        bridge.process().signal("TERM");
        let finished = bridge.finish_signalled().await;
        let lines = finished.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let draining: Vec<Value> = lines.filter(|line| line["event"] == "server_draining").collect();
        assert_eq!(draining[0]["legs"], 0, "a leg is left");
    }
    updates
}

#[tokio::test]
async fn the_calls_of_a_killed_node_get_one_new_stream_each_on_the_survivors() {
    let Some(world) = World::start().await else { return };
    let mut bridges = Vec::new();
    for node in 0..NODES {
        bridges.push(world.add_node(node, node + 1).await);
    }
    for bridge in &bridges {
        hears_of(bridge, NODES).await;
    }
    let dashboards = [dashboard(&bridges[0], 0).await, dashboard(&bridges[1], 0).await];
    let mut talkers = Vec::new();
    for number in 0..LEGS {
        let node = number % NODES;
        talkers.push(Talker::begin(&world, &bridges[node], node, number).await);
    }
    talk(&world, &mut talkers, tokio::time::sleep(10 * FRAME)).await;

    let doomed = bridges.pop().expect("three");
    world.remove(&doomed);
    doomed.process().signal("KILL");
    drop(doomed);
    drop(bridges);
    let is_lost = |talker: &Talker| usize::from(talker.node == NODES - 1);
    talk_until_back(&world, &mut talkers, is_lost).await;
    // Whoever else might ask for a stream has had the time to.
    talk(&world, &mut talkers, tokio::time::sleep(Duration::from_secs(3))).await;
    for talker in &talkers {
        let streams = world.rest.streams().iter().filter(|one| one.call_sid == talker.call_sid()).count();
        assert_eq!((streams, talker.gaps.len()), (is_lost(talker), is_lost(talker)), "{}", talker.call_sid());
    }

    let calls: Vec<(String, usize)> =
        talkers.iter().map(|talker| (talker.call_sid().to_owned(), is_lost(talker))).collect();
    let updates = end(&world, &mut talkers, &dashboards, false).await;
    one_connection_each(&updates);
    for talker in &talkers {
        if is_lost(talker) == 0 {
            wait_until("the others to be heard to the end", || talker.lost_ms(&world) == 0).await;
            continue;
        }
        let (lost, gap) = (talker.lost_ms(&world), talker.gaps[0].as_millis());
        eprintln!("killed: {} lost {lost} ms of audio, {gap} ms without a stream", talker.call_sid());
    }
    for (call_sid, lost) in calls {
        assert_eq!(told(&updates, "connection_started", &call_sid).len(), 1 + lost);
        let stopped = told(&updates, "connection_stopped", &call_sid);
        let reasons: Vec<&str> = stopped.iter().map(|update| update.text("reason")).collect();
        assert_eq!(reasons.len(), 1 + lost, "{reasons:?}");
        assert_eq!(reasons.iter().filter(|reason| **reason == "node_lost").count(), lost, "{reasons:?}");
    }
}

#[tokio::test]
async fn bridges_are_started_anew_one_after_the_other_and_no_call_is_unheard_for_long() {
    let Some(world) = World::start().await else { return };
    let mut bridges = Vec::new();
    for node in 0..NODES {
        bridges.push(world.add_node(node, node + 1).await);
    }
    for bridge in &bridges {
        hears_of(bridge, NODES).await;
    }
    let early = dashboard(&bridges[0], 0).await;
    let mut talkers = Vec::new();
    for number in 0..LEGS {
        let node = number % NODES;
        talkers.push(Talker::begin(&world, &bridges[node], node, number).await);
    }
    talk(&world, &mut talkers, tokio::time::sleep(10 * FRAME)).await;
    let first = early.wait_for("connection_started", talkers[0].call_sid()).await;
    drop(early);
    for node in 0..NODES {
        let old = bridges.remove(0);
        let anew = talk(&world, &mut talkers, async {
            world.remove(&old);
            old.process().signal("TERM");
            sole(old).await.finish_signalled().await;
            world.add_node(node, NODES).await
        });
        bridges.push(anew.await);
        talk_until_back(&world, &mut talkers, |_| 0).await;
    }
    for bridge in &bridges {
        hears_of(bridge, NODES).await;
    }
    let dashboards = [dashboard(&bridges[0], id(&first)).await, dashboard(&bridges[2], id(&first)).await];
    drop(bridges);
    talk(&world, &mut talkers, tokio::time::sleep(10 * FRAME)).await;

    let mut losses = Vec::new();
    for talker in &talkers {
        let streams = world.rest.streams().iter().filter(|one| one.call_sid == talker.call_sid()).count();
        assert_eq!(streams, talker.gaps.len(), "one new stream for each that was lost");
        assert!(!talker.gaps.is_empty(), "every bridge was started anew");
        losses.push((talker.call_sid().to_owned(), talker.gaps.len()));
    }
    let longest = talkers.iter().flat_map(|talker| &talker.gaps).max().copied().unwrap_or_default();
    eprintln!("rolling: the longest gap of {LEGS} calls was {} ms", longest.as_millis());
    assert!(longest < LONGEST_GAP, "{longest:?}");
    let mut updates = vec![first];
    updates.extend(end(&world, &mut talkers, &dashboards, true).await);
    one_connection_each(&updates);
    for talker in &talkers {
        let (lost, gaps) = (talker.lost_ms(&world), &talker.gaps);
        eprintln!("rolling: {} lost {lost} ms of audio, without a stream for {gaps:?}", talker.call_sid());
    }
    for (call_sid, lost) in losses {
        let stopped = told(&updates, "connection_stopped", &call_sid);
        let reasons: Vec<&str> = stopped.iter().map(|update| update.text("reason")).collect();
        assert_eq!(told(&updates, "connection_started", &call_sid).len(), 1 + lost, "{reasons:?}");
        assert_eq!(reasons.len(), 1 + lost, "{reasons:?}");
        assert_eq!(reasons.iter().filter(|reason| **reason == "shutdown").count(), lost, "{reasons:?}");
    }
}

#[tokio::test]
async fn what_the_last_bridge_hands_over_is_taken_by_the_next_one_that_starts() {
    let Some(world) = World::start().await else { return };
    let old = world.add_node(0, 1).await;
    let mut talkers = Vec::new();
    for number in 0..2 {
        talkers.push(Talker::begin(&world, &old, 0, number).await);
    }
    talk(&world, &mut talkers, tokio::time::sleep(10 * FRAME)).await;
    talk(&world, &mut talkers, async {
        world.remove(&old);
        old.process().signal("TERM");
        sole(old).await.finish_signalled().await;
        // Another machine: it has nothing but what is in NATS.
        world.add_node(1, 1).await;
    })
    .await;
    talk_until_back(&world, &mut talkers, |_| 1).await;
    talk(&world, &mut talkers, tokio::time::sleep(10 * FRAME)).await;
    let connections = |talker: &Talker| {
        let first = talker.call.caller.first_bytes();
        let legs = world.server.legs().into_iter().filter(|leg| leg.audio().starts_with(&first));
        legs.map(|leg| leg.connection_id).collect::<Vec<_>>()
    };
    for talker in &talkers {
        let known = connections(talker);
        assert_eq!(known.len(), 2, "{known:?}");
        assert_eq!(known[0], known[1]);
        assert_eq!(world.rest.streams().iter().filter(|one| one.call_sid == talker.call_sid()).count(), 1);
    }
    end(&world, &mut talkers, &[], false).await;
}
