//! symbl-bridge: callers on a Twilio number, each on a Symbl connection of its own.
//!
//! The rooms of the house, in reading order. Arrows run downwards only; nothing imports a room above it.
//!
//! * [`cli`] - one file a subcommand. The only room that prints, and with [`app`] the only one that knows
//!   every other.
//! * [`app`] - the application as a value: it owns the listener and everything behind it.
//! * [`config`] - typed settings, read and checked completely before a port is bound.
//! * [`bridge`] - Twilio's webhooks and media sockets on one side, one Symbl connection a leg on the other.
//! * [`listener`] - the front door: connections, TLS, deadlines, limits by address. Knows neither wing.
//! * [`dashboard`] - the live dashboard's page, as files of the program. Knows nothing of calls.
//! * [`engine`] - the self-hosted server of the Symbl protocol, with speech recognition of its own. Never imports the
//!   bridge.
//! * [`simulator`] - Twilio's side of the wire: a phone that calls a bridge. Never imports the bridge.
//! * [`recording`] - what legs carry, kept as files. Never makes a leg wait.
//! * [`twilio`] - Media Streams messages, forms, TwiML and signatures. Never touches a socket or a clock.
//! * [`symbl`] - the Symbl protocol's messages in both directions, and what a client of it needs.
//! * [`ws`] - the one shell over actix-web-actors and awc: frames, fragments, pings, closes, limits. Never
//!   parses what the frames carry.
//! * [`audio`] - mu-law, resampling, WAV. Pure.
//! * [`telemetry`] - log events and the two forms they are written in, metrics, traces.

pub mod app;
pub mod audio;
pub mod bridge;
pub mod cli;
pub mod config;
pub mod dashboard;
pub mod engine;
pub mod listener;
pub mod recording;
pub mod simulator;
pub mod symbl;
pub mod telemetry;
pub mod twilio;
pub mod ws;
