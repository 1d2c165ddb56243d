//! STUB
use crate::engine::meaning::*;
use std::ops::Range;
use std::sync::Arc;
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerDefinition {
    pub id: String,
    pub name: String,
    pub phrases: Vec<String>,
    pub threshold: Option<f32>,
    pub is_strict: bool,
}
pub struct Tracker {
    pub id: String,
    pub name: String,
    pub phrases: Vec<String>,
}
impl Tracker {
    pub fn new(d: &TrackerDefinition) -> Self {
        Self { id: d.id.clone(), name: d.name.clone(), phrases: d.phrases.clone() }
    }
    pub fn is_embedded(&self) -> bool {
        true
    }
    pub fn embed_next(&self, _: &Meaning) -> bool {
        false
    }
}
pub struct Hit {
    pub tracker: usize,
    pub phrase: usize,
    pub range: Option<Range<usize>>,
    pub score: f32,
}
pub fn find(trackers: &[Arc<Tracker>], text: &str, _vector: Option<&Vector>) -> Vec<Hit> {
    let lower = text.to_ascii_lowercase();
    let mut out = vec![];
    for (t, tracker) in trackers.iter().enumerate() {
        for (p, phrase) in tracker.phrases.iter().enumerate() {
            if let Some(at) = lower.find(&phrase.to_ascii_lowercase()) {
                out.push(Hit { tracker: t, phrase: p, range: Some(at..at + phrase.len()), score: 1.0 })
            }
        }
    }
    out
}
