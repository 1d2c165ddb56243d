//! Sockets that break, updates that are missed, a bridge that is killed: the page shows nothing stale, nothing twice, and says
//! what it could not be told.

use crate::call_page::turns_are;
use crate::chromium;
use crate::page::Page;
use crate::stage::{ORDER, Stage};
use crate::support::fault_proxy::{Culprit, Fault, FaultProxy, Plan};
use crate::support::wait::wait_until;
use crate::webdriver::Key;

/// What the console says about a socket that was broken on purpose; no page can prevent it.
const BROKEN_SOCKET: &str = "WebSocket connection to";
/// What it says about a request to a server that is not there.
const BROKEN_REQUEST: &str = "net::ERR_";

/// Upgrades that fail while a test goes on.
const FAILING: usize = 40;

#[actix_web::test]
async fn a_dropped_socket_is_opened_again_and_brings_what_was_missed() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[ORDER, ORDER]).await;
    let proxy = FaultProxy::start(stage.bridge.address, Culprit::Client, false, 1).await;
    let mut first = stage.call(ORDER, "north").await;
    let mut page = Page::open(&format!("http://{}/", proxy.address)).await;
    page.expect_complaint(BROKEN_SOCKET);
    page.counts("[data-call]", 1).await;
    page.run("window.theCard = document.querySelector('[data-call]');").await;
    page.run("window.notLoadedAgain = true;").await;

    // The only socket of the page that goes to the bridge.
    proxy.plan(vec![Plan::from_the_beginning(Fault::Status(503)); FAILING]);
    proxy.line(0).await.switch(Fault::Vanish);
    page.sees("body[data-connection=lost], body[data-connection=connecting]").await;
    let mut second = stage.call(ORDER, "south").await;
    first.hang_up(&stage.bridge).await;
    stage.bridge.wait_for_event("leg_ended", |_| true).await;
    let left = proxy.plans_left();
    assert!(left > 0, "the page tries too often: {FAILING} times already");
    proxy.forget_plans();

    page.sees("body[data-connection=live]").await;
    page.sees("[data-call][data-room=south]").await;
    page.misses("[data-call][data-room=north]").await;
    page.counts("[data-call]", 1).await;
    page.counts("[data-call] [data-party]", 2).await;
    page.hides("[data-gap]").await;
    assert_eq!(page.value("window.notLoadedAgain").await, true);
    second.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 0).await;
    page.finish().await;
    drop(proxy);
    stage.strike().await;
}

#[actix_web::test]
async fn a_gap_is_said_and_what_is_shown_afterwards_is_right() {
    if !chromium::is_there() {
        return;
    }
    let stage =
        Stage::set_with(&[ORDER, ORDER, ORDER], |settings| settings.set("BRIDGE__UPDATES__KEEP", "1")).await;
    let proxy = FaultProxy::start(stage.bridge.address, Culprit::Client, false, 1).await;
    let mut first = stage.call(ORDER, "north").await;
    let mut page = Page::open(&format!("http://{}/", proxy.address)).await;
    page.expect_complaint(BROKEN_SOCKET);
    page.counts("[data-call]", 1).await;
    proxy.plan(vec![Plan::from_the_beginning(Fault::Status(503)); FAILING]);
    proxy.line(0).await.switch(Fault::Vanish);
    page.sees("body[data-connection=lost], body[data-connection=connecting]").await;
    let mut second = stage.call(ORDER, "south").await;
    let mut third = stage.call(ORDER, "west").await;
    first.hang_up(&stage.bridge).await;
    proxy.forget_plans();
    page.shows("[data-gap]").await;
    page.sees("body[data-connection=live]").await;
    page.misses("[data-call][data-room=north]").await;
    page.counts("[data-call]", 2).await;
    page.counts("[data-call] [data-party]", 4).await;
    second.hang_up(&stage.bridge).await;
    third.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 0).await;
    page.finish().await;
    drop(proxy);
    stage.strike().await;
}

#[actix_web::test]
async fn a_dropped_results_socket_leaves_no_turn_out_and_shows_none_twice() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set_behind_a_proxy(&[ORDER]).await;
    let mut call = stage.call(ORDER, "north").await;
    call.say_line().await;
    let mut page = Page::open(&stage.url("/")).await;
    page.expect_complaint(BROKEN_SOCKET);
    page.open_call("[data-call]").await;
    turns_are(&page, &sentences(1)).await;
    let proxy = stage.proxy.as_ref().unwrap();
    // The first two are the callers' legs.
    let lines = proxy.lines();
    assert!(lines.len() > 2, "the page listens");
    proxy.plan(vec![Plan::from_the_beginning(Fault::Status(503)); FAILING]);
    lines[2..].iter().for_each(|line| line.switch(Fault::Vanish));
    call.say_line().await;
    call.say_words(2).await;
    wait_until("the page to knock in vain", || proxy.plans_left() < FAILING).await;
    proxy.forget_plans();
    page.reads("[data-turn]", &sentences(2)[1]).await;
    page.shows("[data-gap]").await;
    call.say_line().await;
    turns_are(&page, &sentences(3)).await;
    call.hang_up(&stage.bridge).await;
    page.sees("[data-analytics]").await;
    turns_are(&page, &sentences(3)).await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn a_leg_whose_server_is_lost_is_shown_as_interrupted_until_it_is_back() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set_behind_a_proxy(&[ORDER]).await;
    let mut call = stage.call(ORDER, "north").await;
    let mut page = Page::open(&stage.url("/")).await;
    page.expect_complaint(BROKEN_SOCKET);
    page.sees("[data-call][data-state=live]").await;
    let proxy = stage.proxy.as_ref().unwrap();
    proxy.plan(vec![Plan::from_the_beginning(Fault::Status(503)); FAILING]);
    proxy.lines()[..2].iter().for_each(|line| line.switch(Fault::Vanish));
    page.shows("[data-call][data-state=interrupted]").await;
    page.open_call("[data-call]").await;
    page.reads("[data-leg] [data-field=connection]", "interrupted").await;
    assert_eq!(page.count("[data-leg]").await, 2);
    proxy.forget_plans();
    page.until(
        "both legs live",
        "[...document.querySelectorAll('[data-leg] [data-field=connection]')].every((each) => each.textContent === 'live')",
    )
    .await;
    page.press(Key::Escape).await;
    page.shows("[data-call][data-state=live]").await;
    call.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 0).await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn after_a_restart_of_the_bridge_nothing_is_stale_and_nothing_doubled() {
    if !chromium::is_there() {
        return;
    }
    let mut stage = Stage::set(&[ORDER, ORDER]).await;
    let mut before = stage.call(ORDER, "north").await;
    let mut page = Page::open(&stage.url("/")).await;
    page.expect_complaint(BROKEN_SOCKET);
    page.expect_complaint(BROKEN_REQUEST);
    page.counts("[data-call]", 1).await;
    before.say_line().await;
    stage.kill_the_bridge().await;
    page.sees("body[data-connection=lost], body[data-connection=connecting]").await;
    stage.start_another_bridge().await;
    page.sees("body[data-connection=live]").await;
    page.counts("[data-call]", 0).await;
    page.shows("[data-empty=calls]").await;
    page.reads("[data-gap]", "restarted").await;

    let mut after = stage.call(ORDER, "south").await;
    page.counts("[data-call]", 1).await;
    page.shows("[data-call][data-room=south][data-state=live]").await;
    page.counts("[data-call] [data-party]", 2).await;
    page.open_call("[data-call]").await;
    after.say_line().await;
    turns_are(&page, &sentences(1)).await;
    // In a call, too: it is over with its bridge, and what was said in it stays.
    stage.kill_the_bridge().await;
    page.sees("body[data-connection=lost], body[data-connection=connecting]").await;
    stage.start_another_bridge().await;
    page.sees("body[data-connection=live]").await;
    turns_are(&page, &sentences(1)).await;
    page.misses("[data-leg]").await;
    page.finish().await;
    stage.leave().await;
}

/// The first sentences of the order, one a line.
fn sentences(number: usize) -> Vec<String> {
    ORDER[..number].iter().map(|(_, text)| (*text).to_owned()).collect()
}
