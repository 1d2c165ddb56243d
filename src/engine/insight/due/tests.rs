//! Phrases and the moments they name, all said on Wednesday 2026-03-04 at 14:30 in New York.

use super::*;
use proptest::prelude::*;

/// 2026-03-04T14:30:00-05:00.
const NOW_MS: i64 = 1_772_652_600_000;
const NEW_YORK_MINUTES: i64 = -300;

fn local(text: &str) -> Option<(String, String)> {
    let due = find(text, NOW_MS, NEW_YORK_MINUTES)?;
    let moment = Timestamp::from_millisecond(due.at_ms + NEW_YORK_MINUTES * 60_000).ok()?;
    Some((moment.to_string(), text.get(due.range)?.to_owned()))
}

#[test]
fn phrases_name_their_moments() {
    let table = [
        ("i'll send it tomorrow", "2026-03-05T09:00:00Z", "tomorrow"),
        ("Tomorrow at 3 pm works", "2026-03-05T15:00:00Z", "Tomorrow at 3 pm"),
        ("i'll call tomorrow morning", "2026-03-05T09:00:00Z", "tomorrow morning"),
        ("we'll do it today", "2026-03-04T17:00:00Z", "today"),
        ("i'll upload it tonight", "2026-03-04T20:00:00Z", "tonight"),
        ("this afternoon i'll mail it", "2026-03-04T15:00:00Z", "this afternoon"),
        ("by end of day please", "2026-03-04T17:00:00Z", "by end of day"),
        ("by the end of the week", "2026-03-06T17:00:00Z", "by the end of the week"),
        ("in two weeks we meet", "2026-03-18T09:00:00Z", "in two weeks"),
        ("within 3 days", "2026-03-07T09:00:00Z", "within 3 days"),
        ("within two to three business days", "2026-03-09T09:00:00Z", "within two to three business days"),
        ("in forty eight hours", "2026-03-06T14:30:00Z", "in forty eight hours"),
        ("in ten minutes", "2026-03-04T14:40:00Z", "in ten minutes"),
        ("in half an hour", "2026-03-04T15:00:00Z", "in half an hour"),
        ("in a couple of hours", "2026-03-04T16:30:00Z", "in a couple of hours"),
        ("the cable on thursday morning", "2026-03-05T09:00:00Z", "on thursday morning"),
        ("a call for thursday at three", "2026-03-05T15:00:00Z", "thursday at three"),
        ("Monday at 3 p.m. then", "2026-03-09T15:00:00Z", "Monday at 3 p.m"),
        ("tomorrow two of them ship", "2026-03-05T09:00:00Z", "tomorrow"),
        ("send two tomorrow", "2026-03-05T09:00:00Z", "tomorrow"),
        ("this wednesday", "2026-03-11T09:00:00Z", "this wednesday"),
        ("next friday", "2026-03-13T09:00:00Z", "next friday"),
        ("let's touch base next week", "2026-03-09T09:00:00Z", "next week"),
        ("next week on tuesday", "2026-03-10T09:00:00Z", "next week on tuesday"),
        ("first thing in the morning", "2026-03-05T09:00:00Z", "first thing in the morning"),
        ("first thing monday", "2026-03-09T09:00:00Z", "first thing monday"),
        ("on the fifteenth", "2026-03-15T09:00:00Z", "on the fifteenth"),
        ("on the first of the month", "2026-04-01T09:00:00Z", "on the first of the month"),
        ("on the fifteenth of may", "2026-05-15T09:00:00Z", "on the fifteenth of may"),
        ("March 4th at noon", "2026-03-04T12:00:00Z", "March 4th at noon"),
        ("january second", "2027-01-02T09:00:00Z", "january second"),
        ("by five pm", "2026-03-04T17:00:00Z", "by five pm"),
        ("by the end of the month", "2026-03-31T17:00:00Z", "by the end of the month"),
        ("ten thirty tomorrow", "2026-03-05T10:30:00Z", "ten thirty tomorrow"),
    ];
    for (text, moment, phrase) in table {
        assert_eq!(local(text), Some((moment.to_owned(), phrase.to_owned())), "{text}");
    }
}

#[test]
fn what_is_past_or_no_date_is_not_due() {
    let table = [
        "last friday",
        "since monday",
        "every tuesday",
        "i may march",
        "the second page",
        "yesterday",
        "",
        "at",
    ];
    for text in table {
        assert_eq!(find(text, NOW_MS, 0), None, "{text}");
    }
}

#[test]
fn the_date_is_the_one_of_the_clients_zone() {
    // 23:30 in London is 07:30 of the next day in Singapore.
    let late = NOW_MS + 4 * 3_600_000;
    assert_eq!(find("tomorrow", late, 0).map(|due| due.date).as_deref(), Some("2026-03-05"));
    assert_eq!(find("tomorrow", late, 480).map(|due| due.date).as_deref(), Some("2026-03-06"));
}

#[test]
fn impossible_clocks_and_zones_find_nothing() {
    for (now, offset) in [(i64::MAX, 0), (i64::MIN, 0), (NOW_MS, i64::MAX), (NOW_MS, 1 << 40)] {
        assert_eq!(find("tomorrow", now, offset), None);
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_ranges_lie_on_letters(
        words in prop::collection::vec(
            prop_oneof![
                Just("tomorrow".to_owned()), Just("in".to_owned()), Just("999".to_owned()), Just("months".to_owned()),
                Just("monday".to_owned()), Just("at".to_owned()), Just("31st".to_owned()), Just("of".to_owned()),
                Just("february".to_owned()), Just("the".to_owned()), Just("on".to_owned()), Just("ſ é 日".to_owned()),
                "\\PC{0,8}",
            ],
            0..12,
        ),
        now in any::<i64>(),
        offset in -2000_i64..2000,
    ) {
        let text = words.join(" ");
        for now in [now, NOW_MS, 253_402_200_000_000] {
            if let Some(due) = find(&text, now, offset) {
                prop_assert!(text.get(due.range).is_some());
            }
        }
    }
}
