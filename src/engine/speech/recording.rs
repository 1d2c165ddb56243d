//! A whole recording heard as a live call is, as fast as the workers can: for tools and tests.

use std::sync::{Arc, mpsc};

use super::{
    audio::{AudioFormat, UnsupportedRate},
    ear::Ear,
    listener::{Final, SpeechEvent},
    pool::{Decoded, Pool},
};

/// Why a recording could not be heard.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It has a sample rate that calls cannot have.
    #[error(transparent)]
    Rate(#[from] UnsupportedRate),
    /// A phrase of it could not be recognised.
    #[error("the phrase from {start_ms} to {end_ms} ms could not be recognised")]
    Lost {
        /// Its beginning.
        start_ms: u64,
        /// Its end.
        end_ms: u64,
    },
    /// The pool's workers ended.
    #[error("the recogniser's workers have ended")]
    NoWorkers,
}

/// Hears the recording that comes in `chunks` and returns its phrases. Blocks: not for async workers.
pub fn hear_recording<'a>(
    pool: &Pool,
    format: AudioFormat,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Final>, RecordingError> {
    let (results, decoded) = mpsc::channel::<Decoded>();
    let deliver = Arc::new(move |result| {
        // The receiver lives until the ear is settled.
        let _ = results.send(result);
    });
    let mut ear = Ear::open(pool, format, false, deliver)?;
    let next = || decoded.recv().map_err(|_| RecordingError::NoWorkers);
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(ear.hear(chunk));
        while ear.is_behind() {
            events.extend(ear.on_decoded(next()?));
        }
    }
    events.extend(ear.finish());
    while !ear.is_settled() {
        events.extend(ear.on_decoded(next()?));
    }
    let mut finals = Vec::new();
    for event in events {
        match event {
            SpeechEvent::Final(phrase) => finals.push(phrase),
            SpeechEvent::Lost { start_ms, end_ms } => return Err(RecordingError::Lost { start_ms, end_ms }),
            SpeechEvent::Partial(_) => {}
        }
    }
    Ok(finals)
}

/// Joins the texts of phrases, cased and punctuated.
pub fn joined(phrases: &[Final]) -> String {
    phrases.iter().map(|phrase| phrase.punctuated.as_str()).collect::<Vec<_>>().join(" ")
}
