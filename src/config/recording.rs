//! Recording of what legs carry, and what callers are told about it.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;

/// Longest announcement, in characters: about a minute of speech. The media stream begins behind it.
const LONGEST_ANNOUNCEMENT: usize = 600;

/// What a slow voice needs for a character.
const CHARACTER_MS: u64 = 100;

/// From the end of the announcement to the media socket's `start`, and some.
const STREAM_MARGIN_MS: u64 = 10_000;

/// Recording of what legs carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Where files go; set when recording is on.
    pub dir: Option<PathBuf>,
    /// Whether legs are recorded.
    pub enabled: bool,
    /// Days that recordings are kept; none: for ever.
    pub retention_days: Option<u32>,
    /// What all recordings together may take; beyond it the oldest go. None: no limit.
    pub max_bytes: Option<u64>,
    /// Below this much room on the disk nothing is recorded.
    pub min_free_bytes: u64,
    /// What a caller hears before anything is streamed; only when recording is on.
    pub announcement: Option<Announcement>,
}

/// A text that is spoken to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The words.
    pub text: String,
    /// Their language, as Twilio names it: `de-DE`; none: Twilio's own.
    pub language: Option<String>,
}

/// Returns the settings; `token_lifetime` is that of the stream tokens.
pub(super) fn read(read: &mut Reader, token_lifetime: Duration) -> RecordingSettings {
    const DAY_LIMIT: u64 = 36_500;
    const BYTE_LIMIT: u64 = 1_000_000_000_000_000;
    let enabled = read.flag("recording.enabled");
    let dir = read.text("recording.dir").map(PathBuf::from);
    if enabled && dir.is_none() {
        read.problem(
            "recording.dir",
            "is missing, but recording.enabled is true",
            "name a directory that only this server's user reads: callers' voices go there",
        );
    }
    let announcement = read.parsed("recording.announcement", announcement);
    let language = read.parsed("recording.announcement_language", language);
    if let Some(text) = &announcement {
        let needed = text.chars().count() as u64 * CHARACTER_MS + STREAM_MARGIN_MS;
        if token_lifetime < Duration::from_millis(needed) {
            let remedy = format!("set it to {needed} or more, or shorten recording.announcement");
            let fault = "ends before the announcement does: the stream that follows it would be refused";
            read.problem("media.token_lifetime_ms", fault, remedy);
        }
    }
    RecordingSettings {
        dir,
        enabled,
        retention_days: Some(read.number("recording.retention_days", 0..=DAY_LIMIT) as u32)
            .filter(|days| *days > 0),
        max_bytes: Some(read.number("recording.max_bytes", 0..=BYTE_LIMIT)).filter(|bytes| *bytes > 0),
        min_free_bytes: read.number("recording.min_free_bytes", 0..=BYTE_LIMIT),
        announcement: announcement.filter(|_| enabled).map(|text| Announcement { text, language }),
    }
}

fn announcement(text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_ANNOUNCEMENT {
        return Err(format!("must have at most {LONGEST_ANNOUNCEMENT} characters, about a minute of speech"));
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line of text".to_owned());
    }
    Ok(text.to_owned())
}

fn language(text: &str) -> Result<String, String> {
    let is_part =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.len() <= 16 && text.split('-').all(is_part) {
        Ok(text.to_owned())
    } else {
        Err("must be a language as Twilio names it, for instance en-GB or de-DE".to_owned())
    }
}
