//! What other nodes know. One node alone knows it all itself: [`Alone`]; several ask each other: [`AcrossNodes`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use tokio::time::{Instant, sleep};

use super::LostCall;
use crate::bridge::cluster::{self, Cluster, State};
use crate::twilio::CallSid;

/// How long a node that starts waits for the others; if they cannot be reached, calls must not wait longer.
const JOIN_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The other nodes.
pub trait Elsewhere: Send + Sync {
    /// Waits until they can be asked, at most as long as joining them may take.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Returns whether a call has a live leg on another node.
    fn has_live_leg<'a>(&'a self, call_sid: &'a CallSid) -> BoxFuture<'a, bool>;

    /// Returns whether this node is the first to claim `key`, which then counts for `lifetime`; nobody to ask is no reason to leave
    /// the work undone.
    fn claim<'a>(&'a self, key: &'a str, lifetime: Duration) -> BoxFuture<'a, bool>;

    /// Gives up what this node has claimed.
    fn release(&self, key: &str);
}

/// There are no other nodes.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Elsewhere for Alone {
    fn ready(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn has_live_leg<'a>(&'a self, _: &'a CallSid) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn claim<'a>(&'a self, _: &'a str, _: Duration) -> BoxFuture<'a, bool> {
        ready(true).boxed()
    }

    fn release(&self, _: &str) {}
}

/// The other nodes of a cluster. While it cannot be reached this node does what it thinks right; of two streams of a call the newer
/// takes the place of the older.
#[derive(Clone)]
pub struct AcrossNodes(pub Arc<dyn Cluster>);

impl Elsewhere for AcrossNodes {
    fn ready(&self) -> BoxFuture<'_, ()> {
        async {
            let ends_at = Instant::now() + JOIN_PATIENCE;
            while self.0.state() == State::CutOff && Instant::now() < ends_at {
                sleep(LOOK_EVERY).await;
            }
        }
        .boxed()
    }

    fn has_live_leg<'a>(&'a self, call_sid: &'a CallSid) -> BoxFuture<'a, bool> {
        let asked = self.0.has_live_leg(call_sid).get();
        async { asked.await.unwrap_or(false) }.boxed()
    }

    fn claim<'a>(&'a self, key: &'a str, lifetime: Duration) -> BoxFuture<'a, bool> {
        let asked = self.0.claim_once(&format!("reattach-{key}"), lifetime).get();
        async { asked.await.unwrap_or(true) }.boxed()
    }

    fn release(&self, key: &str) {
        self.0.release(&format!("reattach-{key}"));
    }
}

impl From<cluster::LostCall> for LostCall {
    fn from(lost: cluster::LostCall) -> Self {
        let cluster::LostCall { call_sid, room, connection_id, .. } = lost;
        Self { call_sid, room: room.to_string(), connection_id }
    }
}
