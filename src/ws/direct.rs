//! Sockets that others open to us and whose actor takes the connection itself: nothing of HTTP is left on them.
//!
//! The listener must give [`Upgrades`](super::upgrade::Upgrades) to its HTTP service; without it the handshake is answered and the
//! connection ends.

use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_web_actors::ws::handshake;
use tokio::sync::oneshot;

use super::pump::{FrameWriter, Pumping, Session, Side, Socket};
use super::upgrade::Takeover;
use super::{CloseCode, CloseReason, End, Incoming, close_reason};

/// How long a closed socket lingers for the peer's answer.
const LINGER: Duration = Duration::from_secs(2);

/// The part of a socket actor that ends the socket.
#[derive(Debug)]
pub struct Line {
    pumping: Pumping,
    due: Option<CloseReason>,
    is_closing: bool,
}

impl Line {
    /// Sends a close frame, then waits a little for the peer's answer; what else the peer sends is ignored.
    ///
    /// The actor stops when the peer has closed, too, or after the wait. Closing twice closes once.
    pub fn close<A: Session>(&mut self, ctx: &mut Context<A>, code: CloseCode, why: &str) {
        if !std::mem::replace(&mut self.is_closing, true) {
            self.due = Some(close_reason(code, why));
            self.pumping.wake();
            ctx.run_later(LINGER, |_, ctx| ctx.stop());
        }
    }

    /// Writes the close frame if it is due; for [`Session::write`].
    pub fn write(&mut self, frames: &mut FrameWriter<'_>) {
        if let Some(reason) = self.due.take() {
            frames.close(reason);
        }
    }

    /// Returns what the actor must see of what came; for [`Session::receive`].
    pub fn receive<A: Session>(&mut self, incoming: Incoming, ctx: &mut Context<A>) -> Option<Incoming> {
        match &incoming {
            // The close frame has been written: the pump stops the actor when the peer has heard it.
            Incoming::Ended(End::Fault(_)) if !std::mem::replace(&mut self.is_closing, true) => {
                ctx.run_later(LINGER, |_, ctx| ctx.stop());
                Some(incoming)
            }
            Incoming::Ended(_) => Some(incoming),
            _ if self.is_closing => None,
            _ => Some(incoming),
        }
    }
}

/// Answers a handshake and starts the actor that `actor` makes around the socket's line, on this worker thread.
///
/// `limit` bounds a message, in one frame or many. The connection counts as the listener's until the socket is gone.
pub fn accept<A: Session>(
    actor: impl FnOnce(Line) -> A + 'static,
    request: &HttpRequest,
    limit: usize,
) -> Result<HttpResponse, Error> {
    let mut response = handshake(request)?.finish();
    response.extensions_mut().insert(Takeover::new(move |io, read| {
        let (over, is_over) = oneshot::channel();
        A::create(move |ctx| {
            let pumping = Socket::new(io, read, limit, Side::Server).tell_end(over).start(ctx);
            actor(Line { pumping, due: None, is_closing: false })
        });
        Box::pin(async move {
            // Told or dropped: the socket is gone either way.
            let _ = is_over.await;
        })
    }));
    Ok(response)
}
