//! One recording in the making: what came in, put in order, and the files it goes to.
//!
//! `position` is where the recording is in time; the file may be behind. What is between its end and the pieces that wait
//! could not be written when it should have been: a hole, which becomes silence as soon as the disk takes bytes again.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use jiff::Timestamp;

use super::BYTES_PER_MS;
use super::folder::{Folder, Trouble, complete, write_private};
use super::library::Place;
use super::recorder::Shared;
use super::sidecar::{About, GapCause, Sidecar};
use crate::audio::mulaw_wav::MulawWavFile;
use crate::telemetry::{LegTags, events};

/// Pieces are put together up to this size before they are written.
const PIECE: usize = 64 * 1024;

/// One recording in the making.
#[derive(Debug)]
pub(super) struct Take {
    sidecar: Sidecar,
    tags: LegTags,
    files: Option<(Place, MulawWavFile)>,
    waiting: Vec<Segment>,
    /// Bytes from the beginning, holes and what waits included.
    position: u64,
    /// Whether the sidecar on the disk is out of date.
    has_news: bool,
}

#[derive(Debug)]
enum Segment {
    Audio(Bytes),
    Silence(u64),
}

impl Segment {
    fn bytes(&self) -> u64 {
        match self {
            Self::Audio(audio) => audio.len() as u64,
            Self::Silence(bytes) => *bytes,
        }
    }
}

impl Take {
    pub(super) fn new(about: About, started_at: Timestamp, tags: LegTags) -> Self {
        let sidecar = Sidecar::new(about, started_at);
        Self { sidecar, tags, files: None, waiting: Vec::new(), position: 0, has_news: false }
    }

    pub(super) fn audio(&mut self, audio: Bytes) {
        self.position += audio.len() as u64;
        self.waiting.push(Segment::Audio(audio));
    }

    pub(super) fn gap(&mut self, missing: u64, silence: u64, cause: GapCause) {
        self.sidecar.gap(self.position, missing, silence, cause);
        self.has_news = true;
        self.position += silence;
        self.waiting.push(Segment::Silence(silence));
    }

    pub(super) fn conversation(&mut self, id: String) {
        self.sidecar.conversation_id = Some(id);
        self.has_news = true;
    }

    /// Writes what waits; what cannot be written is lost, and its place is kept.
    pub(super) fn flush(&mut self, folder: &mut Folder, shared: &Shared) {
        if self.files.is_some() && self.waiting.is_empty() && !self.has_news {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let asked: u64 = waiting.iter().map(Segment::bytes).sum();
        let (before, end) = (self.written(), self.position);
        let hole = end - asked - before;
        let result = self.write(hole, &waiting, folder);
        let written = self.written() - before;
        shared.counters.written.fetch_add(written, Ordering::Relaxed);
        folder.grew(written);
        if let Err(trouble) = result {
            // The hole was told when it came to be.
            let lost = (end - self.written()).saturating_sub(hole);
            shared.lose(&self.tags, lost, &trouble.to_string());
        }
    }

    fn written(&self) -> u64 {
        self.files.as_ref().map_or(0, |(_, file)| file.audio_bytes())
    }

    fn write(&mut self, hole: u64, waiting: &[Segment], folder: &mut Folder) -> Result<(), Trouble> {
        folder.ready()?;
        if self.files.is_none() {
            self.files = Some(folder.create(&self.sidecar)?);
        }
        let Some((place, file)) = &mut self.files else {
            return Ok(());
        };
        if hole > 0 {
            let at = file.audio_bytes();
            let result = file.append_silence(hole);
            let silence = file.audio_bytes() - at;
            if silence > 0 {
                self.sidecar.gap(at, silence, silence, GapCause::Recorder);
                self.has_news = true;
            }
            result?;
        }
        let mut piece = Vec::with_capacity(PIECE);
        let mut frames = 0;
        let mut rest = waiting.iter().peekable();
        while let Some(segment) = rest.next() {
            match segment {
                Segment::Audio(audio) => {
                    piece.extend_from_slice(audio);
                    frames += 1;
                }
                Segment::Silence(bytes) => file.append_silence(*bytes)?,
            }
            let is_next_silence = matches!(rest.peek(), None | Some(Segment::Silence(_)));
            if !piece.is_empty() && (piece.len() >= PIECE || is_next_silence) {
                file.append(&piece)?;
                self.sidecar.frames += std::mem::take(&mut frames);
                piece.clear();
            }
        }
        if self.has_news {
            self.sidecar.length_ms = file.audio_bytes() / BYTES_PER_MS;
            write_private(&place.file("json.part"), &self.sidecar.to_json())?;
            self.has_news = false;
        }
        Ok(())
    }

    /// Completes the recording: true sizes, a last sidecar, final names.
    pub(super) fn finish(mut self, at: Timestamp, reason: &str, folder: &mut Folder, shared: &Shared) {
        self.flush(folder, shared);
        let (written, position) = (self.written(), self.position);
        let Some((place, file)) = self.files.take() else {
            return;
        };
        if position > written {
            self.sidecar.gap(written, position - written, 0, GapCause::Recorder);
        }
        self.sidecar.length_ms = written / BYTES_PER_MS;
        self.sidecar.ended_at = Some(at);
        self.sidecar.end_reason = Some(reason.to_owned());
        let finished = file
            .finish()
            .and_then(|()| write_private(&place.file("json.part"), &self.sidecar.to_json()))
            .and_then(|()| complete(&place));
        match finished {
            Ok(()) => {
                shared.counters.kept.fetch_add(1, Ordering::Relaxed);
                let day = place.folder.file_name().unwrap_or_default().to_string_lossy();
                events::RecordingKept {
                    leg: Some(&self.tags),
                    file: &format!("{day}/{}.wav", place.stem),
                    length_ms: self.sidecar.length_ms,
                    missing_ms: self.sidecar.missing_ms,
                }
                .emit();
            }
            // The audio is there, and the next start completes it.
            Err(error) => shared.lose(&self.tags, 0, &Trouble::from(error).to_string()),
        }
    }
}
