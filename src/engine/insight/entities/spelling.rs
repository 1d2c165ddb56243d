//! Words that are spelled: "x i o m a r a", "J-A-N-E", "b as in boy".

use super::words::{Words, is_hesitation, is_letter};

/// Fewer letters in a row are initials or a time of the day.
const FEWEST_LETTERS: usize = 3;

/// One letter with what explains it ("m as in mary"): its last word.
fn letter(words: &Words<'_>, index: usize) -> Option<usize> {
    if words.at(index) == "double" && is_letter(words.at(index + 1)) {
        return Some(index + 1);
    }
    if !is_letter(words.at(index)) {
        return None;
    }
    let explained = match (words.at(index + 1), words.at(index + 2)) {
        ("as", "in") => index + 3,
        ("like", "in") => index + 3,
        ("for" | "like", _) => index + 2,
        _ => return Some(index),
    };
    let has_word = words.at(explained).chars().next() == words.at(index).chars().next();
    Some(if has_word { explained } else { index })
}

/// All spelled words, first and last word each.
pub(super) fn find(words: &Words<'_>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let start = index;
        let mut letters = 0;
        let mut last = None;
        let mut next = index;
        while next < words.len() {
            if last.is_some() && (is_hesitation(words.at(next)) || words.at(next) == "dash") {
                next += 1;
                continue;
            }
            let Some(end) = letter(words, next) else { break };
            letters += if end > next { 2 } else { 1 };
            last = Some(end);
            next = end + 1;
        }
        match last {
            Some(last)
                if letters >= FEWEST_LETTERS
                    || (last > start && letters >= 2 && words.at(start + 1) == "as") =>
            {
                found.push((start, last));
                index = last + 1;
            }
            _ => index = start + 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_words_are_found_with_their_explanations() {
        for (text, expected) in [
            ("that's x i o m a r a", vec![(1, 7)]),
            ("b as in boy o double l", vec![(0, 6)]),
            ("J-A-N-E please", vec![(0, 3)]),
            ("i have a dog", vec![]),
        ] {
            assert_eq!(find(&Words::of(text)), expected, "{text}");
        }
    }
}
