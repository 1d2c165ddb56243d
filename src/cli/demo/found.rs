//! What the engine found in the call: a line each as it comes, counted for the end. Prints nothing itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::screen::Paint;
use crate::symbl::server_message::{
    EntityResponse, Insight, InsightResponse, Message, ServerMessage, TopicResponse, TrackerResponse,
};

/// Topics in one line.
const TOPICS_SHOWN: usize = 6;

/// A line for the screen.
pub(super) type Line = Vec<(Paint, String)>;

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By kind, as the wire names it.
    insights: BTreeMap<String, usize>,
    /// Hits by tracker.
    trackers: BTreeMap<String, usize>,
    /// Finds by kind of entity.
    entities: BTreeMap<String, usize>,
    /// Best first, as last told.
    topics: Vec<String>,
    /// The message that was shown last: what was found in it needs no quotation.
    last_message: String,
}

impl Found {
    /// Takes in a message; returns the lines that a person should see.
    pub(super) fn take(&mut self, message: &ServerMessage) -> Vec<Line> {
        match message {
            ServerMessage::MessageResponse(response) => {
                response.messages.iter().map(|message| self.message(message)).collect()
            }
            ServerMessage::InsightResponse(response) => self.insights(response),
            ServerMessage::TrackerResponse(response) if response.is_final => self.trackers(response),
            ServerMessage::EntityResponse(response) => self.entities(response),
            ServerMessage::TopicResponse(response) => self.topics(response),
            _ => Vec::new(),
        }
    }

    /// Returns what was found in all, a line each.
    pub(super) fn summary(&self) -> Vec<String> {
        let counted = |counts: &BTreeMap<String, usize>, name: fn(&str) -> String| {
            let each = counts.iter().map(|(kind, count)| format!("{} {count}", name(kind)));
            each.collect::<Vec<_>>().join(", ")
        };
        [
            ("insights", counted(&self.insights, |kind| format!("{}s", spelled(kind)))),
            ("trackers", counted(&self.trackers, str::to_owned)),
            ("entities", counted(&self.entities, str::to_owned)),
            ("topics", self.topics.join(", ")),
        ]
        .map(|(name, text)| format!("  {name:<10} {}", if text.is_empty() { "none" } else { &text }))
        .into()
    }

    fn message(&mut self, message: &Message) -> Line {
        self.last_message.clone_from(&message.id);
        let (paint, score) = match &message.sentiment {
            Some(sentiment) => {
                let paint = match sentiment.suggested.as_str() {
                    "positive" => Paint::Good,
                    "negative" => Paint::Bad,
                    _ => Paint::Plain,
                };
                // No sign before a zero, from either side.
                let tenths = (sentiment.polarity.score * 10.0).round();
                (paint, if tenths == 0.0 { "0.0".to_owned() } else { format!("{:+.1}", tenths / 10.0) })
            }
            None => (Paint::Plain, String::new()),
        };
        let text = format!(" {:>9}: {}", message.from.name, message.payload.content);
        vec![(paint, format!("{score:>6}")), (Paint::Plain, text)]
    }

    fn insights(&mut self, response: &InsightResponse) -> Vec<Line> {
        let mut lines = Vec::new();
        for insight in &response.insights {
            *self.insights.entry(insight.kind.clone()).or_default() += 1;
            let text = self.quoted(insight_text(insight), &insight.message_reference.id, &insight.text);
            lines.push(finding(text));
        }
        lines
    }

    fn trackers(&mut self, response: &TrackerResponse) -> Vec<Line> {
        let mut lines = Vec::new();
        for tracker in &response.trackers {
            for (found, place) in tracker
                .matches
                .iter()
                .flat_map(|found| found.message_refs.iter().map(move |place| (found, place)))
            {
                *self.trackers.entry(tracker.name.clone()).or_default() += 1;
                let likeness = if place.offset < 0 { "like " } else { "" };
                let text = format!("tracker {}: {likeness}\"{}\"", tracker.name, found.value);
                lines.push(finding(self.quoted(text, &place.id, &place.text)));
            }
        }
        lines
    }

    fn entities(&mut self, response: &EntityResponse) -> Vec<Line> {
        let mut lines = Vec::new();
        for entity in &response.entities {
            for found in &entity.matches {
                *self.entities.entry(entity.sub_type.clone()).or_default() += 1;
                let text = format!("entity {}: {}", entity.sub_type, found.detected_value);
                let place = found.message_refs.first().map(|place| (place.id.as_str(), place.text.as_str()));
                let (id, sentence) = place.unwrap_or_default();
                lines.push(finding(self.quoted(text, id, sentence)));
            }
        }
        lines
    }

    fn topics(&mut self, response: &TopicResponse) -> Vec<Line> {
        let best: Vec<String> =
            response.topics.iter().take(TOPICS_SHOWN).map(|topic| topic.phrases.clone()).collect();
        if best == self.topics {
            return Vec::new();
        }
        self.topics = best;
        vec![vec![(Paint::Found, format!("{:>6} topics so far: {}", "", self.topics.join(", ")))]]
    }

    /// Adds the sentence, unless it is the one above.
    fn quoted(&self, text: String, message_id: &str, sentence: &str) -> String {
        if message_id == self.last_message { text } else { format!("{text} - in \"{sentence}\"") }
    }
}

fn finding(text: String) -> Line {
    vec![(Paint::Found, format!("{:>18}└ {text}", ""))]
}

fn insight_text(insight: &Insight) -> String {
    let mut text = spelled(&insight.kind);
    if let Some(name) = insight.assignee["name"].as_str() {
        text.push_str(&format!(" for {name}"));
    }
    if let Some(due) = &insight.due_by {
        let at = due.value.parse::<Timestamp>();
        let shown = at.map_or(due.value.clone(), |at| at.strftime("%a %-d %b, %H:%M UTC").to_string());
        text.push_str(&format!(", due {shown}"));
    }
    text
}

/// Returns `action item` for `action_item`.
fn spelled(kind: &str) -> String {
    match kind {
        "follow_up" => "follow-up".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: &mut Found, text: &str) -> Vec<String> {
        let lines = found.take(&ServerMessage::parse(text).unwrap());
        lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn what_is_found_stands_under_its_sentence_and_is_counted() {
        let mut found = Found::default();
        let message = r#"{"type":"message_response","messages":[
            {"id":"7","from":{"id":"m","name":"Agent","userId":"+1"},"payload":{"content":"I will call you."},
             "sentiment":{"polarity":{"score":0.42},"suggested":"positive"}}]}"#;
        assert_eq!(shown(&mut found, message), ["  +0.4     Agent: I will call you."]);
        let insight = r#"{"type":"insight_response","insights":[
            {"id":"8","type":"follow_up","text":"I will call you.","messageReference":{"id":"7"},"from":{},
             "assignee":{"id":"m","name":"Agent"},"dueBy":{"value":"2026-11-30T17:00:00.000Z"}},
            {"id":"9","type":"question","text":"When?","messageReference":{"id":"6"},"from":{},"assignee":{}}]}"#;
        assert_eq!(
            shown(&mut found, insight),
            [
                "                  └ follow-up for Agent, due Mon 30 Nov, 17:00 UTC",
                "                  └ question - in \"When?\"",
            ]
        );
        let tracker = |is_final: bool| {
            format!(
                r#"{{"type":"tracker_response","isFinal":{is_final},"trackers":[{{"id":"1","name":"Refund","matches":[
                {{"type":"vocabulary","value":"money back","insightRefs":[],
                  "messageRefs":[{{"id":"7","text":"I will call you.","offset":-1}}]}}]}}]}}"#
            )
        };
        assert_eq!(shown(&mut found, &tracker(false)), [""; 0], "words that may still change are not shown");
        assert_eq!(
            shown(&mut found, &tracker(true)),
            ["                  └ tracker Refund: like \"money back\""]
        );
        let summary = found.summary();
        assert!(summary[0].ends_with("follow-ups 1, questions 1"), "{summary:?}");
        assert!(summary[1].ends_with("Refund 1") && summary[2].ends_with("none"), "{summary:?}");
    }
}
