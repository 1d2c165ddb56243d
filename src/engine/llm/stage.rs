//! The queue in front of the model, and the thread behind it.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_web::rt::Runtime;
use futures_util::{StreamExt as _, stream};
use log::{error, warn};
use tokio::sync::mpsc;

use super::LlmSettings;
use super::client::{Client, LlmError};
use super::notes::Batch;
use super::prompt::{self, Party, Suggestion};
use crate::engine::conversation::ids;
use crate::engine::counters::{Count, Counters};
use crate::engine::insight::due;
use crate::engine::insight::intents::IntentKind;
use crate::engine::store::Store;
use crate::engine::store::record::{InsightRecord, Record};

/// Questions that may wait; a slower endpoint loses the rest, which is counted.
const QUEUE: usize = 64;
/// Questions asked at once.
const AT_ONCE: usize = 4;
/// At most one line in this time about an endpoint that does not answer.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(30);

/// Takes what insights a batch led to; it must not block.
pub type Deliver = Box<dyn FnOnce(Vec<InsightRecord>) + Send>;

/// Gives questions to the thread, which ends with the last clone.
#[derive(Clone)]
pub struct Stage {
    tasks: mpsc::Sender<Task>,
    counters: Arc<Counters>,
    unredacted: bool,
}

enum Task {
    Insights(Batch, Deliver),
    Summary(Batch),
}

/// What the thread works with.
struct Worker {
    client: Client,
    counters: Arc<Counters>,
    /// Not held while it waits: the store has to end before the process does.
    store: Weak<dyn Store>,
    complained: Cell<Option<Instant>>,
}

impl Stage {
    /// Starts the thread.
    pub fn start(settings: &LlmSettings, counters: Arc<Counters>, store: &Arc<dyn Store>) -> Self {
        let (tasks, queue) = mpsc::channel(QUEUE);
        let stage = Self { tasks, counters: Arc::clone(&counters), unredacted: settings.unredacted };
        let (settings, store) = (settings.clone(), Arc::downgrade(store));
        let work = move || match Runtime::new() {
            Ok(runtime) => runtime.block_on(async {
                let complained = Cell::new(None);
                Worker { client: Client::new(&settings), counters, store, complained }.work(queue).await;
            }),
            Err(error) => error!(error:%; "no runtime for the language model; it is not asked"),
        };
        if let Err(error) = std::thread::Builder::new().name("llm".to_owned()).spawn(work) {
            error!(error:%; "no thread for the language model; it is not asked");
        }
        stage
    }

    /// Asks what the rules have missed, unless the conversation must not be shown.
    pub fn look_again(&self, batch: Batch, deliver: impl FnOnce(Vec<InsightRecord>) + Send + 'static) {
        if !batch.wants.kinds.is_empty() {
            self.give(batch.wants.is_redacted, Task::Insights(batch, Box::new(deliver)));
        }
    }

    /// Asks for a summary, unless the conversation must not be shown.
    pub fn summarise(&self, batch: Batch) {
        self.give(batch.wants.is_redacted, Task::Summary(batch));
    }

    fn give(&self, is_redacted: bool, task: Task) {
        if (is_redacted || self.unredacted) && self.tasks.try_send(task).is_err() {
            self.counters.add(Count::LlmDropped);
        }
    }
}

impl Worker {
    async fn work(self, queue: mpsc::Receiver<Task>) {
        let tasks = stream::unfold(queue, async |mut queue| Some((queue.recv().await?, queue)));
        tasks.for_each_concurrent(AT_ONCE, |task| self.perform(task)).await;
    }

    async fn perform(&self, task: Task) {
        let done = match task {
            Task::Insights(batch, deliver) => self.look_again(batch, deliver).await,
            Task::Summary(batch) => self.summarise(batch).await,
        };
        if done.is_ok() {
            self.counters.add(Count::LlmAnswered);
        }
        if let Err(error) = done {
            self.counters.add(Count::LlmFailed);
            if self.complained.get().is_none_or(|at| at.elapsed() >= COMPLAINT_PAUSE) {
                self.complained.set(Some(Instant::now()));
                warn!(event = "llm_failed", error:%; "the language model added nothing");
            }
        }
    }

    async fn look_again(&self, batch: Batch, deliver: Deliver) -> Result<(), LlmError> {
        let answer = self.client.ask(&prompt::insights(&batch.lines)).await?;
        let found: Vec<InsightRecord> = prompt::read_insights(&answer, &batch.lines)?
            .into_iter()
            .filter_map(|suggestion| insight(&batch, &suggestion))
            .collect();
        if let Some(store) = self.store.upgrade() {
            found.iter().for_each(|insight| store.record(Record::Insight(insight.clone())));
        }
        if !found.is_empty() {
            deliver(found);
        }
        Ok(())
    }

    async fn summarise(&self, batch: Batch) -> Result<(), LlmError> {
        let answer = self.client.ask(&prompt::summary(&batch.lines)).await?;
        let text = prompt::read_summary(&answer)?;
        if let Some(store) = self.store.upgrade() {
            store.record(Record::Summary {
                conversation_id: batch.conversation_id,
                text,
                message_ids: batch.lines.into_iter().map(|line| line.message_id).collect(),
            });
        }
        Ok(())
    }
}

/// Returns a suggestion as it is written down, if it is wanted.
fn insight(batch: &Batch, suggestion: &Suggestion) -> Option<InsightRecord> {
    let line = batch.lines.get(suggestion.line)?;
    let wants = &batch.wants;
    if !wants.kinds.contains(&suggestion.kind) || suggestion.confidence < wants.threshold {
        return None;
    }
    let is_question = suggestion.kind == IntentKind::Question;
    let other = || batch.parties.iter().find(|party| Some(*party) != line.member_id.as_ref()).cloned();
    let assignee_id = match suggestion.assignee {
        _ if is_question => None,
        Some(Party::Speaker) => line.member_id.clone(),
        Some(Party::Other) => other(),
        None => None,
    };
    let due = || due::find(&line.text, line.start_ms, wants.timezone_offset).map(|due| due.at_ms);
    Some(InsightRecord {
        id: ids::sixteen_digits(),
        conversation_id: batch.conversation_id.clone(),
        kind: suggestion.kind.name().to_owned(),
        text: line.text.clone(),
        message_id: line.message_id.clone(),
        score: suggestion.confidence,
        from_id: line.member_id.clone(),
        assignee_id,
        due_ms: if is_question { None } else { due() },
    })
}
