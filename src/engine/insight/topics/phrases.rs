//! Runs of nouns and adjectives in a message.

use super::words::{Kind, kind, stem};

/// A word of a run.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) stem: String,
    /// Only describes; it cannot end a topic.
    pub(super) adjective: bool,
    /// Too general to be a topic alone.
    pub(super) vague: bool,
}

/// A message's word with what it is and whether a mark ends the clause after it.
struct Token {
    text: String,
    kind: Kind,
    ends_clause: bool,
}

/// Returns the runs of words that may hold topics.
pub(super) fn runs(text: &str) -> Vec<Vec<Word>> {
    let tokens = tokens(text);
    let mut runs = Vec::new();
    let mut run: Vec<Word> = Vec::new();
    for index in 0..tokens.len() {
        let token = &tokens[index];
        match role(&tokens, index) {
            Some(adjective) => {
                let repeated = run.last().is_some_and(|last| last.text == token.text);
                if !repeated {
                    let vague = token.kind == Kind::Vague;
                    run.push(Word { text: token.text.clone(), stem: stem(&token.text), adjective, vague });
                }
            }
            None => close(&mut run, &mut runs),
        }
        if token.ends_clause {
            close(&mut run, &mut runs);
        }
    }
    close(&mut run, &mut runs);
    runs
}

/// Ends a run; adjectives at its end describe nothing.
fn close(run: &mut Vec<Word>, runs: &mut Vec<Vec<Word>>) {
    while run.last().is_some_and(|word| word.adjective) {
        run.pop();
    }
    if !run.is_empty() {
        runs.push(std::mem::take(run));
    }
}

/// Returns whether a token belongs to a run, and if so whether it only describes.
fn role(tokens: &[Token], index: usize) -> Option<bool> {
    let clause_start = index == 0 || tokens[index - 1].ends_clause;
    let before = if clause_start { "" } else { tokens[index - 1].text.as_str() };
    let after = tokens.get(index + 1).filter(|_| !tokens[index].ends_clause);
    let after_noun = after.is_some_and(|token| matches!(token.kind, Kind::Noun | Kind::Vague));
    let after_text = after.map_or("", |token| token.text.as_str());
    match tokens[index].kind {
        Kind::Noun | Kind::Vague => {
            // "I email", "you invoice", "to order the": a noun in a verb's place.
            let verb_before = matches!(
                before,
                "i" | "you"
                    | "we"
                    | "they"
                    | "will"
                    | "can"
                    | "could"
                    | "would"
                    | "should"
                    | "not"
                    | "please"
                    | "let's"
                    | "i'll"
                    | "we'll"
                    | "you'll"
                    | "they'll"
                    | "don't"
                    | "didn't"
                    | "can't"
                    | "won't"
                    | "doesn't"
                    | "gonna"
                    | "wanna"
                    | "who"
                    | "must"
                    | "may"
                    | "might"
                    | "never"
                    | "just"
            ) || (before == "to" || clause_start) && is_object_start(after_text);
            (!verb_before).then_some(false)
        }
        Kind::Adjective => Some(true),
        Kind::Gerund => {
            let fits = matches!(
                before,
                "" | "the"
                    | "a"
                    | "an"
                    | "my"
                    | "your"
                    | "our"
                    | "this"
                    | "that"
                    | "of"
                    | "for"
                    | "no"
                    | "any"
                    | "with"
            );
            let belongs = after_noun && fits && !before.is_empty();
            let stands_alone = is_article(before) && !is_object_start(after_text);
            (belongs || stands_alone).then_some(false)
        }
        Kind::Verb => {
            // "the charge", "a return", "late charge".
            let noun_place = is_article(before) && !tokens[index].text.ends_with("ed");
            noun_place.then_some(false)
        }
        Kind::Other => None,
    }
}

fn is_article(word: &str) -> bool {
    is_determiner(word) || matches!(word, "no" | "any" | "another" | "every" | "each" | "of")
}

/// Returns whether a word begins what a verb acts on.
fn is_object_start(word: &str) -> bool {
    is_determiner(word)
        || matches!(
            word,
            "it" | "me"
                | "you"
                | "us"
                | "them"
                | "him"
                | "this"
                | "that"
                | "these"
                | "those"
                | "any"
                | "some"
                | "with"
                | "up"
                | "out"
                | "off"
                | "another"
                | "what"
                | "how"
                | "if"
        )
}

fn is_determiner(word: &str) -> bool {
    matches!(word, "the" | "a" | "an" | "my" | "your" | "our" | "his" | "her" | "their")
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for raw in text.split(|symbol: char| symbol.is_whitespace() || matches!(symbol, '/' | '\u{2014}' | '-')) {
        let ends_clause = raw.ends_with(['.', ',', '?', '!', ';', ':']);
        let plain: String = raw
            .chars()
            .map(|symbol| if symbol == '\u{2019}' { '\'' } else { symbol })
            .flat_map(char::to_lowercase)
            .collect();
        let word = plain.trim_matches(|symbol: char| !symbol.is_alphanumeric());
        let word = word.strip_suffix("'s").unwrap_or(word);
        if word.is_empty() {
            if let Some(last) = tokens.last_mut() {
                let last: &mut Token = last;
                last.ends_clause |= ends_clause;
            }
            continue;
        }
        // What is written with a contraction, an address or a number in it is no topic.
        let kind = if word.chars().all(char::is_alphabetic) { kind(word) } else { Kind::Other };
        tokens.push(Token { text: word.to_owned(), kind, ends_clause });
    }
    tokens
}
