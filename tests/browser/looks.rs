//! Light, dark and narrow, and what axe-core says about each.

use crate::axe::Axe;
use crate::chromium;
use crate::page::Page;
use crate::stage::{COMPLAINT, ORDER, Stage};

/// A small telephone, in CSS pixels.
const NARROW: (u32, u32) = (360, 740);
const TOKEN: &str = "a-token-for-all-looks";
const WIDE: (u32, u32) = (1280, 900);

#[actix_web::test]
async fn every_page_is_readable_in_light_and_dark_wide_and_narrow() {
    if !chromium::is_there() {
        return;
    }
    let Some(axe) = Axe::installed() else { return };
    let stage =
        Stage::set_with(&[COMPLAINT, ORDER], |settings| settings.set("BRIDGE__UPDATES__TOKEN", TOKEN)).await;
    let mut page = Page::open(&stage.url("/")).await;
    page.sees("body[data-view=sign-in]").await;
    looks_well(&page, &axe, "sign-in").await;
    page.goto(&stage.url(&format!("/?token={TOKEN}"))).await;
    page.shows("[data-empty=calls]").await;
    looks_well(&page, &axe, "no calls").await;

    let mut complaint = stage.call(COMPLAINT, "north").await;
    complaint.say_all().await;
    complaint.hang_up(&stage.bridge).await;
    let mut order = stage.call(ORDER, "south").await;
    order.say_line().await;
    page.counts("[data-call]", 1).await;
    page.counts("[data-ended]", 1).await;
    looks_well(&page, &axe, "calls").await;

    page.open_call("[data-call]").await;
    order.say_words(2).await;
    page.sees("[data-turn][data-partial=true]").await;
    page.sees("[data-leg] [data-levels]").await;
    looks_well(&page, &axe, "a live call").await;
    page.goto(&stage.url("/")).await;
    page.open_call("[data-ended]").await;
    page.sees("[data-analytics] [data-chart=talk]").await;
    page.sees("mark[data-tracker]").await;
    page.sees("[data-insight]").await;
    looks_well(&page, &axe, "a call that has ended").await;
    order.hang_up(&stage.bridge).await;
    page.finish().await;
    stage.strike().await;
}

async fn looks_well(page: &Page, axe: &Axe, what: &str) {
    for (width, height) in [WIDE, NARROW] {
        page.size(width, height).await;
        for scheme in ["light", "dark"] {
            page.prefer(scheme).await;
            let what = format!("{what}, {scheme}, {width} wide");
            page.fits_its_width(&what).await;
            let is_dark = brightness(page).await < 0.5;
            assert_eq!(is_dark, scheme == "dark", "the ground of {what}");
            axe.finds_nothing_serious(page, &what).await;
        }
    }
    page.size(WIDE.0, WIDE.1).await;
    page.prefer("light").await;
}

/// How bright the page's ground is, from 0 to 1.
async fn brightness(page: &Page) -> f64 {
    let ground = "(() => { for (const element of [document.body, document.documentElement]) { \
        const canvas = document.createElement('canvas').getContext('2d'); canvas.fillStyle = getComputedStyle(element).backgroundColor; \
        canvas.fillRect(0, 0, 1, 1); const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data; \
        if (alpha > 0) return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255; } return 1; })()";
    page.value(ground).await.as_f64().expect("a number")
}
