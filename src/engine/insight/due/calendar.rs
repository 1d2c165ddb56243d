//! Arithmetic of days and hours that phrases need. Nothing overflows: what is out of range is nothing.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// When a day's work begins.
pub(super) const MORNING: i8 = 9;
/// When a day's work ends.
pub(super) const CLOSE: i8 = 17;

/// Returns the full hour of a day.
pub(super) fn at_hour(date: Date, hour: i8) -> Option<DateTime> {
    Some(date.to_datetime(Time::new(hour, 0, 0, 0).ok()?))
}

/// Returns the full hour of a day; if that is past, the day's last minute.
pub(super) fn at_hour_or_last_minute(date: Date, hour: i8, now: DateTime) -> Option<DateTime> {
    let moment = at_hour(date, hour)?;
    if moment > now { Some(moment) } else { Some(date.to_datetime(Time::new(23, 59, 0, 0).ok()?)) }
}

/// Returns the day so many days on.
pub(super) fn days_after(date: Date, days: i64) -> Option<Date> {
    date.checked_add(days_span(days)?).ok()
}

fn days_span(days: i64) -> Option<jiff::Span> {
    jiff::Span::new().try_days(days).ok()
}

/// Returns the day so many working days on.
pub(super) fn working_days_after(date: Date, days: i64) -> Option<Date> {
    let mut day = date;
    // More than a year of working days is nothing a call promises.
    for _ in 0..days.min(400) {
        day = day.tomorrow().ok()?;
        while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            day = day.tomorrow().ok()?;
        }
    }
    Some(day)
}

/// Returns the next such weekday after a day, never the day itself.
pub(super) fn next_weekday(date: Date, weekday: Weekday) -> Option<Date> {
    date.nth_weekday(1, weekday).ok()
}

/// Returns the Monday of the week after a day's.
pub(super) fn next_monday(date: Date) -> Option<Date> {
    next_weekday(date, Weekday::Monday)
}

/// Returns the Friday on or after a day.
pub(super) fn friday(date: Date) -> Option<Date> {
    if date.weekday() == Weekday::Friday { Some(date) } else { next_weekday(date, Weekday::Friday) }
}

/// Returns the next such day of a month after a day.
pub(super) fn next_day_of_month(date: Date, day: i8) -> Option<Date> {
    let mut first = date.first_of_month();
    // Some months lack a 31st; two steps on there is one.
    for _ in 0..3 {
        if let Ok(candidate) = Date::new(first.year(), first.month(), day)
            && candidate > date
        {
            return Some(candidate);
        }
        first = first.checked_add(1.month()).ok()?;
    }
    None
}

/// Returns the next such day of the year on or after a day.
pub(super) fn next_day_of_year(date: Date, month: i8, day: i8) -> Option<Date> {
    let this_year = Date::new(date.year(), month, day).ok();
    let next_year = Date::new(date.year().checked_add(1)?, month, day).ok();
    this_year.filter(|candidate| *candidate >= date).or(next_year)
}
