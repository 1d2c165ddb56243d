//! `symbl-bridge serve` as an operator meets it: configuration, what it prints, how it ends.

mod support;

use std::net::TcpListener;
use std::time::Duration;

use support::bridge::{APP_SECRET, AUTH_TOKEN, Settings, run};
use support::caller::{Call, Caller};
use support::dashboard::{Dashboard, started_and_stopped};
use support::socket::Closing;
use support::symbl_server::{Ended, OnStop, Script, SymblServer};
use support::{AGENT, CUSTOMER};

/// Exit code of a usage error (sysexits' EX_USAGE).
const USAGE: Option<i32> = Some(64);
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_machine_without_trusted_certificates_is_told_what_to_install() {
    let settings = Settings::with_upstream("https://symbl.example.com");
    let finished = settings.set("SSL_CERT_FILE", "/nowhere/certificates.pem").spawn().finished().await;
    assert_eq!(finished.code, Some(1));
    for word in ["ca-certificates", "SSL_CERT_FILE"] {
        assert!(finished.stderr.contains(word), "{word}: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_configuration_mistake_is_named_with_its_fault_and_remedy() {
    let mut wrong = Vec::new();
    for (key, value, named) in [
        ("MODE", "both", ["MODE", "both", "receive_call"]),
        ("WEBHOOK_DOMAIN", "bridge.example.com/path", ["WEBHOOK_DOMAIN", "path", "host name"]),
        ("WEBHOOK_DOMAIN", "http://bridge.example.com", ["WEBHOOK_DOMAIN", "http://", "host name"]),
        ("WEBHOOK_DOMAIN", "my_bridge.example.com", ["WEBHOOK_DOMAIN", "my_bridge", "host name"]),
        ("SYMBL_API_BASE_URL", "symbl", ["SYMBL_API_BASE_URL", "symbl", "http"]),
        ("SYMBL_API_BASE_URL", "ftp://symbl.example.com", ["SYMBL_API_BASE_URL", "ftp", "http"]),
        ("SYMBL_APP_ID", "", ["SYMBL_APP_ID", "missing", "set"]),
        ("SYMBL_APP_SECRET", "", ["SYMBL_APP_SECRET", "missing", "set"]),
        ("AGENT_PHONE", "the agent", ["AGENT_PHONE", "the agent", "+"]),
        ("CUSTOMER_PHONE", "+15550100002,nobody", ["CUSTOMER_PHONE", "nobody", "+"]),
        ("TWILIO_NUMBER", "call me", ["TWILIO_NUMBER", "call me", "+"]),
        ("TWILIO_ACCOUNT_SID", "AC1", ["TWILIO_ACCOUNT_SID", "AC", "32"]),
        ("BRIDGE__HTTP__PORT", "70000", ["http.port", "70000", "65535"]),
        ("BRIDGE__HTTP__PORT", "many", ["http.port", "many", "number"]),
        ("BRIDGE__CONFERENCE__POLICY", "everyone", ["conference.policy", "everyone", "pair"]),
        ("BRIDGE__MEDIA__START_TIMEOUT_MS", "-1", ["media.start_timeout_ms", "-1", "number"]),
        ("BRIDGE__MEDIA__START_TIMEOUT_MS", "soon", ["media.start_timeout_ms", "soon", "number"]),
        ("BRIDGE__SYMBL__STOP_TIMEOUT_MS", "1e99", ["symbl.stop_timeout_ms", "1e99", "number"]),
        ("BRIDGE__UPDATES__QUEUE", "0", ["updates.queue", "0", "1"]),
        ("BRIDGE__LOG__TRANSCRIPTS", "perhaps", ["log.transcripts", "perhaps", "true"]),
        ("BRIDGE__HTTP__PROT", "3000", ["http.prot", "not a setting", "http.port"]),
        ("LOG_FORMAT", "xml", ["LOG_FORMAT", "xml", "json"]),
    ] {
        let finished = Settings::with_upstream(NOWHERE).set(key, value).spawn().finished().await;
        let said = &finished.stderr;
        if finished.code != USAGE {
            wrong.push(format!("{key}={value}: exit code {:?}: {said}", finished.code));
        }
        for text in named.iter().chain(&["remedy"]) {
            if !said.contains(text) {
                wrong.push(format!("{key}={value}: {text:?} is not in: {said}"));
            }
        }
        if said.contains("server_listening") {
            wrong.push(format!("{key}={value}: listened before it had checked"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn all_mistakes_are_named_in_one_run_and_no_secret_with_them() {
    let settings = Settings::with_upstream(NOWHERE)
        .set("MODE", "both")
        .set("BRIDGE__HTTP__PORT", "70000")
        .set("AGENT_PHONE", "nobody")
        .set("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
    let finished = settings.spawn().finished().await;
    assert_eq!(finished.code, USAGE);
    for key in ["MODE", "http.port", "AGENT_PHONE"] {
        assert!(finished.stderr.contains(key), "{key} is not in: {}", finished.stderr);
    }
    for secret in [AUTH_TOKEN, APP_SECRET] {
        assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn settings_come_from_dot_env_and_the_environment_wins() {
    let dot_env =
        "MODE=receive_call\n# a comment\nBRIDGE__CONFERENCE__POLICY=\"pair\"\nBRIDGE__HTTP__PORT=1\n";
    let settings = Settings::with_upstream(NOWHERE).dot_env(dot_env);
    let bridge = settings.start().await;
    let twiml = Caller::new(AGENT).twiml(&bridge, "").await;
    assert_eq!(twiml.verb, "Connect", "MODE of .env; and the port is not that of .env");
    bridge.finish().await;
    let broken = format!("MODE=conference\nTWILIO_AUTH_TOKEN={AUTH_TOKEN} and 'more\n");
    let finished = Settings::with_upstream(NOWHERE).dot_env(&broken).spawn().finished().await;
    assert_eq!(finished.code, USAGE, "{}", finished.stderr);
    assert!(finished.stderr.contains(".env"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(AUTH_TOKEN), "{}", finished.stderr);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound address");
    let port = address.port().to_string();
    let finished = Settings::with_upstream(NOWHERE).set("BRIDGE__HTTP__PORT", &port).spawn().finished().await;
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    assert!(finished.stderr.contains(&address.to_string()), "{}", finished.stderr);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
}

#[tokio::test]
async fn it_prints_where_it_listens_what_twilio_needs_and_the_upstream() {
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let address = bridge.address;
    bridge.process().signal("TERM");
    let finished = bridge.finish_signalled().await;
    let printed = format!("{}\n{}", finished.stdout, finished.stderr);
    for text in
        [&format!("http://{address}/twilio/twiml"), &format!("http://{address}/twilio/statuschange"), NOWHERE]
    {
        assert!(printed.contains(text), "{text} is not in: {printed}");
    }

    let bridge = Settings::with_upstream(NOWHERE).public("bridge.example.com").start().await;
    bridge.process().signal("TERM");
    let finished = bridge.finish_signalled().await;
    let printed = format!("{}\n{}", finished.stdout, finished.stderr);
    for text in
        ["https://bridge.example.com/twilio/twiml", "https://bridge.example.com/twilio/statuschange", NOWHERE]
    {
        assert!(printed.contains(text), "{text} is not in: {printed}");
    }
    for secret in [AUTH_TOKEN, APP_SECRET] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_signal_ends_live_calls_properly() {
    for signal in ["TERM", "INT"] {
        let server = SymblServer::start().await;
        let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__DRAIN__DEADLINE_MS", "300");
        let bridge = settings.start().await;
        let dashboard = Dashboard::join(&bridge).await;
        let mut calls = Vec::new();
        for from in [AGENT, CUSTOMER] {
            let mut call = Caller::new(from).call(&bridge, "").await;
            call.speak(10).await;
            let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
            leg.hears_exactly(&call.sent, from).await;
            dashboard.wait_for("connection_started", &call.caller.call_sid).await;
            calls.push((call, leg));
        }
        bridge.process().signal(signal);
        for (call, leg) in &mut calls {
            assert_eq!(call.closed().await, Closing::Code(1001), "SIG{signal}: the media socket");
            let ended = leg.end().await;
            assert!(matches!(ended, Ended::CloseFrame(Some(1000 | 1001))), "SIG{signal}: upstream {ended:?}");
            assert_eq!(leg.texts_of("stop_request").len(), 1, "SIG{signal}");
        }
        let (updates, closing) = dashboard.closed().await;
        assert_eq!(closing, Closing::Code(1001), "SIG{signal}: the dashboard");
        for (call, _) in &calls {
            let (_, stopped) = started_and_stopped(&updates, &call.caller.call_sid);
            assert_eq!(stopped.text("reason"), "shutdown", "SIG{signal}");
        }
        bridge.finish_signalled().await;
    }
}

/// A socket that nobody has authenticated, and one of a dashboard that has stopped reading, hold nothing up.
#[tokio::test]
async fn sockets_that_never_answer_do_not_hold_up_the_end() {
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let silent = support::raw_socket::RawSocket::open(bridge.address, "/twilio/media").await;
    let deaf = support::raw_socket::RawSocket::open(bridge.address, "/symbl/updates").await;
    let half_a_request = std::net::TcpStream::connect(bridge.address).expect("connects");
    bridge.finish().await;
    for socket in [silent, deaf] {
        let (_, closing) = socket.read_to_end().await;
        assert_eq!(closing, Closing::Code(1001));
    }
    drop(half_a_request);
}

/// What was said last is worth the wait, and the wait has an end.
#[tokio::test]
async fn a_signal_waits_for_last_results_but_not_for_ever() {
    for (on_stop, limit_ms) in [(OnStop::CompletedThenStopped, "10000"), (OnStop::Silence, "700")] {
        let script = Script { on_stop, on_stop_after: Duration::from_millis(1000), ..Script::default() };
        let server = SymblServer::start_with(script).await;
        let settings = Settings::with_upstream(&server.base_url())
            .set("BRIDGE__DRAIN__DEADLINE_MS", "0")
            .set("BRIDGE__SYMBL__STOP_TIMEOUT_MS", limit_ms);
        let bridge = settings.start().await;
        let dashboard = Dashboard::join(&bridge).await;
        let mut call = Caller::new(AGENT).call(&bridge, "").await;
        call.speak(5).await;
        let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
        leg.hears_exactly(&call.sent, "the last call").await;
        bridge.process().signal("TERM");
        assert_eq!(call.closed().await, Closing::Code(1001), "{on_stop:?}");
        let (updates, _) = dashboard.closed().await;
        started_and_stopped(&updates, &call.caller.call_sid);
        if on_stop == OnStop::CompletedThenStopped {
            let answered_at = leg.stop_answered_at().expect("an answer to stop_request");
            assert_eq!(leg.end().await, Ended::CloseFrame(Some(1000)));
            assert!(leg.ended().expect("just seen").1 > answered_at, "closed before the last results");
        }
        bridge.finish_signalled().await;
    }
}

/// Calls that are under way may end by themselves; no new ones begin.
#[tokio::test]
async fn a_call_that_ends_during_the_drain_ends_as_any_other() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__DRAIN__DEADLINE_MS", "15000");
    let bridge = settings.start().await;
    let dashboard = Dashboard::join(&bridge).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    // Told to stream before the signal, and comes after it.
    let late = Caller::new(CUSTOMER);
    let late_twiml = late.twiml(&bridge, "").await;
    bridge.process().signal("TERM");
    bridge.wait_for_event("server_draining", |line| line["legs"] == 1).await;
    let mut late = Call::connect(&bridge, late, late_twiml).await;
    late.start().await;
    assert_eq!(late.closed().await, Closing::Code(1001), "a call that begins during the drain");
    call.speak(5).await;
    leg.hears_exactly(&call.sent, "the last call").await;
    // Its end is the bridge's, which may be gone before the status callback could come.
    call.stop().await;
    call.socket.send_close(Some(1000)).await;
    assert_eq!(call.closed().await, Closing::Code(1000));
    leg.hears_exactly(&call.sent, "the last call").await;
    let (updates, closing) = dashboard.closed().await;
    assert_eq!((updates.len(), closing), (2, Closing::Code(1001)));
    let (_, stopped) = started_and_stopped(&updates, &call.caller.call_sid);
    assert_eq!(stopped.text("reason"), "hangup");
    bridge.finish_signalled().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let server = SymblServer::start().await;
    let settings = Settings::with_upstream(&server.base_url()).set("BRIDGE__DRAIN__DEADLINE_MS", "3600000");
    let bridge = settings.start().await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(1).await;
    server.leg_that_hears(&call.caller.first_bytes()).await;
    bridge.process().signal("TERM");
    bridge.wait_for_event("server_draining", |line| line["legs"] == 1).await;
    bridge.process().signal("INT");
    bridge.finish_signalled().await;
}

#[tokio::test]
async fn every_subcommand_explains_itself() {
    let help = run(&["--help"], &[]).await;
    assert_eq!(help.code, Some(0), "{help:?}");
    let commands = help.stdout.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for expected in ["serve", "call"] {
        assert!(commands.contains(&expected), "{expected} is not in {commands:?}");
    }
    for command in commands {
        let help = run(&[command, "--help"], &[]).await;
        assert_eq!(help.code, Some(0), "{command}: {help:?}");
        assert!(help.stdout.contains("Usage:") && help.stdout.len() > 200, "{command}: {}", help.stdout);
    }
    let version = run(&["--version"], &[]).await;
    assert_eq!(
        (version.code, version.stdout.trim()),
        (Some(0), concat!("symbl-bridge ", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test]
async fn a_wrong_command_line_is_a_usage_error() {
    for (arguments, code) in [
        (&["no-such-command"][..], USAGE),
        (&["serve", "--no-such-flag"], USAGE),
        (&["serve", "--config", "/no/such.toml"], USAGE),
    ] {
        let finished = run(arguments, &[]).await;
        assert_eq!(finished.code, code, "{arguments:?}: {}", finished.stderr);
        let wrong = arguments.last().expect("an argument");
        assert!(finished.stderr.contains(wrong), "{wrong} is not in: {}", finished.stderr);
    }
}
