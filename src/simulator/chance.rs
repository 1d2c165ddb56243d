//! Random values for a simulated Twilio: identifiers, and numbers within a range.

use std::ops::RangeInclusive;

use uuid::Uuid;

/// Returns a fresh identifier: two capital letters and 32 hex digits.
pub(super) fn sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::new_v4().simple())
}

/// Returns a number of the range, each about as likely as any other.
pub(super) fn within(range: RangeInclusive<u64>) -> u64 {
    let span = u128::from(range.end() - range.start()) + 1;
    // 60 random bits at the low end of a version 4 UUID.
    let random = Uuid::new_v4().as_u128() & ((1 << 60) - 1);
    range.start() + (random % span) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_shape() {
        let call = sid("CA");
        assert!(call.len() == 34 && call.starts_with("CA"));
        assert_ne!(call, sid("CA"));
        let seen: std::collections::BTreeSet<u64> = (0..2000).map(|_| within(70..=75)).collect();
        assert_eq!(seen, (70..=75).collect());
        assert_eq!(within(5..=5), 5);
    }
}
