//! A bridge of our own to be measured: `serve` of this same program, as a child, with nothing of our environment.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cores;

/// Time for the bridge to listen; a debug build on a busy machine takes a second.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Time for it to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(20);

/// Its last log lines, shown when it fails.
const LINES_KEPT: usize = 20;

/// The host that it believes to be known by, so that webhooks are signed for a public address as in earnest.
pub(super) const DOMAIN: &str = "load.example.com";

/// The token that signs; a bridge of our own is nobody else's.
pub(super) const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What a bridge is started with.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) sink: SocketAddr,
    pub(super) legs: usize,
    /// Starts the bare relay in the bridge's place.
    pub(super) is_relay: bool,
    pub(super) workers: usize,
    /// The cores it may run on; all if none are given.
    pub(super) cores: Vec<usize>,
    /// Settings besides, or instead of ours.
    pub(super) settings: Vec<(String, String)>,
}

/// The running child; killed when dropped.
pub(super) struct OwnBridge {
    child: Child,
    pub(super) url: String,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Start {
    /// Returns the settings of the child's environment.
    ///
    /// Limits that protect a bridge in earnest stand as far above the load as the load needs; none is switched off but the one
    /// that refuses legs when threads come late, which is what a load run is to find.
    fn environment(&self) -> Vec<(String, String)> {
        let legs = self.legs;
        let own = [
            ("SYMBL_API_BASE_URL", format!("http://{}", self.sink)),
            ("SYMBL_APP_ID", "load".to_owned()),
            ("SYMBL_APP_SECRET", "load".to_owned()),
            ("WEBHOOK_DOMAIN", DOMAIN.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
            ("RUST_LOG", "info".to_owned()),
            ("BRIDGE__HTTP__PORT", "0".to_owned()),
            ("BRIDGE__HTTP__WORKERS", self.workers.to_string()),
            ("BRIDGE__HTTP__MAX_CONNECTIONS", (10_000.max(4 * legs)).to_string()),
            ("BRIDGE__LIMITS__MAX_LEGS", (1_000.max(legs + 100)).to_string()),
            ("BRIDGE__LIMITS__MAX_CALLS", (10_000.max(2 * legs)).to_string()),
            ("BRIDGE__LIMITS__MAX_DELAY_MS", "0".to_owned()),
            ("BRIDGE__MEDIA__MAX_UNPROVEN", (2_000.max(legs + 100)).to_string()),
            ("BRIDGE__STORE__DIR", "memory".to_owned()),
            ("BRIDGE__MODEL__MEANING", "false".to_owned()),
            ("BRIDGE__DRAIN__DEADLINE_MS", "2000".to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.settings.iter().cloned()).collect()
    }

    /// Starts the bridge and waits until it listens.
    pub(super) fn start(&self) -> Result<OwnBridge, String> {
        let program =
            std::env::current_exe().map_err(|fault| format!("cannot find this program: {fault}"))?;
        let mut command = Command::new(program);
        if self.is_relay {
            command.args(["load-relay", &self.sink.to_string()]);
        } else {
            command.arg("serve");
        }
        command
            .env_clear()
            .envs(self.environment())
            // No `.env` of anybody's.
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let spawned = cores::spawn_on(command, &self.cores);
        let mut child = spawned.map_err(|fault| format!("cannot start the bridge: {fault}"))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let listening = child.stderr.take().map(|pipe| follow(pipe, &lines));
        let mut bridge = OwnBridge { child, url: String::new(), lines };
        let address = listening.and_then(|listening| listening.recv_timeout(START_LIMIT).ok());
        match address {
            Some(address) => bridge.url = format!("http://{address}"),
            None => {
                return Err(format!("the bridge did not start:\n{}", bridge.last_lines()));
            }
        }
        Ok(bridge)
    }
}

impl OwnBridge {
    /// Returns its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns how it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Returns its last log lines.
    pub(super) fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// Ends it as an operator does.
    pub(super) async fn end(mut self) -> Result<(), String> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may be gone already.
            let _ = kill_process(pid, Signal::TERM);
        }
        let patience = Instant::now() + END_LIMIT;
        while Instant::now() < patience {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(format!("the bridge ended with {status}:\n{}", self.last_lines()));
                }
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        Err(format!("the bridge did not end within {} s after SIGTERM", END_LIMIT.as_secs()))
    }
}

impl Drop for OwnBridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log on a thread, so that the bridge never waits for it; tells the address once it listens.
fn follow(pipe: ChildStderr, lines: &Arc<Mutex<VecDeque<String>>>) -> mpsc::Receiver<String> {
    let (tell, listening) = mpsc::channel();
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        let mut tell = Some(tell);
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if tell.is_some()
                && let Ok(event) = serde_json::from_str::<Value>(&line)
                && event["event"] == "server_listening"
                && let Some(address) = event["address"].as_str()
                && let Some(tell) = tell.take()
            {
                // Nobody waits any more if it took too long.
                let _ = tell.send(address.to_owned());
            }
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LINES_KEPT {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    });
    listening
}
