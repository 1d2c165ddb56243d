//! The dashboard as people see it: headless Chromium, the bridge as a process, two simulated calls, an engine that hears a
//! script. What is asserted are the data attributes of the page, its texts, its console and what it may not say.
//!
//! * [`chromium`] - the browser: started, driven, searched for complaints, never left running.
//! * [`webdriver`] - the commands that a browser is driven with.
//! * [`page`] - a dashboard in it: waiting for what it shows, keys, emulation.
//! * [`stage`] - engine, bridge and calls whose words are known.
//! * [`axe`] - axe-core, installed from npm.
//!
//! Needs Debian's `chromium` and `chromium-driver`; without them these tests say so and pass, or fail where
//! `SYMBL_BRIDGE_REQUIRE_MODEL=1` (as in CI). The pictures of the README are drawn anew by
//! `UPDATE_SCREENSHOTS=1 cargo test --test browser screenshots -- --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "what helps a test may fail it"
)]

#[path = "../engine_support/mod.rs"]
mod engine_support;
#[path = "../real_engine/mod.rs"]
mod real_engine;
#[path = "../support/mod.rs"]
mod support;

mod axe;
mod call_page;
mod calls_page;
mod chromium;
mod keyboard;
mod looks;
mod losses;
mod page;
mod real_speech;
mod screenshots;
mod sign_in;
mod stage;
mod states;
mod webdriver;
