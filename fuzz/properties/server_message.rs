//! What servers of the Symbl protocol send: a message that is understood is understood again when it is written anew,
//! and the envelope it came in does not matter.

use serde_json::{Value, json};
use symbl_bridge::symbl::server_message::{BadServerMessage, ErrorEnvelope, ServerMessage};

/// Checks one text message.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let message = match ServerMessage::parse(text) {
        Ok(message) => message,
        Err(fault) => return refused(text, &fault),
    };
    if let ServerMessage::Unknown(kind) = &message {
        return assert!(kind.len() <= text.len());
    }
    let written = message.to_json();
    assert!(written.len() <= 4096 + 64 * text.len(), "{} bytes became {}", text.len(), written.len());
    alike(&ServerMessage::parse(&written).expect("our own writing"), &message);
    if let ServerMessage::Error(error) = &message {
        for envelope in [ErrorEnvelope::Wrapped, ErrorEnvelope::Flat] {
            assert_eq!(ServerMessage::parse(&error.to_json(envelope)).expect("our own writing"), message);
        }
    }
    other_envelope(text, &message);
}

fn refused(text: &str, fault: &BadServerMessage) {
    let json = serde_json::from_str::<Value>(text);
    match fault {
        BadServerMessage::NotJson(_) => assert!(json.is_err()),
        BadServerMessage::NoType | BadServerMessage::Malformed { .. } => assert!(json.is_ok()),
    }
}

/// A flat message in a wrapping envelope is the same message.
fn other_envelope(text: &str, message: &ServerMessage) {
    let inner: Value = serde_json::from_str(text).expect("it was parsed");
    if inner["type"] == "message" {
        return;
    }
    let wrapped = json!({ "type": "message", "message": inner }).to_string();
    alike(&ServerMessage::parse(&wrapped).expect("the other envelope"), message);
}

/// Fractions are read to the last digit but one: serde_json is quick, not exact, unless told otherwise.
fn alike(one: &ServerMessage, other: &ServerMessage) {
    let value =
        |message: &ServerMessage| -> Value { serde_json::from_str(&message.to_json()).expect("JSON") };
    assert!(same(&value(one), &value(other)), "{one:?} is not {other:?}");
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(0.0));
            (one - other).abs() <= one.abs() * 1e-12
        }
        // An error's details may be an object, kept as its text.
        (Value::String(one), Value::String(other)) if one != other => {
            let read = |text: &str| serde_json::from_str::<Value>(text);
            matches!((read(one), read(other)), (Ok(one), Ok(other)) if same(&one, &other))
        }
        _ => one == other,
    }
}
