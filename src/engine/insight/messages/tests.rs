//! Tables of phrases and the sentences in them.
#![allow(clippy::unwrap_used, reason = "a test may")]

use super::*;

fn split(text: &str, words: &[TimedWord]) -> Vec<String> {
    sentences(text, words).into_iter().map(|sentence| text[sentence.text].to_owned()).collect()
}

#[test]
fn marks_end_sentences_and_abbreviations_do_not() {
    let table: [(&str, &[&str]); 14] = [
        ("I called twice. Nobody answered.", &["I called twice.", "Nobody answered."]),
        ("Okay. So I called again.", &["Okay. So I called again."]),
        ("Um, yeah. It is the router. Right.", &["Um, yeah. It is the router. Right."]),
        ("It costs 4.50 a month. Is that right?", &["It costs 4.50 a month.", "Is that right?"]),
        (
            "Write to jane.doe@example.com today. I will wait.",
            &["Write to jane.doe@example.com today.", "I will wait."],
        ),
        ("Go to acme.com and log in.", &["Go to acme.com and log in."]),
        ("Ask for Mr. Smith or Dr. Jones. They know.", &["Ask for Mr. Smith or Dr. Jones.", "They know."]),
        ("My name is J. R. Hill.", &["My name is J. R. Hill."]),
        ("At 5 p.m. on Friday we close. See you then.", &["At 5 p.m. on Friday we close.", "See you then."]),
        ("Well... I don't know. Maybe not.", &["Well... I don't know.", "Maybe not."]),
        ("What? You did what? No!", &["What? You did what? No!"]),
        ("He said \"no way.\" Then he left.", &["He said \"no way.\"", "Then he left."]),
        ("It is order No. 5 I mean.", &["It is order No. 5 I mean."]),
        ("Yes.", &["Yes."]),
    ];
    for (text, wanted) in table {
        let found = split(text, &[]);
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn without_marks_pauses_end_sentences() {
    let text = "i paid the bill on monday i want to know why it is still open";
    let count = text.split(' ').count() as u64;
    let mut times: Vec<TimedWord> =
        (0..count).map(|index| TimedWord { start_ms: index * 300, end_ms: index * 300 + 250 }).collect();
    assert_eq!(split(text, &times).len(), 1);
    for time in &mut times[6..] {
        time.start_ms += 400;
        time.end_ms += 400;
    }
    assert_eq!(split(text, &times), ["i paid the bill on monday", "i want to know why it is still open"]);
}

#[test]
fn talk_without_end_is_cut_at_its_length() {
    let text = ["word"; 100].join(" ");
    let found = sentences(&text, &[]);
    assert!(found.len() >= 4 && found.iter().all(|sentence| sentence.words.len() <= 31), "{found:?}");
}

#[test]
fn every_word_is_in_exactly_one_sentence() {
    for text in [
        "",
        "  ",
        "a. b. c.",
        "é. ñ? \u{1F600}! ok",
        "... ... ...",
        "no. no. no. I said no. no.",
        "\u{a0}x\u{3000}y. z",
    ] {
        let found = sentences(text, &[]);
        let mut next = 0;
        for sentence in &found {
            assert_eq!(sentence.words.start, next, "{text}");
            assert!(text.get(sentence.text.clone()).is_some());
            next = sentence.words.end;
        }
        assert_eq!(next, text.split_whitespace().count(), "{text}");
    }
}

#[test]
fn bare_text_gets_capitals_and_a_mark() {
    let table = [
        ("can i come on friday", true, "Can I come on Friday?"),
        ("okay i'll be there", false, "Okay, I'll be there."),
        ("It is done.", false, "It is done."),
        ("is it done?", true, "is it done?"),
        ("", false, ""),
        ("éa va", false, "Éa va."),
    ];
    for (text, is_question, wanted) in table {
        assert_eq!(punctuate(text, is_question), wanted);
    }
}
