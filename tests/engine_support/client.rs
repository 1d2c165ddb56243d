//! A WebSocket client over tokio-tungstenite.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{PATIENCE, check_message};

/// One end of a socket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) subprotocol: Option<String>,
    /// Messages that came before the one that was expected.
    later: VecDeque<Said>,
}

/// What the engine said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A message, checked against the schema.
    Json(Value),
    /// The one text that is not JSON.
    Pong,
    /// A close frame.
    Closed(u16),
    /// The end without one.
    Lost,
}

impl Said {
    /// Returns `message.type` of envelope A, `type` of envelope B.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Json(value) if value["type"] == "message" => {
                value["message"]["type"].as_str().unwrap().to_owned()
            }
            Self::Json(value) => value["type"].as_str().unwrap().to_owned(),
            Self::Pong => "pong".to_owned(),
            Self::Closed(code) => format!("closed {code}"),
            Self::Lost => "lost".to_owned(),
        }
    }
}

impl Client {
    pub(crate) async fn connect(url: &str) -> Self {
        Self::try_connect(url.into_client_request().unwrap()).await.unwrap()
    }

    /// Connects with headers of the caller's; returns the status of a refusal.
    pub(crate) async fn connect_with(url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Self::try_connect(request).await.map_err(|error| match error {
            tungstenite::Error::Http(response) => response.status().as_u16(),
            other => panic!("{other}"),
        })
    }

    async fn try_connect(request: Request) -> Result<Self, tungstenite::Error> {
        let (socket, response): (_, Response) = connect_async(request).await?;
        let subprotocol = response.headers().get("sec-websocket-protocol");
        let subprotocol = subprotocol.map(|value| value.to_str().unwrap().to_owned());
        Ok(Self { socket, subprotocol, later: VecDeque::new() })
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn json(&mut self, value: &Value) {
        self.text(&value.to_string()).await;
    }

    pub(crate) async fn audio(&mut self, audio: Vec<u8>) {
        self.socket.send(Message::binary(audio)).await.unwrap();
    }

    /// Sends one message in pieces of at most `size` bytes, as Node's client does.
    pub(crate) async fn fragments(&mut self, kind: Data, payload: &[u8], size: usize) {
        let mut pieces = payload.chunks(size).enumerate().peekable();
        while let Some((number, piece)) = pieces.next() {
            let kind = if number == 0 { kind } else { Data::Continue };
            let is_last = pieces.peek().is_none();
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), is_last);
            self.socket.send(Message::Frame(frame)).await.unwrap();
        }
    }

    pub(crate) async fn close(&mut self) {
        let _ = self.socket.close(None).await;
    }

    /// Returns the next thing that the engine says; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Said {
        tokio::time::timeout(PATIENCE, self.next_at_leisure()).await.expect("the engine is silent")
    }

    /// Returns what the engine says within a time.
    pub(crate) async fn next_within(&mut self, time: std::time::Duration) -> Option<Said> {
        tokio::time::timeout(time, self.next_at_leisure()).await.ok()
    }

    async fn next_at_leisure(&mut self) -> Said {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) if text == "__PONG__" => return Said::Pong,
                Some(Ok(Message::Text(text))) => return Said::Json(check_message(&text)),
                Some(Ok(Message::Close(Some(frame)))) => return Said::Closed(frame.code.into()),
                Some(Ok(Message::Close(None))) => return Said::Closed(1005),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the engine sent {other:?}"),
                Some(Err(_)) | None => return Said::Lost,
            }
        }
    }

    /// Returns the next message, skipping interim results.
    pub(crate) async fn next_settled(&mut self) -> Said {
        if let Some(said) = self.later.pop_front() {
            return said;
        }
        self.read_settled().await
    }

    async fn read_settled(&mut self) -> Said {
        loop {
            let said = self.next().await;
            match &said {
                Said::Json(value) if value["message"]["isFinal"] == false => {}
                _ => return said,
            }
        }
    }

    /// Expects these kinds, in this order, interim results and topics aside; returns the messages.
    ///
    /// What a phrase means comes when it has been judged, and the next phrase does not wait for that: its result may
    /// stand before the message of this one. Such a message is kept for later.
    pub(crate) async fn expect(&mut self, kinds: &[&str]) -> Vec<Value> {
        let mut messages = Vec::new();
        for (number, kind) in kinds.iter().enumerate() {
            let kept = self.later.iter().position(|said| said.kind() == *kind);
            let said = match kept.and_then(|at| self.later.remove(at)) {
                Some(said) => said,
                None => loop {
                    let said = self.read_settled().await;
                    match said.kind().as_str() {
                        found if found == *kind => break said,
                        "recognition_result" | "message_response" => self.later.push_back(said),
                        "topic_response" => {}
                        _ => break said,
                    }
                },
            };
            assert_eq!(said.kind(), *kind, "number {number} of {kinds:?}: {said:?}");
            if let Said::Json(value) = said {
                messages.push(value);
            }
        }
        messages
    }

    /// Starts and returns the conversation's id, which all acknowledgements must agree on.
    pub(crate) async fn start(&mut self, request: &Value) -> String {
        self.json(request).await;
        let acks = self.expect(&["started_listening", "conversation_created", "recognition_started"]).await;
        let id = &acks[1]["message"]["data"]["conversationId"];
        assert_eq!(*id, acks[2]["message"]["data"]["conversationId"]);
        id.as_str().unwrap().to_owned()
    }

    /// Stops, and expects the end in the one order that does not hang JS clients. Returns what came before it.
    pub(crate) async fn stop(&mut self) -> Vec<Value> {
        self.text(r#"{"type":"stop_request"}"#).await;
        let mut before = Vec::new();
        loop {
            let said = self.next_settled().await;
            match said {
                Said::Json(value) if value["message"]["type"] != "conversation_completed" => {
                    before.push(value)
                }
                said => {
                    assert_eq!(said.kind(), "conversation_completed");
                    break;
                }
            }
        }
        self.expect(&["recognition_stopped"]).await;
        self.close().await;
        while !matches!(self.next().await, Said::Closed(_) | Said::Lost) {}
        before
    }
}
