//! One live conversation: all sockets of one connection id.
//!
//! * [`room`] - who is in it, who hears what, when it ends. Pure: no clock, no socket, no actor.
//! * [`transcript`] - what was heard, as the messages that clients know.
//! * [`ids`] - conversation, message and socket ids.
//! * [`actor`] - gives a room its sockets and timers.

pub mod actor;
pub mod ids;
pub mod room;
pub mod transcript;

pub use actor::Conversation;
