//! STUB
use std::ops::Range;
pub struct TimedWord {
    pub start_ms: u64,
    pub end_ms: u64,
}
pub struct Sentence {
    pub text: Range<usize>,
    pub words: Range<usize>,
}
pub fn sentences(text: &str, _words: &[TimedWord]) -> Vec<Sentence> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut w = 0;
    for (i, _) in text.match_indices(['.', '?', '!']) {
        if i + 1 < text.len() && !text[i + 1..].starts_with(' ') {
            continue;
        }
        let n = text[at..=i].split_whitespace().count();
        out.push(Sentence { text: at..i + 1, words: w..w + n });
        w += n;
        at = (i + 2).min(text.len());
    }
    if at < text.len() {
        let n = text[at..].split_whitespace().count();
        out.push(Sentence { text: at..text.len(), words: w..w + n });
    }
    out
}
pub fn punctuate(text: &str, _is_question: bool) -> String {
    text.to_owned()
}
