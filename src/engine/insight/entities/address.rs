//! Where people live: street addresses, post boxes, towns with a postal code.

use super::numbers::{self, Chunk};
use super::subject::{self, Subject};
use super::words::{
    Words, is_first_name, is_function_word, is_hesitation, is_letter, is_month, is_ordinary, one_of,
    state_words,
};
use super::{EntityKind, Found, classify};

/// Words of a street's name before its type.
const LONGEST_STREET: usize = 4;
/// Words before an address that may tell that it is one.
const REACH: usize = 8;

/// Finds addresses; `named` are those with a street type or a box, the others are told by the words before them.
pub(super) fn find(words: &Words<'_>, chunks: &[Chunk], asked: Option<Subject>, named: bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut from = 0;
    for (first, last) in house_numbers(words, chunks) {
        if first < from {
            continue;
        }
        let told = is_told(words, first, asked);
        let street_end = if named {
            with_type(words, last + 1, told, first)
        } else {
            without_type(words, first, last + 1, told)
        };
        let Some(end) = street_end else { continue };
        let end = tail(words, chunks, end);
        found.push(Found::of(words, EntityKind::Address, first, end));
        from = end + 1;
    }
    if named {
        boxes(words, chunks, &mut found);
        towns(words, chunks, &mut found);
    } else if asked == Some(Subject::Address) && found.is_empty() {
        found.extend(bare_zip(words, chunks));
    }
    found
}

/// Numbers that a house may have: first and last word.
fn house_numbers(words: &Words<'_>, chunks: &[Chunk]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for chunk in chunks {
        let digits = chunk.digits();
        let decimal = chunk.elements.iter().any(|element| element.amount && element.written);
        if decimal || digits.len() > 6 || classify::measures(words, chunk.last()) {
            continue;
        }
        found.push((chunk.first(), chunk.last()));
    }
    for index in 0..words.len() {
        let word = words.at(index);
        let digits = word.trim_end_matches(|character: char| character.is_ascii_lowercase());
        let lettered = digits.len() + 1 == word.len() && !digits.is_empty();
        if lettered && digits.bytes().all(|byte| byte.is_ascii_digit()) && !word.ends_with(['k', 'g', 'p']) {
            found.push((index, index));
        }
    }
    found.sort_unstable();
    found
}

/// Street types that mean nothing else.
fn is_street_type(word: &str) -> bool {
    one_of(
        word,
        "street avenue ave road rd lane ln boulevard blvd parkway pkwy highway hwy terrace crescent \
            turnpike alley cul-de-sac st drive dr court ct circle cir broadway trl expressway freeway",
    )
}

/// Street types that are common words too.
fn is_doubtful_type(word: &str) -> bool {
    one_of(
        word,
        "way place pl run close path point view row square park hill loop trail plaza pike route \
            crossing ridge grove heights walk green gardens cove bend creek hollow landing pass mews \
            estates meadows valley springs woods wood manor glen commons",
    )
}

/// Trees and other words that streets are called after, so that the type may be left out.
fn is_street_name(word: &str) -> bool {
    one_of(
        word,
        "elm oak maple birch cedar pine walnut chestnut willow cherry spruce magnolia sycamore \
            poplar hickory aspen main broadway lincoln washington jefferson madison jackson franklin \
            park highland hillcrest sunset lake river church mill lakeview ridgewood juniper laurel \
            dogwood linden hawthorne ash beech orchard meadow prospect peachtree monroe adams",
    )
}

fn is_direction(word: &str) -> bool {
    one_of(word, "north south east west northeast northwest southeast southwest n s e w ne nw se sw")
}

/// Whether somebody says that an address follows.
fn is_told(words: &Words<'_>, first: usize, asked: Option<Subject>) -> bool {
    asked == Some(Subject::Address)
        || matches!(subject::before(words, first, REACH), Some(Subject::Address | Subject::Zip))
        || leads_in(words, first)
}

/// "i'm over at", "ship it to", "moved to".
fn leads_in(words: &Words<'_>, first: usize) -> bool {
    let back = |count: usize| first.checked_sub(count).map_or("", |index| words.at(index));
    let mut skip = 0;
    while skip < 3 && (is_hesitation(back(skip + 1)) || matches!(back(skip + 1), "like")) {
        skip += 1;
    }
    let (one, two, three) = (back(skip + 1), back(skip + 2), back(skip + 3));
    match one {
        "at" => one_of(
            two,
            "over i'm live lives living located am we're are is it's staying out house home stay stays \
            reside apartment down up lived still located, moved place delivered here",
        ),
        "to" => {
            one_of(
                two,
                "it moved moving that them package out everything one delivered shipped mailed mail come",
            ) && !matches!(three, "get" | "change" | "got" | "up" | "have" | "set" | "turn")
        }
        "is" => matches!(two, "address" | "house" | "that"),
        "address" | "address's" => true,
        _ => false,
    }
}

fn fits_name(words: &Words<'_>, index: usize) -> bool {
    let word = words.at(index);
    let ordinal = word == "first" && is_street_type(words.at(index + 1));
    !word.is_empty()
        && (ordinal || !is_function_word(word))
        && !is_hesitation(word)
        && !is_month(word)
        && (index == 0 || !words.gap_before(index).contains([',', '?', '!', ':', '%', '/']))
        && !words.gap_before(index).starts_with(". ")
}

/// The last word of a street that begins here and has a type.
fn with_type(words: &Words<'_>, start: usize, told: bool, first: usize) -> Option<usize> {
    if words.at(start) == "broadway" {
        return Some(start);
    }
    let name_end = (start..words.len().min(start + LONGEST_STREET + 1)).find(|&index| {
        index > start && (is_street_type(words.at(index)) || is_doubtful_type(words.at(index)))
            || !(fits_name(words, index) || words.at(index) == "new" || words.at(index) == "st")
            || index == start && is_street_type(words.at(index)) && words.at(index) != "st"
    })?;
    let kind = words.at(name_end);
    let highway = name_end == start
        && matches!(kind, "highway" | "route")
        && numbers::is_number_word(words.at(start + 1));
    if highway {
        return told.then_some(start + 1);
    }
    if name_end == start {
        return None;
    }
    let digits: usize = (first..start).count();
    let ordinary = (start..name_end).all(|index| {
        let word = words.at(index);
        is_ordinary(word)
            && !is_street_name(word)
            && !is_direction(word)
            && (!words.list[index].capital || !words.cased)
    });
    let long_number = digits >= 2
        || words.at(first).len() >= 3 && words.at(first).bytes().all(|byte| byte.is_ascii_digit());
    let amount = matches!(
        words.at(start),
        "minute" | "hour" | "mile" | "day" | "week" | "year" | "lane" | "way" | "car"
    );
    let accepted = if amount {
        false
    } else if is_street_type(kind) {
        let movable =
            matches!(kind, "drive" | "court" | "circle" | "lane" | "dr" | "st" | "highway" | "road");
        told || !ordinary || (long_number && name_end - start <= 2) || !movable && name_end - start == 1
    } else {
        is_doubtful_type(kind) && (told && (long_number || !ordinary) || (!ordinary && long_number))
    };
    if !accepted {
        return None;
    }
    let doubled = is_street_type(words.at(name_end + 1)) && !words.sentence_before(name_end + 1);
    let mut end = name_end + usize::from(doubled);
    if matches!(kind, "route" | "highway") && numbers::is_number_word(words.at(end + 1)) {
        end += 1;
    }
    if is_direction(words.at(end + 1)) && !words.sentence_before(end + 1) {
        end += 1;
    }
    Some(end)
}

/// The last word of a street whose type was left out: "one fourteen birchwood number six".
fn without_type(words: &Words<'_>, first: usize, start: usize, told: bool) -> Option<usize> {
    if !told || !fits_name(words, start) || numbers::is_number_word(words.at(start)) {
        return None;
    }
    if matches!(
        words.at(start),
        "percent" | "at" | "bars" | "digits" | "times" | "zip" | "apartment" | "apt" | "unit" | "am" | "pm"
    ) {
        return None;
    }
    let direction = usize::from(is_direction(words.at(start)));
    let name = start + direction;
    let known = |index: usize| {
        fits_name(words, index) && (is_street_name(words.at(index)) || !is_ordinary(words.at(index)))
    };
    let mut end = if known(name) {
        name
    } else if fits_name(words, name) && unit_end(words, name + 1).is_some() && leads_in(words, first) {
        return Some(name);
    } else if fits_name(words, name) && known(name + 1) && !is_first_name(words.at(name + 1)) {
        name + 1
    } else {
        return None;
    };
    if known(end + 1) && state_words(words, end + 1) == 0 && !words.gap_before(end + 1).contains([',', '.']) {
        end += 1;
    }
    Some(end)
}

/// "apartment four b", "number six", "# 12", "suite 200": its last word.
fn unit_end(words: &Words<'_>, index: usize) -> Option<usize> {
    let hash = words.gap_before(index).ends_with('#');
    let named = one_of(
        words.at(index),
        "apartment apt unit suite ste number floor flat lot room space building trailer",
    );
    if !hash && !named {
        return None;
    }
    let mut next = index + usize::from(named);
    if words.at(next) == "number" {
        next += 1;
    }
    let mut end = None;
    while next < words.len() && end.is_none_or(|end| next - end == 1) {
        let word = words.at(next);
        let id = numbers::is_number_word(word)
            || is_letter(word) && !(word == "i" || word == "a" && !words.at(next + 1).is_empty())
            || (word.len() <= 5 && word.bytes().any(|byte| byte.is_ascii_digit()))
            || end.is_some() && matches!(word, "oh" | "hundred")
            || matches!(word, "double");
        if !id || (end.is_some() && words.sentence_before(next)) {
            break;
        }
        end = Some(next);
        next += 1;
    }
    end
}

/// Unit, town, state and postal code after a street.
fn tail(words: &Words<'_>, chunks: &[Chunk], mut end: usize) -> usize {
    let mut next = end + 1;
    while is_hesitation(words.at(next)) || words.at(next) == "and" && unit_end(words, next + 1).is_some() {
        next += 1;
    }
    if let Some(last) = unit_end(words, next) {
        end = last;
    }
    let inside = usize::from(
        matches!(words.at(end + 1), "in" | "over" | "and") && fits_name(words, end + 2)
            || words.at(end + 1) == "in",
    );
    let town = end + 1 + inside;
    let mut town_end = None;
    for length in 0..=3 {
        let state = state_words(words, town + length);
        if state > 0 {
            town_end = Some(town + length + state - 1);
            break;
        }
        if !fits_town(words, town + length, length) {
            break;
        }
    }
    if town_end.is_none() {
        town_end = town_without_state(words, town, inside > 0);
    }
    if let Some(last) = town_end {
        end = last;
        if state_words(words, end + 1) > 0 {
            end += state_words(words, end + 1);
        }
    }
    let mut zip = end + 1;
    while matches!(words.at(zip), "zip" | "code" | "postal" | "is") {
        zip += 1;
    }
    chunks
        .iter()
        .find(|chunk| chunk.first() == zip && matches!(chunk.digits().len(), 5 | 9))
        .map_or(end, Chunk::last)
}

fn fits_town(words: &Words<'_>, index: usize, length: usize) -> bool {
    let word = words.at(index);
    let gap = words.gap_before(index);
    !word.is_empty()
        && (!is_function_word(word) || word == "new")
        && !is_hesitation(word)
        && !numbers::is_number_word(word)
        && !is_month(word)
        && !gap.contains(['?', '!', ';', ':'])
        && (length == 0 || !gap.starts_with('.'))
}

/// A town of one or two words, told by "in", by a comma and capitals, or by being no other word.
fn town_without_state(words: &Words<'_>, start: usize, inside: bool) -> Option<usize> {
    let comma = words.gap_before(start).contains(',');
    let fits = |index: usize| {
        let word = words.at(index);
        let capital = words.list.get(index).is_some_and(|word| word.capital);
        let unknown = !is_ordinary(word) && word.len() > 2 && !words.sentence_before(index);
        let two_words = matches!((word, words.at(index + 1)), ("new" | "los" | "san" | "st" | "fort" | "las" | "saint" | "el" | "santa" | "salt" | "long" | "grand" | "palm" | "baton", next) if !is_function_word(next) && !next.is_empty());
        fits_town(words, index, index - start)
            && (two_words || (unknown && (!words.cased || capital)) || (comma && capital && words.cased))
    };
    if !fits(start) || (!inside && !comma && is_first_name(words.at(start))) {
        return None;
    }
    let more = fits(start + 1) && !words.gap_before(start + 1).contains([',', '.'])
        || one_of(words.at(start), "new los san st fort las saint el santa long grand palm");
    let further =
        matches!(words.at(start + 1), "city" | "beach" | "springs" | "park" | "heights" | "hills" | "falls");
    Some(start + usize::from((more || further) && start + 1 < words.len()))
}

/// "p o box four five one".
fn boxes(words: &Words<'_>, chunks: &[Chunk], found: &mut Vec<Found>) {
    for chunk in chunks {
        let mut first = chunk.first();
        if first > 0 && words.at(first - 1) == "number" {
            first -= 1;
        }
        let back = |count: usize| first.checked_sub(count).map_or("", |index| words.at(index));
        let length = match (back(3), back(2), back(1)) {
            ("p", "o", "box") | ("post", "office", "box") => 3,
            (_, "po", "box") => 2,
            _ => continue,
        };
        let end = tail(words, chunks, chunk.last());
        found.push(Found::of(words, EntityKind::Address, first - length, end));
    }
}

/// "springfield illinois six two seven oh one".
fn towns(words: &Words<'_>, chunks: &[Chunk], found: &mut Vec<Found>) {
    for chunk in chunks {
        if chunk.digits().len() != 5 || classify::measures(words, chunk.last()) {
            continue;
        }
        let mut before = chunk.first();
        while before > 0 && matches!(words.at(before - 1), "zip" | "code") {
            before -= 1;
        }
        let Some(mut first) = (1..=2)
            .filter_map(|length| before.checked_sub(length))
            .find(|&first| state_words(words, first) > 0 && first + state_words(words, first) == before)
        else {
            continue;
        };
        for _ in 0..2 {
            let town = first.checked_sub(1).filter(|&index| {
                let word = words.at(index);
                let capital = words.list[index].capital && words.cased && !words.sentence_before(index);
                (capital || !is_ordinary(word))
                    && !is_function_word(word)
                    && !numbers::is_number_word(word)
                    && !words.gap_before(index + 1).contains(['?', '!', '.'])
            });
            let Some(town) = town else { break };
            first = town;
        }
        found.push(Found::of(words, EntityKind::Address, first, chunk.last()));
    }
}

/// Five digits as the answer to a question about an address.
fn bare_zip(words: &Words<'_>, chunks: &[Chunk]) -> Option<Found> {
    let [chunk] = chunks else { return None };
    let alone = chunk.digits().len() == 5 && chunk.last() + 1 == words.len() && chunk.first() <= 3;
    alone.then(|| Found::of(words, EntityKind::Address, chunk.first(), chunk.last()))
}
