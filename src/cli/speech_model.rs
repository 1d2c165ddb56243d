//! Gets a recogniser ready: installs its model if need be, loads it, starts its workers.

use std::path::PathBuf;

use super::model::{install_with_progress, with_causes};
use crate::config::ModelSettings;
use crate::engine::listening::Listening;
use crate::engine::model::{Model, ModelStore};
use crate::engine::speech::moonshine::Moonshine;
use crate::engine::speech::pool::Pool;
use crate::telemetry::events;

/// Starts a pool for the tools that hear: one worker a core, in the user's own store of models.
pub(super) fn start_pool(model: &str) -> Result<Pool, String> {
    start(&ModelSettings { name: model.to_owned(), dir: None, workers: None })
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

/// Makes `listening` hear, on a thread of its own: installing takes minutes at worst, and calls must not wait for it.
pub(super) fn start_in_background(listening: &Listening, settings: &ModelSettings) {
    let (listening, settings) = (listening.clone(), settings.clone());
    let failed = listening.clone();
    let get_ready = move || match start(&settings) {
        Ok(pool) => {
            listening.begin(pool);
            events::HearingReady { leg: None, model: &settings.name }.emit();
        }
        Err(reason) => {
            listening.explain(&reason);
            events::HearingUnavailable { leg: None, reason: &reason }.emit();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("model".to_owned()).spawn(get_ready) {
        failed.explain(&format!("no thread to load the speech model: {error}"));
    }
}
