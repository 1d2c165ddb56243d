//! The schema is as strict as the reference: it takes the reference's examples and refuses what Go cannot decode.

use serde_json::Value;

use crate::engine_support::check_message;

/// One example of each message, as the reference prints it (2.6).
const EXAMPLES: &str = include_str!("examples.jsonl");

#[test]
fn every_example_of_the_reference_is_valid() {
    let examples: Vec<&str> = EXAMPLES.lines().collect();
    for example in &examples {
        check_message(example);
    }
    assert_eq!(examples.len(), 17);
}

#[test]
fn what_the_go_sdk_cannot_decode_is_invalid() {
    let example = |kind: &str| -> Value {
        let line = EXAMPLES.lines().find(|line| line.contains(&format!(r#""type":"{kind}""#)));
        serde_json::from_str(line.unwrap()).unwrap()
    };
    for (kind, pointer, wrong) in [
        ("recognition_result", "/timeOffset", Value::from("6120")),
        ("recognition_result", "/timeOffset", Value::from(6120.5)),
        ("recognition_result", "/message/user", Value::Null),
        ("recognition_result", "/message/punctuated/transcript", Value::from("")),
        ("message_response", "/sentiment", Value::from("true")),
        ("message_response", "/messages/0/from", Value::from("Agent")),
        ("message_response", "/messages/0/metadata/words", Value::Array(vec![])),
        ("message_response", "/messages/0/id", Value::from(5)),
        ("insight_response", "/insights/0/assignee", Value::from("Agent")),
        ("insight_response", "/insights/0/hints/0/value", Value::from(0.98)),
        ("tracker_response", "/trackers/0/matches/0/messageRefs/0/offset", Value::from("0")),
        ("topic_response", "/topics/0/phrases", Value::Array(vec![])),
        ("conversation_created", "/message/data", Value::Null),
        ("started_listening", "/type", Value::from("started_listening")),
    ] {
        let mut message = example(kind);
        *message.pointer_mut(pointer).unwrap() = wrong.clone();
        let text = message.to_string();
        assert!(std::panic::catch_unwind(|| check_message(&text)).is_err(), "{pointer} = {wrong} passed");
    }
}
