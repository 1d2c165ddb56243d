//! What both kinds of socket actors share: sending what waits, keeping alive, ending.

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext};
use actix_web_actors::ws::WebsocketContext;
use log::debug;

use crate::engine::directory::Seat;
use crate::ws::CloseCode;
use crate::ws::outbox::{Frame, Outbox};
use crate::ws::server::Shell;

/// Pings that may stay unanswered (`symbl-protocol` 2.8).
const MISSES: u8 = 2;

/// Wake-ups and orders to end; neither comes more often than it is handled.
pub const MAILBOX: usize = 8;

/// A socket actor of the engine.
pub trait SocketActor: Actor<Context = WebsocketContext<Self>> {
    /// Returns the parts that every socket has.
    fn parts(&mut self) -> &mut SocketParts;

    /// Returns the socket's place in its conversation.
    fn seat(&self) -> &Seat;
}

/// The parts that every socket has.
#[derive(Debug)]
pub struct SocketParts {
    /// Reads frames.
    pub shell: Shell,
    /// What waits to be sent. There from `started` on.
    pub outbox: Option<Outbox>,
    /// The trace that the socket's handshake belongs to, for log lines; empty without one.
    pub trace_id: String,
    /// Pings without an answer.
    missed: u8,
}

impl SocketParts {
    /// Returns the parts of a socket that has just opened.
    pub fn new(shell: Shell, trace_id: String) -> Self {
        Self { shell, outbox: None, trace_id, missed: 0 }
    }

    /// The peer has shown that it lives.
    pub fn is_alive(&mut self) {
        self.missed = 0;
    }
}

/// Sends what waits.
pub fn flush<A: SocketActor>(actor: &mut A, ctx: &mut WebsocketContext<A>) {
    let Some(outbox) = &actor.parts().outbox else {
        return;
    };
    for frame in outbox.take() {
        match frame {
            Frame::Text(text) => ctx.text(text),
            Frame::Close { code, why, grace } if grace.is_zero() => actor.parts().shell.close(ctx, code, why),
            Frame::Close { code, why, grace } => {
                ctx.run_later(grace, move |actor, ctx| actor.parts().shell.close(ctx, code, why));
            }
        }
    }
}

/// Pings the peer for as long as it answers and has a conversation to hear of.
pub fn keep_alive<A: SocketActor>(ctx: &mut WebsocketContext<A>, interval: Duration) {
    ctx.run_interval(interval, |actor, ctx| {
        if actor.seat().is_orphaned() {
            let shell = &mut actor.parts().shell;
            return shell.close(ctx, CloseCode::Error, "the conversation is gone");
        }
        let parts = actor.parts();
        if parts.missed >= MISSES {
            debug!("a socket does not answer pings");
            parts.shell.close(ctx, CloseCode::Policy, "no answer to pings");
            ctx.stop();
        } else {
            parts.missed += 1;
            ctx.ping(b"");
        }
    });
}

/// Closes the socket when its token ends.
pub fn close_at_expiry<A: SocketActor>(ctx: &mut WebsocketContext<A>, token_left: Duration) {
    ctx.run_later(token_left, |actor, ctx| {
        actor.parts().shell.close(ctx, CloseCode::Policy, "token expired");
    });
}
