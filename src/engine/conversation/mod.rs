//! One live conversation: all sockets of one connection id.
//!
//! * [`room`] - who is in it, who hears what, when it ends. Pure: no clock, no socket, no actor.
//! * [`effect`] - what a room tells its actor to do.
//! * `live` - the conversation that is going on in it.
//! * `wishes` - what its legs asked for, taken together.
//! * `saying` - what may leave of a phrase: redacted words and sentences.
//! * `pending` - what is being judged, in the order in which it was said.
//! * `results` - what was found, as messages and as records.
//! * [`watched`] - which trackers it watches with.
//! * [`typed`] - a conversation that is read rather than heard.
//! * [`transcript`] - what was heard, as the messages that clients know.
//! * [`ids`] - conversation, message and socket ids.
//! * [`actor`] - gives a room its sockets and timers.

pub mod actor;
pub mod effect;
pub mod ids;
mod live;
mod pending;
mod results;
pub mod room;
mod saying;
pub mod transcript;
pub mod typed;
pub mod watched;
mod wishes;

pub use actor::Conversation;
pub use live::Interrupted;
