//! Engines apart: nginx as `docs/scaling/nginx-engines.conf` sets it up before two engine processes that share a real
//! PostgreSQL database, a bridge that knows nothing of either, and one engine that is killed in mid-call.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what helps a test may fail it")]

mod engine_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use engine_support::process::{self, EngineProcess};
use engine_support::{APP_ID, APP_SECRET};
use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::caller::{Call, Caller};
use support::dashboard::Dashboard;
use support::nginx::Nginx;
use support::postgres::{PASSWORD, PostgresServer};
use support::wait::{wait_for, wait_until, wait_until_asked};

/// The file that users are given is the one that is tried.
const ENGINES: &str = include_str!("../docs/scaling/nginx-engines.conf");

const CONFERENCES: usize = 6;

/// Four seconds: the scripted ears hear two sentences in it.
const FRAMES: usize = 200;

/// What two legs of a conference have said after those.
const MESSAGES: usize = 4;

/// Not a test: the engine processes of the test below.
#[test]
fn an_engine_in_a_process_of_its_own() {
    process::serve_if_asked();
}

async fn token(address: &str) -> String {
    let asked = json!({ "type": "application", "appId": APP_ID, "appSecret": APP_SECRET });
    let url = format!("http://{address}/oauth2/token:generate");
    let mut answer = awc::Client::default().post(url).send_json(&asked).await.unwrap();
    answer.json::<Value>().await.unwrap()["accessToken"].as_str().unwrap().to_owned()
}

async fn get(address: &str, path: &str, token: &str) -> Value {
    let asked = awc::Client::default().get(format!("http://{address}{path}")).bearer_auth(token);
    let mut answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path} at {address}");
    answer.json().await.unwrap()
}

/// Returns ids and texts of a conversation's messages.
async fn messages(address: &str, conversation: &str, token: &str) -> Vec<(String, String)> {
    let said = get(address, &format!("/v1/conversations/{conversation}/messages"), token).await;
    let text = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
    let all = said["messages"].as_array().unwrap();
    all.iter().map(|message| (text(message, "id"), text(message, "text"))).collect()
}

/// A conference of two callers.
struct Conference {
    connection_id: String,
    conversation_id: String,
    calls: Vec<Call>,
}

async fn confer(bridge: &Bridge, dashboard: &Dashboard, number: usize) -> Conference {
    let mut calls = Vec::new();
    let mut ids = BTreeSet::new();
    for caller in 0..2 {
        let from = format!("+1310555{number:02}{caller:02}");
        let mut call = Caller::new(&from).call(bridge, &format!("?room=room{number}")).await;
        call.speak(FRAMES).await;
        calls.push(call);
    }
    for call in &calls {
        let started = dashboard.wait_for("connection_started", &call.caller.call_sid).await;
        ids.insert((started.text("connectionId").to_owned(), started.text("conversationId").to_owned()));
    }
    assert_eq!(ids.len(), 1, "one conference, one conversation: {ids:?}");
    let (connection_id, conversation_id) = ids.pop_first().unwrap();
    Conference { connection_id, conversation_id, calls }
}

#[actix_web::test]
async fn conferences_live_on_one_engine_each_and_go_over_to_another_when_that_is_killed() {
    let Some(postgres) = PostgresServer::start() else { return };
    let database = postgres.database("calls");
    let mut engines = [EngineProcess::start(&database).await, EngineProcess::start(&database).await];
    let conf = |port: u16| {
        ENGINES
            .replace("10.0.0.11:3000", &engines[0].address)
            .replace("10.0.0.12:3000", &engines[1].address)
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
    };
    let Some(nginx) = Nginx::start(conf) else { return };
    let common = Settings::with_upstream(&format!("http://{}", nginx.address()))
        .set("SYMBL_APP_ID", APP_ID)
        .set("SYMBL_APP_SECRET", APP_SECRET);
    let bridge = common.start().await;
    let dashboard = Dashboard::join(&bridge).await;

    let mut conferences = Vec::new();
    for number in 0..CONFERENCES {
        conferences.push(confer(&bridge, &dashboard, number).await);
    }
    let token = token(&nginx.address()).await;
    let mut before = BTreeMap::new();
    for conference in &conferences {
        let id = &conference.conversation_id;
        wait_until_asked("both engines to know what was said", async || {
            messages(&engines[0].address, id, &token).await.len() == MESSAGES
                && messages(&engines[1].address, id, &token).await.len() == MESSAGES
        })
        .await;
        let said = messages(&engines[0].address, id, &token).await;
        assert_eq!(said, messages(&engines[1].address, id, &token).await);
        assert_eq!(said, messages(&nginx.address(), id, &token).await);
        before.insert(id.clone(), said);
    }
    assert_eq!(before.len(), CONFERENCES, "as many conversations as conferences");
    assert_eq!(
        postgres.sql("calls", "SELECT count(*) FROM symbl_bridge.conversations"),
        CONFERENCES.to_string()
    );

    // Who subscribes lands where the conference is: only there is it known at once.
    let subscribe = |conference: &Conference| {
        let id = &conference.connection_id;
        engine_support::Client::connect(
            &format!("ws://{}/v1/subscribe/{id}?access_token={token}", nginx.address()).leak()[..],
        )
    };
    for conference in &conferences {
        let mut subscriber = subscribe(conference).await;
        let created = subscriber.expect(&["conversation_created"]).await;
        assert_eq!(created[0]["message"]["data"]["conversationId"], conference.conversation_id);
        subscriber.close().await;
    }

    // Each engine has its node in the database, each conversation its owner.
    let owners = postgres.sql("calls", "SELECT id, owner FROM symbl_bridge.conversations");
    let owners: BTreeMap<&str, &str> = owners.lines().filter_map(|line| line.split_once('|')).collect();
    let dead = owners[conferences[0].conversation_id.as_str()];
    let killed = wait_for("nginx to say where a subscriber was", || {
        let path = format!("/v1/subscribe/{}", conferences[0].connection_id);
        let answered = nginx.answered().into_iter().find(|(asked, ..)| *asked == path);
        answered.and_then(|(_, server, _)| engines.iter().position(|engine| engine.address == server))
    })
    .await;
    engines[killed].kill();
    let survivor = engines[1 - killed].address.clone();

    for conference in &mut conferences {
        let is_moved = owners[conference.conversation_id.as_str()] == dead;
        for call in &mut conference.calls {
            if is_moved {
                let resumed = dashboard.wait_for("connection_resumed", &call.caller.call_sid).await;
                assert_eq!(resumed.text("conversationId"), conference.conversation_id);
                assert_eq!(resumed.value["lostMs"], 0);
            }
            call.speak(FRAMES).await;
        }
    }
    for conference in &mut conferences {
        let id = &conference.conversation_id;
        wait_until_asked("what was said after that", async || {
            messages(&survivor, id, &token).await.len() >= 2 * MESSAGES
        })
        .await;
        let after = messages(&survivor, id, &token).await;
        assert!(before[id].iter().all(|message| after.contains(message)), "nothing is lost: {after:?}");
        for call in &mut conference.calls {
            call.hang_up(&bridge).await;
            let stopped = dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
            assert_eq!(stopped.text("conversationId"), *id);
        }
    }
    wait_until("all conversations to end", || {
        let open = "SELECT count(*) FROM symbl_bridge.conversations WHERE end_ms IS NULL OR owner = '";
        postgres.sql("calls", &format!("{open}{dead}'")) == "0"
    })
    .await;
    let count = postgres.sql("calls", "SELECT count(*) FROM symbl_bridge.conversations");
    assert_eq!(count, CONFERENCES.to_string(), "no conference began anew");
    bridge.finish().await;

    // The product's own engine, set up by DATABASE_URL: tokens of the other are good here, and so is what it knows.
    let no_model = tempfile::tempdir().unwrap();
    let third = Settings::with_upstream("")
        .without("SYMBL_API_BASE_URL")
        .command(&["engine"])
        .set("SYMBL_APP_ID", APP_ID)
        .set("SYMBL_APP_SECRET", APP_SECRET)
        .set("BRIDGE__MODEL__NAME", no_model.path().to_str().unwrap())
        .set("DATABASE_URL", &database)
        .start()
        .await;
    let id = &conferences[0].conversation_id;
    let there = messages(&third.address.to_string(), id, &token).await;
    assert_eq!(there, messages(&survivor, id, &token).await);
    assert!(!third.process().stderr().contains(PASSWORD), "no log shows the password");
    third.finish().await;
}
