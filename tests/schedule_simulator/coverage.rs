//! What the schedules reached. A simulator that never loses a socket proves nothing about lost sockets.

use std::collections::BTreeMap;

/// How often each thing was seen, over any number of schedules.
#[derive(Debug, Default, Clone)]
pub struct Coverage {
    counts: BTreeMap<&'static str, u64>,
}

/// All that must be seen: states a leg goes to and from, what it does, what it sends, how its sockets end, what
/// dashboards hear.
pub const WANTED: &[&str] = &[
    "New -> Connecting",
    "Connecting -> Starting",
    "Connecting -> Waiting",
    "Connecting -> Ended",
    "Waiting -> Connecting",
    "Waiting -> Ended",
    "Starting -> Live",
    "Starting -> Waiting",
    "Starting -> Ended",
    "Live -> Waiting",
    "Live -> Stopping",
    "Live -> Closing",
    "Live -> Ended",
    "Stopping -> Closing",
    "Stopping -> Waiting",
    "Stopping -> Ended",
    "Closing -> Ended",
    "effect Connect",
    "effect DropSocket",
    "effect ReportConnected",
    "effect ReportInterrupted",
    "effect ReportResumed",
    "effect ReportRenamed",
    "effect ReportDropped",
    "effect ReportMediaEnded",
    "effect ReportRetry",
    "effect ReportFailed",
    "effect CloseMedia",
    "effect ReportEnded",
    "frame StartRequest",
    "frame StartRequest again",
    "frame Audio",
    "frame Audio of the largest size",
    "frame Ping",
    "frame StopRequest",
    "frame Close",
    "interrupted ClosedByServer",
    "interrupted ConnectionLost",
    "interrupted NoAcknowledgement",
    "resumed with a loss",
    "ended Hangup",
    "ended SocketClosed",
    "ended CallCompleted",
    "ended StreamStopped",
    "ended Replaced",
    "ended UpstreamFailed",
    "ended Panicked",
    "audio dropped for want of room",
    "audio sent again",
    "socket that takes nothing more",
    "ping that is lost with its socket",
    "pong that is lost with its socket",
    "clock that jumps",
    "news Started",
    "news Interrupted",
    "news Resumed",
    "news Failed",
    "news Stopped",
    "conference of two",
    "call that is announced twice",
    "token that was used before",
    "call that is over before its stream",
    "call beyond the calls that may be known",
    "call beyond the legs that may live",
    "stream beyond the calls that may be known",
    "stream beyond the legs that may live",
    "server that behaves in the end",
];

impl Coverage {
    pub fn saw(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Adds what another thread saw.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    /// Returns each thing and how often it was seen.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(what, count)| (*what, *count))
    }

    /// Returns what was never seen and should have been.
    pub fn missing(&self) -> Vec<&'static str> {
        WANTED.iter().filter(|what| !self.counts.contains_key(**what)).copied().collect()
    }

    /// Returns what was seen and nobody expects.
    pub fn unexpected(&self) -> Vec<&'static str> {
        self.counts.keys().filter(|what| !WANTED.contains(what)).copied().collect()
    }
}
