//! Signing in with the access token, once; nothing secret in an address or within a script's reach; signing out.

use serde_json::json;

use crate::chromium;
use crate::page::Page;
use crate::stage::{ORDER, Stage};
use crate::support::TWILIO_NUMBER;
use crate::support::bridge::Settings;
use crate::webdriver::Key;

const TOKEN: &str = "a-token-of-our-own-7f3a";

#[actix_web::test]
async fn the_token_is_asked_for_once_and_never_seen_again() {
    if !chromium::is_there() {
        return;
    }
    let public =
        |settings: Settings| settings.public("bridge.example.com").set("BRIDGE__UPDATES__TOKEN", TOKEN);
    let stage = Stage::set_with(&[ORDER], public).await;
    let mut page = Page::open(&stage.url("/")).await;
    // The answers that refuse are the point of this test.
    page.expect_complaint("status of 401");
    page.sees("body[data-view=sign-in]").await;
    page.shows("form[data-sign-in] input[name=token]").await;
    assert_eq!(page.count("[data-call]").await, 0);
    page.click("form[data-sign-in] input[name=token]").await;
    page.type_text("a wrong one").await;
    page.press(Key::Enter).await;
    page.reads("form[data-sign-in] [role=alert]", "not the access token").await;
    // What was wrong is selected: typing takes its place.
    page.type_text(TOKEN).await;
    page.press(Key::Enter).await;
    page.sees("body[data-view=calls][data-connection=live]").await;
    // What to do when there is no call, for those who run it.
    page.reads("[data-empty=calls]", TWILIO_NUMBER).await;
    page.reads("[data-empty=calls]", "symbl-bridge call").await;
    page.reads("[data-empty=calls]", "https://bridge.example.com/twilio/twiml").await;
    let mut call = stage.call(ORDER, "north").await;
    page.counts("[data-call]", 1).await;
    nothing_shows_the_token(&page).await;
    page.reload().await;
    page.counts("[data-call]", 1).await;
    page.open_call("[data-call]").await;
    call.say_line().await;
    page.reads("[data-turn]", ORDER[0].1).await;
    nothing_shows_the_token(&page).await;

    page.click("button[data-sign-out]").await;
    page.sees("body[data-view=sign-in]").await;
    assert_eq!(page.count("[data-call], [data-turn]").await, 0, "what was shown is gone");
    page.reload().await;
    page.sees("body[data-view=sign-in]").await;

    // The link that is printed at the start.
    page.goto(&stage.url(&format!("/?token={TOKEN}"))).await;
    page.counts("[data-call]", 1).await;
    assert_eq!(page.address().await.trim_end_matches("#/"), stage.url("/"));
    nothing_shows_the_token(&page).await;
    // Another browser's link that is wrong.
    page.goto(&stage.url("/?token=wrong")).await;
    page.reads("body", "this is not the access token").await;
    call.hang_up(&stage.bridge).await;
    page.finish().await;
    stage.strike().await;
}

/// Neither the address, nor what was loaded, nor anything that a script can read.
async fn nothing_shows_the_token(page: &Page) {
    let within_reach = "[location.href, document.cookie, document.referrer, document.title, \
        JSON.stringify(localStorage), JSON.stringify(sessionStorage), JSON.stringify(history.state), \
        document.documentElement.outerHTML, \
        ...performance.getEntriesByType('resource').map((entry) => entry.name), \
        ...performance.getEntriesByType('navigation').map((entry) => entry.name)].join('\\n')";
    let within_reach = page.value(within_reach).await;
    let within_reach = within_reach.as_str().unwrap();
    assert!(!within_reach.contains(TOKEN), "the token is within reach: {within_reach}");
    assert!(!page.address().await.contains("token"), "{}", page.address().await);
    let cookies = page.command("Network.getCookies", json!({})).await;
    let cookie =
        cookies["cookies"].as_array().unwrap().iter().find(|cookie| cookie["name"] == "symbl_bridge_session");
    let cookie = cookie.unwrap_or_else(|| panic!("no session in {cookies}"));
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Lax")));
    assert!(!cookie["value"].as_str().unwrap().contains(TOKEN), "{cookie}");
}
