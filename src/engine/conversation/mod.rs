//! One live conversation: all sockets of one connection id.
//!
//! * [`room`] - who is in it, who hears what, when it ends. Pure: no clock, no socket, no actor.
//! * [`effect`] - what a room tells its actor to do.
//! * `live` - the conversation that is going on in it.
//! * [`transcript`] - what was heard, as the messages that clients know.
//! * [`ids`] - conversation, message and socket ids.
//! * [`actor`] - gives a room its sockets and timers.

pub mod actor;
pub mod effect;
pub mod ids;
mod live;
pub mod room;
pub mod transcript;

pub use actor::Conversation;
