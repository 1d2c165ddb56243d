//! Fifty dashboards on fifty live legs for a minute: what they are told, how late, and that nothing is lost.
//!
//! `cargo bench --bench fifty_dashboards` runs the bridge as a process and the engine in a thread of this one; its ears hear a
//! word in every four tenths of a second of audio, whatever is said. Two callers each are in 25 conferences and speak at the
//! pace of calls. Once a second a caller leaves and another takes the place. Forty-nine dashboards are sockets, each on
//! `/symbl/updates` and on the results of one conference; the fiftieth is the real page in headless Chromium, left out
//! where there is none. All are on the clock of this machine. Printed are
//!
//! * updates at a socket: from the update's own `at`, which the bridge takes when it is told, to the message read here;
//! * results at a socket: from the write of the audio frame with which a word is over, at the caller's side, to the
//!   `recognition_result` of this word read here: through bridge and engine, all but the recogniser;
//! * updates on the page: from `at` to the moment at which the new caller stands in the page's document.
#![expect(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]
#![allow(unreachable_pub, missing_docs, dead_code, reason = "a benchmark")]

#[path = "../../tests/browser/chromium.rs"]
mod chromium;
mod dashboards;
#[path = "../../tests/engine_support/mod.rs"]
mod engine_support;
mod figures;
mod legs;
#[path = "../../tests/browser/page.rs"]
mod page;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../../tests/browser/webdriver.rs"]
mod webdriver;

use std::time::Duration;

use dashboards::{Dashboards, Watcher};
use engine_support::{APP_ID, APP_SECRET, Engine, Scripted, settings};
use figures::Clock;
use legs::Legs;
use support::bridge::Settings;

const DASHBOARDS: usize = 50;
const CONFERENCES: usize = 25;
const MEASURE: Duration = Duration::from_secs(60);
/// What the issue asks for.
const LATEST: Duration = Duration::from_millis(200);

fn main() {
    // `cargo bench` hands over `--bench`, `cargo test --benches` does not.
    if !std::env::args().any(|argument| argument == "--bench") {
        return println!("not run: this is a benchmark");
    }
    actix_web::rt::System::new().block_on(run());
}

async fn run() {
    // A sentence of one word: each is firm as soon as it is said.
    let hearing = Scripted { word_ms: Some(legs::WORD_MS), ..Scripted::hearing(&["Yes."]) };
    let engine = Engine::start_with(settings(), hearing);
    let bridge = Settings::with_upstream(&engine.http(""))
        .set("SYMBL_APP_ID", APP_ID)
        .set("SYMBL_APP_SECRET", APP_SECRET)
        // On a machine that does much else nobody shall be turned away: that is not what is measured.
        .set("BRIDGE__LIMITS__MAX_DELAY_MS", "0")
        .set("RUST_LOG", "warn,symbl_bridge::server_listening=info")
        .start()
        .await;
    let clock = Clock::start();
    let mut legs = Legs::call(&bridge, CONFERENCES).await;
    let watcher = if chromium::is_there() { Some(Watcher::open(&bridge).await) } else { None };
    let sockets = DASHBOARDS - usize::from(watcher.is_some());
    let dashboards = Dashboards::join(&bridge, &engine, sockets, CONFERENCES).await;
    println!("{} legs, {sockets} sockets, page: {}", legs.live(), watcher.is_some());

    legs.speak(&bridge, MEASURE).await;
    let changes = legs.changes();
    let mut updates = dashboards.updates(&clock, changes).await;
    let mut results = dashboards.results(&clock, &legs).await;
    let on_page = match watcher {
        Some(watcher) => Some(watcher.finish(&legs, &dashboards).await),
        None => None,
    };
    legs.hang_up(&bridge).await;
    dashboards.close().await;
    bridge.finish().await;
    engine.end().await;

    println!(
        "{changes} changes in {} s, each told to {sockets} sockets: none lost, none twice, in order",
        MEASURE.as_secs()
    );
    let mut late = false;
    late |= updates.print("updates at a socket") > LATEST;
    late |= results.print("results at a socket") > LATEST;
    if let Some(mut on_page) = on_page {
        late |= on_page.print("updates on the page") > LATEST;
    }
    println!(
        "{} p95 is {} {} ms",
        if late { "TOO LATE: some" } else { "each" },
        if late { "above" } else { "below" },
        LATEST.as_millis()
    );
}
