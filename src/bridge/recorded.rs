//! What a leg tells its recording, when recording is on.

use std::rc::Rc;

use super::call::registry::{LegPlan, StreamStart};
use crate::recording::{About, GapCause, LegRecording, Recorder, Speaker};
use crate::telemetry::LegTags;
use crate::twilio::Verdict;

/// Begins the recording of a leg; none without a recorder.
pub(super) fn begin(
    recorder: Option<&Recorder>,
    start: &StreamStart,
    plan: &LegPlan,
    tags: &LegTags,
) -> Option<Rc<LegRecording>> {
    let about = || About {
        call_sid: start.call_sid.as_str().to_owned(),
        stream_sid: start.stream_sid.as_str().to_owned(),
        connection_id: plan.connection_id.clone(),
        room: plan.room.as_str().to_owned(),
        speaker: Speaker {
            user_id: plan.party.speaker.user_id.clone(),
            name: plan.party.speaker.name.clone(),
        },
        role: plan.party.role.as_str().to_owned(),
        to: start.parameters.to.clone(),
    };
    recorder.map(|recorder| Rc::new(recorder.record(about(), tags)))
}

/// Keeps the place of what is missing before a message.
pub(super) fn observe(recording: &LegRecording, verdict: Verdict) {
    if let Verdict::Gap(gap) = verdict {
        let cause = if gap.missing > 0 { GapCause::MissingMessages } else { GapCause::TimeJump };
        // A stamp that went back takes no time.
        if let Some(missing_ms) = u64::try_from(gap.jump_ms).ok().filter(|ms| *ms > 0) {
            recording.gap(missing_ms, cause);
        }
    }
}
