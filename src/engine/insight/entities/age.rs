//! How old a person is.

use super::numbers::Chunk;
use super::subject::Subject;
use super::words::{Words, is_hesitation, one_of};
use super::{EntityKind, Found};

/// Finds people's ages; those of cars and contracts are nobody's secret.
pub(super) fn find(words: &Words<'_>, chunks: &[Chunk], asked: Option<Subject>) -> Vec<Found> {
    chunks.iter().filter_map(|chunk| age(words, chunk, asked)).collect()
}

fn age(words: &Words<'_>, chunk: &Chunk, asked: Option<Subject>) -> Option<Found> {
    let element = chunk.elements.last()?;
    let years: u32 = element.digits.parse().ok().filter(|years| (1..=115).contains(years))?;
    let hit = |last: usize| Some(Found::of(words, EntityKind::Age, element.first, last));
    let mut next = element.last + 1;
    if (words.at(next), words.at(next + 1), words.at(next + 2)) == ("and", "a", "half") {
        next += 3;
    }
    let years_old = matches!(words.at(next), "years" | "year" | "months" | "month" | "yr" | "yrs")
        && words.at(next + 1) == "old";
    let of_age = words.at(next) == "years" && words.at(next + 1) == "of" && words.at(next + 2) == "age";
    if years_old && is_person(words.at(next + 2)) {
        return hit(next + 1);
    }
    if (years_old || of_age)
        && !words.at(next + 2).is_empty()
        && words.at(next) == "year"
        && !about_person(words, element.first)
    {
        return None;
    }
    if years_old || of_age {
        let alone = element.first == 0 || asked == Some(Subject::Age);
        return (alone || about_person(words, element.first))
            .then(|| hit(next + usize::from(years_old) + 2 * usize::from(of_age)))?;
    }
    if super::classify::measures(words, element.last) || chunk.elements.len() > 1 {
        return None;
    }
    let back = |count: usize| element.first.checked_sub(count).map_or("", |index| words.at(index));
    let named = matches!(
        (back(2), back(1)),
        ("age", "is")
            | ("age", "of")
            | ("my", "age")
            | ("at", "age")
            | ("is", "age")
            | ("am", "age")
            | ("i'm", "age")
    ) || back(1) == "aged"
        || matches!(
            (back(2), back(1)),
            ("i", "turned") | ("just", "turned") | ("she", "turned") | ("he", "turned")
        );
    if named && years >= 1 {
        return hit(element.last);
    }
    if asked == Some(Subject::Age) && element.first <= 6 {
        return hit(element.last);
    }
    let end = matches!(words.at(next), "" | "now" | "and" | "going") || words.sentence_before(next);
    let is_relative = matches!(back(1), "is" | "was" | "turned" | "turns") && is_person(back(2))
        || back(1).ends_with("'s") && is_person(back(1));
    let of_relative = is_relative
        && matches!(words.at(next), "" | "now" | "and")
        && !matches!(words.at(next + 1), "a" | "half");
    let will_be = matches!(
        (back(2), back(1)),
        ("i'll" | "she'll" | "he'll", "be") | ("i", "turn") | ("she" | "he", "turns")
    ) && matches!(words.at(next), "" | "come" | "this" | "next" | "in")
        && years >= 18;
    if of_relative || will_be {
        return hit(element.last);
    }
    let said_of_person = matches!(back(1), "i'm" | "he's" | "she's" | "turning")
        || matches!(
            (back(2), back(1)),
            ("i", "am")
                | ("he", "is")
                | ("she", "is")
                | ("i'm" | "he's" | "she's", "almost" | "about" | "only" | "nearly")
        );
    (said_of_person && end && (18..100).contains(&years)
        || matches!(back(1), "he's" | "she's")
            && end
            && words.at(next).is_empty()
            && !matches!(words.at(next + 1), "a" | "half" | "percent")
            && years % 100 != 50)
        .then(|| hit(element.last))?
}

fn is_person(word: &str) -> bool {
    one_of(
        word.trim_end_matches("'s"),
        "son daughter boy girl man woman male female kid child mother father mom dad husband wife \
            grandson granddaughter patient baby grandmother grandfather brother sister nephew niece \
            aunt uncle toddler lady guy gentleman one's one driver student grandma grandpa twins \
            person customer partner",
    )
}

/// Whether the words before a number are about somebody.
fn about_person(words: &Words<'_>, index: usize) -> bool {
    let mut skipped = 0;
    for before in (index.saturating_sub(6)..index).rev() {
        let word = words.at(before);
        if is_person(word)
            || matches!(word, "i'm" | "he's" | "she's" | "he" | "she" | "we're" | "they're" | "who's" | "who")
        {
            return true;
        }
        if word == "i" {
            return matches!(words.at(before + 1), "am" | "was" | "turned" | "will" | "just");
        }
        let passes = super::numbers::is_number_word(word)
            || one_of(
                word,
                "is am was are about almost like only just already now turning be nearly around and over \
            will turned who a my actually both something no little one's forty",
            )
            || is_hesitation(word);
        skipped += 1;
        if !passes || skipped > 5 {
            return false;
        }
    }
    false
}
