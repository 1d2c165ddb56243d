//! Sockets that others open to us: a thin layer over actix-web-actors.

use std::io;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_http::ws::{Codec, Message, ProtocolError};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};

use super::assembler::Assembler;
use super::frame_guard::{Breach, guard};
use super::{CloseCode, End, Fault, Incoming, close_reason};

/// How long a closed socket lingers for the peer's answer. Dropping it at once, with input unread, would reset the
/// connection, and a reset can overtake the close frame and all that was sent before it.
const LINGER: Duration = Duration::from_secs(2);

/// The part of a socket actor that speaks WebSocket: answers pings, joins fragments, ends broken sockets.
#[derive(Debug)]
pub struct Shell {
    assembler: Assembler,
    guard: Breach,
    is_closing: bool,
}

impl Shell {
    fn new(limit: usize, guard: Breach) -> Self {
        Self { assembler: Assembler::new(limit), guard, is_closing: false }
    }

    /// Sends a close frame, then waits a little for the peer's answer; what else the peer sends is ignored.
    ///
    /// The actor stops when [`Incoming::Ended`] comes, or after the wait. Closing twice closes once.
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
            Err(_) if self.guard.happened() => Err(Fault::TooLarge),
            Err(ProtocolError::Io(error)) => match fault_in_io(&error) {
                Some(fault) => Err(fault),
                // The stream broke below the protocol: nobody is left to read a close frame.
                None => {
                    ctx.stop();
                    Ok(Some(Incoming::Ended(End::Lost(error.to_string()))))
                }
            },
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

/// Returns the breach that an I/O error really is: actix has no kinds of its own for these two.
fn fault_in_io(error: &io::Error) -> Option<Fault> {
    if error.kind() == io::ErrorKind::InvalidData {
        return Some(Fault::Protocol);
    }
    error.to_string().contains("utf-8").then_some(Fault::NotUtf8)
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
