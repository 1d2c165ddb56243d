//! Every command that README.md and docs/getting-started.md show is run here, or names the test that runs it.
//!
//! A command is a line of a block marked `sh`. It runs in a directory of its own, with a home of its own and nothing of our environment,
//! in the order of its page, against the server that the page has started. What is exchanged, and nothing else:
//!
//! | the page says | run is |
//! |---|---|
//! | `cargo run --release -- SUBCOMMAND …` | the binary that this test was built with, and the same arguments |
//! | `cargo build --release` | nothing: cargo has just built it |
//! | port 3000 | a free port: `BRIDGE__HTTP__PORT=0` for servers, `--url` for `call` |
//! | `agent.wav`, `customer.wav` | half a second of silence under these names |
//! | the way to npm and pip | none: the models stay missing, and the servers serve without them |
//! | `demo …`, `tests/run` | elsewhere: `demo` in tests/demo.rs, since it needs a model and a minute; `tests/run` in `.ci/run` |
//!
//! A command that is none of these fails the test, so that none comes in unnoticed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Long enough for a debug build on a busy machine; the longest command takes ten seconds by itself.
const PATIENCE: Duration = Duration::from_secs(60);

const PROGRAM: &[&str] = &["cargo", "run", "--release", "--"];

/// Returns the commands of a page: its `sh` blocks, without comments, continued lines joined.
fn commands_of(page: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut language = None;
    let mut is_continued = false;
    for line in page.lines() {
        if let Some(mark) = line.trim_start().strip_prefix("```") {
            language = if language.is_none() { Some(mark.trim()) } else { None };
            let known = ["sh", "text", "ini", "json"];
            assert!(
                language.is_none_or(|given| known.contains(&given)),
                "a block of unknown language: {line}"
            );
            continue;
        }
        if language != Some("sh") {
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (text, goes_on) = line.strip_suffix('\\').map_or((line, false), |text| (text, true));
        match commands.last_mut().filter(|_| is_continued) {
            Some(command) => command.push_str(text),
            None => commands.push(text.to_owned()),
        }
        is_continued = goes_on;
    }
    commands
}

/// A directory, a home and whatever is running.
struct Sandbox {
    directory: TempDir,
    server: Option<Server>,
}

/// A server that a page has started.
struct Server {
    process: Child,
    url: String,
}

impl Sandbox {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        for name in ["agent.wav", "customer.wav"] {
            let format = hound::WavSpec {
                channels: 1,
                sample_rate: 16_000,
                bits_per_sample: 16,
                sample_format: hound::SampleFormat::Int,
            };
            let mut file = hound::WavWriter::create(directory.path().join(name), format).expect("a file");
            (0..8000).for_each(|_| file.write_sample(0_i16).expect("a sample"));
            file.finalize().expect("a file that ends well");
        }
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example");
        std::fs::copy(example, directory.path().join(".env.example")).expect("a copy");
        std::fs::create_dir(directory.path().join("empty")).expect("a directory");
        Self { directory, server: None }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let place = self.directory.path();
        command
            .current_dir(place)
            .env_clear()
            .env("HOME", place)
            .env("XDG_CACHE_HOME", place.join("cache"))
            .env("XDG_DATA_HOME", place.join("data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs our program without a way to anything else.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_symbl-bridge"));
        command.args(arguments).env("PATH", self.directory.path().join("empty"));
        command
    }

    /// Runs one command of a page.
    fn run(&mut self, command: &str) {
        assert!(!command.contains(['"', '\'', '|', '>', '&', '$']), "this test reads words only: {command}");
        let words: Vec<&str> = command.split_whitespace().collect();
        if let Some(arguments) = words.strip_prefix(PROGRAM) {
            return self.run_program(command, arguments);
        }
        match words[..] {
            ["cargo", "build", "--release"] => {}
            ["tests/run"] => is_in(".ci/run", "exec bash tests/run"),
            ["cp", ..] => {
                let output = self.command("/bin/cp").args(&words[1..]).output().expect("cp");
                assert!(output.status.success(), "{command}: {output:?}");
            }
            _ => panic!("`{command}` is run by nothing: teach this test, or another one, to run it"),
        }
    }

    fn run_program(&mut self, command: &str, arguments: &[&str]) {
        match arguments {
            ["serve" | "engine", ..] => {
                self.end_server();
                self.server = Some(self.start(arguments));
            }
            ["demo"] => is_in("tests/demo.rs", "let printed = demo(&[]);"),
            ["demo", "--audio", "agent.wav", "customer.wav"] => {
                is_in("tests/demo.rs", "command.arg(\"--audio\").args(arguments)");
            }
            ["call", "--help"] => {
                let output = finished(self.program(arguments), command);
                assert!(String::from_utf8_lossy(&output.stdout).contains("Usage:"), "{command}: {output:?}");
            }
            ["call", ..] => {
                let url = &self.server.as_ref().unwrap_or_else(|| panic!("{command}: no server yet")).url;
                let mut process = self.program(arguments);
                process.args(["--url", url]);
                let printed = String::from_utf8_lossy(&finished(process, command).stdout).into_owned();
                assert!(printed.contains("went well"), "{command}: {printed}");
                if arguments.contains(&"--updates") {
                    for kind in ["connection_started", "connection_stopped"] {
                        assert!(printed.contains(kind), "{command}: no {kind} in {printed}");
                    }
                }
            }
            _ => panic!("`{command}` is run by nothing: teach this test, or another one, to run it"),
        }
    }

    /// Starts a server and waits until it says where it listens.
    fn start(&self, arguments: &[&str]) -> Server {
        let mut command = self.program(arguments);
        command.env("BRIDGE__HTTP__PORT", "0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the program starts");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, url)) = line.split_once(" listens on ") {
                    // Nobody waits any longer when the test has failed.
                    let _ = tell.send(url.trim().to_owned());
                }
            }
        });
        let url = told.recv_timeout(PATIENCE);
        Server { process, url: url.unwrap_or_else(|_| panic!("{arguments:?} does not listen")) }
    }

    /// Ends the server as Ctrl-C does; it must end well.
    fn end_server(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let signal = format!("kill -INT {}", server.process.id());
        assert!(Command::new("sh").args(["-c", &signal]).status().is_ok_and(|status| status.success()));
        let status = wait(&mut server.process, "the server to end");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for the end of a process.
fn wait(process: &mut Child, what: &str) -> std::process::ExitStatus {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(status) = process.try_wait().expect("a child of ours") {
            return status;
        }
        if std::time::Instant::now() > deadline {
            let _ = process.kill();
            panic!("waited {PATIENCE:?} in vain for {what}");
        }
        #[expect(clippy::disallowed_methods, reason = "no async worker here, and nothing else to do")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command to its end, which must be a good one.
fn finished(mut command: Command, what: &str) -> Output {
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // What it prints is less than a pipe holds.
    wait(&mut process, what);
    let output = process.wait_with_output().expect("its output");
    assert!(output.status.success(), "{what}: {output:?}");
    output
}

/// Checks that another file still does what a command of a page does.
fn is_in(file: &str, does: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(text.contains(does), "{file} does not have `{does}` any more");
}

fn run_all(page: &str, least: usize) {
    let commands = commands_of(page);
    assert!(commands.len() >= least, "the page is read wrongly: {commands:?}");
    let mut sandbox = Sandbox::new();
    for command in commands {
        sandbox.run(&command);
    }
    sandbox.end_server();
}

#[test]
fn the_commands_of_the_readme_do_what_they_are_shown_for() {
    run_all(include_str!("../README.md"), 4);
}

#[test]
fn the_commands_of_getting_started_do_what_they_are_shown_for() {
    run_all(include_str!("../docs/getting-started.md"), 9);
}

#[test]
#[should_panic(expected = "is run by nothing")]
fn a_command_that_nobody_runs_is_noticed() {
    run_all("```sh\ncargo run --release -- call-the-moon\n```\n", 1);
}
