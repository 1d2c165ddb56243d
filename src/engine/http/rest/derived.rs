//! What is made of a conversation: the bridge from records to the insight functions.
//!
//! TEMPORARY: [`Talk`], [`Analytics`], [`analyse`] and [`extract`] stand in for `engine::insight::analytics` and
//! `engine::insight::summary` until those are merged; then this file only re-exports them.

use std::collections::{BTreeMap, HashMap};

/// Somebody talked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// The member's place.
    pub member: usize,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time.
    pub end_ms: i64,
    /// How many words.
    pub words: u32,
}

/// Who talked how long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Analytics {
    /// From the first word to the last.
    pub duration_ms: i64,
    /// Time in which anybody talked.
    pub talk_ms: i64,
    /// Time in which several talked.
    pub overlap_ms: i64,
    /// One a member.
    pub members: Vec<MemberTime>,
}

/// One member's time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberTime {
    /// Time in which they talked.
    pub talk_ms: i64,
    /// Words a minute of their talk.
    pub words_per_minute: u32,
    /// Time shared with others: the other's place, milliseconds.
    pub overlaps: Vec<(usize, i64)>,
}

/// Returns who talked how long.
pub fn analyse(members: usize, talks: &[Talk]) -> Analytics {
    let mut edges: Vec<(i64, bool, usize)> = talks
        .iter()
        .filter(|talk| talk.end_ms > talk.start_ms && talk.member < members)
        .flat_map(|talk| [(talk.start_ms, true, talk.member), (talk.end_ms, false, talk.member)])
        .collect();
    edges.sort_unstable();
    let mut analytics = Analytics { members: vec![MemberTime::default(); members], ..Analytics::default() };
    let mut shared: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    let mut active: BTreeMap<usize, u32> = BTreeMap::new();
    let mut before_ms = edges.first().map_or(0, |edge| edge.0);
    for (at_ms, begins, member) in edges {
        let passed_ms = at_ms - before_ms;
        before_ms = at_ms;
        analytics.duration_ms += passed_ms;
        analytics.talk_ms += if active.is_empty() { 0 } else { passed_ms };
        analytics.overlap_ms += if active.len() > 1 { passed_ms } else { 0 };
        for &one in active.keys() {
            analytics.members[one].talk_ms += passed_ms;
            for &other in active.keys().filter(|&&other| other != one) {
                *shared.entry((one, other)).or_default() += passed_ms;
            }
        }
        let count = active.entry(member).or_default();
        *count = if begins { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            active.remove(&member);
        }
    }
    for ((one, other), ms) in shared {
        if ms > 0 {
            analytics.members[one].overlaps.push((other, ms));
        }
    }
    for (place, member) in analytics.members.iter_mut().enumerate() {
        let words =
            talks.iter().filter(|talk| talk.member == place).map(|talk| f64::from(talk.words)).sum::<f64>();
        if member.talk_ms > 0 {
            member.words_per_minute = (words * 60_000.0 / member.talk_ms as f64).round() as u32;
        }
    }
    analytics
}

/// Returns the places of the sentences that say most, in order.
pub fn extract(sentences: &[&str], most: usize) -> Vec<usize> {
    let words_of = |sentence: &str| -> Vec<String> {
        let words = sentence.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 3);
        words.map(str::to_lowercase).collect()
    };
    let mut counts: HashMap<String, u32> = HashMap::new();
    for word in sentences.iter().flat_map(|sentence| words_of(sentence)) {
        *counts.entry(word).or_default() += 1;
    }
    let score = |sentence: &str| words_of(sentence).iter().filter_map(|word| counts.get(word)).sum::<u32>();
    let mut ranked: Vec<(u32, usize)> =
        sentences.iter().enumerate().map(|(place, sentence)| (score(sentence), place)).collect();
    ranked.sort_by_key(|&(score, place)| (std::cmp::Reverse(score), place));
    ranked.truncate(most);
    let mut places: Vec<usize> = ranked.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_overlap_and_silence_add_up() {
        let talk = |member, start_ms, end_ms| Talk {
            member,
            start_ms,
            end_ms,
            words: ((end_ms - start_ms) / 500) as u32,
        };
        let analytics = analyse(3, &[talk(0, 0, 10_000), talk(1, 8000, 20_000), talk(1, 30_000, 40_000)]);
        assert_eq!((analytics.duration_ms, analytics.talk_ms, analytics.overlap_ms), (40_000, 30_000, 2000));
        assert_eq!(analytics.members[0].overlaps, [(1, 2000)]);
        assert_eq!(analytics.members[1].talk_ms, 22_000);
        assert_eq!(analytics.members[1].words_per_minute, 120);
        assert_eq!(analytics.members[2], MemberTime::default());
        assert_eq!(analyse(0, &[]), Analytics::default());
    }
}
