//! Recording and replay at the wire: what a leg carried is in its file, and nothing that happens to a file happens to a call.

// A helper of a test has nothing better to do than to panic.
#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::bridge::{Bridge, Settings, run};
use support::caller::{Call, Caller};
use support::symbl_server::SymblServer;
use support::twiml::verbs;
use support::wait::{wait_for, wait_until};
use support::{AGENT, CUSTOMER, STRANGER};
use tempfile::TempDir;

/// Before the first sample of a mu-law WAV file with a `fact` chunk.
const HEADER: usize = 58;

/// As an encoder writes it.
const SILENCE: u8 = 0xFF;

fn recording(server: &SymblServer, dir: &Path) -> Settings {
    Settings::with_upstream(&server.base_url())
        .set("BRIDGE__RECORDING__ENABLED", "true")
        .set("BRIDGE__RECORDING__DIR", dir.to_str().unwrap())
        .set("BRIDGE__RECORDING__MIN_FREE_BYTES", "0")
}

/// Every file in a directory of recordings, by its path below it.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for day in std::fs::read_dir(dir).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(day.path()).unwrap() {
            let path = file.unwrap().path();
            found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// The file of a call with this ending.
fn file(dir: &Path, call_sid: &str, ending: &str) -> Option<PathBuf> {
    let name = format!("/{call_sid}-1.{ending}");
    files(dir).into_iter().find(|path| path.ends_with(&name)).map(|path| dir.join(path))
}

/// Waits until a call's recording is complete; returns its audio as it stands in the file, and its sidecar.
async fn recorded(dir: &Path, call: &Call) -> (Vec<u8>, Value) {
    let wav = wait_for("a complete recording", || file(dir, &call.caller.call_sid, "wav")).await;
    (audio(&wav), sidecar(&wav))
}

/// The audio of a complete file, its sizes held to what is there.
fn audio(wav: &Path) -> Vec<u8> {
    let content = std::fs::read(wav).unwrap();
    let size = |at: usize| u32::from_le_bytes(content[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(
        (&content[..4], &content[8..16], &content[50..54]),
        (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..])
    );
    assert_eq!(content[20..24], [7, 0, 1, 0], "mu-law, one channel");
    assert_eq!((size(24), size(4) + 8), (8000, content.len()));
    assert_eq!(size(46), size(54), "`fact` and `data` agree");
    assert_eq!(HEADER + size(54) + size(54) % 2, content.len());
    content[HEADER..HEADER + size(54)].to_vec()
}

fn sidecar(wav: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(wav.with_extension("json")).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_a_leg_carried_is_in_its_file_byte_for_byte() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let dir = dir.path().join("recordings");
    let bridge = recording(&server, &dir).start().await;
    let mut agent = Caller::new(AGENT).call(&bridge, "?room=talk").await;
    let mut customer = Caller::new(CUSTOMER).call(&bridge, "?room=talk").await;
    agent.speak(75).await;
    customer.speak(40).await;
    let heard = server.leg_that_hears(&agent.caller.first_bytes()).await;
    heard.hears_exactly(&agent.sent, "the agent").await;
    agent.hang_up(&bridge).await;
    customer.hang_up(&bridge).await;

    let (audio, about) = recorded(&dir, &agent).await;
    assert!(audio == agent.sent, "{} bytes of {}", audio.len(), agent.sent.len());
    assert_eq!(about["callSid"], agent.caller.call_sid.as_str());
    assert_eq!(about["streamSid"], agent.caller.stream_sid.as_str());
    assert_eq!(about["connectionId"], heard.connection_id.as_str());
    assert_eq!(about["conversationId"], heard.conversation_id.as_str());
    assert_eq!((&about["room"], &about["role"]), (&"talk".into(), &"agent".into()));
    assert_eq!((&about["speaker"]["userId"], &about["to"]), (&AGENT.into(), &"+14155550100".into()));
    assert_eq!((&about["lengthMs"], &about["frames"]), (&1500.into(), &75.into()));
    assert_eq!((&about["missingMs"], &about["endReason"]), (&0.into(), &"hangup".into()));
    assert!(about["startedAt"].as_str().unwrap() < about["endedAt"].as_str().unwrap(), "{about}");
    let (audio, about) = recorded(&dir, &customer).await;
    assert!(audio == customer.sent);
    assert_eq!((&about["role"], &about["speaker"]["userId"]), (&"customer".into(), &CUSTOMER.into()));
    assert_eq!(about["connectionId"], heard.connection_id.as_str());

    // Voices are for their owner's eyes only, the directory included.
    assert_eq!(files(&dir).len(), 4, "{:?}", files(&dir));
    assert!(files(&dir).iter().all(|path| mode(&dir.join(path)) == 0o600));
    assert_eq!((mode(&dir), mode(&dir.join(&files(&dir)[0][..10]))), (0o700, 0o700));
    // The log tells where, and no number.
    let line =
        bridge.wait_for_event("recording_kept", |line| line["call_sid"] == agent.caller.call_sid.as_str());
    assert_eq!(line.await["length_ms"], 1500);
    assert!(!bridge.process().stderr().contains(AGENT));
    bridge.finish().await;
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_turned_on() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).without("BRIDGE__RECORDING__ENABLED").start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(10).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
    call.hang_up(&bridge).await;
    bridge.finish().await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn missing_frames_are_silence_in_the_file_and_listed_beside_it() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(10).await;
    call.lose(5);
    call.speak(10).await;
    call.lose(100);
    call.speak(3).await;
    call.hang_up(&bridge).await;
    let (audio, about) = recorded(dir.path(), &call).await;
    let silence = |frames: usize| vec![SILENCE; frames * 160];
    let expected =
        [&call.sent[..1600], &silence(5), &call.sent[1600..3200], &silence(100), &call.sent[3200..]];
    assert!(audio == expected.concat(), "{} bytes", audio.len());
    let gap = |at: u64, ms: u64| serde_json::json!({ "atMs": at, "missingMs": ms, "silenceMs": ms, "cause": "missing_messages" });
    assert_eq!(about["gaps"], serde_json::json!([gap(200, 100), gap(500, 2000)]));
    assert_eq!((&about["missingMs"], &about["frames"]), (&2100.into(), &23.into()));
    // What the server hears is what came, without the silence.
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_second_stream_of_a_call_gets_a_file_of_its_own() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).start().await;
    let mut first = Caller::new(AGENT).call(&bridge, "").await;
    first.speak(5).await;
    server.leg_that_hears(&first.caller.first_bytes()).await.hears_exactly(&first.sent, "the first").await;
    first.stop().await;
    let (audio, _) = recorded(dir.path(), &first).await;
    assert!(audio == first.sent);
    let mut second = first.caller.clone().streaming_anew().call(&bridge, "").await;
    second.speak(7).await;
    second.hang_up(&bridge).await;
    let name = format!("/{}-2.wav", second.caller.call_sid);
    let wav =
        wait_for("the second recording", || files(dir.path()).into_iter().find(|path| path.ends_with(&name)));
    let wav = dir.path().join(wav.await);
    assert!(self::audio(&wav) == second.sent);
    assert_eq!(sidecar(&wav)["streamSid"], second.caller.stream_sid.as_str());
    bridge.finish().await;
}

#[tokio::test]
async fn a_killed_process_leaves_a_readable_file_which_the_next_start_completes() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let mut bridge = recording(&server, dir.path()).start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "?room=talk").await;
    call.speak(50).await;
    let sid = call.caller.call_sid.clone();
    let bytes = |ending: &str| file(dir.path(), &sid, ending).and_then(|path| std::fs::read(path).ok());
    wait_until("the disk to have it all", || {
        bytes("wav.part").is_some_and(|content| content.len() == HEADER + call.sent.len())
    })
    .await;
    bridge.process().signal("KILL");
    bridge.gone().await;
    drop(bridge);
    // As it is, `replay` reads it: a process may never start again.
    let part = file(dir.path(), &sid, "wav.part").unwrap();
    let again = Bridge::start(&server.base_url()).await;
    let played = replay(&again, &[&part], &[]).await;
    assert_eq!(played, Some(0));
    wait_until("the audio a second time", || {
        server.legs().iter().filter(|leg| leg.audio() == call.sent).count() == 2
    })
    .await;
    again.finish().await;

    let next = recording(&server, dir.path()).start().await;
    assert_eq!(next.wait_for_event("recordings_completed", |_| true).await["recordings"], 1);
    let (audio, about) = recorded(dir.path(), &call).await;
    assert!(audio == call.sent);
    assert_eq!((&about["endReason"], &about["lengthMs"]), (&"process_died".into(), &1000.into()));
    assert_eq!(files(dir.path()).len(), 2, "{:?}", files(dir.path()));
    next.finish().await;
}

#[tokio::test]
async fn the_end_of_the_process_completes_what_is_being_recorded() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).set("BRIDGE__DRAIN__DEADLINE_MS", "100").start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(20).await;
    server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
    bridge.finish().await;
    let wav = file(dir.path(), &call.caller.call_sid, "wav").expect("complete before the process was gone");
    assert!(audio(&wav) == call.sent);
    assert_eq!(sidecar(&wav)["endReason"], "shutdown");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_costs_the_recording_only() {
    let server = SymblServer::start().await;
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let below_a_file = dir.path().join("file/recordings");
    let full = dir.path().join("full");
    let no_disk_is_so_large = "1000000000000000";
    for (dir, free, reason) in [
        (&below_a_file, "0", "recording.dir cannot be used"),
        (&full, no_disk_is_so_large, "recording.min_free_bytes"),
    ] {
        let settings = recording(&server, dir).set("BRIDGE__RECORDING__MIN_FREE_BYTES", free);
        let bridge = settings.start().await;
        let line = bridge.wait_for_event("recording_unavailable", |_| true).await;
        assert!(line["reason"].as_str().unwrap().contains(reason), "{line}");
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(50).await;
        server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
        let line = bridge.wait_for_event("recording_incomplete", |_| true).await;
        assert_eq!(line["call_sid"], call.caller.call_sid.as_str());
        call.speak(50).await;
        call.hang_up(&bridge).await;
        bridge.wait_for_event("leg_ended", |_| true).await;
        assert_eq!(bridge.events("recording_incomplete").len(), 1, "said once");
        bridge.finish().await;
        assert_eq!(files(dir), Vec::<String>::new());
    }
}

#[tokio::test]
async fn recordings_go_when_their_time_is_over_and_strangers_stay() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let put = |path: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "old").unwrap();
    };
    for path in ["2020-01-01/CA1-1.wav", "2020-01-01/CA1-1.json", "2020-01-02/notes.txt", "archive/CA1-1.wav"]
    {
        put(path);
    }
    let bridge = recording(&server, dir.path()).set("BRIDGE__RECORDING__RETENTION_DAYS", "1").start().await;
    let line = bridge.wait_for_event("recordings_deleted", |_| true).await;
    assert_eq!((&line["recordings"], &line["reason"]), (&1.into(), &"retention_days".into()));
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    call.hang_up(&bridge).await;
    recorded(dir.path(), &call).await;
    bridge.finish().await;
    let left = files(dir.path());
    assert!(!dir.path().join("2020-01-01").exists(), "{left:?}");
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        left.contains(&"2020-01-02/notes.txt".to_owned()) && left.contains(&"archive/CA1-1.wav".to_owned())
    );
}

/// Runs `symbl-bridge replay` as fast as possible; returns its exit code.
async fn replay(bridge: &Bridge, files: &[&Path], arguments: &[&str]) -> Option<i32> {
    let url = format!("http://{}", bridge.address);
    let mut all = vec!["replay", "--url", &url, "--speed", "0"];
    all.extend(files.iter().map(|path| path.to_str().unwrap()));
    all.extend(arguments);
    let finished = run(&all, &[]).await;
    assert!(finished.stdout.contains("calls went well"), "{finished:?}");
    finished.code
}

#[tokio::test]
async fn a_replayed_call_is_heard_as_it_was_by_the_same_parties_in_the_same_room() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).start().await;
    let mut agent = Caller::new(AGENT).call(&bridge, "?room=talk").await;
    let mut stranger = Caller::new(STRANGER).call(&bridge, "?room=talk").await;
    agent.speak(60).await;
    stranger.speak(30).await;
    for call in [&mut agent, &mut stranger] {
        server.leg_that_hears(&call.caller.first_bytes()).await.hears_exactly(&call.sent, "the call").await;
        call.hang_up(&bridge).await;
        recorded(dir.path(), call).await;
    }
    let legs_before = server.legs().len();
    let wav = |call: &Call| file(dir.path(), &call.caller.call_sid, "wav").unwrap();
    assert_eq!(replay(&bridge, &[&wav(&agent), &wav(&stranger)], &[]).await, Some(0));
    let again = server.legs().split_off(legs_before);
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].connection_id, again[1].connection_id, "one conference again");
    for (call, number) in [(&agent, AGENT), (&stranger, STRANGER)] {
        let leg = again.iter().find(|leg| leg.speaker().is_some_and(|speaker| speaker["userId"] == number));
        assert!(leg.unwrap().audio() == call.sent, "{number}");
    }
    let announced = bridge.events("leg_started");
    assert!(announced.iter().all(|line| line["room"] == "talk"), "{announced:?}");

    // Without what is known beside it, a recording is a caller of its own.
    let bare = dir.path().join("bare.wav");
    std::fs::copy(wav(&agent), &bare).unwrap();
    assert_eq!(replay(&bridge, &[&bare], &["--room", "elsewhere"]).await, Some(0));
    let leg = server.legs().pop().unwrap();
    assert!(leg.audio() == agent.sent && leg.speaker().unwrap()["userId"] != AGENT);
    bridge.finish().await;
}

#[tokio::test]
async fn the_doctor_writes_a_recording_that_any_player_opens() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path()).start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "?room=talk").await;
    call.speak(10).await;
    call.lose(10);
    call.speak(10).await;
    call.hang_up(&bridge).await;
    let (audio, _) = recorded(dir.path(), &call).await;
    bridge.finish().await;
    let out = dir.path().join("out.wav");
    let settings = [("BRIDGE__RECORDING__DIR", dir.path().to_str().unwrap())];
    let arguments = ["doctor", "--audio", &call.caller.call_sid, "--out", out.to_str().unwrap()];
    let finished = run(&arguments, &settings).await;
    assert_eq!(finished.code, Some(1), "a third of it is missing: {finished:?}");
    for words in
        ["length   0.60 s", "gaps     1, 0.20 s missing", "silence  33 %", "suspicious: more than 1 %"]
    {
        assert!(finished.stdout.contains(words), "{words}: {}", finished.stdout);
    }
    let mut reader = hound::WavReader::open(&out).unwrap();
    assert_eq!((reader.spec().bits_per_sample, reader.spec().sample_rate), (16, 8000));
    assert_eq!(reader.samples::<i16>().count(), audio.len());

    let finished = run(&["doctor", "--audio", "CA-of-nobody"], &settings).await;
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("remedy: set recording.enabled = true"), "{}", finished.stderr);
}

#[tokio::test]
async fn callers_hear_the_announcement_before_anything_is_streamed() {
    let (server, dir) = (SymblServer::start().await, TempDir::new().unwrap());
    let bridge = recording(&server, dir.path())
        .set("BRIDGE__RECORDING__ANNOUNCEMENT", "Dieses Gespräch wird aufgezeichnet & ausgewertet.")
        .set("BRIDGE__RECORDING__ANNOUNCEMENT_LANGUAGE", "de-DE")
        .start()
        .await;
    let answer = Caller::new(AGENT).ask(&bridge, "").await;
    assert_eq!(verbs(&answer), ["Say", "Start", "Dial"]);
    let say = "<Say language=\"de-DE\">Dieses Gespräch wird aufgezeichnet &amp; ausgewertet.</Say>";
    assert!(answer.body.contains(say), "{}", answer.body);
    bridge.finish().await;

    // Nobody is told so where nothing is recorded.
    let quiet = recording(&server, dir.path())
        .without("BRIDGE__RECORDING__ENABLED")
        .set("BRIDGE__RECORDING__ANNOUNCEMENT", "This call is recorded.")
        .start()
        .await;
    assert_eq!(verbs(&Caller::new(AGENT).ask(&quiet, "").await), ["Start", "Dial"]);
    quiet.finish().await;
}

#[tokio::test]
async fn mistakes_in_the_settings_are_named() {
    let finished = run(
        &["serve"],
        &[
            ("BRIDGE__RECORDING__ENABLED", "true"),
            ("BRIDGE__RECORDING__ANNOUNCEMENT", &"x".repeat(500)),
            ("BRIDGE__RECORDING__ANNOUNCEMENT_LANGUAGE", "German!"),
            ("BRIDGE__RECORDING__RETENTION_DAYS", "-1"),
            ("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "30000"),
        ],
    )
    .await;
    assert_eq!(finished.code, Some(64));
    for key in [
        "recording.dir (BRIDGE__RECORDING__DIR) is missing",
        "media.token_lifetime_ms (BRIDGE__MEDIA__TOKEN_LIFETIME_MS) ends before the announcement",
        "recording.announcement_language (",
        "recording.retention_days (",
    ] {
        assert!(finished.stderr.contains(key), "{key}: {}", finished.stderr);
    }
}
