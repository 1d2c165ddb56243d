//! What the page looks at: an engine that hears a script, the bridge as a process, and calls of two parties each.
//!
//! Both parties' audio goes on together, as on a telephone: while one speaks, the other's ear hears pauses. So the times of
//! all turns are known, and a test decides word by word how far a call has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use symbl_bridge::engine::store::view::TrackerRecord;

use crate::engine_support::scripted::PAUSE;
use crate::engine_support::{APP_ID, APP_SECRET, Engine, Scripted, settings};
use crate::support::bridge::{Bridge, Settings};
use crate::support::caller::{Call, Caller};
use crate::support::fault_proxy::{Culprit, FaultProxy};
use crate::support::wait::wait_until;
use crate::support::{AGENT, CUSTOMER};

/// Audio of one word, in milliseconds, and in frames of 20 ms.
pub(crate) const WORD_MS: u64 = 200;
pub(crate) const FRAMES_OF_A_WORD: usize = 10;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Agent,
    Customer,
}

/// A call's words, in the order in which they are said.
pub(crate) type Lines = &'static [(Who, &'static str)];

/// A call with something for everything that the page shows.
pub(crate) const COMPLAINT: Lines = &[
    (Who::Agent, "Thank you for calling Northwind. How can I help you?"),
    (Who::Customer, "The corrected bill is wrong again and I am very angry. I want my money back."),
    (Who::Agent, "Could you give me your phone number, please?"),
    (Who::Customer, "Sure, my phone number is 415 555 0132."),
    (Who::Agent, "Thank you, that is great. I will send you the signed form tomorrow."),
    (Who::Customer, "I will call you back on Monday about the corrected bill."),
];

/// Another call, so that there are two.
pub(crate) const ORDER: Lines = &[
    (Who::Agent, "Good morning, what would you like to order?"),
    (Who::Customer, "Two boxes of green tea, please."),
    (Who::Agent, "Wonderful, thank you very much."),
];

/// Returns what the ears of agent and customer hear.
fn scripts(lines: Lines) -> [String; 2] {
    [Who::Agent, Who::Customer].map(|who| {
        let words = lines.iter().flat_map(|(speaker, text)| {
            text.split_whitespace().map(move |word| if *speaker == who { word } else { PAUSE })
        });
        words.collect::<Vec<_>>().join(" ")
    })
}

/// The engine and the bridge.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) bridge: Bridge,
    /// Between the engine and everybody else, if asked for.
    pub(crate) proxy: Option<FaultProxy>,
    ears: Arc<AtomicUsize>,
}

impl Stage {
    /// A stage on which these calls can be made, in this order.
    pub(crate) async fn set(calls: &[Lines]) -> Self {
        Self::set_with(calls, |settings| settings).await
    }

    /// The same, with settings of the bridge changed.
    pub(crate) async fn set_with(calls: &[Lines], change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::set_hearing(calls.iter().flat_map(|lines| scripts(lines)).collect(), change).await
    }

    /// The same with what each ear hears, one after the other.
    pub(crate) async fn set_hearing(scripts: Vec<String>, change: impl FnOnce(Settings) -> Settings) -> Self {
        let (engine, ears) = engine_that_hears(scripts);
        let bridge = change(settings_for(&engine.http(""))).start().await;
        Self { engine, bridge, proxy: None, ears }
    }

    /// The same, with a proxy before the engine, for the bridge and for pages.
    pub(crate) async fn set_behind_a_proxy(calls: &[Lines]) -> Self {
        let (engine, ears) = engine_that_hears(calls.iter().flat_map(|lines| scripts(lines)).collect());
        let proxy = FaultProxy::start(engine.address, Culprit::Server, false, 1).await;
        let bridge = settings_for(&proxy.base_url()).start().await;
        Self { engine, bridge, proxy: Some(proxy), ears }
    }

    /// Settings of another bridge of this engine.
    pub(crate) fn settings(&self) -> Settings {
        settings_for(&self.engine.http(""))
    }

    /// Ends the bridge as `kill -9` does.
    pub(crate) async fn kill_the_bridge(&mut self) {
        self.bridge.process().signal("KILL");
        self.bridge.gone().await;
    }

    /// Starts another bridge where the one was that has been killed.
    pub(crate) async fn start_another_bridge(&mut self) {
        let port = self.bridge.address.port().to_string();
        self.bridge = self.settings().set("BRIDGE__HTTP__PORT", &port).start().await;
    }

    /// The address of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.bridge.address)
    }

    /// The next call of the plan, in a room of this name: agent and customer are connected, and silent.
    pub(crate) async fn call(&self, lines: Lines, room: &str) -> PhoneCall {
        let parties = vec![self.leg(AGENT, room).await, self.leg(CUSTOMER, room).await];
        PhoneCall { lines, words_said: 0, lines_said: 0, parties }
    }

    /// One party of a call, connected and silent.
    pub(crate) async fn leg(&self, from: &str, room: &str) -> Call {
        let ears = self.ears.load(Ordering::Relaxed);
        let call = Caller::new(from).call(&self.bridge, &format!("?room={room}")).await;
        // The ears take their scripts in the order in which they are opened.
        wait_until("an ear for the leg", || self.ears.load(Ordering::Relaxed) > ears).await;
        call
    }

    /// Ends the bridge, and leaves the engine with calls that wait for a bridge that was killed.
    pub(crate) async fn leave(self) {
        self.bridge.finish().await;
    }

    /// Ends everything; nobody may be left on the engine.
    pub(crate) async fn strike(self) {
        self.bridge.finish().await;
        self.engine.end().await;
    }
}

/// An engine whose ears hear these texts, and how many of them are open.
fn engine_that_hears(scripts: Vec<String>) -> (Engine, Arc<AtomicUsize>) {
    let hearing = Scripted { scripts, word_ms: Some(WORD_MS), ..Scripted::default() };
    let ears = hearing.opened.clone();
    let engine = Engine::start_with(settings(), hearing);
    // What every call is watched for: the bridge asks for all stored trackers.
    let refund = TrackerRecord {
        id: "1000000000000001".to_owned(),
        name: "Refund".to_owned(),
        vocabulary: ["money back", "refund"].map(str::to_owned).to_vec(),
        ..TrackerRecord::default()
    };
    engine.state.store().create_trackers(vec![refund]).expect("a store with room");
    (engine, ears)
}

fn settings_for(base_url: &str) -> Settings {
    let settings = Settings::with_upstream(base_url);
    // A test may look at the page for as long as it likes while nobody speaks.
    let settings = settings.set("BRIDGE__MEDIA__SILENCE_TIMEOUT_MS", "300000");
    settings.set("SYMBL_APP_ID", APP_ID).set("SYMBL_APP_SECRET", APP_SECRET)
}

/// A conference of an agent and a customer.
pub(crate) struct PhoneCall {
    lines: Lines,
    lines_said: usize,
    /// Of the line that is being said.
    words_said: usize,
    parties: Vec<Call>,
}

impl PhoneCall {
    /// The CallSid of one party.
    pub(crate) fn call_sid(&self, who: Who) -> &str {
        &self.parties[usize::from(who == Who::Customer)].caller.call_sid
    }

    /// Says so many words of the next line, which must have more.
    pub(crate) async fn say_words(&mut self, words: usize) {
        assert!(self.words_said + words < self.words_of_line(), "the line has no more words to wait for");
        self.words_said += words;
        self.speak(words).await;
    }

    /// Says the rest of the next line; returns the line.
    pub(crate) async fn say_line(&mut self) -> &'static str {
        let words = self.words_of_line() - self.words_said;
        self.words_said = 0;
        self.lines_said += 1;
        self.speak(words).await;
        self.lines[self.lines_said - 1].1
    }

    /// Says all that is left.
    pub(crate) async fn say_all(&mut self) {
        while self.lines_said < self.lines.len() {
            self.say_line().await;
        }
    }

    fn words_of_line(&self) -> usize {
        self.lines[self.lines_said].1.split_whitespace().count()
    }

    async fn speak(&mut self, words: usize) {
        for _ in 0..words {
            for party in &mut self.parties {
                party.speak(FRAMES_OF_A_WORD).await;
            }
        }
    }

    /// Both hang up.
    pub(crate) async fn hang_up(&mut self, bridge: &Bridge) {
        for party in &mut self.parties {
            party.hang_up(bridge).await;
        }
    }
}
