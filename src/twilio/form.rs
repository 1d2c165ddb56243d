//! Form bodies as an ordered list of pairs: a map would lose the repeats that take part in the signature.

use percent_encoding::percent_decode;
use url::form_urlencoded::byte_serialize;

use super::sid::BadSid;

/// Most pairs taken; Twilio sends about thirty.
const MOST_FIELDS: usize = 1000;

/// A form cannot be used. The text names the field and says nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    /// More fields than anybody sends in earnest.
    #[error("more than {MOST_FIELDS} form fields")]
    TooManyFields,
    /// A field that everything hangs on is absent or empty.
    #[error("form field {0} is missing")]
    Missing(&'static str),
    /// An identifier that cannot be one.
    #[error("form field {field}: {cause}")]
    Sid {
        /// The field's name.
        field: &'static str,
        /// The fault.
        #[source]
        cause: BadSid,
    },
}

/// A decoded form, fields in the order of the body.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(Text, Text)>,
}

/// Decoded text; what is not UTF-8 keeps its bytes for the signature.
#[derive(Clone, PartialEq, Eq)]
struct Text {
    shown: String,
    raw: Option<Vec<u8>>,
}

impl Form {
    /// Returns the form in an `application/x-www-form-urlencoded` body.
    ///
    /// `+` is a space. A broken percent sign stands for itself, a field without `=` has an empty value.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let mut fields = Vec::new();
        for piece in body.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(BadForm::TooManyFields);
            }
            let mut halves = piece.splitn(2, |byte| *byte == b'=');
            let name = Text::decode(halves.next().unwrap_or_default());
            fields.push((name, Text::decode(halves.next().unwrap_or_default())));
        }
        Ok(Self { fields })
    }

    /// Returns a form of these pairs.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let text = |shown: String| Text { shown, raw: None };
        Self {
            fields: pairs.into_iter().map(|(name, value)| (text(name.into()), text(value.into()))).collect(),
        }
    }

    /// Returns the body of this form, `+` in a value as `%2B` and a space as `+`, as Twilio writes it.
    pub fn encode(&self) -> String {
        let mut body = String::new();
        for (name, value) in self.byte_pairs() {
            if !body.is_empty() {
                body.push('&');
            }
            body.extend(byte_serialize(name));
            body.push('=');
            body.extend(byte_serialize(value));
        }
        body
    }

    /// Returns the first value of a field, as it came.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.shown == name).map(|(_, value)| value.shown.as_str())
    }

    /// Returns the first value of a field without white space around it, and `None` if nothing is left.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Returns names and values as bytes, in the order of the body: what is signed.
    pub fn byte_pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (name.bytes(), value.bytes()))
    }

    /// Returns how many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Tells whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Shows names only: values hold phone numbers.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form")?;
        f.debug_list().entries(self.fields.iter().map(|(name, _)| &name.shown)).finish()
    }
}

impl Text {
    fn decode(encoded: &[u8]) -> Self {
        let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        match String::from_utf8(percent_decode(&spaced).collect()) {
            Ok(shown) => Self { shown, raw: None },
            Err(fault) => Self {
                shown: String::from_utf8_lossy(fault.as_bytes()).into_owned(),
                raw: Some(fault.into_bytes()),
            },
        }
    }

    fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.shown.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_order_repeats_blanks_and_white_space() {
        let form = Form::parse(b"&Tag=b&Tag=a&&Empty=&Bare&Pad=++x++&a%3Db=c=d&Note=1%0D%0A2&").unwrap();
        let pairs: Vec<_> = form.byte_pairs().collect();
        let expected: [(&[u8], &[u8]); 7] = [
            (b"Tag", b"b"),
            (b"Tag", b"a"),
            (b"Empty", b""),
            (b"Bare", b""),
            (b"Pad", b"  x  "),
            (b"a=b", b"c=d"),
            (b"Note", b"1\r\n2"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!((form.get("Tag"), form.get("tag"), form.get("Empty")), (Some("b"), None, Some("")));
        assert_eq!(
            (form.get("Pad"), form.filled("Pad"), form.filled("Empty")),
            (Some("  x  "), Some("x"), None)
        );
        assert_eq!((form.len(), form.is_empty()), (7, false));
    }

    #[test]
    fn what_is_not_utf8_keeps_its_bytes_and_is_shown_replaced() {
        let form = Form::parse(b"Name=caf%E9&Odd=%zz%4&Plain=%C3%A9").unwrap();
        assert_eq!(form.get("Name"), Some("caf\u{fffd}"));
        assert_eq!(form.byte_pairs().next(), Some((&b"Name"[..], &b"caf\xE9"[..])));
        assert_eq!((form.get("Odd"), form.get("Plain")), (Some("%zz%4"), Some("é")));
        assert_eq!(form.encode(), "Name=caf%E9&Odd=%25zz%254&Plain=%C3%A9");
    }

    #[test]
    fn bodies_are_encoded_as_twilio_does() {
        let form = Form::from_pairs([
            ("To", "+14155550100"),
            ("Timestamp", "Tue, 03 Mar 2026 10:15:42 +0000"),
            ("FriendlyName", "room 7 (north)"),
            ("ToZip", ""),
        ]);
        let body = form.encode();
        assert_eq!(
            body,
            "To=%2B14155550100&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A42+%2B0000&FriendlyName=room+7+%28north%29&ToZip="
        );
        assert_eq!(Form::parse(body.as_bytes()).unwrap(), form);
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        let body = |count| vec!["a=1"; count].join("&").into_bytes();
        assert_eq!(Form::parse(&body(MOST_FIELDS)).unwrap().len(), MOST_FIELDS);
        assert_eq!(Form::parse(&body(MOST_FIELDS + 1)), Err(BadForm::TooManyFields));
    }

    #[test]
    fn debug_shows_names_only() {
        let form = Form::from_pairs([("From", "+12125550123")]);
        assert_eq!(format!("{form:?}"), r#"Form["From"]"#);
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_safe_and_what_is_encoded_comes_back(body: Vec<u8>) {
            if let Ok(form) = Form::parse(&body) {
                assert_eq!(Form::parse(form.encode().as_bytes()).unwrap(), form);
            }
        }
    }
}
