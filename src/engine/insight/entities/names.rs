//! People's names.

use super::name_leads::{Lead, answer_start, confirms, is_booking, is_introduced, is_seat, lead_before};
use super::name_words::{
    asks_for, is_adjective, is_asked_for, is_company, is_greeted, is_other_thing, is_place_like, is_product,
    is_relation, is_safe_family, is_thing, is_title,
};
use super::numbers;
use super::spelling;
use super::subject::Subject;
use super::words::{
    Words, is_doubtful_name, is_first_name, is_function_word, is_hesitation, is_last_name, is_letter,
    is_month, is_ordinary, one_of, state_words,
};
use super::{EntityKind, Found};

/// Words of the longest name.
const LONGEST_NAME: usize = 4;

/// Finds people's names.
pub(super) fn find(words: &Words<'_>, asked: Option<Subject>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let spelled = spelling::find(words);
    let answer = (asked == Some(Subject::Name)).then(|| answer_start(words));
    let mut index = 0;
    while index < words.len() {
        if let Some(&(_, last)) = spelled.iter().find(|&&(first, last)| (first..=last).contains(&index)) {
            let first = spelled.iter().find(|&&(_, end)| end == last).map_or(index, |&(first, _)| first);
            if found.is_empty() && index == first && spells_name(words, first, answer) {
                found.push(Found::of(words, EntityKind::Person, first, last));
            }
            index = last + 1;
            continue;
        }
        let lead = if answer == Some(index) {
            lead_before(words, index).max(Lead::Name)
        } else {
            lead_before(words, index)
        };
        if let Some(last) = initials(words, index, lead) {
            found.push(Found::of(words, EntityKind::Person, index, last));
            index = last + 1;
            continue;
        }
        match name_at(words, index, lead, answer == Some(index)) {
            Some(last) => {
                found.push(Found::of(words, EntityKind::Person, index, last));
                index = last + 1;
            }
            None => index += 1,
        }
    }
    name_again(words, &mut found);
    found
}

/// "so i told frank, frank, i said": who was named is meant again.
fn name_again(words: &Words<'_>, found: &mut Vec<Found>) {
    let known: Vec<&str> = words
        .list
        .iter()
        .filter(|word| found.iter().any(|hit| hit.range == word.range) && !is_function_word(&word.lower))
        .filter(|word| !is_month(&word.lower))
        .map(|word| word.lower.as_str())
        .collect();
    for index in 0..words.len() {
        let word = &words.list[index];
        let taken =
            found.iter().any(|hit| hit.range.start < word.range.end && word.range.start < hit.range.end);
        let before = index.checked_sub(1).map_or("", |before| words.at(before));
        let verb = one_of(before, "to can you please the a will just let's i'll and or in of my we'll could");
        if !taken && !verb && known.contains(&word.lower.as_str()) && !is_other_thing(words, index, false) {
            found.push(Found::of(words, EntityKind::Person, index, index));
        }
    }
}

/// "d j whitfield" where a name is told: its last word.
fn initials(words: &Words<'_>, index: usize, lead: Lead) -> Option<usize> {
    if lead < Lead::Title {
        return None;
    }
    let letters = (index..index + 2).take_while(|&place| is_letter(words.at(place))).count();
    let family = index + letters;
    let word = words.at(family);
    let named = word.len() > 2
        && !is_function_word(word)
        && (!is_ordinary(word) || is_last_name(word) && words.at(family + 1).is_empty());
    (letters > 0 && named && !(letters == 1 && matches!(words.at(index), "a" | "i"))).then_some(family)
}

/// Spelled letters that follow a name: nobody's entity, but they tell the name as well.
pub(super) fn spelled_names(words: &Words<'_>, asked: Option<Subject>) -> Vec<(usize, usize)> {
    let people = find(words, asked);
    let wanted = asked == Some(Subject::Name);
    spelling::find(words)
        .into_iter()
        .filter(|&(first, _)| {
            let start = words.list[first].range.start;
            let after_name =
                people.iter().any(|person| person.range.end <= start && start - person.range.end < 60);
            wanted || after_name || spells_name(words, first, None)
        })
        .collect()
}

fn spells_name(words: &Words<'_>, first: usize, answer: Option<usize>) -> bool {
    let near = first.saturating_sub(6)..first;
    let names = near.clone().any(|index| matches!(words.at(index), "name" | "name's" | "surname" | "names"));
    let other = near.into_iter().any(|index| {
        matches!(
            words.at(index),
            "email" | "address" | "street" | "company" | "code" | "domain" | "user" | "business"
        )
    });
    (names || answer.is_some_and(|answer| answer <= first && first <= answer + 3)) && !other
}

/// The letters of a word without its possessive ending.
fn base(word: &str) -> &str {
    word.strip_suffix("'s").unwrap_or(word)
}

/// The last word of a name that begins here.
fn name_at(words: &Words<'_>, index: usize, lead: Lead, answer: bool) -> Option<usize> {
    let word = base(words.at(index));
    let contracted = words.at(index) != word;
    if word.len() < 2
        || is_month(word) && lead < Lead::Name && !asks_for(words, index) && !is_introduced(words, index)
        || is_title(word)
        || numbers::is_number_word(word)
    {
        return None;
    }
    if word.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let capital = words.list[index].capital;
    let small_in_cased = words.cased && !capital && !words.list.iter().skip(1).all(|word| !word.capital);
    let first = is_first_name(word);
    let doubtful = is_doubtful_name(word);
    let function = is_function_word(word) && !doubtful;
    let unknown = !function
        && !is_ordinary(word)
        && !is_inflected(word)
        && !is_hesitation(word)
        && !word.contains('\'')
        || word.starts_with("o'");
    if function
        || first && small_in_cased
        || lead == Lead::None && !contracted && is_product(words.at(index + 1))
    {
        return None;
    }
    if lead == Lead::None
        && !first
        && !doubtful
        && !matches!(words.at(index + 1), "speaking" | "here" | "calling")
    {
        return None;
    }
    if is_other_thing(words, index, lead >= Lead::Introduction) {
        return None;
    }
    if is_month(word) && lead < Lead::Name && is_introduced(words, index) {
        return Some(index);
    }
    let called = lead == Lead::Name
        && matches!(index.checked_sub(2).map_or("", |before| words.at(before)), "calls" | "call")
        && one_of(
            index.checked_sub(3).map_or("", |before| words.at(before)),
            "everyone everybody folks friends people family",
        );
    let family_after = follows_as_family(words, index + 1, lead.max(Lead::Person));
    let next = words.at(index + 1);
    let closed = index + 1 >= words.len()
        || words.sentence_before(index + 1)
        || words.gap_before(index + 1).contains(',')
        || is_function_word(next);
    let accepted = match lead {
        Lead::Name => {
            let next_ordinary =
                answer && !closed && !family_after && spelling_after(words, index + 1).is_none();
            (first || doubtful || unknown || is_last_name(word) && (closed || family_after))
                && (first || !next_ordinary)
                && (!answer || !doubtful || closed || family_after)
                && !(words.cased && !capital && !first && index > 0 && any_capital_inside(words))
        }
        Lead::Title => {
            first || doubtful && word != "will" || unknown && word.len() > 2 || title_family(words, index)
        }
        Lead::Introduction => {
            let here = confirms(words, index + 1) || (family_after && confirms(words, index + 2));
            let capital_name = words.cased && capital;
            let verb = matches!(
                index.checked_sub(1).map_or("", |before| words.at(before)),
                "i'm" | "am" | "it's" | "to"
            );
            first
                || doubtful
                    && (family_after && !is_adjective(word)
                        || here && !(verb && matches!(next, "with" | "over" | "at"))
                        || closed && !is_adjective(word) && !verb && !contracted
                        || capital_name && !is_adjective(word))
                || unknown
                    && (here && !(verb && is_place(words, index))
                        || capital_name && (family_after || closed) && !is_place(words, index))
                    && !contracted
                || is_last_name(word)
                    && here
                    && matches!(next, "calling" | "speaking" | "here")
                    && !is_ordinary(word)
        }
        Lead::Person
            if is_function_word(word)
                && index + 1 < words.len()
                && is_relation(words.at(index.wrapping_sub(1))) =>
        {
            false
        }
        Lead::Person => {
            first
                || unknown
                    && word.len() > 3
                    && tells_name(words, index)
                    && !is_company(word)
                    && !is_place(words, index)
                || is_booking(words, index)
                    && (is_last_name(word)
                        || unknown && is_seat(words, index) && (closed || numbers::is_number_word(next)))
                    && !is_ordinary(word)
                    && !is_place(words, index)
                || doubtful
                    && (closed || family_after || tells_name(words, index) && is_doing(next))
                    && (!is_adjective(word) || is_greeted(words, index))
                    && !is_place(words, index)
        }
        Lead::None => {
            let caller = matches!(next, "speaking" | "here" | "calling")
                && (index == 0
                    || words.sentence_before(index)
                    || matches!(words.at(index.wrapping_sub(1)), "yes" | "hi" | "hello" | "is"))
                && (doubtful || unknown);
            let mid_capital = words.cased
                && capital
                && doubtful
                && !words.sentence_before(index)
                && !is_place(words, index)
                && !is_month(word)
                && (family_after || !is_adjective(word) && !is_place_like(word))
                && !matches!(
                    words.at(index.wrapping_sub(1)),
                    "in" | "the" | "on" | "a" | "to" | "from" | "my" | "your" | "and" | "or" | "at"
                );
            let two_names =
                doubtful && is_first_name(words.at(index + 1)) && is_last_name(words.at(index + 2));
            first
                || two_names
                || doubtful
                    && index == 0
                    && !function
                    && !is_function_word(word)
                    && !is_adjective(word)
                    && !is_place_like(word)
                    && !is_ordinary(next)
                    && family_after
                    && (words.gap_before(index + 2).contains(',') || index + 2 == words.len())
                || doubtful && is_asked_for(words, index) && !is_adjective(word)
                || doubtful
                    && family_after
                    && !is_adjective(word)
                    && !is_place_like(word)
                    && is_common_family(words.at(index + 1))
                    && (!is_function_word(word) || !is_doubtful_name(words.at(index + 1)))
                || caller
                || mid_capital
        }
    };
    let related = words.at(index + 1) == "is"
        && matches!(words.at(index + 2), "my" | "our")
        && is_relation(words.at(index + 3))
        && doubtful;
    let accepted = accepted || related || called && closed && !is_hesitation(word);
    if !accepted
        || (lead == Lead::None
            && (is_place(words, index) || is_thing(words, index) && !is_owner(words, index)))
    {
        return None;
    }
    if contracted {
        return Some(index);
    }
    Some(extend(words, index, lead))
}

fn any_capital_inside(words: &Words<'_>) -> bool {
    (1..words.len()).any(|index| {
        words.list[index].capital
            && !words.sentence_before(index)
            && words.at(index) != "i"
            && !words.at(index).starts_with("i'")
    })
}

/// "the john smith account": two names, and nothing after them that is called so.
fn is_owner(words: &Words<'_>, index: usize) -> bool {
    let after = words.at(index + 2);
    is_last_name(base(words.at(index + 1)))
        && follows_as_family(words, index + 1, Lead::None)
        && (after.is_empty()
            || is_function_word(after)
            || one_of(
                after,
                "account file policy residence household claim booking reservation family loan order",
            ))
}

/// "hope signed": a name stands before what somebody did.
fn is_doing(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ed")
        || one_of(word, "has had is was does did went called got said says paid took gave sent works lives")
}

/// Forms of words that the list of ordinary words lacks ("misspelled"); names that look like them are listed.
fn is_inflected(word: &str) -> bool {
    const ENDINGS: &[&str] =
        &["ed", "ing", "ly", "tion", "sion", "ness", "able", "ment", "ous", "ful", "ized", "less"];
    ENDINGS.iter().any(|ending| word.len() > ending.len() + 2 && word.ends_with(ending))
        && !is_last_name(word)
}

/// "my sister in law annalise", "a guy named delroy": an unknown word can only be a name.
fn tells_name(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    let owner = index.checked_sub(2).map_or("", |before| words.at(before));
    matches!(before, "named" | "spell" | "pronounce" | "pronouncing")
        || before == "law"
        || is_relation(before) && matches!(owner, "my" | "his" | "her" | "your" | "our")
}

/// A family name that is a word too, after a title: "mister brown", but not "doctor visit".
fn title_family(words: &Words<'_>, index: usize) -> bool {
    let title = index.checked_sub(1).map_or("", |before| words.at(before));
    is_last_name(words.at(index))
        && (!matches!(
            title,
            "miss" | "doctor" | "dr" | "officer" | "nurse" | "sergeant" | "captain" | "pastor" | "reverend"
        ) || words.list[index].capital && words.cased)
}

fn is_place(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    state_words(words, index) > 0 && is_place_like(words.at(index))
        || (is_place_like(words.at(index)) || !is_first_name(words.at(index)))
            && (matches!(before, "in" | "from" | "near" | "at" | "around")
                || state_words(words, index + 1) > 0)
}

fn is_common_family(word: &str) -> bool {
    is_last_name(word) && !is_ordinary(word)
}

/// Whether a word may be the family name after a first name.
fn follows_as_family(words: &Words<'_>, index: usize, lead: Lead) -> bool {
    let word = base(words.at(index));
    if word.len() < 2 || index == 0 || !matches!(words.gap_before(index), " " | "-" | "  ") {
        return false;
    }
    if is_function_word(word)
        || is_hesitation(word)
        || is_month(word)
        || is_title(word)
        || numbers::is_number_word(word)
        || numbers::unit(word).is_some()
        || word.bytes().any(|byte| byte.is_ascii_digit())
    {
        return false;
    }
    if words.cased && any_capital_inside(words) && !words.list[index].capital {
        return false;
    }
    if words.cased && words.list[index].capital && !words.at(index).contains('\'') {
        return is_last_name(word) || is_first_name(word) || !is_ordinary(word) || lead > Lead::None;
    }
    if !is_ordinary(word) {
        return (is_last_name(word) || is_first_name(word) || is_doubtful_name(word) || word.len() > 3)
            && !is_company(word);
    }
    let next = words.at(index + 1);
    let ends = next.is_empty()
        || words.sentence_before(index + 1)
        || is_function_word(next) && !one_of(next, "the a my your his her it me up back to him them off out")
        || is_letter(next);
    let safe = is_safe_family(word)
        && one_of(
            if next.is_empty() { "at" } else { next },
            "at from here calling and is on in for born date phone zip dob who has was will email my with speaking",
        );
    is_last_name(word) && (lead > Lead::None && ends || safe)
}

/// Takes in further first names, initials, particles and the family name.
fn extend(words: &Words<'_>, first: usize, lead: Lead) -> usize {
    let mut last = first;
    while last + 1 < words.len() && last - first + 1 < LONGEST_NAME {
        let next = words.at(last + 1);
        let spaced = matches!(words.gap_before(last + 1), " " | "-");
        let particle = one_of(next, "de la van von der del el al bin da di st mc mac dos le");
        let after = words.at(last + 2);
        if spaced
            && particle
            && !after.is_empty()
            && (!is_function_word(after) || matches!(after, "la" | "der" | "los"))
            && !is_ordinary(after)
        {
            last +=
                if matches!(after, "la" | "der" | "los" | "den") && last + 3 < words.len() { 3 } else { 2 };
            continue;
        }
        let initial = is_letter(next)
            && next != "i"
            && spaced
            && follows_as_family(words, last + 2, lead)
            && (next != "a" || is_common_family(words.at(last + 2)));
        let initial_dot = is_letter(next)
            && words.gap_before(last + 2).starts_with('.')
            && words.list.get(last + 2).is_some_and(|word| word.capital)
            && words.list[last + 1].capital;
        if initial || initial_dot {
            last += 2;
            continue;
        }
        let both = lead == Lead::Name && is_last_name(next) && follows_as_family(words, last + 2, lead);
        if both && spaced && !is_function_word(next) {
            last += 2;
            continue;
        }
        if words.at(first) == next {
            break;
        }
        let hyphenated = words.gap_before(last + 1) == "-" && !is_function_word(next) && !is_letter(next);
        if hyphenated && !next.is_empty() && !next.bytes().any(|byte| byte.is_ascii_digit()) {
            last += 1;
            continue;
        }
        if !follows_as_family(words, last + 1, lead) {
            break;
        }
        let third = last > first;
        let sure = lead >= Lead::Introduction && is_last_name(next);
        if third && is_ordinary(next) && !words.list[last + 1].capital && !sure {
            break;
        }
        last += 1;
        if next.ends_with("'s") {
            break;
        }
    }
    last
}

fn spelling_after(words: &Words<'_>, index: usize) -> Option<usize> {
    (is_letter(words.at(index)) && is_letter(words.at(index + 1))).then_some(index)
}
