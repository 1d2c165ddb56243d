//! `symbl-bridge serve`: the bridge, until it is told to end.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a person at a terminal reads")]

use std::cell::Cell;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{EXIT_USAGE, speech_model};
use crate::app::{Application, StartError, Wings};
use crate::config::{ConfigError, Settings, Sources};
use crate::telemetry::format::{self, LogFormat};

/// Serve Twilio's webhooks and media streams, and dashboards.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings come from the defaults (config/default.toml), then --config FILE, then .env and the environment:
  WEBHOOK_DOMAIN       public host name of this server, for instance bridge.example.com
  TWILIO_AUTH_TOKEN    the account's auth token
  TWILIO_ACCOUNT_SID   the account: with it calls whose stream died get a new one (docs/reattach.md)
  SYMBL_API_BASE_URL   a server of the Symbl protocol, with SYMBL_APP_ID and SYMBL_APP_SECRET;
                       unset: the engine in this process
  BRIDGE__SECTION__KEY any other key, for instance BRIDGE__HTTP__PORT=8080
  LOG_FORMAT           json or text; RUST_LOG chooses levels

Exit codes: 0 ended as told, 1 could not start or broke, 64 a mistake in the configuration.")]
pub struct ServeArgs {
    /// A TOML file with settings, over the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the subcommand.
pub fn run(args: &ServeArgs) -> ExitCode {
    configured(args, |settings| actix::System::new().block_on(serve(settings)))
}

/// Reads the settings and runs `job` with them; says what went wrong.
pub(super) fn configured(
    args: &ServeArgs,
    job: impl FnOnce(&Settings) -> Result<(), ServeError>,
) -> ExitCode {
    let settings = match configure(args) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("symbl-bridge: the configuration has {} mistake(s):", error.problems.len());
            eprintln!("  {}", error.to_string().replace('\n', "\n  "));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match job(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("symbl-bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a server ended otherwise than as told.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the server broke: {0}")]
    Run(#[from] std::io::Error),
}

fn configure(args: &ServeArgs) -> Result<Settings, ConfigError> {
    let sources = Sources::of_process(args.config.clone())?;
    let format = LogFormat::choose(sources.environment.get("LOG_FORMAT").map(String::as_str));
    format::init(format.map_err(|fault| ConfigError::one("LOG_FORMAT", fault, "write `json` or `text`"))?);
    Settings::load(&sources)
}

async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let application = Application::build(settings, Wings::Bridge)?;
    // Before anybody is told that it listens: who reads that may end it at once.
    let stop = stop_signals(Some(settings.drain_deadline))?;
    introduce(&application, settings);
    speech_model::start_engine_in_background(&application, &settings.model);
    application.run(stop).await?;
    Ok(())
}

fn introduce(application: &Application, settings: &Settings) {
    let public = application.public_url();
    println!("symbl-bridge {} listens on {}", env!("CARGO_PKG_VERSION"), application.url());
    match application.upstream() {
        Some(upstream) if application.listening().is_none() => println!("  upstream            {upstream}"),
        _ => println!("  upstream            the engine in this process"),
    }
    println!("  in Twilio, set the number's webhooks (HTTP POST) to");
    println!("    a call comes in   {}", public.page("/twilio/twiml"));
    println!("    status changes    {}", public.page("/twilio/statuschange"));
    // One that was made up for this run is shown nowhere else; one that was chosen is known, and this may end in a journal.
    let token = match (&settings.watchers.token, application.watch_token()) {
        (Some(_), _) => "?token=(updates.token)".to_owned(),
        (None, Some(made_up)) => format!("?token={}", made_up.expose_secret()),
        (None, None) => String::new(),
    };
    println!("  dashboard           {}{token}", public.page("/"));
    let updates = public.page("/symbl/updates").replacen("http", "ws", 1);
    println!("  updates for others  {updates}{token}");
    show_credentials(application);
    if settings.public_url.is_none() {
        println!("  WEBHOOK_DOMAIN is not set: only simulators on this machine can call (symbl-bridge call)");
    }
}

/// Shows credentials that were made up for this run; they are shown nowhere else.
pub(super) fn show_credentials(application: &Application) {
    if let Some(credentials) = application.new_credentials() {
        println!("  made up for this run (set SYMBL_APP_ID and SYMBL_APP_SECRET to choose your own)");
        println!("    SYMBL_APP_ID      {}", credentials.app_id);
        println!("    SYMBL_APP_SECRET  {}", credentials.app_secret.expose_secret());
    }
}

/// Returns a channel that hears of each SIGTERM and Ctrl-C; at the first a person at the terminal is
/// told how long live calls may go on, if there is a `patience` to tell of.
pub(super) fn stop_signals(patience: Option<Duration>) -> std::io::Result<mpsc::Receiver<()>> {
    let (told, stop) = mpsc::channel(2);
    let patience = Rc::new(Cell::new(patience));
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let (told, patience) = (told.clone(), Rc::clone(&patience));
        actix::spawn(async move {
            while signals.recv().await.is_some() {
                if let Some(patience) = patience.take() {
                    let seconds = patience.as_secs_f64();
                    // Whoever closed standard output does not want to know.
                    let _ = writeln!(
                        std::io::stdout(),
                        "ending: live calls may go on for {seconds} s; a second signal ends at once"
                    );
                }
                // A third signal has nothing to add.
                let _ = told.try_send(());
            }
        });
    }
    Ok(stop)
}
