//! `symbl-bridge call`: telephones that call a running bridge, without Twilio and without a phone.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use bytes::Bytes;
use clap::Args;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::audio::load_mulaw_8k;
use crate::simulator::rest::{Exchange, server};
use crate::simulator::{CallReport, PhoneOptions, Progress, Scenario, updates};
use crate::twilio::signature::BadAuthToken;
use crate::twilio::{AuthToken, Caller};

/// Exit code of a wrong command line, as sysexits.h has it.
const USAGE: u8 = 64;

/// How long a caller without audio and without `--duration` stays silent on the line.
const SILENT_CALL: Duration = Duration::from_secs(10);

/// Callers who were given no number: numbers that are reserved for fiction.
const FIRST_CALLERS: [&str; 2] = ["+12125550123", "+13105550177"];

/// Time for the updates socket to open before anybody calls.
const UPDATES_OPEN_LIMIT: Duration = Duration::from_secs(5);

/// Time for the last updates to come after the last call.
const UPDATES_LINGER: Duration = Duration::from_secs(5);

/// Without a terminal, a line is printed for each so many seconds of audio.
const PLAIN_STEP_FRAMES: u64 = 250;

/// Call a running bridge from simulated telephones, one for each audio file.
///
/// Each telephone does what Twilio does when somebody dials the number: it asks the bridge for TwiML, obeys it,
/// streams the file as the caller's voice in real time, posts the status callbacks and hangs up. No Twilio
/// account, no tunnel and no telephone are needed. Files may be WAV of any rate, or mu-law.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  A caller who says nothing for ten seconds, to see whether the bridge answers:
      symbl-bridge call

  Two callers in one conference, the second three seconds later, with the updates a dashboard gets:
      symbl-bridge call agent.wav customer.wav --stagger-ms 3000 --updates

  A bridge that checks signatures, reached directly instead of through its public address:
      TWILIO_AUTH_TOKEN=... symbl-bridge call hello.wav --public-url https://bridge.example.com

Exit codes: 0 all calls went well, 1 a call failed, 64 wrong usage.")]
pub struct CallArgs {
    /// Audio files, one caller each: WAV of any rate, or headerless mu-law named .ulaw, .mulaw or .raw.
    #[arg(value_name = "AUDIO")]
    pub audio: Vec<PathBuf>,

    #[command(flatten)]
    line: LineArgs,

    /// Who calls; once for each caller. The rest get made-up numbers.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub from: Vec<String>,

    /// The number that is dialled.
    #[arg(long, env = "TWILIO_NUMBER", default_value = "+14155550100", value_name = "NUMBER")]
    pub to: String,

    /// The conference to join, as ?room= on the number's webhook would say.
    #[arg(long, value_name = "NAME")]
    pub room: Option<String>,

    /// How long each call lasts; silence follows the audio. As long as the audio if not given.
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    pub duration: Option<Duration>,

    /// Time from one caller to the next.
    #[arg(long, default_value = "0", value_name = "MILLISECONDS")]
    pub stagger_ms: u64,
}

/// The bridge that is called, and how.
#[derive(Debug, Clone, Args)]
pub struct LineArgs {
    /// Where the bridge is reached.
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    pub url: String,

    /// The address the bridge believes to have, which Twilio would sign; --url if not given.
    #[arg(long, env = "WEBHOOK_DOMAIN", value_name = "URL")]
    pub public_url: Option<String>,

    /// 1 is real time, 2 twice as fast, 0 as fast as possible.
    #[arg(long, default_value = "1", value_parser = speed, value_name = "FACTOR")]
    pub speed: f64,

    /// Signs the requests as Twilio does; without it they go unsigned.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true, value_parser = token, value_name = "TOKEN")]
    pub auth_token: Option<GivenToken>,

    /// The account the calls belong to.
    #[arg(
        long,
        env = "TWILIO_ACCOUNT_SID",
        default_value = "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        value_name = "SID"
    )]
    pub account_sid: String,

    /// Serves Twilio's REST API for these calls on this port of this machine, so that a bridge which is started anew in mid-call finds
    /// them: its twilio.api_url is http://127.0.0.1:PORT.
    #[arg(long, value_name = "PORT")]
    pub rest_port: Option<u16>,

    /// Prints the lifecycle updates of /symbl/updates; with the dashboards' token if they need one.
    #[arg(long, num_args = 0..=1, default_missing_value = "", require_equals = true, value_name = "TOKEN")]
    pub updates: Option<String>,
}

/// An auth token, or none if the text was empty, as a line without a value in `.env` leaves it.
#[derive(Debug, Clone)]
pub struct GivenToken(Option<AuthToken>);

impl GivenToken {
    /// Returns the token, if the text was not empty.
    pub(super) fn into_token(self) -> Option<AuthToken> {
        self.0
    }
}

impl LineArgs {
    /// Returns a call on this line.
    pub(super) fn phone(&self, from: impl Into<String>, to: &str, audio: Bytes) -> PhoneOptions {
        PhoneOptions {
            public_url: self.public_url.as_deref().filter(|url| !url.is_empty()).map(with_scheme),
            auth_token: self.auth_token.clone().and_then(GivenToken::into_token),
            account_sid: self.account_sid.clone(),
            audio,
            speed: self.speed,
            ..PhoneOptions::new(&self.url, from, to)
        }
    }
}

impl LineArgs {
    /// Serves the REST side of these calls, if that is wanted; returns what ends it.
    fn serve_rest(&self, calls: &mut [PhoneOptions]) -> std::io::Result<Option<ServerHandle>> {
        let Some(port) = self.rest_port else { return Ok(None) };
        let exchange = Exchange::default();
        for call in calls {
            call.exchange = exchange.clone();
        }
        let token = self.auth_token.as_ref().and_then(|token| token.0.as_ref());
        let address = (std::net::Ipv4Addr::LOCALHOST, port).into();
        let (address, server, handle) = server::serve(&exchange, address, &self.account_sid, token)?;
        actix::spawn(server);
        let _ = writeln!(std::io::stderr(), "twilio's rest api is at http://{address}");
        Ok(Some(handle))
    }
}

/// Makes the calls and prints what happened.
pub fn run(args: CallArgs) -> ExitCode {
    execute(&args, &mut std::io::stdout()).exit_code()
}

/// How the command ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Good,
    Failed,
    Usage(String),
}

impl Outcome {
    /// Returns its exit code; says what is wrong with the command line.
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Good => ExitCode::SUCCESS,
            Self::Failed => ExitCode::FAILURE,
            Self::Usage(fault) => {
                let _ = writeln!(std::io::stderr(), "error: {fault}");
                ExitCode::from(USAGE)
            }
        }
    }
}

fn execute(args: &CallArgs, out: &mut dyn Write) -> Outcome {
    let calls = match calls(args) {
        Ok(calls) => calls,
        Err(fault) => return Outcome::Usage(fault),
    };
    let stagger = Duration::from_millis(args.stagger_ms);
    let calls = (0..).zip(calls).map(|(index, call)| (stagger.saturating_mul(index), call)).collect();
    actix::System::new().block_on(place(&args.line, calls, out))
}

/// Makes calls, each after a time of its own, and prints what happened.
pub(super) async fn place(
    line: &LineArgs,
    calls: Vec<(Duration, PhoneOptions)>,
    out: &mut dyn Write,
) -> Outcome {
    let (waits, mut calls): (Vec<Duration>, Vec<PhoneOptions>) = calls.into_iter().unzip();
    let serving = match line.serve_rest(&mut calls) {
        Ok(serving) => serving,
        Err(fault) => return Outcome::Usage(format!("--rest-port: {fault}")),
    };
    let screen = Rc::new(Screen::new(&calls));
    let hang_up = CancellationToken::new();
    let interrupt = {
        let hang_up = hang_up.clone();
        actix::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                hang_up.cancel();
            }
        })
    };
    let watcher = match &line.updates {
        Some(token) => Some(Watcher::open(&line.url, token, &screen, calls.len()).await),
        None => None,
    };
    let scenario = Scenario::new(calls).waiting(waits).hung_up_by(&hang_up);
    let watching = screen.clone();
    let reports =
        scenario.on_progress(move |caller, progress| watching.progress(caller, progress)).run().await;
    interrupt.abort();
    if let Some(serving) = serving {
        serving.stop(false).await;
    }
    let were_updates_good = match watcher {
        Some(watcher) => watcher.close().await,
        None => true,
    };
    screen.clear();
    match reports {
        Err(fault) => Outcome::Usage(format!("--url or --public-url: {fault}")),
        Ok(reports) => {
            print_reports(&reports, out);
            let all_good = were_updates_good && reports.iter().all(CallReport::is_good);
            if all_good { Outcome::Good } else { Outcome::Failed }
        }
    }
}

fn print_reports(reports: &[CallReport], out: &mut dyn Write) {
    let good = reports.iter().filter(|report| report.is_good()).count();
    // Nobody reads any more: nothing is left to be said.
    let _ = reports.iter().try_for_each(|report| write!(out, "{report}"));
    let _ = writeln!(out, "{good} of {} calls went well", reports.len());
}

/// Returns one call for each audio file, or a silent one.
fn calls(args: &CallArgs) -> Result<Vec<PhoneOptions>, String> {
    let mut voices = Vec::new();
    for path in &args.audio {
        voices.push(Bytes::from(load_mulaw_8k(path).map_err(|fault| fault.to_string())?));
    }
    let is_silent = voices.is_empty();
    if is_silent {
        voices.push(Bytes::new());
    }
    if args.from.len() > voices.len() {
        return Err(format!(
            "--from is given {} times, but there are {} callers",
            args.from.len(),
            voices.len()
        ));
    }
    let calls = voices.into_iter().enumerate().map(|(index, audio)| PhoneOptions {
        room: args.room.clone(),
        duration: args.duration.or(is_silent.then_some(SILENT_CALL)),
        ..args.line.phone(caller_number(&args.from, index), &args.to, audio)
    });
    Ok(calls.collect())
}

/// Returns who calls: as given, or a number of nobody's.
pub(super) fn caller_number(given: &[String], index: usize) -> String {
    match given.get(index) {
        Some(number) => number.clone(),
        None => FIRST_CALLERS
            .get(index)
            .map_or_else(|| format!("+1646555{:04}", 100 + index), |n| (*n).to_owned()),
    }
}

/// `WEBHOOK_DOMAIN` is often a bare host.
pub(super) fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("https://{url}") }
}

fn speed(raw: &str) -> Result<f64, String> {
    match raw.parse::<f64>() {
        Ok(speed) if (0.0..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0 to 1000 is expected".to_owned()),
    }
}

fn seconds(raw: &str) -> Result<Duration, String> {
    let day = 0.0..=86_400.0;
    match raw.parse::<f64>() {
        Ok(seconds) if day.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds from 0 to 86400 is expected".to_owned()),
    }
}

pub(super) fn token(raw: &str) -> Result<GivenToken, BadAuthToken> {
    if raw.is_empty() {
        Ok(GivenToken(None))
    } else {
        AuthToken::parse(raw).map(|token| GivenToken(Some(token)))
    }
}

/// What the user sees while calls last, on standard error: one line in place on a terminal, else plain lines.
struct Screen {
    is_terminal: bool,
    callers: Vec<String>,
    states: RefCell<Vec<String>>,
}

impl Screen {
    fn new(calls: &[PhoneOptions]) -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            callers: calls.iter().map(|call| Caller::parse(&call.from).masked()).collect(),
            states: RefCell::new(vec!["waiting".to_owned(); calls.len()]),
        }
    }

    fn progress(&self, caller: usize, progress: &Progress) {
        let state = describe(progress);
        let is_news = match progress {
            Progress::Streaming { frames, total } => {
                frames.is_multiple_of(PLAIN_STEP_FRAMES) || frames == total
            }
            _ => true,
        };
        if let Some(slot) = self.states.borrow_mut().get_mut(caller) {
            slot.clone_from(&state);
        }
        if self.is_terminal {
            self.redraw();
        } else if is_news {
            let name = self.callers.get(caller).map_or("", String::as_str);
            let _ = writeln!(std::io::stderr(), "caller {} {name}: {state}", caller + 1);
        }
    }

    fn say(&self, line: &str) {
        self.clear();
        let _ = writeln!(std::io::stderr(), "{line}");
        if self.is_terminal {
            self.redraw();
        }
    }

    /// Prints an update on standard output, where it can be piped from.
    fn update(&self, update: &str) {
        self.clear();
        let _ = writeln!(std::io::stdout(), "update {update}");
        if self.is_terminal {
            self.redraw();
        }
    }

    fn redraw(&self) {
        let states = self.states.borrow();
        let parts: Vec<String> =
            self.callers.iter().zip(states.iter()).map(|(name, state)| format!("{name} {state}")).collect();
        // Too long a line would wrap, and could not be drawn in place.
        let line: String = parts.join("  |  ").chars().take(100).collect();
        let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
        let _ = std::io::stderr().flush();
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

fn describe(progress: &Progress) -> String {
    match progress {
        Progress::Ringing => "ringing".to_owned(),
        Progress::Answered { verbs } => format!("answered with {verbs} TwiML verbs"),
        Progress::Streaming { frames, total } => {
            format!("speaking {:.1} of {:.1} s", *frames as f64 / 50.0, *total as f64 / 50.0)
        }
        Progress::StreamEnded(end) => format!("stream {end}"),
        Progress::Joined(room) => format!("in conference {room}"),
        Progress::HungUp => "hung up".to_owned(),
    }
}

/// Prints updates while calls last.
struct Watcher {
    stop: CancellationToken,
    /// Cancelled when as many legs have ended as there were callers.
    complete: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), updates::UpdatesError>>,
    screen: Rc<Screen>,
}

impl Watcher {
    async fn open(url: &str, token: &str, screen: &Rc<Screen>, callers: usize) -> Self {
        let (stop, complete) = (CancellationToken::new(), CancellationToken::new());
        let (opened, is_open) = oneshot::channel();
        let task = {
            let (url, token, screen) = (url.to_owned(), token.to_owned(), screen.clone());
            let (stop, complete, mut left) = (stop.clone(), complete.clone(), callers);
            actix::spawn(async move {
                let token = Some(token.as_str()).filter(|token| !token.is_empty());
                let on_open = move || {
                    let _ = opened.send(());
                };
                let on_update = move |update: &str| {
                    screen.update(update);
                    if update.contains("\"connection_stopped\"") {
                        left = left.saturating_sub(1);
                        if left == 0 {
                            complete.cancel();
                        }
                    }
                };
                updates::follow(&url, token, &stop, on_open, on_update).await
            })
        };
        // Whoever calls before the socket is open misses the first updates.
        let _ = timeout(UPDATES_OPEN_LIMIT, is_open).await;
        Self { stop, complete, task, screen: screen.clone() }
    }

    /// Waits for the last updates and tells whether all went well.
    async fn close(self) -> bool {
        if !self.task.is_finished() {
            tokio::select! {
                () = self.complete.cancelled() => {}
                () = sleep(UPDATES_LINGER) => {}
            }
        }
        self.stop.cancel();
        match self.task.await {
            Ok(Ok(())) => true,
            Ok(Err(fault)) => {
                self.screen.say(&format!("updates: {fault}"));
                false
            }
            Err(fault) => {
                self.screen.say(&format!("updates: {fault}"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        call: CallArgs,
    }

    fn parse(args: &[&str]) -> Result<CallArgs, clap::Error> {
        // `--public-url=` and the like: what the machine's own environment says must not matter here.
        let fixed = ["call", "--public-url=", "--to=+14155550100", "--auth-token=", "--account-sid=AC1"];
        Cli::try_parse_from(fixed.iter().chain(args)).map(|cli| cli.call)
    }

    #[test]
    fn the_command_line_is_consistent_and_its_help_teaches() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for words in ["symbl-bridge call agent.wav customer.wav", "Exit codes: 0", "as fast as possible"] {
            assert!(help.contains(words), "{words}");
        }
    }

    #[test]
    fn without_audio_one_silent_caller_calls() {
        let calls = calls(&parse(&[]).unwrap()).unwrap();
        assert_eq!(calls.len(), 1);
        assert_eq!(
            (calls[0].from.as_str(), calls[0].duration, calls[0].speed),
            ("+12125550123", Some(SILENT_CALL), 1.0)
        );
        assert!(calls[0].public_url.is_none() && calls[0].auth_token.is_none());
    }

    #[test]
    fn each_file_is_a_caller_with_a_number_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ulaw");
        std::fs::write(&path, [0xFF; 320]).unwrap();
        let path = path.to_str().unwrap();
        let args = parse(&[
            path,
            path,
            path,
            "--from",
            "client:alice",
            "--duration",
            "1.5",
            "--room",
            "r 1",
            "--updates",
        ]);
        let args = args.unwrap();
        assert_eq!(args.line.updates.as_deref(), Some(""));
        let calls = calls(&args).unwrap();
        let from: Vec<_> = calls.iter().map(|call| call.from.as_str()).collect();
        assert_eq!(from, ["client:alice", "+13105550177", "+16465550102"]);
        assert!(
            calls
                .iter()
                .all(|call| call.duration == Some(Duration::from_millis(1500)) && call.audio.len() == 320)
        );
    }

    #[test]
    fn options_are_checked() {
        for bad in
            ["--speed=-1", "--speed=inf", "--speed=x", "--duration=-1", "--stagger-ms=x", "--auth-token=a b"]
        {
            assert!(Cli::try_parse_from(["call", bad]).is_err(), "{bad}");
        }
        assert_eq!(
            Cli::try_parse_from(["call", "--updates=secret"]).unwrap().call.line.updates.as_deref(),
            Some("secret")
        );
        assert_eq!(with_scheme("bridge.example.com"), "https://bridge.example.com");
        let args = Cli::try_parse_from(["call", "--auth-token=sesame"]).unwrap().call;
        assert!(!format!("{args:?}").contains("sesame"));
    }

    #[test]
    fn each_outcome_has_its_exit_code() {
        let mut out = Vec::new();
        let mut outcome = |args: &[&str]| execute(&parse(args).unwrap(), &mut out);
        assert!(
            matches!(outcome(&["no-such-file.wav"]), Outcome::Usage(fault) if fault.contains("no-such-file.wav"))
        );
        assert!(
            matches!(outcome(&["--url", "localhost:3000"]), Outcome::Usage(fault) if fault.contains("--url"))
        );
        assert!(
            matches!(outcome(&["--from=+1", "--from=+2"]), Outcome::Usage(fault) if fault.contains("--from"))
        );
        // A port that nobody listens on.
        assert_eq!(outcome(&["--url", "http://127.0.0.1:1"]), Outcome::Failed);
        let printed = String::from_utf8(out).unwrap();
        assert!(printed.contains("no answer") && printed.ends_with("0 of 1 calls went well\n"), "{printed}");
    }

    #[test]
    fn a_call_that_goes_well_is_told_so() {
        use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

        async fn answer(request: HttpRequest) -> HttpResponse {
            let twiml = crate::twilio::twiml::hang_up();
            match request.path() {
                "/twilio/twiml" => HttpResponse::Ok().content_type("text/xml").body(twiml),
                _ => HttpResponse::NoContent().finish(),
            }
        }

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (handle, server) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let app = || App::new().default_service(web::post().to(answer));
                let server =
                    HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
                handle.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let server = server.recv().unwrap();
        let mut out = Vec::new();
        assert_eq!(execute(&parse(&["--url", &url]).unwrap(), &mut out), Outcome::Good);
        let printed = String::from_utf8(out).unwrap();
        assert!(
            printed.starts_with("ok: caller …0123") && printed.ends_with("1 of 1 calls went well\n"),
            "{printed}"
        );
        actix::System::new().block_on(server.stop(false));
        thread.join().unwrap();
    }
}
