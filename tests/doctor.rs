//! `symbl-bridge doctor` as an operator and a script meet it: healthy, sick in each way, and never telling a secret.

// A test that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod real_engine;
mod support;

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::bridge::{APP_SECRET, AUTH_TOKEN, Bridge, Finished, Settings};
use support::symbl_server::{Handshake, SymblServer, TokenAnswer, recognition_result};
use support::twilio_rest::{Failure, TwilioRest};
use support::wait::{wait_until, within};
use support::{STRANGER, TWILIO_NUMBER};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ACCOUNT_SID: &str = "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const NOWHERE: &str = "http://127.0.0.1:9";
const SAID: &str = "Thank you for calling Northwind Support. My name is Anna. How can I help you today?";
/// The piece of the demo's dialogue in which that is said.
const SPOKEN: std::ops::Range<usize> = 600 * 8..6400 * 8;

/// Longer than all deadlines of a check together, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a run left behind.
struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
    text: String,
}

impl Report {
    /// The only finding of a check.
    fn of(&self, id: &str) -> &Value {
        let found: Vec<&Value> = self.findings.iter().filter(|finding| finding["id"] == id).collect();
        assert_eq!(found.len(), 1, "{id} in {}", self.text);
        found[0]
    }

    /// Checks a finding's status, and that it and its remedy say so.
    fn says(&self, id: &str, status: &str, words: &[&str]) {
        let finding = self.of(id);
        assert_eq!(finding["status"], status, "{finding}");
        let text = format!("{} {}", finding["found"], finding["remedy"]);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {finding}");
        }
    }
}

/// Runs the doctor for programs, and checks what must hold for every run.
async fn doctor(settings: Settings, arguments: &[&str]) -> Report {
    let finished = run(settings, &[&["--json"], arguments].concat()).await;
    let findings: Vec<Value> = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|fault| panic!("{fault}: {}\n{}", finished.stdout, finished.stderr));
    for finding in &findings {
        for field in ["id", "status", "what", "found"] {
            assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {finding}");
        }
        let is_sick = ["warning", "error"].contains(&finding["status"].as_str().unwrap());
        assert!(!is_sick || finding["remedy"].is_string(), "no remedy: {finding}");
        assert_eq!(finding.as_object().unwrap().len(), 5, "{finding}");
    }
    Report { code: finished.code, findings, text: finished.stdout }
}

async fn run(settings: Settings, arguments: &[&str]) -> Finished {
    let arguments = [&["doctor"], arguments].concat();
    let process = settings.without("RUST_LOG").command(&arguments).spawn();
    let finished = process.finished_within(PATIENCE).await;
    let printed = format!("{}\n{}", finished.stdout, finished.stderr);
    for secret in [AUTH_TOKEN, APP_SECRET, TWILIO_NUMBER, "eyJ", "\x1b["] {
        assert!(!printed.contains(secret), "{secret:?} is in: {printed}");
    }
    assert!(!printed.contains("panicked"), "{printed}");
    finished
}

/// Settings with which a bridge and its doctor have the same opinion of signatures.
fn signed(base_url: &str) -> Settings {
    Settings::with_upstream(base_url).set("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
}

fn at(settings: Settings, bridge: &Bridge) -> Settings {
    settings.set("BRIDGE__HTTP__PORT", &bridge.address.port().to_string())
}

fn public(settings: Settings, rest: &TwilioRest) -> (Settings, String) {
    let settings = settings.public("bridge.example.com").set("TWILIO_ACCOUNT_SID", ACCOUNT_SID);
    (settings, format!("--twilio-api-url={}", rest.base_url()))
}

/// An upstream that has heard the sentences.
async fn attentive() -> SymblServer {
    let upstream = SymblServer::start().await;
    let words = recognition_result(SAID, &json!({ "userId": "doctor", "name": "doctor" }));
    upstream.script(|script| script.last_words = vec![words.to_string()]);
    upstream
}

#[tokio::test]
async fn a_healthy_local_setup_is_found_healthy_and_nothing_is_left_of_the_visit() {
    let upstream = attentive().await;
    let bridge = signed(&upstream.base_url()).start().await;
    let report = doctor(at(signed(&upstream.base_url()), &bridge), &[]).await;
    assert_eq!(report.code, Some(0), "{}", report.text);

    let listed = run(Settings::with_upstream(NOWHERE), &["--list"]).await;
    assert_eq!(listed.code, Some(0));
    let ids: Vec<&str> = listed.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(ids.len() >= 18, "{ids:?}");
    for id in ids {
        assert!(report.findings.iter().any(|finding| finding["id"] == id), "{id} is not in {}", report.text);
    }
    for id in
        ["server", "signed-request", "unsigned-request", "media-socket", "upstream-token", "upstream-stream"]
    {
        report.says(id, "ok", &[]);
    }
    report.says("speech", "ok", &["16 of 16 words", "Northwind Support"]);

    let legs = upstream.legs();
    assert_eq!(legs.len(), 1, "the doctor's own");
    assert_eq!(legs[0].speaker().unwrap()["userId"], "doctor");
    let recording =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio/demo/agent.ulaw")).unwrap();
    legs[0].hears_exactly(&recording[SPOKEN], "the doctor").await;

    // A call would have been announced, and a leg would have started.
    let refused = bridge.wait_for_event("signature_refused", |_| true).await;
    assert_eq!(refused["path"], "/twilio/statuschange");
    for event in ["call_announced", "call_not_streamed", "leg_started"] {
        assert!(bridge.events(event).is_empty(), "{event}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn without_a_server_it_is_said_how_to_start_one() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let local = || Settings::with_upstream(NOWHERE).set("BRIDGE__HTTP__PORT", &port.to_string());
    let report = doctor(local(), &["--only", "server,signed-request"]).await;
    assert_eq!(report.code, Some(0), "local development needs no server all the time");
    report.says("server", "note", &["no server answers", "symbl-bridge serve"]);
    report.says("signed-request", "note", &["not looked at"]);

    let domain = format!("localhost:{port}");
    let only = ["--only", "public-address,certificate,server,media-socket"];
    let report = doctor(local().public(&domain), &only).await;
    assert_eq!(report.code, Some(2));
    report.says("public-address", "error", &["resolves to", "no server runs here", "symbl-bridge serve"]);
    report.says("server", "error", &["no server answers", "symbl-bridge serve"]);
    report.says("certificate", "note", &["not reached"]);
    report.says("media-socket", "note", &["not looked at"]);

    // The same public address leads nowhere, but a server runs here.
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let report = doctor(at(local().public(&domain), &bridge), &only).await;
    report.says("public-address", "error", &["a server runs here", "proxy"]);
    bridge.finish().await;
}

#[tokio::test]
async fn a_wrong_auth_token_is_a_refused_signature() {
    let bridge = Settings::with_upstream(NOWHERE).set("TWILIO_AUTH_TOKEN", "another0token").start().await;
    let only = ["--only", "signed-request,unsigned-request,media-socket"];
    let report = doctor(at(signed(NOWHERE), &bridge), &only).await;
    assert_eq!(report.code, Some(2));
    report.says("signed-request", "error", &["403", "another auth token", "TWILIO_AUTH_TOKEN"]);
    report.says("media-socket", "error", &["403", "another auth token"]);
    report.says("unsigned-request", "ok", &[]);
    bridge.finish().await;
}

#[tokio::test]
async fn a_server_that_takes_what_nobody_signed_is_an_error() {
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let report = doctor(at(signed(NOWHERE), &bridge), &["--only", "signed-request,unsigned-request"]).await;
    assert_eq!(report.code, Some(2));
    report.says("signed-request", "ok", &[]);
    report.says("unsigned-request", "error", &["anybody", "check_signatures"]);
    bridge.finish().await;
}

#[tokio::test]
async fn a_proxy_that_swallows_the_upgrade_is_found_out() {
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = tokio::spawn(forward_without_upgrade(listener, bridge.address));
    let settings = Settings::with_upstream(NOWHERE).set("BRIDGE__HTTP__PORT", &port.to_string());
    let report = doctor(settings, &["--only", "server,signed-request,media-socket"]).await;
    assert_eq!(report.code, Some(2));
    report.says("server", "ok", &[]);
    report.says("signed-request", "ok", &[]);
    report.says("media-socket", "error", &["swallows the upgrade", "docs/deployment.md"]);
    proxy.abort();
    bridge.finish().await;
}

/// Passes requests on as a proxy does that was not told of WebSockets: without `Upgrade`, and one a connection.
async fn forward_without_upgrade(listener: TcpListener, to: SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                if client.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let is_hop = |line: &&str| {
                let line = line.to_ascii_lowercase();
                line.starts_with("upgrade:") || line.starts_with("connection:")
            };
            let kept: Vec<&str> = head.split("\r\n").filter(|line| !is_hop(line)).collect();
            let mut server = TcpStream::connect(to).await.unwrap();
            let request = format!("{}\r\nConnection: close\r\n\r\n{body}", kept.join("\r\n"));
            server.write_all(request.as_bytes()).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

#[tokio::test]
async fn over_tls_the_certificate_is_read_and_the_sockets_open() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "60", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl").success());
    let tls = |settings: Settings| {
        settings
            .set("BRIDGE__TLS__CERT", certificate.to_str().unwrap())
            .set("BRIDGE__TLS__KEY", key.to_str().unwrap())
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = || {
        tls(Settings::with_upstream(NOWHERE))
            .public(&format!("localhost:{port}"))
            .set("BRIDGE__HTTP__PORT", &port.to_string())
    };
    let bridge = settings().start().await;
    let only =
        ["--only", "public-address,certificate,server,signed-request,unsigned-request,media-socket,clock"];

    let trusting = settings().set("SSL_CERT_FILE", certificate.to_str().unwrap());
    let report = doctor(trusting, &only).await;
    report.says("public-address", "error", &["port 443"]);
    report.says("certificate", "ok", &["good until", "days"]);
    for id in ["server", "signed-request", "unsigned-request", "media-socket", "clock"] {
        report.says(id, "ok", &[]);
    }

    // This machine's own authorities do not vouch for it.
    let report = doctor(settings(), &only).await;
    assert_eq!(report.code, Some(2));
    report.says("certificate", "error", &["nobody whom this machine trusts"]);
    report.says("server", "error", &[]);
    bridge.finish().await;
}

#[tokio::test]
async fn a_wrong_webhook_is_shown_and_repaired_when_that_is_wanted() {
    let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
    for (number, fields) in [
        // Twilio's filter finds whatever contains the number, and lists come in pages.
        ("+141555501001", json!({})),
        ("+141555501002", json!({})),
        (TWILIO_NUMBER, json!({ "voice_method": "GET", "voice_application_sid": "AP1" })),
    ] {
        rest.add_number(number, fields);
    }
    let (settings, api) = public(Settings::with_upstream(NOWHERE), &rest);
    let only = ["--only", "twilio-account,twilio-number", &api];
    let report = doctor(settings, &only).await;
    assert_eq!(report.code, Some(2));
    report.says("twilio-account", "ok", &[]);
    report.says(
        "twilio-number",
        "error",
        &[
            "voice_url is https://demo.twilio.com/welcome/voice/, should be https://bridge.example.com/twilio/twiml",
            "voice_method is GET, should be POST",
            "voice_application_sid is AP1, should be empty",
            "status_callback is empty, should be https://bridge.example.com/twilio/statuschange",
            "--fix",
        ],
    );
    assert!(rest.changes().is_empty(), "looking changes nothing");

    let (settings, _) = public(Settings::with_upstream(NOWHERE), &rest);
    let finished = run(settings, &[&only[..], &["--fix"]].concat()).await;
    assert_eq!(finished.code, Some(64), "nobody is there to be asked: {}", finished.stderr);
    assert!(finished.stderr.contains("--yes"), "{}", finished.stderr);
    assert!(rest.changes().is_empty());

    let (settings, _) = public(Settings::with_upstream(NOWHERE), &rest);
    let report = doctor(settings, &[&only[..], &["--fix", "--yes"]].concat()).await;
    assert_eq!(report.code, Some(0), "{}", report.text);
    report.says("twilio-number", "ok", &["changed", "voice_url"]);
    let changes = rest.changes();
    assert_eq!(changes.len(), 1);
    let fields: HashMap<_, _> = changes[0].form.iter().cloned().collect();
    assert_eq!(fields.len(), 4, "only what was wrong: {fields:?}");
    let number = rest.number(TWILIO_NUMBER);
    assert_eq!(number["voice_url"], "https://bridge.example.com/twilio/twiml");
    assert_eq!((&number["voice_method"], &number["voice_application_sid"]), (&json!("POST"), &json!("")));
    assert_eq!(number["status_callback"], "https://bridge.example.com/twilio/statuschange");

    let (settings, _) = public(Settings::with_upstream(NOWHERE), &rest);
    let report = doctor(settings, &[&only[..], &["--fix", "--yes"]].concat()).await;
    report.says("twilio-number", "ok", &["calls come here"]);
    assert_eq!(rest.changes().len(), 1, "what is right is left alone");
}

#[tokio::test]
async fn on_a_terminal_it_asks_first_and_paints_its_words() {
    let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
    rest.add_number(TWILIO_NUMBER, json!({}));
    let (settings, api) = public(Settings::with_upstream(NOWHERE), &rest);
    for (answer, changes, painted) in [("n\n", 0, "\x1b[31merror"), ("y\n", 1, "\x1b[32mok")] {
        let command =
            format!("{} doctor --only twilio-number --fix {api}", env!("CARGO_BIN_EXE_symbl-bridge"));
        // `script` gives the command a terminal of its own.
        let mut terminal = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env_clear()
            .envs(settings.environment().iter().filter(|(name, _)| *name != "RUST_LOG"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script (Debian: bsdutils)");
        terminal.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let finished = tokio::task::spawn_blocking(|| terminal.wait_with_output().unwrap());
        let printed =
            String::from_utf8(within("the terminal's end", finished).await.unwrap().stdout).unwrap();
        let asked =
            printed.find("should be https://bridge.example.com/twilio/twiml").expect("what would change");
        let question = printed.find("change this now? [y/N]").expect("a question");
        assert!(asked < question && printed[question..].contains(painted), "{printed}");
        assert_eq!(rest.changes().len(), changes, "{printed}");
        assert!(!printed.contains(AUTH_TOKEN) && !printed.contains(TWILIO_NUMBER), "{printed}");
    }
}

#[tokio::test]
async fn each_answer_of_twilio_has_its_finding() {
    let only = "twilio-account,twilio-number";
    let check = async |prepare: &dyn Fn(&TwilioRest), key: &str, value: &str| {
        let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
        rest.add_number(STRANGER, json!({}));
        prepare(&rest);
        let (settings, api) = public(Settings::with_upstream(NOWHERE), &rest);
        (doctor(settings.set(key, value), &["--only", only, &api]).await, rest)
    };
    let right = json!({
        "voice_url": "https://bridge.example.com/twilio/twiml",
        "status_callback": "https://bridge.example.com/twilio/statuschange",
    });

    let (report, rest) = check(&|_| {}, "TWILIO_AUTH_TOKEN", "another0token").await;
    assert_eq!(report.code, Some(2));
    report.says("twilio-account", "error", &["401", "20003", "TWILIO_AUTH_TOKEN"]);
    report.says("twilio-number", "note", &["not looked at"]);
    assert_eq!(rest.heard().len(), 1, "what is refused is not tried again");

    let rotated = format!("another0token,{AUTH_TOKEN}");
    let (report, _) =
        check(&|rest| rest.add_number(TWILIO_NUMBER, right.clone()), "TWILIO_AUTH_TOKEN", &rotated).await;
    assert_eq!(report.code, Some(0), "one of two tokens fits: {}", report.text);

    let (report, _) = check(&|rest| rest.fail(Failure::new(404, 20404)), "MODE", "conference").await;
    report.says("twilio-account", "error", &["does not exist", "TWILIO_ACCOUNT_SID"]);

    let (report, rest) =
        check(&|rest| rest.fail(Failure::new(429, 20429).retry_after(1)), "MODE", "conference").await;
    report.says("twilio-account", "ok", &[]);
    report.says("twilio-number", "error", &["not in this account", "sub-account"]);
    assert_eq!(rest.heard().len(), 3, "a short pause is waited for, once");

    let (report, rest) =
        check(&|rest| rest.fail(Failure::new(429, 20429).retry_after(600)), "MODE", "conference").await;
    assert_eq!(report.code, Some(1));
    report.says("twilio-account", "warning", &["429", "wait 600 s"]);
    assert_eq!(rest.heard().len(), 1, "ten minutes are not waited for");

    let trouble = |rest: &TwilioRest| (0..2).for_each(|_| rest.fail(Failure::new(503, 20500)));
    let (report, _) = check(&trouble, "MODE", "conference").await;
    assert_eq!(report.code, Some(1));
    report.says("twilio-account", "warning", &["503", "status.twilio.com"]);

    let (report, _) = check(&|rest| rest.set_account("status", "suspended"), "MODE", "conference").await;
    report.says("twilio-account", "error", &["suspended"]);

    let (report, _) = check(&|rest| rest.set_account("type", "Trial"), "TWILIO_NUMBER", "").await;
    report.says("twilio-account", "note", &["trial"]);
    report.says("twilio-number", "warning", &["the account has …0177", "TWILIO_NUMBER"]);

    let several = |rest: &TwilioRest| {
        (1..=4).for_each(|last| rest.add_number(&format!("+1415555020{last}"), json!({})))
    };
    let (report, _) = check(&several, "TWILIO_NUMBER", "").await;
    report.says("twilio-number", "warning", &["the account has 5", "…0177", "…0201"]);

    let mute = json!({ "capabilities": { "voice": false, "sms": true } });
    let (report, _) = check(&|rest| rest.add_number(TWILIO_NUMBER, mute.clone()), "MODE", "conference").await;
    report.says("twilio-number", "error", &["takes no calls", "Voice"]);

    let mut trunk = right.clone();
    trunk["trunk_sid"] = json!("TK1");
    let (report, _) =
        check(&|rest| rest.add_number(TWILIO_NUMBER, trunk.clone()), "MODE", "conference").await;
    report.says("twilio-number", "error", &["trunk_sid is TK1, should be empty"]);

    let mut quiet = right;
    quiet["status_callback"] = json!(null);
    let (report, _) =
        check(&|rest| rest.add_number(TWILIO_NUMBER, quiet.clone()), "MODE", "conference").await;
    assert_eq!(report.code, Some(1), "calls come in, their end is told late: {}", report.text);
}

#[tokio::test]
async fn what_never_answers_is_an_answer_and_no_hang() {
    let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
    rest.fall_silent();
    let upstream = SymblServer::start().await;
    upstream.script(|script| script.handshake = Handshake::Silence);
    let (settings, api) = public(Settings::with_upstream(&upstream.base_url()), &rest);
    let of_twilio = ["--only", "twilio-number", &api];
    let (silent_twilio, silent_upstream) = tokio::join!(
        doctor(settings, &of_twilio),
        doctor(Settings::with_upstream(&upstream.base_url()), &["--only", "speech"]),
    );
    // A prerequisite that fails is shown although it was not asked for: nothing wanted was looked at, and that is no success.
    assert_eq!(silent_twilio.code, Some(1), "{}", silent_twilio.text);
    silent_twilio.says("twilio-account", "warning", &["https"]);
    silent_twilio.says("twilio-number", "note", &["not looked at"]);
    assert_eq!(silent_upstream.code, Some(2), "{}", silent_upstream.text);
    silent_upstream.says("upstream-stream", "error", &[]);
    silent_upstream.says("speech", "note", &["not looked at"]);
}

#[tokio::test]
async fn an_upstream_is_judged_by_its_token_its_socket_and_its_words() {
    let only = ["--only", "upstream-token,upstream-stream,speech"];
    let report = doctor(Settings::with_upstream(NOWHERE), &only).await;
    assert_eq!(report.code, Some(2));
    report.says("upstream-token", "error", &["SYMBL_API_BASE_URL"]);
    report.says("speech", "note", &["not looked at"]);

    let upstream = SymblServer::start().await;
    upstream.script(|script| script.tokens.push_back(TokenAnswer::Refuse(401)));
    let report = doctor(Settings::with_upstream(&upstream.base_url()), &only).await;
    report.says("upstream-token", "error", &["401", "SYMBL_APP_SECRET"]);

    upstream.script(|script| script.handshakes.push_back(Handshake::Refuse(403)));
    let report = doctor(Settings::with_upstream(&upstream.base_url()), &only).await;
    report.says("upstream-token", "ok", &[]);
    report.says("upstream-stream", "error", &["403"]);

    // It listens, and hears nothing.
    let report = doctor(Settings::with_upstream(&upstream.base_url()), &only).await;
    assert_eq!(report.code, Some(1), "{}", report.text);
    report.says("upstream-stream", "ok", &["listens"]);
    report.says("speech", "warning", &["no words came back"]);

    // It breaks off in the middle of the speech.
    let report = {
        let checked =
            tokio::spawn(doctor(Settings::with_upstream(&upstream.base_url()), &["--only", "speech"]));
        wait_until("the doctor's second leg to speak", || {
            upstream.legs().get(1).is_some_and(|leg| leg.audio().len() > 8000)
        })
        .await;
        upstream.legs()[1].close(1011);
        checked.await.unwrap()
    };
    report.says("speech", "error", &["1011"]);
}

#[tokio::test]
async fn a_model_that_is_missing_is_named_with_the_command_that_fetches_it() {
    let folder = TempDir::new().unwrap();
    let settings = Settings::with_upstream("")
        .set("BRIDGE__MODEL__DIR", folder.path().to_str().unwrap())
        .set("BRIDGE__MODEL__MEANING", "true");
    let only = ["--only", "speech,speech-model,meaning-model"];
    let report = doctor(settings, &only).await;
    assert_eq!(report.code, Some(1), "{}", report.text);
    report.says("speech-model", "warning", &["symbl-bridge model install --model base"]);
    report.says("meaning-model", "warning", &["symbl-bridge model install --model minilm"]);
    report.says("speech", "note", &["the speech model is not installed"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a check installs nothing");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_an_error() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a directory").unwrap();
    let store = |dir: &Path| Settings::with_upstream("").set("BRIDGE__STORE__DIR", dir.to_str().unwrap());
    let report = doctor(store(folder.path()), &["--only", "store"]).await;
    report.says("store", "ok", &["is writable", "GB are free"]);
    let report = doctor(store(&file.join("deeper")), &["--only", "store"]).await;
    assert_eq!(report.code, Some(2), "{}", report.text);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what was written is gone");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_noticed_by_what_twilio_says() {
    let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
    for (error, status, code, word) in
        [(0, "ok", 0, "agrees with Twilio"), (10, "warning", 1, "behind"), (-100, "error", 2, "ahead of")]
    {
        rest.set_clock_error(error);
        let (settings, api) = public(Settings::with_upstream(NOWHERE), &rest);
        let settings = settings.set("WEBHOOK_DOMAIN", "localhost:9");
        let report = doctor(settings, &["--only", "clock", &api]).await;
        report.says("clock", status, &[word]);
        assert_eq!(report.code, Some(code));
    }
}

#[tokio::test]
async fn mistakes_end_it_before_anything_is_asked_and_unwise_settings_are_notes() {
    let rest = TwilioRest::start(ACCOUNT_SID, AUTH_TOKEN).await;
    let (settings, api) = public(Settings::with_upstream(NOWHERE), &rest);
    let wrong = settings.set("MODE", "both").set("BRIDGE__HTTP__PORT", "70000");
    let report = doctor(wrong, &[&api]).await;
    assert_eq!(report.code, Some(64));
    assert_eq!(report.findings.len(), 2, "{}", report.text);
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding["id"] == "configuration" && finding["status"] == "error")
    );
    assert!(rest.heard().is_empty());

    for arguments in [&["--only", "weather"][..], &["--yes"], &["--twilio-api-url", "http://api.twilio.com"]]
    {
        assert_eq!(run(Settings::with_upstream(NOWHERE), arguments).await.code, Some(64), "{arguments:?}");
    }

    let unwise = Settings::with_upstream(NOWHERE)
        .public("bridge.example.com")
        .set("BRIDGE__TWILIO__CHECK_SIGNATURES", "false")
        .set("BRIDGE__LOG__TRANSCRIPTS", "true")
        .set("BRIDGE__DRAIN__DEADLINE_MS", "60000");
    let report = doctor(unwise, &["--only", "configuration"]).await;
    assert_eq!(report.code, Some(0), "{}", report.text);
    let notes: Vec<&str> = report.findings.iter().filter_map(|finding| finding["what"].as_str()).collect();
    for key in ["twilio.check_signatures", "log.transcripts", "drain.deadline_ms", "updates.token"] {
        assert!(notes.contains(&key), "{key} is not in {notes:?}");
    }
}

#[tokio::test]
async fn people_get_one_line_a_finding_and_no_colour_in_a_pipe() {
    let settings = Settings::with_upstream(NOWHERE);
    let finished = run(settings, &["--only", "configuration,descriptors,machine,store"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let (summary, lines) = lines.split_last().unwrap();
    assert!(summary.ends_with("0 warnings, 0 errors"), "{summary}");
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        let word = line.split_whitespace().next().unwrap();
        assert!(["ok", "note"].contains(&word), "{line}");
    }
    assert!(
        lines.iter().any(|line| line.starts_with("note     configuration     WEBHOOK_DOMAIN: ")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_real_engine_hears_the_doctor_and_forgets_him() {
    if !real_engine::model_is_there() {
        return;
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let store = TempDir::new().unwrap();
    // One that is started for the check, then one that runs and keeps what it hears.
    let embedded = || Settings::with_upstream("").set("HOME", &home);
    let only = ["--only", "upstream-token,upstream-stream,speech"];
    let report = doctor(embedded().without("SYMBL_APP_ID").without("SYMBL_APP_SECRET"), &only).await;
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert!(report.of("speech")["what"].as_str().unwrap().contains("started for this check"));
    report.says("speech", "ok", &["words came back", "Northwind"]);

    let engine = real_engine::Engine::start(store.path());
    let (_, port) = engine.address.rsplit_once(':').unwrap();
    let settings = embedded()
        .set("SYMBL_APP_ID", real_engine::APP_ID)
        .set("SYMBL_APP_SECRET", real_engine::APP_SECRET)
        .set("BRIDGE__HTTP__PORT", port);
    let report = doctor(settings, &only).await;
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert!(report.of("speech")["what"].as_str().unwrap().contains(&engine.address));
    assert_eq!(conversations(&engine.address).await, 0, "nobody's conversation is left");
}

/// How many conversations an engine keeps.
async fn conversations(address: &str) -> usize {
    use support::http::Request;
    let address = address.parse().unwrap();
    let credentials = json!({
        "type": "application", "appId": real_engine::APP_ID, "appSecret": real_engine::APP_SECRET,
    });
    let asked =
        Request::new("POST", "/oauth2/token:generate").body("application/json", credentials.to_string());
    let token: Value = serde_json::from_str(&asked.send(address).await.body).unwrap();
    let bearer = format!("Bearer {}", token["accessToken"].as_str().unwrap());
    let asked = Request::new("GET", "/v1/conversations").header("Authorization", &bearer);
    let answer: Value = serde_json::from_str(&asked.send(address).await.body).unwrap();
    answer["conversations"].as_array().unwrap_or_else(|| panic!("{answer}")).len()
}
