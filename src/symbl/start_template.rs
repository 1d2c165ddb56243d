//! The `start_request` of a leg, from a JSON template that operators edit (`symbl-protocol` 2.4.1).
//!
//! Everything a user of the older sample changed in code - insight types, trackers, vocabulary, sentiment,
//! redaction, confidence, language - is a field of the template. What a leg decides for itself is filled in
//! here: the type, the speaker, the audio format.

use serde_json::{Map, Value, json};

use super::Speaker;

/// The template that ships with the program; `config/start_request.json` in the repository.
pub const DEFAULT_TEMPLATE: &str = include_str!("../../config/start_request.json");

/// A checked template.
#[derive(Debug, Clone, PartialEq)]
pub struct StartTemplate {
    fields: Map<String, Value>,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// Not JSON.
    #[error("not valid json: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Not an object.
    #[error("must be a json object like the `start_request` of the Symbl Streaming API")]
    NotAnObject,
    /// A field of the wrong type.
    #[error("`{field}` must be {expected}")]
    Field {
        /// Path of the field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A field that each leg fills in.
    #[error("`{0}` is filled in for each caller; remove it from the template")]
    PerLeg(&'static str),
}

impl StartTemplate {
    /// Reads and checks a template.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let Value::Object(mut fields) = serde_json::from_str(text)? else {
            return Err(BadTemplate::NotAnObject);
        };
        if fields.contains_key("speaker") {
            return Err(BadTemplate::PerLeg("speaker"));
        }
        let config = fields.entry("config").or_insert_with(|| json!({}));
        let Value::Object(config) = config else {
            return Err(BadTemplate::Field { field: "config", expected: "an object" });
        };
        for name in ["speechRecognition", "encoding", "sampleRateHertz"] {
            // Twilio sends mu-law at 8000 Hz, whatever a template says.
            if config.contains_key(name) {
                return Err(BadTemplate::PerLeg("config.speechRecognition"));
            }
        }
        check(
            config.get("confidenceThreshold"),
            "config.confidenceThreshold",
            "a number from 0 to 1",
            |v| v.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n)),
        )?;
        check(config.get("languageCode"), "config.languageCode", "text such as \"en-US\"", Value::is_string)?;
        check(config.get("meetingTitle"), "config.meetingTitle", "text", Value::is_string)?;
        check(config.get("sentiment"), "config.sentiment", "true or false", Value::is_boolean)?;
        check(config.get("detectEntities"), "config.detectEntities", "true or false", Value::is_boolean)?;
        check(config.get("timezoneOffset"), "config.timezoneOffset", "whole minutes", Value::is_i64)?;
        check(config.get("redaction"), "config.redaction", "an object", Value::is_object)?;
        check(fields.get("insightTypes"), "insightTypes", "an array of names", |v| {
            v.as_array().is_some_and(|names| names.iter().all(Value::is_string))
        })?;
        check(fields.get("customVocabulary"), "customVocabulary", "an array of phrases", |v| {
            v.as_array().is_some_and(|phrases| phrases.iter().all(Value::is_string))
        })?;
        check(fields.get("trackers"), "trackers", "an array of {\"name\", \"vocabulary\"}", |v| {
            v.as_array().is_some_and(|trackers| trackers.iter().all(is_tracker))
        })?;
        Ok(Self { fields })
    }

    /// Returns the `start_request` of one leg as a text frame: mu-law, 8000 Hz, this speaker.
    pub fn render(&self, speaker: &Speaker) -> String {
        let mut request = self.fields.clone();
        request.insert("type".to_owned(), "start_request".into());
        request.insert("speaker".to_owned(), json!({ "userId": speaker.user_id, "name": speaker.name }));
        if let Some(Value::Object(config)) = request.get_mut("config") {
            config.insert(
                "speechRecognition".to_owned(),
                json!({ "encoding": "MULAW", "sampleRateHertz": 8000 }),
            );
        }
        Value::Object(request).to_string()
    }
}

/// A tracker names itself, and its phrases or the id of a stored one.
fn is_tracker(tracker: &Value) -> bool {
    let vocabulary = tracker.get("vocabulary").and_then(Value::as_array);
    let has_phrases = vocabulary.is_some_and(|phrases| phrases.iter().all(Value::is_string));
    tracker.get("id").is_some_and(Value::is_string)
        || tracker.get("name").is_some_and(Value::is_string) && has_phrases
}

fn check(
    value: Option<&Value>,
    field: &'static str,
    expected: &'static str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<(), BadTemplate> {
    match value {
        Some(value) if !is_right(value) => Err(BadTemplate::Field { field, expected }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_template_is_valid_and_renders_a_leg() {
        let template = StartTemplate::parse(DEFAULT_TEMPLATE).unwrap();
        let speaker = Speaker { user_id: "+12125550123".to_owned(), name: "Zoë \"Z\"".to_owned() };
        let request: Value = serde_json::from_str(&template.render(&speaker)).unwrap();
        assert_eq!(request["type"], "start_request");
        assert_eq!(request["speaker"], json!({ "userId": "+12125550123", "name": "Zoë \"Z\"" }));
        let format = json!({ "encoding": "MULAW", "sampleRateHertz": 8000 });
        assert_eq!(request["config"]["speechRecognition"], format);
        assert_eq!(request["insightTypes"], json!(["question", "action_item", "follow_up"]));
    }

    #[test]
    fn a_wrong_template_names_the_field() {
        for (text, reason) in [
            ("{", "not valid json"),
            ("[]", "must be a json object"),
            (r#"{"speaker":{}}"#, "`speaker` is filled in"),
            (r#"{"config":{"encoding":"OPUS"}}"#, "`config.speechRecognition` is filled in"),
            (r#"{"config":{"confidenceThreshold":7}}"#, "from 0 to 1"),
            (r#"{"insightTypes":"question"}"#, "`insightTypes` must be an array"),
            (r#"{"trackers":[{"name":"Refund"}]}"#, "`trackers` must be"),
        ] {
            let error = StartTemplate::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
