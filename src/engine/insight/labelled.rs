//! Labelled sets: their rows, and how well findings agree with them.
//!
//! JSON lines of three kinds. `tracker`: `name`, `vocabulary`. `utterance`: `text`, `speaker`, `insights` (gold),
//! `optional_insights` (neither rewarded nor punished), `sentiment`, `entities` (`type`, `text`, `offset` in
//! characters), `trackers` (gold names), `near_miss` (names it is a trap for), `wild` (a hard row). `conversation`:
//! `utterances` with `text`, `topics` that must be found, `acceptable_topics` that may be.

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};

/// One line of a set.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Row {
    /// A tracker that all utterances of the set are held against.
    Tracker(TrackerRow),
    /// Something that somebody said.
    Utterance(UtteranceRow),
    /// Several people's turns.
    Conversation(ConversationRow),
}

/// A tracker of a set.
#[derive(Debug, Clone, Deserialize)]
pub struct TrackerRow {
    /// Its name.
    pub name: String,
    /// Its phrases.
    pub vocabulary: Vec<String>,
}

/// Something that somebody said, with what is right about it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct UtteranceRow {
    /// Names the row in reports.
    pub id: String,
    /// The words.
    pub text: String,
    /// `question`, `action_item`, `follow_up`.
    pub insights: Vec<String>,
    /// Neither right nor wrong.
    pub optional_insights: Vec<String>,
    /// `positive`, `neutral` or `negative`.
    pub sentiment: String,
    /// Personal data in it.
    pub entities: Vec<EntityRow>,
    /// Trackers that must fire.
    pub trackers: Vec<String>,
    /// Trackers that it is a trap for.
    pub near_miss: Vec<String>,
    /// Long, disfluent, indirect or misrecognised.
    pub wild: bool,
}

/// Personal data in an utterance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EntityRow {
    /// For instance `PHONE_NUMBER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The words.
    pub text: String,
    /// In characters.
    pub offset: usize,
}

/// Several people's turns, with what they are about.
#[derive(Debug, Clone, Deserialize)]
pub struct ConversationRow {
    /// In order.
    pub utterances: Vec<TurnRow>,
    /// Must be found.
    pub topics: Vec<String>,
    /// May be found.
    #[serde(default)]
    pub acceptable_topics: Vec<String>,
}

/// A turn.
#[derive(Debug, Clone, Deserialize)]
pub struct TurnRow {
    /// The words.
    pub text: String,
}

/// What was found in an utterance, in the set's own words.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Names of insights.
    pub insights: Vec<String>,
    /// `positive`, `neutral` or `negative`.
    pub sentiment: String,
    /// Personal data.
    pub entities: Vec<EntityRow>,
    /// Names of trackers that fired.
    pub trackers: Vec<String>,
}

/// Hits and misses of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Found and right.
    pub hits: u32,
    /// Found and wrong.
    pub false_alarms: u32,
    /// Right and not found.
    pub misses: u32,
}

/// A tally as shares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Of what was found, how much is right.
    pub precision: f64,
    /// Of what is right, how much was found.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// How many there are to find.
    pub gold: u32,
}

/// Scores of a whole set, for core and wild rows apart.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Label to tally; `core question`, `wild trackers` and so on.
    tallies: BTreeMap<(&'static str, String), Tally>,
    /// Part and label to its tally as one class of three.
    sentiment: BTreeMap<(&'static str, String), Tally>,
    /// Entities with exactly the right span.
    exact: BTreeMap<&'static str, u32>,
    traps: u32,
    traps_sprung: u32,
    topics_right: u32,
    topics_reported: u32,
    topics_found: u32,
    topics_gold: u32,
}

/// The labels of insights.
pub const INSIGHTS: [&str; 3] = ["question", "action_item", "follow_up"];
/// The bands of sentiment.
pub const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
/// Topics that count of one conversation.
pub const TOPICS_COUNTED: usize = 5;

impl Tally {
    /// Returns precision, recall and their mean; 1 where there is nothing to be wrong about.
    pub fn shares(&self) -> Shares {
        let share = |of: u32| if of == 0 { 1.0 } else { f64::from(self.hits) / f64::from(of) };
        let (precision, recall) = (share(self.hits + self.false_alarms), share(self.hits + self.misses));
        let sum = precision + recall;
        let f1 = if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum };
        Shares { precision, recall, f1, gold: self.hits + self.misses }
    }

    fn count(&mut self, is_gold: bool, is_found: bool) {
        match (is_gold, is_found) {
            (true, true) => self.hits += 1,
            (false, true) => self.false_alarms += 1,
            (true, false) => self.misses += 1,
            (false, false) => {}
        }
    }
}

impl Scores {
    /// Counts what was found in an utterance.
    pub fn utterance(&mut self, row: &UtteranceRow, found: &Found) {
        let part = if row.wild { "wild" } else { "core" };
        for label in INSIGHTS {
            let has = |names: &[String]| names.iter().any(|name| name == label);
            if !has(&row.optional_insights) {
                self.tally(part, label).count(has(&row.insights), has(&found.insights));
            }
        }
        for band in SENTIMENTS {
            let tally = self.sentiment.entry((part, band.to_owned())).or_default();
            tally.count(row.sentiment == band, found.sentiment == band);
        }
        self.entities(part, row, found);
        for name in &row.trackers {
            self.tally(part, "trackers").count(true, found.trackers.contains(name));
        }
        for name in found.trackers.iter().filter(|name| !row.trackers.contains(name)) {
            self.tally(part, "trackers").false_alarms += 1;
            self.traps_sprung += u32::from(row.near_miss.contains(name));
        }
        self.traps += row.near_miss.len() as u32;
    }

    /// Counts the topics of a conversation, best first.
    pub fn conversation(&mut self, row: &ConversationRow, reported: &[String]) {
        let gold: Vec<String> = row.topics.iter().map(|topic| stems(topic)).collect();
        let acceptable: Vec<String> = row.acceptable_topics.iter().map(|topic| stems(topic)).collect();
        let reported: Vec<String> = reported.iter().take(TOPICS_COUNTED).map(|topic| stems(topic)).collect();
        let is_right = |topic: &&String| gold.contains(topic) || acceptable.contains(topic);
        self.topics_right += reported.iter().filter(is_right).count() as u32;
        self.topics_reported += reported.len() as u32;
        self.topics_found += gold.iter().filter(|topic| reported.contains(topic)).count() as u32;
        self.topics_gold += gold.len() as u32;
    }

    /// Returns the shares of a label in `core`, `wild` or, for any other part, both together.
    pub fn shares(&self, part: &str, label: &str) -> Shares {
        sum(&self.tallies, part, label).shares()
    }

    /// Returns the share of gold entities whose span was found exactly.
    pub fn exact_recall(&self, part: &str) -> f64 {
        let exact: u32 = self.exact.iter().filter(|(of, _)| is_in(of, part)).map(|(_, count)| count).sum();
        match sum(&self.tallies, part, "entities").shares().gold {
            0 => 1.0,
            gold => f64::from(exact) / f64::from(gold),
        }
    }

    /// Returns the mean F1 of the three bands of sentiment, and the share of rows that are right.
    pub fn sentiment(&self, part: &str) -> (f64, f64) {
        let tallies = SENTIMENTS.map(|band| sum(&self.sentiment, part, band));
        let rows: u32 = tallies.iter().map(|tally| tally.hits + tally.misses).sum();
        let hits: u32 = tallies.iter().map(|tally| tally.hits).sum();
        let mean = tallies.iter().map(|tally| tally.shares().f1).sum::<f64>() / SENTIMENTS.len() as f64;
        (mean, f64::from(hits) / f64::from(rows.max(1)))
    }

    /// Returns how many traps there are for trackers, and how many fired.
    pub fn traps(&self) -> (u32, u32) {
        (self.traps, self.traps_sprung)
    }

    /// Returns the share of reported topics that are right, and of those to be found that were; none without
    /// conversations.
    pub fn topics(&self) -> Option<(f64, f64)> {
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        (self.topics_gold > 0).then(|| {
            (share(self.topics_right, self.topics_reported), share(self.topics_found, self.topics_gold))
        })
    }

    fn entities(&mut self, part: &'static str, row: &UtteranceRow, found: &Found) {
        let mut unmatched: Vec<&EntityRow> = found.entities.iter().collect();
        for gold in &row.entities {
            let hit = unmatched.iter().position(|entity| entity.kind == gold.kind && overlaps(entity, gold));
            self.tally(part, "entities").count(true, hit.is_some());
            if let Some(hit) = hit {
                let is_exact = unmatched.swap_remove(hit) == gold;
                *self.exact.entry(part).or_default() += u32::from(is_exact);
            }
        }
        self.tally(part, "entities").false_alarms += unmatched.len() as u32;
    }

    fn tally(&mut self, part: &'static str, label: &str) -> &mut Tally {
        self.tallies.entry((part, label.to_owned())).or_default()
    }
}

fn sum(tallies: &BTreeMap<(&'static str, String), Tally>, part: &str, label: &str) -> Tally {
    let of_label = tallies.iter().filter(|((of, name), _)| name == label && is_in(of, part));
    of_label.fold(Tally::default(), |total, (_, tally)| Tally {
        hits: total.hits + tally.hits,
        false_alarms: total.false_alarms + tally.false_alarms,
        misses: total.misses + tally.misses,
    })
}

fn is_in(part: &str, wanted: &str) -> bool {
    part == wanted || !matches!(wanted, "core" | "wild")
}

fn overlaps(a: &EntityRow, b: &EntityRow) -> bool {
    let end = |entity: &EntityRow| entity.offset + entity.text.chars().count();
    a.offset < end(b) && b.offset < end(a)
}

fn stems(text: &str) -> String {
    let stemmer = Stemmer::create(Algorithm::English);
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        stemmer.stem(&bare).into_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(kind: &str, text: &str, offset: usize) -> EntityRow {
        EntityRow { kind: kind.to_owned(), text: text.to_owned(), offset }
    }

    fn row(insights: &[&str], optional: &[&str]) -> UtteranceRow {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        UtteranceRow { insights: own(insights), optional_insights: own(optional), ..UtteranceRow::default() }
    }

    #[test]
    fn optional_insights_are_neither_rewarded_nor_punished() {
        let mut scores = Scores::default();
        let found = Found { insights: vec!["question".into(), "action_item".into()], ..Found::default() };
        scores.utterance(&row(&["question"], &["action_item"]), &found);
        scores.utterance(&row(&["follow_up"], &[]), &found);
        let shares = scores.shares("core", "question");
        assert_eq!((shares.precision, shares.recall, shares.gold), (0.5, 1.0, 1));
        assert_eq!(scores.shares("core", "action_item").precision, 0.0);
        assert_eq!(scores.shares("all", "follow_up").recall, 0.0);
        assert_eq!(scores.shares("wild", "question").f1, 1.0, "nothing there to be wrong about");
    }

    #[test]
    fn an_entity_counts_by_overlap_and_its_span_apart() {
        let mut scores = Scores::default();
        let gold = UtteranceRow {
            entities: vec![entity("AGE", "forty two", 5), entity("PIN", "1234", 30)],
            ..UtteranceRow::default()
        };
        let found = Found {
            entities: vec![entity("AGE", "two", 11), entity("PIN", "1234", 30), entity("SSN", "1", 0)],
            ..Found::default()
        };
        scores.utterance(&gold, &found);
        let shares = scores.shares("core", "entities");
        assert_eq!((shares.recall, (shares.precision * 3.0).round()), (1.0, 2.0));
        assert_eq!(scores.exact_recall("all"), 0.5);
    }

    #[test]
    fn a_sprung_trap_is_a_false_alarm_as_well() {
        let mut scores = Scores::default();
        let row = UtteranceRow { near_miss: vec!["Refund".into()], ..UtteranceRow::default() };
        scores.utterance(&row, &Found { trackers: vec!["Refund".into()], ..Found::default() });
        assert_eq!(scores.traps(), (1, 1));
        assert_eq!(scores.shares("core", "trackers").precision, 0.0);
    }

    #[test]
    fn topics_are_compared_by_stems_and_only_the_first_five_count() {
        let mut scores = Scores::default();
        let row = ConversationRow {
            utterances: Vec::new(),
            topics: vec!["billing cycles".into()],
            acceptable_topics: vec!["late fee".into()],
        };
        let reported = ["Billing cycle", "late fees", "a", "b", "c", "d"].map(str::to_owned);
        scores.conversation(&row, &reported);
        assert_eq!(scores.topics(), Some((0.4, 1.0)));
    }

    #[test]
    fn sentiment_is_the_mean_of_three_bands() {
        let mut scores = Scores::default();
        for (gold, found) in [("positive", "positive"), ("neutral", "neutral"), ("negative", "neutral")] {
            let row = UtteranceRow { sentiment: gold.into(), ..UtteranceRow::default() };
            scores.utterance(&row, &Found { sentiment: found.into(), ..Found::default() });
        }
        let (macro_f1, accuracy) = scores.sentiment("all");
        assert!((accuracy - 2.0 / 3.0).abs() < 1e-9 && (macro_f1 - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-9);
    }
}
