//! Every event the program logs: one type each, a stable name, typed fields.
//!
//! `docs/logging.md` lists them; a test holds the list against [`CATALOGUE`].

use log::kv::{ToValue, Value};
use log::{Level, Record};

use super::LegTags;

/// What the catalogue says of one event.
#[derive(Debug, Clone, Copy)]
pub struct EventInfo {
    /// The stable name, the field `event` of a JSON line.
    pub name: &'static str,
    /// The level it is logged at.
    pub level: Level,
    /// Whether the line carries `call_sid`, `stream_sid`, `connection_id`, `room`, and `trace_id` if there is one.
    pub of_a_leg: bool,
    /// Its own fields.
    pub fields: &'static [&'static str],
}

/// Declares the event types; each gets an `emit` that writes its line.
macro_rules! events {
    ($(
        $(#[$about:meta])*
        $level:ident $of_a_leg:ident $event:ident $name:literal $message:literal {
            $($(#[$field_about:meta])* $field:ident : $type:ty),* $(,)?
        }
    )*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Copy)]
            pub struct $event<'a> {
                /// The call it is about; none for events of the process.
                pub leg: Option<&'a LegTags>,
                $($(#[$field_about])* pub $field: $type,)*
            }

            impl $event<'_> {
                /// Writes the line.
                pub fn emit(&self) {
                    write(Level::$level, concat!("symbl_bridge::", $name), $name, $message, self.leg, &[$((stringify!($field), self.$field.to_value())),*]);
                }
            }
        )*

        /// Every event, in the order of this file.
        pub const CATALOGUE: &[EventInfo] = &[$(EventInfo {
            name: $name,
            level: Level::$level,
            of_a_leg: events!(@of_a_leg $of_a_leg),
            fields: &[$(stringify!($field)),*],
        }),*];
    };
    (@of_a_leg leg) => { true };
    (@of_a_leg process) => { false };
}

events! {
    /// The listener is open.
    Info process ServerListening "server_listening" "listening" {
        /// Bound address.
        address: &'a str,
        /// Where results come from.
        upstream: &'a str,
    }
    /// The process was told to end.
    Info process ServerDraining "server_draining" "draining" {
        /// Legs still live.
        legs: u64,
        /// Calls that are remembered, those that ended lately included.
        calls: u64,
        /// Media sockets open, legs or not.
        sockets: u64,
        /// How long live legs may go on.
        deadline_ms: u64,
    }
    /// Live legs hold up the end of the process; every five seconds.
    Info process DrainWaiting "drain_waiting" "waiting for live calls to end" {
        /// Legs still live.
        legs: u64,
        /// Which: CallSid and room of each, the first twenty.
        which: &'a str,
        /// Until they are ended.
        left_ms: u64,
    }
    /// What there is, every second.
    Debug process Census "census" "census" {
        /// Calls that are remembered, those that ended lately included.
        calls: u64,
        /// Live legs.
        legs: u64,
        /// Media sockets open, legs or not.
        sockets: u64,
        /// How late the latest worker thread is.
        delay_ms: u64,
    }
    /// The process ends.
    Info process ServerStopped "server_stopped" "stopped" {
        /// Legs that had to be cut off.
        legs_cut: u64,
    }
    /// The engine in this process hears what callers say.
    Info process HearingReady "hearing_ready" "speech recognition is ready" {
        /// The model.
        model: &'a str,
    }
    /// The engine in this process hears nothing; calls join all the same.
    Warn process HearingUnavailable "hearing_unavailable" "speech recognition is not available" {
        /// Why, and what to do about it.
        reason: &'a str,
    }
    /// The engine in this process judges sentences by their meaning, too.
    Info process MeaningReady "meaning_ready" "sentences are judged by meaning" {
        /// The model.
        model: &'a str,
    }
    /// The engine in this process judges sentences by their words alone.
    Warn process MeaningUnavailable "meaning_unavailable" "sentences are judged by their words alone" {
        /// Why, and what to do about it.
        reason: &'a str,
    }
    /// Conversations that a restart interrupted go on; their legs may come back.
    Info process ConversationsResumed "conversations_resumed" "conversations go on after a restart" {
        /// How many.
        conversations: u64,
    }
    /// Twilio asked what to do with a call.
    Info leg CallAnnounced "call_announced" "call announced" {
        /// Masked number or name of the caller.
        from: &'a str,
        /// Role of the party.
        role: &'a str,
    }
    /// No leg is taken for this caller, who joins the conference without a stream, or hears the busy tone with
    /// `limits.when_full = "refuse"`.
    Warn process CallNotStreamed "call_not_streamed" "call is not streamed" {
        /// Why.
        reason: &'a str,
    }
    /// A webhook request could not be understood.
    Warn process WebhookRefused "webhook_refused" "webhook request refused" {
        /// Path.
        path: &'a str,
        /// What is wrong with it.
        reason: &'a str,
    }
    /// A request did not carry Twilio's signature of it.
    Warn process SignatureRefused "signature_refused" "request without Twilio's signature refused" {
        /// Path.
        path: &'a str,
        /// What is wrong with it.
        reason: &'a str,
        /// What was hashed to compare, numbers masked: a wrong address or a changed field shows here.
        hashed: &'a str,
    }
    /// An address has used up what it may have refused, or the tokens it may ask for; it hears 429 for a while.
    Warn process AddressLimited "address_limited" "address limited" {
        /// The latest such address.
        address: &'a str,
        /// What it had too many of.
        of: &'a str,
        /// How often this happened, to any address, since the last such line.
        times: u64,
    }
    /// There was no place for a connection.
    Warn process ConnectionRefused "connection_refused" "connection refused" {
        /// The latest such address.
        address: &'a str,
        /// Which cap was reached.
        reason: &'a str,
        /// How often this happened, to any address, since the last such line.
        times: u64,
    }
    /// A certificate was read anew; new connections get it.
    Info process CertificateLoaded "certificate_loaded" "certificate loaded" {
        /// Its file.
        file: &'a str,
    }
    /// A changed certificate cannot be served; the one before it still is.
    Error process CertificateRefused "certificate_refused" "certificate refused, the old one stays" {
        /// What is wrong with it, and what to do about it.
        reason: &'a str,
    }
    /// Twilio reported a call's status.
    Info leg CallStatusReported "call_status" "call status" {
        /// Twilio's word.
        status: &'a str,
    }
    /// Twilio reported on a media stream.
    Info leg StreamStatusReported "stream_status" "stream status" {
        /// Twilio's word.
        status: &'a str,
        /// Twilio's error text, if any.
        error: &'a str,
    }
    /// Twilio reported on a conference.
    Info leg ConferenceStatusReported "conference_status" "conference status" {
        /// Twilio's word.
        status: &'a str,
    }
    /// A media socket was closed before it became a leg.
    Warn leg MediaSocketRefused "media_socket_refused" "media socket refused" {
        /// What is wrong with it.
        reason: &'a str,
        /// Close code sent.
        code: u16,
    }
    /// A media socket whose peer took no bytes was cut off; its leg ends with it.
    Warn leg MediaSocketCut "media_socket_cut" "media socket cut off" {
        /// What it did not do.
        reason: &'a str,
    }
    /// A media stream became a leg.
    Info leg LegStarted "leg_started" "leg started" {
        /// Masked number or name of the caller.
        from: &'a str,
        /// Role of the party.
        role: &'a str,
    }
    /// Twilio was asked which calls go on, after a start.
    Info process CallsLookedFor "calls_looked_for" "calls looked for that go on" {
        /// Calls that go on, by Twilio's list.
        in_progress: u64,
        /// Calls that seem to be without a stream; some may turn out to be over.
        without_stream: u64,
    }
    /// Twilio was asked for a new stream of a call that lost its own.
    Info leg StreamRequested "stream_requested" "new stream requested" {
        /// The stream's name.
        name: &'a str,
    }
    /// A call that was without a stream has one again.
    Info leg LegReattached "leg_reattached" "call has a stream again" {
        /// For how long it had none.
        gap_ms: u64,
    }
    /// A call goes on without a stream.
    Warn leg ReattachFailed "reattach_failed" "call stays without a stream" {
        /// Why.
        reason: &'a str,
    }
    /// Calls that lose their streams stay without.
    Error process ReattachStopped "reattach_stopped" "no call gets a new stream" {
        /// Why.
        reason: &'a str,
    }
    /// Twilio's REST API is asked again after a pause; at most one line in ten seconds.
    Warn process TwilioRestDelayed "twilio_rest_delayed" "twilio's rest api is asked again later" {
        /// Why.
        reason: &'a str,
        /// The pause.
        in_ms: u64,
    }
    /// Calls are not remembered for a restart.
    Warn process CallsJournalUnavailable "calls_journal_unavailable" "calls are not remembered for a restart" {
        /// Why.
        reason: &'a str,
    }
    /// The server listens to the leg.
    Info leg LegConnected "leg_connected" "connected to the symbl server" {
        /// The server's conversation.
        conversation_id: &'a str,
        /// From the stream's start to now.
        after_ms: u64,
        /// Audio that had waited.
        buffered_ms: u64,
    }
    /// The server stopped listening to a leg in mid-call; the leg connects again.
    Warn leg LegInterrupted "leg_interrupted" "connection to the symbl server interrupted" {
        /// Why.
        reason: &'a str,
        /// Audio that will be sent again.
        unacknowledged_ms: u64,
    }
    /// The server listens to the leg again.
    Info leg LegResumed "leg_resumed" "connection to the symbl server resumed" {
        /// The server's conversation.
        conversation_id: &'a str,
        /// From the interruption to now.
        after_ms: u64,
        /// Audio that could not be kept so long.
        lost_ms: u64,
    }
    /// An attempt to reach the server failed; another follows.
    Warn leg UpstreamRetry "upstream_retry" "symbl server not reached, trying again" {
        /// What failed.
        reason: &'a str,
        /// Pause before the next attempt.
        in_ms: u64,
    }
    /// The server is out of reach for good, for this leg.
    Error leg UpstreamFailed "upstream_failed" "symbl server failed" {
        /// What failed.
        reason: &'a str,
    }
    /// The server complained.
    Warn leg UpstreamError "upstream_error" "symbl server reported an error" {
        /// What could not be done.
        error: &'a str,
        /// Why.
        details: &'a str,
    }
    /// The server sent something that is no message of the protocol.
    Warn leg UpstreamMessageIgnored "upstream_message_ignored" "message of the symbl server ignored" {
        /// What is wrong with it.
        reason: &'a str,
    }
    /// Audio was thrown away because it could not be delivered in time.
    Warn leg AudioDropped "audio_dropped" "audio dropped" {
        /// How much.
        dropped_ms: u64,
        /// Which limit was reached.
        reason: &'a str,
    }
    /// The stream's numbering jumps.
    Warn leg MediaGap "media_gap" "media stream jumps" {
        /// `missing_messages`, `time_jump`, `duplicate`, `out_of_order` or `restart`.
        kind: &'a str,
        /// Messages or milliseconds.
        size: u64,
        /// Jumps so far; from the 17th on only powers of two are logged.
        jumps: u64,
    }
    /// A message of the media stream is no message, or its audio is no base64.
    Warn leg MediaMessageIgnored "media_message_ignored" "media message ignored" {
        /// What is wrong with it.
        reason: &'a str,
    }
    /// The caller pressed keys. How many, never which.
    Info leg DtmfReceived "dtmf" "keys pressed" {
        /// Since the start.
        count: u64,
    }
    /// The caller's audio ended; last results may follow.
    Info leg MediaEnded "media_ended" "media ended" {
        /// Why.
        reason: &'a str,
        /// Audio heard.
        audio_ms: u64,
    }
    /// The leg is over and forgotten.
    Info leg LegEnded "leg_ended" "leg ended" {
        /// Why.
        reason: &'a str,
        /// Audio sent to the server; what was sent again counts once.
        sent_ms: u64,
        /// Audio thrown away.
        dropped_ms: u64,
        /// Audio that the server is not known to have.
        undelivered_ms: u64,
        /// The most audio that the server was behind the caller at any time.
        most_behind_ms: u64,
        /// Final results received.
        results: u64,
    }
    /// A leg's recording is complete.
    Info leg RecordingKept "recording_kept" "recording kept" {
        /// Its audio, in `recording.dir`.
        file: &'a str,
        /// How long it is.
        length_ms: u64,
        /// Audio that is missing in it.
        missing_ms: u64,
    }
    /// Audio of a leg is missing in its recording; what goes to the server is not affected.
    Warn leg RecordingIncomplete "recording_incomplete" "audio could not be recorded" {
        /// Why.
        reason: &'a str,
        /// How often this happened, to any leg, since the last such line.
        times: u64,
    }
    /// Nothing is recorded; it is tried again while calls come.
    Error process RecordingUnavailable "recording_unavailable" "nothing is recorded" {
        /// Why.
        reason: &'a str,
    }
    /// Recordings of a process that died are complete now.
    Info process RecordingsCompleted "recordings_completed" "recordings of a process that died completed" {
        /// How many.
        recordings: u64,
    }
    /// Recordings were deleted.
    Info process RecordingsDeleted "recordings_deleted" "recordings deleted" {
        /// How many.
        recordings: u64,
        /// The setting that says so: `retention_days` or `max_bytes`.
        reason: &'a str,
    }
    /// This node shares calls and updates with the others.
    Info process ClusterJoined "cluster_joined" "joined the cluster" {
        /// This node; another name in each life.
        node: &'a str,
    }
    /// This node cannot reach what nodes share; it goes on alone and tries again.
    Warn process ClusterLost "cluster_lost" "cut off from the cluster" {
        /// This node.
        node: &'a str,
        /// Why.
        reason: &'a str,
    }
    /// Another node died; this one reported its legs.
    Warn process NodeLost "node_lost" "another node died" {
        /// The other node.
        node: &'a str,
        /// Its legs that this node reported.
        legs: u64,
    }
    /// A dashboard joined.
    Info process DashboardJoined "dashboard_joined" "dashboard joined" {
        /// Dashboards now.
        dashboards: u64,
    }
    /// A dashboard left.
    Info process DashboardLeft "dashboard_left" "dashboard left" {
        /// Why.
        reason: &'a str,
        /// Dashboards now.
        dashboards: u64,
    }
    /// What a caller said; only with `log.transcripts`.
    Info leg Transcript "transcript" "transcript" {
        /// The words.
        text: &'a str,
    }
}

/// Each event has a target of its own, so that `RUST_LOG` can choose among them.
fn write(
    level: Level,
    target: &'static str,
    name: &str,
    message: &str,
    leg: Option<&LegTags>,
    fields: &[(&str, Value<'_>)],
) {
    if level > log::max_level() {
        return;
    }
    let mut pairs: Vec<(&str, Value<'_>)> = Vec::with_capacity(fields.len() + 6);
    pairs.push(("event", name.into()));
    if let Some(leg) = leg {
        pairs.push(("call_sid", Value::from(&*leg.call_sid)));
        pairs.push(("stream_sid", Value::from(&*leg.stream_sid)));
        pairs.push(("connection_id", Value::from(&*leg.connection_id)));
        pairs.push(("room", Value::from(&*leg.room)));
        pairs.extend(leg.trace_id.as_deref().map(|trace_id| ("trace_id", Value::from(trace_id))));
    }
    pairs.extend(fields.iter().cloned());
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(target)
            .args(format_args!("{message}"))
            .key_values(&pairs.as_slice())
            .build(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logging_page_lists_every_event_with_its_fields() {
        let page = include_str!("../../docs/logging.md");
        for event in CATALOGUE {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` ", event.name)));
            let row = row.unwrap_or_else(|| panic!("docs/logging.md has no row for `{}`", event.name));
            assert!(row.contains(&event.level.as_str().to_lowercase()), "level in: {row}");
            assert_eq!(row.contains("| leg |"), event.of_a_leg, "scope in: {row}");
            for field in event.fields {
                assert!(row.contains(&format!("`{field}`")), "`{field}` in: {row}");
            }
        }
    }
}
