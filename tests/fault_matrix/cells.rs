//! The matrix: what comes of each fault at each moment on each link.

use std::fmt;

use crate::support::fault_proxy::Fault;

/// Where the fault is. The peer that fails is the one at the far side from the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Upstream,
    Twilio,
    Dashboard,
}

/// When the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeStart,
    MidSpeech,
    AtStop,
}

impl Moment {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BeforeStart => "before start",
            Self::MidSpeech => "mid-speech",
            Self::AtStop => "at stop",
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Refuse,
    SilentAccept,
    SilentUpgrade,
    UnauthorizedOnce,
    Unauthorized,
    Unavailable,
    CloseNormal,
    CloseAway,
    Vanish,
    ClosePolicy,
    CloseError,
    CloseAgain,
    Reset,
    StopReading,
    ByteByByte,
    Jitter,
    SlowLink,
    HalfOpen,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refused (reset at once)",
            Self::SilentAccept => "accepted, then silent",
            Self::SilentUpgrade => "upgraded, then silent",
            Self::UnauthorizedOnce => "401 once",
            Self::Unauthorized => "401 for the renewed token, too",
            Self::Unavailable => "503",
            Self::CloseNormal => "close 1000",
            Self::CloseAway => "close 1001",
            Self::Vanish => "no close frame (1006)",
            Self::ClosePolicy => "close 1008",
            Self::CloseError => "close 1011",
            Self::CloseAgain => "close 1013",
            Self::Reset => "reset in mid-frame",
            Self::StopReading => "stops reading",
            Self::ByteByByte => "one byte at a time",
            Self::Jitter => "300 ms jitter",
            Self::SlowLink => "50 kB/s",
            Self::HalfOpen => "half-open",
        }
    }

    pub(crate) fn as_fault(self) -> Fault {
        match self {
            Self::Refuse => Fault::Refuse,
            Self::SilentAccept => Fault::SilentAccept,
            Self::SilentUpgrade => Fault::SilentUpgrade,
            Self::UnauthorizedOnce | Self::Unauthorized => Fault::Status(401),
            Self::Unavailable => Fault::Status(503),
            Self::CloseNormal => Fault::Close(1000),
            Self::CloseAway => Fault::Close(1001),
            Self::Vanish => Fault::Vanish,
            Self::ClosePolicy => Fault::Close(1008),
            Self::CloseError => Fault::Close(1011),
            Self::CloseAgain => Fault::Close(1013),
            Self::Reset => Fault::ResetInMidFrame,
            Self::StopReading => Fault::StopReading,
            Self::ByteByByte => Fault::ByteByByte,
            Self::Jitter => Fault::Jitter,
            Self::SlowLink => Fault::SlowLink,
            Self::HalfOpen => Fault::HalfOpen,
        }
    }

    /// Whether it takes a deadline of the bridge's to be noticed.
    pub(crate) fn is_long(self) -> bool {
        matches!(self, Self::SilentAccept | Self::SilentUpgrade | Self::StopReading | Self::HalfOpen)
    }
}

/// One row: bridge to upstream, Twilio to bridge, dashboard. No outcome: the cell makes no sense, and the document says why.
pub(crate) struct Row(pub Kind, pub Moment, pub [Option<&'static str>; 3]);

/// One cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub link: Link,
    pub fault: Kind,
    pub moment: Moment,
    pub outcome: &'static str,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {}, {}", self.link, self.fault.name(), self.moment.name())
    }
}

/// All cells that have an outcome.
pub(crate) fn all() -> Vec<Cell> {
    let links = [Link::Upstream, Link::Twilio, Link::Dashboard];
    let rows = MATRIX.iter().flat_map(|Row(fault, moment, outcomes)| {
        links.into_iter().zip(outcomes).filter_map(|(link, outcome)| {
            outcome.map(|outcome| Cell { link, fault: *fault, moment: *moment, outcome })
        })
    });
    rows.collect()
}

/// What the upstream got in the end, and the leg's reason in `connection_stopped`.
const ALL: Option<&str> = Some("all audio; `hangup`");
/// The same, with this interruption between.
const LOST: Option<&str> = Some("`connection_lost`, then all audio; `hangup`");
const CLOSED: Option<&str> = Some("`closed_by_server`, then all audio; `hangup`");
const UNANSWERED: Option<&str> = Some("`no_acknowledgement`, then all audio; `hangup`");
const FAILED: Option<&str> = Some("`connection_failed`; `upstream_failed`");
/// What came whole as far as the bridge got it.
const BROKEN_OFF: Option<&str> = Some("all that arrived; `socket_closed`");
const FELL_SILENT: Option<&str> = Some("all that arrived; `media_silence`");
const ALL_WITHOUT_STOP: Option<&str> = Some("all audio; `socket_closed`");
const CALLED_BACK: Option<&str> = Some("all audio; `call_completed`");
const NO_LEG: Option<&str> = Some("no leg begins");
/// What becomes of the dashboard that fails.
const EVERY_UPDATE: Option<&str> = Some("every update");
const GONE: Option<&str> = Some("gone");
const DROPPED: Option<&str> = Some("dropped");
const CLOSED_FOR_SILENCE: Option<&str> = Some("closed with 1008");
const NO_CELL: Option<&str> = None;

use Kind::*;
use Moment::*;

#[rustfmt::skip]
pub(crate) const MATRIX: &[Row] = &[
    Row(Refuse, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(Refuse, MidSpeech, [LOST, NO_CELL, NO_CELL]),
    Row(Refuse, AtStop, [LOST, NO_CELL, NO_CELL]),
    Row(SilentAccept, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(SilentAccept, MidSpeech, [LOST, NO_CELL, NO_CELL]),
    Row(SilentAccept, AtStop, [LOST, NO_CELL, NO_CELL]),
    Row(SilentUpgrade, BeforeStart, [ALL, NO_LEG, CLOSED_FOR_SILENCE]),
    Row(SilentUpgrade, MidSpeech, [LOST, NO_CELL, NO_CELL]),
    Row(SilentUpgrade, AtStop, [LOST, NO_CELL, NO_CELL]),
    Row(UnauthorizedOnce, BeforeStart, [ALL, NO_CELL, NO_CELL]),
    Row(UnauthorizedOnce, MidSpeech, [LOST, NO_CELL, NO_CELL]),
    Row(UnauthorizedOnce, AtStop, [LOST, NO_CELL, NO_CELL]),
    Row(Unauthorized, BeforeStart, [FAILED, NO_CELL, NO_CELL]),
    Row(Unauthorized, MidSpeech, [FAILED, NO_CELL, NO_CELL]),
    Row(Unauthorized, AtStop, [FAILED, NO_CELL, NO_CELL]),
    Row(Unavailable, BeforeStart, [ALL, NO_CELL, NO_CELL]),
    Row(Unavailable, MidSpeech, [LOST, NO_CELL, NO_CELL]),
    Row(Unavailable, AtStop, [LOST, NO_CELL, NO_CELL]),
    Row(CloseNormal, BeforeStart, [FAILED, NO_LEG, GONE]),
    Row(CloseNormal, MidSpeech, [CLOSED, BROKEN_OFF, GONE]),
    Row(CloseNormal, AtStop, [CLOSED, ALL_WITHOUT_STOP, GONE]),
    Row(CloseAway, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(CloseAway, MidSpeech, [CLOSED, BROKEN_OFF, GONE]),
    Row(CloseAway, AtStop, [CLOSED, ALL_WITHOUT_STOP, GONE]),
    Row(Vanish, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(Vanish, MidSpeech, [LOST, BROKEN_OFF, GONE]),
    Row(Vanish, AtStop, [LOST, ALL_WITHOUT_STOP, GONE]),
    Row(ClosePolicy, BeforeStart, [FAILED, NO_LEG, GONE]),
    Row(ClosePolicy, MidSpeech, [FAILED, BROKEN_OFF, GONE]),
    Row(ClosePolicy, AtStop, [FAILED, ALL_WITHOUT_STOP, GONE]),
    Row(CloseError, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(CloseError, MidSpeech, [CLOSED, BROKEN_OFF, GONE]),
    Row(CloseError, AtStop, [CLOSED, ALL_WITHOUT_STOP, GONE]),
    Row(CloseAgain, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(CloseAgain, MidSpeech, [CLOSED, BROKEN_OFF, GONE]),
    Row(CloseAgain, AtStop, [CLOSED, ALL_WITHOUT_STOP, GONE]),
    Row(Reset, BeforeStart, [ALL, NO_LEG, GONE]),
    Row(Reset, MidSpeech, [LOST, BROKEN_OFF, GONE]),
    Row(Reset, AtStop, [LOST, ALL_WITHOUT_STOP, GONE]),
    Row(StopReading, BeforeStart, [ALL, ALL, DROPPED]),
    Row(StopReading, MidSpeech, [UNANSWERED, ALL, DROPPED]),
    Row(StopReading, AtStop, [UNANSWERED, ALL, DROPPED]),
    Row(ByteByByte, BeforeStart, [ALL, ALL, EVERY_UPDATE]),
    Row(ByteByByte, MidSpeech, [ALL, ALL, EVERY_UPDATE]),
    Row(ByteByByte, AtStop, [ALL, ALL, EVERY_UPDATE]),
    Row(Jitter, BeforeStart, [ALL, ALL, EVERY_UPDATE]),
    Row(Jitter, MidSpeech, [ALL, ALL, EVERY_UPDATE]),
    Row(Jitter, AtStop, [ALL, ALL, EVERY_UPDATE]),
    Row(SlowLink, BeforeStart, [ALL, ALL, EVERY_UPDATE]),
    Row(SlowLink, MidSpeech, [ALL, ALL, EVERY_UPDATE]),
    Row(SlowLink, AtStop, [ALL, ALL, EVERY_UPDATE]),
    Row(HalfOpen, BeforeStart, [ALL, NO_LEG, DROPPED]),
    Row(HalfOpen, MidSpeech, [UNANSWERED, FELL_SILENT, DROPPED]),
    Row(HalfOpen, AtStop, [UNANSWERED, CALLED_BACK, DROPPED]),
];
