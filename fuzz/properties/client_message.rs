//! What clients of the Symbl protocol send: whatever a text says, what comes out is in range and no larger than the text,
//! and a `start_request` that the bridge renders is understood by the engine.

use std::time::Duration;

use serde_json::Value;
use symbl_bridge::symbl::Speaker;
use symbl_bridge::symbl::client_message::{ClientMessage, InvalidMessage, ModifyRequest, StartRequest};
use symbl_bridge::symbl::start_template::StartTemplate;

use super::input::Input;

/// Checks one text message, or a template with a speaker.
pub fn check(data: &[u8]) {
    match Input::structured(data) {
        Some(parts) => template(parts),
        None => {
            if let Ok(text) = std::str::from_utf8(data) {
                any_text(text);
            }
        }
    }
}

fn any_text(text: &str) {
    let message = ClientMessage::parse(text);
    assert_eq!(
        ClientMessage::parse(&format!("\n {text} ")),
        message,
        "white space around it does not matter"
    );
    let json = serde_json::from_str::<Value>(text.trim());
    match &message {
        ClientMessage::Start(start) => in_range(start, text),
        ClientMessage::Modify(ModifyRequest { speech, .. }) => {
            assert!(speech.encoding.as_ref().is_none_or(|encoding| encoding.len() <= text.len()));
        }
        ClientMessage::Stop => assert!(text.to_ascii_lowercase().contains("stop") || text.contains('\\')),
        ClientMessage::Ping => assert!(text.contains("__PING__")),
        ClientMessage::Invalid(InvalidMessage::NotJson) => assert!(json.is_err()),
        ClientMessage::Invalid(InvalidMessage::NoType) => {
            assert!(json.expect("JSON without a type").get("type").and_then(Value::as_str).is_none());
        }
        ClientMessage::Invalid(InvalidMessage::UnknownType(kind)) => assert!(kind.chars().count() <= 64),
    }
}

fn in_range(start: &StartRequest, text: &str) {
    const LONGEST_WAIT: Duration = Duration::from_secs(1800);
    assert!((0.0..=1.0).contains(&start.confidence_threshold), "{}", start.confidence_threshold);
    assert!((-1440..=1440).contains(&start.timezone_offset));
    assert!(start.no_connection_timeout <= LONGEST_WAIT && start.disconnect_on_stop_timeout <= LONGEST_WAIT);
    assert!(start.redaction.replacement.chars().count() <= 16);
    assert!(start.insight_types.windows(2).all(|pair| pair[0] < pair[1]), "sorted, none twice");
    let phrases = start.trackers.iter().flat_map(|tracker| &tracker.vocabulary).map(String::len);
    let hints = start.custom_vocabulary.iter().map(|hint| hint.text.len());
    // A number may be written longer than it came: 1e300 has 301 digits at most, in five bytes.
    assert!(phrases.chain(hints).sum::<usize>() <= text.len() * 64);
    assert!(start.trackers.len() + start.custom_vocabulary.len() <= text.len());
}

fn template(mut parts: Input<'_>) {
    let speaker = Speaker { user_id: parts.text().into_owned(), name: parts.text().into_owned() };
    let Ok(template) = StartTemplate::parse(&parts.text()) else { return };
    let rendered = template.render(&speaker);
    let ClientMessage::Start(start) = ClientMessage::parse(&rendered) else {
        panic!("the engine does not take {rendered}");
    };
    in_range(&start, &rendered);
    assert_eq!(start.speech.encoding.as_deref(), Some("MULAW"));
    let heard = start.speaker.unwrap_or_default();
    assert_eq!((heard.user_id, heard.name), (speaker.user_id, speaker.name));
}
