//! Twilio's identifiers: opaque strings, compared byte for byte, bounded so that they can be keys.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest identifier taken; Twilio's own have 34 characters (twilio-protocol.md, head).
const LONGEST: usize = 64;

/// A string cannot be an identifier. The string itself is left out: it may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} must be 1 to {LONGEST} printable ASCII characters without spaces")]
pub struct BadSid {
    /// The kind of identifier, as Twilio names it.
    pub kind: &'static str,
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the identifier if `raw` is 1 to 64 graphic ASCII characters.
            pub fn parse(raw: &str) -> Result<Self, BadSid> {
                let fits = (1..=LONGEST).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_graphic());
                if fits { Ok(Self(raw.into())) } else { Err(BadSid { kind: stringify!($name) }) }
            }

            /// Returns the identifier as Twilio wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = String::deserialize(deserializer)?;
                Self::parse(&raw).map_err(serde::de::Error::custom)
            }
        }
    };
}

sid! {
    /// Identifies one call, `CA…`: the key of a leg.
    CallSid
}
sid! {
    /// Identifies one media stream of a call, `MZ…`.
    StreamSid
}
sid! {
    /// Identifies an account, `AC…`.
    AccountSid
}
sid! {
    /// Identifies one run of a conference, `CF…`.
    ConferenceSid
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn only_bounded_graphic_ascii_is_an_identifier() {
        let longest = "x".repeat(64);
        for good in ["CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "x", "!~", &longest] {
            assert_eq!(CallSid::parse(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(65);
        for bad in ["", " ", "CA 1", "CA\n", "CAé", "CA\u{7f}", &too_long] {
            assert_eq!(CallSid::parse(bad), Err(BadSid { kind: "CallSid" }), "{bad:?}");
        }
    }

    #[test]
    fn comparison_is_byte_for_byte_and_maps_are_asked_with_plain_text() {
        let sid = StreamSid::parse("MZab").unwrap();
        assert_ne!(sid, StreamSid::parse("MZAB").unwrap());
        assert!(sid == *"MZab");
        let legs = HashMap::from([(sid, 7)]);
        assert_eq!(legs.get("MZab"), Some(&7));
    }

    #[test]
    fn json_goes_both_ways_and_checks() {
        let sid: ConferenceSid = serde_json::from_str("\"CF1\"").unwrap();
        assert_eq!(serde_json::to_string(&sid).unwrap(), "\"CF1\"");
        assert!(serde_json::from_str::<AccountSid>("\"\"").is_err());
    }

    #[test]
    fn texts_show_the_identifier() {
        let sid = AccountSid::parse("AC1").unwrap();
        assert_eq!((format!("{sid}"), format!("{sid:?}")), ("AC1".into(), "AccountSid(AC1)".into()));
    }
}
