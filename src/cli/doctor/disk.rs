//! Directories that are written to: there or to be made, writable, with space.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::check::{RECORDINGS, STORE};
use super::context::Context;
use super::finding::Finding;
use super::screen::Screen;
use crate::config::{Settings, StorePlace, Upstream};

/// A network file system may hang for ever.
const DISK_DEADLINE: Duration = Duration::from_secs(10);

/// Below this the database cannot grow for long: an hour of speech takes about a megabyte.
const LITTLE: u64 = 1024 * 1024 * 1024;

/// Below this it may fail today.
const TOO_LITTLE: u64 = 100 * 1024 * 1024;

/// What was seen of a directory.
#[derive(Debug)]
struct Seen {
    /// Whether it is there; else it is its closest ancestor that was looked at.
    exists: bool,
    writable: io::Result<()>,
    /// Bytes that this user may still write.
    free: Option<u64>,
}

/// Makes the checks of all directories that are in use.
pub(super) async fn look(context: &Context, screen: &Screen) -> Vec<Finding> {
    let settings = &context.settings;
    let mut findings = Vec::new();
    for directory in directories(settings) {
        let Directory { id, what, .. } = directory;
        findings.push(match &directory.place {
            Place::Unused(found) => Finding::note(id, what, *found),
            Place::Unknown(remedy) => {
                Finding::error(id, what, "the user's data directory cannot be told", *remedy)
            }
            Place::Directory(dir) => {
                let looked_at = dir.clone();
                let seeing = tokio::task::spawn_blocking(move || see(&looked_at));
                match screen.wait("looking at the disk", DISK_DEADLINE, seeing).await {
                    Some(Ok(seen)) => judge(&directory, dir, &seen),
                    _ => Finding::error(
                        id,
                        what,
                        format!("{} does not answer within {} s", dir.display(), DISK_DEADLINE.as_secs()),
                        "look after that file system",
                    ),
                }
            }
        });
    }
    findings
}

/// A directory that these settings write to, or would.
struct Directory {
    id: &'static str,
    what: &'static str,
    place: Place,
    /// The setting that names it, and the one that keeps it small.
    keys: (&'static str, &'static str),
    /// Free bytes below which it does not do its work, and below which it soon will not.
    bounds: (u64, u64),
}

enum Place {
    Directory(PathBuf),
    Unused(&'static str),
    Unknown(&'static str),
}

fn directories(settings: &Settings) -> [Directory; 2] {
    let store = match (&settings.symbl.upstream, &settings.store.place) {
        (Upstream::Server(_), _) => {
            Place::Unused("not used: another server keeps conversations (SYMBL_API_BASE_URL)")
        }
        _ if settings.store.database.is_some() => {
            Place::Unused("store.url is set: conversations are kept in PostgreSQL")
        }
        (_, StorePlace::Memory) => Place::Unused("store.dir is `memory`: conversations end with the process"),
        (_, StorePlace::Directory(dir)) => Place::Directory(dir.clone()),
        (_, StorePlace::UserData) => match user_data_dir() {
            Some(dir) => Place::Directory(dir),
            None => Place::Unknown("set store.dir to a directory, or to `memory` to keep nothing"),
        },
    };
    let recording = &settings.recording;
    let recordings = match recording.dir.clone().filter(|_| recording.enabled) {
        Some(dir) => Place::Directory(dir),
        None => Place::Unused("recording.enabled is false: calls are not recorded"),
    };
    let least = recording.min_free_bytes;
    [
        Directory {
            id: STORE,
            what: "the store of conversations",
            place: store,
            keys: ("store.dir", "store.retention_days"),
            bounds: (TOO_LITTLE, LITTLE),
        },
        Directory {
            id: RECORDINGS,
            what: "the recordings",
            place: recordings,
            keys: ("recording.dir", "recording.retention_days or recording.max_bytes"),
            bounds: (least.max(TOO_LITTLE), least.max(TOO_LITTLE).saturating_add(LITTLE)),
        },
    ]
}

/// Returns the directory that `app` takes when none is configured.
fn user_data_dir() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")))?;
    Some(base.join("symbl-bridge"))
}

fn see(dir: &Path) -> Seen {
    // The last of a relative path's ancestors is empty, and stands for the working directory.
    let existing =
        dir.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let free = rustix::fs::statvfs(existing).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    Seen { exists: existing == dir, writable: try_to_write(existing), free }
}

/// Writes a file, and takes it away again: rights alone do not tell of a disk that is mounted for reading only.
fn try_to_write(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".symbl-bridge-doctor-{}", Uuid::new_v4().simple()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let written =
        written.and_then(|mut file| io::Write::write_all(&mut file, b"written by symbl-bridge doctor\n"));
    match std::fs::remove_file(&path) {
        Err(fault) if written.is_ok() => Err(fault),
        _ => written,
    }
}

fn judge(directory: &Directory, dir: &Path, seen: &Seen) -> Finding {
    let Directory { id, what, keys: (place_key, size_key), bounds: (too_little, little), .. } = *directory;
    let shown = dir.display();
    if let Err(fault) = &seen.writable {
        let found = match seen.exists {
            true => format!("{shown} cannot be written: {fault}"),
            false => format!("{shown} is not there and cannot be made: {fault}"),
        };
        let remedy =
            format!("give this user the right to write there, or choose another directory ({place_key})");
        return Finding::error(id, what, found, remedy);
    }
    let state = if seen.exists { "is writable" } else { "will be made" };
    let Some(free) = seen.free else {
        return Finding::ok(id, what, format!("{shown} {state}"));
    };
    let found = format!("{shown} {state}, {:.1} GB are free", free as f64 / 1e9);
    if free < too_little {
        let remedy = format!("make room, or choose another directory ({place_key})");
        return Finding::error(id, what, found, remedy);
    }
    if free < little {
        return Finding::warning(id, what, found, format!("make room, or lower {size_key}"));
    }
    Finding::ok(id, what, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;
    use crate::config::Sources;

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(&Sources { file: None, environment: environment.collect() }).unwrap()
    }

    #[test]
    fn a_directory_is_written_to_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let seen = see(folder.path());
        assert!(seen.exists && seen.writable.is_ok() && seen.free.is_some(), "{seen:?}");
        let deeper = folder.path().join("a/b");
        let seen = see(&deeper);
        assert!(!seen.exists && seen.writable.is_ok(), "{seen:?}");
        let [store, _] = directories(&settings(&[]));
        assert!(judge(&store, &deeper, &seen).found.contains("will be made"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(folder.path().join("file"), "in the way").unwrap();
        assert!(see(&folder.path().join("file/b")).writable.is_err());
        assert!(see(&folder.path().join("file")).writable.is_err());
        assert!(see(Path::new("relative/directory")).free.is_some());
    }

    #[test]
    fn space_and_rights_are_judged() {
        let [store, recordings] = directories(&settings(&[]));
        let seen = |writable, free| Seen { exists: true, writable, free };
        let judged = |writable, free| judge(&store, Path::new("/x"), &seen(writable, free));
        assert_eq!(judged(Ok(()), Some(LITTLE)).status, Status::Ok);
        assert_eq!(judged(Ok(()), None).status, Status::Ok);
        assert_eq!(judged(Ok(()), Some(LITTLE - 1)).status, Status::Warning);
        assert_eq!(judged(Ok(()), Some(TOO_LITTLE - 1)).status, Status::Error);
        let refused = judged(Err(io::Error::from(io::ErrorKind::PermissionDenied)), Some(LITTLE));
        assert!(
            refused.status == Status::Error && refused.found.contains("cannot be written"),
            "{refused:?}"
        );
        let least = settings(&[]).recording.min_free_bytes;
        let little = judge(&recordings, Path::new("/x"), &seen(Ok(()), Some(least)));
        assert!(little.status == Status::Warning && little.remedy.unwrap().contains("recording.max_bytes"));
        assert_eq!(judge(&recordings, Path::new("/x"), &seen(Ok(()), Some(least - 1))).status, Status::Error);
    }

    #[test]
    fn only_directories_that_are_used_are_looked_at() {
        let [store, recordings] = directories(&settings(&[("BRIDGE__STORE__DIR", "memory")]));
        assert!(matches!((store.place, recordings.place), (Place::Unused(_), Place::Unused(_))));
        let [store, recordings] = directories(&settings(&[
            ("BRIDGE__STORE__DIR", "/s"),
            ("BRIDGE__RECORDING__ENABLED", "true"),
            ("BRIDGE__RECORDING__DIR", "/r"),
        ]));
        assert!(matches!(store.place, Place::Directory(dir) if dir == Path::new("/s")));
        assert!(matches!(recordings.place, Place::Directory(dir) if dir == Path::new("/r")));
    }
}
