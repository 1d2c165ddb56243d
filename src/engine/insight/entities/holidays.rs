//! Days that people name instead of a date: "christmas eve".

use super::words::Words;

/// Returns the last word of a holiday that begins here.
pub(super) fn holiday(words: &Words<'_>, index: usize) -> Option<usize> {
    let names = (words.at(index), words.at(index + 1));
    let day = |last: usize| Some(last + usize::from(words.at(last + 1) == "day"));
    match names {
        ("christmas", "eve" | "day") | ("boxing" | "independence" | "veterans" | "labor" | "leap", "day") => {
            Some(index + 1)
        }
        ("new", "year's" | "years" | "year") => {
            let last = index + 1;
            matches!(words.at(last + 1), "eve" | "day").then_some(last + 1)
        }
        ("april", "fools" | "fool's") => day(index + 1),
        ("st" | "saint", "patrick's" | "patricks" | "paddy's") => day(index + 1),
        ("valentine's" | "valentines" | "thanksgiving" | "halloween" | "christmas" | "juneteenth", _) => {
            day(index)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_have_their_day_or_eve() {
        for (text, expected) in [
            ("christmas eve nineteen", Some(1)),
            ("christmas of fifty", Some(0)),
            ("new year's day", Some(2)),
            ("new year plans", None),
            ("halloween", Some(0)),
            ("valentine's day", Some(1)),
        ] {
            assert_eq!(holiday(&Words::of(text), 0), expected, "{text}");
        }
    }
}
