//! What the Management API takes for a tracker, and what it says to the rest (`symbl-protocol` 4.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::request::{full_text, object, required};
use crate::engine::store::view::TrackerRecord;

/// Phrases of one tracker: each is compared with every sentence.
const MOST_PHRASES: usize = 1000;
/// Characters of a phrase or name. A phrase is something one can say in a breath.
const LONGEST_TEXT: usize = 256;
/// Characters of a description.
const LONGEST_DESCRIPTION: usize = 4096;

/// The fields that a step of a change may name.
const PATHS: &str =
    "/name, /description, /categories, /languages, /vocabulary, /excludeVocabulary, /threshold, /strict";

/// Returns the tracker that a body describes, without id and times.
pub fn new_tracker(body: &Value) -> Result<TrackerRecord, Refusal> {
    let body = object(body)?;
    let mut tracker = TrackerRecord { languages: vec!["en".to_owned()], ..TrackerRecord::default() };
    replace(&mut tracker, body)?;
    Ok(tracker)
}

/// Puts what a body says in place of what a tracker had; what it does not mention stays.
pub fn replace(tracker: &mut TrackerRecord, body: &Map<String, Value>) -> Result<(), Refusal> {
    required(body, "name")?;
    required(body, "vocabulary")?;
    for name in [
        "name",
        "vocabulary",
        "description",
        "categories",
        "languages",
        "excludeVocabulary",
        "threshold",
        "strict",
    ] {
        match body.get(name) {
            None => {}
            Some(Value::Null) if name != "name" && name != "vocabulary" => {}
            Some(value) => set(tracker, name, value)?,
        }
    }
    Ok(())
}

/// Applies the steps of a change, all or none.
pub fn patch(tracker: &mut TrackerRecord, body: &Value) -> Result<(), Refusal> {
    let steps = match body {
        Value::Array(steps) => steps.as_slice(),
        one => std::slice::from_ref(one),
    };
    for step in steps {
        let step = object(step)?;
        let path = full_text(required(step, "path")?, "path")?;
        let name = path.strip_prefix('/').unwrap_or(path).trim_end_matches("/-");
        let value = step.get("value").filter(|value| !value.is_null());
        match full_text(required(step, "op")?, "op")? {
            "replace" => set(tracker, name, value.ok_or_else(no_value)?)?,
            "add" => add(tracker, name, value.ok_or_else(no_value)?)?,
            "remove" => remove(tracker, name, value)?,
            _ => return Err(Refusal::bad_request("\"op\" must be one of [add, replace, remove]")),
        }
    }
    Ok(())
}

fn no_value() -> Refusal {
    Refusal::bad_request("\"value\" is required")
}

fn set(tracker: &mut TrackerRecord, name: &str, value: &Value) -> Result<(), Refusal> {
    match name {
        "name" => tracker.name = short(full_text(value, name)?, name, LONGEST_TEXT)?,
        "description" => {
            let text = value.as_str().ok_or_else(|| must_be(name, "a string"))?;
            tracker.description = short(text, name, LONGEST_DESCRIPTION)?;
        }
        "threshold" => {
            let threshold = value.as_f64().ok_or_else(|| must_be(name, "a number"))?;
            if !(0.0..=1.0).contains(&threshold) {
                return Err(must_be(name, "between 0 and 1"));
            }
            tracker.threshold = Some(threshold);
        }
        "strict" => tracker.strict = Some(value.as_bool().ok_or_else(|| must_be(name, "a boolean"))?),
        _ => *list(tracker, name)? = texts(value, name)?,
    }
    Ok(())
}

fn add(tracker: &mut TrackerRecord, name: &str, value: &Value) -> Result<(), Refusal> {
    let Ok(list) = list(tracker, name) else { return set(tracker, name, value) };
    let mut all = list.clone();
    for text in texts(value, name)? {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    if all.len() > MOST_PHRASES {
        return Err(too_many(name));
    }
    *list = all;
    Ok(())
}

fn remove(tracker: &mut TrackerRecord, name: &str, value: Option<&Value>) -> Result<(), Refusal> {
    match name {
        "name" => return Err(Refusal::bad_request("\"name\" is not allowed to be empty")),
        "description" => tracker.description.clear(),
        "threshold" => tracker.threshold = None,
        "strict" => tracker.strict = None,
        _ => {
            let list = list(tracker, name)?;
            let gone = value.map(|value| strings(value, name)).transpose()?;
            let rest: Vec<String> = match gone {
                Some(gone) => list.iter().filter(|text| !gone.contains(text)).cloned().collect(),
                None => Vec::new(),
            };
            if rest.is_empty() && name == "vocabulary" {
                return Err(too_few(name));
            }
            *list = rest;
        }
    }
    Ok(())
}

fn list<'a>(tracker: &'a mut TrackerRecord, name: &str) -> Result<&'a mut Vec<String>, Refusal> {
    match name {
        "categories" => Ok(&mut tracker.categories),
        "languages" => Ok(&mut tracker.languages),
        "vocabulary" => Ok(&mut tracker.vocabulary),
        "excludeVocabulary" => Ok(&mut tracker.exclude_vocabulary),
        _ => Err(Refusal::bad_request(format!("\"path\" must be one of [{PATHS}]"))),
    }
}

/// Returns a list of texts that a tracker may have; of a phrase only the words count, so it is trimmed.
fn texts(value: &Value, name: &str) -> Result<Vec<String>, Refusal> {
    let texts = strings(value, name)?;
    let is_phrases = name == "vocabulary" || name == "excludeVocabulary";
    if name == "vocabulary" && texts.is_empty() {
        return Err(too_few(name));
    }
    if texts.len() > MOST_PHRASES {
        return Err(too_many(name));
    }
    let mut seen = HashSet::new();
    for (place, text) in texts.iter().enumerate() {
        let place = format!("{name}[{place}]");
        if text.is_empty() {
            return Err(Refusal::bad_request(format!("\"{place}\" is not allowed to be empty")));
        }
        if text.chars().count() > LONGEST_TEXT {
            return Err(too_long(&place, LONGEST_TEXT));
        }
        if is_phrases && !text.chars().all(may_be_in_a_phrase) {
            let text = format!("\"{place}\" may hold letters, digits, spaces and the characters . ' - only");
            return Err(Refusal::bad_request(text));
        }
        if !seen.insert(text) {
            return Err(Refusal::bad_request(format!("\"{place}\" contains a duplicate value")));
        }
    }
    Ok(texts)
}

/// Returns the texts of a list, or one text as a list: Go sends it so.
fn strings(value: &Value, name: &str) -> Result<Vec<String>, Refusal> {
    let texts = match value {
        Value::Array(texts) => texts.as_slice(),
        Value::String(_) => std::slice::from_ref(value),
        _ => return Err(must_be(name, "an array")),
    };
    let text = |(place, text): (usize, &Value)| match text.as_str() {
        Some(text) => Ok(text.trim().to_owned()),
        None => Err(must_be(&format!("{name}[{place}]"), "a string")),
    };
    texts.iter().enumerate().map(text).collect()
}

fn may_be_in_a_phrase(letter: char) -> bool {
    let is_mark = || !letter.is_ascii() && is_combining(letter);
    letter.is_alphanumeric() || matches!(letter, ' ' | '.' | '\'' | '-' | '\u{2019}') || is_mark()
}

/// Whether it belongs to the letter before it, as vowel signs of Hindi do.
fn is_combining(letter: char) -> bool {
    use unicode_general_category::{GeneralCategory, get_general_category};
    matches!(
        get_general_category(letter),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    )
}

fn short(text: &str, name: &str, most: usize) -> Result<String, Refusal> {
    if text.chars().count() > most {
        return Err(too_long(name, most));
    }
    Ok(text.to_owned())
}

fn must_be(name: &str, what: &str) -> Refusal {
    Refusal::bad_request(format!("\"{name}\" must be {what}"))
}

fn too_long(name: &str, most: usize) -> Refusal {
    Refusal::bad_request(format!("\"{name}\" length must be less than or equal to {most} characters long"))
}

fn too_few(name: &str) -> Refusal {
    Refusal::bad_request(format!("\"{name}\" must contain at least 1 items"))
}

fn too_many(name: &str) -> Refusal {
    Refusal::bad_request(format!("\"{name}\" must contain less than or equal to {MOST_PHRASES} items"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complaint(result: Result<impl std::fmt::Debug, Refusal>) -> String {
        format!("{:?}", result.unwrap_err())
    }

    #[test]
    fn what_is_wrong_with_a_tracker_is_named() {
        for (body, expected) in [
            (json!([]), "must be a JSON object"),
            (json!({}), "\"name\" is required"),
            (json!({"name": 7, "vocabulary": ["a"]}), "\"name\" must be a string"),
            (json!({"name": " ", "vocabulary": ["a"]}), "\"name\" is not allowed to be empty"),
            (json!({"name": "n"}), "\"vocabulary\" is required"),
            (json!({"name": "n", "vocabulary": []}), "\"vocabulary\" must contain at least 1 items"),
            (json!({"name": "n", "vocabulary": {}}), "\"vocabulary\" must be an array"),
            (json!({"name": "n", "vocabulary": ["a", 1]}), "\"vocabulary[1]\" must be a string"),
            (json!({"name": "n", "vocabulary": ["a", " "]}), "\"vocabulary[1]\" is not allowed to be empty"),
            (json!({"name": "n", "vocabulary": ["a", "a "]}), "\"vocabulary[1]\" contains a duplicate value"),
            (json!({"name": "n", "vocabulary": ["what?"]}), "\"vocabulary[0]\" may hold letters"),
            (json!({"name": "n", "vocabulary": ["a"], "threshold": 1.5}), "between 0 and 1"),
            (json!({"name": "n", "vocabulary": ["a"], "strict": "no"}), "\"strict\" must be a boolean"),
        ] {
            let said = complaint(new_tracker(&body)).replace('\\', "");
            assert!(said.contains(expected), "{body}: {said}");
        }
        let body =
            json!({"name": "N", "vocabulary": ["I don't care - e.g. naïve नमस्ते"], "strict": true, "id": 7});
        let tracker = new_tracker(&body).unwrap();
        assert_eq!((tracker.strict, tracker.languages.len()), (Some(true), 1));
    }

    #[test]
    fn steps_of_a_change_take_lists_and_texts() {
        let mut tracker = new_tracker(&json!({"name": "n", "vocabulary": ["a", "b"]})).unwrap();
        let steps = json!([
            {"op": "replace", "path": "/name", "value": "m"},
            {"op": "add", "path": "/vocabulary", "value": ["b", "c"]},
            {"op": "add", "path": "/vocabulary/-", "value": "d"},
            {"op": "remove", "path": "/vocabulary", "value": "a"},
            {"op": "remove", "path": "/languages"},
            {"op": "add", "path": "/threshold", "value": 0.7},
        ]);
        patch(&mut tracker, &steps).unwrap();
        assert_eq!((tracker.name.as_str(), tracker.threshold), ("m", Some(0.7)));
        assert_eq!(tracker.vocabulary, ["b", "c", "d"]);
        assert!(tracker.languages.is_empty());
        for (step, expected) in [
            (json!({"op": "move", "path": "/name", "value": "x"}), "\"op\" must be one of"),
            (json!({"op": "add", "path": "/id", "value": "x"}), "\"path\" must be one of"),
            (json!({"op": "add", "path": "/name"}), "\"value\" is required"),
            (json!({"op": "remove", "path": "/vocabulary"}), "at least 1 items"),
            (json!(7), "must be a JSON object"),
        ] {
            let said = complaint(patch(&mut tracker, &json!([step]))).replace('\\', "");
            assert!(said.contains(expected), "{step}: {said}");
        }
    }
}
