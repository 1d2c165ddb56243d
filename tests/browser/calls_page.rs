//! The list of calls: live ones with what is known of them, ended ones with search.

use serde_json::json;

use crate::chromium;
use crate::page::Page;
use crate::stage::{COMPLAINT, ORDER, Stage};

/// What the callers of every test are called.
const PARTIES: &str = r#"
[parties]
named = [
    { number = "+15550100001", name = "Anna Schmidt", role = "agent" },
    { number = "+15550100002", name = "Maria Lopez", role = "customer" },
]
"#;

#[actix_web::test]
async fn two_calls_are_listed_while_they_live_and_found_when_they_have_ended() {
    if !chromium::is_there() {
        return;
    }
    let stage = Stage::set(&[COMPLAINT, ORDER]).await;
    let page = Page::open(&stage.url("/")).await;
    page.sees("body[data-view=calls][data-connection=live]").await;
    page.shows("[data-empty=calls]").await;
    page.shows("[data-empty=ended]").await;
    // Nobody can dial a machine that the world cannot reach.
    page.reads("[data-empty=calls]", "symbl-bridge call").await;

    let mut complaint = stage.call(COMPLAINT, "north").await;
    let mut order = stage.call(ORDER, "south").await;
    page.counts("[data-call]", 2).await;
    page.hides("[data-empty=calls]").await;
    for room in ["north", "south"] {
        let call = format!("[data-call][data-room={room}][data-state=live]");
        page.shows(&call).await;
        page.counts(&format!("{call} [data-party]"), 2).await;
        page.reads(&format!("{call} [data-party][data-role=agent]"), "Agent").await;
        page.reads(&format!("{call} [data-party][data-role=customer]"), "Customer").await;
    }
    let running = "[data-room=north] [data-field=running]";
    page.until("a running time", &format!("/\\d+:\\d\\d/.test({})", text_of(running))).await;
    let earlier = page.texts(running).await;
    page.until("time to go on", &format!("{} !== {}", text_of(running), json!(earlier[0]))).await;

    complaint.say_all().await;
    page.reads("[data-room=north] [data-field=alerts]", "Refund").await;
    let ratio = "[data-room=north] [data-field=talk-ratio]";
    page.until("a talk ratio", &format!("/\\d+\\s?%/.test({})", text_of(ratio))).await;
    let sentiment = "document.querySelector('[data-room=north] [data-field=sentiment]')";
    let is_known = format!("{sentiment}.textContent.trim() + ({sentiment}.ariaLabel ?? '')");
    page.until("a trend of sentiment", &is_known).await;
    page.shows("[data-room=north] [data-field=sentiment]").await;
    let alerts_of_other = page.texts("[data-room=south] [data-field=alerts]").await.concat();
    assert!(!alerts_of_other.contains("Refund"), "{alerts_of_other}");

    order.say_all().await;
    order.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 1).await;
    page.counts("[data-ended]", 1).await;
    page.misses("[data-call][data-room=south]").await;
    complaint.hang_up(&stage.bridge).await;
    page.counts("[data-call]", 0).await;
    page.counts("[data-ended]", 2).await;
    page.shows("[data-empty=calls]").await;
    page.hides("[data-empty=ended]").await;

    let both = page.attributes("[data-ended]", "data-ended").await;
    page.click("input[data-search]").await;
    page.type_text("money back").await;
    page.counts("[data-ended]", 1).await;
    let found = page.attributes("[data-ended]", "data-ended").await;
    assert!(both.contains(&found[0]), "{found:?} of {both:?}");
    page.run("const search = document.querySelector('input[data-search]'); search.focus(); search.select();")
        .await;
    page.type_text("nobody said this").await;
    page.counts("[data-ended]", 0).await;
    page.shows("[data-empty=ended]").await;
    page.run("const search = document.querySelector('input[data-search]'); search.focus(); search.select();")
        .await;
    page.type_text("money back").await;
    page.counts("[data-ended]", 1).await;
    page.open_call("[data-ended]").await;
    page.reads("mark[data-tracker=Refund]", "money back").await;
    page.finish().await;
    stage.strike().await;
}

#[actix_web::test]
async fn the_roles_of_people_with_names_are_known() {
    if !chromium::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bridge.toml");
    std::fs::write(&config, PARTIES).unwrap();
    let stage = Stage::set_with(&[ORDER, ORDER], |settings| {
        let settings = settings.without("AGENT_PHONE").without("CUSTOMER_PHONE");
        settings.argument("--config").argument(&config.display().to_string())
    })
    .await;
    let page = Page::open(&stage.url("/")).await;
    page.sees("body[data-connection=live]").await;
    // At once, one after the other: a page that asks seldom must not forget the last.
    let mut first = stage.call(ORDER, "north").await;
    let mut second = stage.call(ORDER, "south").await;
    for room in ["north", "south"] {
        page.reads(&format!("[data-room={room}] [data-party][data-role=agent]"), "Anna Schmidt").await;
        page.reads(&format!("[data-room={room}] [data-party][data-role=customer]"), "Maria Lopez").await;
    }
    first.hang_up(&stage.bridge).await;
    second.hang_up(&stage.bridge).await;
    page.counts("[data-ended]", 2).await;
    page.finish().await;
    stage.strike().await;
}

/// An expression: the text of the first such element.
fn text_of(selector: &str) -> String {
    format!("(document.querySelector({})?.textContent ?? '')", json!(selector))
}
