//! The real thing for tests that need it: the speech model, and `symbl-bridge engine` as a process that hears.

// Every test file compiles this module for itself and uses a part of it.
#![allow(dead_code)]
// A test support that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use symbl_bridge::engine::model::{BASE, ModelStatus, ModelStore};

/// The engine's credentials.
pub(crate) const APP_ID: &str = "app";
pub(crate) const APP_SECRET: &str = "secret";

/// Says that a test cannot run; fails it where it has to.
pub(crate) fn cannot_run(remedy: &str) {
    let required = std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
    assert!(!required, "{remedy}");
    eprintln!("NOT RUN: {remedy}");
}

/// Returns whether the speech model is installed; without it the test cannot run.
pub(crate) fn model_is_there() -> bool {
    let is_there = matches!(ModelStore::default().status(&BASE), ModelStatus::Present { .. });
    if !is_there {
        cannot_run("needs the speech model: run `symbl-bridge model install`");
    }
    is_there
}

/// A process, ended with the test.
pub(crate) struct Engine {
    process: Child,
    pub(crate) address: String,
}

impl Engine {
    /// Starts `symbl-bridge engine`, which keeps conversations in `store` ("memory": nowhere), and waits until it hears.
    pub(crate) fn start(store: &Path) -> Self {
        Self::start_at(0, store)
    }

    /// Starts the engine again where this one was, whose end it is.
    pub(crate) fn restart(mut self, store: &Path) -> Self {
        self.kill();
        let port = self.address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Self::start_at(port.expect("an address with a port"), store)
    }

    fn start_at(port: u16, store: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbl-bridge"));
        for (name, value) in [
            ("BRIDGE__HTTP__PORT", port.to_string().as_str()),
            ("BRIDGE__MODEL__MEANING", "false"),
            ("LOG_FORMAT", "json"),
            ("RUST_LOG", "info"),
            ("SYMBL_APP_ID", APP_ID),
            ("SYMBL_APP_SECRET", APP_SECRET),
        ] {
            command.env(name, value);
        }
        command.arg("engine").env("BRIDGE__STORE__DIR", store).env_remove("SYMBL_API_BASE_URL");
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut address = None;
        for line in lines.by_ref().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            match line["event"].as_str() {
                Some("server_listening") => address = line["address"].as_str().map(str::to_owned),
                Some("hearing_ready") => break,
                Some("hearing_unavailable") => panic!("{line}"),
                _ => {}
            }
        }
        // The pipe is read to its end, or the engine would wait for room in it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("a listening line before the model is loaded") }
    }

    /// Ends the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
