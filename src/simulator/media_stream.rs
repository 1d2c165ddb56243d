//! One media socket from Twilio's side (twilio-protocol.md, sections 4.1 to 4.5 and 7.2).

use std::time::Duration;

use actix_web::http::header;
use awc::error::{WsClientError, WsProtocolError};
use awc::ws::{CloseCode, Frame, Message};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::call::CallContext;
use super::phone::Progress;
use super::report::{StreamEnd, StreamReport};
use super::twiml_reader::StreamNoun;
use super::wire::{self, StreamIds};
use super::{FRAME_BYTES, FRAME_MS, chance, timestamp_iso};
use crate::audio::mulaw;
use crate::twilio::Form;
use crate::twilio::media::{StreamMessage, parse};

/// First time stamps that were seen range over this.
const FIRST_TIMESTAMP_MS: std::ops::RangeInclusive<u64> = 70..=175;

/// From TwiML to the handshake, in real time.
const CONNECT_DELAY_MS: std::ops::RangeInclusive<u64> = 80..=400;

/// A bridge that takes no byte for so long has stopped reading.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Time for the bridge to answer our close.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Frames between two progress reports: a second of audio.
const PROGRESS_STEP: u64 = 50;

/// One stream to be run.
pub(super) struct MediaStream {
    pub(super) call: CallContext,
    pub(super) noun: StreamNoun,
    pub(super) bidirectional: bool,
    /// What the caller has said before it began.
    pub(super) frames_before: u64,
    /// Cancelled by `<Stop>`, and with the call.
    pub(super) stop: CancellationToken,
}

/// What is counted while it runs.
struct Counters {
    ids: StreamIds,
    next_sequence: u64,
    frames_sent: u64,
    messages_received: u64,
}

impl MediaStream {
    /// Connects, speaks, and stops with the call; returns what happened.
    pub(super) async fn run(self) -> StreamReport {
        let mut counters = Counters {
            ids: StreamIds {
                account_sid: self.call.account_sid.clone(),
                call_sid: self.call.call_sid.clone(),
                stream_sid: chance::sid("MZ"),
            },
            next_sequence: 2,
            frames_sent: 0,
            messages_received: 0,
        };
        sleep(self.call.real_time(Duration::from_millis(chance::within(CONNECT_DELAY_MS)))).await;
        let end = self.connect_and_stream(&mut counters).await;
        self.judge(&end);
        self.call.progress(&Progress::StreamEnded(end.clone()));
        StreamReport {
            stream_sid: counters.ids.stream_sid,
            bidirectional: self.bidirectional,
            frames_sent: counters.frames_sent,
            audio_bytes: counters.frames_sent * FRAME_BYTES as u64,
            messages_received: counters.messages_received,
            end,
        }
    }

    async fn connect_and_stream(&self, counters: &mut Counters) -> StreamEnd {
        // Twilio sends no query string on a stream.
        let url = self.noun.url.split('?').next().unwrap_or_default();
        let target = match self.call.webhooks.address().target(url) {
            Ok(target) => target,
            Err(fault) => return StreamEnd::Unreachable(fault.to_string()),
        };
        let mut request = self
            .call
            .webhooks
            .client()
            .ws(&target.url)
            .set_header(header::HOST, target.host)
            .set_header(header::USER_AGENT, "Twilio.TmeWs/1.0");
        let signed = if self.call.sign_with_slash { format!("{url}/") } else { url.to_owned() };
        if let Some(signature) = self.call.webhooks.sign_url(&signed) {
            request = request.set_header("X-Twilio-Signature", signature);
        }
        let (response, socket) = match request.connect().await {
            Ok(connected) => connected,
            Err(WsClientError::InvalidResponseStatus(status)) => return StreamEnd::Refused(status.as_u16()),
            Err(fault) => return StreamEnd::Unreachable(fault.to_string()),
        };
        for name in ["sec-websocket-protocol", "sec-websocket-extensions"] {
            if response.headers().contains_key(name) {
                self.call
                    .webhooks
                    .problem(format!("the handshake's answer has {name}, which was not offered (31920)"));
            }
        }
        let posting = actix::spawn(self.clone_for_posting().post(
            counters.ids.stream_sid.clone(),
            "stream-started",
            None,
        ));
        let end = self.stream(socket, counters).await;
        // The two callbacks have no order between them, but each must have been answered.
        let _ = posting.await;
        self.clone_for_posting().post(counters.ids.stream_sid.clone(), "stream-stopped", None).await;
        end
    }

    async fn stream<S>(&self, mut socket: S, counters: &mut Counters) -> StreamEnd
    where
        S: Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError> + Unpin,
    {
        let tracks: &[&str] = match self.noun.track.as_str() {
            "both_tracks" => &["inbound", "outbound"],
            "outbound_track" => &["outbound"],
            _ => &["inbound"],
        };
        let start = wire::start(&counters.ids, tracks, &self.noun.parameters);
        // One write for both: a handler that attaches late loses the second.
        let greeting = async {
            socket.feed(Message::Text(wire::CONNECTED.into())).await?;
            socket.send(Message::Text(start.into())).await
        };
        if let Err(fault) = greeting.await {
            return StreamEnd::Broken(fault.to_string());
        }
        let first_timestamp_ms = chance::within(FIRST_TIMESTAMP_MS);
        let begin = Instant::now() + self.call.real_time(Duration::from_millis(first_timestamp_ms));
        let total = self.call.voice.frames().saturating_sub(self.frames_before);
        while counters.frames_sent < total {
            let sent = counters.frames_sent;
            let due =
                begin + self.call.real_time(Duration::from_millis(FRAME_MS).saturating_mul(sent as u32));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                item = socket.next() => {
                    if let Err(end) = self.receive(&mut socket, item, counters).await {
                        return end;
                    }
                }
                () = sleep_until(due) => {
                    let frame = self.call.voice.frame(self.frames_before + sent);
                    let timestamp_ms = first_timestamp_ms + FRAME_MS * sent;
                    let text = wire::media(&counters.ids, counters.next_sequence, sent + 1, timestamp_ms, &frame);
                    if let Err(end) = send(&mut socket, Message::Text(text.into())).await {
                        return end;
                    }
                    counters.next_sequence += 1;
                    counters.frames_sent += 1;
                    if counters.frames_sent.is_multiple_of(PROGRESS_STEP) || counters.frames_sent == total {
                        self.call.progress(&Progress::Streaming { frames: counters.frames_sent, total });
                    }
                }
            }
        }
        if counters.frames_sent == total {
            self.call.over.cancel();
        }
        self.stop_and_close(&mut socket, counters).await
    }

    async fn stop_and_close<S>(&self, socket: &mut S, counters: &mut Counters) -> StreamEnd
    where
        S: Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError> + Unpin,
    {
        let stop = wire::stop(&counters.ids, counters.next_sequence);
        for message in [Message::Text(stop.into()), Message::Close(None)] {
            if let Err(end) = send(socket, message).await {
                return end;
            }
        }
        let closed = timeout(CLOSE_LIMIT, async {
            loop {
                match socket.next().await {
                    None | Some(Err(_)) => return None,
                    Some(Ok(Frame::Close(reason))) => return reason,
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                    Some(Ok(frame)) => self.on_data(&frame, counters),
                }
            }
        });
        match closed.await {
            Err(_) => {
                self.call.webhooks.problem("the bridge did not answer the close of a stream within 5 s");
                StreamEnd::Stopped
            }
            Ok(Some(reason)) if !matches!(reason.code, CloseCode::Normal | CloseCode::Away) => {
                StreamEnd::ClosedByServer(Some(reason.code.into()))
            }
            Ok(_) => StreamEnd::Stopped,
        }
    }

    async fn receive<S>(
        &self,
        socket: &mut S,
        item: Option<Result<Frame, WsProtocolError>>,
        counters: &mut Counters,
    ) -> Result<(), StreamEnd>
    where
        S: Sink<Message, Error = WsProtocolError> + Unpin,
    {
        match item {
            None => Err(StreamEnd::Broken("the connection ended without a close frame".to_owned())),
            Some(Err(fault)) => Err(StreamEnd::Broken(fault.to_string())),
            Some(Ok(Frame::Ping(payload))) => send(socket, Message::Pong(payload)).await,
            Some(Ok(Frame::Pong(_))) => Ok(()),
            Some(Ok(Frame::Close(reason))) => {
                let _ = send(socket, Message::Close(None)).await;
                Err(StreamEnd::ClosedByServer(reason.map(|reason| reason.code.into())))
            }
            Some(Ok(frame)) => {
                self.on_data(&frame, counters);
                match (self.bidirectional, mark_name(&frame)) {
                    (true, Some(name)) => {
                        let echo = wire::mark(&counters.ids, counters.next_sequence, &name);
                        counters.next_sequence += 1;
                        send(socket, Message::Text(echo.into())).await
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Counts a message from the bridge; the first that must not come is a problem.
    fn on_data(&self, frame: &Frame, counters: &mut Counters) {
        counters.messages_received += 1;
        if counters.messages_received > 1 {
            return;
        }
        if !self.bidirectional {
            self.call.webhooks.problem("the bridge sent a message on a <Start> stream (31924)");
        } else if !matches!(frame, Frame::Text(_)) {
            self.call.webhooks.problem("the bridge sent a message that is not text (31950)");
        }
    }

    fn judge(&self, end: &StreamEnd) {
        let problem = match end {
            StreamEnd::Stopped => return,
            // Closing is how a bridge lets a <Connect> go on.
            StreamEnd::ClosedByServer(None | Some(1000)) if self.bidirectional => return,
            StreamEnd::ClosedByServer(_) => format!("the stream was {end} before its end (31921)"),
            StreamEnd::Broken(_) => format!("the stream was {end} (31903)"),
            StreamEnd::Refused(_) => format!("the stream was {end} (31920)"),
            StreamEnd::Unreachable(_) => format!("the stream was {end} (31902)"),
        };
        self.call.webhooks.problem(problem);
    }

    /// Returns what a callback needs, so that it can be posted beside the stream.
    fn clone_for_posting(&self) -> StreamCallback {
        StreamCallback { call: self.call.clone(), noun: self.noun.clone() }
    }

    /// Tells the bridge that the stream could not be opened.
    pub(super) async fn post_error(call: CallContext, noun: StreamNoun, report: &StreamReport) {
        let error = match &report.end {
            StreamEnd::Refused(status) => format!("31920 handshake answered with {status}"),
            StreamEnd::Unreachable(_) => "31902 connection refused".to_owned(),
            _ => return,
        };
        StreamCallback { call, noun }.post(report.stream_sid.clone(), "stream-error", Some(error)).await;
    }
}

/// Posts stream events (section 3.4).
struct StreamCallback {
    call: CallContext,
    noun: StreamNoun,
}

impl StreamCallback {
    async fn post(self, stream_sid: String, event: &'static str, error: Option<String>) {
        let Some(url) = self.noun.status_callback else {
            return;
        };
        let name = if self.noun.name.is_empty() { &stream_sid } else { &self.noun.name };
        let now = timestamp_iso();
        let mut pairs = vec![
            ("AccountSid", self.call.account_sid.as_str()),
            ("CallSid", self.call.call_sid.as_str()),
            ("StreamSid", stream_sid.as_str()),
            ("StreamName", name),
            ("StreamEvent", event),
            ("Timestamp", now.as_str()),
        ];
        if let Some(error) = &error {
            pairs.push(("StreamError", error));
        }
        self.call.webhooks.tell(event, &url, &Form::from_pairs(pairs)).await;
    }
}

/// What a caller says: the audio, then silence up to the length of the call.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    audio: Bytes,
    frames: u64,
}

impl Voice {
    /// Returns a voice that speaks for `length`, or as long as there is audio.
    pub(super) fn new(audio: Bytes, length: Option<Duration>) -> Self {
        let spoken = audio.len().div_ceil(FRAME_BYTES) as u64;
        let frames = length.map_or(spoken, |length| (length.as_millis() as u64).div_ceil(FRAME_MS));
        Self { audio, frames }
    }

    /// Returns how many frames the call has.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns how long the call is, in real time.
    pub(super) fn length(&self) -> Duration {
        Duration::from_millis(self.frames.saturating_mul(FRAME_MS))
    }

    /// Returns frame `index`, filled up with silence.
    fn frame(&self, index: u64) -> [u8; FRAME_BYTES] {
        let mut frame = [mulaw::SILENCE; FRAME_BYTES];
        let begin = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(FRAME_BYTES);
        if let Some(rest) = self.audio.get(begin..) {
            let count = rest.len().min(FRAME_BYTES);
            frame[..count].copy_from_slice(&rest[..count]);
        }
        frame
    }
}

async fn send<S>(socket: &mut S, message: Message) -> Result<(), StreamEnd>
where
    S: Sink<Message, Error = WsProtocolError> + Unpin,
{
    match timeout(SEND_LIMIT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(StreamEnd::Broken(fault.to_string())),
        Err(_) => Err(StreamEnd::Broken("the bridge stopped reading (31930)".to_owned())),
    }
}

fn mark_name(frame: &Frame) -> Option<String> {
    let Frame::Text(bytes) = frame else { return None };
    match parse(std::str::from_utf8(bytes).ok()?) {
        Ok(StreamMessage::Mark { name, .. }) => name.map(|name| name.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_padded_with_silence_and_cut_at_the_length_of_the_call() {
        let voice = Voice::new(Bytes::from(vec![1; 200]), None);
        assert_eq!((voice.frames(), voice.length()), (2, Duration::from_millis(40)));
        assert_eq!(voice.frame(0), [1; 160]);
        assert_eq!((voice.frame(1)[39], voice.frame(1)[40], voice.frame(7)[0]), (1, 0xFF, 0xFF));
        assert_eq!(Voice::new(Bytes::new(), Some(Duration::from_secs(3))).frames(), 150);
        assert_eq!(Voice::new(Bytes::from(vec![1; 16_000]), Some(Duration::from_secs(1))).frames(), 50);
    }
}
