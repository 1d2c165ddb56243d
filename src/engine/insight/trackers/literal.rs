//! Where the words of a phrase stand in a message.

use std::ops::Range;

use super::words::Word;

/// Words that may stand between two words of a phrase.
const WIDEST_GAP: usize = 2;

/// Words before a phrase in which a denial turns it round ("I don't really want to cancel").
const REACH_BACK: usize = 4;

/// Whether a message says a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It does not.
    Not,
    /// It says the opposite ("I don't really want to cancel").
    Denied,
    /// It does, in these bytes.
    Here(Range<usize>),
}

/// Looks for all words of `phrase` in order, in any inflection, determiners left out or replaced. A single word is a
/// keyword and cannot be denied.
pub(super) fn find(phrase: &[Word], message: &[Word]) -> Said {
    let needed: Vec<&Word> = phrase.iter().filter(|word| !word.is_determiner()).collect();
    let Some((first, rest)) = needed.split_first() else { return Said::Not };
    let can_be_denied = !rest.is_empty() && !phrase.iter().any(Word::denies);
    let mut said = Said::Not;
    for start in (0..message.len()).filter(|&start| message[start].stem == first.stem) {
        let Some(last) = follow(rest, message, start) else { continue };
        if can_be_denied && message[start.saturating_sub(REACH_BACK)..=last].iter().any(Word::denies) {
            said = Said::Denied;
        } else {
            return Said::Here(message[start].place.start..message[last].place.end);
        }
    }
    said
}

/// Returns where the last of `rest` stands when they all follow `at` closely enough.
fn follow(rest: &[&Word], message: &[Word], at: usize) -> Option<usize> {
    let mut last = at;
    for word in rest {
        let mut near = message[last + 1..].iter().take(WIDEST_GAP + 1);
        last += 1 + near.position(|candidate| candidate.stem == word.stem)?;
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, Said, find};

    #[test]
    fn words_are_found_in_order_in_any_inflection() {
        for (phrase, message, expected) in [
            (
                "cancel my subscription",
                "okay I'm cancelling the subscription now",
                "cancelling the subscription",
            ),
            ("budget", "Budgets are tight.", "Budgets"),
            ("budget", "i don't have the budget", "budget"),
            ("can't log in", "so I cannot even log in today", "cannot even log in"),
            ("sounds great", "that sounds, um, great", "sounds, um, great"),
        ] {
            let Said::Here(range) = find(&words(phrase), &words(message)) else {
                panic!("{phrase} in {message}")
            };
            assert_eq!(&message[range], expected);
        }
    }

    #[test]
    fn other_words_and_denied_ones_are_not_found() {
        for (phrase, message, expected) in [
            ("not working", "it's working", Said::Not),
            ("cancel my subscription", "subscription cancel", Said::Not),
            ("cancel my subscription", "i don't want to cancel my subscription", Said::Denied),
            ("I agree", "i do not agree", Said::Denied),
            ("the", "the bill", Said::Not),
            ("", "bill", Said::Not),
        ] {
            assert_eq!(find(&words(phrase), &words(message)), expected, "{phrase} in {message}");
        }
    }
}
