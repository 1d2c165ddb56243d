//! Sockets that others open to us: a thin layer over actix-web-actors.

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_http::ws::{Codec, Message, ProtocolError};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};

use super::assembler::Assembler;
use super::{CloseCode, End, Fault, Incoming, close_reason};

/// The part of a socket actor that speaks WebSocket: answers pings, joins fragments, ends broken sockets.
#[derive(Debug)]
pub struct Shell {
    assembler: Assembler,
    is_closing: bool,
}

/// How long a closed socket lingers for the peer's answer. Dropping it at once, with input unread, would reset the
/// connection, and a reset can overtake the close frame and all that was sent before it.
const LINGER: Duration = Duration::from_secs(2);

impl Shell {
    /// Returns a shell for messages of at most `limit` bytes, fragments joined.
    pub fn new(limit: usize) -> Self {
        Self { assembler: Assembler::new(limit), is_closing: false }
    }

    /// Sends a close frame, then waits a little for the peer's answer; what else the peer sends is ignored.
    ///
    /// The actor stops when [`Incoming::Ended`] comes, or after the wait.
    pub fn close<A>(&mut self, ctx: &mut WebsocketContext<A>, code: CloseCode, why: &str)
    where
        A: Actor<Context = WebsocketContext<A>>,
    {
        if !std::mem::replace(&mut self.is_closing, true) {
            ctx.close(Some(close_reason(code, why)));
            ctx.run_later(LINGER, |_, ctx| ctx.stop());
        }
    }

    /// Returns whether our close frame has been sent.
    pub fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Takes what actix-web-actors read; returns what the actor must see.
    ///
    /// With [`Incoming::Ended`] the close frame has been written; the context stops now or after a short linger.
    pub fn receive<A>(
        &mut self,
        item: Result<Message, ProtocolError>,
        ctx: &mut WebsocketContext<A>,
    ) -> Option<Incoming>
    where
        A: Actor<Context = WebsocketContext<A>>,
    {
        let result = match item {
            Ok(Message::Text(text)) => Ok(Some(Incoming::Text(text))),
            Ok(Message::Binary(data)) => Ok(Some(Incoming::Binary(data))),
            Ok(Message::Continuation(item)) => self.assembler.push(item),
            Ok(Message::Ping(data)) => {
                ctx.pong(&data);
                Ok(None)
            }
            Ok(Message::Pong(data)) => Ok(Some(Incoming::Pong(data))),
            Ok(Message::Nop) => Ok(None),
            Ok(Message::Close(reason)) => {
                if !std::mem::replace(&mut self.is_closing, true) {
                    // An empty close frame reads as 1005, which some clients take for a failure.
                    ctx.close(Some(reason.clone().unwrap_or(CloseCode::Normal.into())));
                }
                ctx.stop();
                Ok(Some(Incoming::Ended(End::Closed(reason))))
            }
            // The stream broke below the protocol: nobody is left to read a close frame.
            Err(ProtocolError::Io(error)) => {
                ctx.stop();
                Ok(Some(Incoming::Ended(End::Lost(error.to_string()))))
            }
            Err(error) => Err(Fault::from(&error)),
        };
        match result {
            Ok(Some(Incoming::Text(_) | Incoming::Binary(_))) if self.is_closing => None,
            Ok(incoming) => incoming,
            Err(_) if self.is_closing => None,
            Err(fault) => {
                self.close(ctx, fault.close_code(), &fault.to_string());
                Some(Incoming::Ended(End::Fault(fault)))
            }
        }
    }
}

/// Sends a close frame and stops the actor; `stop` alone would reset the peer without a word.
pub fn close<A>(ctx: &mut WebsocketContext<A>, code: CloseCode, why: &str)
where
    A: Actor<Context = WebsocketContext<A>>,
{
    ctx.close(Some(close_reason(code, why)));
    ctx.stop();
}

/// Answers a handshake and starts `actor` on the socket, on this worker thread.
///
/// `frame_limit` bounds a single frame; `protocol` is a subprotocol to echo exactly as the client offered it.
pub fn accept<A>(
    actor: A,
    request: &HttpRequest,
    payload: web::Payload,
    frame_limit: usize,
    protocol: Option<&str>,
) -> Result<HttpResponse, Error>
where
    A: Actor<Context = WebsocketContext<A>> + StreamHandler<Result<Message, ProtocolError>>,
{
    let offered: Vec<&str> = protocol.into_iter().collect();
    let response = WsResponseBuilder::new(actor, request, payload).codec(Codec::new().max_size(frame_limit));
    if offered.is_empty() { response.start() } else { response.protocols(&offered).start() }
}
