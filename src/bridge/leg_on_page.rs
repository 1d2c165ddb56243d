//! A live leg as pages see it; nodes show each other theirs in the same form.

use serde::Serialize;

use super::call::leg::Stage;
use super::call::update::LegView;
use super::supervisor::LegNow;

/// A live leg.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegOnPage {
    #[serde(flatten)]
    view: LegView,
    role: &'static str,
    state: Stage,
    /// Audio that the caller's stream has carried.
    streamed_ms: u64,
    /// Audio that the server has not acknowledged.
    lag_ms: u64,
    #[serde(flatten)]
    levels: Option<Levels>,
}

/// Peaks of 100 ms each, in dB of full scale.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Levels {
    levels: Vec<i8>,
    /// The position of the end of the last, on the clock of `streamedMs`.
    levels_end_ms: u64,
}

/// Returns a leg as pages see it; levels may be left out.
pub fn on_page(LegNow { leg, reading }: LegNow, with_levels: bool) -> LegOnPage {
    let levels = Levels { levels: reading.levels, levels_end_ms: reading.levels_end_ms };
    LegOnPage {
        view: leg.view,
        role: leg.role.as_str(),
        state: reading.stage,
        streamed_ms: reading.streamed_ms,
        lag_ms: reading.lag_ms,
        levels: with_levels.then_some(levels),
    }
}
