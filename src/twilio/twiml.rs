//! The documents we answer with (twilio-protocol.md, section 2).
//!
//! `<Start><Stream>` stands before `<Dial>`: the stream runs while the caller is in the conference. After
//! `<Connect><Stream>` nothing is reached until we close the socket, so it always stands alone.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::public_url::StreamUrl;

/// Name and value of a `<Parameter>` together must be shorter than this, in characters (section 2.4).
const PARAMETER_LIMIT: usize = 500;

/// Longest `participantLabel`.
const LABEL_LIMIT: usize = 128;

/// The stream of one leg.
#[derive(Debug, Clone)]
pub struct StreamTwiml<'a> {
    /// Name of the stream, unique in its call; needed to stop it.
    pub name: &'a str,
    /// Our media socket.
    pub url: &'a StreamUrl,
    /// Where stream events are posted.
    pub status_callback: Option<&'a str>,
    /// Names and values that arrive in `start`.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Spoken before the stream begins: nobody is recorded who has not heard it.
    pub announcement: Option<SpokenText<'a>>,
}

/// A text that is spoken to the caller before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpokenText<'a> {
    /// The words.
    pub text: &'a str,
    /// Their language; none: Twilio's own.
    pub language: Option<&'a str>,
}

/// The conference of one leg.
#[derive(Debug, Clone)]
pub struct ConferenceTwiml<'a> {
    /// Name of the room, unique in the account; no personal data.
    pub room: &'a str,
    /// Where Twilio asks what to do when the leg has left the conference.
    pub dial_action: Option<&'a str>,
    /// Whether talk may begin once this leg is in.
    pub start_on_enter: bool,
    /// Whether all are put out when this leg leaves.
    pub end_on_exit: bool,
    /// Our name for the participant, unique in the conference.
    pub participant_label: Option<&'a str>,
    /// Where conference events are posted; Twilio heeds only the first participant's.
    pub status_callback: Option<&'a str>,
}

impl<'a> ConferenceTwiml<'a> {
    /// Returns a plain conference: it starts with the second participant and ends with the last.
    pub fn new(room: &'a str) -> Self {
        Self {
            room,
            dial_action: None,
            start_on_enter: true,
            end_on_exit: false,
            participant_label: None,
            status_callback: None,
        }
    }
}

/// A document cannot be written as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTwiml {
    /// Twilio drops such a pair.
    #[error(
        "stream parameter {name} is too long: name and value must have fewer than {PARAMETER_LIMIT} characters"
    )]
    ParameterTooLong {
        /// The parameter's name.
        name: String,
    },
    /// A parameter without a name.
    #[error("a stream parameter has no name")]
    ParameterUnnamed,
    /// A conference without a room.
    #[error("the room name is empty")]
    EmptyRoom,
    /// A label that Twilio refuses (errors 16023, 16024).
    #[error("the participant label must have 1 to {LABEL_LIMIT} characters and no slash")]
    BadLabel,
}

/// Returns the document that streams a caller's audio to us and then joins a conference.
pub fn conference(stream: &StreamTwiml<'_>, conference: &ConferenceTwiml<'_>) -> Result<String, BadTwiml> {
    let mut document = Document::new();
    document.say(stream.announcement);
    document.open("Start", &[]);
    document.stream(stream)?;
    document.close("Start");
    document.dial(conference)?;
    Ok(document.finish())
}

/// Returns the document that joins a conference without a stream.
pub fn conference_only(conference: &ConferenceTwiml<'_>) -> Result<String, BadTwiml> {
    let mut document = Document::new();
    document.dial(conference)?;
    Ok(document.finish())
}

/// Returns the document that streams a caller's audio to us for as long as we keep the socket open.
pub fn connect_stream(stream: &StreamTwiml<'_>) -> Result<String, BadTwiml> {
    let mut document = Document::new();
    document.say(stream.announcement);
    document.open("Connect", &[]);
    document.stream(stream)?;
    document.close("Connect");
    Ok(document.finish())
}

/// Returns the document that ends a call.
pub fn hang_up() -> String {
    let mut document = Document::new();
    document.empty("Hangup", &[]);
    document.finish()
}

/// Returns the document that does not answer the call: the caller hears the busy tone, and nothing is billed.
pub fn reject_busy() -> String {
    let mut document = Document::new();
    document.empty("Reject", &[("reason", "busy")]);
    document.finish()
}

/// Returns the document that says nothing: what callbacks are answered with if not with 204.
pub fn empty() -> String {
    Document::new().finish()
}

/// One `<Response>` being written. Values are cleaned and escaped here and nowhere else.
struct Document {
    writer: Writer<Vec<u8>>,
}

impl Document {
    fn new() -> Self {
        let mut document = Self { writer: Writer::new(Vec::with_capacity(1024)) };
        document.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        document.open("Response", &[]);
        document
    }

    fn finish(mut self) -> String {
        self.close("Response");
        String::from_utf8_lossy(&self.writer.into_inner()).into_owned()
    }

    fn say(&mut self, spoken: Option<SpokenText<'_>>) {
        if let Some(SpokenText { text, language }) = spoken {
            let language = language.map(|language| [("language", language)]);
            self.open("Say", language.as_ref().map_or(&[], |attributes| attributes.as_slice()));
            self.write(Event::Text(BytesText::new(&cleaned(text))));
            self.close("Say");
        }
    }

    fn stream(&mut self, stream: &StreamTwiml<'_>) -> Result<(), BadTwiml> {
        let mut attributes =
            vec![("name", stream.name), ("url", stream.url.as_str()), ("track", "inbound_track")];
        if let Some(callback) = stream.status_callback {
            attributes.extend([("statusCallback", callback), ("statusCallbackMethod", "POST")]);
        }
        self.open("Stream", &attributes);
        for (name, value) in stream.parameters {
            if name.is_empty() {
                return Err(BadTwiml::ParameterUnnamed);
            }
            if name.chars().count() + value.chars().count() >= PARAMETER_LIMIT {
                return Err(BadTwiml::ParameterTooLong { name: (*name).to_owned() });
            }
            self.empty("Parameter", &[("name", name), ("value", value)]);
        }
        self.close("Stream");
        Ok(())
    }

    fn dial(&mut self, conference: &ConferenceTwiml<'_>) -> Result<(), BadTwiml> {
        if cleaned(conference.room).trim().is_empty() {
            return Err(BadTwiml::EmptyRoom);
        }
        let action = conference.dial_action.map(|action| [("action", action), ("method", "POST")]);
        self.open("Dial", action.as_ref().map_or(&[], |attributes| attributes.as_slice()));
        let mut attributes = vec![
            ("beep", "false"),
            ("startConferenceOnEnter", true_or_false(conference.start_on_enter)),
            ("endConferenceOnExit", true_or_false(conference.end_on_exit)),
        ];
        if let Some(label) = conference.participant_label {
            if !(1..=LABEL_LIMIT).contains(&label.chars().count()) || label.contains('/') {
                return Err(BadTwiml::BadLabel);
            }
            attributes.push(("participantLabel", label));
        }
        // Empty means silence and no request; a page that fails would end the leg (section 2.6).
        attributes.push(("waitUrl", ""));
        if let Some(callback) = conference.status_callback {
            attributes.extend([
                ("statusCallback", callback),
                ("statusCallbackMethod", "POST"),
                ("statusCallbackEvent", "start end join leave mute hold"),
            ]);
        }
        self.open("Conference", &attributes);
        self.write(Event::Text(BytesText::new(&cleaned(conference.room))));
        self.close("Conference");
        self.close("Dial");
        Ok(())
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let element = element(name, attributes);
        self.write(Event::Start(element));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let element = element(name, attributes);
        self.write(Event::Empty(element));
    }

    fn close(&mut self, name: &str) {
        self.write(Event::End(BytesEnd::new(name)));
    }

    fn write(&mut self, event: Event<'_>) {
        // Writing to memory does not fail.
        let _ = self.writer.write_event(event);
    }
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (attribute, value) in attributes {
        element.push_attribute((*attribute, cleaned(value).as_str()));
    }
    element
}

fn true_or_false(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// Drops the characters that XML 1.0 has no way to write.
fn cleaned(text: &str) -> String {
    let is_legal = |c: &char| !matches!(*c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_legal).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document as Parsed, Node};

    use super::*;

    fn url() -> StreamUrl {
        StreamUrl::parse("wss://bridge.example.com/twilio/media").unwrap()
    }

    fn children<'a>(node: Node<'a, 'a>) -> Vec<Node<'a, 'a>> {
        node.children().filter(Node::is_element).collect()
    }

    fn attributes<'a>(node: Node<'a, 'a>) -> Vec<(&'a str, &'a str)> {
        node.attributes().map(|attribute| (attribute.name(), attribute.value())).collect()
    }

    #[test]
    fn the_documented_document_is_written() {
        let url = url();
        let stream = StreamTwiml {
            name: "b1-CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
            url: &url,
            status_callback: Some("https://bridge.example.com/twilio/stream-events"),
            parameters: &[("from", "+12125550123"), ("room", "room-7"), ("token", "v1.1772533020.Zm9v")],
            announcement: None,
        };
        let room = ConferenceTwiml {
            dial_action: Some("https://bridge.example.com/twilio/dial-done"),
            participant_label: Some("b2b2b2b2"),
            status_callback: Some("https://bridge.example.com/twilio/conference"),
            ..ConferenceTwiml::new("room-7")
        };
        let text = conference(&stream, &room).unwrap();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"), "{text}");
        let parsed = Parsed::parse(&text).unwrap();
        let [start, dial] = children(parsed.root_element())[..] else { panic!("{text}") };
        assert_eq!((start.tag_name().name(), dial.tag_name().name()), ("Start", "Dial"));
        let stream = children(start)[0];
        assert_eq!(
            attributes(stream),
            [
                ("name", "b1-CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"),
                ("url", "wss://bridge.example.com/twilio/media"),
                ("track", "inbound_track"),
                ("statusCallback", "https://bridge.example.com/twilio/stream-events"),
                ("statusCallbackMethod", "POST"),
            ]
        );
        let parameters: Vec<_> = children(stream).into_iter().map(attributes).collect();
        assert_eq!(parameters[2], [("name", "token"), ("value", "v1.1772533020.Zm9v")]);
        assert_eq!(
            attributes(dial),
            [("action", "https://bridge.example.com/twilio/dial-done"), ("method", "POST")]
        );
        let conference = children(dial)[0];
        assert_eq!(conference.text(), Some("room-7"));
        assert_eq!(
            attributes(conference),
            [
                ("beep", "false"),
                ("startConferenceOnEnter", "true"),
                ("endConferenceOnExit", "false"),
                ("participantLabel", "b2b2b2b2"),
                ("waitUrl", ""),
                ("statusCallback", "https://bridge.example.com/twilio/conference"),
                ("statusCallbackMethod", "POST"),
                ("statusCallbackEvent", "start end join leave mute hold"),
            ]
        );
    }

    #[test]
    fn what_is_optional_is_left_out() {
        let text = conference_only(&ConferenceTwiml::new("r")).unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial><Conference beep=\"false\" \
             startConferenceOnEnter=\"true\" endConferenceOnExit=\"false\" waitUrl=\"\">r</Conference></Dial></Response>"
        );
    }

    #[test]
    fn connect_stands_alone() {
        let url = url();
        let stream =
            StreamTwiml { name: "n", url: &url, status_callback: None, parameters: &[], announcement: None };
        let text = connect_stream(&stream).unwrap();
        let parsed = Parsed::parse(&text).unwrap();
        let verbs = children(parsed.root_element());
        assert_eq!(verbs.len(), 1);
        assert_eq!(verbs[0].tag_name().name(), "Connect");
        assert_eq!(children(verbs[0])[0].attribute("url"), Some(url.as_str()));
    }

    #[test]
    fn small_documents_are_exact() {
        assert_eq!(hang_up(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Hangup/></Response>");
        let busy = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject reason=\"busy\"/></Response>";
        assert_eq!(reject_busy(), busy);
        assert_eq!(empty(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>");
    }

    #[test]
    fn limits_are_errors() {
        let url = url();
        let with = |name: &str, value: &str| {
            connect_stream(&StreamTwiml {
                name: "n",
                url: &url,
                status_callback: None,
                parameters: &[(name, value)],
                announcement: None,
            })
        };
        assert!(with("ab", &"é".repeat(497)).is_ok());
        assert_eq!(with("ab", &"é".repeat(498)), Err(BadTwiml::ParameterTooLong { name: "ab".into() }));
        assert_eq!(with("", "x"), Err(BadTwiml::ParameterUnnamed));
        for room in ["", " ", "\u{1}"] {
            assert_eq!(conference_only(&ConferenceTwiml::new(room)), Err(BadTwiml::EmptyRoom));
        }
        for label in ["", "a/b", &"x".repeat(129)] {
            let twiml = ConferenceTwiml { participant_label: Some(label), ..ConferenceTwiml::new("r") };
            assert_eq!(conference_only(&twiml), Err(BadTwiml::BadLabel));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_values_come_out_as_they_went_in(value in "\\PC{0,80}|[\\x00-\\x7f\u{fffe}]{0,80}", room in "[\\x20-\\x7e\u{e9}\u{1F4DE}]{1,40}") {
            let url = url();
            let parameters = [("from", value.as_str())];
            let stream = StreamTwiml { name: &value, url: &url, status_callback: Some(&value), parameters: &parameters, announcement: None };
            if let Ok(text) = conference(&stream, &ConferenceTwiml::new(&room)) {
                let parsed = Parsed::parse(&text).unwrap();
                let start = children(parsed.root_element())[0];
                let stream = children(start)[0];
                assert_eq!(stream.attribute("name"), Some(cleaned(&value).as_str()));
                assert_eq!(children(stream)[0].attribute("value"), Some(cleaned(&value).as_str()));
                let conference = children(children(parsed.root_element())[1])[0];
                assert_eq!(conference.text(), Some(room.as_str()));
            }
        }
    }
}
