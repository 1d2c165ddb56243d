//! The thread that judges sentences: what callers mean is worked out here, never on an async worker.
//!
//! One thread is enough: a sentence costs about 5 ms with the model of meaning and 0.1 ms without, and a machine
//! hears far fewer than 200 sentences a second. The model may come late, like the recogniser's; until it is there, and
//! whenever much is waiting, sentences are judged by their words alone.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::insight::analyst::{self, Analyst, SentenceFindings, TopicFound, TrackerHit};
use super::insight::redaction::Redactor;
use super::insight::trackers::{Tracker, TrackerDefinition};
use super::insight::{due, intents, sentiment};
use super::meaning::{Meaning, MeaningError, Vector};

/// Tasks that may wait; beyond it a conversation goes on without findings for the sentence.
const QUEUE: usize = 4096;
/// With more waiting than this, sentences are judged by their words alone.
const BEHIND: usize = 32;
/// Trackers kept ready; beyond it those of conversations that are over are forgotten.
const MOST_READY: usize = 2000;
/// How long the thread rests between looks at phrases that still need a vector.
const IDLE: Duration = Duration::from_millis(500);

/// Gives work to the thread. Cloning shares it; the thread ends with the last clone.
#[derive(Clone)]
pub struct Analysis {
    tasks: SyncSender<Task>,
    shared: Arc<Shared>,
}

struct Shared {
    waiting: AtomicUsize,
    meaning: OnceLock<Meaning>,
    /// Why there is no model, for people.
    reason: Mutex<String>,
    /// By id.
    ready: Mutex<HashMap<String, Ready>>,
}

struct Ready {
    definition: TrackerDefinition,
    tracker: Arc<Tracker>,
}

/// What trackers a conversation watches with.
pub type Watched = Arc<Vec<TrackerDefinition>>;

/// One piece of work.
pub struct Task {
    /// The conversation it is about.
    pub analyst: Arc<Mutex<Analyst>>,
    /// Its trackers.
    pub watched: Watched,
    /// What is asked.
    pub ask: Ask,
    /// Takes the answer, on the thread; it must not block.
    pub deliver: Box<dyn FnOnce(Answer) + Send>,
}

/// What is asked about a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Judge sentences: id and text of each.
    Sentences(Vec<(String, String)>),
    /// Look for trackers in words that may still change.
    Interim(String),
    /// What has it been about?
    Topics,
    /// Take in what was judged before a restart: id, text and polarity of each.
    Remember(Vec<(String, String, f64)>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Of [`Ask::Sentences`], in their order.
    Sentences(Vec<SentenceFindings>),
    /// Of [`Ask::Interim`].
    Interim(Vec<TrackerHit>),
    /// Of [`Ask::Topics`].
    Topics(Vec<TopicFound>),
    /// Of [`Ask::Remember`], and of whatever could not be done.
    Nothing,
}

/// Whether sentences are judged by meaning, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// They are.
    Ready,
    /// They are judged by words alone.
    WordsOnly {
        /// Why, and what to do about it.
        reason: String,
    },
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Analysis {
    /// Starts the thread; `reason` says why there is no model yet. Without a thread sentences go without insights.
    pub fn start(reason: &str) -> Self {
        let (tasks, queue) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            meaning: OnceLock::new(),
            reason: Mutex::new(reason.to_owned()),
            ready: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        let started =
            std::thread::Builder::new().name("insight".to_owned()).spawn(move || for_thread.work(&queue));
        let analysis = Self { tasks, shared };
        if let Err(error) = started {
            analysis.explain(&format!("no thread to judge sentences on: {error}"));
        }
        analysis
    }

    /// Gives the thread its model. A second one is ignored.
    pub fn understand(&self, meaning: Meaning) {
        let _ = self.shared.meaning.set(meaning);
    }

    /// Says why there is no model.
    pub fn explain(&self, reason: &str) {
        reason.clone_into(&mut lock(&self.shared.reason));
    }

    /// Returns whether sentences are judged by meaning.
    pub fn state(&self) -> State {
        match self.shared.meaning.get() {
            Some(_) => State::Ready,
            None => State::WordsOnly { reason: lock(&self.shared.reason).clone() },
        }
    }

    /// Returns how many tasks wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Hands over a task; false when there are too many, and then nothing comes of it.
    pub fn give(&self, task: Task) -> bool {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        match self.tasks.try_send(task) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// Judges a sentence on this thread, which may block: for typed transcripts and labelled sets.
    pub fn judge(
        &self,
        analyst: &mut Analyst,
        id: &str,
        text: &str,
        watched: &[Arc<Tracker>],
    ) -> SentenceFindings {
        let vector = self.shared.vector(text);
        analyst.sentence(id, text, vector.as_ref(), watched)
    }

    /// Returns trackers ready to be used on this thread, which may block while their phrases are embedded.
    pub fn trackers(&self, definitions: &[TrackerDefinition]) -> Vec<Arc<Tracker>> {
        let trackers = self.shared.trackers(definitions).into_iter();
        let Some(meaning) = self.shared.meaning.get() else {
            return trackers.collect();
        };
        let learned = |tracker: Arc<Tracker>| {
            let mut tracker = Tracker::clone(&tracker);
            while !tracker.is_learned() {
                tell_failure(tracker.learn(meaning));
            }
            Arc::new(tracker)
        };
        trackers.map(learned).collect()
    }
}

impl Shared {
    fn work(&self, queue: &Receiver<Task>) {
        warm_up();
        loop {
            // Phrases get their vectors when nothing else is to be done, one at a time: a conversation that brings
            // many trackers must not keep another one's sentence waiting.
            let has_more = self.embed_one_phrase();
            let patience = if has_more { Duration::ZERO } else { IDLE };
            match queue.recv_timeout(patience) {
                Ok(task) => {
                    self.perform(task);
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn perform(&self, task: Task) {
        let Task { analyst, watched, ask, deliver } = task;
        // A sentence that breaks a capability must not take the others' insights with it.
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(&mut lock(&analyst), &watched, ask)));
        let answer = answer.unwrap_or_else(|_| {
            log::error!(event = "analysis_panicked"; "a sentence could not be judged; its message goes without insights");
            Answer::Nothing
        });
        deliver(answer);
    }

    fn answer(&self, analyst: &mut Analyst, watched: &Watched, ask: Ask) -> Answer {
        match ask {
            Ask::Sentences(sentences) => {
                let trackers = self.trackers(watched);
                let is_behind = self.waiting.load(Ordering::Relaxed) > BEHIND;
                let judged = sentences.iter().map(|(id, text)| {
                    let vector = if is_behind { None } else { self.vector(text) };
                    analyst.sentence(id, text, vector.as_ref(), &trackers)
                });
                Answer::Sentences(judged.collect())
            }
            Ask::Interim(text) => Answer::Interim(analyst::hits(&text, None, &self.trackers(watched))),
            Ask::Topics => Answer::Topics(analyst.topics()),
            Ask::Remember(messages) => {
                for (id, text, polarity) in messages {
                    analyst.remember(&id, &text, polarity);
                }
                Answer::Nothing
            }
        }
    }

    fn vector(&self, text: &str) -> Option<Vector> {
        tell_failure(self.meaning.get()?.vector(text))
    }

    fn trackers(&self, definitions: &[TrackerDefinition]) -> Vec<Arc<Tracker>> {
        let mut ready = lock(&self.ready);
        if ready.len() > MOST_READY {
            ready.retain(|id, _| definitions.iter().any(|definition| definition.id == *id));
        }
        let make = |definition: &TrackerDefinition| match ready.get(&definition.id) {
            Some(known) if known.definition == *definition => Arc::clone(&known.tracker),
            _ => {
                let tracker = Arc::new(Tracker::new(definition));
                let made = Ready { definition: definition.clone(), tracker: Arc::clone(&tracker) };
                ready.insert(definition.id.clone(), made);
                tracker
            }
        };
        definitions.iter().map(make).collect()
    }

    /// Returns whether there may be more.
    fn embed_one_phrase(&self) -> bool {
        let Some(meaning) = self.meaning.get() else {
            return false;
        };
        let unlearned = |ready: &&Ready| !ready.tracker.is_learned();
        let next = lock(&self.ready).values().find(unlearned).map(|ready| Arc::clone(&ready.tracker));
        let Some(before) = next else {
            return false;
        };
        let mut tracker = Tracker::clone(&before);
        tell_failure(tracker.learn(meaning));
        // Meanwhile it may have been defined anew.
        if let Some(ready) = lock(&self.ready).get_mut(&before.id)
            && Arc::ptr_eq(&ready.tracker, &before)
        {
            ready.tracker = Arc::new(tracker);
        }
        true
    }
}

fn tell_failure<T>(result: Result<T, MeaningError>) -> Option<T> {
    result.inspect_err(|error| log::warn!(event = "meaning_failed", error:%; "judged by words alone")).ok()
}

/// Patterns and word lists are made ready when they are first used, which takes half a second in all: here and now,
/// not in the first caller's first sentence.
fn warm_up() {
    sentiment::prepare();
    let _ = intents::detect("could you call me back tomorrow");
    let _ = due::find("tomorrow", 0, 0);
    let _ = Redactor::default().finished(0, 0, "my name is on the card");
    let _ = Analyst::default().sentence("", "warm up", None, &[]);
}

/// A panic while an analyst was held leaves it with a sentence less, which is better than none.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
