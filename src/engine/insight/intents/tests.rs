//! Rows of our own, each set written before the round of tuning that followed, and what every rule must keep.

use super::*;
use proptest::prelude::*;

/// One row a line: kinds, a tab, a message. Kinds in brackets are neither rewarded nor punished.
const OWN_ROWS: &str = include_str!("own_rows.tsv");

/// How many of the rows may go wrong: they were written first, and some need more than words.
const TOLERATED: usize = 22;

fn letters(intents: &[Intent]) -> String {
    let letter = |kind| match kind {
        IntentKind::Question => 'q',
        IntentKind::ActionItem => 'a',
        IntentKind::FollowUp => 'f',
    };
    intents.iter().map(|intent| letter(intent.kind)).collect()
}

fn is_right(labels: &str, found: &str) -> bool {
    let (wanted, optional) = labels.split_once('(').unwrap_or((labels, ""));
    ['q', 'a', 'f']
        .iter()
        .all(|letter| optional.contains(*letter) || wanted.contains(*letter) == found.contains(*letter))
}

#[test]
fn nearly_all_rows_written_beforehand_come_out_right() {
    let rows =
        OWN_ROWS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let wrong: Vec<String> = rows
        .map(|(labels, text)| (labels, text, letters(&detect(text))))
        .filter(|(labels, _, found)| !is_right(labels, found))
        .map(|(labels, text, found)| format!("{labels} not {found}: {text}"))
        .collect();
    assert!(wrong.len() <= TOLERATED, "{wrong:#?}");
}

#[test]
fn marks_and_capitals_change_nothing() {
    let table = [
        ("Can you email me the receipt?", "qa"),
        ("can you email me the receipt", "qa"),
        ("I'll call you back tomorrow.", "f"),
        ("i’ll call you back tomorrow", "f"),
        ("We sent it. I will resend the invoice.", "a"),
        ("How are you doing today?", ""),
        ("Thanks. What time do you open?", "q"),
    ];
    for (text, expected) in table {
        assert_eq!(letters(&detect(text)), expected, "{text}");
    }
}

#[test]
fn work_is_assigned_to_whom_the_words_name() {
    let table = [
        ("i will send you the form today", Assignee::Speaker),
        ("please send me a copy of the contract", Assignee::OtherParty),
        ("you need to fill out the claim form", Assignee::OtherParty),
        ("marcus will put together the slides", Assignee::Named("Marcus".to_owned())),
        ("our technician will replace the cable", Assignee::Nobody),
        ("let me check with my manager", Assignee::Speaker),
        ("give me a call when it is ready", Assignee::OtherParty),
    ];
    for (text, expected) in table {
        let assignee = detect(text).pop().map(|intent| intent.assignee);
        assert_eq!(assignee, Some(expected), "{text}");
    }
}

#[test]
fn reports_and_refusals_are_no_intents() {
    let table = [
        "he asked me what my mother's maiden name was",
        "they said they would look at it and nobody ever did",
        "i was told somebody would fix it",
        "what i need is a new cable",
        "we will be closed on thanksgiving",
        "i will never buy from you again",
        "i don't know what happened to the order",
    ];
    for text in table {
        assert_eq!(detect(text), Vec::new(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_scores_are_probabilities(text in "\\PC{0,60}") {
        for intent in detect(&text) {
            prop_assert!((0.0..=1.0).contains(&intent.score));
        }
    }

    #[test]
    fn no_run_of_words_panics(words in prop::collection::vec(
        prop::sample::select(vec![
            "i", "will", "call", "you", "back", "if", "what", "is", "é", "it", "please", "send", "İ", "don’t", "'s", "?", ",",
            "let", "me", "tomorrow", "the", "marcus", "would", "mind", "so", "right",
        ]), 0..20)
    ) {
        detect(&words.join(" "));
    }
}
