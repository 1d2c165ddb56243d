//! What a REST request says: ids of its path, parameters of its query, its JSON body. Complaints are worded as the
//! hosted service worded them (5.1): the quoted key, then what is wrong.

use std::collections::HashMap;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, web};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer::Refusal;
use crate::engine::http::BODY_LIMIT;

/// Returns a part of the path, decoded.
pub fn path_part(request: &HttpRequest, name: &str) -> String {
    let part = request.match_info().get(name).unwrap_or_default();
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// Returns the conversation's id of the path.
pub fn conversation_id(request: &HttpRequest) -> String {
    path_part(request, "conversationId")
}

/// The query. Unknown parameters are ignored; of a repeated one the last counts.
#[derive(Debug)]
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Returns the parameters of a request.
    pub fn of(request: &HttpRequest) -> Self {
        Self(form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
    }

    /// Returns a text; an empty one is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Returns whether a switch is on; what is not `true` is off.
    pub fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
    }

    /// Returns a whole number up to `most`.
    pub fn number(&self, name: &str, default: u32, most: u32) -> Result<u32, Refusal> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let number: i64 =
            text.parse().map_err(|_| Refusal::bad_request(format!("\"{name}\" must be a number")))?;
        match u32::try_from(number) {
            Ok(number) if number <= most => Ok(number),
            Ok(_) => Err(Refusal::bad_request(format!("\"{name}\" must be less than or equal to {most}"))),
            Err(_) if number > 0 => {
                Err(Refusal::bad_request(format!("\"{name}\" must be less than or equal to {most}")))
            }
            Err(_) => Err(Refusal::bad_request(format!("\"{name}\" must be greater than or equal to 0"))),
        }
    }

    /// Returns a time in milliseconds of Unix time.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // An offset's `+` that was not encoded arrives as a space.
        let time = text.replace(' ', "+").parse::<jiff::Timestamp>();
        let time =
            time.map_err(|_| Refusal::bad_request(format!("\"{name}\" must be a valid ISO 8601 date")))?;
        Ok(Some(time.as_millisecond()))
    }
}

/// Returns the body, whatever it holds.
pub async fn bytes(payload: web::Payload) -> Result<Bytes, Refusal> {
    match payload.to_bytes_limited(BODY_LIMIT).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Refusal::bad_request("The request body could not be read")),
        Err(_) => Err(Refusal::too_large()),
    }
}

/// Returns the JSON body.
pub async fn body(payload: web::Payload) -> Result<Value, Refusal> {
    let bytes = bytes(payload).await?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::bad_request("The request body must be valid JSON"))
}

/// Returns an object.
pub fn object(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::bad_request("The request body must be a JSON object"))
}

/// Returns a value that must be there.
pub fn required<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Refusal> {
    object.get(name).ok_or_else(|| Refusal::bad_request(format!("\"{name}\" is required")))
}

/// Returns a value as a text that says something.
pub fn full_text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    match value.as_str() {
        None => Err(Refusal::bad_request(format!("\"{name}\" must be a string"))),
        Some(text) if text.trim().is_empty() => {
            Err(Refusal::bad_request(format!("\"{name}\" is not allowed to be empty")))
        }
        Some(text) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str) -> Parameters {
        Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    #[test]
    fn numbers_and_times_are_read_or_named_in_a_complaint() {
        for (query, expected) in [
            ("", Ok(20)),
            ("limit=", Ok(20)),
            ("limit=0", Ok(0)),
            ("limit=65536", Ok(65_536)),
            ("limit=65537", Err("\"limit\" must be less than or equal to 65536")),
            ("limit=99999999999", Err("\"limit\" must be less than or equal to 65536")),
            ("limit=-1", Err("\"limit\" must be greater than or equal to 0")),
            ("limit=x", Err("\"limit\" must be a number")),
        ] {
            let number = parameters(query).number("limit", 20, 65_536);
            assert_eq!(number.map_err(|refusal| format!("{refusal:?}")).ok(), expected.ok(), "{query}");
        }
        for (text, expected) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T01:00:01.5%2B01:00", Some(1500)),
            ("1970-01-01T01:00:01+01:00", Some(1000)),
        ] {
            assert_eq!(parameters(&format!("at={text}")).time("at").unwrap(), expected, "{text}");
        }
        assert!(parameters("at=yesterday").time("at").is_err());
    }
}
