//! Lifecycle updates as dashboards see them (`symbl-protocol` 6.4, with fields of our own).
//!
//! Numbers never come twice, whichever process gave them: each begins above all that the one before it can have used. So a
//! dashboard that says what it saw last gets what it missed, or hears that it must begin anew.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::leg::{Interruption, LegExit, Millis};
use super::registry::LegId;
use crate::symbl::Speaker;

/// What an update says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// A leg is up.
    ConnectionStarted,
    /// A leg was up when the dashboard joined.
    ConnectionExists,
    /// The server stopped listening to a leg; the bridge connects again.
    ConnectionInterrupted,
    /// The server listens to the leg again.
    ConnectionResumed,
    /// The server is lost for good; `connection_stopped` follows at once.
    ConnectionFailed,
    /// A leg is down.
    ConnectionStopped,
}

/// A leg as updates describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LegView {
    /// The caller.
    pub speaker: Speaker,
    /// What a dashboard subscribes to.
    pub connection_id: String,
    /// The server's id of the conversation; absent when the server never named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// The server stopped listening, for now.
    Interrupted(LegId, LegView, Interruption),
    /// The server listens again.
    Resumed {
        /// The leg.
        leg: LegId,
        /// As updates describe it.
        view: LegView,
        /// For how long nobody listened.
        interrupted_ms: Millis,
        /// Audio lost meanwhile.
        lost_ms: Millis,
    },
    /// The server is lost for good.
    Failed(LegId, LegView),
    /// The leg is down.
    Stopped(LegId, LegView, LegExit),
}

/// The reason of a leg whose node died; another node says so for it.
pub const NODE_LOST: &str = "node_lost";

/// News as all nodes of a cluster hear them: an update before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The leg's name, the same on every node and never used twice.
    pub leg: String,
    /// What happened.
    pub kind: UpdateKind,
    /// The leg as updates describe it.
    pub view: LegView,
    /// When it happened.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// What the interruption came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption: Option<InterruptionSize>,
}

impl LegNews {
    /// Returns the leg's number.
    pub fn leg(&self) -> LegId {
        match self {
            Self::Started(leg, _)
            | Self::Interrupted(leg, ..)
            | Self::Failed(leg, _)
            | Self::Stopped(leg, ..)
            | Self::Resumed { leg, .. } => *leg,
        }
    }

    /// Returns the news under the leg's name.
    pub fn told(self, leg: String, at: Timestamp) -> Told {
        let told = |kind, view, reason: Option<&'static str>| Told {
            leg,
            kind,
            view,
            at,
            reason: reason.map(Cow::Borrowed),
            interruption: None,
        };
        match self {
            Self::Started(_, view) => told(UpdateKind::ConnectionStarted, view, None),
            Self::Interrupted(_, view, why) => {
                told(UpdateKind::ConnectionInterrupted, view, Some(why.as_str()))
            }
            Self::Resumed { view, interrupted_ms, lost_ms, .. } => {
                let resumed = told(UpdateKind::ConnectionResumed, view, None);
                Told { interruption: Some(InterruptionSize { interrupted_ms, lost_ms }), ..resumed }
            }
            Self::Failed(_, view) => {
                told(UpdateKind::ConnectionFailed, view, Some(LegExit::UpstreamFailed.as_str()))
            }
            Self::Stopped(_, view, exit) => told(UpdateKind::ConnectionStopped, view, Some(exit.as_str())),
        }
    }
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
    /// Counts up by one; a snapshot repeats the numbers of the updates that it stands for.
    pub id: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Why; only on `connection_interrupted`, `connection_failed` and `connection_stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// What the interruption came to; only on `connection_resumed`.
    #[serde(flatten)]
    pub interruption: Option<InterruptionSize>,
}

/// How large an interruption was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterruptionSize {
    /// Milliseconds in which nobody listened. What was said meanwhile was sent when somebody did.
    pub interrupted_ms: Millis,
    /// Milliseconds of audio that could not be kept so long.
    pub lost_ms: Millis,
}

/// Numbers news, remembers which legs are up for dashboards that join later, and the last updates for those that come back.
#[derive(Debug)]
pub struct UpdateLog {
    /// Numbers of this process are above it.
    start: u64,
    last_id: u64,
    /// By the legs' names.
    live: HashMap<String, LiveLeg>,
    recent: VecDeque<Update>,
    keep: usize,
}

/// What a newcomer hears of a live leg.
#[derive(Debug)]
struct LiveLeg {
    exists: Update,
    interrupted: Option<Update>,
}

/// How a dashboard that said what it saw last is answered, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What follows.
    #[serde(rename = "type")]
    pub kind: AnswerKind,
    /// The number of the newest update there is; further ones count on from it.
    pub id: u64,
    /// Why it must begin anew; only on `updates_snapshot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Anew>,
}

/// What follows an [`Answer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// What the dashboard missed, up to [`Answer::id`].
    UpdatesResumed,
    /// What is up now; what the dashboard knew is void.
    UpdatesSnapshot,
}

/// Why a dashboard must begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anew {
    /// It has seen nothing yet.
    First,
    /// It missed more than is kept.
    Gap,
    /// What it saw last came from another process.
    Restart,
}

impl UpdateLog {
    /// Returns a log whose numbers are above `start` and which keeps the last `keep` updates.
    pub fn new(start: u64, keep: usize) -> Self {
        Self { start, last_id: start, live: HashMap::new(), recent: VecDeque::new(), keep }
    }

    /// Returns the update that tells the news of a leg of this process.
    pub fn publish(&mut self, news: LegNews, at: Timestamp) -> Update {
        let leg = news.leg().0.to_string();
        self.append(self.last_id + 1, news.told(leg, at))
    }

    /// Returns the update that tells what has this number.
    pub fn append(&mut self, id: u64, told: Told) -> Update {
        let update = self.take(id, told);
        if self.recent.len() >= self.keep {
            self.recent.pop_front();
        }
        if self.keep > 0 {
            self.recent.push_back(update.clone());
        }
        update
    }

    /// Takes note that updates up to `id` are lost to this log: they were told before anything that it knows.
    pub fn skip_to(&mut self, id: u64) {
        self.last_id = id;
        self.recent.clear();
    }

    /// Returns the number of the newest update.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Returns whether a leg of this name is up.
    pub fn is_live(&self, leg: &str) -> bool {
        self.live.contains_key(leg)
    }

    /// Returns how a dashboard is answered that saw the update `after` last, and what it hears then.
    pub fn since(&self, after: u64) -> (Answer, Vec<&Update>) {
        let known = self.recent.len() as u64;
        let anew = match after {
            0 => Some(Anew::First),
            _ if after < self.start || after > self.last_id => Some(Anew::Restart),
            _ if after < self.last_id - known => Some(Anew::Gap),
            _ => None,
        };
        let kind = anew.map_or(AnswerKind::UpdatesResumed, |_| AnswerKind::UpdatesSnapshot);
        let updates = match anew {
            Some(_) => self.snapshot().collect(),
            None => self.recent.iter().filter(|update| update.id > after).collect(),
        };
        (Answer { kind, id: self.last_id, reason: anew }, updates)
    }

    fn take(&mut self, id: u64, told: Told) -> Update {
        self.last_id = id;
        let Told { leg, kind, view, at, reason, interruption } = told;
        let update = Update { kind, leg: view, id, at, reason, interruption };
        match kind {
            UpdateKind::ConnectionStarted | UpdateKind::ConnectionExists => {
                let exists = Update { kind: UpdateKind::ConnectionExists, ..update.clone() };
                self.live.insert(leg, LiveLeg { exists, interrupted: None });
            }
            UpdateKind::ConnectionInterrupted => {
                if let Some(live) = self.live.get_mut(&leg) {
                    live.interrupted = Some(update.clone());
                }
            }
            UpdateKind::ConnectionResumed => {
                if let Some(live) = self.live.get_mut(&leg) {
                    live.interrupted = None;
                    live.exists.leg = update.leg.clone();
                }
            }
            UpdateKind::ConnectionFailed => {}
            UpdateKind::ConnectionStopped => {
                self.live.remove(&leg);
            }
        }
        update
    }

    /// Returns one `connection_exists` for each live leg, oldest first, with its interruption if there is one.
    pub fn snapshot(&self) -> impl Iterator<Item = &Update> {
        let mut live: Vec<&LiveLeg> = self.live.values().collect();
        live.sort_unstable_by_key(|live| live.exists.id);
        live.into_iter().flat_map(|live| std::iter::once(&live.exists).chain(&live.interrupted))
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
        let mut log = UpdateLog::new(0, 8);
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
        let mut log = UpdateLog::new(0, 8);
        for (number, call) in [(1, "CA1"), (2, "CA2"), (3, "CA3")] {
            log.publish(LegNews::Started(LegId(number), leg(call)), Timestamp::UNIX_EPOCH);
        }
        log.publish(LegNews::Stopped(LegId(2), leg("CA2"), LegExit::Hangup), Timestamp::UNIX_EPOCH);
        let live: Vec<_> = log.snapshot().map(|update| (update.leg.call_sid.as_str(), update.id)).collect();
        assert_eq!(live, [("CA1", 1), ("CA3", 3)]);
        assert!(log.snapshot().all(|update| update.kind == UpdateKind::ConnectionExists));
    }

    #[test]
    fn a_newcomer_hears_of_an_interruption_until_it_is_over() {
        let mut log = UpdateLog::new(0, 8);
        let mut publish = |news| log.publish(news, Timestamp::UNIX_EPOCH);
        publish(LegNews::Started(LegId(1), leg("CA1")));
        let interrupted = publish(LegNews::Interrupted(LegId(1), leg("CA1"), Interruption::ConnectionLost));
        assert_eq!(serde_json::to_value(&interrupted).unwrap()["reason"], "connection_lost");
        let kinds = |log: &UpdateLog| log.snapshot().map(|update| update.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&log), [UpdateKind::ConnectionExists, UpdateKind::ConnectionInterrupted]);
        let view = LegView { conversation_id: Some("W".to_owned()), ..leg("CA1") };
        let news = LegNews::Resumed { leg: LegId(1), view, interrupted_ms: 1200, lost_ms: 0 };
        let resumed = serde_json::to_value(log.publish(news, Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(
            (&resumed["type"], &resumed["interruptedMs"], &resumed["lostMs"]),
            (&"connection_resumed".into(), &1200.into(), &0.into())
        );
        assert_eq!(kinds(&log), [UpdateKind::ConnectionExists]);
        assert_eq!(log.snapshot().next().unwrap().leg.conversation_id.as_deref(), Some("W"));
    }
    #[test]
    fn who_comes_back_hears_what_was_missed_or_that_it_must_begin_anew() {
        let mut log = UpdateLog::new(1000, 3);
        let answer = |log: &UpdateLog, after| {
            let (answer, updates) = log.since(after);
            (answer, updates.iter().map(|update| (update.kind, update.id)).collect::<Vec<_>>())
        };
        let resumed = |id| Answer { kind: AnswerKind::UpdatesResumed, id, reason: None };
        let anew = |id, why| Answer { kind: AnswerKind::UpdatesSnapshot, id, reason: Some(why) };
        assert_eq!(answer(&log, 0), (anew(1000, Anew::First), vec![]));
        assert_eq!(answer(&log, 1000), (resumed(1000), vec![]), "who joined before there was anything");
        assert_eq!(answer(&log, 999), (anew(1000, Anew::Restart), vec![]));
        for number in 1..=4 {
            log.publish(LegNews::Started(LegId(number), leg("CA")), Timestamp::UNIX_EPOCH);
        }
        let started = |id| (UpdateKind::ConnectionStarted, id);
        let exists = |id| (UpdateKind::ConnectionExists, id);
        let live: Vec<_> = (1001..=1004).map(exists).collect();
        assert_eq!(answer(&log, 1004), (resumed(1004), vec![]));
        assert_eq!(answer(&log, 1001), (resumed(1004), vec![started(1002), started(1003), started(1004)]));
        assert_eq!(answer(&log, 1000), (anew(1004, Anew::Gap), live.clone()));
        assert_eq!(answer(&log, 1005), (anew(1004, Anew::Restart), live.clone()));
        assert_eq!(answer(&log, 1), (anew(1004, Anew::Restart), live));
        let head = serde_json::to_string(&log.since(7).0).unwrap();
        assert_eq!(head, r#"{"type":"updates_snapshot","id":1004,"reason":"restart"}"#);
        assert_eq!(
            serde_json::to_string(&log.since(1004).0).unwrap(),
            r#"{"type":"updates_resumed","id":1004}"#
        );
    }
}
