//! Stops a decoder that repeats itself.

/// Longest phrase, in tokens, whose repetition is noticed.
const LONGEST_PHRASE: usize = 8;
/// A phrase said this many times in a row is a loop, not speech.
const REPEATS: usize = 4;

/// Returns how many tokens to cut off the end of `tokens` when they end in a loop: all repeats but the first.
pub(super) fn looping_tail(tokens: &[u32]) -> Option<usize> {
    for phrase in 1..=LONGEST_PHRASE {
        let span = phrase * REPEATS;
        let Some(start) = tokens.len().checked_sub(span) else {
            break;
        };
        let tail = &tokens[start..];
        if tail.chunks(phrase).all(|chunk| chunk == &tail[..phrase]) {
            return Some(span - phrase);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_repeats_are_a_loop_and_three_are_not() {
        assert_eq!(looping_tail(&[9, 5, 6, 5, 6, 5, 6, 5, 6]), Some(6));
        assert_eq!(looping_tail(&[9, 5, 6, 5, 6, 5, 6]), None);
        assert_eq!(looping_tail(&[7, 7, 7, 7]), Some(3));
        assert_eq!(looping_tail(&[]), None);
    }
}
