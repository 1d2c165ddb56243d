//! Reads TwiML as strictly as Twilio does (twilio-protocol.md, sections 1.5, 2 and 7.2).
//!
//! What Twilio cannot parse is an error (12100); what it only warns of (12200) is noted and left out.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

/// Largest document (11750).
const LARGEST_DOCUMENT: usize = 64 * 1024;

/// Nesting deeper than this is no TwiML.
const DEEPEST: usize = 16;

/// Name and value of a parameter must be shorter than this together.
const PARAMETER_LIMIT: usize = 500;

/// Elements, where they may stand, and their attributes.
const SCHEMA: [(&str, &[&str], &[&str]); 14] = [
    ("Response", &[""], &[]),
    ("Start", &["Response"], &["action", "method"]),
    ("Connect", &["Response"], &["action", "method"]),
    ("Stop", &["Response"], &[]),
    (
        "Stream",
        &["Start", "Connect", "Stop"],
        &["name", "url", "track", "statusCallback", "statusCallbackMethod", "connectorName"],
    ),
    ("Parameter", &["Stream"], &["name", "value"]),
    (
        "Dial",
        &["Response"],
        &["action", "method", "timeout", "timeLimit", "hangupOnStar", "callerId", "answerOnBridge"],
    ),
    (
        "Conference",
        &["Dial"],
        &[
            "muted",
            "beep",
            "startConferenceOnEnter",
            "endConferenceOnExit",
            "participantLabel",
            "jitterBufferSize",
            "waitUrl",
            "waitMethod",
            "maxParticipants",
            "record",
            "region",
            "statusCallback",
            "statusCallbackMethod",
            "statusCallbackEvent",
        ],
    ),
    ("Say", &["Response"], &["voice", "language", "loop"]),
    ("Play", &["Response"], &["loop", "digits"]),
    ("Pause", &["Response"], &["length"]),
    ("Redirect", &["Response"], &["method"]),
    ("Hangup", &["Response"], &[]),
    ("Reject", &["Response"], &["reason"]),
];

/// One instruction, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Stream while the next verbs go on.
    Start(StreamNoun),
    /// Stream, and go on only when the socket is closed.
    Connect(StreamNoun),
    /// Stop the stream of this name.
    Stop(String),
    /// Join a conference until it ends or the caller hangs up.
    Dial(DialNoun),
    /// Wait so many seconds.
    Pause(u64),
    /// Go on with the document at this address.
    Redirect(String),
    /// End the call.
    Hangup,
    /// Do not answer the call.
    Reject,
    /// Speak or play; takes no time here.
    Speak,
}

/// A `<Stream>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamNoun {
    /// Its name, empty if it has none.
    pub name: String,
    /// The socket's address, as written.
    pub url: String,
    /// `inbound_track` unless said otherwise.
    pub track: String,
    /// Where its events are posted.
    pub status_callback: Option<String>,
    /// What `start` is to carry.
    pub parameters: Vec<(String, String)>,
}

/// A `<Dial>` with its `<Conference>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialNoun {
    /// Where to ask what comes next.
    pub action: Option<String>,
    /// The room; empty if there is no conference in it.
    pub room: String,
    /// Whether talk may begin once this one is in.
    pub start_on_enter: bool,
    /// Whether all are put out when this one leaves.
    pub end_on_exit: bool,
    /// The participant's label.
    pub label: Option<String>,
    /// Where to ask what to play while waiting; `None` for silence.
    pub wait_url: Option<String>,
    /// Where conference events are posted.
    pub status_callback: Option<String>,
    /// Which events are wanted.
    pub status_events: Vec<String>,
}

/// A document and what is not quite right with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TwimlDocument {
    /// The instructions.
    pub verbs: Vec<Verb>,
    /// What Twilio would put into its debugger (12200 and others).
    pub warnings: Vec<String>,
}

/// Twilio would not be able to read the document, and the call would end with an apology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTwimlDocument {
    /// Error 11750.
    #[error("the TwiML has {0} bytes, more than 64 kB (error 11750)")]
    TooLarge(usize),
    /// Error 12100.
    #[error("the TwiML cannot be parsed: {0} (error 12100)")]
    Unparsable(String),
}

/// Returns the document in an answer's body.
pub fn read(text: &str) -> Result<TwimlDocument, BadTwimlDocument> {
    if text.len() > LARGEST_DOCUMENT {
        return Err(BadTwimlDocument::TooLarge(text.len()));
    }
    let mut warnings = Vec::new();
    let root = parse_tree(text, &mut warnings).map_err(BadTwimlDocument::Unparsable)?;
    if root.name != "Response" {
        return Err(BadTwimlDocument::Unparsable(format!("the root is <{}> and not <Response>", root.name)));
    }
    let verbs = root.children.iter().filter_map(|element| verb(element, &mut warnings)).collect();
    Ok(TwimlDocument { verbs, warnings })
}

/// One element with what is inside.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str())
    }

    fn filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

fn parse_tree(text: &str, warnings: &mut Vec<String>) -> Result<Element, String> {
    if text.starts_with('\u{feff}') || text.starts_with(char::is_whitespace) {
        return Err("something stands before <?xml".to_owned());
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|fault| fault.to_string())?;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if open.len() == DEEPEST {
                    return Err("elements are nested too deeply".to_owned());
                }
                if root.is_some() {
                    return Err("there is more than one root".to_owned());
                }
                let parent = open.last().map_or("", |parent| parent.name.as_str());
                open.push(element(&tag, parent, warnings)?);
                if is_empty {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|fault| fault.to_string())?;
                match (character, resolve_xml_entity(&reference.xml10_content())) {
                    (Some(character), _) => add_text(&mut open, character.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => add_text(&mut open, text)?,
                    (None, None) => return Err("an unknown entity".to_owned()),
                }
            }
            Event::DocType(_) => return Err("a document type".to_owned()),
            Event::Eof => break,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err("an element is not closed".to_owned()),
    }
}

fn element(tag: &BytesStart<'_>, parent: &str, warnings: &mut Vec<String>) -> Result<Element, String> {
    let name = tag.name().as_ref().to_owned();
    let known = SCHEMA.iter().find(|(known, _, _)| *known == name);
    match known {
        None => warnings.push(format!("<{name}> is not a TwiML element known here (12200)")),
        Some((_, parents, _)) if !parents.contains(&parent) => {
            warnings.push(format!("<{name}> must not stand in <{parent}> (12200)"));
        }
        Some(_) => {}
    }
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|fault| fault.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|fault| fault.to_string())?;
        let key: &str = attribute.key.as_ref();
        if known.is_some_and(|(_, _, allowed)| !allowed.contains(&key)) {
            warnings.push(format!("<{name}> has no attribute {key} (12200)"));
            continue;
        }
        attributes.push((key.to_owned(), value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    if let Some(element) = open.pop() {
        match open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => *root = Some(element),
        }
    }
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("text outside of the root".to_owned()),
    }
    Ok(())
}

fn verb(element: &Element, warnings: &mut Vec<String>) -> Option<Verb> {
    match element.name.as_str() {
        "Start" => stream(element, warnings).map(Verb::Start),
        "Connect" => stream(element, warnings).map(Verb::Connect),
        "Stop" => element.child("Stream")?.filled("name").map(Verb::Stop),
        "Dial" => Some(Verb::Dial(dial(element, warnings))),
        "Pause" => {
            Some(Verb::Pause(element.get("length").and_then(|length| length.parse().ok()).unwrap_or(1)))
        }
        "Redirect" => Some(Verb::Redirect(element.text.trim().to_owned())),
        "Hangup" => Some(Verb::Hangup),
        "Reject" => Some(Verb::Reject),
        "Say" | "Play" => Some(Verb::Speak),
        _ => None,
    }
}

fn stream(element: &Element, warnings: &mut Vec<String>) -> Option<StreamNoun> {
    let Some(stream) = element.child("Stream") else {
        warnings.push(format!("<{}> has no <Stream> (14300)", element.name));
        return None;
    };
    let mut noun = StreamNoun {
        name: stream.filled("name").unwrap_or_default(),
        url: stream.filled("url").unwrap_or_default(),
        track: stream.filled("track").unwrap_or_else(|| "inbound_track".to_owned()),
        status_callback: stream.filled("statusCallback"),
        parameters: Vec::new(),
    };
    if noun.url.contains('?') {
        warnings.push("the stream's address has a query string, which is dropped (31920)".to_owned());
    }
    if !["inbound_track", "outbound_track", "both_tracks"].contains(&noun.track.as_str())
        || (element.name == "Connect" && noun.track != "inbound_track")
    {
        warnings.push(format!("track {} is not possible in <{}> (31941)", noun.track, element.name));
    }
    for parameter in stream.children.iter().filter(|child| child.name == "Parameter") {
        let (name, value) =
            (parameter.filled("name").unwrap_or_default(), parameter.get("value").unwrap_or_default());
        if name.chars().count() + value.chars().count() >= PARAMETER_LIMIT {
            warnings
                .push(format!("parameter {name} has {PARAMETER_LIMIT} characters or more and is dropped"));
            continue;
        }
        noun.parameters.push((name, value.to_owned()));
    }
    Some(noun)
}

fn dial(element: &Element, warnings: &mut Vec<String>) -> DialNoun {
    let action = element.filled("action");
    let Some(conference) = element.child("Conference") else {
        warnings.push("<Dial> has no <Conference>; dialling anything else is not simulated".to_owned());
        return DialNoun { action, ..DialNoun::default() };
    };
    let truth = |name: &str, default: bool| conference.get(name).map_or(default, |value| value == "true");
    DialNoun {
        action,
        room: conference.text.trim().to_owned(),
        start_on_enter: truth("startConferenceOnEnter", true),
        end_on_exit: truth("endConferenceOnExit", false),
        label: conference.filled("participantLabel"),
        wait_url: conference.filled("waitUrl"),
        status_callback: conference.filled("statusCallback"),
        status_events: conference
            .get("statusCallbackEvent")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::StreamUrl;
    use crate::twilio::twiml::{self, ConferenceTwiml, StreamTwiml};

    #[test]
    fn our_own_documents_are_read_without_a_warning() {
        let url = StreamUrl::parse("wss://bridge.example.com/twilio/media").unwrap();
        let stream = StreamTwiml {
            name: "b1",
            url: &url,
            status_callback: Some("https://b.example.com/s?a=1&b=2"),
            parameters: &[("from", "+12125550123"), ("odd", "<\"&'\n>é")],
            announcement: None,
        };
        let room = ConferenceTwiml {
            dial_action: Some("https://b.example.com/dial-done"),
            end_on_exit: true,
            participant_label: Some("b2"),
            status_callback: Some("https://b.example.com/conference"),
            ..ConferenceTwiml::new("room <7> & co.")
        };
        let document = read(&twiml::conference(&stream, &room).unwrap()).unwrap();
        let expected = StreamNoun {
            name: "b1".into(),
            url: url.as_str().into(),
            track: "inbound_track".into(),
            status_callback: Some("https://b.example.com/s?a=1&b=2".into()),
            parameters: vec![("from".into(), "+12125550123".into()), ("odd".into(), "<\"&'\n>é".into())],
        };
        let dial = DialNoun {
            action: Some("https://b.example.com/dial-done".into()),
            room: "room <7> & co.".into(),
            start_on_enter: true,
            end_on_exit: true,
            label: Some("b2".into()),
            wait_url: None,
            status_callback: Some("https://b.example.com/conference".into()),
            status_events: ["start", "end", "join", "leave", "mute", "hold"].map(String::from).to_vec(),
        };
        assert_eq!(document.warnings, Vec::<String>::new());
        assert_eq!(document.verbs, [Verb::Start(expected.clone()), Verb::Dial(dial)]);
        let connect = read(&twiml::connect_stream(&stream).unwrap()).unwrap();
        assert_eq!(connect.verbs, [Verb::Connect(expected)]);
        assert_eq!(read(&twiml::hang_up()).unwrap().verbs, [Verb::Hangup]);
        assert_eq!(read(&twiml::empty()).unwrap(), TwimlDocument::default());
    }

    #[test]
    fn what_twilio_cannot_parse_is_an_error() {
        for text in [
            "",
            " <Response/>",
            "\u{feff}<Response/>",
            "<response/>",
            "<Say>hi</Say>",
            "<Response>",
            "<Response></Respons>",
            "<Response><Dial></Response></Dial>",
            "<Response/><Response/>",
            "<Response a=b/>",
            "<Response>&nope;</Response>",
            "hello",
            "<Response/>x",
            "<!DOCTYPE x><Response/>",
        ] {
            assert!(matches!(read(text), Err(BadTwimlDocument::Unparsable(_))), "{text}");
        }
        let deep = format!("<Response>{}", "<Say>".repeat(100));
        assert!(matches!(read(&deep), Err(BadTwimlDocument::Unparsable(_))));
        assert!(matches!(read(&"x".repeat(LARGEST_DOCUMENT + 1)), Err(BadTwimlDocument::TooLarge(_))));
    }

    #[test]
    fn what_twilio_warns_of_is_noted_and_left_out() {
        let cases = [
            ("<Response><start/></Response>", "<start> is not"),
            ("<Response><Hangup now=\"1\"/></Response>", "no attribute now"),
            ("<Response><Stream url=\"wss://x/\"/></Response>", "must not stand in <Response>"),
            ("<Response><Start/></Response>", "14300"),
            ("<Response><Start><Stream url=\"wss://x/?a=1\"/></Start></Response>", "query string"),
            (
                "<Response><Connect><Stream url=\"wss://x/\" track=\"both_tracks\"/></Connect></Response>",
                "31941",
            ),
            ("<Response><Dial>+1</Dial></Response>", "no <Conference>"),
        ];
        for (text, expected) in cases {
            let document = read(text).unwrap();
            assert!(
                document.warnings.iter().any(|warning| warning.contains(expected)),
                "{text}: {document:?}"
            );
        }
        let long = format!(
            "<Response><Start><Stream url=\"wss://x/\"><Parameter name=\"a\" value=\"{}\"/></Stream></Start></Response>",
            "x".repeat(499)
        );
        let document = read(&long).unwrap();
        assert!(document.warnings[0].contains("parameter a"), "{document:?}");
        assert!(matches!(&document.verbs[0], Verb::Start(stream) if stream.parameters.is_empty()));
    }

    #[test]
    fn other_verbs_are_understood() {
        let text = "<?xml version=\"1.0\"?>\n<Response>\n <Say>hi</Say><Pause length=\"3\"/><Pause/><Stop><Stream name=\"s\"/></Stop>\
                    <Redirect> /next </Redirect><Reject reason=\"busy\"/></Response>\n";
        let expected = [
            Verb::Speak,
            Verb::Pause(3),
            Verb::Pause(1),
            Verb::Stop("s".into()),
            Verb::Redirect("/next".into()),
            Verb::Reject,
        ];
        assert_eq!(read(text).unwrap().verbs, expected);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}|(<Response>|<Start>|<Stream |url=\"|\"|/>|>|&amp;|</Response>|</|&#|;|x){0,12}") {
            let _ = read(&text);
        }
    }
}
