//! When something that was promised is due.
//!
//! Phrases of the near future ("tomorrow", "by the end of the week", "in two business days", "Monday at 3 pm") become a
//! moment in the client's zone. A date without a time of day means 09:00: office hours have begun, and for every zone
//! from nine hours ahead of UTC to fourteen behind the UTC date is then the same as the local one, so that a client
//! who cuts the date off the time stamp is right. The end of a day or week means 17:00, a day's last minute once that
//! is past.

mod calendar;
mod phrase;
mod spoken;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use std::ops::Range;

/// A moment that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The moment, Unix milliseconds.
    pub at_ms: i64,
    /// The bytes of the phrase in the text.
    pub range: Range<usize>,
    /// The day in the client's zone, `YYYY-MM-DD`.
    pub date: String,
}

/// Returns when what `text` promises is due, if it says so.
///
/// `now_ms` is when it was said (Unix milliseconds), `timezone_offset_minutes` the client's offset from UTC, east
/// positive.
pub fn find(text: &str, now_ms: i64, timezone_offset_minutes: i64) -> Option<Due> {
    let seconds = i32::try_from(timezone_offset_minutes.checked_mul(60)?).ok()?;
    let zone = TimeZone::fixed(Offset::from_seconds(seconds).ok()?);
    let now: DateTime = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone()).datetime();
    let (range, moment) = phrase::find(text, now)?;
    let at_ms = moment.to_zoned(zone).ok()?.timestamp().as_millisecond();
    Some(Due { at_ms, range, date: moment.date().to_string() })
}
