//! `symbl-bridge load`: real callers, real sockets, a real bridge; and what it says when the bridge fails.

mod support;

use std::time::Duration;

use serde_json::Value;
use support::bridge::{Finished, Settings, run};
use support::http::get;
use support::wait::wait_until_asked;

/// A run takes five seconds by itself; a busy machine may take its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a load of these legs, with nothing of anybody's environment.
fn load(arguments: &[&str]) -> Settings {
    let all = [&["load", "--json", "-", "--settle", "0.3"], arguments].concat();
    let nothing = Settings::with_upstream("http://127.0.0.1:1");
    let names: Vec<String> = nothing.environment().keys().cloned().collect();
    names.iter().fold(nothing, |settings, name| settings.without(name)).command(&all)
}

fn steps(finished: &Finished) -> Vec<Value> {
    let report: Value = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}\n{}", finished.stdout, finished.stderr));
    report["steps"].as_array().cloned().unwrap_or_else(|| panic!("no steps: {report}"))
}

#[tokio::test]
async fn every_frame_of_a_load_is_accounted_for() {
    let arguments = ["--own-bridge", "--legs", "20", "--duration", "2", "--arrivals", "random"];
    let finished = load(&arguments).spawn().finished_within(PATIENCE).await;
    assert_eq!(finished.code, Some(0), "{}\n{}", finished.stdout, finished.stderr);
    let steps = steps(&finished);
    assert_eq!(steps.len(), 1);
    let step = &steps[0];
    for (name, expected) in [
        ("legs", 20),
        ("standing", 20),
        ("broken", 0),
        ("lost", 0),
        ("notTaken", 0),
        ("duplicates", 0),
        ("outOfOrder", 0),
        ("damaged", 0),
        ("withoutLeave", 0),
        ("callbacksFailed", 0),
    ] {
        assert_eq!(step[name], expected, "{name} in {step:#}");
    }
    assert_eq!(step["framesReceived"], step["framesSent"]);
    // Fifty a second of each leg, however late the machine is; and those before and behind.
    let measured = step["framesMeasured"].as_u64().expect("a count");
    assert!((1900..=2100).contains(&measured), "{measured}");
    for place in [
        "/delayMs/p50",
        "/delayMs/p99",
        "/delayMs/p999",
        "/delayMs/max",
        "/sinceSentMs/p99",
        "/setUp/webhookMs/p50",
        "/setUp/firstAudioMs/p50",
        "/setUp/cpuMsALeg",
        "/bridge/cpuUsAFrame",
        "/bridge/cores",
        "/bridge/residentMb",
        "/generator/latenessMs/p50",
        "/generator/cores",
    ] {
        let figure = step.pointer(place).and_then(Value::as_f64);
        assert!(figure.is_some_and(|figure| figure > 0.0), "{place} in {step:#}");
    }
    assert!(finished.stderr.contains("CPU us/frame"), "a table for people: {}", finished.stderr);
}

#[tokio::test]
async fn what_a_bridge_takes_with_it_when_it_dies_is_reported_as_lost() {
    // The sink's port must be known to the bridge before anybody listens on it.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let bridge = Settings::with_upstream(&format!("http://127.0.0.1:{port}")).start().await;
    let (url, pid) = (format!("http://{}", bridge.address), bridge.process().id().to_string());
    let arguments =
        ["--url", &url, "--pid", &pid, "--sink-port", &port.to_string(), "--legs", "4", "--duration", "30"];
    let running = load(&arguments).spawn();
    // Each says one frame and waits until all stand; it is to die while they speak.
    wait_until_asked("four legs that speak", async || {
        let answer = get(bridge.address, "/symbl/legs").await;
        let now: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let legs = now["legs"].as_array().cloned().unwrap_or_default();
        legs.len() == 4 && legs.iter().all(|leg| leg["streamedMs"].as_u64() > Some(500))
    })
    .await;
    bridge.process().signal("KILL");
    let finished = running.finished_within(PATIENCE).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let step = &steps(&finished)[0];
    assert_eq!((&step["standing"], &step["broken"]), (&4.into(), &4.into()), "{step:#}");
    assert!(step["framesSent"].as_u64() > step["framesReceived"].as_u64(), "{step:#}");
    assert!(step["lost"].as_u64() > Some(0) && step["withoutLeave"] == 4, "{step:#}");
    assert!(finished.stderr.contains("media sockets ended before their time"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_wrong_command_line_gets_a_remedy() {
    for (arguments, remedy) in [
        (&["--legs", "0"][..], "from 1 to"),
        (&["--own-bridge", "--pin", "--workers", "9999"], "use fewer workers"),
        (&["--own-bridge", "--url", "http://127.0.0.1:1"], "cannot be used with"),
        (&["--url", "https://127.0.0.1:1", "--sink-port", "0"], "plain http"),
        (&["--legs", "5", "--sink-port", "0", "--pid", "4294967295"], "--pid"),
        (&["--arrivals", "sometimes"], "`regular` or `random`"),
        (&["--duration", "0"], "at least 0.1"),
        (&["--limit-ms", "5"], "--saturate"),
    ] {
        let all = [&["load"], arguments].concat();
        let finished = run(&all, &[]).await;
        assert_eq!(finished.code, Some(64), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(remedy), "{arguments:?}: {}", finished.stderr);
    }
}
