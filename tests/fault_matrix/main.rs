//! The fault matrix: every way in which a peer can fail, at every moment, on every link, as one table.
//!
//! [`cells`] lists what is to come of each fault; `docs/reliability.md` shows the same table, and [`document`] compares
//! the two (`UPDATE_RELIABILITY=1` writes it). Each cell has a bridge of its own with an undisturbed call beside the one
//! that suffers: a fault that cost that call a byte or an update would fail the cell, whatever else came of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what helps a test may fail it")]

#[path = "../support/mod.rs"]
mod support;

mod cells;
mod dashboard_link;
mod document;
mod joined;
mod proxy;
mod twilio_link;
mod upstream_link;

use std::sync::Arc;

use cells::{Cell, Link};
use support::bridge::Settings;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Most cells wait for a deadline of the bridge's: many fit on few cores.
const CELLS_AT_ONCE: usize = 10;

/// A bridge that takes every leg, however late its threads are: many share few cores here.
fn settings(base_url: &str) -> Settings {
    Settings::with_upstream(base_url).set("BRIDGE__LIMITS__MAX_DELAY_MS", "0")
}

#[tokio::test]
async fn every_fault_has_the_outcome_that_the_matrix_says() {
    let wanted = std::env::var("CELLS").unwrap_or_default();
    let mut cells: Vec<Cell> =
        cells::all().into_iter().filter(|cell| cell.to_string().contains(&wanted)).collect();
    // The longest first, so that they do not come last.
    cells.sort_by_key(|cell| !cell.fault.is_long());
    let places = Arc::new(Semaphore::new(CELLS_AT_ONCE));
    let mut running = JoinSet::new();
    for cell in cells {
        let places = places.clone();
        running.spawn(async move {
            let _place = places.acquire_owned().await.expect("never closed");
            // A task of its own, so that a failed assertion is this cell's.
            let played = tokio::spawn(async move {
                match cell.link {
                    Link::Upstream => upstream_link::play(cell.fault, cell.moment).await,
                    Link::Twilio => twilio_link::play(cell.fault, cell.moment).await,
                    Link::Dashboard => dashboard_link::play(cell.fault, cell.moment).await,
                }
            });
            (cell, played.await)
        });
    }
    let mut failures = Vec::new();
    while let Some(done) = running.join_next().await {
        let (cell, played) = done.expect("only passes results on");
        match played {
            Ok(outcome) if outcome == cell.outcome => {}
            Ok(outcome) => failures.push(format!("{cell}: {outcome:?} instead of {:?}", cell.outcome)),
            Err(error) => failures.push(format!("{cell}: {}", panic_text(error))),
        }
    }
    assert!(failures.is_empty(), "{} cells failed:\n{}", failures.len(), failures.join("\n"));
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}
