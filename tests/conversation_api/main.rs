//! The REST API over HTTP, against a store that was filled as the engine fills it. Every answer is checked against the
//! OpenAPI document that the server itself gives out.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

#[path = "../engine_support/mod.rs"]
mod engine_support;

mod api;
mod results;
mod routes;
