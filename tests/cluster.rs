//! Several bridge nodes that share calls, conferences and updates through a real nats-server.

#![allow(clippy::expect_used, reason = "helper functions of tests")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor as _;
use serde_json::Value;
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller};
use support::dashboard::{Dashboard, Update, id, started_and_stopped};
use support::http::get;
use support::nats_server::NatsServer;
use support::socket::Closing;
use support::symbl_server::SymblServer;
use support::wait::{wait_for, wait_until, wait_until_asked};
use support::{AGENT, CUSTOMER, STRANGER};
use symbl_bridge::bridge::call::registry::{Registry, RegistryLimits};
use symbl_bridge::bridge::cluster::local::LocalCluster;
use symbl_bridge::bridge::cluster::nats::NatsCluster;
use symbl_bridge::bridge::cluster::{Cluster, State};
use symbl_bridge::bridge::load::LoadMeter;
use symbl_bridge::bridge::supervisor::Supervisor;
use symbl_bridge::bridge::updates_hub::UpdatesHub;
use symbl_bridge::config;
use symbl_bridge::telemetry::metrics::Metrics;
use symbl_bridge::twilio::CallSid;

fn node(server: &SymblServer, nats: &NatsServer, name: &str) -> Settings {
    Settings::with_upstream(&server.base_url())
        .set("BRIDGE__CLUSTER__NATS_URL", &nats.url())
        .set("BRIDGE__CLUSTER__NODE", name)
        .set("BRIDGE__MEDIA__TOKEN_SECRET", "the-same-on-every-node")
}

/// Starts nodes and waits until each has joined and hears all the others.
async fn nodes<const COUNT: usize>(server: &SymblServer, nats: &NatsServer) -> [Bridge; COUNT] {
    let mut started = Vec::new();
    for number in 0..COUNT {
        started.push(node(server, nats, &format!("node{number}")).start().await);
    }
    for bridge in &started {
        bridge.wait_for_event("cluster_joined", |_| true).await;
        wait_until_asked("nodes to hear of each other", async || {
            metric(bridge, "cluster_nodes").await == COUNT as f64
        })
        .await;
    }
    started.try_into().unwrap_or_else(|_| panic!("{COUNT} nodes"))
}

async fn metric(bridge: &Bridge, name: &str) -> f64 {
    let text = get(bridge.address, "/metrics").await.body;
    let start = format!("symbl_bridge_{name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("no {name}"));
    line.parse().unwrap_or_else(|_| panic!("{name} is {line}"))
}

/// The `connectionId` of a call's leg at the server.
async fn connection_of(server: &SymblServer, call: &Call) -> String {
    server.leg_that_hears(&call.caller.first_bytes()).await.connection_id
}

fn ids_and_types(updates: &[Update]) -> Vec<(u64, String, String)> {
    let told =
        |update: &Update| (id(update), update.text("type").to_owned(), update.text("callSid").to_owned());
    updates.iter().map(told).collect()
}

/// Another stream of the same call, with a voice of its own.
fn of_call(mut caller: Caller, call: &Call) -> Caller {
    caller.call_sid.clone_from(&call.caller.call_sid);
    caller
}

/// Waits until a dashboard has heard so many updates.
async fn hears(dashboard: &Dashboard, count: usize) -> Vec<Update> {
    wait_for(&format!("{count} updates"), || {
        let updates = dashboard.updates();
        (updates.len() >= count).then_some(updates)
    })
    .await
}

#[tokio::test]
async fn legs_of_one_conference_on_different_nodes_share_a_connection_and_all_dashboards_hear_the_same() {
    let Some(nats) = NatsServer::start().await else { return };
    let server = SymblServer::start().await;
    let [north, south] = nodes(&server, &nats).await;
    let (at_north, at_south) = (Dashboard::rejoin(&north, 0).await, Dashboard::rejoin(&south, 0).await);

    // Each webhook on one node, its media on the other.
    let mut calls = Vec::new();
    for (from, asked, streamed) in
        [(AGENT, &north, &south), (CUSTOMER, &south, &north), (STRANGER, &north, &north)]
    {
        let caller = Caller::new(from);
        let twiml = caller.twiml(asked, "?room=talk").await;
        let mut call = Call::connect(streamed, caller, twiml).await;
        call.start().await;
        call.speak(20).await;
        calls.push(call);
    }
    let mut connections = Vec::new();
    for call in &calls {
        connections.push(connection_of(&server, call).await);
    }
    assert!(connections.iter().all(|connection| *connection == connections[0]), "{connections:?}");

    let heard = hears(&at_north, 3).await;
    assert_eq!(ids_and_types(&heard), ids_and_types(&hears(&at_south, 3).await));
    let ids: Vec<u64> = heard.iter().map(id).collect();
    assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);

    // A token that was used on one node opens nothing on the other, and a dashboard goes on where it was.
    let caller = Caller::new(AGENT);
    let mut again = Call::connect(&north, of_call(caller, &calls[0]), calls[0].twiml.clone()).await;
    again.start().await;
    assert_eq!(again.closed().await, Closing::Code(1008));
    let resumed = Dashboard::rejoin(&south, ids[0]).await;
    assert_eq!(resumed.answer().await["type"], "updates_resumed");
    assert_eq!(ids_and_types(&hears(&resumed, 2).await), ids_and_types(&heard[1..]));

    // A page at any node sees all legs as they stand.
    for bridge in [&north, &south] {
        let legs: Value = serde_json::from_str(&get(bridge.address, "/symbl/legs").await.body).unwrap();
        assert_eq!(legs["legs"].as_array().map(Vec::len), Some(3), "{legs}");
        let path = format!("/symbl/legs/{}", connections[0]);
        let legs: Value = serde_json::from_str(&get(bridge.address, &path).await.body).unwrap();
        let levels = legs["legs"].as_array().unwrap().iter().filter(|leg| leg["levels"].is_array());
        assert_eq!(levels.count(), 3, "{legs}");
    }

    // Status callbacks land where they like.
    for (call, node) in calls.iter().zip([&north, &south, &south]) {
        assert_eq!(call.caller.report(node, "completed").await.status, 204);
    }
    let (north_heard, south_heard) = (hears(&at_north, 6).await, hears(&at_south, 6).await);
    assert_eq!(ids_and_types(&north_heard), ids_and_types(&south_heard));
    for call in &calls {
        let (_, stopped) = started_and_stopped(&north_heard, &call.caller.call_sid);
        assert_eq!(stopped.text("reason"), "call_completed");
    }
    // The conference is over: the next one in the room has a connection of its own.
    let mut next = Caller::new(CUSTOMER).call(&south, "?room=talk").await;
    next.speak(20).await;
    assert_ne!(connection_of(&server, &next).await, connections[0]);
    next.hang_up(&north).await;
    hears(&at_south, 8).await;
    for bridge in [north, south] {
        bridge.finish().await;
    }
}

#[tokio::test]
async fn a_stream_that_comes_back_on_another_node_takes_the_place_of_the_older_and_pairs_meet_across_nodes() {
    let Some(nats) = NatsServer::start().await else { return };
    let server = SymblServer::start().await;
    let mut started = Vec::new();
    for name in ["north", "south"] {
        started.push(node(&server, &nats, name).set("BRIDGE__CONFERENCE__POLICY", "pair").start().await);
    }
    let [north, south] = <[Bridge; 2]>::try_from(started).unwrap_or_else(|_| panic!("two nodes"));
    for bridge in [&north, &south] {
        bridge.wait_for_event("cluster_joined", |_| true).await;
    }
    let dashboard = Dashboard::rejoin(&north, 0).await;
    let customer = Caller::new(CUSTOMER);
    let asked = customer.twiml(&north, "").await;
    assert_eq!(customer.twiml(&south, "").await.room(), asked.room(), "asked again elsewhere");
    let agent = Caller::new(AGENT).twiml(&south, "").await;
    assert_eq!(agent.room(), asked.room(), "the agent joins who waits, wherever the webhook went");
    assert_ne!(Caller::new(STRANGER).twiml(&south, "").await.room(), asked.room());

    let mut first = Call::connect(&north, customer, asked).await;
    first.start().await;
    first.speak(5).await;
    let connection = connection_of(&server, &first).await;
    let twiml = first.caller.twiml(&south, "").await;
    let second = Caller::new(CUSTOMER);
    let second = of_call(second, &first);
    let mut second = Call::connect(&south, second, twiml).await;
    second.start().await;
    second.speak(5).await;
    assert_eq!(connection_of(&server, &second).await, connection);
    assert_eq!(first.closed().await, Closing::Code(1000));
    let stopped = dashboard.wait_for("connection_stopped", &first.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "replaced");
    second.hang_up(&north).await;
    wait_until("the last leg to be told as stopped", || {
        dashboard.updates().iter().filter(|update| update.text("type") == "connection_stopped").count() == 2
    })
    .await;
    for bridge in [north, south] {
        bridge.finish().await;
    }
}

#[tokio::test]
async fn the_legs_of_a_node_that_is_killed_are_reported_once_and_the_conference_goes_on() {
    let Some(nats) = NatsServer::start().await else { return };
    let server = SymblServer::start().await;
    let [north, south, doomed] = nodes(&server, &nats).await;
    let dashboards = [Dashboard::rejoin(&north, 0).await, Dashboard::rejoin(&south, 0).await];
    let mut staying = Caller::new(AGENT).call(&north, "?room=talk").await;
    staying.speak(5).await;
    let mut lost = Vec::new();
    for (from, room) in [(CUSTOMER, "talk"), (STRANGER, "alone"), ("anonymous", "alone")] {
        let mut call = Caller::new(from).call(&doomed, &format!("?room={room}")).await;
        call.speak(5).await;
        dashboards[0].wait_for("connection_started", &call.caller.call_sid).await;
        lost.push(call);
    }
    let alone = connection_of(&server, &lost[1]).await;

    doomed.process().signal("KILL");
    for dashboard in &dashboards {
        for call in &lost {
            let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
            assert_eq!(stopped.text("reason"), "node_lost");
        }
    }
    // A caller who is streamed anew finds the conversation that the loss interrupted.
    let caller = Caller::new(STRANGER);
    let mut back = of_call(caller, &lost[1]).call(&south, "?room=alone").await;
    back.speak(5).await;
    assert_eq!(connection_of(&server, &back).await, alone);
    let mut joining = Caller::new(CUSTOMER).call(&south, "?room=talk").await;
    joining.speak(5).await;
    assert_eq!(connection_of(&server, &joining).await, connection_of(&server, &staying).await);
    for call in [&mut back, &mut joining, &mut staying] {
        call.hang_up(&north).await;
    }
    let told = hears(&dashboards[0], 12).await;
    assert_eq!(ids_and_types(&told), ids_and_types(&hears(&dashboards[1], 12).await));
    for call in [&lost[0], &lost[2]] {
        started_and_stopped(&told, &call.caller.call_sid);
    }
    let reported: u64 = [&north, &south]
        .iter()
        .flat_map(|bridge| bridge.events("node_lost"))
        .map(|event| event["legs"].as_u64().unwrap_or_default())
        .sum();
    assert_eq!(reported, 3, "each leg by one survivor");
    for bridge in [north, south] {
        bridge.finish().await;
    }
}

#[tokio::test]
async fn a_node_that_was_only_silent_goes_on_with_its_legs_which_start_anew_for_dashboards() {
    let Some(nats) = NatsServer::start().await else { return };
    let server = SymblServer::start().await;
    let [north, silent] = nodes(&server, &nats).await;
    let dashboard = Dashboard::rejoin(&north, 0).await;
    let mut call = Caller::new(AGENT).call(&silent, "?room=talk").await;
    call.speak(20).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    silent.process().signal("STOP");
    let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    assert_eq!(stopped.text("reason"), "node_lost");
    silent.process().signal("CONT");
    let again = hears(&dashboard, 3).await.pop().expect("three");
    assert!(again.is("connection_started", &call.caller.call_sid), "{}", again.value);
    assert_eq!(again.text("connectionId"), stopped.text("connectionId"));
    call.speak(20).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    leg.hears_exactly(&call.sent, AGENT).await;
    call.hang_up(&north).await;
    let last = hears(&dashboard, 4).await.pop().expect("four");
    assert!(last.is("connection_stopped", &call.caller.call_sid), "{}", last.value);
    for bridge in [north, silent] {
        bridge.finish().await;
    }
    assert_eq!(dashboard.closed().await.0.len(), 4, "no stop comes twice");
}

#[tokio::test]
async fn calls_go_on_while_nats_is_gone_and_all_is_shared_again_when_it_is_back() {
    let Some(mut nats) = NatsServer::start().await else { return };
    let server = SymblServer::start().await;
    let [north, south] = nodes(&server, &nats).await;
    let dashboard = Dashboard::rejoin(&north, 0).await;
    let mut call = Caller::new(AGENT).call(&north, "?room=talk").await;
    call.speak(20).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    let mut leaving = Caller::new("anonymous").call(&north, "?room=other").await;
    leaving.speak(5).await;
    let before = dashboard.wait_for("connection_started", &leaving.caller.call_sid).await;

    nats.kill();
    let (_, closing) = dashboard.closed().await;
    assert_eq!(closing, Closing::Code(1012));
    for bridge in [&north, &south] {
        bridge.wait_for_event("cluster_lost", |_| true).await;
        let ready: Value = serde_json::from_str(&get(bridge.address, "/readyz").await.body).unwrap();
        assert_eq!(ready["ready"], true);
        assert!(ready["notes"].to_string().contains("NATS cannot be reached"), "{ready}");
        assert_eq!(metric(bridge, "cluster_connected").await as u64, 0);
    }
    // The dashboard comes back and hears what this node knows; calls come, go and are heard.
    let alone = Dashboard::rejoin(&north, id(&before)).await;
    let answer = alone.answer().await;
    assert_eq!(
        (answer["type"].as_str(), answer["reason"].as_str()),
        (Some("updates_snapshot"), Some("restart"))
    );
    alone.wait_for("connection_exists", &call.caller.call_sid).await;
    call.speak(20).await;
    let mut meanwhile = Caller::new(CUSTOMER).call(&north, "?room=talk").await;
    meanwhile.speak(5).await;
    let connection = connection_of(&server, &call).await;
    assert_eq!(connection_of(&server, &meanwhile).await, connection);
    alone.wait_for("connection_started", &meanwhile.caller.call_sid).await;
    leaving.hang_up(&north).await;
    alone.wait_for("connection_stopped", &leaving.caller.call_sid).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, AGENT).await;

    nats.run().await;
    alone.closed().await;
    for bridge in [&north, &south] {
        wait_until("the node to come back", || bridge.events("cluster_joined").len() == 2).await;
        assert_eq!(metric(bridge, "cluster_connected").await as u64, 1);
    }
    // The other node hears what happened meanwhile, once, and new legs meet those that went on.
    let far = Dashboard::rejoin(&south, id(&before)).await;
    far.wait_for("connection_started", &meanwhile.caller.call_sid).await;
    far.wait_for("connection_stopped", &leaving.caller.call_sid).await;
    let mut late = Caller::new(STRANGER).call(&south, "?room=talk").await;
    late.speak(5).await;
    assert_eq!(connection_of(&server, &late).await, connection);
    far.wait_for("connection_started", &late.caller.call_sid).await;
    for call in [&mut call, &mut meanwhile, &mut late] {
        call.speak(5).await;
        call.hang_up(&south).await;
        far.wait_for("connection_stopped", &call.caller.call_sid).await;
    }
    let kinds = ids_and_types(&far.updates());
    assert_eq!(kinds.len(), 6, "{kinds:#?}");
    for bridge in [north, south] {
        bridge.finish().await;
    }
}

/// A node without sockets in this process.
async fn joined(nats: &NatsServer) -> NatsCluster {
    let environment = HashMap::from([
        ("BRIDGE__CLUSTER__NATS_URL".to_owned(), nats.url()),
        ("BRIDGE__MEDIA__TOKEN_SECRET".to_owned(), "the-same-on-every-node".to_owned()),
    ]);
    let settings = config::Settings::load(&config::Sources { file: None, environment }).expect("settings");
    let shared = settings.cluster.expect("a cluster");
    let hub = UpdatesHub::new(1, 1, Metrics::default()).start();
    let cluster = NatsCluster::new(&shared, hub, 1, Metrics::default());
    let limits = RegistryLimits { calls: 1, legs: 1, ended_call_lifetime: 1 };
    let registry = Registry::new(settings.conference.policy, settings.parties, limits);
    let (load, own) = (LoadMeter::default(), Arc::new(cluster.clone()));
    cluster.start(&shared, Supervisor::new(registry, own, load, None, Metrics::default()).start());
    wait_until("the node to join", || cluster.state() == State::Joined).await;
    cluster
}

/// What whoever gets calls new streams relies on: `here` and `there` are two nodes, or one.
async fn work_is_done_once(here: &dyn Cluster, there: &dyn Cluster) {
    let minute = Duration::from_secs(60);
    assert_eq!(here.claim_once("CA1", minute).get().await, Some(true));
    assert_eq!(there.claim_once("CA1", minute).get().await, Some(false));
    assert_eq!(there.claim_once("CA2", minute).get().await, Some(true));
    assert_eq!(there.claim_once("CA3", Duration::ZERO).get().await, Some(true));
    assert_eq!(here.claim_once("CA3", minute).get().await, Some(true), "its time is over");
    let nobody = CallSid::parse("CA1").expect("a CallSid");
    assert_eq!(here.has_live_leg(&nobody).get().await, Some(false));
}

#[actix::test]
async fn one_node_alone_and_two_that_share_do_work_once() {
    let local = LocalCluster::new(UpdatesHub::new(1, 1, Metrics::default()).start());
    work_is_done_once(&local, &local).await;
    let Some(nats) = NatsServer::start().await else { return };
    work_is_done_once(&joined(&nats).await, &joined(&nats).await).await;
}
