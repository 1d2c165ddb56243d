//! `symbl-bridge engine`: the Symbl-protocol server alone.
#![expect(clippy::print_stdout, reason = "this is what a person at a terminal reads")]

use std::process::ExitCode;

use clap::Args;

use super::serve::{ServeArgs, ServeError, configured, show_credentials, stop_signals};
use super::speech_model;
use crate::app::{Application, Wings};
use crate::config::Settings;

/// Serve the Symbl protocol alone: token endpoint, Streaming and Subscribe API, with speech recognition.
#[derive(Debug, Args)]
#[command(after_help = "\
Clients use http://HOST:PORT where they used https://api.symbl.ai. SYMBL_APP_ID and SYMBL_APP_SECRET set the
application's credentials; without them new ones are made up and shown once. The speech model is installed on the first
start (symbl-bridge model install does it beforehand). Settings are read as by `symbl-bridge serve`.")]
pub struct EngineArgs {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Runs the subcommand.
pub fn run(args: &EngineArgs) -> ExitCode {
    configured(&args.serve, |settings| actix::System::new().block_on(serve(settings)))
}

async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let application = Application::build(settings, Wings::Engine)?;
    // Before anybody is told that it listens: who reads that may end it at once.
    let stop = stop_signals(Some(settings.drain_deadline))?;
    println!("symbl-bridge {} engine listens on {}", env!("CARGO_PKG_VERSION"), application.url());
    show_credentials(&application);
    speech_model::start_engine_in_background(&application, &settings.model);
    application.run(stop).await?;
    Ok(())
}
