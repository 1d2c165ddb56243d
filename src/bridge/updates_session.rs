//! One dashboard's socket: updates out, nothing in.

use actix::prelude::*;
use actix_web_actors::ws::{Message as WsMessage, ProtocolError, WebsocketContext};
use bytestring::ByteString;

use super::tell;
use super::updates_hub::{Join, Leave, SessionId, UpdatesHub};
use crate::config::UpdatesSettings;
use crate::ws::server::Shell;
use crate::ws::socket_handle::SocketHandle;
use crate::ws::{CloseCode, Incoming};

/// A dashboard has nothing to say to us.
pub const MESSAGE_LIMIT: usize = 4 * 1024;

/// Pings in a row that a dashboard may leave unanswered.
const MISSED_PINGS: u32 = 2;

/// Updates to write, in order.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver(pub Vec<ByteString>);

/// The socket is to end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndSession {
    /// With this code.
    pub code: CloseCode,
    /// And this reason.
    pub why: &'static str,
}

/// The actor.
pub struct UpdatesSession {
    hub: Addr<UpdatesHub>,
    /// The hub ends the socket through this when we cannot.
    socket: Option<SocketHandle>,
    settings: UpdatesSettings,
    /// The update that the dashboard says it saw last.
    after: Option<u64>,
    shell: Shell,
    id: Option<SessionId>,
    unanswered_pings: u32,
}

impl UpdatesSession {
    /// Returns the session of a dashboard whose socket has just opened; `after` is the update it says it saw last.
    pub fn new(
        hub: Addr<UpdatesHub>,
        socket: Option<SocketHandle>,
        settings: UpdatesSettings,
        after: Option<u64>,
        shell: Shell,
    ) -> Self {
        Self { hub, socket, settings, after, shell, id: None, unanswered_pings: 0 }
    }
}

impl Actor for UpdatesSession {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.settings.queue);
        let join = Join { after: self.after, session: ctx.address(), socket: self.socket.clone() };
        let joined = self.hub.send(join).into_actor(self).map(|answer, session, ctx| match answer {
            Ok(Ok(id)) => session.id = Some(id),
            Ok(Err(full)) => session.shell.close(ctx, CloseCode::Again, &full.to_string()),
            Err(_) => session.shell.close(ctx, CloseCode::Away, "shutdown"),
        });
        ctx.wait(joined);
        ctx.run_interval(self.settings.ping_every, |session, ctx| {
            if session.unanswered_pings >= MISSED_PINGS {
                return session.shell.close(ctx, CloseCode::Policy, "no answer to pings");
            }
            session.unanswered_pings += 1;
            ctx.ping(b"");
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(id) = self.id {
            tell(&self.hub, Leave(id));
        }
    }
}

impl StreamHandler<Result<WsMessage, ProtocolError>> for UpdatesSession {
    fn handle(&mut self, item: Result<WsMessage, ProtocolError>, ctx: &mut Self::Context) {
        if let Some(Incoming::Pong(_)) = self.shell.receive(item, ctx) {
            self.unanswered_pings = 0;
        }
    }
}

impl Handler<Deliver> for UpdatesSession {
    type Result = ();

    fn handle(&mut self, Deliver(frames): Deliver, ctx: &mut Self::Context) {
        for frame in frames {
            ctx.text(frame);
        }
    }
}

impl Handler<EndSession> for UpdatesSession {
    type Result = ();

    fn handle(&mut self, end: EndSession, ctx: &mut Self::Context) {
        self.shell.close(ctx, end.code, end.why);
    }
}
