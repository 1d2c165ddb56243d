//! What other nodes know of calls and legs, as far as a decision here needs it.

use super::party::Role;
use super::room::Room;

/// Where a call wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Into the room that the webhook's address names.
    Named(Room),
    /// Into the room of the number dialled.
    OfNumber(Room),
    /// To whoever with the other role has waited longest; into `fresh` if nobody has.
    Pair {
        /// The caller's own role.
        role: Role,
        /// A room that nobody else is in.
        fresh: Room,
    },
}

/// What the cluster knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFacts {
    /// Its conference.
    pub room: Room,
    /// The number of its next stream; all below it are used.
    pub next_stream: u32,
}

/// What the cluster says of a stream that may be a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegFacts {
    /// The leg's name, the same on all nodes; never used twice.
    pub name: String,
    /// Its conference.
    pub room: Room,
    /// The conference's connection.
    pub connection_id: String,
    /// Whether the call is over already, says a callback that overtook the stream.
    pub has_ended: bool,
}
