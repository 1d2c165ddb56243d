//! Gets the engine's models ready: installs them if need be, loads them, starts their workers.

use std::path::PathBuf;

use super::model::{install_with_progress, with_causes};
use crate::app::Application;
use crate::config::ModelSettings;
use crate::engine::analysis::Analysis;
use crate::engine::listening::Listening;
use crate::engine::meaning::Meaning;
use crate::engine::model::{Model, ModelStore, catalogue};
use crate::engine::speech::moonshine::Moonshine;
use crate::engine::speech::pool::Pool;
use crate::telemetry::events;

/// Starts a pool for the tools that hear: one worker a core, in the user's own store of models.
pub(super) fn start_pool(model: &str) -> Result<Pool, String> {
    start(&ModelSettings { name: model.to_owned(), dir: None, workers: None, meaning: false })
}

/// Starts a pool with the model of these settings, which is installed when it is missing.
pub(super) fn start(settings: &ModelSettings) -> Result<Pool, String> {
    let store = settings.dir.clone().map_or_else(ModelStore::default, ModelStore::at);
    let path = PathBuf::from(&settings.name);
    let dir = match Model::named(&settings.name) {
        Some(known) => install_with_progress(known, &store)?,
        None if path.is_dir() => path,
        None => return Err(format!("there is no model {}: give base, tiny or a directory", settings.name)),
    };
    let recognizer = Moonshine::load(&dir).map_err(|problem| with_causes(&problem))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = settings.workers.map_or(cores, usize::from);
    Pool::start(&recognizer, workers).map_err(|problem| with_causes(&problem))
}

/// Loads the model of meaning, which is installed when it is missing.
pub(super) fn load_meaning(settings: &ModelSettings) -> Result<Meaning, String> {
    let store = settings.dir.clone().map_or_else(ModelStore::default, ModelStore::at);
    let dir = install_with_progress(&catalogue::MINILM, &store)?;
    Meaning::load(&dir).map_err(|problem| with_causes(&problem))
}

/// Makes the engine of an application hear and understand, without keeping anybody waiting.
pub(super) fn start_engine_in_background(application: &Application, settings: &ModelSettings) {
    if let Some(listening) = application.listening() {
        start_in_background(listening, settings);
    }
    if let Some(analysis) = application.analysis() {
        understand_in_background(analysis, settings);
    }
}

fn understand_in_background(analysis: &Analysis, settings: &ModelSettings) {
    if !settings.meaning {
        analysis.explain("model.meaning is off");
        return;
    }
    let (for_thread, settings) = (analysis.clone(), settings.clone());
    let get_ready = move || match load_meaning(&settings) {
        Ok(meaning) => {
            for_thread.understand(meaning);
            events::MeaningReady { leg: None, model: catalogue::MINILM.name }.emit();
        }
        Err(reason) => {
            for_thread.explain(&reason);
            events::MeaningUnavailable { leg: None, reason: &reason }.emit();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("meaning".to_owned()).spawn(get_ready) {
        analysis.explain(&format!("no thread to load the model of meaning: {error}"));
    }
}

/// Makes `listening` hear, on a thread of its own: installing takes minutes at worst, and calls must not wait for it.
fn start_in_background(listening: &Listening, settings: &ModelSettings) {
    let (listening, settings) = (listening.clone(), settings.clone());
    let failed = listening.clone();
    let get_ready = move || match start(&settings) {
        Ok(pool) => {
            listening.begin(pool);
            events::HearingReady { leg: None, model: &settings.name }.emit();
        }
        Err(reason) => {
            listening.fail(&reason);
            events::HearingUnavailable { leg: None, reason: &reason }.emit();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("model".to_owned()).spawn(get_ready) {
        failed.fail(&format!("no thread to load the speech model: {error}"));
    }
}
