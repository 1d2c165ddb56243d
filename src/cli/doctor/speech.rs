//! One leg's conversation with a Symbl-protocol server: recorded speech in real time, and the words that come back.

use std::time::Duration;

use awc::error::{WsClientError, WsProtocolError};
use awc::ws::{CloseCode, CloseReason, Frame, Message};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::context::explained;
use crate::engine::speech::accuracy::WordErrors;
use crate::symbl::Speaker;
use crate::symbl::endpoint::Endpoint;
use crate::symbl::server_message::ServerMessage;
use crate::symbl::start_template::StartTemplate;
use crate::symbl::token::AccessToken;

/// The first sentences of the demo's dialogue.
const SPOKEN: &[u8] = include_bytes!("../../../tests/audio/demo/agent.ulaw");

/// What is said in them.
pub(super) const SAID: &str =
    "Thank you for calling Northwind Support. My name is Anna. How can I help you today?";

/// Where they begin and end in the recording, in bytes: 8 a millisecond.
const FROM: usize = 600 * 8;
const TO: usize = 6400 * 8;

/// When the last word has been said, from `FROM`.
const LAST_WORD: Duration = Duration::from_millis(6273 - 600);

/// Audio in one message: 100 ms.
const PIECE: usize = 800;

/// The time that it takes to say it.
const PIECE_TIME: Duration = Duration::from_millis(100);

/// Beyond this delay of the last words the server is overloaded.
pub(super) const SLOW: Duration = Duration::from_secs(4);

/// Connecting, `start_request`, and the answer.
pub(super) const LISTEN_DEADLINE: Duration = Duration::from_secs(15);

/// Six seconds of speech, and the last words of a busy server.
pub(super) const SPEECH_DEADLINE: Duration = Duration::from_secs(30);

/// How long the last results may take once all is said.
const LAST_RESULTS: Duration = Duration::from_secs(15);

/// A WebSocket's two directions.
trait Socket:
    futures_util::Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError> + Unpin
{
}

impl<S> Socket for S where
    S: futures_util::Stream<Item = Result<Frame, WsProtocolError>>
        + Sink<Message, Error = WsProtocolError>
        + Unpin
{
}

/// A Streaming socket whose server listens.
pub(super) struct Stream {
    socket: Box<dyn Socket>,
    heard: Heard,
    /// From asking for the connection to the server's word that it listens.
    pub(super) listened_after: Duration,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Listened {
    /// All final words.
    pub(super) text: String,
    /// From the end of the last word to the last final result; none without one.
    pub(super) last_after: Option<Duration>,
    /// The server's record of it.
    pub(super) conversation_id: Option<String>,
}

impl Listened {
    /// Returns how many words were said.
    pub(super) fn words_said(&self) -> usize {
        WordErrors::count(SAID, &self.text).words
    }

    /// Returns how many of them came back as they were said.
    pub(super) fn right_words(&self) -> usize {
        let errors = WordErrors::count(SAID, &self.text);
        errors.words.saturating_sub(errors.substituted + errors.deleted)
    }
}

/// What has come so far.
#[derive(Default)]
struct Heard {
    is_listening: bool,
    is_over: bool,
    conversation_id: Option<String>,
    /// Final words of this leg, and sentences; servers send either or both.
    words: Vec<String>,
    sentences: Vec<String>,
    last_at: Option<Instant>,
    fault: Option<String>,
}

impl Heard {
    fn take(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::StartedListening => self.is_listening = true,
            ServerMessage::RecognitionStarted(conversation) => {
                self.is_listening = true;
                self.conversation_id = Some(conversation.conversation_id);
            }
            ServerMessage::ConversationCreated(conversation) => {
                self.conversation_id = Some(conversation.conversation_id);
            }
            ServerMessage::RecognitionResult(result) if result.is_final => {
                self.words.push(result.punctuated.transcript);
                self.last_at = Some(Instant::now());
            }
            ServerMessage::MessageResponse(response) => {
                self.sentences.extend(response.messages.into_iter().map(|message| message.payload.content));
                // Sentences follow the words they are made of, at once or much later: only without words do they count.
                if self.words.is_empty() {
                    self.last_at = Some(Instant::now());
                }
            }
            ServerMessage::ConversationCompleted(_) | ServerMessage::RecognitionStopped => {
                self.is_over = true
            }
            ServerMessage::Error(error) => {
                self.fault = Some(format!("{} {}", error.message, error.details).trim().to_owned());
            }
            _ => {}
        }
    }

    fn text(&self) -> String {
        if self.words.is_empty() { self.sentences.join(" ") } else { self.words.join(" ") }
    }
}

/// Connects as a leg does and waits until the server listens. The error is for people, and holds no token.
pub(super) async fn open(
    http: &awc::Client,
    endpoint: &Endpoint,
    token: &AccessToken,
    template: &StartTemplate,
) -> Result<Stream, String> {
    let asked_at = Instant::now();
    let connection_id = format!("doctor-{}", Uuid::new_v4().simple());
    let opened = http.ws(endpoint.streaming(&connection_id, token.expose())).connect().await;
    let (_, socket) = opened.map_err(|fault| match fault {
        WsClientError::InvalidResponseStatus(status) => {
            format!("the handshake is refused ({})", status.as_u16())
        }
        WsClientError::SendRequest(fault) => explained(&fault),
        other => other.to_string(),
    })?;
    let mut stream =
        Stream { socket: Box::new(socket), heard: Heard::default(), listened_after: Duration::ZERO };
    stream.send(Message::Text(start_request(template).into())).await?;
    while !stream.heard.is_listening {
        stream.next().await?;
    }
    stream.listened_after = asked_at.elapsed();
    Ok(stream)
}

/// Returns the start request of the operator's legs, so that one that the server does not take is found out. Nothing is
/// redacted: words that are hidden cannot be counted, and these are nobody's.
fn start_request(template: &StartTemplate) -> String {
    let speaker = Speaker { user_id: "doctor".to_owned(), name: "symbl-bridge doctor".to_owned() };
    let rendered = template.render(&speaker);
    let Ok(mut request) = serde_json::from_str::<Value>(&rendered) else { return rendered };
    if let Some(config) = request.get_mut("config").and_then(Value::as_object_mut) {
        config.remove("redaction");
    }
    request.to_string()
}

impl Stream {
    /// Says the sentences, if `aloud`, asks the server to stop, and waits for its last words.
    pub(super) async fn speak(mut self, aloud: bool) -> Result<Listened, String> {
        let began = Instant::now();
        if aloud {
            let mut pause = tokio::time::interval_at(began + PIECE_TIME, PIECE_TIME);
            let mut pieces = SPOKEN[FROM..TO].chunks(PIECE);
            let mut next = pieces.next();
            while let Some(piece) = next {
                tokio::select! {
                    // A piece is said when its time is over, as a telephone does.
                    _ = pause.tick() => {
                        self.socket.send(Message::Binary(Bytes::from_static(piece))).await.map_err(broken)?;
                        next = pieces.next();
                    }
                    frame = self.socket.next() => self.take(frame).await?,
                }
            }
        }
        self.send(Message::Text(r#"{"type":"stop_request"}"#.into())).await?;
        let last = async {
            while !self.heard.is_over {
                self.next().await?;
            }
            Ok(())
        };
        let ended: Result<(), String> = tokio::time::timeout(LAST_RESULTS, last).await.unwrap_or(Ok(()));
        // A server that closes after its last words has said them.
        if ended.is_err() && self.heard.text().is_empty() {
            ended?;
        }
        let reason = CloseReason { code: CloseCode::Normal, description: None };
        // All is heard; whether the close arrives matters to nobody.
        let _ = self.socket.send(Message::Close(Some(reason))).await;
        let last_after = self.heard.last_at.map(|at| at.saturating_duration_since(began + LAST_WORD));
        Ok(Listened { text: self.heard.text(), last_after, conversation_id: self.heard.conversation_id })
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        self.socket.send(message).await.map_err(broken)
    }

    async fn next(&mut self) -> Result<(), String> {
        let frame = self.socket.next().await;
        self.take(frame).await
    }

    async fn take(&mut self, frame: Option<Result<Frame, WsProtocolError>>) -> Result<(), String> {
        match frame {
            None => return Err("the server cut the connection".to_owned()),
            Some(Err(fault)) => return Err(broken(fault)),
            Some(Ok(Frame::Text(text))) => {
                if let Ok(message) = ServerMessage::parse(&String::from_utf8_lossy(&text)) {
                    self.heard.take(message);
                }
            }
            Some(Ok(Frame::Ping(payload))) => self.send(Message::Pong(payload)).await?,
            Some(Ok(Frame::Close(reason))) => {
                let code = reason.map_or_else(
                    || "without a code".to_owned(),
                    |reason| format!("with {}", u16::from(reason.code)),
                );
                return Err(format!("the server closed the socket {code}"));
            }
            Some(Ok(_)) => {}
        }
        self.heard.fault.take().map_or(Ok(()), |fault| Err(format!("the server says: {fault}")))
    }
}

/// Deletes the conversation from the server's record, where it knows how to: it is nobody's.
pub(super) async fn forget(
    http: &awc::Client,
    endpoint: &Endpoint,
    token: &AccessToken,
    heard: Option<&Result<Listened, String>>,
) {
    let Some(Ok(Listened { conversation_id: Some(id), .. })) = heard else { return };
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    // A server that cannot keeps a conversation of six seconds.
    let _ = http.delete(format!("{endpoint}/v1/conversations/{id}")).bearer_auth(token.expose()).send().await;
}

fn broken(fault: WsProtocolError) -> String {
    format!("the socket broke: {fault}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbl::server_message::{Punctuated, RecognitionResult};

    #[test]
    fn the_operators_start_request_is_sent_with_nothing_redacted() {
        let template =
            r#"{"trackers":[{"name":"a","vocabulary":["b"]}],"config":{"redaction":{"redactContent":true}}}"#;
        let request: Value =
            serde_json::from_str(&start_request(&StartTemplate::parse(template).unwrap())).unwrap();
        assert_eq!(
            (request["trackers"][0]["name"].as_str(), request["speaker"]["userId"].as_str()),
            (Some("a"), Some("doctor"))
        );
        assert!(
            request["config"]["redaction"].is_null() && !request["config"]["speechRecognition"].is_null()
        );
    }

    #[test]
    fn the_recording_holds_what_is_cut_out_of_it() {
        assert!(SPOKEN.len() > TO && (TO - FROM).is_multiple_of(PIECE));
        assert!(LAST_WORD < PIECE_TIME * u32::try_from((TO - FROM) / PIECE).unwrap());
    }

    #[test]
    fn final_words_count_and_sentences_only_without_them() {
        let words = |text: &str, is_final| {
            ServerMessage::RecognitionResult(Box::new(RecognitionResult {
                is_final,
                punctuated: Punctuated { transcript: text.to_owned() },
                ..RecognitionResult::default()
            }))
        };
        let sentences =
            r#"{"type":"message_response","messages":[{"id":"1","payload":{"content":"Hello there."}}]}"#;
        let sentences = ServerMessage::parse(sentences).unwrap();
        let mut heard = Heard::default();
        heard.take(words("Hello", false));
        assert!(heard.text().is_empty() && heard.last_at.is_none());
        heard.take(sentences.clone());
        assert_eq!(heard.text(), "Hello there.");
        heard.take(words("Hello there", true));
        assert_eq!(heard.text(), "Hello there");
        let listened =
            Listened { text: "thank you for calling".to_owned(), last_after: None, conversation_id: None };
        assert_eq!((listened.words_said(), listened.right_words()), (16, 4));
    }
}
