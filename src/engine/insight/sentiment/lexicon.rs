//! Words and phrases with what they feel like, read once from the two data files.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// VADER's words; MIT, see the readme beside the file.
const WORDS: &str = include_str!("../data/sentiment-lexicon.txt");
/// Our own phrases and corrections of single words.
pub(super) const TELEPHONE: &str = include_str!("../data/sentiment-telephone.txt");

/// Bytes a scan for phrases may remember, a thread; with a quarter of it scans take ten times as long.
const SCAN_MEMORY: usize = 32 << 20;
/// What a booster adds; VADER's constant.
const BOOST: f64 = 0.293;

/// The lexicon, built on first use.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(WORDS, TELEPHONE));

/// Valences of words and phrases.
pub(super) struct Lexicon {
    words: HashMap<Box<str>, f64>,
    /// Which phrases occur at all; `phrases` tells where.
    any: RegexSet,
    phrases: Vec<(f64, Regex)>,
}

impl Lexicon {
    /// Reads the files; a line that makes no sense is left out (a test looks for them).
    fn read(words: &str, telephone: &str) -> Self {
        let mut lexicon =
            Self { words: HashMap::with_capacity(8000), any: RegexSet::empty(), phrases: Vec::new() };
        for line in words.lines().filter(|line| !line.starts_with('#')) {
            lexicon.read_words(line);
        }
        let mut macros: Vec<(String, String)> = Vec::new();
        for line in joined_lines(telephone) {
            if let Some((name, pattern)) = line.split_once(" = ").filter(|_| line.starts_with('@')) {
                macros.push((name.to_owned(), pattern.trim().to_owned()));
            } else if line.contains('=') {
                lexicon.read_words(&line.replacen('=', "", 1));
            } else if let Some((valence, regex)) = phrase(&line, &macros) {
                lexicon.phrases.push((valence, regex));
            }
        }
        let sources = lexicon.phrases.iter().map(|(_, regex)| regex.as_str());
        if let Ok(any) = RegexSetBuilder::new(sources)
            .unicode(false)
            .size_limit(1 << 28)
            .dfa_size_limit(SCAN_MEMORY)
            .build()
        {
            lexicon.any = any;
        }
        lexicon
    }

    fn read_words(&mut self, line: &str) {
        let mut parts = line.split_whitespace();
        let Some(Ok(valence)) = parts.next().map(str::parse::<f64>) else { return };
        self.words.extend(parts.map(|word| (word.into(), valence)));
    }

    /// Returns a word's valence, 0 for one that says nothing.
    pub(super) fn word(&self, word: &str) -> f64 {
        self.words.get(word).copied().unwrap_or(0.0)
    }

    /// Returns the phrases in normalised text, those listed first before the others.
    pub(super) fn phrases_in<'a>(
        &'a self,
        normal: &'a str,
    ) -> impl Iterator<Item = (Range<usize>, f64)> + 'a {
        self.any.matches(normal).into_iter().filter_map(|index| self.phrases.get(index)).flat_map(
            move |(valence, regex)| regex.find_iter(normal).map(move |found| (found.range(), *valence)),
        )
    }
}

/// Returns what a word adds to the strength of a word after it.
pub(super) fn booster(word: &str) -> f64 {
    match word {
        "really" | "so" | "very" | "extremely" | "absolutely" | "completely" | "totally" | "incredibly"
        | "super" | "especially" | "quite" | "most" | "more" | "too" | "particularly" | "highly"
        | "truly" | "seriously" | "honestly" | "entirely" | "fully" | "utterly" | "total" | "complete"
        | "absolute" => BOOST,
        "almost" | "barely" | "hardly" | "kinda" | "less" | "little" | "slightly" | "somewhat" | "sorta"
        | "bit" | "partly" | "occasionally" => -BOOST,
        _ => 0.0,
    }
}

/// Returns the file's statements: comments and empty lines gone, lines that begin with `|` joined to the one before.
pub(super) fn joined_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match lines.last_mut().filter(|_| line.starts_with('|')) {
            Some(last) => last.push_str(line),
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Returns the phrase of a line "valence pattern", or nothing if either cannot be read.
pub(super) fn phrase(line: &str, macros: &[(String, String)]) -> Option<(f64, Regex)> {
    let (valence, pattern) = line.split_once(' ')?;
    let mut pattern = pattern.trim().to_owned();
    // The last first: a macro may use those before it.
    for (name, meaning) in macros.iter().rev() {
        pattern = pattern.replace(name.as_str(), meaning);
    }
    // Normalised text is ASCII letters and digits wherever a pattern can match, so ASCII classes are enough and smaller.
    let regex =
        RegexBuilder::new(&format!(r"\b(?:{pattern})\b")).unicode(false).size_limit(1 << 24).build().ok()?;
    Some((valence.parse().ok()?, regex))
}
