//! TwiML: what the bridge writes is read back as it was meant, whatever the values hold, and no document makes the reader
//! panic or grow.

use symbl_bridge::simulator::twiml_reader::{DialNoun, Verb, read};
use symbl_bridge::twilio::StreamUrl;
use symbl_bridge::twilio::twiml::{
    ConferenceTwiml, StreamTwiml, conference, conference_only, connect_stream,
};

use super::input::Input;

/// Checks a document, or values to write one with.
pub fn check(data: &[u8]) {
    match Input::structured(data) {
        Some(parts) => written_and_read(parts),
        None => {
            if let Ok(text) = std::str::from_utf8(data) {
                any_document(text);
            }
        }
    }
}

fn any_document(text: &str) {
    let Ok(document) = read(text) else { return };
    assert!(text.len() <= 64 * 1024 && text.contains("Response"));
    assert!(document.verbs.len() <= text.len() / 4 && document.warnings.len() <= text.len());
}

fn written_and_read(mut parts: Input<'_>) {
    let url = StreamUrl::parse("wss://bridge.example.com/twilio/media").unwrap();
    let (start_on_enter, end_on_exit) = (parts.byte() & 1 == 0, parts.byte() & 1 == 0);
    let texts = [0; 7].map(|_| parts.text());
    let [name, callback, room, label, parameter, value, action] = texts.each_ref().map(|text| text.as_ref());
    let parameters = [(parameter, value), ("from", value)];
    let stream = StreamTwiml {
        name,
        url: &url,
        status_callback: Some(callback),
        parameters: &parameters,
        announcement: None,
    };
    let dial = ConferenceTwiml {
        dial_action: Some(action),
        start_on_enter,
        end_on_exit,
        participant_label: Some(label),
        status_callback: Some(callback),
        ..ConferenceTwiml::new(room)
    };
    let is_nameless = parameter.is_empty();
    let is_long = [parameter, "from"].iter().any(|name| name.chars().count() + value.chars().count() >= 500);
    let has_label = (1..=128).contains(&label.chars().count()) && !label.contains('/');
    let has_room = !cleaned(room).trim().is_empty();
    match connect_stream(&stream) {
        Ok(text) => {
            let [Verb::Connect(read)] = &read_without_warning(&text)[..] else { panic!("{text}") };
            assert_eq!(*read, expected_stream(&stream), "{text}");
        }
        Err(_) => assert!(is_nameless || is_long),
    }
    match conference_only(&dial) {
        Ok(text) => {
            let [Verb::Dial(read)] = &read_without_warning(&text)[..] else { panic!("{text}") };
            assert_eq!(*read, expected_dial(&dial), "{text}");
        }
        Err(_) => assert!(!has_label || !has_room),
    }
    match conference(&stream, &dial) {
        Ok(text) => {
            let [Verb::Start(stream_read), Verb::Dial(dial_read)] = &read_without_warning(&text)[..] else {
                panic!("{text}");
            };
            assert_eq!(*stream_read, expected_stream(&stream));
            assert_eq!(*dial_read, expected_dial(&dial));
        }
        Err(_) => assert!(is_nameless || is_long || !has_label || !has_room),
    }
}

fn read_without_warning(text: &str) -> Vec<Verb> {
    match read(text) {
        Ok(document) => {
            assert!(document.warnings.is_empty(), "{:?} of {text}", document.warnings);
            document.verbs
        }
        // Larger than Twilio takes: values of the fuzzer are longer than any of ours.
        Err(_) if text.len() > 64 * 1024 => Vec::new(),
        Err(refusal) => panic!("{refusal}: {text}"),
    }
}

fn expected_stream(stream: &StreamTwiml<'_>) -> symbl_bridge::simulator::twiml_reader::StreamNoun {
    symbl_bridge::simulator::twiml_reader::StreamNoun {
        name: cleaned(stream.name),
        url: stream.url.as_str().to_owned(),
        track: "inbound_track".to_owned(),
        status_callback: filled(stream.status_callback),
        parameters: stream.parameters.iter().map(|(name, value)| (cleaned(name), cleaned(value))).collect(),
    }
}

fn expected_dial(dial: &ConferenceTwiml<'_>) -> DialNoun {
    let has_callback = dial.status_callback.is_some();
    let events = ["start", "end", "join", "leave", "mute", "hold"];
    DialNoun {
        action: filled(dial.dial_action),
        room: cleaned(dial.room).trim().to_owned(),
        start_on_enter: dial.start_on_enter,
        end_on_exit: dial.end_on_exit,
        label: filled(dial.participant_label),
        wait_url: None,
        status_callback: filled(dial.status_callback),
        status_events: if has_callback { events.map(str::to_owned).to_vec() } else { Vec::new() },
    }
}

fn filled(text: Option<&str>) -> Option<String> {
    text.map(cleaned).filter(|text| !text.is_empty())
}

/// Without the characters that XML has no way to write.
fn cleaned(text: &str) -> String {
    let is_writable =
        |c: &char| *c >= ' ' && !matches!(*c, '\u{fffe}' | '\u{ffff}') || matches!(*c, '\t' | '\n' | '\r');
    text.chars().filter(is_writable).collect()
}
