//! The dashboards: sockets that read all, and a page.

use std::time::Instant;

use serde_json::{Value, json};

use crate::engine_support::Engine;
use crate::figures::{Clock, Delays, millis_of};
use crate::legs::{Legs, name_of};
use crate::page::Page;
use crate::support::bridge::Bridge;
use crate::support::socket::{Received, Socket};
use crate::support::wait::{wait_for, wait_until};

struct Dashboard {
    updates: Socket,
    results: Socket,
    /// The conference whose results it reads.
    room: usize,
}

impl Dashboard {
    /// Words that are firm: who spoke, and when this dashboard knew.
    fn words(&self) -> Vec<(String, Instant)> {
        let of = |received: Received| {
            let value = parsed(&received);
            let result = &value["message"];
            let is_word = result["type"] == "recognition_result" && result["isFinal"] == true;
            let from = result["user"]["userId"].as_str().filter(|_| is_word)?;
            Some((from.to_owned(), received.at))
        };
        self.results.texts().into_iter().filter_map(of).collect()
    }
}

/// Dashboards that are sockets.
pub struct Dashboards {
    all: Vec<Dashboard>,
    /// Id of the update after which all of them count.
    first_id: u64,
}

fn parsed(received: &Received) -> Value {
    serde_json::from_str(&received.text).expect("JSON")
}

impl Dashboards {
    /// Each reads all updates and the results of one conference.
    pub async fn join(bridge: &Bridge, engine: &Engine, number: usize, conferences: usize) -> Self {
        let token = engine.token().await;
        let mut all = Vec::new();
        let mut first_id = 0;
        for place in 0..number {
            let updates =
                Socket::open(bridge.address, "/symbl/updates?after=0", &[]).await.expect("room for it");
            // The head, and every leg.
            let known = wait_for("a snapshot of all legs", || {
                let texts = updates.texts();
                (texts.len() > 2 * conferences).then_some(texts)
            })
            .await;
            let head = parsed(&known[0]);
            first_id = head["id"].as_u64().expect("an id");
            let room = place % conferences;
            let leg = known.iter().map(parsed).find(|update| update["room"] == name_of(room).as_str());
            let leg = leg.expect("a leg in each conference");
            let connection_id = leg["connectionId"].as_str().expect("a text");
            let path = format!("/v1/subscribe/{connection_id}?access_token={token}");
            let results = Socket::open(engine.address, &path, &[]).await.expect("room for it");
            all.push(Dashboard { updates, results, room });
        }
        Self { all, first_id }
    }

    /// Checks that each was told everything once, in order; gives how late.
    pub async fn updates(&self, clock: &Clock, changes: usize) -> Delays {
        let mut delays = Delays::default();
        for dashboard in &self.all {
            let news = || {
                let texts = dashboard.updates.texts().into_iter();
                let news = texts.map(|received| (received.at, parsed(&received)));
                let is_news = |(_, value): &(_, Value)| {
                    value["type"] == "connection_started" || value["type"] == "connection_stopped"
                };
                news.filter(is_news).collect::<Vec<_>>()
            };
            wait_until("all updates", || news().len() >= changes).await;
            let news = news();
            assert_eq!(news.len(), changes, "updates that nobody expects");
            for (place, (at, value)) in news.iter().enumerate() {
                let expected = self.first_id + 1 + place as u64;
                assert_eq!(
                    value["id"].as_u64(),
                    Some(expected),
                    "an update was lost, doubled or out of order"
                );
                delays.push(clock.millis(*at) - millis_of(value["at"].as_str().expect("a time")));
            }
        }
        delays
    }

    /// Checks that each was told every word of its conference once; gives how late.
    pub async fn results(&self, clock: &Clock, legs: &Legs) -> Delays {
        let mut delays = Delays::default();
        for dashboard in &self.all {
            let expected = legs.words_in(dashboard.room);
            let number: usize = expected.iter().map(|(_, words)| words.len()).sum();
            wait_until("all results", || dashboard.words().len() >= number).await;
            let words = dashboard.words();
            assert_eq!(words.len(), number, "results that nobody expects");
            for (from, spoken) in expected {
                let heard: Vec<_> = words.iter().filter(|(speaker, _)| speaker == from).collect();
                assert_eq!(heard.len(), spoken.len(), "words of {from}");
                for (at, (_, heard_at)) in spoken.iter().zip(heard) {
                    delays.push(clock.millis(*heard_at) - clock.millis(*at));
                }
            }
        }
        delays
    }

    /// All updates about callers who came, by their number: when the bridge was told.
    pub fn started(&self) -> Vec<(String, f64)> {
        let updates = self.all[0].updates.texts();
        let started = updates.iter().map(parsed).filter(|value| value["type"] == "connection_started");
        let of = |value: Value| {
            let from = value["speaker"]["userId"].as_str().expect("a number").to_owned();
            (from, millis_of(value["at"].as_str().expect("a time")))
        };
        started.map(of).collect()
    }

    pub async fn close(self) {
        for mut dashboard in self.all {
            dashboard.updates.send_close(Some(1000)).await;
            dashboard.results.send_close(Some(1000)).await;
        }
    }
}

/// A dashboard that is the page.
pub struct Watcher {
    page: Page,
}

impl Watcher {
    /// Opens the list of calls and notes when each caller comes to stand in it.
    pub async fn open(bridge: &Bridge) -> Self {
        let page = Page::open(&format!("http://{}/", bridge.address)).await;
        page.sees("body[data-connection=live] [data-call]").await;
        page.run(
            "window.came = {}; new MutationObserver(() => { const now = performance.timeOrigin + performance.now(); \
             for (const party of document.querySelectorAll('[data-party]')) window.came[party.dataset.party] ??= now; }) \
             .observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-party'] });",
        )
        .await;
        Self { page }
    }

    /// Checks that all who came stood in the page; gives how late.
    pub async fn finish(self, legs: &Legs, dashboards: &Dashboards) -> Delays {
        let expected = json!(legs.later());
        self.page
            .until("all callers on the page", &format!("{expected}.every((from) => from in window.came)"))
            .await;
        let came = self.page.value("window.came").await;
        let mut delays = Delays::default();
        for (from, at) in dashboards.started() {
            if legs.later().contains(&from) {
                delays.push(came[&from].as_f64().expect("it came") - at);
            }
        }
        self.page.finish().await;
        delays
    }
}
