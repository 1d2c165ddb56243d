//! For those who run it: whether the process lives, whether it is ready, and what it has counted.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Result};
use serde_json::json;

use super::drain::Ending;
use crate::bridge::cluster::State as ClusterState;
use crate::bridge::services::Shared;
use crate::engine::EngineState;
use crate::engine::analysis::{Analysis, State as AnalysisState};
use crate::engine::counters::Count;
use crate::engine::listening::{Listening, State as HearingState};
use crate::symbl::token::Outcome;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::telemetry::metrics::exposition::Exposition;
use crate::telemetry::metrics::sampled::SampledMetrics;

/// What the three pages look at.
#[derive(Clone)]
pub(super) struct Operations {
    /// Whether the process is ending.
    pub(super) ending: Ending,
    /// What is counted.
    pub(super) metrics: Metrics,
    /// The bridge, if there is one.
    pub(super) bridge: Option<Shared>,
    /// The engine in this process, if there is one, and its hearing.
    pub(super) engine: Option<(EngineState, Listening)>,
}

/// Adds `/healthz`, `/readyz` and `/metrics`.
pub(super) fn configure(routes: &mut ServiceConfig, operations: &Operations) {
    routes
        .app_data(Data::new(operations.clone()))
        .service(web::resource("/healthz").get(alive))
        .service(web::resource("/readyz").get(ready))
        .service(web::resource("/metrics").get(metrics));
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// Calls join in any case; ready means that what callers say is heard, too. `notes` name what is wrong meanwhile and
/// would not be better in another process.
async fn ready(operations: Data<Operations>) -> HttpResponse {
    let reasons = operations.reasons_against();
    let mut response =
        if reasons.is_empty() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": reasons.is_empty(), "reasons": reasons, "notes": operations.notes() }))
}

/// Who may watch may read it; an engine alone shows it to everybody.
async fn metrics(request: HttpRequest, operations: Data<Operations>) -> Result<HttpResponse> {
    if let Some(shared) = &operations.bridge {
        let admitted = shared.watchers.admit(&request);
        admitted.inspect_err(|refusal| operations.metrics.doors.refused(Door::Metrics, refusal.as_str()))?;
    }
    operations.sample();
    let accept = request.headers().get("accept").and_then(|accept| accept.to_str().ok());
    let form = Exposition::for_accept(accept);
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .content_type(form.content_type())
        .body(operations.metrics.text(form)))
}

impl Operations {
    fn reasons_against(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.ending.has_begun() {
            reasons.push("the server is shutting down".to_owned());
        }
        if let Some((_, listening)) = &self.engine
            && let HearingState::Waiting { reason } = listening.state()
        {
            reasons.push(reason);
        }
        reasons
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(AnalysisState::WordsOnly { reason }) =
            self.engine.as_ref().map(|(engine, _)| engine.analysis()).map(Analysis::state)
        {
            notes.push(format!("sentences are judged by their words alone: {reason}"));
        }
        if let Some(failure) = self.bridge.as_ref().and_then(|shared| shared.tokens.last_failure()) {
            notes.push(format!("the latest request for an access token failed: {failure}"));
        }
        if self.bridge.as_ref().is_some_and(|shared| shared.cluster.state() == ClusterState::CutOff) {
            notes.push(
                "NATS cannot be reached: calls go on, and this node shares neither conferences nor updates with others"
                    .to_owned(),
            );
        }
        notes
    }

    /// Copies what others count.
    fn sample(&self) {
        let sampled = &self.metrics.sampled;
        let bridge = self.bridge.as_ref();
        sampled.event_loop_delay.set(bridge.map_or(0.0, |bridge| bridge.load.delay().as_secs_f64()));
        for outcome in Outcome::ALL {
            let count = bridge.map_or(0, |bridge| bridge.tokens.count(outcome));
            sampled.token_requests.copy(outcome.as_str(), count);
        }
        let engine = self.engine.as_ref();
        for count in Count::ALL {
            let happened = engine.map_or(0, |(engine, _)| engine.counters().get(count));
            copy_count(count, happened, sampled);
        }
        if let Some((engine, listening)) = engine {
            sample_engine(engine, sampled);
            sample_recogniser(listening, sampled);
        }
    }
}

fn sample_engine(engine: &EngineState, sampled: &SampledMetrics) {
    let now = engine.counts();
    sampled.engine.legs.set(as_gauge(now.seats.legs));
    sampled.engine.subscribers.set(as_gauge(now.seats.subscribers));
    sampled.engine.conversations.set(as_gauge(now.connections));
    let records = engine.store().counts();
    sampled.store.waiting.set(i64::try_from(records.waiting).unwrap_or(i64::MAX));
    sampled.store.records.copy("written", records.written);
    sampled.store.records.copy("lost", records.lost);
    sampled.store.copy_failures(records.failures);
}

fn copy_count(count: Count, happened: u64, sampled: &SampledMetrics) {
    let (events, refusals, llm) = (&sampled.engine.events, &sampled.engine.refusals, &sampled.llm_calls);
    let (family, word) = match count {
        Count::LegOpened => (events, "leg_opened"),
        Count::SubscriberOpened => (events, "subscriber_opened"),
        Count::ConversationBegan => (events, "conversation_began"),
        Count::FinalResult => (events, "final_result"),
        Count::InterimDropped => (events, "interim_dropped"),
        Count::SlowClosed => (events, "slow_receiver_closed"),
        Count::SentenceUnjudged => (events, "sentence_unjudged"),
        Count::RefusedToken => (refusals, "token"),
        Count::RefusedFull => (refusals, "full"),
        Count::RefusedCapacity => (refusals, "capacity"),
        Count::RefusedDraining => (refusals, "shutting_down"),
        Count::RefusedCredentials => (refusals, "credentials"),
        Count::LlmAnswered => (llm, "answered"),
        Count::LlmDropped => (llm, "dropped"),
        Count::LlmFailed => (llm, "failed"),
    };
    family.copy(word, happened);
}

fn sample_recogniser(listening: &Listening, sampled: &SampledMetrics) {
    let Some(load) = listening.load() else {
        return;
    };
    let recogniser = &sampled.recogniser;
    recogniser.queue_length.set(as_gauge(load.queue_depth));
    recogniser.workers.set(as_gauge(load.workers));
    recogniser.busy_workers.set(as_gauge(load.busy_workers));
    recogniser.busy.set(load.busy_fraction);
    recogniser.oldest_final_wait.set(load.oldest_final_wait.as_secs_f64());
    recogniser.legs.set(as_gauge(load.legs));
    recogniser.jobs.copy("final", load.finals_done);
    recogniser.jobs.copy("partial", load.partials_done);
    recogniser.jobs.copy("superseded", load.partials_superseded);
}

fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
