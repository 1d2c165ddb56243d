//! What the legs of a conversation asked for, taken together.
//!
//! Everything but a leg's own words goes to every leg (`symbl-protocol` 2.7), so there is one setting a conversation:
//! what one leg asks for all get, and what one leg wants hidden nobody gets. A leg that leaves takes nothing back.

use std::collections::BTreeSet;

use crate::symbl::client_message::{InsightType, StartRequest, TrackerWish};

/// Trackers that one conversation may bring along; what comes beyond is left out.
const MOST_TRACKERS: usize = 500;

/// The union of all start requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Wishes {
    pub(super) insight_types: BTreeSet<InsightType>,
    /// The lowest that any leg asked for.
    pub(super) confidence_threshold: Option<f64>,
    pub(super) sentiment: bool,
    pub(super) entities: bool,
    /// What personal data is replaced by; none: it stays.
    pub(super) redaction: Option<String>,
    pub(super) interim_trackers: bool,
    pub(super) title: Option<String>,
    pub(super) trackers: Vec<TrackerWish>,
    pub(super) all_trackers: bool,
}

impl Wishes {
    /// Adds what one more leg asks for.
    pub(super) fn add(&mut self, request: &StartRequest) {
        self.insight_types.extend(&request.insight_types);
        let lowest = self.confidence_threshold.unwrap_or(1.0).min(request.confidence_threshold);
        self.confidence_threshold = Some(lowest);
        self.sentiment |= request.sentiment;
        self.entities |= request.detect_entities || request.redaction.identify;
        if request.redaction.redact {
            self.redaction.get_or_insert_with(|| request.redaction.replacement.clone());
        }
        self.interim_trackers |= request.interim_trackers;
        if self.title.is_none() {
            self.title.clone_from(&request.meeting_title);
        }
        self.all_trackers |= request.enable_all_trackers;
        for tracker in &request.trackers {
            if self.trackers.len() < MOST_TRACKERS && !self.trackers.contains(tracker) {
                self.trackers.push(tracker.clone());
            }
        }
    }

    /// Returns whether an insight is to be sent.
    pub(super) fn want(&self, kind: InsightType, score: f64) -> bool {
        self.insight_types.contains(&kind) && score >= self.confidence_threshold.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbl::client_message::{ClientMessage, Redaction};

    fn request(text: &str) -> StartRequest {
        match ClientMessage::parse(text) {
            ClientMessage::Start(request) => *request,
            _ => StartRequest::default(),
        }
    }

    #[test]
    fn what_one_leg_asks_for_all_get_and_what_one_wants_hidden_nobody_gets() {
        let mut wishes = Wishes::default();
        wishes.add(&request(
            r#"{"type":"start_request","insightTypes":["question"],"config":{"confidenceThreshold":0.8,"meetingTitle":"A"}}"#,
        ));
        wishes.add(&request(
            r#"{"type":"start_request","insightTypes":["follow_up"],"config":{"confidenceThreshold":0.6,"sentiment":true,
                "meetingTitle":"B","redaction":{"redactContent":true,"redactionString":"~"}},
                "trackers":[{"name":"T","vocabulary":["x"]},{"name":"T","vocabulary":["x"]}]}"#,
        ));
        assert!(wishes.want(InsightType::Question, 0.7) && wishes.want(InsightType::FollowUp, 0.6));
        assert!(!wishes.want(InsightType::ActionItem, 1.0) && !wishes.want(InsightType::Question, 0.5));
        assert_eq!(wishes.title.as_deref(), Some("A"));
        assert_eq!(wishes.redaction.as_deref(), Some("~"));
        assert!(wishes.sentiment && !wishes.entities);
        assert_eq!(wishes.trackers.len(), 1);
    }

    #[test]
    fn identified_content_is_reported_even_when_it_is_hidden() {
        let mut wishes = Wishes::default();
        let redaction = Redaction { identify: true, redact: false, replacement: "*".to_owned() };
        wishes.add(&StartRequest { redaction, ..StartRequest::default() });
        assert!(wishes.entities && wishes.redaction.is_none());
    }
}
