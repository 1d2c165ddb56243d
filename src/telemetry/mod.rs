//! Log events and the two forms they are written in; metrics and theirs.
//!
//! * [`events`] - every event the program logs, one type each, with a stable name and fields.
//! * [`format`] - JSON lines for machines, short lines for people.
//! * [`seldom`] - one line for many refusals.
//! * [`trace`] - the trace that a request belongs to.
//! * [`metrics`] - what is counted and measured.
//!
//! What callers say is not an event; [`events::Transcript`] exists for operators who ask for it in so many words.

pub mod events;
pub mod format;
pub mod metrics;
pub mod seldom;
pub mod trace;

use std::sync::Arc;

use trace::TraceContext;

/// What every line about a call carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LegTags {
    /// Twilio's call.
    pub call_sid: Arc<str>,
    /// Twilio's media stream.
    pub stream_sid: Arc<str>,
    /// The conference's connection to the Symbl-protocol server.
    pub connection_id: Arc<str>,
    /// The conference's name.
    pub room: Arc<str>,
    /// The trace that the call came with, in hexadecimal; most come with none.
    pub trace_id: Option<Arc<str>>,
}

impl LegTags {
    /// Returns the same tags with the call's trace.
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace_id: trace.map(|trace| trace.trace_id().into()), ..self }
    }
}
