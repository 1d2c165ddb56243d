//! The book on disk: one note a line, written by a thread of its own. A file that only this server's user reads.
//!
//! A process that is killed leaves what it has written; the file's time says until when it lived, give or take a second. A machine that
//! loses its power may lose the last notes: the file is not flushed to the disk, for a call is not worth a wait. What is missing is
//! looked up at Twilio, except for the connection's name.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::book::{CallBook, Note, UnixMillis};
use crate::telemetry::events;

/// How often the file says that the process lives.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// Notes that may wait for the writer; a note that finds no place makes it write the whole book anew.
const WAITING: usize = 4096;

/// Lines beyond twice the book before the file is written anew.
const SLACK: usize = 1000;

/// No file of ours is longer; what comes after is not read.
const LONGEST_FILE: u64 = 64 * 1024 * 1024;

/// Notes on their way to the file.
#[derive(Debug)]
pub struct Journal {
    notes: SyncSender<Note>,
    /// A note was lost on the way.
    is_behind: Arc<AtomicBool>,
    was_free: bool,
}

impl Journal {
    /// Writes a note down, soon.
    pub fn write(&self, note: Note) {
        if self.notes.try_send(note).is_err() {
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }

    /// Starts the writer for a book that [`read`] has filled.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn start(path: &Path, book: &Arc<Mutex<CallBook>>) -> io::Result<Self> {
        let mut writer = Writer::open(path, book)?;
        let (notes, waiting) = sync_channel(WAITING);
        let (is_behind, was_free) = (Arc::clone(&writer.is_behind), writer.is_ours);
        std::thread::Builder::new().name("calls-journal".to_owned()).spawn(move || writer.run(&waiting))?;
        Ok(Self { notes, is_behind, was_free })
    }

    /// Returns whether no other process had the file.
    pub fn was_free(&self) -> bool {
        self.was_free
    }
}

/// Fills a book with what the earlier life wrote down; returns when it was last alive, none if there was none.
///
/// # Errors
///
/// The file is there and cannot be read.
pub fn read(path: &Path, book: &mut CallBook) -> io::Result<Option<UnixMillis>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let alive_at = file.metadata()?.modified()?;
    for line in BufReader::new(file.take(LONGEST_FILE)).split(b'\n') {
        // The last line of a process that was killed may be half a line.
        if let Ok(note) = serde_json::from_slice(&line?) {
            book.replay(note);
        }
    }
    let alive_at = alive_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Some(u64::try_from(alive_at.as_millis()).unwrap_or_default()))
}

struct Writer {
    path: PathBuf,
    file: File,
    /// Whether the file is ours alone: another process may still be writing while it ends.
    is_ours: bool,
    lines: usize,
    book: Weak<Mutex<CallBook>>,
    is_behind: Arc<AtomicBool>,
    /// The last thing that was tried failed, and the log knows.
    is_failing: bool,
}

impl Writer {
    fn open(path: &Path, book: &Arc<Mutex<CallBook>>) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = appended(path)?;
        let is_ours = file.try_lock().is_ok();
        let mut writer = Self {
            path: path.to_owned(),
            file,
            is_ours,
            lines: 0,
            book: Arc::downgrade(book),
            is_behind: Arc::default(),
            is_failing: false,
        };
        writer.write_anew()?;
        Ok(writer)
    }

    fn run(&mut self, waiting: &Receiver<Note>) {
        let mut said_alive = Instant::now();
        loop {
            let mut text = Vec::new();
            match waiting.recv_timeout(ALIVE_EVERY) {
                Ok(note) => {
                    self.lines += line(&note, &mut text);
                    while let Ok(note) = waiting.try_recv() {
                        self.lines += line(&note, &mut text);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let mut done = self.file.write_all(&text);
            if said_alive.elapsed() >= ALIVE_EVERY {
                said_alive = Instant::now();
                done = done.and_then(|()| self.file.set_modified(SystemTime::now()));
            }
            let done = done.and_then(|()| self.tidy());
            self.report(done);
        }
    }

    /// Writes the file anew when it is much longer than the book, or lacks a note.
    fn tidy(&mut self) -> io::Result<()> {
        let is_behind = self.is_behind.swap(false, Ordering::Relaxed);
        let Some(book) = self.book.upgrade() else { return Ok(()) };
        let most = 2 * book.lock().unwrap_or_else(PoisonError::into_inner).entries().count() + SLACK;
        if !is_behind && self.lines <= most {
            return Ok(());
        }
        self.is_ours = self.is_ours || self.file.try_lock().is_ok();
        self.write_anew()
    }

    /// Writes the whole book, in a file that takes the place of the old one. A file that another process has open is only added to.
    fn write_anew(&mut self) -> io::Result<()> {
        let Some(book) = self.book.upgrade() else { return Ok(()) };
        let notes = book.lock().unwrap_or_else(PoisonError::into_inner).notes();
        let mut text = Vec::new();
        self.lines = notes.iter().map(|note| line(note, &mut text)).sum();
        if !self.is_ours {
            return self.file.write_all(&text);
        }
        let fresh = self.path.with_extension("journal.new");
        let _ = std::fs::remove_file(&fresh);
        let mut file = appended(&fresh)?;
        file.write_all(&text)?;
        file.try_lock().map_err(io::Error::from)?;
        std::fs::rename(&fresh, &self.path)?;
        self.file = file;
        Ok(())
    }

    fn report(&mut self, done: io::Result<()>) {
        let was_failing = std::mem::replace(&mut self.is_failing, done.is_err());
        if let Err(fault) = done {
            self.is_behind.store(true, Ordering::Relaxed);
            if !was_failing {
                events::CallsJournalUnavailable { leg: None, reason: &fault.to_string() }.emit();
            }
        }
    }
}

fn appended(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn line(note: &Note, text: &mut Vec<u8>) -> usize {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *text, note);
    text.push(b'\n');
    1
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::bridge::call::registry::LegId;
    use crate::bridge::reattach::book::{Entry, State};
    use crate::twilio::CallSid;

    fn entry(at: UnixMillis) -> Entry {
        let (room, connection_id) = ("talk".to_owned(), "C".to_owned());
        Entry { room, connection_id, stream: 7, began_at: at, state: State::Live }
    }

    /// Reads until the file tells what is expected.
    fn wait_for(path: &Path, expected: impl Fn(&CallBook) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let mut book = CallBook::new(9999);
            read(path, &mut book).unwrap();
            if expected(&book) {
                return;
            }
            assert!(Instant::now() < deadline, "the notes never came");
            std::thread::yield_now();
        }
    }

    #[test]
    fn notes_are_there_for_the_next_life_and_for_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/calls.journal");
        let mut first = CallBook::new(9);
        assert_eq!(read(&path, &mut first).unwrap(), None);
        let first = Arc::new(Mutex::new(first));
        let journal = Journal::start(&path, &first).unwrap();
        assert!(journal.was_free());
        let call = CallSid::parse("CA1").unwrap();
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        journal.write(first.lock().unwrap().began(LegId(1), &call, entry(now)).0.unwrap());
        wait_for(&path, |book| book.entry(&call).is_some());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        // A second life while the first still holds the file: nothing of either is lost.
        let mut second = CallBook::new(9);
        let alive_at = read(&path, &mut second).unwrap().unwrap();
        second.life_ended(alive_at, alive_at + 1000);
        assert_eq!(second.entry(&call).unwrap().state, State::Lost(alive_at.max(now)));
        let second = Arc::new(Mutex::new(second));
        let other = Journal::start(&path, &second).unwrap();
        assert!(!other.was_free(), "the first still has it");
        other.write(second.lock().unwrap().over(&call, 9).unwrap());
        wait_for(&path, |book| book.entry(&call).is_some_and(|entry| entry.state == State::Over(9)));
    }

    #[test]
    fn the_file_does_not_grow_with_the_calls_that_ever_were_and_half_a_line_is_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calls.journal");
        std::fs::write(&path, "{\"note\":\"began\",\"call\":\"CA9\",\"roo").unwrap();
        let book = Arc::new(Mutex::new(CallBook::new(9)));
        read(&path, &mut book.lock().unwrap()).unwrap();
        let journal = Journal::start(&path, &book).unwrap();
        let call = CallSid::parse("CA1").unwrap();
        for number in 0..5000 {
            let (note, _) = book.lock().unwrap().began(LegId(number), &call, entry(number));
            journal.write(note.unwrap());
        }
        wait_for(&path, |book| book.entry(&call).is_some_and(|entry| entry.began_at == 4999));
        // The last notes may still be on their way when the file is written anew.
        let is_short = || std::fs::read_to_string(&path).unwrap().lines().count() <= SLACK + WAITING;
        assert!(is_short());
    }
}
