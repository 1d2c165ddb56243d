//! What a caller says, and when: pieces, bursts, silences, and an end at any moment.

use std::collections::VecDeque;

use symbl_bridge::bridge::call::leg::{LegExit, Millis};

use super::random::Random;
use super::server::Temper;

/// What the caller does.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    Audio(usize),
    Ends(LegExit),
}

/// Draws what the caller says: pieces, bursts, silences, and an end at any moment.
pub fn script(now: Millis, is_large: bool, temper: Temper, random: &mut Random) -> VecDeque<(Millis, Said)> {
    let mut script = VecDeque::new();
    let mut at = now;
    for _ in 0..random.below(30) {
        at += random.pick(&[0, 20, 20, 20, 100, 1_000, 4_000]);
        let count = if random.once_in(8) { random.between(40, 200) } else { random.between(1, 20) };
        script.push_back((at, Said::Audio(count as usize)));
    }
    if is_large {
        at += 20;
        script.push_back((at, Said::Audio(9_000)));
    }
    if let Some(heals_at) = temper.heals_at {
        // Long enough for the longest pause, a start that is asked for twice, and a silence that is noticed.
        at = at.max(heals_at) + 60_000;
        script.push_back((at, Said::Audio(5)));
    }
    at += random.below(3_000);
    let exit =
        random.pick(&[LegExit::Hangup, LegExit::Hangup, LegExit::SocketClosed, LegExit::StreamStopped]);
    script.push_back((at, Said::Ends(exit)));
    if random.once_in(3) {
        script.push_back((at + random.below(300), Said::Ends(LegExit::CallCompleted)));
    }
    script
}
