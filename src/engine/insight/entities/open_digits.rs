//! Digits at the ends of a message, which may belong to a number that is read out in several.

use super::classify::{Candidate, LONGEST_JOIN, groups, subject_of};
use super::numbers::{Chunk, joins};
use super::subject::Subject;
use super::words::{Words, is_hesitation};

/// The digits at the end of a text that may go on in the next one: their first and last word.
pub(super) fn at_end(
    words: &Words<'_>,
    chunks: &[Chunk],
    asked: Option<Subject>,
    least: usize,
) -> Option<(usize, usize)> {
    let group = groups(words, chunks).pop()?;
    let last = group.last()?.last();
    let closed =
        (last + 1..words.len()).any(|index| !joins(words.at(index)) && !is_hesitation(words.at(index)));
    if closed || words.len() > last + 1 + LONGEST_JOIN {
        return None;
    }
    let candidate = Candidate::of(words, group);
    let harmless = matches!(subject_of(words, &candidate, asked), Some(Subject::Harmless | Subject::Amount));
    (candidate.digits.len() >= least && !harmless).then_some((candidate.first, last))
}

/// The digits that a text begins with: their first and last word.
pub(super) fn at_start(words: &Words<'_>, chunks: &[Chunk]) -> Option<(usize, usize)> {
    let group = groups(words, chunks).into_iter().next()?;
    let candidate = Candidate::of(words, group);
    let starts = (0..candidate.first).all(|index| joins(words.at(index)) || is_hesitation(words.at(index)));
    starts.then_some((candidate.first, candidate.last))
}
