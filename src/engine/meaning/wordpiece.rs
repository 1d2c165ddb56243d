//! Cuts a text into the pieces that BERT models know (WordPiece, uncased).

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::UnicodeNormalization;

use super::MeaningError;

/// A longer word is not cut but unknown.
const LONGEST_WORD: usize = 100;

/// The table of pieces.
pub(super) struct WordPiece {
    ids: HashMap<String, i32>,
    unknown: i32,
    begin: i32,
    end: i32,
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: TokenizerModel,
}

#[derive(Deserialize)]
struct TokenizerModel {
    vocab: HashMap<String, i32>,
}

impl WordPiece {
    /// Reads the vocabulary out of a `tokenizer.json`; its padding and its limits are not ours.
    pub(super) fn load(path: &Path) -> Result<Self, MeaningError> {
        let unreadable = |cause| MeaningError::Unreadable { path: path.to_owned(), cause };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let file: TokenizerFile = serde_json::from_slice(&bytes).map_err(|cause| unreadable(cause.into()))?;
        Self::new(file.model.vocab)
            .map_err(|missing| MeaningError::WrongLayout { path: path.to_owned(), missing })
    }

    /// Takes a table from piece to id; a missing mark is the error.
    pub(super) fn new(ids: HashMap<String, i32>) -> Result<Self, &'static str> {
        let id = |mark: &'static str| ids.get(mark).copied().ok_or(mark);
        Ok(Self { unknown: id("[UNK]")?, begin: id("[CLS]")?, end: id("[SEP]")?, ids })
    }

    /// Returns the ids of the pieces of `text` between the marks for begin and end, at most `most` (2 or more).
    pub(super) fn ids(&self, text: &str, most: usize) -> Vec<i32> {
        let cleaned = cleaned(text);
        let mut ids = vec![self.begin];
        for word in cleaned.split_whitespace().flat_map(split_at_punctuation) {
            if ids.len() >= most {
                break;
            }
            self.push_word(word, &mut ids);
        }
        ids.truncate(most.saturating_sub(1));
        ids.push(self.end);
        ids
    }

    /// Appends the longest pieces first; a word with a part that no piece covers is unknown as a whole.
    fn push_word(&self, word: &str, ids: &mut Vec<i32>) {
        let before = ids.len();
        let ends: Vec<usize> =
            word.char_indices().map(|(at, _)| at).skip(1).chain(std::iter::once(word.len())).collect();
        let mut start = 0;
        while start < word.len() && ends.len() <= LONGEST_WORD {
            let candidates = ends.iter().rev().take_while(|&&end| end > start);
            let found = candidates.copied().find_map(|end| {
                let piece = &word[start..end];
                let id = if start == 0 {
                    self.ids.get(piece)
                } else {
                    self.ids.get(format!("##{piece}").as_str())
                };
                id.map(|&id| (end, id))
            });
            let Some((end, id)) = found else { break };
            ids.push(id);
            start = end;
        }
        if start < word.len() {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }
}

/// Drops what is invisible, sets ideographs apart, strips accents, lowers case.
fn cleaned(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_whitespace() {
            spaced.push(' ');
        } else if is_ideograph(character) {
            spaced.extend([' ', character, ' ']);
        } else if !is_invisible(character) {
            spaced.push(character);
        }
    }
    let accents = |character: &char| get_general_category(*character) == GeneralCategory::NonspacingMark;
    spaced.nfd().filter(|character| !accents(character)).flat_map(char::to_lowercase).collect()
}

fn is_invisible(character: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse, Surrogate};
    character == '\u{fffd}'
        || matches!(get_general_category(character), Control | Format | PrivateUse | Surrogate)
}

fn is_ideograph(character: char) -> bool {
    matches!(u32::from(character),
        0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x2a6df | 0x2a700..=0x2ceaf
        | 0x2f800..=0x2fa1f)
}

/// Every punctuation mark is a word of its own.
fn split_at_punctuation(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if is_punctuation(first) {
            first.len_utf8()
        } else {
            rest.find(is_punctuation).unwrap_or(rest.len())
        };
        let (part, behind) = rest.split_at(length);
        rest = behind;
        Some(part)
    })
}

fn is_punctuation(character: char) -> bool {
    use GeneralCategory::{
        ClosePunctuation, ConnectorPunctuation, DashPunctuation, FinalPunctuation, InitialPunctuation,
        OpenPunctuation, OtherPunctuation,
    };
    character.is_ascii_punctuation()
        || matches!(
            get_general_category(character),
            ClosePunctuation
                | ConnectorPunctuation
                | DashPunctuation
                | FinalPunctuation
                | InitialPunctuation
                | OpenPunctuation
                | OtherPunctuation
        )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::WordPiece;

    fn table() -> WordPiece {
        #![allow(clippy::unwrap_used, reason = "a test's own table")]
        let pieces = [
            "[UNK]", "[CLS]", "[SEP]", "bill", "##ing", "##s", "##l", "b", "##e", "my", "!", "'", "cafe",
            "i", "中",
        ];
        let numbered = pieces.iter().zip(0..).map(|(piece, id)| ((*piece).to_owned(), id));
        WordPiece::new(numbered.collect()).unwrap()
    }

    #[test]
    fn texts_become_the_longest_known_pieces() {
        for (text, expected) in [
            ("", vec![]),
            ("My billing", vec![9, 3, 4]),
            ("bills!", vec![3, 5, 10]),
            ("i'bill", vec![13, 11, 3]),
            ("Café", vec![12]),
            ("my\u{200b} \u{0} ca\u{ad}fe", vec![9, 12]),
            ("bill中中", vec![3, 14, 14]),
            ("bille", vec![3, 8]),
            ("billx my", vec![0, 9]),
            ("\u{1f600}", vec![0]),
        ] {
            let ids = table().ids(text, 256);
            assert_eq!(ids[1..ids.len() - 1], expected, "{text}");
            assert_eq!((ids[0], ids[ids.len() - 1]), (1, 2));
        }
    }

    #[test]
    fn a_long_word_is_unknown_and_a_long_text_keeps_its_end_mark() {
        assert_eq!(table().ids(&"b".repeat(101), 256), [1, 0, 2]);
        let ids = table().ids(&"my ".repeat(1000), 256);
        assert_eq!((ids.len(), ids[255]), (256, 2));
    }

    #[test]
    fn a_table_without_marks_is_refused() {
        assert_eq!(WordPiece::new(HashMap::from([("[UNK]".to_owned(), 0)])).err(), Some("[CLS]"));
    }

    proptest! {
        #[test]
        fn any_text_is_cut(text in "\\PC*|.*|(?s).{0,300}") {
            let ids = table().ids(&text, 20);
            prop_assert!((2..=20).contains(&ids.len()));
        }
    }
}
