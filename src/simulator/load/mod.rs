//! Many legs at once, and what they cost a bridge: a load generator with its own server of the Symbl protocol.
//!
//! It plays both of the bridge's neighbours in one process and on one clock. Each frame of audio tells its leg, its number
//! and its times, so that for every single frame it is known whether, when, how often and how it came out at the far end.
//!
//! * [`step`] - one step: so many legs are set up, speak for a while, and take their leave.
//! * [`caller`] - one leg as Twilio plays it: webhook, media socket, `start`, `stop`.
//! * [`pacer`] - sends frames when they are due, from a thread of its own.
//! * [`sink`] - the far end; [`received`] keeps the account of what came.
//! * [`report`] - the figures of a step.
//! * [`relay()`] - the least that can be done in the bridge's place, to compare with.
//! * [`process`] - what the bridge and we ourselves have used.
//!
//! It never parses JSON and never allocates for a frame: what it needs itself is missing in the figures. Run it within a
//! tokio [`LocalSet`](tokio::task::LocalSet) of one thread.

mod caller;
mod chance;
mod frame;
mod histogram;
mod http;
mod pacer;
mod process;
mod received;
mod relay;
mod report;
mod sink;
mod step;
mod websocket;

use std::time::Instant;

use serde::Serialize;

pub use process::Usage;
pub use relay::relay;
pub use report::{BridgeCost, Delay, Generator, SetUp, StepReport};
pub use step::{LoadError, LoadPlan, LoadRun, Stage};

/// How calls and frames arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// In equal steps, all legs spread over the 20 ms.
    Regular,
    /// Calls independently of one another, frames with a jitter.
    Random,
}

/// Returns the nanoseconds since `began`.
fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
