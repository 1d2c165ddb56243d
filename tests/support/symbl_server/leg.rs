//! One caller's connection at the scripted server: what it heard, and what the test makes it say.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::{Acks, Head, OnStop, Script};
use crate::support::wait::{wait_for, wait_until};

/// How the bridge ended a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With a close frame; the code, if it had one.
    CloseFrame(Option<u16>),
    /// Without one.
    Abruptly,
}

/// What the test makes a connection's task do.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Say(Message),
    Acknowledge,
    AnswerStop,
    Reset,
}

#[derive(Default)]
struct Heard {
    texts: Vec<Value>,
    audio: Vec<u8>,
    /// Sizes of the binary messages.
    sizes: Vec<usize>,
    /// Audio in all after each binary message, and when that came.
    arrivals: Vec<(usize, Instant)>,
    /// Binary bytes that came before the server had said that it listens.
    audio_before_ack: usize,
    acknowledged: bool,
    stop_answered_at: Option<Instant>,
    pongs: Vec<Vec<u8>>,
    ended: Option<(Ended, Instant)>,
}

/// A handle on one connection. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct Leg {
    pub head: Head,
    pub connection_id: String,
    pub conversation_id: String,
    heard: Arc<Mutex<Heard>>,
    orders: UnboundedSender<Order>,
}

impl Leg {
    pub(super) fn new(
        head: Head,
        connection_id: String,
        conversation_id: String,
    ) -> (Self, UnboundedReceiver<Order>) {
        let (orders, inbox) = unbounded_channel();
        let heard = Arc::default();
        (Self { head, connection_id, conversation_id, heard, orders }, inbox)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("the connection's task did not panic")
    }

    /// The text messages so far, all of which must be JSON.
    pub fn texts(&self) -> Vec<Value> {
        self.heard().texts.clone()
    }

    /// The texts of one `type`.
    pub fn texts_of(&self, kind: &str) -> Vec<Value> {
        self.texts().into_iter().filter(|text| text["type"] == kind).collect()
    }

    /// The `speaker` of the first `start_request`.
    pub fn speaker(&self) -> Option<Value> {
        self.texts()
            .into_iter()
            .find(|text| text["type"] == "start_request")
            .map(|text| text["speaker"].clone())
    }

    /// All audio so far, in order.
    pub fn audio(&self) -> Vec<u8> {
        self.heard().audio.clone()
    }

    /// Sizes of the binary messages, in order.
    pub fn binary_sizes(&self) -> Vec<usize> {
        self.heard().sizes.clone()
    }

    /// How much audio there was after each binary message, and when that came.
    pub fn arrivals(&self) -> Vec<(usize, Instant)> {
        self.heard().arrivals.clone()
    }

    pub fn audio_before_ack(&self) -> usize {
        self.heard().audio_before_ack
    }

    /// When the answer to `stop_request` had been sent.
    pub fn stop_answered_at(&self) -> Option<Instant> {
        self.heard().stop_answered_at
    }

    pub fn pongs(&self) -> Vec<Vec<u8>> {
        self.heard().pongs.clone()
    }

    /// How and when the bridge ended the connection, if it has.
    pub fn ended(&self) -> Option<(Ended, Instant)> {
        self.heard().ended.clone()
    }

    /// Waits until the bridge has ended the connection.
    pub async fn end(&self) -> Ended {
        wait_for(&format!("the end of the connection to {}", self.head.path), || self.ended()).await.0
    }

    /// Waits until this much audio has come, then compares all of it with what was sent.
    pub async fn hears_exactly(&self, sent: &[u8], who: &str) {
        let what = format!("{} bytes of {who}'s audio", sent.len());
        let deadline = Instant::now() + crate::support::wait::PATIENCE;
        while self.heard().audio.len() < sent.len() && self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        let heard = self.audio();
        let same = heard.iter().zip(sent).take_while(|(heard, sent)| heard == sent).count();
        assert!(
            same == sent.len() && heard.len() == sent.len(),
            "{what}: {} came, same to {same}",
            heard.len()
        );
    }

    /// Waits for a text of this `type`.
    pub async fn gets(&self, kind: &str) -> Value {
        wait_for(&format!("a {kind} at the server"), || self.texts_of(kind).into_iter().next()).await
    }

    /// Acknowledges the `start_request`, for a script with [`Acks::OnCue`].
    pub fn acknowledge(&self) {
        self.order(Order::Acknowledge);
    }

    pub fn say(&self, text: impl Into<String>) {
        self.order(Order::Say(Message::text(text.into())));
    }

    pub fn say_binary(&self, bytes: &[u8]) {
        self.order(Order::Say(Message::binary(bytes.to_vec())));
    }

    /// Pings and waits for the pong: all that was said before has been read by then.
    pub async fn ping(&self, payload: &[u8]) {
        self.order(Order::Say(Message::Ping(payload.to_vec().into())));
        wait_until("a pong from the bridge", || self.pongs().iter().any(|pong| pong == payload)).await;
    }

    /// Sends a close frame.
    pub fn close(&self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "scripted".into() };
        self.order(Order::Say(Message::Close(Some(frame))));
    }

    /// Breaks the connection without a close frame.
    pub fn reset(&self) {
        self.order(Order::Reset);
    }

    fn order(&self, order: Order) {
        // A connection that has ended takes no orders; tests look at how it ended.
        let _ = self.orders.send(order);
    }

    fn later(&self, after: Duration, order: Order) {
        let leg = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            leg.order(order);
        });
    }

    fn ended_with(&self, ended: Ended) {
        self.heard().ended.get_or_insert((ended, Instant::now()));
    }
}

/// A final `recognition_result` (reference 2.6.4).
pub fn recognition_result(transcript: &str, speaker: &Value) -> Value {
    json!({
        "type": "message",
        "message": {
            "type": "recognition_result",
            "isFinal": true,
            "payload": { "raw": { "alternatives": [{ "words": [], "transcript": transcript, "confidence": 0.94 }] } },
            "punctuated": { "transcript": transcript },
            "user": speaker
        },
        "timeOffset": 6900
    })
}

/// A `message_response` with one message (reference 2.6.5).
pub fn message_response(content: &str, speaker: &Value) -> Value {
    json!({
        "type": "message_response",
        "messages": [{
            "id": "4871305520046080",
            "channel": { "id": "realtime-api" },
            "from": speaker,
            "payload": { "content": content, "contentType": "text/plain" },
            "dismissed": false,
            "entities": []
        }],
        "sequenceNumber": 0,
        "sentiment": true
    })
}

fn acknowledgements(acks: Acks, conversation_id: &str) -> Vec<Value> {
    let data = json!({ "conversationId": conversation_id });
    let plain = |kind: &str| json!({ "type": "message", "message": { "type": kind } });
    let with_data = |kind: &str| json!({ "type": "message", "message": { "type": kind, "data": data } });
    match acks {
        Acks::StartedListening => vec![plain("started_listening"), with_data("conversation_created")],
        Acks::RecognitionStarted => vec![with_data("recognition_started")],
        Acks::All | Acks::OnCue => {
            vec![
                plain("started_listening"),
                with_data("conversation_created"),
                with_data("recognition_started"),
            ]
        }
    }
}

fn stop_answers(on_stop: OnStop, conversation_id: &str) -> Vec<Message> {
    let data = json!({ "conversationId": conversation_id });
    let completed = json!({
        "type": "message",
        "message": { "type": "conversation_completed", "conversationId": conversation_id, "data": data }
    });
    let stopped = json!({ "type": "message", "message": { "type": "recognition_stopped" } });
    let (completed, stopped) = (Message::text(completed.to_string()), Message::text(stopped.to_string()));
    match on_stop {
        OnStop::CompletedThenStopped => vec![completed, stopped],
        OnStop::StoppedThenCompleted => vec![stopped, completed],
        OnStop::Completed => vec![completed],
        OnStop::Stopped => vec![stopped],
        OnStop::Close => vec![Message::Close(Some(CloseFrame { code: 1000.into(), reason: "".into() }))],
        OnStop::Silence => Vec::new(),
    }
}

/// Serves the connection until the bridge ends it.
pub(super) async fn run(
    stream: TcpStream,
    already_read: Vec<u8>,
    leg: Leg,
    mut orders: UnboundedReceiver<Order>,
    script: Script,
) {
    let mut socket = WebSocketStream::from_partially_read(stream, already_read, Role::Server, None).await;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(message)) => hear(&leg, &script, message),
                Some(Err(_)) | None => return leg.ended_with(Ended::Abruptly),
            },
            Some(order) = orders.recv() => {
                let messages = match order {
                    Order::Say(message) => vec![message],
                    Order::Acknowledge => {
                        leg.heard().acknowledged = true;
                        let acks = acknowledgements(script.acks, &leg.conversation_id);
                        let texts = acks.iter().map(Value::to_string).chain(script.then_say.clone());
                        texts.map(Message::text).collect()
                    }
                    Order::AnswerStop => {
                        let last_words = script.last_words.iter().cloned().map(Message::text);
                        let answers = last_words.chain(stop_answers(script.on_stop, &leg.conversation_id)).collect();
                        leg.heard().stop_answered_at = Some(Instant::now());
                        answers
                    }
                    Order::Reset => {
                        let _ = SockRef::from(socket.get_ref()).set_linger(Some(Duration::ZERO));
                        return leg.ended_with(Ended::Abruptly);
                    }
                };
                for message in messages {
                    let _ = socket.send(message).await;
                }
            }
        }
    }
}

fn hear(leg: &Leg, script: &Script, message: Message) {
    match message {
        Message::Text(text) => {
            let text: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "type": "not JSON" }));
            let kind = text["type"].clone();
            leg.heard().texts.push(text);
            if kind == "start_request" && script.acks != Acks::OnCue {
                leg.later(script.acks_after, Order::Acknowledge);
            }
            if kind == "stop_request" {
                leg.later(script.on_stop_after, Order::AnswerStop);
            }
        }
        Message::Binary(bytes) => {
            let mut heard = leg.heard();
            if !heard.acknowledged {
                heard.audio_before_ack += bytes.len();
            }
            heard.sizes.push(bytes.len());
            heard.audio.extend_from_slice(&bytes);
            let arrival = (heard.audio.len(), Instant::now());
            heard.arrivals.push(arrival);
        }
        Message::Pong(payload) => leg.heard().pongs.push(payload.to_vec()),
        Message::Close(frame) => leg.ended_with(Ended::CloseFrame(frame.map(|frame| frame.code.into()))),
        Message::Ping(_) | Message::Frame(_) => {}
    }
}
