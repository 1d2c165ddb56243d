//! Headless Chromium with a profile of its own, driven by chromedriver; both are gone when this is dropped, whatever happened.

use std::fs;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::wd::Capabilities;
use serde_json::json;
use tempfile::TempDir;

use crate::webdriver::{COMMAND_PATIENCE, Session};

/// Root may not have Chromium's sandbox; the rest keeps it from asking anybody anything.
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--window-size=1280,900",
];

/// Returns whether there is a browser; says so and fails where it has to be.
pub(crate) fn is_there() -> bool {
    let found = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    let is_there = found("chromium") && found("chromedriver");
    if !is_there {
        let remedy = "needs a browser: install `chromium` and `chromium-driver` (Debian)";
        let required = std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
        assert!(!required, "{remedy}");
        eprintln!("NOT RUN: {remedy}");
    }
    is_there
}

/// A browser with one window.
pub(crate) struct Chromium {
    session: Option<Session>,
    chromedriver: Child,
    profile: TempDir,
}

impl Chromium {
    /// Starts chromedriver on a free port, and a browser with an empty profile.
    pub(crate) async fn start() -> Self {
        let profile = TempDir::new().expect("a directory for the profile");
        let mut chromedriver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let stdout = chromedriver.stdout.take().expect("piped");
        // From here on dropping ends the process.
        let mut chromium = Self { session: None, chromedriver, profile };
        let port = tokio::task::spawn_blocking(move || port_of(BufReader::new(stdout)));
        let port = tokio::time::timeout(COMMAND_PATIENCE, port).await.expect("chromedriver starts in time");
        let address: SocketAddr = ([127, 0, 0, 1], port.expect("no panic")).into();
        chromium.session = Some(Session::start(address, capabilities(chromium.profile.path())).await);
        chromium
    }

    /// Where downloads go.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.profile.path().join("downloads")
    }

    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().expect("there since the start")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
        end_processes_of(self.profile.path());
    }
}

fn capabilities(profile: &Path) -> Capabilities {
    let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    Capabilities::from_iter([
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), json!({ "args": arguments })),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
    ])
}

/// Reads the port that chromedriver says it has taken, then the rest, so that it never waits for room in the pipe.
fn port_of(stdout: impl std::io::BufRead + Send + 'static) -> u16 {
    let mut lines = stdout.lines().map_while(Result::ok);
    let words = "started successfully on port ";
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once(words)?;
        port.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    port.unwrap_or_else(|| panic!("chromedriver did not say `{words}`"))
}

/// Ends the browser with this profile: chromedriver leaves it behind when it is killed. No other process names the profile.
fn end_processes_of(profile: &Path) {
    let profile = profile.to_string_lossy();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command_line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command_line).contains(profile.as_ref()) {
            let id = process.file_name();
            let _ = Command::new("kill").arg("-KILL").arg(id).stderr(Stdio::null()).status();
        }
    }
}
