//! `/metrics`: figures that move when something happens, names that the pages and rules know, text that Prometheus reads.
#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod real_engine;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use real_engine::cannot_run;
use support::AGENT;
use support::bridge::{Bridge, Settings};
use support::caller::{Caller, FRAME_BYTES};
use support::dashboard::Dashboard;
use support::http::{Answer, FORM, Request, form, get};
use support::symbl_server::SymblServer;
use support::wait::wait_until_asked;

/// The access token of a bridge that has one.
const TOKEN: &str = "a-token-that-nobody-guesses";

/// A server that is never reached.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What one answer of `/metrics` says: each sample's value, by its name and labels as they are written.
struct Figures {
    text: String,
    samples: BTreeMap<String, f64>,
}

impl Figures {
    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            (sample.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        });
        Self { text: text.to_owned(), samples: samples.collect() }
    }

    async fn of(bridge: &Bridge) -> Self {
        let answer = scrape(bridge, Some(TOKEN), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self::read(&answer.body)
    }

    /// Returns the value of a sample, its name without the prefix and its labels in any order.
    fn get(&self, sample: &str) -> f64 {
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        let labels: Vec<&str> = labels.collect();
        let is_meant = |written: &str| {
            let (found, rest) = written.split_once('{').unwrap_or((written, ""));
            found.strip_prefix("symbl_bridge_") == Some(name)
                && rest.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).count()
                    == labels.len()
                && labels.iter().all(|label| rest.contains(label))
        };
        let mut found = self.samples.iter().filter(|(written, _)| is_meant(written));
        let (_, value) = found.next().unwrap_or_else(|| panic!("{sample} is not shown:\n{}", self.text));
        *value
    }

    /// Checks many samples at once, so that a failure shows all that differ.
    fn assert(&self, expected: &[(&str, f64)]) {
        let wrong: Vec<String> = expected
            .iter()
            .map(|(sample, value)| (sample, value, self.get(sample)))
            .filter(|(_, value, found)| (*value - found).abs() > 1e-9)
            .map(|(sample, value, found)| format!("{sample} is {found} and not {value}"))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

async fn scrape(bridge: &Bridge, token: Option<&str>, accept: Option<&str>) -> Answer {
    let mut request = Request::new("GET", "/metrics");
    if let Some(token) = token {
        request = request.header("Authorization", &format!("Bearer {token}"));
    }
    if let Some(accept) = accept {
        request = request.header("Accept", accept);
    }
    request.send(bridge.address).await
}

/// Waits until a sample has a value.
async fn becomes(bridge: &Bridge, sample: &str, value: f64) {
    let what = format!("{sample} to be {value}");
    wait_until_asked(&what, async || (Figures::of(bridge).await.get(sample) - value).abs() < 1e-9).await;
}

async fn public_bridge(server: &SymblServer) -> Bridge {
    let settings = Settings::with_upstream(&server.base_url()).public("bridge.example.com");
    settings.set("BRIDGE__UPDATES__TOKEN", TOKEN).start().await
}

#[tokio::test]
async fn a_call_moves_the_figures_and_leaves_nothing_behind() {
    let server = SymblServer::start().await;
    let bridge = public_bridge(&server).await;
    let caller = Caller::new(AGENT);
    let call_sid = caller.call_sid.clone();
    let unsigned = Request::new("POST", "/twilio/twiml").body(FORM, form(&caller.form("ringing")));
    assert_eq!(unsigned.send(bridge.address).await.status, 403);

    let mut call = caller.call(&bridge, "").await;
    call.speak(120).await;
    call.lose(7);
    call.speak(3).await;
    let leg = server.leg_that_hears(&call.sent[..FRAME_BYTES]).await;
    leg.hears_exactly(&call.sent, "the caller").await;
    becomes(&bridge, "legs{state=\"live\"}", 1.0).await;
    becomes(&bridge, "conferences", 1.0).await;
    call.hang_up(&bridge).await;
    becomes(&bridge, "legs_ended_total{reason=\"hangup\"}", 1.0).await;
    becomes(&bridge, "conferences", 0.0).await;

    let figures = Figures::of(&bridge).await;
    let (frames, bytes) = (123.0, 123.0 * FRAME_BYTES as f64);
    figures.assert(&[
        ("legs_started_total", 1.0),
        ("legs{state=\"connecting\"}", 0.0),
        ("legs{state=\"live\"}", 0.0),
        ("legs{state=\"closing\"}", 0.0),
        ("legs_ended_total{reason=\"upstream_failed\"}", 0.0),
        ("calls_announced_total", 1.0),
        ("media_frames_total", frames),
        ("media_bytes_total", bytes),
        ("media_gaps_total{kind=\"missing_messages\"}", 1.0),
        ("media_gaps_total{kind=\"duplicate\"}", 0.0),
        ("media_missing_messages_total", 7.0),
        ("audio_dropped_seconds_total{reason=\"buffer_full\"}", 0.0),
        ("upstream_bytes_total", bytes),
        ("upstream_attempts_total{result=\"opened\"}", 1.0),
        ("upstream_connect_delay_seconds_count", 1.0),
        ("upstream_most_behind_seconds_count", 1.0),
        ("upstream_undelivered_seconds_total", 0.0),
        ("upstream_failures_total", 0.0),
        ("token_requests_total{result=\"granted\"}", 1.0),
        ("webhooks_total{kind=\"twiml\",status=\"200\"}", 1.0),
        ("webhooks_total{kind=\"twiml\",status=\"403\"}", 1.0),
        ("webhooks_total{kind=\"call_status\",status=\"204\"}", 1.0),
        ("webhook_duration_seconds_count", 3.0),
        ("refusals_total{door=\"webhook\",reason=\"signature\"}", 1.0),
        ("refusals_total{door=\"media\",reason=\"signature\"}", 0.0),
        ("updates_published_total", 2.0),
    ]);
    // The last audio is always asked about; how often before depends on how long the call took.
    assert!(figures.get("upstream_lag_seconds_count") >= 1.0);
    assert!(figures.get("upstream_buffer_high_water_seconds") > 0.0);
    assert!(figures.get("process_resident_memory_bytes") > 1e6 && figures.get("process_open_fds") > 3.0);
    for secret in [&call_sid, AGENT, TOKEN, &call.caller.stream_sid] {
        assert!(!figures.text.contains(secret), "{secret} is in the figures");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn an_interruption_is_counted_by_its_reason_and_as_mended() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let dashboard = Dashboard::join(&bridge).await;
    becomes(&bridge, "dashboards", 1.0).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(10).await;
    let leg = server.leg_that_hears(&call.sent[..FRAME_BYTES]).await;
    dashboard.wait_for("connection_started", &call.caller.call_sid).await;
    leg.reset();
    dashboard.wait_for("connection_resumed", &call.caller.call_sid).await;
    call.hang_up(&bridge).await;
    dashboard.wait_for("connection_stopped", &call.caller.call_sid).await;
    let figures = Figures::of(&bridge).await;
    figures.assert(&[
        ("upstream_interruptions_total{reason=\"connection_lost\"}", 1.0),
        ("upstream_interruptions_total{reason=\"closed_by_server\"}", 0.0),
        ("upstream_interrupted_seconds_count", 1.0),
        ("upstream_retries_total", 1.0),
        ("upstream_closes_total{how=\"lost\"}", 1.0),
        ("upstream_attempts_total{result=\"opened\"}", 2.0),
        ("updates_published_total", 4.0),
    ]);
    dashboard.vanish().await;
    becomes(&bridge, "dashboards", 0.0).await;
    becomes(&bridge, "dashboards_left_total{reason=\"closed\"}", 1.0).await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_server_out_of_reach_shows_in_the_figures_and_as_a_note_of_readiness() {
    let settings = Settings::with_upstream(NOWHERE).set("BRIDGE__SYMBL__GIVE_UP_AFTER_MS", "1000");
    let bridge = settings.start().await;
    let before: serde_json::Value = serde_json::from_str(&get(bridge.address, "/readyz").await.body).unwrap();
    assert_eq!(before, serde_json::json!({ "ready": true, "reasons": [], "notes": [] }));
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    becomes(&bridge, "legs_ended_total{reason=\"upstream_failed\"}", 1.0).await;
    let figures = Figures::of(&bridge).await;
    figures.assert(&[("upstream_failures_total", 1.0), ("upstream_undelivered_seconds_total", 0.1)]);
    assert!(figures.get("token_requests_total{result=\"unreachable\"}") >= 1.0);
    assert!(figures.get("upstream_attempts_total{result=\"no_token\"}") >= 1.0);
    let answer = get(bridge.address, "/readyz").await;
    assert_eq!(answer.status, 200, "another process would be no better: {}", answer.body);
    assert!(answer.body.contains("the latest request for an access token failed"), "{}", answer.body);
    bridge.finish().await;
}

#[tokio::test]
async fn figures_are_for_those_who_may_watch() {
    let bridge = public_bridge(&SymblServer::start().await).await;
    for token in [None, Some("wrong")] {
        let refused = scrape(&bridge, token, None).await;
        assert_eq!(refused.status, 401);
        assert!(refused.body.contains("Authorization: Bearer"), "{}", refused.body);
    }
    let figures = Figures::of(&bridge).await;
    figures.assert(&[("refusals_total{door=\"metrics\",reason=\"token\"}", 2.0)]);
    bridge.finish().await;

    let open = Bridge::start(NOWHERE).await;
    assert_eq!(scrape(&open, None, None).await.status, 200);
    open.finish().await;
}

#[tokio::test]
async fn the_engine_beside_the_bridge_is_counted_too() {
    let settings = Settings::with_upstream("").set("BRIDGE__MODEL__NAME", "no-model");
    let bridge = settings.start().await;
    let ask = Request::new("POST", "/oauth2/token:generate");
    let wrong = r#"{"type":"application","appId":"nobody","appSecret":"nothing"}"#;
    assert_eq!(ask.body("application/json", wrong).send(bridge.address).await.status, 401);
    let figures = Figures::of(&bridge).await;
    figures.assert(&[
        ("engine_refusals_total{reason=\"credentials\"}", 1.0),
        ("engine_refusals_total{reason=\"token\"}", 0.0),
        ("engine_legs", 0.0),
        ("recogniser_workers", 0.0),
        ("store_records_total{result=\"lost\"}", 0.0),
    ]);
    bridge.finish().await;
}

/// What is said of a metric: its type and its labels.
type Catalogue = BTreeMap<String, (String, BTreeSet<String>)>;

/// Returns what the text shows. A histogram's `le` belongs to its type.
fn exposed(text: &str) -> Catalogue {
    let mut found = Catalogue::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        }
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap_or((line, ""));
        let name = name.split(' ').next().unwrap();
        let family = ["", "_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let family = name.strip_suffix(suffix)?;
            found.contains_key(family).then(|| family.to_owned())
        });
        let family = family.unwrap_or_else(|| panic!("a sample without a head: {line}"));
        let names = labels.split('"').step_by(2).filter_map(|part| part.strip_suffix('='));
        let names = names.map(|name| name.trim_start_matches(',').to_owned()).filter(|name| name != "le");
        found.get_mut(&family).unwrap().1.extend(names);
    }
    found
}

/// Returns what the tables of the page say.
fn documented(page: &str) -> Catalogue {
    let rows = page.lines().filter(|line| line.starts_with("| `symbl_bridge_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!cells[4].is_empty(), "no meaning: {row}");
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels))
    })
    .collect()
}

/// Returns the metrics that a dashboard or a rule file names.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !word(c)).filter(|word| word.starts_with("symbl_bridge_"));
    words.map(str::to_owned).collect()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn every_name_is_documented_and_every_name_that_is_used_is_shown() {
    let bridge = Bridge::start(NOWHERE).await;
    let text = scrape(&bridge, None, None).await.body;
    bridge.finish().await;
    let exposed = exposed(&text);
    let documented = documented(&file("docs/metrics.md"));
    for (name, about) in &exposed {
        assert_eq!(documented.get(name), Some(about), "docs/metrics.md about {name}");
    }
    let gone: Vec<_> = documented.keys().filter(|name| !exposed.contains_key(*name)).collect();
    assert!(gone.is_empty(), "documented, and not shown: {gone:?}");

    let is_shown = |name: &str| {
        let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| name.strip_suffix(part));
        let histogram = |name: &str| exposed.get(name).is_some_and(|(kind, _)| kind == "histogram");
        exposed.get(name).is_some_and(|(kind, _)| kind != "histogram") || parts.into_iter().any(histogram)
    };
    for path in ["docs/operations/grafana-dashboard.json", "docs/operations/alerts.yml"] {
        let names = named(&file(path));
        assert!(names.len() >= 20, "{path} is read wrongly: {names:?}");
        let unknown: Vec<_> = names.iter().filter(|name| !is_shown(name)).collect();
        assert!(unknown.is_empty(), "{path} uses what is not shown: {unknown:?}");
    }
}

#[test]
fn the_dashboard_has_a_panel_for_every_metric_and_asks_for_its_data_source() {
    let text = file("docs/operations/grafana-dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let used = named(&text);
    for name in documented(&file("docs/metrics.md")).keys() {
        let is_used = used.iter().any(|used| used == name || used.starts_with(&format!("{name}_")));
        assert!(is_used, "no panel shows {name}");
    }
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{panel}");
        }
    }
}

#[test]
fn every_alert_says_what_callers_notice_and_what_to_do() {
    let rules = file("docs/operations/alerts.yml");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 20, "alerts.yml is read wrongly");
    let tests = file("docs/operations/alerts-test.yml");
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in ["expr:", "severity:", "summary:", "description:", "remedy:"] {
            assert_eq!(alert.matches(part).count(), 1, "{part} of {name}");
        }
        let is_tried = tests.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
        assert!(is_tried, "alerts-test.yml does not try {name}");
    }
}

#[tokio::test]
async fn prometheus_reads_both_forms() {
    let bridge = Bridge::start(NOWHERE).await;
    let plain = scrape(&bridge, None, Some("text/plain")).await;
    let asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let open = scrape(&bridge, None, Some(asked)).await;
    bridge.finish().await;
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let open_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), Some(open_type));
    assert!(open.body.ends_with("\n# EOF\n"), "OpenMetrics ends with a word");
    assert!(open.body.contains("# TYPE symbl_bridge_legs_started counter\n"));
    assert!(plain.body.contains("# TYPE symbl_bridge_legs_started_total counter\n"));
    let samples = |text: &str| Figures::read(text).samples.into_keys().collect::<BTreeSet<_>>();
    assert_eq!(samples(&plain.body), samples(&open.body));
    promtool(&["check", "metrics"], Some(&plain.body));
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_when_they_should() {
    promtool(&["check", "rules", "docs/operations/alerts.yml"], None);
    promtool(&["test", "rules", "docs/operations/alerts-test.yml"], None);
}

/// Runs promtool, which must have nothing to say against it.
fn promtool(arguments: &[&str], input: Option<&str>) {
    let Some(program) = find_promtool() else {
        return cannot_run("needs promtool: install Debian's package `prometheus`");
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "promtool {}:\n{said}", arguments.join(" "));
}

fn find_promtool() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("promtool")).find(|file| file.is_file())
}
