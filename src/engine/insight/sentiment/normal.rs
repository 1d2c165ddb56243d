//! Text as the phrases expect it: lowercase words, one space between them, contractions written out, no fillers.

use std::borrow::Cow;

/// Returns the words of `text` with one space between them.
pub(super) fn normalise(text: &str) -> String {
    let mut words: Vec<Cow<'static, str>> = Vec::new();
    for raw in text
        .split(|symbol: char| symbol.is_whitespace() || matches!(symbol, '-' | '/' | ',' | '.' | '\u{2014}'))
    {
        let word: String = raw
            .chars()
            .map(|symbol| if symbol == '\u{2019}' { '\'' } else { symbol })
            .filter(|symbol| symbol.is_alphanumeric() || *symbol == '\'')
            .flat_map(char::to_lowercase)
            .collect();
        let word = word.trim_matches('\'');
        if word.is_empty() || is_filler(word) {
            continue;
        }
        push_written_out(word, &mut words);
        drop_repetition(&mut words);
    }
    drop_asides(&mut words);
    words.join(" ")
}

fn is_filler(word: &str) -> bool {
    matches!(word, "um" | "uh" | "er" | "ah" | "hmm" | "hm" | "mm" | "erm" | "uhm" | "mhm" | "eh" | "huh")
}

/// Pushes a word with its contraction written out.
fn push_written_out(word: &str, words: &mut Vec<Cow<'static, str>>) {
    let whole: &[&'static str] = match word {
        "won't" | "wont" => &["will", "not"],
        "can't" | "cant" | "cannot" => &["can", "not"],
        "ain't" | "aint" => &["is", "not"],
        "gonna" => &["going", "to"],
        "wanna" => &["want", "to"],
        "gotta" => &["got", "to"],
        "y'all" | "yall" => &["you", "all"],
        "let's" | "lets" => &["let", "us"],
        "im" => &["i", "am"],
        "ive" => &["i", "have"],
        "thats" => &["that", "is"],
        "alright" => &["all", "right"],
        "ok" => &["okay"],
        "shoulda" => &["should", "have"],
        "kinda" => &["kind", "of"],
        "sorta" => &["sort", "of"],
        "outta" => &["out", "of"],
        "cuz" | "cause" | "'cause" => &["because"],
        "no-one" | "noone" => &["no", "one"],
        "thankyou" => &["thank", "you"],
        _ => &[],
    };
    if !whole.is_empty() {
        words.extend(whole.iter().map(|&part| Cow::Borrowed(part)));
        return;
    }
    let negated = word.strip_suffix("n't").or_else(|| {
        // The recogniser may leave the apostrophe out.
        word.strip_suffix("nt").filter(|verb| {
            matches!(
                *verb,
                "do" | "does"
                    | "did"
                    | "is"
                    | "was"
                    | "are"
                    | "were"
                    | "have"
                    | "has"
                    | "had"
                    | "could"
                    | "would"
                    | "should"
            )
        })
    });
    let (stem, added) = if let Some(stem) = negated {
        (stem, "not")
    } else if let Some((stem, ending)) = word.split_once('\'') {
        let added = match ending {
            "s" => "is",
            "re" => "are",
            "m" => "am",
            "ll" => "will",
            "ve" => "have",
            "d" => "would",
            _ => "",
        };
        (stem, added)
    } else {
        (word, "")
    };
    if !stem.is_empty() {
        words.push(Cow::Owned(stem.to_owned()));
    }
    if !added.is_empty() {
        words.push(Cow::Borrowed(added));
    }
}

/// Drops what was just said twice: "i already i already", "my my". "Over and over" has an "and" between.
fn drop_repetition(words: &mut Vec<Cow<'static, str>>) {
    let length = words.len();
    for size in [1, 2] {
        if length >= 2 * size && words[length - size..] == words[length - 2 * size..length - size] {
            words.truncate(length - size);
            return;
        }
    }
}

/// Drops "you know", "i mean" and "kind of" where nothing depends on them.
fn drop_asides(words: &mut Vec<Cow<'static, str>>) {
    let mut index = 0;
    while index + 1 < words.len() {
        let before = if index == 0 { "" } else { words[index - 1].as_ref() };
        let after = words.get(index + 2).map_or("", AsRef::as_ref);
        let aside = match (words[index].as_ref(), words[index + 1].as_ref()) {
            ("you", "know") => {
                !matches!(
                    before,
                    "do" | "did" | "let" | "if" | "as" | "would" | "will" | "that" | "now" | "glad"
                ) && !matches!(
                    after,
                    "what" | "how" | "why" | "when" | "where" | "if" | "that" | "who" | "anything"
                )
            }
            ("kind" | "sort", "of") => !matches!(
                before,
                "what" | "this" | "that" | "some" | "any" | "the" | "every" | "all" | "same" | "which"
            ),
            ("i", "mean") => !matches!(before, "what" | "know" | "see" | "do"),
            _ => false,
        };
        if aside {
            words.drain(index..index + 2);
        } else {
            index += 1;
        }
    }
}

/// Returns whether a text asks: by its mark, or without one by how it starts.
pub(super) fn is_question(text: &str, words: &[&str]) -> bool {
    if text.trim_end().ends_with('?') {
        return true;
    }
    let lead = words
        .iter()
        .take_while(|word| {
            matches!(**word, "and" | "so" | "but" | "okay" | "well" | "or" | "yeah" | "oh" | "right" | "now")
        })
        .count();
    let word = |index: usize| words.get(lead + index).copied().unwrap_or("");
    match word(0) {
        "what" | "how" | "why" | "when" | "where" | "who" | "which" => matches!(
            word(1),
            "is" | "are"
                | "was"
                | "were"
                | "do"
                | "does"
                | "did"
                | "can"
                | "could"
                | "will"
                | "would"
                | "should"
                | "has"
                | "have"
                | "much"
                | "many"
                | "long"
                | "about"
                | "seems"
                | "happens"
                | "time"
                | "one"
                | "kind"
                | "soon"
        ),
        // "Have you heard" asks, "have a nice day" does not.
        "have" | "has" => matches!(
            word(1),
            "you" | "i" | "we" | "they" | "he" | "she" | "it" | "there" | "anybody" | "anyone"
        ),
        "is" | "are" | "was" | "were" | "do" | "does" | "did" | "can" | "could" | "will" | "would"
        | "may" | "should" => {
            matches!(
                word(1),
                "i" | "you"
                    | "it"
                    | "he"
                    | "she"
                    | "we"
                    | "they"
                    | "there"
                    | "that"
                    | "this"
                    | "the"
                    | "my"
                    | "your"
                    | "anybody"
                    | "anyone"
                    | "somebody"
                    | "someone"
                    | "not"
                    | "any"
                    | "these"
                    | "those"
                    | "an"
                    | "a"
            )
        }
        _ => false,
    }
}

/// Returns whether a text begins as a promise or a plan: "I will look into the delay".
pub(super) fn is_promise(words: &[&str]) -> bool {
    let lead = words
        .iter()
        .take_while(|word| {
            matches!(**word, "and" | "so" | "okay" | "well" | "all" | "right" | "yeah" | "sure")
        })
        .count();
    let rest = &words[lead..];
    matches!(
        rest,
        ["i" | "we", "will" | "can", ..]
            | ["i" | "we", "am" | "are", "going", "to", ..]
            | ["let", "me" | "us", ..]
            | ["i" | "we", "would", "like", "to", ..]
    ) && !rest.iter().take(4).any(|word| matches!(*word, "not" | "never"))
}
