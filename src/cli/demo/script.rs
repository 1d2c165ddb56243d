//! What is said in the dialogue that ships with the program, and what the demo asks of the engine.

use serde::Deserialize;

use crate::engine::insight::redaction::{Redactor, redact};
use crate::engine::speech::accuracy::normalised_words;
use crate::symbl::start_template::StartTemplate;

/// The dialogue, a recording a speaker.
pub(super) const AGENT_AUDIO: &[u8] = include_bytes!("../../../tests/audio/demo/agent.ulaw");
pub(super) const CUSTOMER_AUDIO: &[u8] = include_bytes!("../../../tests/audio/demo/customer.ulaw");
const SCRIPT: &str = include_str!("../../../tests/audio/demo/script.json");

/// Everything that the engine can make of a call, and two trackers of the demo's own.
const START_REQUEST: &str = include_str!("start_request.json");

/// What the start request puts in the place of personal data.
const REPLACEMENT: &str = "*****";

/// One line of the script.
#[derive(Debug, Deserialize)]
struct Line {
    who: String,
    end_ms: i64,
    text: String,
}

/// What one speaker says.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Said {
    pub(super) name: &'static str,
    /// With the personal data taken out, as the engine takes it out of what it hears.
    pub(super) text: String,
    /// Words that were taken out.
    pub(super) hidden_words: usize,
}

/// Returns the start request of the demo's legs.
pub(super) fn start_template() -> StartTemplate {
    #[expect(clippy::expect_used, reason = "a test below parses the same text")]
    StartTemplate::parse(START_REQUEST).expect("the demo's template is valid")
}

/// Returns what each speaker says, agent first.
///
/// The engine hides personal data before anything leaves it, so that whoever listens cannot tell how well those words
/// were heard. The script therefore goes through the same redaction: what is hidden in it is not counted at all, and
/// what is hidden in one of the two only counts as an error.
pub(super) fn said() -> [Said; 2] {
    let lines: Vec<Line> = serde_json::from_str(SCRIPT).unwrap_or_default();
    let mut redactor = Redactor::default();
    let mut speakers = ["Agent", "Customer"].map(|name| Said { name, ..Said::default() });
    for line in lines {
        let place = usize::from(line.who != "agent");
        let findings = redactor.finished(place as u64, line.end_ms, &line.text);
        let shown = redact(&line.text, &findings.hidden, REPLACEMENT);
        let speaker = &mut speakers[place];
        speaker.hidden_words +=
            normalised_words(&line.text).len().saturating_sub(normalised_words(&shown).len());
        speaker.text.push_str(&shown);
        speaker.text.push(' ');
    }
    speakers
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_demo_asks_for_everything_and_hides_what_its_script_hides() {
        start_template();
        let request: Value = serde_json::from_str(START_REQUEST).unwrap();
        let redaction = &request["config"]["redaction"];
        assert_eq!(redaction["redactContent"], true);
        assert_eq!(redaction["redactionString"], REPLACEMENT);
        assert_eq!(request["trackers"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_customers_telephone_number_is_not_in_the_script_that_words_are_counted_against() {
        let [agent, customer] = said();
        assert!(agent.text.contains("refund form") && agent.name == "Agent");
        assert!(customer.text.contains(REPLACEMENT), "{customer:?}");
        assert!(!customer.text.contains("five five"), "{customer:?}");
        assert!((7..=20).contains(&customer.hidden_words), "{customer:?}");
    }
}
