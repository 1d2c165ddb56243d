//! What Twilio sends on its media sockets, and what of it was lost.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::counted::{Counted, CountedSeconds};
use super::tally::Tally;

/// Frames that came, and those that did not.
#[derive(Debug)]
pub struct MediaMetrics {
    /// Frames of callers' audio.
    pub frames: Counter,
    /// Their bytes, decoded.
    pub bytes: Counter,
    /// Jumps of a stream's numbering, by kind.
    pub gaps: Counted,
    /// Messages that the numbering says are missing.
    pub missing: Counter,
    /// Messages that are no use.
    pub ignored: Counter,
    /// Audio thrown away, by reason.
    pub dropped: CountedSeconds,
    /// Errors of a stream that Twilio reported.
    pub stream_errors: Counter,
}

impl MediaMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            frames: Counter::default(),
            bytes: Counter::default(),
            gaps: Counted::registered(
                registry,
                "media_gaps",
                "Jumps of a media stream's numbering, by kind",
                "kind",
            ),
            missing: Counter::default(),
            ignored: Counter::default(),
            dropped: CountedSeconds::registered(
                registry,
                "audio_dropped_seconds",
                "Callers' audio thrown away, by reason",
                "reason",
            ),
            stream_errors: Counter::default(),
        };
        metrics.gaps.expect(&["missing_messages", "time_jump", "duplicate", "out_of_order", "restart"]);
        metrics.dropped.expect(&["buffer_full", "mailbox_full", "connection_lost"]);
        registry.register("media_frames", "Frames of callers' audio", metrics.frames.clone());
        registry.register("media_bytes", "Bytes of callers' audio, decoded", metrics.bytes.clone());
        registry.register(
            "media_missing_messages",
            "Messages that a media stream's numbering says are missing",
            metrics.missing.clone(),
        );
        registry.register("media_messages_ignored", "Media messages of no use", metrics.ignored.clone());
        registry.register(
            "media_stream_errors",
            "Errors of a media stream that Twilio reported",
            metrics.stream_errors.clone(),
        );
        metrics
    }

    /// Returns a leg's count of its frames.
    pub fn tally(&self) -> Tally {
        Tally::new(&self.frames, &self.bytes)
    }
}
