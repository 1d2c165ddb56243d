//! A compiled rule: a regular expression over normalised words in which `{NAME}` stands for a class of words.

use super::words;
use regex::Regex;

/// A regular expression over normalised words.
#[derive(Debug)]
pub(super) struct Pattern {
    /// None only if the template does not compile, which a test of every template excludes; it then matches nothing.
    compiled: Option<Regex>,
}

impl Pattern {
    /// Compiles a template. `\b` is the boundary of an ASCII word, which keeps the matcher on its fast path; `\w` may be
    /// an apostrophe, since the words are those of "my wife's card".
    pub(super) fn new(template: &str) -> Self {
        let mut written_out = template.replace(r"\b", r"(?-u:\b)").replace(r"\w", r"[\w']");
        for (name, class) in words::CLASSES {
            let placeholder = format!("{{{name}}}");
            if written_out.contains(&placeholder) {
                let class = class.replace(r"\w", r"[\w']");
                written_out = written_out.replace(&placeholder, &format!("(?:{class})"));
            }
        }
        let compiled = Regex::new(&written_out);
        debug_assert!(compiled.is_ok(), "{template}: {compiled:?}");
        Self { compiled: compiled.ok() }
    }

    /// Compiles several templates.
    pub(super) fn all(templates: &[&str]) -> Vec<Self> {
        templates.iter().map(|template| Self::new(template)).collect()
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.compiled.as_ref().is_some_and(|compiled| compiled.is_match(text))
    }

    /// Returns where the first match starts and ends.
    pub(super) fn find(&self, text: &str) -> Option<std::ops::Range<usize>> {
        self.compiled.as_ref()?.find(text).map(|found| found.range())
    }

    /// Returns the text before, the text of, and the text after every match.
    pub(super) fn matches_in_context<'text>(
        &'text self,
        text: &'text str,
    ) -> impl Iterator<Item = (&'text str, &'text str, &'text str)> {
        let matches = self.compiled.iter().flat_map(move |compiled| compiled.find_iter(text));
        matches.map(move |found| {
            (text[..found.start()].trim_end(), found.as_str(), text[found.end()..].trim_start())
        })
    }

    /// Returns the text of the first capture group of the first match.
    pub(super) fn capture<'text>(&self, text: &'text str) -> Option<&'text str> {
        Some(self.compiled.as_ref()?.captures(text)?.get(1)?.as_str())
    }

    pub(super) fn replace_all(&self, text: &str, replacement: &str) -> String {
        match &self.compiled {
            Some(compiled) => compiled.replace_all(text, replacement).into_owned(),
            None => text.to_owned(),
        }
    }
}

/// Returns the last words of a normalised text, at most `count`.
pub(super) fn last_words(text: &str, count: usize) -> &str {
    let starts = text.rmatch_indices(' ').nth(count.saturating_sub(1));
    starts.map_or(text, |(index, _)| &text[index + 1..])
}
