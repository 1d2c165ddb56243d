//! One call: what is said appears word by word and stays; what was found leads to where it was said.

use serde_json::{Value, json};

use crate::chromium;
use crate::page::Page;
use crate::stage::{COMPLAINT, Lines, ORDER, Stage, Who};

/// What a redacted line must not show anywhere.
const HIDDEN: &str = "0132";

/// Whether the hidden word is in a text, and not merely its digits within an id.
fn shows_hidden(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == HIDDEN)
}

#[actix_web::test]
async fn words_appear_in_place_and_what_was_found_leads_to_them() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[COMPLAINT]).await;
    let page = Page::open(&stage.url("/")).await;
    // As on a small window: what is far up has to be scrolled to.
    page.size(1100, 520).await;
    let mut call = stage.call(COMPLAINT, "north").await;
    page.open_call("[data-call]").await;
    assert!(page.address().await.contains("/#/call/"), "{}", page.address().await);

    page.shows("[data-empty=turns]").await;

    call.say_words(4).await;
    page.reads("[data-turn][data-partial=true]", "Thank you for calling").await;
    page.run("window.firstTurn = document.querySelector('[data-turn]');").await;
    call.say_line().await;
    let is_firm = "window.firstTurn.isConnected && !window.firstTurn.hasAttribute('data-partial')";
    page.until("the same element, firmed up", is_firm).await;
    let text = page.value("window.firstTurn.textContent").await;
    assert!(text.as_str().unwrap().contains("Thank you for calling Northwind."), "{text}");

    // The other speaker: beside, not below the other.
    call.say_line().await;
    page.reads("[data-turn]", "I want my money back.").await;
    let sides = page
        .value(
            "Object.fromEntries([...document.querySelectorAll('[data-turn]')].map((turn) => \
             [turn.dataset.speaker, (turn.querySelector('.turn-bubble') ?? turn).getBoundingClientRect().left]))",
        )
        .await;
    let lefts: Vec<&Value> = sides.as_object().unwrap().values().collect();
    assert!(lefts.len() == 2 && lefts[0] != lefts[1], "two speakers side by side: {sides}");
    page.reads("mark[data-tracker=Refund]", "money back").await;
    page.sees("[data-turn][data-sentiment=negative]").await;

    call.say_all().await;
    page.reads("[data-turn]", "corrected bill.").await;
    turns_are(&page, &sentences(COMPLAINT)).await;
    the_last_turn_is_in_view(&page).await;
    page.sees("[data-turn][data-sentiment=positive]").await;
    page.sees("[data-turn][data-sentiment=neutral]").await;
    page.shows("[data-turn] [data-redacted]").await;
    let all = page.value("document.documentElement.outerHTML").await;
    assert!(!shows_hidden(all.as_str().unwrap()), "a hidden number is in the page");
    for (kind, words) in
        [("question", "How can I help you"), ("action_item", "signed form"), ("follow_up", "Monday")]
    {
        page.reads(&format!("[data-insight={kind}]"), words).await;
        leads_to_its_turn(&page, &format!("[data-insight={kind}] button[data-jump]")).await;
    }
    page.sees("[data-topic]").await;

    legs_are_shown(&page, [call.call_sid(Who::Agent), call.call_sid(Who::Customer)]).await;
    assert_eq!(page.count("[data-analytics]").await, 0, "no analytics before the end");

    call.hang_up(&stage.bridge).await;
    for chart in ["talk", "silence", "overlap", "pace"] {
        page.shows(&format!("[data-analytics] [data-chart={chart}]")).await;
    }
    turns_are(&page, &sentences(COMPLAINT)).await;
    downloads_hold_the_call(&page).await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn who_comes_late_or_reloads_sees_every_turn_once() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[ORDER]).await;
    let mut call = stage.call(ORDER, "north").await;
    call.say_line().await;
    call.say_words(3).await;
    let mut page = Page::open(&stage.url("/")).await;
    page.open_call("[data-call]").await;
    let said = &sentences(ORDER)[..1];
    page.reads("[data-turn]", &said[0]).await;
    the_last_turn_is_in_view(&page).await;
    call.say_line().await;
    turns_are(&page, &sentences(ORDER)[..2]).await;
    page.reload().await;
    turns_are(&page, &sentences(ORDER)[..2]).await;
    page.sees("body[data-view=call][data-connection=live]").await;
    call.say_words(2).await;
    page.reads("[data-turn][data-partial=true]", "Wonderful, thank").await;
    // In mid-sentence: what is shown afterwards begins with what is heard next, and ends as everybody's.
    page.reload().await;
    call.say_line().await;
    turns_are(&page, &sentences(ORDER)).await;
    call.hang_up(&stage.bridge).await;
    page.sees("[data-analytics]").await;
    turns_are(&page, &sentences(ORDER)).await;
    // From now on the address is the conversation's, so that it leads somewhere whenever it is opened again.
    page.until("the conversation's address", "location.hash.startsWith('#/conversation/')").await;
    page.reload().await;
    page.sees("[data-analytics]").await;
    turns_are(&page, &sentences(ORDER)).await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn who_opens_a_long_call_sees_its_newest_words_until_he_scrolls() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[COMPLAINT]).await;
    let mut call = stage.call(COMPLAINT, "north").await;
    call.say_all().await;
    let page = Page::open(&stage.url("/")).await;
    page.open_call("[data-call]").await;
    turns_are(&page, &sentences(COMPLAINT)).await;
    for (width, height) in [(1280, 600), (700, 420), (360, 740), (1280, 600)] {
        page.size(width, height).await;
        the_last_turn_is_in_view(&page).await;
    }
    call.hang_up(&stage.bridge).await;
    page.sees("[data-analytics]").await;
    page.finish().await;
    stage.strike().await;
}

/// The sentences of a call, without those that redaction changes.
fn sentences(lines: Lines) -> Vec<String> {
    let mut sentences = Vec::new();
    for (_, text) in lines {
        let mut sentence = String::new();
        for word in text.split_whitespace() {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(word);
            if word.ends_with(['.', '?', '!']) {
                sentences.push(std::mem::take(&mut sentence));
            }
        }
    }
    sentences.into_iter().map(|text| text.split(" 415").next().expect("a part").to_owned()).collect()
}

/// Waits until these are the turns, each once, firm and in order.
pub(crate) async fn turns_are(page: &Page, expected: &[String]) {
    let expression = format!(
        "(() => {{ const expected = {}; const turns = [...document.querySelectorAll('[data-turn]')]; \
         return turns.length === expected.length && turns.every((turn, place) => \
         !turn.hasAttribute('data-partial') && turn.textContent.includes(expected[place])); }})()",
        json!(expected)
    );
    page.until(&format!("these turns: {expected:#?}"), &expression).await;
    let names = page.attributes("[data-turn]", "data-turn").await;
    let mut different = names.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), names.len(), "a turn is shown twice: {names:?}");
}

/// Waits until the newest words can be read without scrolling in the transcript.
async fn the_last_turn_is_in_view(page: &Page) {
    let is_in_view = "(() => { const turn = [...document.querySelectorAll('[data-turn]')].at(-1); \
        let around = turn.parentElement; \
        while (around && !/auto|scroll/.test(getComputedStyle(around).overflowY)) around = around.parentElement; \
        const frame = (around ?? document.documentElement).getBoundingClientRect(); \
        const box = turn.getBoundingClientRect(); \
        return box.top >= frame.top && box.bottom <= frame.bottom + 2; })()";
    page.until("the last turn in view", is_in_view).await;
}

/// Presses the button and waits until the turn that it names is in view.
async fn leads_to_its_turn(page: &Page, button: &str) {
    let turn = page.attributes(button, "data-jump").await[0].clone().expect("a message id");
    page.click(button).await;
    let turn = json!(format!("[data-turn='{turn}']"));
    let is_in_view = format!(
        "(() => {{ const box = document.querySelector({turn})?.getBoundingClientRect(); \
         return box && box.bottom > 0 && box.top < innerHeight; }})()"
    );
    page.until(&format!("{turn} in view"), &is_in_view).await;
}

async fn legs_are_shown(page: &Page, call_sids: [&str; 2]) {
    for call_sid in call_sids {
        let leg = format!("[data-leg={call_sid}]");
        page.sees(&leg).await;
        page.until(
            "a lag in figures",
            &format!("/\\d/.test(document.querySelector('{leg} [data-field=lag]').textContent)"),
        )
        .await;
        let connection = page.texts(&format!("{leg} [data-field=connection]")).await.concat();
        assert!(!connection.is_empty(), "the connection's state is said in words");
        let is_drawn = format!(
            "(() => {{ const strip = document.querySelector('{leg} [data-levels]'); \
             if (!strip) return false; \
             if (strip.tagName.toLowerCase() === 'svg') return strip.querySelector('path, rect, line, polyline') !== null; \
             const pixels = strip.getContext('2d').getImageData(0, 0, strip.width, strip.height).data; \
             return pixels.some((value) => value !== 0); }})()"
        );
        page.until("levels that are drawn", &is_drawn).await;
    }
}

async fn downloads_hold_the_call(page: &Page) {
    for (kind, ending) in [("markdown", ".md"), ("srt", ".srt"), ("json", ".json")] {
        page.click(&format!("[data-download={kind}]")).await;
        let (name, text) = page.downloaded(ending).await;
        assert!(text.contains("I want my money back."), "{name}: {text}");
        assert!(!shows_hidden(&text), "{name} shows what is hidden: {text}");
        match kind {
            "srt" => {
                assert!(text.starts_with("1\n00:00:") || text.starts_with("1\r\n00:00:"), "{text}");
                assert_eq!(text.matches(" --> ").count(), sentences(COMPLAINT).len(), "{text}");
            }
            "json" => {
                serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            _ => assert!(text.contains("Agent") && text.contains("Customer"), "{text}"),
        }
    }
}
