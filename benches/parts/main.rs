//! The program's parts one by one: `cargo bench --bench parts`. The audio path and insights have benchmarks of their own.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing better to do")]

mod dashboards;
#[allow(dead_code, reason = "shared with others that use the rest")]
mod pieces;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dashboards::Audience;
use pieces::{Hearing, SECOND, SignedWebhook, caller, twiml};
use symbl_bridge::twilio::PublicUrl;

fn webhooks(criterion: &mut Criterion) {
    let webhook = SignedWebhook::of_a_call();
    criterion.bench_function("a webhook's form and its signature", |bencher| {
        bencher.iter(|| black_box(&webhook).check().expect("signed"));
    });
    let base = PublicUrl::parse("https://bridge.example.com").expect("an address");
    criterion.bench_function("TwiML of a call", |bencher| {
        bencher.iter(|| twiml(black_box(&base)).expect("a document"));
    });
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("two updates of a leg");
    for dashboards in [1, 10, 50, 200] {
        let system = actix::System::new();
        let mut audience = system.block_on(Audience::of(dashboards));
        group.throughput(Throughput::Elements(2 * dashboards as u64));
        group.bench_function(format!("{dashboards} dashboards"), |bencher| {
            bencher.iter(|| system.block_on(audience.tell_of_a_leg()));
        });
    }
    group.finish();
}

fn segmenter(criterion: &mut Criterion) {
    let caller = caller();
    let mut group = criterion.benchmark_group("segmenter");
    group.throughput(Throughput::Elements((caller.len() / SECOND) as u64));
    group.bench_function("55 seconds of a call", |bencher| {
        bencher.iter_batched_ref(
            Hearing::of_a_telephone,
            |hearing| assert!(hearing.hear(black_box(&caller)) > 0),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, webhooks, updates, segmenter);
criterion_main!(benches);
