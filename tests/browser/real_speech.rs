//! The whole path once, with nothing scripted: recordings, the bridge with its own engine and recogniser, the page on the
//! same origin.

use std::time::Duration;

use tokio::time::interval;

use crate::chromium;
use crate::page::Page;
use crate::real_engine::model_is_there;
use crate::support::bridge::Settings;
use crate::support::caller::{Caller, FRAME_BYTES};
use crate::support::{AGENT, CUSTOMER};

static AGENT_AUDIO: &[u8] = include_bytes!("../audio/demo/agent.ulaw");
static CUSTOMER_AUDIO: &[u8] = include_bytes!("../audio/demo/customer.ulaw");

/// The agent's greeting and the customer's complaint, and the pause after it, in frames of 20 ms.
const FRAMES: usize = 650;

#[actix_web::test]
async fn what_people_say_is_read_on_the_page_while_they_say_it() {
    if !chromium::is_there() || !model_is_there() {
        return;
    }
    let home = std::env::var("HOME").expect("where the model is");
    let settings = Settings::with_upstream("").without("SYMBL_API_BASE_URL").set("HOME", &home);
    let bridge = settings.start().await;
    bridge.wait_for_event("hearing_ready", |_| true).await;
    let page = Page::open(&format!("http://{}/", bridge.address)).await;
    let mut parties = Vec::new();
    for from in [AGENT, CUSTOMER] {
        parties.push(Caller::new(from).call(&bridge, "?room=north").await);
    }
    page.open_call("[data-call]").await;
    let mut pace = interval(Duration::from_millis(20));
    let speaking = async {
        for frame in 0..FRAMES {
            pace.tick().await;
            for (party, audio) in parties.iter_mut().zip([AGENT_AUDIO, CUSTOMER_AUDIO]) {
                party.play(&audio[frame * FRAME_BYTES..][..FRAME_BYTES]).await;
            }
        }
    };
    let reading = async {
        page.sees("[data-turn][data-partial=true]").await;
        page.reads("[data-turn]:not([data-partial])", "Northwind").await;
        page.reads("[data-insight=question]", "help you").await;
    };
    tokio::join!(speaking, reading);
    page.reads("[data-turn]:not([data-partial])", "coffee machine").await;
    for party in &mut parties {
        party.hang_up(&bridge).await;
    }
    page.sees("[data-analytics] [data-chart=talk]").await;
    page.press(crate::webdriver::Key::Escape).await;
    page.counts("[data-ended]", 1).await;
    page.counts("[data-call]", 0).await;
    page.finish().await;
    bridge.finish().await;
}
