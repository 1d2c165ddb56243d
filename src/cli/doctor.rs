//! `symbl-bridge doctor`: looks at everything that calls depend on, and says what to do.
//!
//! A check has two halves: a probe that touches the world within a deadline, and a judgement that is pure. One file a
//! group of checks:
//!
//! * [`configuration`] - mistakes, and what is legal but unwise.
//! * [`address`] - the public address and its [`certificate`].
//! * [`server`] - what Twilio meets there: webhooks and the media socket.
//! * [`twilio`] - the account and the number's [`webhooks`].
//! * [`upstream`] - the Symbl-protocol server, and [`speech`] to it.
//! * [`audio`] - what a call's recordings sound like, when asked for.
//! * [`models`], [`disk`], [`machine`], [`clock`].
//! * [`finding`], [`check`], [`screen`], [`context`] - what all of them share.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a person at a terminal reads")]

mod address;
mod audio;
mod certificate;
mod check;
mod clock;
mod configuration;
mod context;
mod disk;
mod finding;
mod machine;
mod models;
mod screen;
mod server;
mod speech;
mod twilio;
mod upstream;
mod webhooks;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use actix_tls::connect::rustls_0_23::native_roots_cert_store;
use clap::Args;

use self::check::{CHECKS, Selection};
use self::context::Context;
use self::finding::{Finding, exit_code};
use self::screen::Screen;
use self::twilio::Fix;
use super::EXIT_USAGE;
use crate::config::{ConfigError, Settings, Sources};
use crate::telemetry::format::{self, LogFormat};
use crate::twilio::PublicUrl;
use crate::twilio::rest::DEFAULT_BASE;

/// Look at everything that calls depend on: settings, public address, Twilio, speech, this machine
#[derive(Debug, Args)]
#[command(after_help = "\
One line a check: ok, note, warning or error; what was looked at; what was found; a remedy. docs/doctor.md explains
each. Nothing is changed without --fix, no call is opened, and what is stored for a check is deleted again.
  symbl-bridge doctor                                  everything, with the settings that `serve` would have
  symbl-bridge doctor --only twilio-number --fix       corrects the number's webhooks, after asking
  symbl-bridge doctor --json                           for programs
  symbl-bridge doctor --audio CA12...                  a WAV of what a recorded call's legs carried

Exit codes: 0 all is well (notes included), 1 warnings, 2 errors, 64 wrong usage or a mistake in the configuration.")]
pub struct DoctorArgs {
    /// A TOML file with settings, over the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only these checks, comma-separated
    #[arg(long, value_name = "CHECK,…", value_delimiter = ',', value_parser = check::parse)]
    only: Vec<&'static str>,
    /// Show the checks and end
    #[arg(long)]
    list: bool,
    /// Print an array of findings: id, status, what, found, remedy
    #[arg(long)]
    json: bool,
    /// Correct the number's webhooks at Twilio, after asking
    #[arg(long)]
    fix: bool,
    /// Do not ask
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Twilio's REST API, where an edge or a region is wanted
    #[arg(long, value_name = "URL", default_value = DEFAULT_BASE, value_parser = api_url)]
    twilio_api_url: PublicUrl,
    /// Only this: write a WAV of what a call's legs carried, and say what is suspicious; CallSid or connectionId
    #[arg(long, value_name = "CALL", conflicts_with_all = ["only", "list", "json", "fix", "yes"])]
    audio: Option<String>,
    /// Where to; a name in this directory if not given
    #[arg(long, value_name = "FILE", requires = "audio")]
    out: Option<PathBuf>,
}

/// Runs the subcommand.
pub fn run(args: &DoctorArgs) -> ExitCode {
    if args.list {
        for check in CHECKS {
            println!("{:<17} {}", check.id, check.about);
        }
        return ExitCode::SUCCESS;
    }
    let fix = match (args.fix, args.yes) {
        (false, _) => Fix::No,
        (true, true) => Fix::Yes,
        (true, false) if std::io::stdin().is_terminal() => Fix::Ask,
        (true, false) => {
            eprintln!(
                "symbl-bridge doctor: --fix asks before it changes anything, and nobody can answer here"
            );
            eprintln!("    remedy: run it on a terminal, or add --yes");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let mut screen = Screen::new(args.json);
    let settings = match configure(args) {
        Ok(settings) => settings,
        Err(error) => {
            screen.show(configuration::mistakes(&error));
            screen.end();
            eprintln!("symbl-bridge doctor: nothing else was looked at; correct the configuration first");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if let Some(call) = &args.audio {
        return audio::run(&settings.recording, call, args.out.as_deref());
    }
    let system = actix::System::new();
    let findings = system.block_on(examine(args, settings, screen, fix));
    // A resolver or a disk that hangs holds a thread for as long as it likes, and the runtime would wait for it.
    std::mem::forget(system);
    ExitCode::from(exit_code(&findings))
}

/// Reads the settings as `serve` does.
fn configure(args: &DoctorArgs) -> Result<Settings, ConfigError> {
    let sources = Sources::of_process(args.config.clone())?;
    let format = LogFormat::choose(sources.environment.get("LOG_FORMAT").map(String::as_str));
    let format = format.map_err(|fault| ConfigError::one("LOG_FORMAT", fault, "write `json` or `text`"))?;
    // Log lines of an engine that is started for a check would be in the way; who wants them asks with RUST_LOG.
    if std::env::var_os("RUST_LOG").is_some() {
        format::init(format);
    }
    Settings::load(&sources)
}

/// Makes the checks one group after the other; each shows what it found when it is done.
async fn examine(args: &DoctorArgs, settings: Settings, mut screen: Screen, fix: Fix) -> Vec<Finding> {
    let selection = Selection::of(&args.only);
    let wanted = selection.clone();
    let wants = |ids: &[&str]| wanted.wants_any(ids);
    let show = |screen: &mut Screen, findings: Vec<Finding>| {
        screen.show(findings.into_iter().filter(|finding| wanted.shows(finding)).collect());
    };
    show(&mut screen, configuration::judge(&settings));
    if let Err(fault) = native_roots_cert_store() {
        // The HTTP client cannot be made without them.
        let found = format!("this machine's trusted certificates cannot be read: {fault}");
        let remedy = "install the certificates of public authorities (Debian: ca-certificates)";
        screen.show(vec![Finding::error(check::CERTIFICATE, "trusted certificates", found, remedy)]);
        return screen.end();
    }
    let context = Context::new(settings, selection);
    let api = &args.twilio_api_url;
    if wants(&[check::PUBLIC_ADDRESS, check::CERTIFICATE]) {
        let findings = address::look(&context, &screen).await;
        show(&mut screen, findings);
    }
    let mut is_running = false;
    let of_server = [check::SERVER, check::SIGNED_REQUEST, check::UNSIGNED_REQUEST, check::MEDIA_SOCKET];
    let of_upstream = [check::UPSTREAM_TOKEN, check::UPSTREAM_STREAM, check::SPEECH];
    if wants(&of_server) || wants(&of_upstream) {
        let (findings, runs) = server::look(&context, &screen).await;
        is_running = runs;
        if wants(&of_server) {
            show(&mut screen, findings);
        }
    }
    if wants(&[check::TWILIO_ACCOUNT, check::TWILIO_NUMBER]) {
        let findings = twilio::look(&context, &screen, api, fix).await;
        show(&mut screen, findings);
    }
    if wants(&of_upstream) {
        let findings = upstream::look(&context, &screen, is_running).await;
        show(&mut screen, findings);
    }
    if wants(&[check::SPEECH_MODEL, check::MEANING_MODEL]) {
        let findings = models::look(&context, &screen).await;
        show(&mut screen, findings);
    }
    if wants(&[check::STORE, check::RECORDINGS]) {
        let findings = disk::look(&context, &screen).await;
        show(&mut screen, findings);
    }
    if wants(&[check::DESCRIPTORS, check::MACHINE]) {
        show(&mut screen, machine::look(&context));
    }
    if wants(&[check::CLOCK]) {
        let findings = clock::look(&context, &screen, api).await;
        show(&mut screen, findings);
    }
    screen.end()
}

/// https, or http to this machine: credentials go there.
fn api_url(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        doctor: DoctorArgs,
    }

    #[test]
    fn the_command_line_is_consistent_and_names_its_exit_codes() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for words in ["Exit codes: 0", "2 errors", "64 wrong usage", "--only"] {
            assert!(help.contains(words), "{words}");
        }
    }

    #[test]
    fn options_are_checked() {
        let parse = |args: &[&str]| {
            Cli::try_parse_from(["doctor"].iter().chain(args))
                .map(|cli| cli.doctor)
                .map_err(|e| e.to_string())
        };
        let args = parse(&["--only", "clock,store", "--only=speech"]).unwrap();
        assert_eq!(args.only, ["clock", "store", "speech"]);
        assert_eq!(args.twilio_api_url.as_str(), DEFAULT_BASE);
        assert!(parse(&["--only", "clok"]).unwrap_err().contains("did you mean clock?"));
        assert!(parse(&["--yes"]).is_err(), "--yes alone says yes to nothing");
        assert!(parse(&["--twilio-api-url", "http://api.twilio.com"]).is_err(), "credentials in plain text");
        assert!(parse(&["--twilio-api-url", "http://127.0.0.1:9"]).is_ok());
    }
}
