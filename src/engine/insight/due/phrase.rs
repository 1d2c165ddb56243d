//! The grammar of due phrases: a day, a time of day, or both beside each other.

use super::calendar;
use super::spoken;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

const WEEKDAYS: &str = "monday|tuesday|wednesday|thursday|friday|saturday|sunday";
const MONTHS: &str = "january|february|march|april|may|june|july|august|september|october|november|december";

/// Before this hour the night is not over.
const LAST_HOUR_OF_NIGHT: i8 = 5;

/// What stands between a day and its time of day.
const JOIN: &str = r"(?:,? (?:in the |at |by |before |around |about |like |say |sometime in the |maybe |no later than |between |right )*)";

/// Returns the bytes of the first due phrase of a text, and the moment it names.
pub(super) fn find(text: &str, now: DateTime) -> Option<(Range<usize>, DateTime)> {
    let days = RULES.as_ref()?.iter().filter_map(|rule| {
        let found = rule.pattern.captures_iter(text).find_map(|captures| {
            let whole = captures.get(0)?.range();
            let before = text.get(..whole.start)?;
            if PAST.as_ref().is_some_and(|past| past.is_match(before)) {
                return None;
            }
            let day = (rule.resolve)(&captures, now)?;
            Some((whole, day))
        })?;
        Some(found)
    });
    let first = days.min_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    match first {
        Some((range, day)) => Some(with_time_of_day(text, range, day, now)),
        None => morning_alone(text, now).or_else(|| time_alone(text, now)),
    }
}

/// A day, and the time of day it has unless one is said.
struct Day {
    moment: DateTime,
    /// Whether a time of day beside it would be its own.
    takes_time: bool,
}

/// Reads a match, given the present.
type Resolve = fn(&Captures<'_>, DateTime) -> Option<Day>;

struct Rule {
    pattern: Regex,
    resolve: Resolve,
}

fn with_time_of_day(text: &str, range: Range<usize>, day: Day, now: DateTime) -> (Range<usize>, DateTime) {
    if !day.takes_time {
        return (range, day.moment);
    }
    let after = TIME_AFTER.as_ref().and_then(|pattern| pattern.captures(&text[range.end..]));
    if let Some(captures) = after
        && let (Some(whole), Some(time)) = (captures.get(0), time_of_day(&captures))
        && is_a_clock(&captures)
    {
        return (range.start..range.end + whole.end(), day.moment.date().to_datetime(time));
    }
    let before = TIME_BEFORE.as_ref().and_then(|pattern| pattern.captures(&text[..range.start]));
    if let Some(captures) = before
        && let (Some(whole), Some(time)) = (captures.get(0), time_of_day(&captures))
        && is_a_clock(&captures)
    {
        return (whole.start()..range.end, day.moment.date().to_datetime(time));
    }
    let moment = if day.moment.date() == now.date() && day.moment <= now {
        calendar::at_hour_or_last_minute(now.date(), calendar::CLOSE, now).unwrap_or(day.moment)
    } else {
        day.moment
    };
    (range, moment)
}

/// Whether a number beside a day is an hour: a bare one is more often a number of something and needs "at" or the like.
fn is_a_clock(captures: &Captures<'_>) -> bool {
    let Some(hour) = captures.name("hour") else { return true };
    let before = captures.get(0).map_or("", |whole| &whole.as_str()[..hour.start() - whole.start()]);
    let introduced = before.contains(char::is_alphabetic);
    introduced || captures.name("half").is_some() || captures.name("minute").is_some()
}

/// Returns the coming morning if a text names one without a day.
fn morning_alone(text: &str, now: DateTime) -> Option<(Range<usize>, DateTime)> {
    let found = MORNING_ALONE.as_ref()?.find(text)?;
    let today = calendar::at_hour(now.date(), calendar::MORNING)?;
    // Whoever says "in the morning" after midnight means the one that is near.
    if now.hour() < LAST_HOUR_OF_NIGHT {
        return Some((found.range(), today));
    }
    Some((found.range(), calendar::at_hour(now.date().tomorrow().ok()?, calendar::MORNING)?))
}

/// Returns a time of day without a day: the next time the clock shows it.
fn time_alone(text: &str, now: DateTime) -> Option<(Range<usize>, DateTime)> {
    let captures = TIME_ALONE.as_ref()?.captures(text)?;
    let time = time_of_day(&captures)?;
    let today = now.date().to_datetime(time);
    let moment = if today > now { today } else { now.date().tomorrow().ok()?.to_datetime(time) };
    Some((captures.get(0)?.range(), moment))
}

fn time_of_day(captures: &Captures<'_>) -> Option<Time> {
    if let Some(part) = captures.name("part") {
        let part = part.as_str().to_lowercase();
        let hour = match part.as_str() {
            "noon" | "midday" | "lunch" | "lunchtime" => 12,
            "afternoon" => 15,
            "evening" => 18,
            "night" => 20,
            "midnight" => return Time::new(23, 59, 0, 0).ok(),
            "end of day" | "close of business" | "the end of the day" | "close" => calendar::CLOSE,
            _ => calendar::MORNING,
        };
        return Time::new(hour, 0, 0, 0).ok();
    }
    let hour = i8::try_from(spoken::cardinal(captures.name("hour")?.as_str())?).ok()?;
    let minute = match captures.name("minute").map(|minute| minute.as_str().to_lowercase()) {
        None => 0,
        Some(minute) => i8::try_from(spoken::cardinal(&minute)?).ok()?,
    };
    let half = captures.name("half").map(|half| half.as_str().to_lowercase());
    let hour = match half.as_deref().and_then(|half| half.trim_start().chars().next()) {
        Some('a') if hour == 12 => 0,
        Some('a' | 'm') => hour,
        Some('p' | 'n' | 'e') if hour < 12 => hour.checked_add(12)?,
        Some(_) => hour,
        // Without "am" or "pm" an hour is one of the working day.
        None if (1..8).contains(&hour) => hour + 12,
        None => hour,
    };
    Time::new(hour, minute, 0, 0).ok()
}

fn compiled(pattern: &str) -> Option<Regex> {
    let pattern = pattern
        .replace("{WEEKDAY}", WEEKDAYS)
        .replace("{MONTH}", MONTHS)
        .replace("{CARDINAL}", spoken::CARDINAL)
        .replace("{ORDINAL}", spoken::ORDINAL)
        .replace("{JOIN}", JOIN);
    let compiled = Regex::new(&format!("(?i){pattern}"));
    debug_assert!(compiled.is_ok(), "{pattern}: {compiled:?}");
    compiled.ok()
}

/// The clock, or a part of the day.
const CLOCK: &str = r"(?:(?P<part>first thing(?: in the morning)?|end of day|close of business|the end of the day|early morning|morning|noon|midday|lunchtime|lunch|afternoon|evening|midnight|night)\b|(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:(?::| )(?P<minute>\d{2}|fifteen|thirty|forty five|forty|twenty|ten))?(?P<half> ?a\.?m\b\.?| ?p\.?m\b\.?| in the morning\b| p m\b| a m\b)?(?: o'clock)?\b)";

static TIME_AFTER: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(&format!(r"^(?:{{JOIN}})?{CLOCK}")));
static TIME_BEFORE: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(&format!(r"\b(?:(?:at|by|before|around) )?{CLOCK}(?: o'clock)?,? (?:on )?$")));
static TIME_ALONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"\b(?:(?:by|at|before|until) (?:around |about )?(?:(?P<part>noon|midday|lunchtime|lunch|midnight)|(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:(?::| )(?P<minute>\d{2}|fifteen|thirty|forty five))?(?P<half> ?a\.?m\b\.?| ?p\.?m\b\.?| in the morning| p m\b| a m\b)(?: o'clock)?)\b)",
    )
});
static MORNING_ALONE: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"\bfirst thing in the morning\b|\bin the morning\b|\bfirst thing\b"));
static PAST: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"\b(?:last|since|every|each|past|yesterday|previous|ago)(?: (?:on|the))? $"));

static RULES: LazyLock<Option<Vec<Rule>>> = LazyLock::new(|| {
    let table: Vec<(&str, Resolve)> = vec![
        (r"\b(?:the )?day after tomorrow\b", |_, now| morning(calendar::days_after(now.date(), 2)?)),
        (r"\btomorrow\b", |_, now| morning(now.date().tomorrow().ok()?)),
        (r"\b(?:tonight|this evening)\b", |_, now| {
            Some(Day { moment: calendar::at_hour_or_last_minute(now.date(), 20, now)?, takes_time: true })
        }),
        (r"\b(?:today|this afternoon|this morning|later on today)\b", today),
        (
            r"\b(?:by |before |at )?(?:the )?(?:end of (?:the |your |my |our )?(?:business )?(?:day|today|shift)|close of (?:business|play|day)|eod|cob|end of business)\b",
            |_, now| fixed(calendar::at_hour_or_last_minute(now.date(), calendar::CLOSE, now)?),
        ),
        (
            r"\b(?:by |before |at |toward |towards )?(?:the )?(?:end of (?:the |this )?(?:week|workweek|business week)|eow|later this week|this week)\b",
            |_, now| {
                fixed(calendar::at_hour_or_last_minute(calendar::friday(now.date())?, calendar::CLOSE, now)?)
            },
        ),
        (r"\b(?:by |before |at )?(?:the )?end of next week\b", |_, now| {
            fixed(calendar::at_hour(calendar::friday(calendar::next_monday(now.date())?)?, calendar::CLOSE)?)
        }),
        (r"\b(?:by |before |at )?(?:the )?end of (?:the |this )?month\b", |_, now| {
            fixed(calendar::at_hour_or_last_minute(now.date().last_of_month(), calendar::CLOSE, now)?)
        }),
        (r"\b(?:by |before |at )?(?:the )?end of (?:the |this )?year\b", |_, now| {
            fixed(calendar::at_hour_or_last_minute(now.date().last_of_year(), calendar::CLOSE, now)?)
        }),
        (
            r"\b(?:in|within|for|over|after|give (?:me|us|it))(?: the next| about| another| like| around| maybe| roughly)? (?:(?:{CARDINAL}) (?:to|or) )?(?P<count>{CARDINAL}) (?P<unit>(?:business|working) days?|(?:business|working) hours?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|fortnight)\b(?: time)?",
            in_a_while,
        ),
        (
            r"\b(?P<count>{CARDINAL}) (?P<unit>(?:business|working) days?|minutes?|hours?|days?|weeks?|months?|fortnight) from (?:now|today)\b",
            in_a_while,
        ),
        (r"\bnext week (?:on )?(?P<weekday>{WEEKDAY})\b", next_weeks_day),
        (r"\b(?P<weekday>{WEEKDAY})(?: of)? next week\b", next_weeks_day),
        (r"\bnext (?P<weekday>{WEEKDAY})\b", next_weeks_day),
        (r"\b(?:by |on |before |until |this |coming |this coming )*(?P<weekday>{WEEKDAY})\b", weekday),
        (r"\b(?:by |early |sometime )*next week\b", |_, now| morning(calendar::next_monday(now.date())?)),
        (r"\b(?:by |early |sometime )*next month\b", |_, now| {
            morning(now.date().first_of_month().checked_add(1.month()).ok()?)
        }),
        (r"\b(?:over |on |this )?(?:the |this )weekend\b", |_, now| {
            morning(calendar::next_weekday(now.date(), Weekday::Saturday)?)
        }),
        (
            r"\b(?:on |by |before |until )?(?:the )?(?P<ordinal>{ORDINAL}) (?:of |day of )?(?P<month>{MONTH})\b",
            day_of_year,
        ),
        (r"\b(?:on |by |before |until )?(?P<month>{MONTH}) (?:the )?(?P<ordinal>{ORDINAL})\b", day_of_year),
        (r"\b(?:on |by |before |until )?(?P<month>{MONTH}) (?P<day>[12]\d|3[01]|0?[1-9])\b", day_of_year),
        (
            r"\b(?:on|by|before|until|for) the (?P<ordinal>{ORDINAL})(?: of (?:the|this|next) month)?(?P<end>$|[.,!?;]| (?:at|in|and|so|to|then|when|if|or|around|before|once|is|with|please)\b)",
            day_of_month,
        ),
    ];
    let rules =
        table.into_iter().map(|(pattern, resolve)| Some(Rule { pattern: compiled(pattern)?, resolve }));
    rules.collect()
});

fn morning(date: Date) -> Option<Day> {
    Some(Day { moment: calendar::at_hour(date, calendar::MORNING)?, takes_time: true })
}

fn fixed(moment: DateTime) -> Option<Day> {
    Some(Day { moment, takes_time: false })
}

fn today(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    let hour = match captures.get(0)?.as_str().to_lowercase().as_str() {
        "this morning" => 11,
        "this afternoon" => 15,
        _ => calendar::CLOSE,
    };
    let moment = calendar::at_hour_or_last_minute(now.date(), hour, now)?;
    Some(Day { moment, takes_time: true })
}

fn in_a_while(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    let count = captures.name("count")?.as_str();
    let unit = captures.name("unit")?.as_str().to_lowercase();
    let half = count.to_lowercase().starts_with("half");
    let count = if half { 1 } else { spoken::cardinal(count)? };
    let date = now.date();
    if unit.ends_with("day") || unit.ends_with("days") {
        let working = unit.starts_with("business") || unit.starts_with("working");
        let day = if working {
            calendar::working_days_after(date, count)?
        } else {
            calendar::days_after(date, count)?
        };
        return morning(day);
    }
    if unit.starts_with("week") {
        return morning(calendar::days_after(date, count.checked_mul(7)?)?);
    }
    if unit == "fortnight" {
        return morning(calendar::days_after(date, count.checked_mul(14)?)?);
    }
    if unit.starts_with("month") {
        let span = jiff::Span::new().try_months(count).ok()?;
        return morning(date.checked_add(span).ok()?);
    }
    let minutes = if unit.contains("min") { count } else { count.checked_mul(60)? };
    let minutes = if half { 30 } else { minutes };
    fixed(now.checked_add(jiff::Span::new().try_minutes(minutes).ok()?).ok()?)
}

fn weekday_named(captures: &Captures<'_>) -> Option<Weekday> {
    let name = captures.name("weekday")?.as_str().to_lowercase();
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    days.into_iter().find(|(day, _)| *day == name).map(|(_, day)| day)
}

fn weekday(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    morning(calendar::next_weekday(now.date(), weekday_named(captures)?)?)
}

/// "Next Friday" is the one of the week that begins on the coming Monday.
fn next_weeks_day(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    let monday = calendar::next_monday(now.date())?;
    let days = i64::from(weekday_named(captures)?.to_monday_zero_offset());
    morning(calendar::days_after(monday, days)?)
}

fn day_of_year(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    let name = captures.name("month")?.as_str().to_lowercase();
    let month = MONTHS.split('|').position(|month| month == name)?;
    let month = i8::try_from(month).ok()?.checked_add(1)?;
    let day = match (captures.name("ordinal"), captures.name("day")) {
        (Some(ordinal), _) => spoken::ordinal(ordinal.as_str())?,
        (None, Some(day)) => day.as_str().parse().ok()?,
        (None, None) => return None,
    };
    morning(calendar::next_day_of_year(now.date(), month, day)?)
}

fn day_of_month(captures: &Captures<'_>, now: DateTime) -> Option<Day> {
    let day = spoken::ordinal(captures.name("ordinal")?.as_str())?;
    morning(calendar::next_day_of_month(now.date(), day)?)
}
