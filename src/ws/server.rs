//! Sockets that others open to us: a thin layer over actix-web-actors.

use actix::{Actor, ActorContext, StreamHandler};
use actix_http::ws::{Codec, Message, ProtocolError};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};

use super::assembler::Assembler;
use super::frame_guard::{Breach, guard};
use super::{CloseCode, End, Fault, Incoming, close_reason};

/// The part of a socket actor that speaks WebSocket: answers pings, joins fragments, ends broken sockets.
#[derive(Debug)]
pub struct Shell {
    assembler: Assembler,
    guard: Breach,
}

impl Shell {
    fn new(limit: usize, guard: Breach) -> Self {
        Self { assembler: Assembler::new(limit), guard }
    }

    /// Takes what actix-web-actors read; returns what the actor must see.
    ///
    /// After [`Incoming::Ended`] the close frame is written and the context is stopping.
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
                ctx.close(reason.clone());
                ctx.stop();
                Ok(Some(Incoming::Ended(End::Closed(reason))))
            }
            Err(_) if self.guard.happened() => Err(Fault::TooLarge),
            // The stream broke below the protocol: nobody is left to read a close frame.
            Err(ProtocolError::Io(error)) => {
                ctx.stop();
                Ok(Some(Incoming::Ended(End::Lost(error.to_string()))))
            }
            Err(error) => Err(Fault::from(&error)),
        };
        match result {
            Ok(incoming) => incoming,
            Err(fault) => {
                close(ctx, fault.close_code(), &fault.to_string());
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

/// Answers a handshake and starts the actor that `actor` makes around the socket's shell, on this worker thread.
///
/// `limit` bounds a message, in one frame or many; `protocol` is a subprotocol to echo exactly as the client offered it.
pub fn accept<A>(
    actor: impl FnOnce(Shell) -> A,
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
    protocol: Option<&str>,
) -> Result<HttpResponse, Error>
where
    A: Actor<Context = WebsocketContext<A>> + StreamHandler<Result<Message, ProtocolError>>,
{
    let offered: Vec<&str> = protocol.into_iter().collect();
    let (guarded, breach) = guard(payload, limit);
    let actor = actor(Shell::new(limit, breach));
    let response = WsResponseBuilder::new(actor, request, guarded).codec(Codec::new().max_size(limit));
    if offered.is_empty() { response.start() } else { response.protocols(&offered).start() }
}
