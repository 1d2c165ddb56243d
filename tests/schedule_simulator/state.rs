//! Where a leg is, as far as the outside can tell, and the ways it may go from there.

use symbl_bridge::bridge::call::leg::Effect;

/// A leg's state as far as the outside can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Connecting,
    Waiting,
    Starting,
    Live,
    Stopping,
    Closing,
    Ended,
}

impl State {
    /// Returns the name of the way, if there is one.
    pub fn way_to(self, to: Self) -> Option<&'static str> {
        Some(match (self, to) {
            (Self::New, Self::Connecting) => "New -> Connecting",
            (Self::Connecting, Self::Starting) => "Connecting -> Starting",
            (Self::Connecting, Self::Waiting) => "Connecting -> Waiting",
            (Self::Connecting, Self::Ended) => "Connecting -> Ended",
            (Self::Waiting, Self::Connecting) => "Waiting -> Connecting",
            (Self::Waiting, Self::Ended) => "Waiting -> Ended",
            (Self::Starting, Self::Live) => "Starting -> Live",
            (Self::Starting, Self::Waiting) => "Starting -> Waiting",
            (Self::Starting, Self::Ended) => "Starting -> Ended",
            (Self::Live, Self::Waiting) => "Live -> Waiting",
            (Self::Live, Self::Stopping) => "Live -> Stopping",
            (Self::Live, Self::Closing) => "Live -> Closing",
            (Self::Live, Self::Ended) => "Live -> Ended",
            (Self::Stopping, Self::Closing) => "Stopping -> Closing",
            (Self::Stopping, Self::Waiting) => "Stopping -> Waiting",
            (Self::Stopping, Self::Ended) => "Stopping -> Ended",
            (Self::Closing, Self::Ended) => "Closing -> Ended",
            _ => return None,
        })
    }
}

/// Returns the name of an effect for the coverage.
pub fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Connect => "effect Connect",
        Effect::DropSocket => "effect DropSocket",
        Effect::ReportConnected { .. } => "effect ReportConnected",
        Effect::ReportInterrupted { .. } => "effect ReportInterrupted",
        Effect::ReportResumed { .. } => "effect ReportResumed",
        Effect::ReportRenamed { .. } => "effect ReportRenamed",
        Effect::ReportDropped { .. } => "effect ReportDropped",
        Effect::ReportMediaEnded(_) => "effect ReportMediaEnded",
        Effect::ReportRetry { .. } => "effect ReportRetry",
        Effect::ReportFailed { .. } => "effect ReportFailed",
        Effect::CloseMedia => "effect CloseMedia",
        Effect::ReportEnded(_) => "effect ReportEnded",
    }
}
