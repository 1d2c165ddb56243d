//! Mu-law WAV files (format tag 7), written piece by piece and readable whenever the writing stops.
//!
//! While a file grows, its sizes say "up to the end", as those of a pipe do; [`MulawWavFile::finish`] and
//! [`MulawWavFile::repair`] put the true ones in. No sample is ever changed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::{TELEPHONE_RATE, mulaw};

/// Bytes before the first sample: `RIFF`, `fmt ` with its empty extension, `fact`, the head of `data`.
pub const HEADER_BYTES: usize = 58;

/// What is in `RIFF` and not in `data`, the two size fields of `RIFF` left out.
const AROUND_DATA: u64 = HEADER_BYTES as u64 - 8;

/// What a size field says while nobody knows the size.
const NOT_KNOWN: u32 = u32::MAX;

/// Silence is written in pieces of this size.
const SILENCE_PIECE: usize = 64 * 1024;

/// A mu-law WAV file that grows: 8000 Hz, mono. Only its owner may read it.
#[derive(Debug)]
pub struct MulawWavFile {
    file: File,
    audio: u64,
}

impl MulawWavFile {
    /// Makes a file that is not there yet.
    ///
    /// # Errors
    ///
    /// The file exists, or cannot be made or written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        if let Err(error) = file.write_all_at(&header(None), 0) {
            // A disk that has no room for a header shall not be left with a file that holds nothing.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { file, audio: 0 })
    }

    /// Returns how many bytes of audio the file holds; 8 are a millisecond.
    pub fn audio_bytes(&self) -> u64 {
        self.audio
    }

    /// Writes audio at the end. What a failure left behind is written over by the next piece.
    ///
    /// # Errors
    ///
    /// Not all of it could be written; none of it counts.
    pub fn append(&mut self, audio: &[u8]) -> io::Result<()> {
        self.file.write_all_at(audio, HEADER_BYTES as u64 + self.audio)?;
        self.audio += audio.len() as u64;
        Ok(())
    }

    /// Writes silence at the end.
    ///
    /// # Errors
    ///
    /// Not all of it could be written; [`MulawWavFile::audio_bytes`] tells how much was.
    pub fn append_silence(&mut self, bytes: u64) -> io::Result<()> {
        static SILENCE: [u8; SILENCE_PIECE] = [mulaw::SILENCE; SILENCE_PIECE];
        let end = self.audio.saturating_add(bytes);
        while self.audio < end {
            let piece = usize::try_from(end - self.audio).unwrap_or(SILENCE_PIECE).min(SILENCE_PIECE);
            self.append(&SILENCE[..piece])?;
        }
        Ok(())
    }

    /// Puts the true sizes in and waits until the disk has it all.
    ///
    /// # Errors
    ///
    /// The disk does not take it; the file is as readable as before.
    pub fn finish(self) -> io::Result<()> {
        let end = HEADER_BYTES as u64 + self.audio;
        // A failed write may have left more than counts.
        self.file.set_len(end)?;
        self.file.write_all_at(&header(Some(self.audio)), 0)?;
        if !self.audio.is_multiple_of(2) {
            // Chunks have an even length. Silence, so that whoever takes it for a sample hears nothing.
            self.file.write_all_at(&[mulaw::SILENCE], end)?;
        }
        self.file.sync_data()
    }

    /// Puts the true sizes into a file whose writer died, and returns how many bytes of audio it holds.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn repair(path: &Path) -> io::Result<u64> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let audio = file.metadata()?.len().saturating_sub(HEADER_BYTES as u64);
        Self { file, audio }.finish()?;
        Ok(audio)
    }
}

/// Returns what stands before so many bytes of audio; none: before as many as there will be.
pub fn header(audio: Option<u64>) -> [u8; HEADER_BYTES] {
    let field = |size: u64| u32::try_from(size).unwrap_or(NOT_KNOWN);
    let (riff, samples) = match audio {
        Some(audio) => (field(audio + audio % 2 + AROUND_DATA), field(audio)),
        None => (NOT_KNOWN, NOT_KNOWN),
    };
    let mut header = [0; HEADER_BYTES];
    let parts: [&[u8]; 15] = [
        b"RIFF",
        &riff.to_le_bytes(),
        b"WAVEfmt ",
        &18u32.to_le_bytes(),
        // Mu-law, one channel.
        &[7, 0, 1, 0],
        // Samples a second, and bytes a second.
        &TELEPHONE_RATE.to_le_bytes(),
        &TELEPHONE_RATE.to_le_bytes(),
        // Bytes a frame, bits a sample, bytes of extension.
        &[1, 0, 8, 0],
        &[0, 0],
        // Samples in all: asked for where a format is not PCM.
        b"fact",
        &4u32.to_le_bytes(),
        &samples.to_le_bytes(),
        b"data",
        &samples.to_le_bytes(),
        &[],
    ];
    let mut at = 0;
    for part in parts {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    header
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::audio::load_mulaw_8k;
    use crate::audio::wav::mulaw_8k;

    #[test]
    fn what_is_written_is_read_again_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let bytes: Vec<u8> = (0..=255).chain([7]).collect();
        let mut file = MulawWavFile::create(&path).unwrap();
        for piece in bytes.chunks(100) {
            file.append(piece).unwrap();
        }
        // Before the end as after it.
        assert_eq!(load_mulaw_8k(&path).unwrap(), bytes);
        file.finish().unwrap();
        assert_eq!(load_mulaw_8k(&path).unwrap(), bytes);
        let content = std::fs::read(&path).unwrap();
        assert_eq!(content.len(), HEADER_BYTES + 258, "an even length");
        assert_eq!(content[4..8], 308u32.to_le_bytes(), "all that follows the size");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(MulawWavFile::create(&path).is_err(), "it would be written over");
    }

    #[test]
    fn silence_is_written_in_the_length_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut file = MulawWavFile::create(&path).unwrap();
        file.append(&[1, 2]).unwrap();
        file.append_silence(200_000).unwrap();
        file.append(&[3]).unwrap();
        assert_eq!(file.audio_bytes(), 200_003);
        file.finish().unwrap();
        let read = load_mulaw_8k(&path).unwrap();
        assert_eq!((read.len(), &read[..3], read[200_002]), (200_003, &[1, 2, 0xFF][..], 3));
        assert!(read[2..200_002].iter().all(|byte| *byte == mulaw::SILENCE));
    }

    proptest::proptest! {
        #[test]
        fn a_file_cut_off_anywhere_gives_the_audio_before_the_cut(audio: Vec<u8>, cut: proptest::sample::Index, finished: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.wav");
            let mut file = MulawWavFile::create(&path).unwrap();
            file.append(&audio).unwrap();
            if finished {
                file.finish().unwrap();
            }
            let content = std::fs::read(&path).unwrap();
            let cut = cut.index(content.len() + 1);
            let kept = audio.len().min(cut.saturating_sub(HEADER_BYTES));
            // As it was left.
            match mulaw_8k(&path, &content[..cut]) {
                Ok(read) => proptest::prop_assert_eq!(&read, &audio[..kept]),
                Err(_) => proptest::prop_assert_eq!(kept, 0),
            }
            // As the next start leaves it.
            std::fs::write(&path, &content[..cut]).unwrap();
            let pad = usize::from(finished && audio.len() % 2 == 1 && cut == content.len());
            proptest::prop_assert_eq!(MulawWavFile::repair(&path).unwrap(), (kept + pad) as u64);
            if kept > 0 {
                proptest::prop_assert_eq!(&load_mulaw_8k(&path).unwrap()[..kept], &audio[..kept]);
            }
        }
    }
}
