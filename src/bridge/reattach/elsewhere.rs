//! What other nodes know. One node alone knows it all itself: [`Alone`].

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use crate::twilio::CallSid;

/// The other nodes.
pub trait Elsewhere: Send + Sync {
    /// Returns whether a call has a live leg on another node.
    fn has_live_leg<'a>(&'a self, call_sid: &'a CallSid) -> BoxFuture<'a, bool>;

    /// Returns whether this node is the first to claim `key`, which then counts for `lifetime`; nobody to ask is no reason to leave
    /// the work undone.
    fn claim<'a>(&'a self, key: &'a str, lifetime: Duration) -> BoxFuture<'a, bool>;
}

/// There are no other nodes.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Elsewhere for Alone {
    fn has_live_leg<'a>(&'a self, _: &'a CallSid) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn claim<'a>(&'a self, _: &'a str, _: Duration) -> BoxFuture<'a, bool> {
        ready(true).boxed()
    }
}
