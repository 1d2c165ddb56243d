//! How old a person is.

use super::numbers::Chunk;
use super::subject::Subject;
use super::words::{Words, is_first_name, is_function_word, is_hesitation, is_month, one_of};
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
    if years_old
        && words.at(next) == "year"
        && is_had(words, element.first)
        && is_end_or_function(words, next + 2)
    {
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
    let half = next > element.last + 1;
    let counted = half && super::classify::measures(words, next - 1);
    let ends = is_end(words, next) && !matches!(words.at(next + 1), "a" | "half" | "percent");
    let soon = birthday_follows(words, next);
    let adult = (18..100).contains(&years);
    let is_age = match (copula(words, element.first)?, half) {
        (_, true) => !counted && years < 18 && !matches!(copula(words, element.first), Some(Copula::I)),
        (Copula::I, _) => {
            adult && (ends || soon || words.at(next) == "on" && !is_function_word(words.at(next + 1)))
        }
        (Copula::He, _) => {
            years % 100 != 50 && words.at(next).is_empty()
                || ends && (3..100).contains(&years)
                || words.at(next) == "now"
        }
        (Copula::Relative, _) => ends,
        (Copula::Will, _) => soon || ends && (adult || words.at(element.first - 1) == "turning"),
        (Copula::Nears, _) => ends && years >= 30 && years.is_multiple_of(10),
    };
    is_age.then(|| hit(next - 1))?
}

/// "we have a" three year old: of things people say what they are.
fn is_had(words: &Words<'_>, number: usize) -> bool {
    let back = |count: usize| number.checked_sub(count).map_or("", |index| words.at(index));
    matches!(back(1), "my" | "our" | "her" | "his")
        || back(1) == "a" && matches!(back(2), "have" | "has" | "with" | "got" | "and" | "had" | "for")
}

fn is_end_or_function(words: &Words<'_>, index: usize) -> bool {
    is_end(words, index) || is_function_word(words.at(index))
}

/// What says how old somebody is.
#[derive(Debug, Clone, Copy)]
enum Copula {
    /// "i'm".
    I,
    /// "she is".
    He,
    /// "my son's", "the patient is", "she turned".
    Relative,
    /// "he'll be", "she turns".
    Will,
    /// "i'm pushing".
    Nears,
}

fn copula(words: &Words<'_>, number: usize) -> Option<Copula> {
    let mut index = number;
    let adverb = |word: &str| {
        one_of(word, "almost about only just nearly already like around now actually maybe still over barely")
    };
    while index > 0
        && number - index < 3
        && (is_hesitation(words.at(index - 1)) || adverb(words.at(index - 1)))
    {
        index -= 1;
    }
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    let is_pronoun = |word: &str| matches!(word, "i" | "he" | "she");
    let is_now =
        |word: &str| matches!(word, "i'm" | "he's" | "she's") || word.ends_with("'s") && is_person(word);
    match back(1) {
        "i'm" => Some(Copula::I),
        "am" if back(2) == "i" => Some(Copula::I),
        "he's" | "she's" => Some(Copula::He),
        "is" | "was" if matches!(back(2), "he" | "she") => Some(Copula::He),
        "turned" if is_pronoun(back(2)) || is_person(back(2)) => Some(Copula::Relative),
        "is" | "was" if is_person(back(2)) => Some(Copula::Relative),
        "is" | "turned" if is_first_name(back(2)) => {
            Some(if is_person(back(3)) { Copula::Relative } else { Copula::He })
        }
        "turning" if back(2) == "is" && is_person(back(3)) => Some(Copula::Will),
        "turns" | "turning" if is_pronoun(back(2)) || is_person(back(2)) || is_now(back(2)) => {
            Some(Copula::Will)
        }
        "turn" if matches!(back(2), "i" | "i'll" | "he'll" | "she'll" | "will" | "gonna" | "to") => {
            Some(Copula::Will)
        }
        "be" => {
            let will = matches!(back(2), "i'll" | "he'll" | "she'll")
                || back(2) == "will" && (is_pronoun(back(3)) || is_person(back(3)))
                || back(2) == "gonna" && (is_now(back(3)) || back(3) == "is")
                || (back(3), back(2)) == ("going", "to") && (is_now(back(4)) || back(4) == "is");
            will.then_some(Copula::Will)
        }
        "pushing" | "nearing" | "approaching" | "hitting" if is_now(back(2)) || back(2) == "is" => {
            Some(Copula::Nears)
        }
        name if name.ends_with("'s") && is_person(name) => Some(Copula::Relative),
        _ => None,
    }
}

/// Whether nothing that is counted follows: the clause ends, or another begins.
fn is_end(words: &Words<'_>, next: usize) -> bool {
    words.sentence_before(next)
        || words.gap_before(next).contains(',')
        || one_of(
            words.at(next),
            "now and so but going i he she my i'm he's she's we you sweetheart honey dear ma'am sir love hon buddy",
        )
        || words.at(next).is_empty()
}

/// "in may", "next week", "this summer", "on sunday".
fn birthday_follows(words: &Words<'_>, next: usize) -> bool {
    let after = words.at(next + 1);
    let season = one_of(after, "spring summer fall autumn winter");
    let day = one_of(after, "monday tuesday wednesday thursday friday saturday sunday");
    match words.at(next) {
        "in" => is_month(after) || season || after == "the",
        "next" | "this" | "come" => {
            is_month(after) || season || day || one_of(after, "week month year weekend")
        }
        "on" => day || after == "the",
        "tomorrow" | "soon" => true,
        _ => false,
    }
}

fn is_person(word: &str) -> bool {
    one_of(
        word.trim_end_matches("'s"),
        "son daughter boy girl man woman male female kid child mother father mom dad husband wife \
            grandson granddaughter patient baby grandmother grandfather brother sister nephew niece \
            aunt uncle youngest oldest eldest teenager fiance fiancee cousin law toddler lady guy gentleman one's one driver student grandma grandpa twins \
            person customer partner insured applicant policyholder claimant resident caller passenger employee",
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
