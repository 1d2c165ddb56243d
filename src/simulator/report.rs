//! What happened to a simulated call, told so that a person can act on it.

use std::fmt;

/// One HTTP request to the bridge and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the request was for, in Twilio's words.
    pub what: String,
    /// The path it went to.
    pub path: String,
    /// The answer's status, or why there is none.
    pub outcome: Result<u16, String>,
    /// How long the answer took.
    pub millis: u64,
}

/// How a media socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// We sent `stop` and closed it.
    Stopped,
    /// The bridge closed it, with this code if it gave one.
    ClosedByServer(Option<u16>),
    /// It broke.
    Broken(String),
    /// The handshake was answered otherwise than with 101.
    Refused(u16),
    /// No connection, or no proper handshake.
    Unreachable(String),
}

/// One media stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// The stream.
    pub stream_sid: String,
    /// Whether it was a `<Connect>` (both ways) or a `<Start>` (to the bridge only).
    pub bidirectional: bool,
    /// Frames sent, 20 ms each but perhaps the last.
    pub frames_sent: u64,
    /// Bytes of audio sent.
    pub audio_bytes: u64,
    /// Text and binary messages that came from the bridge.
    pub messages_received: u64,
    /// How it ended.
    pub end: StreamEnd,
}

/// One simulated call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallReport {
    /// The caller, all but the last four digits hidden.
    pub caller: String,
    /// The call.
    pub call_sid: String,
    /// Requests and answers in the order of the answers.
    pub exchanges: Vec<Exchange>,
    /// The instructions that were carried out, one line each.
    pub twiml: Vec<String>,
    /// The media streams.
    pub streams: Vec<StreamReport>,
    /// From the first request to the end of the call.
    pub duration_ms: u64,
    /// What a real Twilio would complain of, or would make the call fail.
    pub problems: Vec<String>,
}

impl CallReport {
    /// Tells whether the bridge did all that Twilio expects of it.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns the frames sent on all streams.
    pub fn frames_sent(&self) -> u64 {
        self.streams.iter().map(|stream| stream.frames_sent).sum()
    }
}

impl fmt::Display for StreamEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped by us"),
            Self::ClosedByServer(Some(code)) => write!(f, "closed by the bridge with code {code}"),
            Self::ClosedByServer(None) => f.write_str("closed by the bridge without a code"),
            Self::Broken(cause) => write!(f, "broken: {cause}"),
            Self::Refused(status) => write!(f, "refused with status {status}"),
            Self::Unreachable(cause) => write!(f, "not reached: {cause}"),
        }
    }
}

impl fmt::Display for CallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_good() { "ok" } else { "FAILED" };
        let seconds = self.duration_ms as f64 / 1000.0;
        writeln!(f, "{verdict}: caller {} ({}), {seconds:.1} s", self.caller, self.call_sid)?;
        for line in &self.twiml {
            writeln!(f, "  twiml  {line}")?;
        }
        for stream in &self.streams {
            let heard = stream.audio_bytes as f64 / 8000.0;
            writeln!(f, "  stream {} frames, {heard:.2} s of audio, {}", stream.frames_sent, stream.end)?;
        }
        for Exchange { what, path, outcome, millis } in &self.exchanges {
            match outcome {
                Ok(status) => writeln!(f, "  http   {status} in {millis} ms  {what}  {path}")?,
                Err(cause) => writeln!(f, "  http   no answer in {millis} ms ({cause})  {what}  {path}")?,
            }
        }
        for problem in &self.problems {
            writeln!(f, "  PROBLEM {problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_went_wrong_and_where() {
        let report = CallReport {
            caller: "…0123".into(),
            call_sid: "CA1".into(),
            exchanges: vec![
                Exchange { what: "voice".into(), path: "/twilio/twiml".into(), outcome: Ok(200), millis: 3 },
                Exchange {
                    what: "completed".into(),
                    path: "/s".into(),
                    outcome: Err("refused".into()),
                    millis: 0,
                },
            ],
            twiml: vec!["Start/Stream".into()],
            streams: vec![StreamReport {
                stream_sid: "MZ1".into(),
                bidirectional: false,
                frames_sent: 50,
                audio_bytes: 8000,
                messages_received: 0,
                end: StreamEnd::ClosedByServer(Some(1011)),
            }],
            duration_ms: 1250,
            problems: vec!["the stream was closed early".into()],
        };
        let text = report.to_string();
        for expected in [
            "FAILED: caller …0123 (CA1), 1.2 s",
            "50 frames, 1.00 s of audio, closed by the bridge with code 1011",
            "200 in 3 ms  voice  /twilio/twiml",
            "no answer in 0 ms (refused)",
            "PROBLEM the stream was closed early",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!((report.is_good(), report.frames_sent()), (false, 50));
    }
}
