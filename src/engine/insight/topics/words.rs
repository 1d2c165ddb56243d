//! What kind of word a word is, as far as topics need it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

/// Derived from harper-brill 3.0.0, Apache-2.0; see the readme beside the file.
const WORDS: &str = include_str!("../data/topic-words.txt");
/// Our own exceptions.
const TALK: &str = include_str!("../data/topic-talk.txt");

/// What a word can be in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A noun, or a word no list knows.
    Noun,
    /// Noun by nature, but too general to be a topic alone.
    Vague,
    /// Describes a noun.
    Adjective,
    /// A verb in -ing, which before a noun belongs to it ("tracking number").
    Gerund,
    /// Another verb; a noun after an article ("the charge").
    Verb,
    /// Ends a run.
    Other,
}

static KINDS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let mut kinds = HashMap::with_capacity(11_000);
    // The exceptions come second and win.
    for line in WORDS.lines().chain(TALK.lines()).filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let kind = words.next();
        for word in words {
            let kind = match kind {
                Some("n") => Kind::Noun,
                Some("u") => Kind::Vague,
                Some("a") => Kind::Adjective,
                Some("v") if word.ends_with("ing") => Kind::Gerund,
                Some("v") => Kind::Verb,
                _ => Kind::Other,
            };
            kinds.insert(word, kind);
        }
    }
    kinds
});

/// First names, which are no topics: people address each other all the time.
static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    TALK.lines().filter_map(|line| line.strip_prefix("name ")).flat_map(str::split_whitespace).collect()
});

/// Returns the kind of a lowercase word.
pub(super) fn kind(word: &str) -> Kind {
    if NAMES.contains(word) {
        return Kind::Other;
    }
    if let Some(&known) = KINDS.get(word) {
        return known;
    }
    let base = word.strip_suffix('s').filter(|base| base.len() > 3).and_then(|base| KINDS.get(base));
    match base {
        Some(Kind::Vague) => return Kind::Vague,
        Some(Kind::Noun) => return Kind::Noun,
        _ => {}
    }
    let adverb = word.len() > 4 && word.ends_with("ly");
    if adverb || word.chars().count() < 2 || word.bytes().any(|byte| byte.is_ascii_digit()) {
        Kind::Other
    } else if word.len() > 4 && word.ends_with("ed") {
        Kind::Verb
    } else if word.len() > 5 && word.ends_with("ing") {
        Kind::Gerund
    } else {
        Kind::Noun
    }
}

/// Returns a word's stem.
pub(super) fn stem(word: &str) -> String {
    static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
    STEMMER.stem(word).into_owned()
}
