//! Reads a transcript out of a request's body. Complaints are worded as the hosted service worded them
//! (`symbl-protocol` 5.1): the quoted key, then what is wrong. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::transcript::{Line, Transcript};
use crate::symbl::Speaker;
use crate::symbl::client_message::{InsightType, Redaction, StartRequest, TrackerWish};

/// Trackers of one transcript.
const MOST_TRACKERS: usize = 500;
/// Phrases of one tracker.
const MOST_PHRASES: usize = 1000;
/// Characters that replace personal data.
const LONGEST_REPLACEMENT: usize = 16;
/// Longest name of a conversation, in characters.
const LONGEST_NAME: usize = 512;

/// Returns what is to be imported, or what is wrong with the body.
pub fn read(body: &[u8], now_ms: i64) -> Result<Transcript, String> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| "The request body must be valid JSON".to_owned())?;
    let Some(fields) = body.as_object() else {
        return Err("The request body must be a JSON object".to_owned());
    };
    let body = Fields { fields, path: String::new() };
    if body.value("webhookUrl").is_some() {
        return Err("\"webhookUrl\" is not supported by this server: ask /v1/job/{jobId} instead".to_owned());
    }
    let messages = body.list("messages")?.ok_or_else(|| body.complaint("messages", "is required"))?;
    if messages.is_empty() {
        return Err(body.complaint("messages", "must contain at least 1 items"));
    }
    let lines = messages.iter().map(line).collect::<Result<Vec<Line>, String>>()?;
    let wish = wish(&body)?;
    let metadata = body.object("metadata")?.map(|metadata| metadata.fields.clone());
    Ok(Transcript::new(wish, metadata, lines, now_ms))
}

fn wish(body: &Fields<'_>) -> Result<StartRequest, String> {
    let name = body.text("name")?;
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(body.complaint("name", "must be at most 512 characters long"));
    }
    body.text("conversationType")?;
    Ok(StartRequest {
        insight_types: vec![InsightType::Question, InsightType::ActionItem, InsightType::FollowUp],
        meeting_title: name.filter(|name| !name.trim().is_empty()),
        confidence_threshold: confidence_threshold(body)?,
        detect_entities: body.flag("detectEntities")?.unwrap_or(false),
        redaction: redaction(body)?,
        trackers: trackers(body)?,
        enable_all_trackers: body.flag("enableAllTrackers")?.unwrap_or(false),
        ..StartRequest::default()
    })
}

fn confidence_threshold(body: &Fields<'_>) -> Result<f64, String> {
    let Some(value) = body.value("confidenceThreshold") else {
        return Ok(StartRequest::default().confidence_threshold);
    };
    let number = value.as_f64().ok_or_else(|| body.complaint("confidenceThreshold", "must be a number"))?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(body.complaint("confidenceThreshold", "must be between 0 and 1"))
    }
}

fn redaction(body: &Fields<'_>) -> Result<Redaction, String> {
    let none = StartRequest::default().redaction;
    let Some(redaction) = body.object("redaction")? else {
        return Ok(none);
    };
    let replacement = redaction.text("redactionString")?.unwrap_or(none.replacement);
    if replacement.chars().count() > LONGEST_REPLACEMENT {
        return Err(redaction.complaint("redactionString", "must be at most 16 characters long"));
    }
    Ok(Redaction {
        identify: redaction.flag("identifyContent")?.unwrap_or(false),
        redact: redaction.flag("redactContent")?.unwrap_or(false),
        replacement,
    })
}

fn trackers(body: &Fields<'_>) -> Result<Vec<TrackerWish>, String> {
    let trackers = body.list("trackers")?.unwrap_or_default();
    if trackers.len() > MOST_TRACKERS {
        return Err(body.complaint("trackers", "must contain at most 500 items"));
    }
    trackers.iter().map(tracker).collect()
}

fn tracker(tracker: &Item<'_>) -> Result<TrackerWish, String> {
    let tracker = tracker.object()?;
    let (id, name) = (tracker.text("id")?, tracker.text("name")?);
    if id.is_none() && name.is_none() {
        return Err(tracker.complaint("name", "is required"));
    }
    let phrases = tracker.list("vocabulary")?.unwrap_or_default();
    if phrases.len() > MOST_PHRASES {
        return Err(tracker.complaint("vocabulary", "must contain at most 1000 items"));
    }
    let phrases = phrases.iter().map(|phrase| match phrase.value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(format!("\"{}\" must be a string that is not empty", phrase.path)),
    });
    Ok(TrackerWish { id, name, vocabulary: phrases.collect::<Result<_, _>>()? })
}

fn line(message: &Item<'_>) -> Result<Line, String> {
    let message = message.object()?;
    let payload = message.object("payload")?.ok_or_else(|| message.complaint("payload", "is required"))?;
    let text = payload.text("content")?.ok_or_else(|| payload.complaint("content", "is required"))?;
    if text.trim().is_empty() {
        return Err(payload.complaint("content", "is not allowed to be empty"));
    }
    if payload.text("contentType")?.is_some_and(|kind| kind != "text/plain") {
        return Err(payload.complaint("contentType", "must be one of [text/plain]"));
    }
    let (start_ms, end_ms) = match message.object("duration")? {
        Some(duration) => {
            let (start_ms, end_ms) = (duration.time("startTime")?, duration.time("endTime")?);
            if start_ms.zip(end_ms).is_some_and(|(start_ms, end_ms)| end_ms < start_ms) {
                return Err(duration.complaint("endTime", "must not be before \"startTime\""));
            }
            (start_ms, end_ms)
        }
        None => (None, None),
    };
    let speaker = match message.object("from")? {
        Some(from) => {
            let user_id = match from.text("userId")? {
                Some(user_id) => Some(user_id),
                None => from.text("email")?,
            };
            Speaker { user_id: user_id.unwrap_or_default(), name: from.text("name")?.unwrap_or_default() }
        }
        None => Speaker::default(),
    };
    let speaker = Some(speaker).filter(|speaker| !speaker.user_id.is_empty() || !speaker.name.is_empty());
    Ok(Line { speaker, text, start_ms, end_ms })
}

/// An object with the place where it stands.
struct Fields<'a> {
    fields: &'a Map<String, Value>,
    /// For instance `messages[0].payload`.
    path: String,
}

/// An item of a list with the place where it stands.
struct Item<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Item<'a> {
    fn object(&self) -> Result<Fields<'a>, String> {
        let fields = self.value.as_object();
        let fields = fields.ok_or_else(|| format!("\"{}\" must be of type object", self.path))?;
        Ok(Fields { fields, path: self.path.clone() })
    }
}

impl<'a> Fields<'a> {
    fn complaint(&self, name: &str, fault: &str) -> String {
        format!("\"{}\" {fault}", self.at(name))
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Null is the same as nothing.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.complaint(name, "must be a string")),
        }
    }

    /// Published examples write `"true"` with quotes.
    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
            Some(_) => Err(self.complaint(name, "must be a boolean")),
        }
    }

    fn object(&self, name: &str) -> Result<Option<Fields<'a>>, String> {
        self.value(name).map(|value| Item { value, path: self.at(name) }.object()).transpose()
    }

    fn list(&self, name: &str) -> Result<Option<Vec<Item<'a>>>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                let path = self.at(name);
                let item = |(place, value)| Item { value, path: format!("{path}[{place}]") };
                Ok(Some(items.iter().enumerate().map(item).collect()))
            }
            Some(_) => Err(self.complaint(name, "must be an array")),
        }
    }

    fn time(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = text.parse::<Timestamp>();
        let time = time.map_err(|_| self.complaint(name, "must be a valid ISO 8601 date"))?;
        Ok(Some(time.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (body, expected) in [
            ("", "The request body must be valid JSON"),
            ("[]", "The request body must be a JSON object"),
            ("{}", r#""messages" is required"#),
            (r#"{"messages":null}"#, r#""messages" is required"#),
            (r#"{"messages":{}}"#, r#""messages" must be an array"#),
            (r#"{"messages":[]}"#, r#""messages" must contain at least 1 items"#),
            (r#"{"messages":["x"]}"#, r#""messages[0]" must be of type object"#),
            (r#"{"messages":[{}]}"#, r#""messages[0].payload" is required"#),
            (r#"{"messages":[{"payload":{}}]}"#, r#""messages[0].payload.content" is required"#),
            (
                r#"{"messages":[{"payload":{"content":" "}}]}"#,
                r#""messages[0].payload.content" is not allowed to be empty"#,
            ),
            (
                r#"{"messages":[{"payload":{"content":7}}]}"#,
                r#""messages[0].payload.content" must be a string"#,
            ),
            (
                r#"{"messages":[{"payload":{"content":"x","contentType":"text/html"}}]}"#,
                r#""messages[0].payload.contentType" must be one of [text/plain]"#,
            ),
            (
                r#"{"messages":[{"payload":{"content":"x"},"duration":{"startTime":"noon"}}]}"#,
                r#""messages[0].duration.startTime" must be a valid ISO 8601 date"#,
            ),
            (
                r#"{"messages":[{"payload":{"content":"x"},"duration":{"startTime":"2026-01-01T00:00:01Z","endTime":"2026-01-01T00:00:00Z"}}]}"#,
                r#""messages[0].duration.endTime" must not be before "startTime""#,
            ),
            (
                r#"{"confidenceThreshold":2,"messages":[{"payload":{"content":"x"}}]}"#,
                r#""confidenceThreshold" must be between 0 and 1"#,
            ),
            (
                r#"{"trackers":[{"vocabulary":["x"]}],"messages":[{"payload":{"content":"x"}}]}"#,
                r#""trackers[0].name" is required"#,
            ),
            (
                r#"{"redaction":{"redactContent":3},"messages":[{"payload":{"content":"x"}}]}"#,
                r#""redaction.redactContent" must be a boolean"#,
            ),
            (
                r#"{"webhookUrl":"https://x.io","messages":[{"payload":{"content":"x"}}]}"#,
                r#""webhookUrl" is not supported by this server: ask /v1/job/{jobId} instead"#,
            ),
        ] {
            assert_eq!(read(body.as_bytes(), 0).unwrap_err(), expected, "{body}");
        }
    }

    #[test]
    fn the_published_example_is_understood() {
        let body = br#"{"name":"Business Meeting","detectPhrases":"true","confidenceThreshold":0.6,
            "entities":[{"customType":"Hiring","text":"internships"}],"enableAllTrackers":true,
            "messages":[{"duration":{"startTime":"2020-07-21T16:04:19.99Z","endTime":"2020-07-21T16:04:20.99Z"},
            "payload":{"content":"Hello there.","contentType":"text/plain"},
            "from":{"name":"John","userId":"john@example.com"}}]}"#;
        let transcript = read(body, 0).unwrap();
        assert_eq!(transcript.wish.meeting_title.as_deref(), Some("Business Meeting"));
        assert!(transcript.wish.enable_all_trackers);
        assert_eq!(transcript.wish.confidence_threshold, 0.6);
        let utterance = &transcript.utterances[0];
        assert_eq!(utterance.end_ms - utterance.start_ms, 1000);
        assert_eq!(utterance.speaker.as_ref().unwrap().user_id, "john@example.com");
    }
}
