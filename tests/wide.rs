//! The whole, as wide as it gets: three bridges that share NATS, two engines that share PostgreSQL, nginx before both, two
//! hundred legs in sixty conferences whose requests go anywhere, and dashboards on different nodes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what helps a test may fail it")]

mod engine_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use engine_support::process::{self, EngineProcess};
use engine_support::{APP_ID, APP_SECRET};
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller, Random};
use support::dashboard::{Dashboard, Update, id};
use support::http::get;
use support::nats_server::NatsServer;
use support::nginx::Nginx;
use support::postgres::PostgresServer;
use support::wait::{wait_for, wait_until_asked};

/// The files that users are given are those that are tried.
const ENGINES: &str = include_str!("../docs/scaling/nginx-engines.conf");
const BRIDGES: &str = include_str!("../docs/scaling/nginx-bridges.conf");

const CONFERENCES: usize = 60;
const LEGS: usize = 200;

/// Half a second of speech.
const FRAMES: usize = 25;

/// Not a test: the engine processes of the test below.
#[test]
fn an_engine_in_a_process_of_its_own() {
    process::serve_if_asked();
}

#[tokio::test]
async fn two_hundred_legs_anywhere_make_sixty_conversations_and_every_dashboard_hears_the_same() {
    let (Some(nats), Some(postgres)) = (NatsServer::start().await, PostgresServer::start()) else { return };
    let database = postgres.database("calls");
    let engines = [EngineProcess::start(&database).await, EngineProcess::start(&database).await];
    let before_engines = |port: u16| {
        let conf = ENGINES.replace("10.0.0.11:3000", &engines[0].address);
        conf.replace("10.0.0.12:3000", &engines[1].address).replace("listen 80;", &listen(port))
    };
    let Some(before_engines) = Nginx::start(before_engines) else { return };
    let bridges = bridges(&nats, &before_engines).await;
    let before_bridges = |port: u16| {
        let names = ["10.0.0.21:3000", "10.0.0.22:3000", "10.0.0.23:3000"];
        let conf = BRIDGES.replace("listen 80;", &listen(port));
        names
            .iter()
            .zip(&bridges)
            .fold(conf, |conf, (name, bridge)| conf.replace(name, &bridge.address.to_string()))
    };
    let Some(before_bridges) = Nginx::start(before_bridges) else { return };
    let front = before_bridges.address().parse().unwrap();
    let dashboards = [Dashboard::rejoin(&bridges[0], 0).await, Dashboard::rejoin(&bridges[2], 0).await];

    // The webhook comes to any bridge, the media socket to the one whose turn it is.
    let mut chance = Random::new(7);
    let mut calls: Vec<(usize, Call)> = Vec::new();
    for number in 0..LEGS {
        // Each conference has somebody, the rest is spread.
        let room = if number < CONFERENCES { number } else { below(&mut chance, CONFERENCES) };
        let bridge = &bridges[below(&mut chance, bridges.len())];
        let caller = Caller::new(&format!("+1310555{number:04}"));
        let mut call = caller.call_through(front, bridge, &format!("?room=room{room}")).await;
        call.speak(FRAMES).await;
        calls.push((room, call));
    }
    let started = hears(&dashboards[0], LEGS).await;
    assert_eq!(told(&started), told(&hears(&dashboards[1], LEGS).await), "one order for all");
    assert!(started.windows(2).all(|pair| id(&pair[0]) < id(&pair[1])));

    let mut conversations: BTreeMap<usize, BTreeSet<(String, String)>> = BTreeMap::new();
    for (room, call) in &calls {
        let update =
            started.iter().find(|update| update.is("connection_started", &call.caller.call_sid)).unwrap();
        let ids = (update.text("connectionId").to_owned(), update.text("conversationId").to_owned());
        conversations.entry(*room).or_default().insert(ids);
    }
    assert!(conversations.values().all(|ids| ids.len() == 1), "one conversation each: {conversations:#?}");
    let distinct: BTreeSet<_> =
        conversations.values().flatten().map(|(_, conversation)| conversation).collect();
    assert_eq!(distinct.len(), CONFERENCES);
    let nodes: BTreeSet<String> =
        before_bridges.answered().into_iter().map(|(_, server, _)| server).collect();

    for (_, call) in &mut calls {
        call.hang_up(&bridges[below(&mut chance, bridges.len())]).await;
    }
    let all = hears(&dashboards[0], 2 * LEGS).await;
    assert_eq!(told(&all), told(&hears(&dashboards[1], 2 * LEGS).await), "one order for all");
    let stopped: BTreeSet<&str> = all[LEGS..].iter().map(|update| update.text("callSid")).collect();
    assert_eq!(stopped.len(), LEGS, "each leg stopped once");
    wait_until_asked("all conversations to end", async || {
        postgres.sql("calls", "SELECT count(*) FROM symbl_bridge.conversations WHERE end_ms IS NULL") == "0"
    })
    .await;
    let kept = postgres.sql("calls", "SELECT count(*) FROM symbl_bridge.conversations");
    assert_eq!(kept, CONFERENCES.to_string());
    let owners = postgres.sql("calls", "SELECT count(DISTINCT owner) FROM symbl_bridge.conversations");
    assert_eq!(owners, "2", "both engines had work");
    let sockets = wait_for("nginx to have answered for all legs", || {
        let answered = before_bridges.answered();
        let sockets: Vec<String> = answered
            .into_iter()
            .filter(|(path, ..)| path == "/twilio/media")
            .map(|(_, server, _)| server)
            .collect();
        (sockets.len() == LEGS).then_some(sockets)
    })
    .await;
    assert_eq!(sockets.into_iter().chain(nodes).collect::<BTreeSet<_>>().len(), bridges.len());
    for bridge in bridges {
        bridge.finish().await;
    }
}

/// Starts bridges and waits until each hears all the others.
async fn bridges(nats: &NatsServer, engines: &Nginx) -> Vec<Bridge> {
    let mut bridges = Vec::new();
    for number in 0..3 {
        let settings = Settings::with_upstream(&format!("http://{}", engines.address()))
            .set("SYMBL_APP_ID", APP_ID)
            .set("SYMBL_APP_SECRET", APP_SECRET)
            .set("BRIDGE__CLUSTER__NATS_URL", &nats.url())
            .set("BRIDGE__CLUSTER__NODE", &format!("node{number}"))
            .set("BRIDGE__MEDIA__TOKEN_SECRET", "the-same-on-every-node")
            .set("BRIDGE__HTTP__TRUSTED_PROXIES", "127.0.0.1");
        bridges.push(settings.start().await);
    }
    for bridge in &bridges {
        wait_until_asked("bridges to hear of each other", async || {
            let metrics = get(bridge.address, "/metrics").await.body;
            metrics.lines().any(|line| line == "symbl_bridge_cluster_nodes 3")
        })
        .await;
    }
    bridges
}

fn listen(port: u16) -> String {
    format!("listen 127.0.0.1:{port};")
}

fn below(chance: &mut Random, bound: usize) -> usize {
    chance.next_u64() as usize % bound
}

async fn hears(dashboard: &Dashboard, count: usize) -> Vec<Update> {
    wait_for(&format!("{count} updates"), || {
        let updates = dashboard.updates();
        (updates.len() >= count).then_some(updates)
    })
    .await
}

fn told(updates: &[Update]) -> Vec<(u64, String, String)> {
    let told =
        |update: &Update| (id(update), update.text("type").to_owned(), update.text("callSid").to_owned());
    updates.iter().map(told).collect()
}
