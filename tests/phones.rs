//! `symbl-bridge call` against `symbl-bridge serve`: what a newcomer runs first.

mod support;

use std::path::{Path, PathBuf};

use support::bridge::{AUTH_TOKEN, Settings, run};
use support::caller::Random;
use support::dashboard::{self, Dashboard};
use support::symbl_server::{Ended, SymblServer};
use support::{AGENT, CUSTOMER};
use tempfile::TempDir;

/// Writes a mu-law file of so many frames that no other file resembles.
fn voice(directory: &Path, seed: u64, frames: usize) -> (PathBuf, Vec<u8>) {
    let audio = Random::new(seed).bytes(frames * 160);
    let path = directory.join(format!("voice-{seed}.ulaw"));
    assert!(std::fs::write(&path, &audio).is_ok(), "a file of our own");
    (path, audio)
}

#[tokio::test]
async fn two_simulated_phones_in_a_room_are_heard_byte_for_byte() {
    let files = TempDir::new().expect("a directory");
    let (agent_file, agent_audio) = voice(files.path(), 1001, 150);
    let (customer_file, customer_audio) = voice(files.path(), 1002, 100);
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url())
        .set("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
        // One speaks longer: the conference must not end with the other.
        .set("BRIDGE__CONFERENCE__END_ON_EXIT", "false");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let url = format!("http://{}", bridge.address);
    let finished = run(
        &[
            "call",
            agent_file.to_str().expect("a plain path"),
            customer_file.to_str().expect("a plain path"),
            "--url",
            &url,
            "--from",
            AGENT,
            "--from",
            CUSTOMER,
            "--room",
            "simulated",
            "--speed",
            "20",
            "--updates",
        ],
        &[("TWILIO_AUTH_TOKEN", AUTH_TOKEN)],
    )
    .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("2 of 2 calls went well"), "{}", finished.stdout);
    let printed = |kind: &str| finished.stdout.matches(kind).count();
    assert_eq!((printed("connection_started"), printed("connection_stopped")), (2, 2), "{}", finished.stdout);
    let mut connections = Vec::new();
    for (from, audio) in [(AGENT, &agent_audio), (CUSTOMER, &customer_audio)] {
        let leg = server.leg_that_hears(&audio[..160]).await;
        leg.hears_exactly(audio, from).await;
        assert_eq!(leg.speaker().expect("a start_request")["userId"], from);
        assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
        connections.push(leg.connection_id);
    }
    assert_eq!(connections[0], connections[1], "one room, one connectionId");
    let updates = dashboard::finish(bridge, dashboard).await;
    assert_eq!(updates.len(), 4);
    assert!(updates.iter().all(|update| update.text("room") == "simulated"));
}

#[tokio::test]
async fn a_phone_in_receive_mode_is_heard_too() {
    let files = TempDir::new().expect("a directory");
    let (file, audio) = voice(files.path(), 2001, 60);
    let server = SymblServer::start().await;
    let bridge = Settings::with_upstream(&server.base_url()).set("MODE", "receive_call").start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let url = format!("http://{}", bridge.address);
    let file = file.to_str().expect("a plain path");
    let finished = run(&["call", file, "--url", &url, "--speed", "20", "--from", "anonymous"], &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    server.leg_that_hears(&audio[..160]).await.hears_exactly(&audio, "the phone").await;
    assert_eq!(dashboard::finish(bridge, dashboard).await.len(), 2);
}

#[tokio::test]
async fn a_phone_that_cannot_call_says_why() {
    for (arguments, code, named) in [
        (&["call", "--url", "http://127.0.0.1:9", "--duration", "0.1"][..], 1, "refused"),
        (&["call", "/no/such/file.wav"], 64, "/no/such/file.wav"),
        (&["call", "--url", "not a url"], 64, "--url"),
    ] {
        let finished = run(arguments, &[]).await;
        let printed = format!("{}\n{}", finished.stdout, finished.stderr);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {printed}");
        assert!(printed.contains(named), "{arguments:?}: {named} is not in: {printed}");
        assert!(!printed.contains("panicked"), "{printed}");
    }
}
