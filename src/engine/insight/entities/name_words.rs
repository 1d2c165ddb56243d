//! Words that decide whether a name is one: titles, relations, products, places, shops.

use super::numbers;
use super::words::{Words, is_letter, one_of};

pub(super) fn is_title(word: &str) -> bool {
    matches!(
        word,
        "mister"
            | "mr"
            | "mrs"
            | "missus"
            | "ms"
            | "miss"
            | "doctor"
            | "dr"
            | "professor"
            | "prof"
            | "missis"
            | "officer"
            | "nurse"
            | "sergeant"
            | "captain"
            | "pastor"
            | "reverend"
    )
}

/// Adjectives among the names that stand alone after "this is".
pub(super) fn is_adjective(word: &str) -> bool {
    one_of(
        word,
        "major precious rich royal sunny windy young easter dusty misty gay german merry earnest \
            sterling roman rocky rusty summer autumn junior christian art chance destiny joy olive \
            violet rose ivory max les van mi queen king prince princess guy buddy bud german's alpha \
            terra crystal ward reed jewel charity candy grant chase lane miles",
    )
}

pub(super) fn is_relation(word: &str) -> bool {
    one_of(
        word,
        "husband wife son daughter brother sister colleague boss manager friend partner roommate \
            coworker mother father mom dad assistant",
    )
}

/// Family names that are words, yet after a first name hardly ever mean the word.
pub(super) fn is_safe_family(word: &str) -> bool {
    one_of(
        word,
        "foster brown white green black king baker wood woods hill hall young bell fox hunt stone \
            ward rice parks banks burns carpenter wolf moss snow frost fields brooks knight bishop \
            mills waters barber cross chambers flowers graves gray grey hood bond lamb pierce shepherd \
            singer weaver winters summers sparks walls west day long little wise",
    )
}

/// What makes a first name the name of a product: "the dave app".
pub(super) fn is_product(word: &str) -> bool {
    one_of(
        word,
        "app model card bot plan edition version system software tool series router printer machine \
            brand sofa mattress chair table phone platform collection bed couch desk dress boots shoes \
            package suite device theme",
    )
}

/// Things that are called like people.
pub(super) fn is_other_thing(words: &Words<'_>, index: usize) -> bool {
    let word = words.at(index);
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    let after = words.at(index + 1);
    let place = one_of(before, "st saint san santa mount fort port lake los las cape santo")
        && !(before == "st" && index < 2);
    let named_place = one_of(
        after,
        "street avenue ave road lane drive boulevard county city airport hospital university \
            college school bank insurance court place parkway schwab deere kors klein lauren hilfiger \
            vuitton bauer jones's daniels spade jerry's mae mac club clinic medical plaza station \
            hotel inn stadium center buster's callender's jewelers beauty airlines electric motors \
            pharmacy hill park island beach bridge square crescent way blvd rd st madden luther fargo \
            hancock lewis's crow dean's craig's cards cream barr",
    );
    let spelling = (before == "in" && index >= 2 && words.at(index - 2) == "as")
        || (matches!(before, "for" | "like")
            && index >= 2
            && is_letter(words.at(index - 2))
            && words.at(index - 2) != "i"
            && words.at(index - 2) != "a");
    let brand = matches!(
        (before, word),
        ("papa" | "jimmy", "john's")
            | ("trader", "joe's")
            | ("sam's", "club")
            | ("charles", "schwab")
            | ("edward", "jones")
            | ("raymond", "james")
            | ("morgan", "stanley")
            | ("p", "morgan")
            | ("jp", "morgan")
            | ("johnson" | "and", "johnson")
            | ("wells", "fargo")
            | ("martin", "luther")
            | ("uncle", "ben's" | "sam" | "ben")
            | ("aunt", _)
            | ("fannie" | "sallie" | "freddie", _)
            | ("mary", "kay")
            | ("tom", "tom")
            | ("hey" | "ok", "alexa" | "siri")
    ) || matches!(
        (word, after),
        ("edward", "jones")
            | ("raymond", "james")
            | ("morgan", "stanley")
            | ("mary", "kay")
            | ("tom", "tom")
            | ("jimmy" | "papa", "john's")
            | ("john", "deere" | "hancock")
            | ("sherwin", _)
            | ("harley", _)
            | ("ben", "and")
            | ("merrill", "lynch")
            | ("dave", "and")
            | ("dun", _)
            | ("martin", "luther")
            | ("lloyd's", _)
            | ("red", _)
            | ("oliver", "wyman")
            | ("ernst", _)
            | ("eli", "lilly")
            | ("ray", "ban" | "bans")
            | ("phillips" | "philip", "morris")
            | ("kelley" | "kelly", "blue")
            | ("jack", "in")
            | ("calvin", "klein")
            | ("dale", "carnegie")
    );
    let shop = one_of(
        word,
        "wendy's macy's denny's kohl's lowe's arby's carl's levi's sam's claire's aaron's michael's \
            michaels marshalls gerald's dick's joann's bert's marie's sally's lloyd's victoria's \
            tiffany's craig's leon's domino's jenny's hannah's",
    );
    place
        || named_place
        || spelling
        || brand
        || shop
        || words.gap_before(index).ends_with(['@', '.', '_'])
            && index > 0
            && !words.gap_before(index).contains(' ')
}

/// "hi rose", but not "thanks buddy".
pub(super) fn is_greeted(words: &Words<'_>, index: usize) -> bool {
    let greeting = index.checked_sub(1).map_or("", |before| words.at(before));
    matches!(greeting, "hi" | "hello" | "thanks" | "you" | "hey")
        && !one_of(
            words.at(index),
            "young german rich major merry guy buddy bud junior sunny queen prince max",
        )
}

/// "is austin there".
pub(super) fn is_asked_for(words: &Words<'_>, index: usize) -> bool {
    index > 0
        && words.at(index - 1) == "is"
        && matches!(words.at(index + 1), "there" | "available" | "around" | "home")
}

/// Doubtful names that are states, cities or brands first of all.
pub(super) fn is_place_like(word: &str) -> bool {
    one_of(
        word,
        "austin dallas houston denver cleveland orlando jackson savannah sydney florence geneva \
            valencia odessa georgia virginia carolina india kenya israel asia victoria alexandria \
            lincoln santiago diego trinidad mercedes chase chester jefferson franklin newton norris \
            santos guadalupe rosario lourdes sierra shelby van troy sterling marshall wallace windows \
            chad cornell nelson",
    )
}

pub(super) fn is_company(word: &str) -> bool {
    matches!(word, "verizon" | "vodafone" | "comcast" | "xfinity" | "tmobile" | "sprint" | "symbl" | "twilio")
}

/// "ask for april": nobody asks for a month.
pub(super) fn asks_for(words: &Words<'_>, index: usize) -> bool {
    let back = |count: usize| index.checked_sub(count).map_or("", |index| words.at(index));
    matches!(
        (back(2), back(1)),
        ("ask" | "asked", "for") | ("speak" | "spoke" | "talk" | "talked", "with" | "to")
    ) && !numbers::is_number_word(words.at(index + 1))
}
