//! A consumer of `/symbl/updates`.

use std::net::SocketAddr;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;

use super::bridge::Bridge;
use super::socket::{Closing, Socket};
use super::wait::wait_for;

/// An update and when it came.
#[derive(Debug, Clone)]
pub struct Update {
    pub at: Instant,
    pub value: Value,
}

impl Update {
    /// Whether this is the update of that type about that call.
    pub fn is(&self, kind: &str, call_sid: &str) -> bool {
        self.value["type"] == kind && self.value["callSid"] == call_sid
    }

    /// A field that must be a string.
    pub fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_else(|| panic!("{key} is no string in {}", self.value))
    }
}

/// A dashboard that reads.
pub struct Dashboard {
    socket: Socket,
    /// Whether the first message answers `?after=`.
    is_answered: bool,
}

impl Dashboard {
    pub async fn join(bridge: &Bridge) -> Self {
        Self::join_at(bridge.address, "/symbl/updates").await
    }

    pub async fn join_at(address: SocketAddr, path: &str) -> Self {
        let socket = Socket::open(address, path, &[]).await;
        let socket = socket.unwrap_or_else(|status| panic!("{path} was refused with {status}"));
        Self { socket, is_answered: path.contains("after=") }
    }

    /// Comes back, having seen the update `after` last.
    pub async fn rejoin(bridge: &Bridge, after: u64) -> Self {
        Self::join_at(bridge.address, &format!("/symbl/updates?after={after}")).await
    }

    /// How a dashboard that said what it saw last is answered.
    pub async fn answer(&self) -> Value {
        assert!(self.is_answered, "only who says what it saw last is answered");
        wait_for("the answer to `after`", || {
            let first = self.socket.texts().into_iter().next()?.text;
            Some(serde_json::from_str(&first).unwrap_or_else(|_| panic!("no JSON: {first}")))
        })
        .await
    }

    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// All updates so far, each checked for its shape.
    pub fn updates(&self) -> Vec<Update> {
        let texts = self.socket.texts().into_iter().skip(usize::from(self.is_answered));
        let updates = texts.map(|received| {
            let value = serde_json::from_str(&received.text);
            Update { at: received.at, value: value.unwrap_or_else(|_| panic!("no JSON: {}", received.text)) }
        });
        updates.inspect(|update| assert_shape(&update.value)).collect()
    }

    /// Waits for the update of this type about this call.
    pub async fn wait_for(&self, kind: &str, call_sid: &str) -> Update {
        wait_for(&format!("{kind} of {call_sid}"), || {
            self.updates().into_iter().find(|update| update.is(kind, call_sid))
        })
        .await
    }

    /// All updates, once the bridge has closed the socket.
    pub async fn closed(&self) -> (Vec<Update>, Closing) {
        let closing = self.socket.closed("a dashboard's socket").await;
        (self.updates(), closing)
    }

    /// Leaves without a word, as a browser that crashed.
    pub async fn vanish(self) {
        self.socket.reset().await;
    }
}

/// Checks that a leg has exactly one `connection_started` and, after it, exactly one `connection_stopped`, and
/// gives the two.
pub fn started_and_stopped<'a>(updates: &'a [Update], call_sid: &str) -> (&'a Update, &'a Update) {
    let about = |kind| updates.iter().filter(|update| update.is(kind, call_sid)).collect::<Vec<_>>();
    let (started, stopped) = (about("connection_started"), about("connection_stopped"));
    let ([started], [stopped]) = (&started[..], &stopped[..]) else {
        panic!("{call_sid} has {} started and {} stopped: {updates:#?}", started.len(), stopped.len());
    };
    assert!(id(started) < id(stopped), "stopped before it started: {updates:#?}");
    for key in ["connectionId", "room", "speaker"] {
        assert_eq!(started.value[key], stopped.value[key], "{key} of {call_sid}");
    }
    (started, stopped)
}

/// The update's id.
pub fn id(update: &Update) -> u64 {
    update.value["id"].as_u64().unwrap_or_else(|| panic!("id is no integer in {}", update.value))
}

/// Holds an update to reference 6.4 with the extra fields: these keys and no others.
fn assert_shape(update: &Value) {
    let kind = update["type"].as_str().unwrap_or_else(|| panic!("no type in {update}"));
    let extra: &[&str] = match kind {
        "connection_started" | "connection_exists" => &[],
        "connection_interrupted" | "connection_failed" | "connection_stopped" => &["reason"],
        "connection_resumed" => &["interruptedMs", "lostMs"],
        _ => panic!("unknown type in {update}"),
    };
    let mut keys = vec!["at", "callSid", "connectionId", "id", "room", "speaker", "type"];
    // Only a leg whose server never answered has none.
    if update.get("conversationId").is_some() {
        keys.push("conversationId");
    }
    keys.extend(extra);
    keys.sort_unstable();
    let mut given: Vec<&str> = update.as_object().expect("an object").keys().map(String::as_str).collect();
    given.sort_unstable();
    assert_eq!(given, keys, "keys of {update}");
    let speaker = update["speaker"].as_object().unwrap_or_else(|| panic!("no speaker in {update}"));
    assert_eq!(speaker.len(), 2, "keys of the speaker in {update}");
    assert!(speaker["userId"].is_string() && speaker["name"].is_string(), "speaker in {update}");
    let numbers = ["id", "interruptedMs", "lostMs"];
    for key in keys.iter().filter(|key| numbers.contains(key)) {
        assert!(update[*key].is_u64(), "{key} in {update}");
    }
    for key in keys.iter().filter(|key| **key != "speaker" && !numbers.contains(key)) {
        assert!(update[*key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {update}");
    }
    let at: Result<Timestamp, _> = update["at"].as_str().expect("checked").parse();
    assert!(at.is_ok(), "at is no RFC 3339 time in {update}");
}

/// Ends the bridge and gives the updates of its whole life. Every leg must have had exactly one start and one stop,
/// and none may have been left for the shutdown to end. The dashboard must have been there from the beginning.
pub async fn finish(bridge: Bridge, dashboard: Dashboard) -> Vec<Update> {
    bridge.process().signal("TERM");
    let (updates, closing) = dashboard.closed().await;
    assert_eq!(closing, Closing::Code(1001), "a dashboard's socket at shutdown");
    bridge.finish_signalled().await;
    for update in &updates {
        let call_sid = update.text("callSid");
        let (_, stopped) = started_and_stopped(&updates, call_sid);
        assert_ne!(stopped.text("reason"), "shutdown", "{call_sid} was left behind");
    }
    let ids: Vec<u64> = updates.iter().map(id).collect();
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "ids in order of arrival: {ids:?}");
    updates
}
