//! W3C trace context, level 1: what a request says about the trace that it belongs to.
//!
//! We begin no traces. Who sends us a `traceparent` finds its trace in the log lines of the call, and the
//! Symbl-protocol server is told of it in turn.

use std::fmt;

/// The header's name.
pub const HEADER: &str = "traceparent";

/// The only version there is; later ones begin alike.
const VERSION: &str = "00";

/// The length of a header of this version.
const LENGTH: usize = 55;

/// A place in a trace; its [`fmt::Display`] is the header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    is_sampled: bool,
}

impl TraceContext {
    /// Reads the header's only value. Nothing for what is no trace context, and for several: the standard wants them
    /// ignored.
    pub fn of_headers<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(std::str::from_utf8(value).ok()?)
    }

    /// Reads a header's value.
    pub fn parse(text: &str) -> Option<Self> {
        let is_whole = match text.get(..2)? {
            VERSION => text.len() == LENGTH,
            "ff" => false,
            // A later version may add fields behind ours.
            _ => text.len() == LENGTH || text.get(LENGTH..)?.starts_with('-'),
        };
        let mut fields = text.get(..LENGTH).filter(|_| is_whole)?.split('-');
        let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let (_, trace, span, flags) = (hex(version, 2)?, hex(trace, 32)?, hex(span, 16)?, hex(flags, 2)?);
        if trace == 0 || span == 0 || fields.next().is_some() {
            return None;
        }
        Some(Self { trace, span: u64::try_from(span).ok()?, is_sampled: flags & 1 == 1 })
    }

    /// Returns another place in the same trace; `span` is its number, any but 0.
    pub fn with_span(self, span: u64) -> Self {
        Self { span: span.max(1), ..self }
    }

    /// Returns the trace's id, as logs have it.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

/// Reads exactly so many digits, lower case as the standard wants them.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = text.len() == digits && text.bytes().all(is_digit);
    is_number.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the standard.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_context_is_read_strictly() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.to_string(), EXAMPLE);
        for (text, is_one) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", false),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("0-4bf92f3577b34da6a3ce929d0e0e47360-00f067aa0ba902b7-01", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", false),
            ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("", false),
            ("00", false),
            ("ä", false),
        ] {
            assert_eq!(TraceContext::parse(text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let example = EXAMPLE.as_bytes();
        assert!(TraceContext::of_headers([example].into_iter()).is_some());
        assert_eq!(TraceContext::of_headers([example, example].into_iter()), None);
        assert_eq!(TraceContext::of_headers([&b"\xFF"[..]].into_iter()), None);
        assert_eq!(TraceContext::of_headers(std::iter::empty()), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(trace in 1..u128::MAX, span in 1..u64::MAX, is_sampled: bool) {
            let context = TraceContext { trace, span, is_sampled };
            prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
            let next = context.with_span(0);
            prop_assert_eq!(TraceContext::parse(&next.to_string()), Some(next));
        }

        #[test]
        fn no_text_is_read_by_accident(text in "\\PC{0,70}") {
            prop_assert_eq!(TraceContext::parse(&text), None);
        }
    }
}
