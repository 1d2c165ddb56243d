//! Places on a road without a house number before it: "fifth and main", "birch lane number twelve", "route nine".

use super::address::{is_direction, is_doubtful_type, is_street_name, is_street_type};
use super::numbers::{self, Chunk};
use super::words::{Words, is_function_word, is_hesitation, is_ordinary, one_of};
use super::{EntityKind, Found};

/// Words of a street's name before its type.
const LONGEST_NAME: usize = 3;

/// Finds corners of streets, streets with the number last, and numbered roads where somebody lives.
pub(super) fn find(words: &Words<'_>, chunks: &[Chunk]) -> Vec<Found> {
    let mut found = Vec::new();
    for index in 0..words.len() {
        let corner = corner_before(words, index);
        if !corner && !lives_before(words, index) {
            continue;
        }
        let end = crossing(words, index, corner)
            .or_else(|| number_last(words, chunks, index))
            .or_else(|| numbered_road(words, chunks, index));
        if let Some(last) = end {
            found.push(Found::of(words, EntityKind::Address, index, last));
        }
    }
    found
}

/// "on the corner of", "at the intersection of".
fn corner_before(words: &Words<'_>, index: usize) -> bool {
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    back(1) == "of" && matches!(back(2), "corner" | "intersection" | "junction")
}

/// "i live on", "we're up at", "the house is off".
fn lives_before(words: &Words<'_>, index: usize) -> bool {
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    if !matches!(back(1), "on" | "at" | "off") {
        return index == 0
            || matches!(back(1), "address" | "address's")
            || back(1) == "is" && back(2) == "address";
    }
    let mut count = 2;
    while one_of(back(count), "out over up down right just here way still") || is_hesitation(back(count)) {
        count += 1;
    }
    one_of(
        back(count),
        "live lives living stay stays staying located we're i'm they're he's she's house place farm home reside moved",
    ) || count > 2 && back(count).is_empty()
        || matches!(
            (back(count + 1), back(count)),
            ("we" | "they", "are") | ("i", "am") | ("house" | "place" | "farm", "is")
        )
}

fn ordinal(words: &Words<'_>, index: usize) -> Option<usize> {
    let small = |word: &str| {
        one_of(
            word,
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
                fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
        )
    };
    let word = words.at(index);
    if numbers::tens(word).is_some() && small(words.at(index + 1)) {
        return Some(index + 1);
    }
    let digits = word.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let written = !digits.is_empty() && matches!(&word[digits.len()..], "st" | "nd" | "rd" | "th");
    (small(word) || written || word.ends_with("tieth")).then_some(index)
}

/// One street of a corner: its last word, and whether its name can hardly be anything else.
fn street(words: &Words<'_>, index: usize) -> Option<(usize, bool)> {
    let start = index + usize::from(is_direction(words.at(index)));
    let (mut end, mut sure) = match ordinal(words, start) {
        Some(last) => (last, true),
        None => {
            let word = words.at(start);
            if word.len() < 3
                || is_function_word(word)
                || is_hesitation(word)
                || numbers::is_number_word(word)
            {
                return None;
            }
            (start, is_street_name(word))
        }
    };
    let unknown = !sure && !is_ordinary(words.at(end));
    if is_street_type(words.at(end + 1)) || is_doubtful_type(words.at(end + 1)) && (sure || unknown) {
        (end, sure) = (end + 1, true);
    }
    Some((end, sure || unknown))
}

/// "forty third and baker".
fn crossing(words: &Words<'_>, index: usize, corner: bool) -> Option<usize> {
    let (first_end, first_sure) = street(words, index)?;
    if !matches!(words.at(first_end + 1), "and" | "at") {
        return None;
    }
    let (last, last_sure) = street(words, first_end + 2)?;
    let typed = ordinal(words, index).is_some()
        || ordinal(words, first_end + 2).is_some()
        || [first_end, last].iter().any(|&end| is_street_type(words.at(end)));
    (corner && (first_sure || last_sure)
        || index > 0 && typed && first_sure && (last_sure || ordinal(words, index).is_some()))
    .then_some(last)
}

fn is_type(word: &str) -> bool {
    is_street_type(word) || is_doubtful_type(word)
}

/// "old quarry road number nineteen".
fn number_last(words: &Words<'_>, chunks: &[Chunk], index: usize) -> Option<usize> {
    let kind = (index + 1..=index + LONGEST_NAME)
        .find(|&kind| is_type(words.at(kind)) && !is_type(words.at(kind + 1)))?;
    let named = (index..kind).all(|place| {
        let word = words.at(place);
        !is_function_word(word) && !is_hesitation(word) && !numbers::is_number_word(word)
    });
    let mut number = kind + 1;
    if words.at(number) == "number" {
        number += 1;
    } else if !words.gap_before(number).starts_with(',') {
        return None;
    }
    let chunk = chunks.iter().find(|chunk| chunk.first() == number && chunk.digits().len() <= 5)?;
    (named && !chunk.is_amount() && !super::classify::measures(words, chunk.last())).then(|| chunk.last())
}

/// "county road twelve".
fn numbered_road(words: &Words<'_>, chunks: &[Chunk], index: usize) -> Option<usize> {
    let owned = usize::from(one_of(words.at(index), "county state rural farm old us"));
    let road = index + owned;
    let is_road = match words.at(road) {
        "route" | "highway" => true,
        "road" => owned == 1,
        _ => false,
    };
    let chunk = chunks.iter().find(|chunk| chunk.first() == road + 1 && chunk.digits().len() <= 4)?;
    // "i'm on route nine" is a driver.
    let drives = owned == 0
        && (index.saturating_sub(3)..index)
            .any(|before| matches!(words.at(before), "i'm" | "am" | "he's" | "she's"));
    (is_road && !drives && index > 0).then(|| chunk.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let words = Words::of(text);
        let chunks = numbers::chunks(&words);
        find(&words, &chunks).into_iter().map(|hit| &text[hit.range]).collect()
    }

    #[test]
    fn roads_count_where_somebody_lives() {
        for (text, expected) in [
            ("i'm at the corner of fifth and main", vec!["fifth and main"]),
            ("i stay over on forty third and baker the brick one", vec!["forty third and baker"]),
            ("we live on birch lane number twelve", vec!["birch lane number twelve"]),
            ("we're out on county road twelve", vec!["county road twelve"]),
            ("we are around the corner of the building and the park", vec![]),
            ("main street is closed", vec![]),
            ("i'm on route nine right now", vec![]),
            ("i live on the second and third floor", vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
