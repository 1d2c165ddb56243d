//! What happens to a leg, what it has done about it, and why it ends.

use std::borrow::Cow;

use super::Millis;

/// Where a leg is, for those who look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Stage {
    /// A token is asked for, or a socket opened.
    Connecting,
    /// Between two attempts.
    Waiting,
    /// The server was asked to listen.
    Starting,
    /// It listens.
    Live,
    /// The caller is gone; last results are awaited.
    Stopping,
    /// The socket is being closed, or is.
    Closing,
}

impl Stage {
    /// All stages, in the order of the enum.
    pub const ALL: [Self; 6] =
        [Self::Connecting, Self::Waiting, Self::Starting, Self::Live, Self::Stopping, Self::Closing];

    /// Returns the stable word for metrics, as answers have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Stopping => "stopping",
            Self::Closing => "closing",
        }
    }

    /// Returns the stage that `stage as u8` is the number of.
    pub fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Closing)
    }
}

/// Why a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegExit {
    /// Twilio sent `stop`.
    Hangup,
    /// The media socket closed or broke without a `stop`.
    SocketClosed,
    /// A status callback said that the call is over.
    CallCompleted,
    /// A status callback said that the stream is over.
    StreamStopped,
    /// A newer stream of the same call took its place.
    Replaced,
    /// No media message for too long.
    MediaSilence,
    /// The media socket broke the protocol or a limit.
    MediaFault,
    /// The server could not be reached, refused, or went away for good.
    UpstreamFailed,
    /// The process is ending.
    Shutdown,
    /// An actor of the leg died.
    Panicked,
}

impl LegExit {
    /// All reasons, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Hangup,
        Self::SocketClosed,
        Self::CallCompleted,
        Self::StreamStopped,
        Self::Replaced,
        Self::MediaSilence,
        Self::MediaFault,
        Self::UpstreamFailed,
        Self::Shutdown,
        Self::Panicked,
    ];

    /// Returns the stable word for logs, updates and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hangup => "hangup",
            Self::SocketClosed => "socket_closed",
            Self::CallCompleted => "call_completed",
            Self::StreamStopped => "stream_stopped",
            Self::Replaced => "replaced",
            Self::MediaSilence => "media_silence",
            Self::MediaFault => "media_fault",
            Self::UpstreamFailed => "upstream_failed",
            Self::Shutdown => "shutdown",
            Self::Panicked => "panicked",
        }
    }
}

/// How the socket to the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketEnd {
    /// The server closed it, with this code.
    Closed(Option<u16>),
    /// The connection broke.
    Lost,
    /// The server broke the WebSocket protocol or a limit of ours.
    Fault,
}

/// Why a leg that the server listened to has no connection at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// The server closed the connection, or ended the conversation.
    ClosedByServer,
    /// The connection broke.
    ConnectionLost,
    /// The server left what it was sent unacknowledged.
    NoAcknowledgement,
}

impl Interruption {
    /// All reasons, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::ClosedByServer, Self::ConnectionLost, Self::NoAcknowledgement];

    /// Returns the stable word for logs, updates and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClosedByServer => "closed_by_server",
            Self::ConnectionLost => "connection_lost",
            Self::NoAcknowledgement => "no_acknowledgement",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// The leg begins.
    Begin,
    /// The caller's audio ended; nothing more will be heard.
    MediaEnded(LegExit),
    /// The socket to the server is open.
    Opened,
    /// The socket to the server did not open.
    NotOpened {
        /// Whether another attempt makes sense.
        retry: bool,
        /// What failed, for the log.
        reason: String,
    },
    /// The server takes audio now.
    Acknowledged,
    /// The server answered a ping: it has all audio before this position.
    Received(u64),
    /// The server named the conversation.
    ConversationNamed(String),
    /// The server has sent its last result.
    Completed,
    /// The socket to the server ended.
    SocketEnded {
        /// How.
        end: SocketEnd,
        /// How, for the log.
        reason: String,
    },
    /// The time of [`super::Leg::wake_at`] has come.
    Tick,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Get a token and open a socket.
    Connect,
    /// Drop the socket, or the attempt to open one, without a word.
    DropSocket,
    /// Say that the server listens; sent once, when the conversation's name is known too.
    ReportConnected {
        /// The server's id of the conversation.
        conversation_id: String,
        /// Audio that had waited, in bytes.
        buffered: usize,
    },
    /// Say that the server does not listen any more, and that this is being mended.
    ReportInterrupted {
        /// Why.
        why: Interruption,
        /// What is to be sent again, in bytes.
        unacknowledged: u64,
    },
    /// Say that the server listens again; follows each [`Effect::ReportInterrupted`] unless the leg ends before.
    ReportResumed {
        /// The server's id of the conversation; another one, if the server has forgotten the first.
        conversation_id: String,
        /// For how long nobody listened.
        after: Millis,
        /// Audio lost meanwhile, in bytes.
        lost: u64,
    },
    /// Say that the server calls the conversation by another name now.
    ReportRenamed {
        /// The server's id of the conversation.
        conversation_id: String,
    },
    /// Say that audio was dropped.
    ReportDropped {
        /// Why.
        reason: &'static str,
    },
    /// Say that the audio ended; sent once.
    ReportMediaEnded(LegExit),
    /// Say that another attempt follows.
    ReportRetry {
        /// What failed.
        reason: String,
        /// The pause.
        pause: Millis,
    },
    /// Say that the server failed for good.
    ReportFailed {
        /// What failed.
        reason: Cow<'static, str>,
    },
    /// Tell the media socket that nobody listens any more.
    CloseMedia,
    /// The leg is over; the last effect, sent once.
    ReportEnded(LegExit),
}

/// A frame for the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing<'a> {
    /// The leg's `start_request`.
    StartRequest,
    /// Audio, at most [`super::MESSAGE_LIMIT`] bytes; call [`super::Leg::mark_sent`] with its length.
    Audio(&'a [u8]),
    /// A ping with this position; its answer is [`LegEvent::Received`].
    Ping(u64),
    /// `stop_request`.
    StopRequest,
    /// A close frame with code 1000.
    Close,
}
