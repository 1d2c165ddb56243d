//! Decisions about calls. Pure: no clock, no socket, no actor; every schedule of events can be tested.
//!
//! * [`leg`] - one caller's connection: when to connect, start, send, stop, give up.
//! * [`upload`] - the leg's audio on its way out, bounded.
//! * [`registry`] - which calls and legs there are, which conference each is in, what dashboards hear of it.
//! * [`facts`] - what other nodes know of calls and legs.
//! * [`room`] - a conference's name.
//! * [`party`] - who a caller is.
//! * [`stream_token`] - what binds a media socket to a webhook.
//! * [`update`] - lifecycle updates as dashboards see them.

pub mod facts;
pub mod leg;
pub mod party;
pub mod registry;
pub mod room;
pub mod stream_token;
pub mod update;
pub mod upload;
