//! The engine's protocol over real sockets (`symbl-protocol` 9.3 and more).

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

#[path = "../engine_support/mod.rs"]
mod engine_support;

mod ending;
mod handshake;
mod schemas;
mod streaming;
mod subscribe;
