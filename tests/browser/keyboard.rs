//! Everything without a mouse: Tab, Enter, Escape.

use serde_json::json;

use crate::chromium;
use crate::page::Page;
use crate::stage::{COMPLAINT, Stage};
use crate::webdriver::Key;

const TOKEN: &str = "a-token-for-the-keyboard";

/// More than any page has to offer.
const MOST_STOPS: usize = 60;

#[actix_web::test]
async fn all_that_can_be_clicked_can_be_reached_and_used_by_keyboard() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set_with(&[COMPLAINT], |settings| settings.set("BRIDGE__UPDATES__TOKEN", TOKEN)).await;
    let mut call = stage.call(COMPLAINT, "north").await;
    let page = Page::open(&stage.url("/")).await;
    page.sees("body[data-view=sign-in]").await;
    page.shows("form[data-sign-in]").await;
    if page.value("document.activeElement.matches('input[name=token]')").await == false {
        page.tab_to("input[name=token]", MOST_STOPS).await;
    }
    page.type_text(TOKEN).await;
    page.press(Key::Enter).await;
    page.counts("[data-call]", 1).await;

    page.tab_to("[data-call] a", MOST_STOPS).await;
    focus_is_seen(&page).await;
    page.press(Key::Enter).await;
    page.sees("body[data-view=call]").await;
    call.say_all().await;
    page.sees("[data-insight] button[data-jump]").await;
    page.reads("[data-turn]", "corrected bill.").await;

    page.tab_to("button[data-jump]", MOST_STOPS).await;
    focus_is_seen(&page).await;
    let turn = page.value("document.activeElement.dataset.jump").await;
    page.press(Key::Enter).await;
    let is_there = format!("document.activeElement.closest('[data-turn]')?.dataset.turn === {turn}");
    page.until("the focus on the turn", &is_there).await;
    page.press(Key::Escape).await;
    page.until(
        "Escape to lead back: first to the list, or out of the call",
        "document.body.dataset.view === 'calls' || document.activeElement.matches('[data-jump]')",
    )
    .await;
    if page.value("document.body.dataset.view").await != "calls" {
        page.press(Key::Escape).await;
    }
    page.sees("body[data-view=calls]").await;

    page.tab_to("input[data-search]", MOST_STOPS).await;
    focus_is_seen(&page).await;
    page.type_text("refund").await;
    call.hang_up(&stage.bridge).await;
    page.tab_to("button[data-sign-out]", MOST_STOPS).await;
    focus_is_seen(&page).await;
    page.press(Key::Enter).await;
    page.sees("body[data-view=sign-in]").await;
    no_trap(&page).await;
    page.finish().await;
    stage.strike().await;
}

/// Panics unless what has the focus looks different from what has not: itself, what is drawn around it, or its card.
async fn focus_is_seen(page: &Page) {
    let looks = "(() => { const element = document.activeElement; \
        const lookOf = (one, pseudo) => { const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } = \
            getComputedStyle(one, pseudo); \
            return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor]; }; \
        const look = () => { const looks = []; let one = element; \
            for (let level = 0; level < 4 && one; level += 1, one = one.parentElement) \
                looks.push(lookOf(one), lookOf(one, '::before'), lookOf(one, '::after')); \
            return JSON.stringify(looks); }; \
        const focused = look(); element.blur(); const other = look(); element.focus({ focusVisible: true }); \
        return [element.outerHTML.slice(0, 120), focused, other]; })()";
    let looks = page.value(looks).await;
    assert_ne!(looks[1], looks[2], "nobody sees that the focus is on {}", looks[0]);
}

/// Panics if Tab does not come round.
async fn no_trap(page: &Page) {
    let mut seen = Vec::new();
    for _ in 0..MOST_STOPS {
        page.press(Key::Tab).await;
        let place = page.value("[...document.querySelectorAll('*')].indexOf(document.activeElement)").await;
        if seen.first() == Some(&place) && seen.len() > 1 {
            return;
        }
        if !seen.contains(&place) {
            seen.push(place);
        }
    }
    assert!(seen.len() < MOST_STOPS, "{}", json!(seen));
}
