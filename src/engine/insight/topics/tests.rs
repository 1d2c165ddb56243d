//! Tests of topics over our own conversations.
#![allow(clippy::unwrap_used, reason = "a test may")]

use super::*;

const ROWS: &str = include_str!("rows.jsonl");

fn stems(phrase: &str) -> String {
    phrase.split_whitespace().map(|word| words::stem(&word.to_lowercase())).collect::<Vec<_>>().join(" ")
}

#[test]
fn most_of_the_first_five_topics_are_what_people_would_name() {
    let (mut hits, mut reported) = (0, 0);
    for row in ROWS.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let named: HashSet<String> = ["topics", "acceptable_topics"]
            .iter()
            .flat_map(|list| row[list].as_array().unwrap())
            .map(|topic| stems(topic.as_str().unwrap()))
            .collect();
        let mut topics = Topics::default();
        for (index, utterance) in row["utterances"].as_array().unwrap().iter().enumerate() {
            topics.add(index, utterance["text"].as_str().unwrap());
        }
        let found = topics.current(5);
        reported += found.len();
        hits += found.iter().filter(|topic| named.contains(&topic.key)).count();
    }
    let precision = f64::from(u32::try_from(hits).unwrap()) / reported as f64;
    assert!(precision >= 0.85, "P@5 {precision:.2}");
}

#[test]
fn a_long_call_stays_bounded_and_keeps_what_is_said_often() {
    let mut topics = Topics::default();
    for message in 0..10_000 {
        let letters: String =
            message.to_string().bytes().map(|digit| char::from(b'b' + (digit - b'0') * 2)).collect();
        topics.add(message, &format!("the monthly bill and the zq{letters} gadget"));
    }
    assert!(topics.candidates.len() <= CANDIDATES);
    let found = topics.current(3);
    assert_eq!(found[0].phrase, "monthly bill");
    assert_eq!(found[0].messages.len(), MESSAGES_A_CANDIDATE);
}

#[test]
fn a_topic_keeps_its_key_over_wordings_and_time() {
    let mut topics = Topics::default();
    topics.add(0, "I need a replacement router.");
    let before = topics.current(1)[0].key.clone();
    topics.add(1, "Replacement routers ship on Monday.");
    let after = topics.current(1).remove(0);
    assert_eq!(after.key, before);
    assert_eq!(after.messages, [0, 1]);
}

#[test]
fn courtesy_names_days_and_money_are_no_topics() {
    for text in [
        "hi sarah thanks for calling",
        "tuesday or wednesday morning",
        "twenty dollars",
        "one second please",
        "",
        "\u{0}é ’",
    ] {
        let mut topics = Topics::default();
        topics.add(0, text);
        assert_eq!(topics.current(5), [], "{text}");
    }
}
