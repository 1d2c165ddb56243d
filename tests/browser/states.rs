//! When there is nothing to show: nobody calls, the server fails, too many watch.

use crate::chromium;
use crate::page::Page;
use crate::stage::{ORDER, Stage};
use crate::support::dashboard::Dashboard;

#[actix_web::test]
async fn a_dashboard_too_many_is_told_so_and_comes_in_when_there_is_room() {
    if !chromium::is_there() {
        return;
    }
    let stage =
        Stage::set_with(&[ORDER], |settings| settings.set("BRIDGE__UPDATES__MAX_DASHBOARDS", "1")).await;
    let first = Dashboard::join(&stage.bridge).await;
    let mut page = Page::open(&stage.url("/")).await;
    page.expect_complaint("WebSocket connection to");
    page.shows("[data-overload]").await;
    page.reads("[data-overload]", "updates.max_dashboards").await;
    first.vanish().await;
    page.sees("body[data-connection=live]").await;
    page.hides("[data-overload]").await;
    page.shows("[data-empty=calls]").await;
    let mut call = stage.call(ORDER, "north").await;
    page.counts("[data-call]", 1).await;
    call.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 0).await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn a_server_of_results_that_fails_is_said_with_what_to_do() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[ORDER]).await;
    let mut page = Page::open(&stage.url("/#/conversation/4000000000000000")).await;
    page.expect_complaint("Failed to load resource");
    page.expect_complaint("WebSocket connection to");
    // A conversation that nobody has.
    page.shows("[data-error]").await;
    let said = page.texts("[data-error]").await.concat();
    assert!(said.split_whitespace().count() > 5, "says what and what to do: {said}");
    // No server at all: an address where nobody listens.
    let nowhere = stage.settings().set("SYMBL_API_BASE_URL", "http://127.0.0.1:9").start().await;
    page.goto(&format!("http://{}/", nowhere.address)).await;
    page.sees("body[data-view=calls][data-connection=live]").await;
    page.shows("[data-error]").await;
    page.shows("[data-empty=calls]").await;
    page.hides("[data-empty=ended]").await;
    page.finish().await;
    nowhere.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn an_error_on_the_console_and_a_broken_policy_would_fail_these_tests() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[]).await;
    let mut page = Page::open(&stage.url("/")).await;
    page.sees("body[data-connection=live]").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.run(
        "console.error('a complaint'); const script = document.createElement('script'); \
         script.textContent = 'window.wasRun = true'; document.head.append(script); \
         Promise.reject(new Error('nobody catches this'));",
    )
    .await;
    page.drawn().await;
    assert!(page.value("window.wasRun").await.is_null(), "an inline script was run");
    let complaints = page.complaints().await.join("\n");
    for words in ["a complaint", "Content Security Policy", "nobody catches this"] {
        assert!(complaints.contains(words), "{words} is not in {complaints}");
    }
    stage.strike().await;
}
