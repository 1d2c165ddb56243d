//! The bridge: callers on one side, one Symbl connection each on the other.
//!
//! Five actors, and who sends what to whom:
//!
//! ```text
//!   Twilio ──frames──▶ TwilioStream ──audio──▶ SymblConnection ──frames──▶ Symbl-protocol server
//!                        │      ▲                    │
//!                  start │      │ plan, stop         │ connected, media ended, ended
//!                        ▼      │                    ▼
//!   webhooks ──call──▶ Supervisor ──updates──▶ UpdatesHub ──updates──▶ UpdatesSession ──▶ dashboard
//! ```
//!
//! * [`supervisor`] - which calls and legs there are; the one owner of every leg.
//! * [`twilio_stream`] - one media socket: frames in, decoded audio out.
//! * [`symbl_connection`] - one leg's socket to the server.
//! * [`updates_hub`] - relays updates to dashboards, with a snapshot for newcomers.
//! * [`updates_session`] - one dashboard's socket.
//! * `recorded` - what a leg tells its recording.
//! * [`media_sockets`] - the media sockets as the supervisor sees them, and when each has to be gone.
//! * [`leg_guard`] - what makes sure that a leg ends, whoever dies.
//! * [`leg_meter`] - what a page shows of a leg while it lasts.
//! * [`leg_on_page`] - that, as JSON.
//! * [`load`] - how late the process is.
//! * [`reattach`] - new streams for calls that lost theirs, through Twilio's REST API.
//! * [`http`] - routes: Twilio's webhooks, the media socket, the updates socket, what the dashboard needs.
//! * [`cluster`] - what several nodes share; by default there is one.
//! * [`services`] - what the actors of one worker thread share.
//!
//! Decisions are made in [`call`], which has no clock and no socket; the actors perform them. A leg's two socket
//! actors live on one worker thread, so audio never crosses threads.

pub mod call;
pub mod cluster;
pub mod http;
pub mod leg_guard;
pub mod leg_meter;
pub mod leg_on_page;
pub mod load;
pub mod media_sockets;
pub mod reattach;
mod recorded;
pub mod services;
pub mod supervisor;
pub mod symbl_connection;
pub mod twilio_stream;
pub mod updates_hub;
pub mod updates_session;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};

/// Tells a fact that must not be lost to an actor of ours that never waits for a peer.
///
/// A socket sends a handful of facts in its whole life, so what waits is bounded by the number of sockets, and none of
/// those it goes to is ever frozen by a peer.
fn tell<A, M>(to: &Addr<A>, fact: M)
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    #[expect(clippy::disallowed_methods, reason = "bounded by the number of legs, see above")]
    to.do_send(fact);
}

/// Returns the time that stream tokens are issued and checked by, in seconds since 1970.
fn seconds_now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}
