//! Table tests of sentiment over our own rows.
#![allow(clippy::unwrap_used, reason = "a test may")]

use super::lexicon::{TELEPHONE, joined_lines, phrase};
use super::*;

/// `+`, `-` or `0`, a space, the text.
const ROWS: &str = include_str!("rows.txt");

fn label(mark: u8) -> &'static str {
    match mark {
        b'+' => "positive",
        b'-' => "negative",
        _ => "neutral",
    }
}

/// Macro-F1 over the three labels.
fn macro_f1(pairs: &[(&str, &str)]) -> f64 {
    let labels = ["positive", "neutral", "negative"];
    let f1 = |label: &str| {
        let count = |wanted: fn(bool, bool) -> bool| {
            pairs.iter().filter(|(gold, found)| wanted(*gold == label, *found == label)).count() as f64
        };
        let hit = count(|gold, found| gold && found);
        2.0 * hit / (2.0 * hit + count(|gold, found| gold != found)).max(1.0)
    };
    labels.iter().map(|label| f1(label)).sum::<f64>() / 3.0
}

#[test]
fn every_line_of_the_phrase_file_can_be_read() {
    let mut macros: Vec<(String, String)> = Vec::new();
    for line in joined_lines(TELEPHONE) {
        if let Some((name, pattern)) = line.split_once(" = ").filter(|_| line.starts_with('@')) {
            macros.push((name.to_owned(), pattern.trim().to_owned()));
        } else if !line.contains('=') {
            assert!(phrase(&line, &macros).is_some(), "{line}");
            assert!(!phrase(&line, &macros).unwrap().1.as_str().contains('@'), "{line}");
        }
    }
}

#[test]
fn our_own_rows_are_mostly_felt_as_labelled() {
    let pairs: Vec<(&str, &str)> = ROWS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| (label(line.as_bytes()[0]), suggested(polarity(&line[2..]))))
        .collect();
    let reached = macro_f1(&pairs);
    assert!(reached >= 0.9, "macro-F1 {reached:.3}");
}

#[test]
fn odd_text_has_a_polarity_and_breaks_nothing() {
    for text in [
        "",
        " ",
        "'",
        "?!",
        "ünïcode ’s",
        "\u{1F600}\u{1F600}",
        "n't",
        "not",
        "if",
        "but",
        "a\u{0}b",
        "İ don't ﬁt",
    ] {
        let found = polarity(text);
        assert!((-1.0..=1.0).contains(&found), "{text:?} {found}");
    }
    assert_eq!(suggested(polarity("")), "neutral");
}
