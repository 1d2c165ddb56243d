//! Loads the recogniser that a `--model` argument names, for the tools that hear.

use std::path::{Path, PathBuf};

use super::model::{install_with_progress, with_causes};
use crate::engine::{
    model::{Model, ModelStore},
    speech::{moonshine::Moonshine, pool::Pool},
};

/// Starts a pool of one worker a core with `model`: `base`, `tiny` (installed when missing) or a directory.
pub(super) fn start_pool(model: &str) -> Result<Pool, String> {
    let dir = match Model::named(model) {
        Some(known) => install_with_progress(known, &ModelStore::default())?,
        None if Path::new(model).is_dir() => PathBuf::from(model),
        None => {
            return Err(format!("there is no model {model}: give base, tiny or a directory"));
        }
    };
    let recognizer = Moonshine::load(&dir).map_err(|problem| with_causes(&problem))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    Pool::start(&recognizer, workers).map_err(|problem| with_causes(&problem))
}
