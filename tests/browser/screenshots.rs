//! The pictures of the README, drawn anew on demand: `UPDATE_SCREENSHOTS=1 cargo test --test browser screenshots`.
//!
//! Calls are played in real time for a minute. What is heard is the script of the recordings in `tests/audio/demo`, and what
//! the strips of levels show are the recordings.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::chromium;
use crate::engine_support::scripted::PAUSE;
use crate::page::Page;
use crate::stage::{FRAMES_OF_A_WORD, Stage, WORD_MS};
use crate::support::caller::{Call, FRAME_BYTES};

static AGENT_AUDIO: &[u8] = include_bytes!("../audio/demo/agent.ulaw");
static CUSTOMER_AUDIO: &[u8] = include_bytes!("../audio/demo/customer.ulaw");

/// A picture that is larger is too large for a README.
const MOST_BYTES: usize = 200_000;

/// Who is called by which name.
const PARTIES: &str = r#"
[parties]
named = [
    { number = "+15550100001", name = "Anna Schmidt", role = "agent" },
    { number = "+15550100003", name = "Ben Okafor", role = "agent" },
    { number = "+12125550123", name = "Maria Lopez", role = "customer" },
    { number = "+12125550164", name = "Tom Becker", role = "customer" },
    { number = "+12125550187", name = "Li Wei", role = "customer" },
]
"#;

const DELIVERY: &[(usize, &str)] = &[
    (0, "Northwind Support, Ben speaking. What can I do for you?"),
    (1, "Two of the glasses in my parcel were broken. That is really disappointing."),
    (0, "I am very sorry about the broken glasses. I will send you two new glasses tomorrow."),
    (1, "Great, thank you. That is very kind."),
];

const BILL: &[(usize, &str)] = &[
    (0, "Thank you for calling Northwind. How can I help you?"),
    (1, "I have a question about my last bill. Why did I pay the delivery twice?"),
    (0, "You are right, that is a mistake in the bill. I will send you the corrected bill today."),
    (1, "Wonderful, thank you for the quick help with the bill."),
];

/// A call in the pictures: when it begins and ends, in words' time, and what is said.
struct Plan {
    begins: usize,
    ends: usize,
    room: &'static str,
    from: [&'static str; 2],
    scripts: [Vec<String>; 2],
    has_audio: bool,
}

/// Words' times of all that is shown.
const LENGTH: usize = 182;

/// Words' times of the recordings.
const RECORDED: usize = 280;

fn plans() -> [Plan; 4] {
    let of = |begins, ends, room, from, scripts| Plan { begins, ends, room, from, scripts, has_audio: false };
    let [anna, ben] = ["+15550100001", "+15550100003"];
    [
        of(0, 95, "delivery", [ben, "+12125550187"], one_after_the_other(DELIVERY)),
        of(1, 110, "billing", [anna, "+12125550164"], one_after_the_other(BILL)),
        Plan { has_audio: true, ..of(3, LENGTH, "support", [anna, "+12125550123"], recorded()) },
        of(105, LENGTH, "delivery", [ben, "+12125550164"], one_after_the_other(DELIVERY)),
    ]
}

/// Returns the words of both at their times, with a pause between sentences.
fn one_after_the_other(lines: &[(usize, &str)]) -> [Vec<String>; 2] {
    let mut scripts = [Vec::new(), Vec::new()];
    for (who, text) in lines {
        let mut slots = vec![PAUSE; 3];
        for word in text.split_whitespace() {
            slots.extend([word, PAUSE]);
        }
        for slot in slots {
            scripts[*who].push(slot.to_owned());
            scripts[1 - *who].push(PAUSE.to_owned());
        }
    }
    scripts
}

/// Returns the words of the recordings, each about when it is said.
fn recorded() -> [Vec<String>; 2] {
    let lines: Value = serde_json::from_str(include_str!("../audio/demo/script.json")).unwrap();
    let mut scripts = [vec![PAUSE.to_owned(); RECORDED], vec![PAUSE.to_owned(); RECORDED]];
    for line in lines.as_array().unwrap() {
        let words: Vec<&str> = line["text"].as_str().unwrap().split_whitespace().collect();
        let [from, to] = ["start_ms", "end_ms"].map(|key| (line[key].as_u64().unwrap() / WORD_MS) as usize);
        assert!(words.len() <= to - from, "more words than time: {line}");
        let script = &mut scripts[usize::from(line["who"] == "customer")];
        for (place, word) in words.iter().enumerate() {
            // The last word ends when the line does.
            script[to - 1 - (words.len() - 1 - place) * (to - from) / words.len()] = (*word).to_owned();
        }
    }
    scripts
}

#[actix_web::test]
async fn screenshots() {
    if std::env::var_os("UPDATE_SCREENSHOTS").is_none_or(|wish| wish != "1") || !chromium::is_there() {
        eprintln!("NOT RUN: the pictures are drawn anew with UPDATE_SCREENSHOTS=1");
        return;
    }
    let plans = plans();
    let scripts = plans.iter().flat_map(|plan| &plan.scripts).map(|script| {
        let rest = vec![PAUSE.to_owned(); LENGTH];
        [&script[..], &rest[..]].concat().join(" ")
    });
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bridge.toml");
    std::fs::write(&config, PARTIES).unwrap();
    let stage = Stage::set_hearing(scripts.collect(), |settings| {
        let settings = settings.without("AGENT_PHONE").without("CUSTOMER_PHONE");
        settings.argument("--config").argument(&config.display().to_string())
    })
    .await;
    let page = Page::open(&stage.url("/")).await;
    let mut calls: Vec<(usize, Vec<Call>)> = Vec::new();
    let mut clock = tokio::time::interval(Duration::from_millis(WORD_MS));
    for word in 0..LENGTH {
        clock.tick().await;
        for (place, plan) in plans.iter().enumerate().filter(|(_, plan)| plan.begins == word) {
            let parties =
                vec![stage.leg(plan.from[0], plan.room).await, stage.leg(plan.from[1], plan.room).await];
            calls.push((place, parties));
        }
        for (place, parties) in &mut calls {
            let plan = &plans[*place];
            if plan.ends == word {
                for party in parties.iter_mut() {
                    party.hang_up(&stage.bridge).await;
                }
            } else if plan.ends > word {
                play(parties, word - plan.begins, plan.has_audio).await;
            }
        }
        calls.retain(|(place, _)| plans[*place].ends != word);
    }
    // What is live goes on while the pictures are drawn, or the strips would stand still.
    page.counts("[data-call]", 2).await;
    page.counts("[data-ended]", 2).await;
    draw(&page, "calls").await;
    page.open_call("[data-call][data-room=support]").await;
    page.sees("[data-insight] button[data-jump]").await;
    page.reads("[data-turn]", "money back").await;
    page.until(
        "a strip of levels",
        "document.querySelector('[data-leg] [data-field=lag]').textContent !== ''",
    )
    .await;
    draw(&page, "call").await;
    page.finish().await;
    for (_, parties) in &mut calls {
        for party in parties {
            party.hang_up(&stage.bridge).await;
        }
    }
    stage.strike().await;
}

/// Says one word's time of both recordings, or of something.
async fn play(parties: &mut [Call], word: usize, has_audio: bool) {
    for (party, audio) in parties.iter_mut().zip([AGENT_AUDIO, CUSTOMER_AUDIO]) {
        let length = FRAMES_OF_A_WORD * FRAME_BYTES;
        match audio.get(word * length..(word + 1) * length) {
            Some(piece) if has_audio => party.play(piece).await,
            _ => party.speak(FRAMES_OF_A_WORD).await,
        }
    }
}

async fn draw(page: &Page, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    for (kind, scheme, width, height) in
        [("light", "light", 1180, 860), ("dark", "dark", 1180, 860), ("narrow", "light", 390, 860)]
    {
        page.size(width, height).await;
        page.prefer(scheme).await;
        page.run("scrollTo(0, 0); document.activeElement?.blur();").await;
        // The strips of levels are drawn twice a second, in the colours of that moment.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        page.drawn().await;
        let picture = page.picture().await;
        assert!(picture.len() < MOST_BYTES, "{name}-{kind} has {} bytes", picture.len());
        std::fs::write(folder.join(format!("{name}-{kind}.png")), picture).unwrap();
    }
}
