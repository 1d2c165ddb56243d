//! Both far sides of a bridge that runs as a process of its own: Twilio, a Symbl-protocol server, dashboards.
//!
//! Nothing here uses the bridge's code: what is compared are bytes on the wire, written and read by a WebSocket
//! library, an XML parser and an HTTP client that the bridge does not use.
//!
//! * [`bridge`] - the process: settings, port, log lines, signals, exit.
//! * [`symbl_server`] - a scripted server of the Symbl protocol that records all it hears.
//! * [`caller`] - Twilio's side of a call: webhook, TwiML, media socket, status callbacks.
//! * [`twiml`] - TwiML read by an independent parser and held to Twilio's rules.
//! * [`dashboard`] - a consumer of `/symbl/updates`.
//! * [`socket`], [`raw_socket`] - WebSocket clients: a correct one, and one that writes any bytes.
//! * [`fault_proxy`] - a proxy whose one side misbehaves to order.
//! * [`http`] - requests as exact bytes.
//! * [`nats_server`] - the real nats-server, for nodes that share.
//! * [`postgres`], [`nginx`] - the real servers that nodes share and stand behind.
//! * [`twilio_rest`] - Twilio's REST API, scripted.
//! * [`wait`] - waiting for states, with a deadline.
//! * [`witness`] - a call that must not notice what happens to others.

// Every test file compiles this module for itself and uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub)]
// A test support that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

pub mod bridge;
pub mod caller;
pub mod dashboard;
pub mod fault_proxy;
pub mod http;
pub mod nats_server;
pub mod nginx;
pub mod postgres;
pub mod raw_socket;
pub mod socket;
pub mod symbl_server;
pub mod twilio_rest;
pub mod twiml;
pub mod wait;
pub mod witness;

/// The agent's number in every test's configuration.
pub const AGENT: &str = "+15550100001";
/// The customer's number in every test's configuration.
pub const CUSTOMER: &str = "+15550100002";
/// The number that is called.
pub const TWILIO_NUMBER: &str = "+14155550100";
/// A caller whom no configuration knows.
pub const STRANGER: &str = "+13105550177";
