//! What is known of a recording besides its audio: a JSON file beside it. Whole numbers and names: it is the operator's own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::BYTES_PER_MS;

/// Gaps that are listed one by one; the sum goes on.
const MOST_GAPS: usize = 1000;

/// What a recording is of; known when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Twilio's call.
    pub call_sid: String,
    /// Twilio's media stream.
    pub stream_sid: String,
    /// The conference's connection to the Symbl-protocol server.
    pub connection_id: String,
    /// The conference's name.
    pub room: String,
    /// Who speaks.
    pub speaker: Speaker,
    /// `agent` or `customer`.
    pub role: String,
    /// The number that was dialled.
    pub to: String,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Speaker {
    /// A phone number, or what else tells callers apart.
    pub user_id: String,
    /// The name to show.
    pub name: String,
}

/// Audio that is missing. Silence stands in its place, so that the file keeps real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Where in the file.
    pub at_ms: u64,
    /// How much did not come or could not be written.
    pub missing_ms: u64,
    /// How much silence stands there; less than is missing when the stream's time stamps are wild.
    pub silence_ms: u64,
    /// Who is to blame.
    pub cause: GapCause,
}

/// Why audio is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// Messages of the stream did not come; the log has a `media_gap`.
    MissingMessages,
    /// The stream's time stamps jumped; the log has a `media_gap`.
    TimeJump,
    /// The disk did not take it in time; the log has a `recording_incomplete`.
    Recorder,
}

/// A recording's file beside its audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// What it is of.
    #[serde(flatten)]
    pub about: About,
    /// The server's conversation, if one was named before the leg ended.
    pub conversation_id: Option<String>,
    /// When the stream began; the first sample is of this moment.
    pub started_at: Timestamp,
    /// When its audio ended; none while the recording goes on.
    pub ended_at: Option<Timestamp>,
    /// Why the leg ended, as `leg_ended` says it; `process_died` when nobody was left to say so.
    pub end_reason: Option<String>,
    /// How long the file is, silence included.
    pub length_ms: u64,
    /// Media messages whose audio is in the file.
    pub frames: u64,
    /// How much audio is missing in all.
    pub missing_ms: u64,
    /// Where, the first thousand.
    pub gaps: Vec<Gap>,
    /// Gaps that are not listed.
    pub gaps_not_listed: u64,
}

/// The reason of a recording whose process died.
pub const PROCESS_DIED: &str = "process_died";

impl Sidecar {
    /// Returns the sidecar of a recording that begins.
    pub fn new(about: About, started_at: Timestamp) -> Self {
        Self {
            about,
            conversation_id: None,
            started_at,
            ended_at: None,
            end_reason: None,
            length_ms: 0,
            frames: 0,
            missing_ms: 0,
            gaps: Vec::new(),
            gaps_not_listed: 0,
        }
    }

    /// Takes note of missing audio, in bytes; what continues the gap before it makes that one longer.
    pub fn gap(&mut self, at: u64, missing: u64, silence: u64, cause: GapCause) {
        let (at_ms, missing_ms, silence_ms) =
            (at / BYTES_PER_MS, missing / BYTES_PER_MS, silence / BYTES_PER_MS);
        self.missing_ms += missing_ms;
        let is_listed = self.gaps.len() < MOST_GAPS;
        let last = self.gaps.last_mut().filter(|last| last.cause == cause);
        match last.filter(|last| last.at_ms + last.silence_ms == at_ms) {
            Some(last) => {
                last.missing_ms += missing_ms;
                last.silence_ms += silence_ms;
            }
            None if is_listed => {
                self.gaps.push(Gap { at_ms, missing_ms, silence_ms, cause });
            }
            None => self.gaps_not_listed += 1,
        }
    }

    /// Returns the file's content.
    pub fn to_json(&self) -> String {
        let mut sorted = self.clone();
        sorted.gaps.sort_by_key(|gap| gap.at_ms);
        // Strings and numbers can always be written.
        serde_json::to_string_pretty(&sorted).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A call that recordings are made of.
    pub(in crate::recording) fn about(call_sid: &str) -> About {
        About {
            call_sid: call_sid.to_owned(),
            stream_sid: format!("MZ-{call_sid}"),
            connection_id: "connection-1".to_owned(),
            room: "talk".to_owned(),
            speaker: Speaker { user_id: "+12125550123".to_owned(), name: "Anna".to_owned() },
            role: "agent".to_owned(),
            to: "+14155550100".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again_with_twilios_names() {
        let mut sidecar = Sidecar::new(about("CA1"), "2026-03-03T10:15:00.25Z".parse().unwrap());
        sidecar.gap(1600, 800, 800, GapCause::MissingMessages);
        sidecar.conversation_id = Some("5174930226618368".to_owned());
        let text = sidecar.to_json();
        assert_eq!(serde_json::from_str::<Sidecar>(&text).unwrap(), sidecar);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["callSid"], "CA1");
        assert_eq!(value["speaker"]["userId"], "+12125550123");
        assert_eq!(value["startedAt"], "2026-03-03T10:15:00.25Z");
        assert_eq!(value["gaps"][0]["cause"], "missing_messages");
        assert_eq!(value["gaps"][0]["atMs"], 200);
    }

    #[test]
    fn gaps_that_touch_are_one_and_their_number_is_bounded() {
        let mut sidecar = Sidecar::new(about("CA1"), Timestamp::UNIX_EPOCH);
        sidecar.gap(800, 160, 160, GapCause::Recorder);
        sidecar.gap(960, 160, 160, GapCause::Recorder);
        assert_eq!(
            sidecar.gaps,
            [Gap { at_ms: 100, missing_ms: 40, silence_ms: 40, cause: GapCause::Recorder }]
        );
        for n in 1..=2000 {
            sidecar.gap(n * 8000, 160, 160, GapCause::Recorder);
        }
        assert_eq!((sidecar.gaps.len(), sidecar.gaps_not_listed), (1000, 1001));
        assert_eq!(sidecar.missing_ms, 2002 * 20);
    }
}
