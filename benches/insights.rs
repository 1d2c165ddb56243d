//! What a sentence costs: redaction on the async thread, judging by words on the insight thread, and reading a long
//! conversation back.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot run has nothing better to do")]

#[path = "parts/pieces/sentences.rs"]
mod sentences;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sentences::{SENTENCES, trackers};
use symbl_bridge::engine::insight::analyst::Analyst;
use symbl_bridge::engine::insight::redaction::Redactor;

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
