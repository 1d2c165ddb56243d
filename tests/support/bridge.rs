//! The bridge as a process: settings in, wire and log lines out, and never left running.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Answer, Request};
use super::wait::{PATIENCE, wait_for, wait_patiently, wait_until};
use super::{AGENT, CUSTOMER, TWILIO_NUMBER};

/// The credentials that tests give the bridge, and that no log may show.
pub const APP_ID: &str = "5361f0f1d4b24a6d8e1fapp0id";
pub const APP_SECRET: &str = "c1f0ff1cebadc0dedeadbeefsecret";
/// Auth token of the signature vectors (reference 5.8).
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A bridge in the making: an environment of its own, nothing inherited.
pub struct Settings {
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
    dot_env: Option<String>,
}

impl Settings {
    /// What every test starts from: a free port, JSON logs, the given Symbl-protocol server.
    pub fn with_upstream(base_url: &str) -> Self {
        let settings = Self { environment: BTreeMap::new(), arguments: vec!["serve".into()], dot_env: None };
        settings
            .set("SYMBL_APP_ID", APP_ID)
            .set("SYMBL_APP_SECRET", APP_SECRET)
            .set("SYMBL_API_BASE_URL", base_url)
            .set("AGENT_PHONE", AGENT)
            .set("CUSTOMER_PHONE", CUSTOMER)
            .set("TWILIO_NUMBER", TWILIO_NUMBER)
            .set("BRIDGE__HTTP__PORT", "0")
            .set("BRIDGE__STORE__DIR", "memory")
            .set("BRIDGE__MODEL__MEANING", "false")
            .set("BRIDGE__DRAIN__DEADLINE_MS", "2000")
            .set("LOG_FORMAT", "json")
            .set("RUST_LOG", "info")
    }

    /// Runs another subcommand with these settings.
    pub fn command(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self
    }

    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.environment.insert(key.into(), value.into());
        self
    }

    /// One more argument of the command.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.environment.remove(key);
        self
    }

    /// What the process would be started with, for a test that starts it in a way of its own.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Puts a `.env` into the directory that the bridge starts in.
    pub fn dot_env(mut self, text: &str) -> Self {
        self.dot_env = Some(text.into());
        self
    }

    /// Public mode: the address that Twilio knows, and the token that signs its requests.
    pub fn public(self, domain: &str) -> Self {
        self.set("WEBHOOK_DOMAIN", domain).set("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
    }

    /// Starts the process without waiting for anything.
    pub fn spawn(self) -> Process {
        let directory = TempDir::new().expect("a directory of its own, without anybody's .env");
        if let Some(text) = &self.dot_env {
            std::fs::write(directory.path().join(".env"), text).expect("a file of our own");
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"))
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the bridge starts");
        let stdout = Lines::of(child.stdout.take().expect("piped"));
        let stderr = Lines::of(child.stderr.take().expect("piped"));
        Process { child, stdout, stderr, _directory: directory }
    }

    /// Starts the process and waits until it listens.
    pub async fn start(self) -> Bridge {
        let domain = self
            .environment
            .get("WEBHOOK_DOMAIN")
            .map(|text| text.trim_start_matches("https://").trim_end_matches('/').to_string());
        let auth_token = self.environment.get("TWILIO_AUTH_TOKEN").cloned();
        let mut process = self.spawn();
        let address = wait_for("the bridge to listen", || {
            if let Some(status) = process.exited() {
                panic!("the bridge ended with {status} instead of listening");
            }
            let listening = process.log().into_iter().find(|line| line["event"] == "server_listening")?;
            let address = listening["address"].as_str().expect("an address").to_string();
            Some(address.parse().unwrap_or_else(|_| panic!("address {address}")))
        })
        .await;
        Bridge { process, address, domain, auth_token }
    }
}

/// Runs the program with arguments and no settings at all, to its end.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let mut settings = Settings { environment: BTreeMap::new(), arguments, dot_env: None };
    for (key, value) in environment {
        settings = settings.set(key, value);
    }
    settings.spawn().finished().await
}

/// What a process left behind.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A running process, killed when dropped.
pub struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    _directory: TempDir,
}

impl Process {
    /// The exit status, if it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    /// Waits for the end and gives everything that was printed.
    pub async fn finished(self) -> Finished {
        self.finished_within(PATIENCE).await
    }

    /// The same for what takes its time.
    pub async fn finished_within(mut self, patience: Duration) -> Finished {
        let status = wait_patiently(patience, "the process to end", || self.exited()).await;
        self.stdout.join();
        self.stderr.join();
        Finished { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, for instance `TERM`, to this process alone.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("a shell");
        assert!(status.success(), "{command}");
    }

    /// Everything printed so far on standard output.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Everything printed so far on standard error, where the log goes.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// The log lines so far that are JSON objects.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.stderr.lines();
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() || std::env::var_os("SHOW_LOG").is_some() {
            eprintln!("--- what the bridge logged ---\n{}\n---", self.stderr.text());
        }
    }
}

/// A bridge that listens.
pub struct Bridge {
    process: Process,
    pub address: SocketAddr,
    domain: Option<String>,
    auth_token: Option<String>,
}

impl Bridge {
    pub async fn start(base_url: &str) -> Self {
        Settings::with_upstream(base_url).start().await
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where Twilio reaches `path`, as far as signatures are concerned.
    pub fn public_url(&self, path: &str) -> String {
        match &self.domain {
            Some(domain) => format!("https://{domain}{path}"),
            None => format!("http://{}{path}", self.address),
        }
    }

    /// Signature of the media socket's handshake.
    pub fn handshake_signature(&self, path: &str) -> Option<String> {
        let url = self.public_url(path).replacen("http", "ws", 1);
        self.auth_token.as_ref().map(|token| http::signature(token, &url, &[]))
    }

    /// Posts a form as Twilio does, signed when the bridge has an auth token.
    pub async fn post(&self, target: &str, pairs: &[(String, String)]) -> Answer {
        let mut request = Request::new("POST", target).body(http::FORM, http::form(pairs));
        if let Some(token) = &self.auth_token {
            let signature = http::signature(token, &self.public_url(target), pairs);
            request = request.header("X-Twilio-Signature", &signature);
        }
        request.send(self.address).await
    }

    /// The log lines of one event so far.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.process.log().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// Waits for a log line of this event that `wanted` accepts.
    pub async fn wait_for_event(&self, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let what = format!("a log line {event}");
        wait_for(&what, || self.events(event).into_iter().find(&wanted)).await
    }

    /// Ends the bridge as an operator does and checks what must hold after every test: it obeys, ends well, has
    /// not panicked and has logged nothing but JSON lines of the promised form.
    pub async fn finish(self) {
        self.process.signal("TERM");
        self.finish_signalled().await;
    }

    /// The second half of [`Bridge::finish`], for a bridge that has its signal already.
    pub async fn finish_signalled(self) -> Finished {
        let finished = self.process.finished().await;
        assert_eq!(finished.code, Some(0), "exit code; log:\n{}", finished.stderr);
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
        for line in finished.stderr.lines() {
            let parsed: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON line: {line}"));
            for key in ["ts", "level", "event"] {
                assert!(parsed[key].is_string(), "{key} is missing in {line}");
            }
        }
        finished
    }

    /// Waits until the process is gone.
    pub async fn gone(&mut self) {
        wait_until("the bridge to end", || self.process.exited().is_some()).await;
    }
}

/// Lines of a pipe, read by a thread so that the process never blocks on it.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                kept.lock().expect("no reader panicked").push(line);
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no reader panicked").clone()
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits until the pipe's far end is closed.
    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
    }
}
