//! A listener's socket: `/v1/subscribe/{connectionId}` and its aliases (`symbl-protocol` 3).

use std::time::Duration;

use actix::{Actor, AsyncContext, Handler, StreamHandler};
use actix_http::ws::{Message, ProtocolError};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::WebsocketContext;
use log::{debug, warn};

use super::handshake::{self, Admission};
use super::socket::{self, SocketActor, SocketParts};
use crate::engine::EngineState;
use crate::engine::conversation::actor::Join;
use crate::engine::counters::Count;
use crate::engine::directory::{Role, Seat};
use crate::symbl::client_message::{ClientMessage, PONG};
use crate::ws::outbox::{Flush, Outbox, Worth};
use crate::ws::socket_handle::SocketHandle;
use crate::ws::{CloseCode, Incoming, server};

/// A subscriber has little to say; what is longer is not for us.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// Opens a subscription; it is active with the 101.
pub async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<EngineState>,
) -> Result<HttpResponse, Error> {
    let Admission { seat, token_left, subprotocol, trace_id } =
        match handshake::admit(&request, &state, Role::Subscriber).await {
            Ok(admission) => admission,
            Err(refusal) => return Ok(refusal),
        };
    let subscriber = |shell| SubscriberSocket {
        parts: SocketParts::new(shell, trace_id),
        handle: SocketHandle::of(&request),
        state: EngineState::clone(&state),
        seat,
        token_left,
    };
    state.counters().add(Count::SubscriberOpened);
    server::accept(subscriber, &request, payload, MESSAGE_LIMIT, subprotocol.as_deref())
}

struct SubscriberSocket {
    parts: SocketParts,
    handle: Option<SocketHandle>,
    state: EngineState,
    seat: Seat,
    token_left: Duration,
}

impl SocketActor for SubscriberSocket {
    fn parts(&mut self) -> &mut SocketParts {
        &mut self.parts
    }

    fn seat(&self) -> &Seat {
        &self.seat
    }
}

impl Actor for SubscriberSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(socket::MAILBOX);
        let settings = self.state.settings();
        let wake = ctx.address().recipient();
        let outbox = Outbox::new(settings.limits.subscriber_outbox, wake, self.handle.take());
        self.parts.outbox = Some(outbox.clone());
        socket::keep_alive(ctx, settings.timers.ping_interval);
        if settings.close_at_token_expiry {
            socket::close_at_expiry(ctx, self.token_left);
        }
        let join = Join { id: self.seat.socket(), outbox: outbox.clone(), end_leg: None };
        if let Err(error) = self.seat.conversation().try_send(join) {
            warn!(trace_id = self.parts.trace_id, error:% = error; "a subscriber found no conversation");
            outbox.close(CloseCode::Error, "the conversation does not answer", Duration::ZERO);
        }
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for SubscriberSocket {
    fn handle(&mut self, item: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.parts.is_alive();
        if let Some(incoming) = self.parts.shell.receive(item, ctx) {
            match incoming {
                Incoming::Text(text) => match ClientMessage::parse(&text) {
                    ClientMessage::Ping => self.reply(|outbox| {
                        outbox.text(PONG, Worth::Needed);
                    }),
                    ClientMessage::Stop => {
                        self.reply(|outbox| outbox.close(CloseCode::Normal, "stopped", Duration::ZERO));
                    }
                    _ => {}
                },
                Incoming::Ended(end) => {
                    debug!(subscriber:% = self.seat.socket(), trace_id = self.parts.trace_id, end:% = end; "subscriber ended")
                }
                Incoming::Binary(_) | Incoming::Pong(_) => {}
            }
        }
        socket::flush(self, ctx);
    }
}

impl SubscriberSocket {
    fn reply(&self, put: impl FnOnce(&Outbox)) {
        if let Some(outbox) = &self.parts.outbox {
            put(outbox);
        }
    }
}

impl Handler<Flush> for SubscriberSocket {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        socket::flush(self, ctx);
    }
}
