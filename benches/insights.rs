//! What a sentence costs: redaction on the async thread, judging by words on the insight thread, and reading a long
//! conversation back.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot run has nothing better to do")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use symbl_bridge::engine::insight::analyst::Analyst;
use symbl_bridge::engine::insight::redaction::Redactor;
use symbl_bridge::engine::insight::trackers::{Tracker, TrackerDefinition};

const SENTENCES: [&str; 6] = [
    "Thank you for calling, how can I help you today?",
    "yeah um my last bill looks wrong i was charged twice for the same month",
    "My number is five five five, zero one four two, and it's Anna Schmidt.",
    "i will send you the refund form by email this afternoon",
    "so honestly i'm not happy with this machine it stopped working after two days",
    "could you call me back on monday after three",
];

fn trackers() -> Vec<Arc<Tracker>> {
    let phrases = ["I want my money back", "cancel my subscription", "speak to a manager", "charged twice"];
    let definition = |number: usize| TrackerDefinition {
        id: number.to_string(),
        name: format!("tracker {number}"),
        phrases: phrases.iter().map(|phrase| format!("{phrase} {number}")).collect(),
        threshold: None,
        is_strict: false,
    };
    (0..20).map(|number| Arc::new(Tracker::new(&definition(number)))).collect()
}

fn sentence(criterion: &mut Criterion) {
    let mut next = SENTENCES.iter().cycle();
    let mut redactor = Redactor::default();
    criterion.bench_function("redaction of a phrase", |bencher| {
        bencher.iter(|| redactor.finished(1, 0, black_box(next.next().unwrap())));
    });
    let trackers = trackers();
    let mut analyst = Analyst::default();
    criterion.bench_function("a sentence judged by words, 20 trackers", |bencher| {
        bencher.iter(|| analyst.sentence("1", black_box(next.next().unwrap()), None, &trackers));
    });
}

fn topics(criterion: &mut Criterion) {
    let mut analyst = Analyst::default();
    for (number, text) in SENTENCES.iter().cycle().take(10_000).enumerate() {
        analyst.remember(&number.to_string(), text, 0.0);
    }
    criterion.bench_function("topics of 10,000 messages", |bencher| bencher.iter(|| analyst.topics()));
}

criterion_group!(benches, sentence, topics);
criterion_main!(benches);
