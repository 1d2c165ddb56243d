//! The recordings in a directory: `<day>/<callSid>-<n>.wav` with `.json` beside it, `.part` behind both while they grow.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::sidecar::Sidecar;

/// Sidecars are smaller: a thousand gaps and a few names.
const LARGEST_SIDECAR: u64 = 1024 * 1024;

/// Where one recording's files are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The day's directory.
    pub folder: PathBuf,
    /// The files' name without what stands after the dot.
    pub stem: String,
}

impl Place {
    /// Returns the place of the `number`th recording of a call that began at this time.
    pub fn new(dir: &Path, call_sid: &str, started_at: Timestamp, number: u32) -> Self {
        // Twilio's own identifiers are letters and digits; nobody else's shall lead out of the directory.
        let is_safe = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let name: String =
            call_sid.chars().map(|letter| if is_safe(letter) { letter } else { '_' }).collect();
        let day = started_at.to_zoned(TimeZone::UTC).date();
        Self { folder: dir.join(day.to_string()), stem: format!("{name}-{number}") }
    }

    /// Returns the place of the recording that an audio file belongs to; none if it has no name.
    pub fn of_wav(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let stem = name.strip_suffix(".wav").or_else(|| name.strip_suffix(".wav.part"))?;
        Some(Self { folder: path.parent()?.to_owned(), stem: stem.to_owned() })
    }

    /// Returns one of its files; `ending` without the dot.
    pub fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.stem))
    }

    /// Returns the audio: complete, or as far as it goes.
    pub fn audio(&self) -> PathBuf {
        let complete = self.file("wav");
        if complete.exists() { complete } else { self.file("wav.part") }
    }

    /// Returns what is known of the recording; none if it has no sidecar that can be read.
    pub fn sidecar(&self) -> Option<Sidecar> {
        [self.file("json"), self.file("json.part")].iter().find_map(|path| read_sidecar(path))
    }
}

fn read_sidecar(path: &Path) -> Option<Sidecar> {
    if fs::metadata(path).ok()?.len() > LARGEST_SIDECAR {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// A recording that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its day.
    pub day: Date,
    /// Its files.
    pub place: Place,
    /// When the newest of its files was written.
    pub modified: SystemTime,
    /// What its files take.
    pub bytes: u64,
    /// Whether it is still growing, or was when its process died.
    pub is_partial: bool,
}

/// Returns all recordings, oldest first. What is no recording of ours is passed over.
///
/// # Errors
///
/// The directory cannot be read.
pub fn list(dir: &Path) -> io::Result<Vec<Kept>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Some(day) = day_of(&entry.file_name()).filter(|_| entry.path().is_dir()) else {
            continue;
        };
        // A day that went away meanwhile has no recordings.
        all.extend(list_day(day, &entry.path()).unwrap_or_default());
    }
    all.sort_by(|a, b| (a.day, a.modified, &a.place).cmp(&(b.day, b.modified, &b.place)));
    Ok(all)
}

fn day_of(name: &OsString) -> Option<Date> {
    name.to_str().filter(|name| name.len() == 10)?.parse().ok()
}

fn list_day(day: Date, folder: &Path) -> io::Result<Vec<Kept>> {
    let mut by_stem: BTreeMap<String, Kept> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((stem, ending)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        if !matches!(ending, "wav" | "json" | "wav.part" | "json.part") || !is_numbered(stem) {
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let kept = by_stem.entry(stem.to_owned()).or_insert_with(|| Kept {
            day,
            place: Place { folder: folder.to_owned(), stem: stem.to_owned() },
            modified: SystemTime::UNIX_EPOCH,
            bytes: 0,
            is_partial: false,
        });
        kept.modified = kept.modified.max(metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        kept.bytes += metadata.len();
        kept.is_partial |= ending.ends_with("part");
    }
    Ok(by_stem.into_values().collect())
}

/// Returns whether a name ends like those of our files.
fn is_numbered(stem: &str) -> bool {
    stem.rsplit_once('-').is_some_and(|(name, number)| !name.is_empty() && number.parse::<u32>().is_ok())
}

/// Returns the recordings of a call, a conference or a conversation, named by any of their ids, in the order in which they began.
///
/// # Errors
///
/// The directory cannot be read.
pub fn find(dir: &Path, id: &str) -> io::Result<Vec<(Place, Sidecar)>> {
    let mut found: Vec<(Place, Sidecar)> = Vec::new();
    for kept in list(dir)? {
        let Some(sidecar) = kept.place.sidecar() else {
            continue;
        };
        let about = &sidecar.about;
        let is_of_call = [&*about.call_sid, &*about.stream_sid, &*about.connection_id].contains(&id);
        if is_of_call || sidecar.conversation_id.as_deref() == Some(id) {
            found.push((kept.place, sidecar));
        }
    }
    found.sort_by_key(|(_, sidecar)| sidecar.started_at);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::sidecar::tests::about;
    use super::*;

    #[test]
    fn names_are_of_the_day_and_the_call_and_stay_in_the_directory() {
        let at: Timestamp = "2026-03-03T23:59:59Z".parse().unwrap();
        let place = Place::new(Path::new("/r"), "CA1", at, 2);
        assert_eq!(place.file("wav"), Path::new("/r/2026-03-03/CA1-2.wav"));
        assert_eq!(Place::of_wav(&place.file("wav")), Some(place.clone()));
        assert_eq!(Place::of_wav(&place.file("wav.part")), Some(place));
        let place = Place::new(Path::new("/r"), "../../etc/x.y", at, 1);
        assert_eq!(place.file("json"), Path::new("/r/2026-03-03/______etc_x_y-1.json"));
    }

    #[test]
    fn recordings_are_found_by_any_of_their_ids_and_strangers_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        for (call, at) in [("CA1", "2026-03-03T10:00:05Z"), ("CA2", "2026-03-03T10:00:00Z")] {
            let sidecar = Sidecar::new(about(call), at.parse().unwrap());
            let place = Place::new(dir, call, sidecar.started_at, 1);
            fs::create_dir_all(&place.folder).unwrap();
            fs::write(place.file("wav"), [0; 100]).unwrap();
            fs::write(place.file("json"), sidecar.to_json()).unwrap();
        }
        fs::write(dir.join("2026-03-03/notes.txt"), "mine").unwrap();
        fs::write(dir.join("2026-03-03/bad-1.json"), "no JSON").unwrap();
        fs::create_dir(dir.join("other")).unwrap();
        fs::write(dir.join("other/CA1-1.wav"), "mine").unwrap();
        let stems = |id: &str| -> Vec<String> {
            find(dir, id).unwrap().into_iter().map(|(place, _)| place.stem).collect()
        };
        assert_eq!(stems("CA1"), ["CA1-1"]);
        assert_eq!(stems("connection-1"), ["CA2-1", "CA1-1"], "in the order of their beginning");
        assert!(stems("").is_empty() && stems("CA3").is_empty());
        let all = list(dir).unwrap();
        assert_eq!(all.len(), 3, "the one with a broken sidecar is a recording, too");
        assert!(find(&dir.join("absent"), "CA1").is_err());
    }
}
