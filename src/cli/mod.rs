//! The command line: one file a subcommand.
//!
//! * [`serve`] - the bridge.
//! * [`demo`] - bridge and engine, and a call of two parties through both.
//! * [`engine`] - the Symbl-protocol server alone.
//! * [`call`] - simulated telephones that call a bridge.
//! * [`replay`] - recorded calls, sent through a bridge again.
//! * [`doctor`] - looks at everything that calls depend on.
//! * [`load`] - many of them at once, and what they cost a bridge.
//! * [`model`] - the recogniser's files: install, list, verify.
//! * [`eval`] - how well the engine hears recordings, and understands labelled rows.
//! * [`train`] - learns what rules miss from labelled rows.
//! * [`bench_speech`] - how many legs it hears at once.

pub mod bench_speech;
pub mod call;
pub mod demo;
pub mod doctor;
pub mod engine;
pub mod eval;
mod eval_insights;
pub mod load;
pub mod model;
pub mod replay;
pub mod serve;
mod speech_model;
pub mod train;
mod twilio_rest;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code for wrong usage and wrong configuration (`EX_USAGE` of sysexits).
pub const EXIT_USAGE: u8 = 64;

/// Streams every caller of a Twilio number to a Symbl-protocol server, one connection a caller.
#[derive(Debug, Parser)]
#[command(
    name = "symbl-bridge",
    version,
    max_term_width = 110,
    after_help = "\
Start with `symbl-bridge demo`. To serve calls: `symbl-bridge serve`; to place one: `symbl-bridge call`;
when something does not work: `symbl-bridge doctor`.
Settings come from config/default.toml, a file (--config), .env and the environment; docs/configuration.md explains them."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Engine(engine::EngineArgs),
    Demo(demo::DemoArgs),
    Call(call::CallArgs),
    Load(load::LoadArgs),
    Replay(replay::ReplayArgs),
    Doctor(doctor::DoctorArgs),
    Model(model::ModelArgs),
    Eval(eval::EvalArgs),
    BenchSpeech(bench_speech::BenchSpeechArgs),
    #[command(hide = true)]
    LoadRelay(load::LoadRelayArgs),
    #[command(hide = true)]
    Train(train::TrainArgs),
}

impl Cli {
    /// Runs the chosen subcommand.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Engine(args) => engine::run(&args),
            Command::Call(args) => call::run(args),
            Command::Load(args) => load::run(args),
            Command::LoadRelay(args) => load::run_relay(&args),
            Command::Replay(args) => replay::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Model(args) => model::run(args),
            Command::Eval(args) => eval::run(args),
            Command::BenchSpeech(args) => bench_speech::run(args),
            Command::Train(args) => train::run(&args),
        }
    }
}
