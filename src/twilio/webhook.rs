//! Typed views of the forms Twilio posts (twilio-protocol.md, sections 1.2 and 3).
//!
//! Twilio adds fields without notice and leaves others out: only the key of each view is required, unknown
//! values are kept as they are.

use std::fmt;

use super::caller::Caller;
use super::form::{BadForm, Form};
use super::media::digits;
use super::sid::{AccountSid, BadSid, CallSid, ConferenceSid, StreamSid};

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A value this version does not know.
            Other(String),
        }

        impl $name {
            /// Returns the value of this spelling.
            pub fn from_text(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text.to_owned()),
                }
            }

            /// Returns Twilio's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_enum! {
    /// Where a call stands (section 3.1).
    CallStatus {
        /// Accepted, not dialled yet.
        Queued = "queued",
        /// Dialling has begun.
        Initiated = "initiated",
        /// It rings, or waits for our TwiML.
        Ringing = "ringing",
        /// Answered.
        InProgress = "in-progress",
        /// Answered and over.
        Completed = "completed",
        /// Never answered: the line was busy.
        Busy = "busy",
        /// Never answered: nobody picked up.
        NoAnswer = "no-answer",
        /// Never answered: it could not be put through.
        Failed = "failed",
        /// Never answered: given up before.
        Canceled = "canceled",
    }
}

impl CallStatus {
    /// Tells whether the call is over; nothing that is said of it later changes that.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled)
    }
}

wire_enum! {
    /// Who began a call.
    Direction {
        /// A caller dialled our number.
        Inbound = "inbound",
        /// The REST API dialled.
        OutboundApi = "outbound-api",
        /// A `<Dial>` dialled.
        OutboundDial = "outbound-dial",
    }
}

wire_enum! {
    /// What a stream callback reports (section 3.4).
    StreamEvent {
        /// Twilio has begun to stream.
        Started = "stream-started",
        /// Twilio streams no more.
        Stopped = "stream-stopped",
        /// Twilio cannot stream.
        Error = "stream-error",
    }
}

wire_enum! {
    /// What a conference callback reports (section 3.5); the rest is `Other`.
    ConferenceEvent {
        /// Two are in, talk begins.
        Start = "conference-start",
        /// All are out.
        End = "conference-end",
        /// Somebody came in.
        Join = "participant-join",
        /// Somebody went out.
        Leave = "participant-leave",
        /// Somebody cannot be heard any more.
        Mute = "participant-mute",
        /// Somebody can be heard again.
        Unmute = "participant-unmute",
        /// Somebody was put on hold.
        Hold = "participant-hold",
        /// Somebody was taken off hold.
        Unhold = "participant-unhold",
    }
}

/// A call has reached our number and wants TwiML (section 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceRequest {
    /// The call.
    pub call_sid: CallSid,
    /// The account it belongs to; to be compared with ours.
    pub account_sid: Option<AccountSid>,
    /// Who calls.
    pub from: Caller,
    /// What was dialled, white space removed and a lost `+` put back.
    pub to: Caller,
    /// Where the call stands, `ringing` at first.
    pub call_status: CallStatus,
    /// Who began it.
    pub direction: Direction,
    /// The call that made this one.
    pub parent_call_sid: Option<CallSid>,
}

impl VoiceRequest {
    /// Returns the request in a form; only `CallSid` must be there.
    pub fn from_form(form: &Form) -> Result<Self, BadForm> {
        Ok(Self {
            call_sid: required(form, "CallSid", CallSid::parse)?,
            account_sid: optional(form, "AccountSid", AccountSid::parse)?,
            from: Caller::parse(form.get("From").unwrap_or_default()),
            to: Caller::parse(form.get("To").unwrap_or_default()),
            call_status: CallStatus::from_text(form.filled("CallStatus").unwrap_or("ringing")),
            direction: Direction::from_text(form.filled("Direction").unwrap_or("inbound")),
            parent_call_sid: optional(form, "ParentCallSid", CallSid::parse)?,
        })
    }
}

/// The status of a call has changed (section 3.3). Comes twice, late and out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallStatusUpdate {
    /// The call.
    pub call_sid: CallSid,
    /// The account it belongs to.
    pub account_sid: Option<AccountSid>,
    /// Where it stands now.
    pub status: CallStatus,
    /// Number of the event in its call, from 0.
    pub sequence_number: Option<u64>,
    /// How long it was, once it is over.
    pub duration_s: Option<u64>,
    /// Final SIP code, once it is over.
    pub sip_response_code: Option<u64>,
    /// When it changed, in Twilio's words.
    pub timestamp: Option<String>,
}

impl CallStatusUpdate {
    /// Returns the update in a form; only `CallSid` must be there.
    pub fn from_form(form: &Form) -> Result<Self, BadForm> {
        Ok(Self {
            call_sid: required(form, "CallSid", CallSid::parse)?,
            account_sid: optional(form, "AccountSid", AccountSid::parse)?,
            status: CallStatus::from_text(form.filled("CallStatus").unwrap_or_default()),
            sequence_number: number(form, "SequenceNumber"),
            duration_s: number(form, "CallDuration"),
            sip_response_code: number(form, "SipResponseCode"),
            timestamp: owned(form, "Timestamp"),
        })
    }
}

/// A `<Dial>` is over and Twilio asks what now (section 2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialDone {
    /// The call.
    pub call_sid: CallSid,
    /// The account it belongs to.
    pub account_sid: Option<AccountSid>,
    /// `in-progress` if the caller is still on the line.
    pub call_status: CallStatus,
    /// How the dial ended; after a conference both `answered` and `completed` are good.
    pub dial_call_status: Option<String>,
}

impl DialDone {
    /// Returns the request in a form; only `CallSid` must be there.
    pub fn from_form(form: &Form) -> Result<Self, BadForm> {
        Ok(Self {
            call_sid: required(form, "CallSid", CallSid::parse)?,
            account_sid: optional(form, "AccountSid", AccountSid::parse)?,
            call_status: CallStatus::from_text(form.filled("CallStatus").unwrap_or_default()),
            dial_call_status: owned(form, "DialCallStatus"),
        })
    }
}

/// A stream began, ended or failed (section 3.4). In no order with the socket's own messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// The call.
    pub call_sid: CallSid,
    /// The account it belongs to.
    pub account_sid: Option<AccountSid>,
    /// The stream.
    pub stream_sid: Option<StreamSid>,
    /// The name we gave it, or the stream's own identifier.
    pub stream_name: Option<String>,
    /// What happened.
    pub event: StreamEvent,
    /// Twilio's words, for `stream-error`.
    pub error: Option<String>,
    /// Twilio's code, for `stream-error`: the given one or the first of its kind in the words.
    pub error_code: Option<u64>,
}

impl StreamStatus {
    /// Returns the report in a form; only `CallSid` must be there.
    pub fn from_form(form: &Form) -> Result<Self, BadForm> {
        let error = owned(form, "StreamError");
        let in_words = error.as_deref().and_then(code_in_words);
        Ok(Self {
            call_sid: required(form, "CallSid", CallSid::parse)?,
            account_sid: optional(form, "AccountSid", AccountSid::parse)?,
            stream_sid: optional(form, "StreamSid", StreamSid::parse)?,
            stream_name: owned(form, "StreamName"),
            event: StreamEvent::from_text(form.filled("StreamEvent").unwrap_or_default()),
            error_code: number(form, "StreamErrorCode").or(in_words),
            error,
        })
    }
}

/// Something happened in a conference (section 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceStatus {
    /// This run of the conference.
    pub conference_sid: ConferenceSid,
    /// The account it belongs to.
    pub account_sid: Option<AccountSid>,
    /// The room's name.
    pub friendly_name: String,
    /// What happened.
    pub event: ConferenceEvent,
    /// The participant it happened to.
    pub call_sid: Option<CallSid>,
    /// The label we gave that participant.
    pub participant_label: Option<String>,
    /// Number of the event in its conference.
    pub sequence_number: Option<u64>,
    /// Why the participant left or the conference ended.
    pub reason: Option<String>,
}

impl ConferenceStatus {
    /// Returns the report in a form; only `ConferenceSid` must be there.
    pub fn from_form(form: &Form) -> Result<Self, BadForm> {
        Ok(Self {
            conference_sid: required(form, "ConferenceSid", ConferenceSid::parse)?,
            account_sid: optional(form, "AccountSid", AccountSid::parse)?,
            friendly_name: form.get("FriendlyName").unwrap_or_default().to_owned(),
            event: ConferenceEvent::from_text(form.filled("StatusCallbackEvent").unwrap_or_default()),
            call_sid: optional(form, "CallSid", CallSid::parse)?,
            participant_label: owned(form, "ParticipantLabel"),
            sequence_number: number(form, "SequenceNumber"),
            reason: owned(form, "ReasonParticipantLeft").or_else(|| owned(form, "ReasonConferenceEnded")),
        })
    }
}

fn optional<T>(
    form: &Form,
    field: &'static str,
    parse: fn(&str) -> Result<T, BadSid>,
) -> Result<Option<T>, BadForm> {
    form.filled(field).map(parse).transpose().map_err(|cause| BadForm::Sid { field, cause })
}

fn required<T>(form: &Form, field: &'static str, parse: fn(&str) -> Result<T, BadSid>) -> Result<T, BadForm> {
    optional(form, field, parse)?.ok_or(BadForm::Missing(field))
}

fn number(form: &Form, field: &str) -> Option<u64> {
    form.filled(field).and_then(digits)
}

fn owned(form: &Form, field: &str) -> Option<String> {
    form.filled(field).map(str::to_owned)
}

/// Returns the first number of five digits that begins with 31, as all stream errors do.
fn code_in_words(words: &str) -> Option<u64> {
    words
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| run.len() == 5 && run.starts_with("31"))
        .and_then(digits)
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
