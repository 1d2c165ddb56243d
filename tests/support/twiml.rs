//! TwiML read by a parser that the bridge does not use, and held to Twilio's rules (reference 2).

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::http::Answer;

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// Each element that we may emit, with the attributes that Twilio knows; anything else is a 12200.
const KNOWN: [(&str, &[&str]); 10] = [
    ("Response", &[]),
    ("Say", &["voice", "language", "loop"]),
    ("Start", &["action", "method"]),
    ("Connect", &["action", "method"]),
    ("Stream", &["name", "url", "track", "statusCallback", "statusCallbackMethod"]),
    ("Parameter", &["name", "value"]),
    ("Dial", &["action", "method", "timeout", "timeLimit", "hangupOnStar"]),
    (
        "Conference",
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
            "region",
            "statusCallback",
            "statusCallbackMethod",
            "statusCallbackEvent",
        ],
    ),
    ("Hangup", &[]),
    ("Reject", &["reason"]),
];

/// What a voice webhook was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twiml {
    /// The verb around the stream: `Start` or `Connect`.
    pub verb: String,
    pub stream: Attributes,
    /// Names and values of `<Parameter>`.
    pub parameters: Attributes,
    /// Attributes of `<Dial>`, where there is one.
    pub dial: Option<Attributes>,
    /// Attributes and room of `<Conference>`, where there is one.
    pub conference: Option<(Attributes, String)>,
}

impl Twiml {
    /// What Twilio was asked for by its REST API instead: a stream with these parameters, and nothing else.
    pub fn of_rest(parameters: Attributes) -> Self {
        Self {
            verb: "Start".to_string(),
            stream: Attributes::new(),
            parameters,
            dial: None,
            conference: None,
        }
    }

    /// Reads an answer to the voice webhook; panics where Twilio would refuse, warn or ignore.
    pub fn of(answer: &Answer) -> Self {
        let document = checked(answer);
        let response = document.root_element();
        let verbs: Vec<Node<'_, '_>> = response.children().filter(Node::is_element).collect();
        let (stream_verb, rest) = verbs.split_first().expect("an instruction");
        let verb = stream_verb.tag_name().name().to_string();
        let stream = only_child(*stream_verb, "Stream");
        let mut parameters = Attributes::new();
        for parameter in stream.children().filter(Node::is_element) {
            assert_eq!(parameter.tag_name().name(), "Parameter");
            let attribute = |name| parameter.attribute(name).expect("an attribute of Parameter").to_string();
            let (name, value) = (attribute("name"), attribute("value"));
            assert!(name.len() + value.len() < 500, "parameter {name} is too long for Twilio");
            assert_eq!(parameters.insert(name, value), None, "a parameter twice");
        }
        let mut twiml = Self { verb, stream: attributes(stream), parameters, dial: None, conference: None };
        twiml.check_urls();
        match (twiml.verb.as_str(), rest) {
            ("Start", [dial]) => {
                assert_eq!(dial.tag_name().name(), "Dial");
                let conference = only_child(*dial, "Conference");
                let room = conference.text().expect("a room name").to_string();
                twiml.dial = Some(attributes(*dial));
                twiml.conference = Some((attributes(conference), room));
            }
            // Nothing after `<Connect>` would ever run (reference 2.2).
            ("Connect", []) => {}
            (verb, rest) => panic!("{verb} followed by {} verbs", rest.len()),
        }
        twiml
    }

    fn check_urls(&self) {
        let url = &self.stream["url"];
        assert!(url.starts_with("wss://") || url.starts_with("ws://127.0.0.1:"), "stream URL {url}");
        for mark in ['?', '#', '@'] {
            assert!(!url.contains(mark), "a stream URL with {mark:?}: {url}");
        }
    }

    /// A `<Parameter>`; panics when the document has none of that name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).unwrap_or_else(|| panic!("no parameter {name} in {:?}", self.parameters))
    }

    /// The conference's room.
    pub fn room(&self) -> &str {
        &self.conference.as_ref().expect("a conference").1
    }
}

/// Checks an answer that carries instructions without a stream, for instance `<Response><Hangup/></Response>`,
/// and gives the names of its verbs.
pub fn verbs(answer: &Answer) -> Vec<String> {
    let document = checked(answer);
    let verbs = document.root_element().children().filter(Node::is_element);
    verbs.map(|verb| verb.tag_name().name().to_string()).collect()
}

fn checked(answer: &Answer) -> Document<'_> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let content_type = answer.header("content-type").expect("a content type").to_ascii_lowercase();
    assert!(content_type.starts_with("text/xml"), "{content_type}");
    assert!(answer.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{}", answer.body);
    assert!(answer.body.len() <= 64 * 1024, "larger than Twilio reads");
    let document = Document::parse(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    assert_eq!(document.root_element().tag_name().name(), "Response");
    for element in document.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        let (_, known) = KNOWN.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("<{name}>"));
        for attribute in element.attributes() {
            assert!(known.contains(&attribute.name()), "{name} {} is unknown to Twilio", attribute.name());
        }
    }
    document
}

fn attributes(element: Node<'_, '_>) -> Attributes {
    element.attributes().map(|each| (each.name().to_string(), each.value().to_string())).collect()
}

fn only_child<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Node<'a, 'input> {
    let children: Vec<_> = parent.children().filter(Node::is_element).collect();
    let [child] = children[..] else {
        panic!("{} has {} children", parent.tag_name().name(), children.len())
    };
    assert_eq!(child.tag_name().name(), name);
    child
}
