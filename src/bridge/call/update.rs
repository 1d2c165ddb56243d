//! Lifecycle updates as dashboards see them (`symbl-protocol` 6.4, with fields of our own).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::leg::LegExit;
use super::registry::LegId;
use crate::symbl::Speaker;

/// What an update says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// A leg is up.
    ConnectionStarted,
    /// A leg was up when the dashboard joined.
    ConnectionExists,
    /// A leg is down.
    ConnectionStopped,
}

/// A leg as updates describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegView {
    /// The caller.
    pub speaker: Speaker,
    /// What a dashboard subscribes to.
    pub connection_id: String,
    /// The server's id of the conversation; absent when the server never named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Twilio's call.
    pub call_sid: String,
    /// The conference.
    pub room: String,
}

/// A fact about a leg, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegNews {
    /// The leg is up.
    Started(LegId, LegView),
    /// The leg is down.
    Stopped(LegId, LegView, LegExit),
}

/// One update, ready for the wire.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Update {
    /// What it says.
    #[serde(rename = "type")]
    pub kind: UpdateKind,
    /// The leg.
    #[serde(flatten)]
    pub leg: LegView,
    /// Counts up by one; `connection_exists` repeats the number of its `connection_started`.
    pub id: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Why the leg ended; only on `connection_stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Numbers news and remembers which legs are up, for dashboards that join later.
#[derive(Debug, Default)]
pub struct UpdateLog {
    last_id: u64,
    live: BTreeMap<LegId, Update>,
}

impl UpdateLog {
    /// Returns the update that tells the news.
    pub fn publish(&mut self, news: LegNews, at: Timestamp) -> Update {
        self.last_id += 1;
        let id = self.last_id;
        match news {
            LegNews::Started(number, leg) => {
                let started = Update { kind: UpdateKind::ConnectionStarted, leg, id, at, reason: None };
                self.live.insert(number, Update { kind: UpdateKind::ConnectionExists, ..started.clone() });
                started
            }
            LegNews::Stopped(number, leg, exit) => {
                self.live.remove(&number);
                Update { kind: UpdateKind::ConnectionStopped, leg, id, at, reason: Some(exit.as_str()) }
            }
        }
    }

    /// Returns one `connection_exists` for each live leg, oldest first.
    pub fn snapshot(&self) -> impl Iterator<Item = &Update> {
        self.live.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(call: &str) -> LegView {
        LegView {
            speaker: Speaker { user_id: "+12125550123".to_owned(), name: "Agent".to_owned() },
            connection_id: "C".to_owned(),
            conversation_id: Some("V".to_owned()),
            call_sid: call.to_owned(),
            room: "room-7".to_owned(),
        }
    }

    #[test]
    fn updates_have_the_known_shape_and_our_fields() {
        let at: Timestamp = "2026-03-03T10:15:00Z".parse().unwrap();
        let mut log = UpdateLog::default();
        let started = serde_json::to_value(log.publish(LegNews::Started(LegId(1), leg("CA1")), at)).unwrap();
        let expected = serde_json::json!({
            "type": "connection_started",
            "speaker": { "userId": "+12125550123", "name": "Agent" },
            "connectionId": "C", "conversationId": "V",
            "id": 1, "at": "2026-03-03T10:15:00Z", "callSid": "CA1", "room": "room-7"
        });
        assert_eq!(started, expected);
        let stopped = log.publish(LegNews::Stopped(LegId(1), leg("CA1"), LegExit::Hangup), at);
        assert_eq!(serde_json::to_value(stopped).unwrap()["reason"], "hangup");
    }

    #[test]
    fn a_snapshot_names_the_live_legs_with_their_numbers() {
        let mut log = UpdateLog::default();
        for (number, call) in [(1, "CA1"), (2, "CA2"), (3, "CA3")] {
            log.publish(LegNews::Started(LegId(number), leg(call)), Timestamp::UNIX_EPOCH);
        }
        log.publish(LegNews::Stopped(LegId(2), leg("CA2"), LegExit::Hangup), Timestamp::UNIX_EPOCH);
        let live: Vec<_> = log.snapshot().map(|update| (update.leg.call_sid.as_str(), update.id)).collect();
        assert_eq!(live, [("CA1", 1), ("CA3", 3)]);
        assert!(log.snapshot().all(|update| update.kind == UpdateKind::ConnectionExists));
    }
}
