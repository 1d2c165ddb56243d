//! How the words before a word announce a name.

use super::name_words::{is_relation, is_role, is_title};
use super::words::{Words, is_hesitation, is_letter, is_ordinary, one_of};

/// How surely the words before a word announce a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lead {
    None,
    /// "thanks", "speaking with": names that are words too count, unknown words don't.
    Person,
    /// "this is": unknown words count if "calling", "from" or the like follows.
    Introduction,
    /// "mister": unknown words and family names count.
    Title,
    /// "my name is": whatever is no ordinary word counts.
    Name,
}

/// Where the name begins in an answer to "and your name?".
pub(super) fn answer_start(words: &Words<'_>) -> usize {
    let mut index = 0;
    while index < words.len()
        && (is_hesitation(words.at(index))
            || one_of(
                words.at(index),
                "yes yeah sure it's it is that's that my name name's this okay ok of course first last the \
            would be and so well i'm yep absolutely certainly full oh mine hi hello just i am",
            ))
        && !(words.at(index) == "i" && is_letter(words.at(index + 1)))
    {
        index += 1;
    }
    index
}

/// What the words directly before announce.
pub(super) fn lead_before(words: &Words<'_>, index: usize) -> Lead {
    let mut place = index;
    while place > 0
        && (is_hesitation(words.at(place - 1)) || words.at(place - 1) == "like")
        && index - place < 2
    {
        place -= 1;
    }
    let back = |count: usize| place.checked_sub(count).map_or("", |index| words.at(index));
    let (one, two, three) = (back(1), back(2), back(3));
    if is_title(one) {
        return Lead::Title;
    }
    let owner = matches!(
        three,
        "my" | "the"
            | "his"
            | "her"
            | "your"
            | "whose"
            | "first"
            | "last"
            | "full"
            | "maiden"
            | "sur"
            | "their"
            | "a"
            | "and"
            | "yeah"
            | ""
            | "middle"
            | "married"
    ) || three.ends_with("'s");
    if is_named_on(words, place) {
        return Lead::Name;
    }
    let spelled_with = words.at(index + 1) == "with"
        && matches!(words.at(index + 2), "a" | "an")
        && is_letter(words.at(index + 3));
    if spelled_with && matches!(one, "that's" | "it's" | "is" | "") {
        return Lead::Title;
    }
    match (two, one) {
        ("name" | "surname" | "names", "is" | "was" | "would") if owner || two == "surname" => {
            return Lead::Name;
        }
        ("name", "of") if matches!(three, "the" | "by") => return Lead::Name,
        ("on" | "for" | "under", "the") => {}
        ("name", "it's") | ("name", "as") => return Lead::Name,
        (
            "my" | "first" | "last" | "his" | "her" | "whose" | "the" | "husband's" | "wife's" | "maiden"
            | "your",
            "name's" | "names",
        ) => return Lead::Name,
        ("last" | "first" | "maiden", "name") => return Lead::Name,
        ("go" | "goes", "by") => return Lead::Name,
        ("this", "is") | ("that's", "to") => return Lead::Introduction,
        (
            "speak" | "speaking" | "talk" | "talking" | "talked" | "spoke" | "spoken" | "chatting"
            | "chatted",
            "with" | "to",
        ) => {
            return Lead::Introduction;
        }
        ("calling" | "asking" | "looking" | "message" | "ask" | "asked" | "here", "for") => {
            return Lead::Person;
        }
        ("thank", "you")
        | ("call", "me")
        | ("i", "am")
        | ("behalf", "of")
        | ("attention", "to")
        | ("named", _) => {}
        _ => {}
    }
    match one {
        "surname" | "surname's" => Lead::Name,
        "under"
            if matches!(two, "reservation's" | "booking's" | "account's" | "appointment's" | "room's") =>
        {
            Lead::Title
        }
        "under"
            if one_of(
                two,
                "it's be is listed booked registered filed that's it that them reservation booking appointment \
                    account room table order put under everything file",
            ) =>
        {
            Lead::Title
        }
        "for" if is_booking(words, place) => Lead::Person,
        "me" if two == "calls" => Lead::Name,
        "told" => Lead::Person,
        "spell" | "pronounce" | "pronouncing" => Lead::Person,
        "named" => Lead::Person,
        "i'm" => Lead::Introduction,
        "am" if two == "i" => Lead::Introduction,
        "it's"
            if place == 1
                || words.sentence_before(place - 1)
                || matches!(
                    two,
                    "hi" | "hello" | "hey" | "sure" | "yeah" | "yes" | "uh" | "um" | "okay" | "so"
                ) =>
        {
            Lead::Introduction
        }
        "thanks" | "hi" | "hello" | "hey" | "dear" => Lead::Person,
        "you" if two == "thank" => Lead::Person,
        "me" if two == "call" && !matches!(words.at(index), "asap" | "anytime") => Lead::Name,
        "is" if two == "it" && (place == 2 || words.sentence_before(place - 2)) => Lead::Introduction,
        "is" | "was" | "are" if is_relation(two) || is_role(two) => Lead::Introduction,
        "be" if is_relation(three) || is_role(three) => Lead::Introduction,
        "of" if two == "behalf" => Lead::Person,
        relation if is_relation(relation) => Lead::Person,
        "law" if two == "in" && is_relation(three) => Lead::Person,
        _ => Lead::None,
    }
}

/// Words after an unknown name that show that somebody was introduced.
pub(super) fn confirms(words: &Words<'_>, index: usize) -> bool {
    let spelled = (index..index + 3).all(|place| is_letter(words.at(place)));
    spelled
        || matches!(words.at(index), "calling" | "from" | "speaking" | "here" | "with" | "over")
        || matches!(
            (words.at(index), words.at(index + 1)),
            ("and", "i" | "i'm") | ("again", _) | ("i", "am") | ("i'm", _) | ("at", "the")
        )
}

/// "the name on the card is", "name on it should be".
fn is_named_on(words: &Words<'_>, place: usize) -> bool {
    let back = |count: usize| place.checked_sub(count).map_or("", |index| words.at(index));
    let copula = match back(1) {
        "is" | "was" | "says" | "reads" => 1,
        "be" if matches!(back(2), "should" | "would" | "will") => 2,
        _ => return false,
    };
    (3..=4).any(|count| {
        back(copula + count) == "name"
            && matches!(back(copula + count - 1), "on" | "for")
            && !is_ordinary_place(back(copula + 1))
    }) || back(copula + 1) == "it" && back(copula + 2) == "on" && back(copula + 3) == "name"
}

/// What bears the name of a firm rather than of a person.
fn is_ordinary_place(word: &str) -> bool {
    one_of(word, "sign building door store company product app network wifi domain website")
}

/// "a reservation for", "i have a table for": before a family name.
pub(super) fn is_booking(words: &Words<'_>, index: usize) -> bool {
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    back(1) == "for"
        && one_of(
            back(2),
            "reservation booking table appointment room package prescription message parcel delivery pickup refill",
        )
}

/// "a table for": nobody books one for a place or a medicine.
pub(super) fn is_seat(words: &Words<'_>, index: usize) -> bool {
    let thing = index.checked_sub(2).map_or("", |index| words.at(index));
    matches!(thing, "reservation" | "table" | "room" | "message" | "parcel")
}

/// "this is may in billing": where somebody works, so that even a month is a name.
pub(super) fn is_introduced(words: &Words<'_>, index: usize) -> bool {
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    let works = one_of(
        words.at(index + 2),
        "billing sales support accounts service claims scheduling shipping returns hr collections customer \
            reception dispatch technical tech the payroll reservations housekeeping",
    );
    let greeted = matches!(back(1), "hi" | "hello" | "hey" | "thanks") && words.at(index) != "may";
    if greeted && (index + 1 == words.len() || one_of(words.at(index + 1), "it's i i'm this it how thanks")) {
        return true;
    }
    (back(2), back(1)) == ("this", "is")
        && (matches!(words.at(index + 1), "calling" | "speaking" | "from" | "with")
            || matches!(words.at(index + 1), "in" | "at") && works
            || index + 1 == words.len() && !is_ordinary(words.at(index)))
}
