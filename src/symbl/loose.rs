//! Reading JSON from clients that mean well: `null` and `{}` are absence, numbers and flags may be text.

use std::time::Duration;

use serde_json::{Map, Value};

/// A JSON object, or the absence of one; every field of an absent object is absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a>(Option<&'a Map<String, Value>>);

impl<'a> Object<'a> {
    pub(super) fn of(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    /// Returns the field unless it is missing or `null`.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn object(self, name: &str) -> Object<'a> {
        Self::of(self.value(name))
    }

    /// Returns the objects of an array; a lone object counts as an array of one.
    pub(super) fn objects(self, name: &str) -> impl Iterator<Item = Object<'a>> {
        let items = match self.value(name) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(lone) => std::slice::from_ref(lone),
            None => &[],
        };
        items.iter().map(|item| Self::of(Some(item)))
    }

    /// Returns text that is not empty; a number is taken as its digits.
    pub(super) fn text(self, name: &str) -> Option<String> {
        text(self.value(name)?)
    }

    /// Returns the texts of an array; a lone text counts as an array of one.
    pub(super) fn texts(self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
            Some(lone) => text(lone).into_iter().collect(),
            None => Vec::new(),
        }
    }

    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    pub(super) fn number(self, name: &str) -> Option<f64> {
        number(self.value(name)?)
    }

    pub(super) fn whole_number(self, name: &str) -> Option<i64> {
        // Saturates, which is what a clamp behind it wants.
        self.number(name).map(|number| number.round() as i64)
    }

    /// Returns a duration in whole seconds; negative is none at all.
    pub(super) fn seconds(self, name: &str) -> Option<Duration> {
        self.whole_number(name).map(|seconds| Duration::from_secs(seconds.max(0).unsigned_abs()))
    }
}

/// Returns a finite number, also from its text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Returns the first `longest` characters of a text that somebody else wrote.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
