//! From when until when a certificate is good: two times out of its DER (RFC 5280, 4.1).
//!
//! Whether it is to be trusted is rustls' affair, and it does not tell these times of one that it trusts.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A certificate's first and last moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl Validity {
    /// Reads it from a certificate; none when that is not one.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        let (certificate, _) = element(der, SEQUENCE)?;
        let (mut rest, _) = element(certificate, SEQUENCE)?;
        if rest.first() == Some(&EXPLICIT_VERSION) {
            rest = any(rest)?.2;
        }
        // Serial number, signature algorithm, issuer.
        for _ in 0..3 {
            rest = any(rest)?.2;
        }
        let (validity, _) = element(rest, SEQUENCE)?;
        let (kind, first, validity) = any(validity)?;
        let not_before = time(kind, first)?;
        let (kind, last, _) = any(validity)?;
        Some(Self { not_before, not_after: time(kind, last)? })
    }
}

/// Returns the content of an element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

/// Returns an element's tag and content, and what follows it. Tags of more than one byte do not occur here.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the only two forms that certificates may have.
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = std::str::from_utf8(text.strip_suffix(b"Z")?).ok()?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i16 = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |index: usize| number::<i8>(rest.get(2 * index..2 * index + 2)?);
    let at = DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate's outline: version, serial, algorithm, issuer, validity, and what does not matter.
    fn outline(validity: &[u8], with_version: bool) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x82][..], &length, content].concat()
        };
        let mut body = if with_version { wrap(0xa0, &[2, 1, 2]) } else { Vec::new() };
        body.extend([2, 1, 7]);
        body.extend(wrap(0x30, &[6, 1, 42]));
        body.extend(wrap(0x30, &[0; 300]));
        body.extend(wrap(0x30, validity));
        body.extend(wrap(0x30, b"the subject and its key"));
        wrap(0x30, &[wrap(0x30, &body), vec![3, 1, 0]].concat())
    }

    fn times(first: &[u8], last: &[u8]) -> Vec<u8> {
        let element = |text: &[u8]| {
            let kind = if text.len() == 13 { UTC_TIME } else { GENERALIZED_TIME };
            [&[kind, u8::try_from(text.len()).unwrap()][..], text].concat()
        };
        [element(first), element(last)].concat()
    }

    #[test]
    fn both_forms_of_time_are_read_with_and_without_a_version() {
        let expected = Validity {
            not_before: "2026-11-23T07:36:46Z".parse().unwrap(),
            not_after: "2050-01-01T00:00:00Z".parse().unwrap(),
        };
        let validity = times(b"261123073646Z", b"20500101000000Z");
        for with_version in [true, false] {
            assert_eq!(Validity::of(&outline(&validity, with_version)), Some(expected));
        }
        let old = Validity::of(&outline(&times(b"500101000000Z", b"491231235959Z"), true)).unwrap();
        assert_eq!(old.not_before.to_string(), "1950-01-01T00:00:00Z");
        assert_eq!(old.not_after.to_string(), "2049-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_certificate_has_no_times() {
        let whole = outline(&times(b"261123073646Z", b"20500101000000Z"), true);
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length]), None);
        }
        for (first, last) in
            [(&b"261323073646Z"[..], &b"20500101000000Z"[..]), (b"26112307364 Z", b"+0500101000000Z")]
        {
            assert_eq!(Validity::of(&outline(&times(first, last), true)), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), cut in 0_usize..300, new in 0_u8..) {
            Validity::of(&bytes);
            let mut whole = outline(&times(b"261123073646Z", b"20500101000000Z"), true);
            whole[cut] = new;
            Validity::of(&whole);
        }
    }
}
