//! The directory that recordings are written to: whose it is, how much room there is, what is left over, what goes when.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::BYTES_PER_MS;
use super::library::{Kept, Place, list};
use super::sidecar::{PROCESS_DIED, Sidecar};
use crate::audio::mulaw_wav::MulawWavFile;
use crate::config::RecordingSettings;
use crate::telemetry::events;

/// How often it is looked how much room there is, and whether a directory that could not be used can be.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often old recordings are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// Where there are too many recordings, a twentieth more go than have to: not one after the other.
const SPARE: u64 = 20;

/// Streams of one call and day.
const MOST_OF_A_CALL: u32 = 1000;

/// Audio in a media message of Twilio's.
const FRAME_MS: u64 = 20;

/// Held by the process that writes here.
const LOCK_FILE: &str = ".lock";

/// Bounds of a directory of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Days that recordings are kept; none: for ever.
    pub retention_days: Option<u32>,
    /// What all recordings together may take.
    pub max_bytes: Option<u64>,
    /// Below this much room on the disk nothing is written.
    pub min_free_bytes: u64,
}

impl From<&RecordingSettings> for Limits {
    fn from(settings: &RecordingSettings) -> Self {
        Self {
            retention_days: settings.retention_days,
            max_bytes: settings.max_bytes,
            min_free_bytes: settings.min_free_bytes,
        }
    }
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The directory cannot be made, read or written.
    #[error("recording.dir cannot be used: {0}")]
    Unusable(String),
    /// It is another's.
    #[error("another process records into recording.dir")]
    Held,
    /// The disk is nearly full.
    #[error("less than recording.min_free_bytes are free on the disk of recording.dir")]
    NoRoom,
    /// All that could go has gone.
    #[error("recording.max_bytes is reached by the recordings that are being made")]
    TooMuch,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

/// The directory, as the writer's thread has it.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    limits: Limits,
    /// Ours while this is held.
    lock: Option<File>,
    looked: Option<(Instant, Result<(), Trouble>)>,
    bytes: u64,
    tidy_at: Instant,
    deleted: u64,
}

impl Folder {
    /// Returns the directory; nothing is made or read yet.
    pub fn new(dir: PathBuf, limits: Limits) -> Self {
        Self { dir, limits, lock: None, looked: None, bytes: 0, tidy_at: Instant::now(), deleted: 0 }
    }

    /// Returns whether something may be written, or why not.
    ///
    /// # Errors
    ///
    /// The directory cannot be used, or there is no room. It is looked again after a while.
    pub fn ready(&mut self) -> Result<(), Trouble> {
        if let Some((at, result)) = &self.looked
            && at.elapsed() < LOOK_EVERY
        {
            return result.clone();
        }
        let result = self.look();
        let before = self.looked.take().map(|(_, before)| before);
        if let Err(trouble) = &result
            && before.as_ref() != Some(&result)
        {
            events::RecordingUnavailable { leg: None, reason: &trouble.to_string() }.emit();
        }
        self.looked = Some((Instant::now(), result.clone()));
        result
    }

    fn look(&mut self) -> Result<(), Trouble> {
        if self.lock.is_none() {
            self.open()?;
        }
        if free_bytes(&self.dir)? < self.limits.min_free_bytes {
            return Err(Trouble::NoRoom);
        }
        let is_too_much = |folder: &Self| folder.limits.max_bytes.is_some_and(|most| folder.bytes > most);
        if is_too_much(self) {
            self.tidy();
            if is_too_much(self) {
                return Err(Trouble::TooMuch);
            }
        }
        Ok(())
    }

    /// Takes the directory for this process and completes what another left.
    fn open(&mut self) -> Result<(), Trouble> {
        make_directory(&self.dir)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(self.dir.join(LOCK_FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Trouble::Held),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let recordings = complete_leftovers(&self.dir)?;
        if recordings > 0 {
            events::RecordingsCompleted { leg: None, recordings }.emit();
        }
        self.lock = Some(file);
        self.tidy();
        Ok(())
    }

    /// Makes the files of a recording that begins.
    ///
    /// # Errors
    ///
    /// The directory cannot be used, or there is no room.
    pub fn create(&mut self, sidecar: &Sidecar) -> Result<(Place, MulawWavFile), Trouble> {
        self.ready()?;
        let created = self.create_files(sidecar);
        if let Err(trouble) = &created {
            // Not again for every leg and batch.
            self.looked = Some((Instant::now(), Err(trouble.clone())));
        }
        created
    }

    fn create_files(&self, sidecar: &Sidecar) -> Result<(Place, MulawWavFile), Trouble> {
        for number in 1..=MOST_OF_A_CALL {
            let place = Place::new(&self.dir, &sidecar.about.call_sid, sidecar.started_at, number);
            make_directory(&place.folder)?;
            if place.file("wav").exists() || place.file("json").exists() {
                continue;
            }
            match MulawWavFile::create(&place.file("wav.part")) {
                Ok(file) => {
                    write_private(&place.file("json.part"), &sidecar.to_json())?;
                    return Ok((place, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Trouble::Unusable(format!("{MOST_OF_A_CALL} recordings of one call and day")))
    }

    /// Takes note of bytes written.
    pub fn grew(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Returns how many recordings were deleted since this was asked last.
    pub fn take_deleted(&mut self) -> u64 {
        std::mem::take(&mut self.deleted)
    }

    /// Returns how long it is until [`Folder::tidy_if_due`] has something to do.
    pub fn until_tidy(&self) -> Duration {
        self.tidy_at.saturating_duration_since(Instant::now())
    }

    /// Deletes what is too old or too much, once an hour.
    pub fn tidy_if_due(&mut self) {
        if self.until_tidy().is_zero() {
            self.tidy_at = Instant::now() + TIDY_EVERY;
            if self.lock.is_some() {
                self.tidy();
            }
        }
    }

    fn tidy(&mut self) {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        // What cannot be read is not counted; the next look says why.
        let Ok(all) = list(&self.dir) else {
            return;
        };
        self.bytes = all.iter().map(|kept| kept.bytes).sum();
        let doomed = doomed(&all, today, &self.limits);
        for (reason, chosen) in [("retention_days", doomed.too_old), ("max_bytes", doomed.too_much)] {
            let mut recordings = 0;
            for kept in chosen {
                if delete(&kept.place).is_ok() {
                    self.bytes = self.bytes.saturating_sub(kept.bytes);
                    recordings += 1;
                }
            }
            if recordings > 0 {
                self.deleted += recordings;
                events::RecordingsDeleted { leg: None, recordings, reason }.emit();
            }
        }
        let days: BTreeSet<&PathBuf> = all.iter().map(|kept| &kept.place.folder).collect();
        for day in days {
            // Goes only if it is empty.
            let _ = fs::remove_dir(day);
        }
    }
}

/// What has to go.
#[derive(Debug, PartialEq, Eq)]
struct Doomed<'a> {
    too_old: Vec<&'a Kept>,
    too_much: Vec<&'a Kept>,
}

/// Chooses from all recordings, oldest first. Those that are being made stay.
fn doomed<'a>(all: &'a [Kept], today: Date, limits: &Limits) -> Doomed<'a> {
    let age = limits.retention_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    // A retention longer than the calendar keeps everything.
    let oldest = age.and_then(|age| today.checked_sub(age).ok());
    let finished = all.iter().filter(|kept| !kept.is_partial);
    let (too_old, kept): (Vec<_>, Vec<_>) =
        finished.partition(|kept| oldest.is_some_and(|oldest| kept.day < oldest));
    let old_bytes: u64 = too_old.iter().map(|kept| kept.bytes).sum();
    let mut bytes = all.iter().map(|kept| kept.bytes).sum::<u64>() - old_bytes;
    let mut too_much = Vec::new();
    if let Some(most) = limits.max_bytes.filter(|most| bytes > *most) {
        for kept in kept {
            if bytes <= most - most / SPARE {
                break;
            }
            bytes -= kept.bytes;
            too_much.push(kept);
        }
    }
    Doomed { too_old, too_much }
}

fn delete(place: &Place) -> io::Result<()> {
    fs::remove_file(place.file("wav")).or_else(gone_is_fine)?;
    fs::remove_file(place.file("json")).or_else(gone_is_fine)
}

fn gone_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Completes the recordings of a process that died; returns how many. What cannot be completed can still be read.
fn complete_leftovers(dir: &Path) -> io::Result<u64> {
    let leftovers = list(dir)?.into_iter().filter(|kept| kept.is_partial);
    Ok(leftovers.map(|kept| complete_leftover(&kept.place)).filter(Result::is_ok).count() as u64)
}

fn complete_leftover(place: &Place) -> io::Result<()> {
    fs::remove_file(place.file("json.part.new")).or_else(gone_is_fine)?;
    if !place.file("wav.part").exists() {
        // Somebody took the audio away.
        return fs::remove_file(place.file("json.part")).or_else(gone_is_fine);
    }
    let audio = MulawWavFile::repair(&place.file("wav.part"))?;
    if let Some(mut sidecar) = place.sidecar() {
        sidecar.length_ms = audio / BYTES_PER_MS;
        let silence_ms: u64 = sidecar.gaps.iter().map(|gap| gap.silence_ms).sum();
        // Nobody was left to count them; Twilio's are of one length.
        sidecar.frames = sidecar.length_ms.saturating_sub(silence_ms) / FRAME_MS;
        sidecar.end_reason.get_or_insert_with(|| PROCESS_DIED.to_owned());
        let end = sidecar.started_at + SignedDuration::from_millis(sidecar.length_ms as i64);
        sidecar.ended_at.get_or_insert(end);
        write_private(&place.file("json.part"), &sidecar.to_json())?;
    }
    complete(place)
}

/// Gives a recording its final names, the audio's last: where that is, the sidecar is, too.
pub fn complete(place: &Place) -> io::Result<()> {
    fs::rename(place.file("json.part"), place.file("json")).or_else(gone_is_fine)?;
    fs::rename(place.file("wav.part"), place.file("wav"))
}

/// Writes a whole file that only its owner reads, or leaves the one before it.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

fn make_directory(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn free_bytes(dir: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::sidecar::tests::about;
    use super::*;

    const NO_LIMITS: Limits = Limits { retention_days: None, max_bytes: None, min_free_bytes: 0 };

    fn kept(day: &str, bytes: u64, is_partial: bool) -> Kept {
        Kept {
            day: day.parse().unwrap(),
            place: Place { folder: PathBuf::from(day), stem: "CA1-1".to_owned() },
            modified: SystemTime::UNIX_EPOCH,
            bytes,
            is_partial,
        }
    }

    #[test]
    fn what_is_too_old_goes_and_then_the_oldest_of_what_is_too_much() {
        let today = "2026-03-31".parse().unwrap();
        let all = [
            kept("2026-02-01", 100, true),
            kept("2026-02-28", 100, false),
            kept("2026-03-01", 100, false),
            kept("2026-03-30", 100, false),
        ];
        let days = |chosen: &[&Kept]| chosen.iter().map(|kept| kept.day.to_string()).collect::<Vec<_>>();
        let chosen = |limits: Limits| {
            let doomed = doomed(&all, today, &limits);
            (days(&doomed.too_old), days(&doomed.too_much))
        };
        assert_eq!(chosen(NO_LIMITS), (vec![], vec![]));
        let month = Limits { retention_days: Some(30), ..NO_LIMITS };
        assert_eq!(chosen(month), (vec!["2026-02-28".to_owned()], vec![]), "and the one being made stays");
        assert_eq!(chosen(Limits { max_bytes: Some(300), ..month }).1, Vec::<String>::new());
        assert_eq!(chosen(Limits { max_bytes: Some(299), ..month }).1, ["2026-03-01"]);
        assert_eq!(chosen(Limits { max_bytes: Some(50), ..NO_LIMITS }).1.len(), 3);
        let longer_than_the_calendar = Limits { retention_days: Some(u32::MAX), ..NO_LIMITS };
        assert_eq!(chosen(longer_than_the_calendar).0, Vec::<String>::new());
    }

    #[test]
    fn two_processes_do_not_write_into_one_directory() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Folder::new(dir.path().to_owned(), NO_LIMITS);
        let mut second = Folder::new(dir.path().to_owned(), NO_LIMITS);
        assert_eq!(first.ready(), Ok(()));
        assert_eq!(second.ready(), Err(Trouble::Held));
        drop(first);
        second.looked = None;
        assert_eq!(second.ready(), Ok(()));
    }

    #[test]
    fn a_full_disk_and_a_directory_that_cannot_be_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { min_free_bytes: u64::MAX, ..NO_LIMITS };
        assert_eq!(Folder::new(dir.path().to_owned(), limits).ready(), Err(Trouble::NoRoom));
        fs::write(dir.path().join("file"), "").unwrap();
        let below_a_file = Folder::new(dir.path().join("file/dir"), NO_LIMITS).ready();
        assert!(matches!(below_a_file, Err(Trouble::Unusable(_))), "{below_a_file:?}");
    }

    #[test]
    fn recordings_beyond_the_limit_make_room_and_those_being_made_are_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(dir.path().to_owned(), Limits { max_bytes: Some(1000), ..NO_LIMITS });
        folder.ready().unwrap();
        let sidecar = Sidecar::new(about("CA1"), Timestamp::now());
        let (place, mut file) = folder.create(&sidecar).unwrap();
        file.append(&[1; 2000]).unwrap();
        folder.grew(2000);
        folder.looked = None;
        assert_eq!(folder.ready(), Err(Trouble::TooMuch));
        file.finish().unwrap();
        complete(&place).unwrap();
        folder.looked = None;
        assert_eq!(folder.ready(), Ok(()));
        assert_eq!((folder.take_deleted(), place.file("wav").exists()), (1, false));
    }

    #[test]
    fn what_a_process_that_died_left_is_completed() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(dir.path().to_owned(), NO_LIMITS);
        let sidecar = Sidecar::new(about("CA1"), Timestamp::now());
        let (place, mut file) = folder.create(&sidecar).unwrap();
        file.append(&[1; 801]).unwrap();
        drop((file, folder));
        Folder::new(dir.path().to_owned(), NO_LIMITS).ready().unwrap();
        assert_eq!(crate::audio::load_mulaw_8k(place.file("wav")).unwrap(), [1; 801]);
        let sidecar = place.sidecar().unwrap();
        assert_eq!((sidecar.length_ms, sidecar.end_reason.as_deref()), (100, Some(PROCESS_DIED)));
        assert!(!place.file("wav.part").exists() && !place.file("json.part").exists());
    }
}
