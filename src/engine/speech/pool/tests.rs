//! The order of work, with a recogniser that waits for permission.

use std::sync::mpsc::{self, Receiver, Sender};

use super::*;

/// Says which job it was given, by the draft, once it is allowed to.
struct Scripted {
    begun: Sender<u32>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl Recognizer for Scripted {
    fn transcribe(&self, segment: &SegmentAudio<'_>) -> Result<Hypothesis, RecognizeError> {
        let Some(&number) = segment.draft.first() else {
            return Ok(Hypothesis::default());
        };
        self.begun.send(number).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        assert!(number != 13, "a fault in the model's code");
        Ok(Hypothesis { tokens: vec![number], ..Hypothesis::default() })
    }

    fn for_worker(&self) -> Box<dyn Recognizer> {
        Box::new(Self { begun: self.begun.clone(), go: self.go.clone() })
    }

    fn name(&self) -> &str {
        "scripted"
    }
}

/// A job that nobody waits for.
fn job(leg: u64, urgency: Urgency, draft: Vec<u32>) -> Job {
    let segment = Segment {
        number: 0,
        start: 0,
        samples: vec![0.0; 160].into(),
        voiced: Vec::new(),
        surely_speech: true,
    };
    Job { leg: LegId(leg), key: 0, urgency, segment, draft, deliver: Arc::new(|_| ()) }
}

struct Stage {
    pool: Pool,
    begun: Receiver<u32>,
    go: Sender<()>,
    done: Receiver<Decoded>,
    deliver: Deliver,
}

fn stage(workers: usize) -> Stage {
    let (begun_in, begun) = mpsc::channel();
    let (go, go_out) = mpsc::channel();
    let (done_in, done) = mpsc::channel();
    let recognizer = Scripted { begun: begun_in, go: Arc::new(Mutex::new(go_out)) };
    let pool = Pool::start(&recognizer, workers).unwrap();
    Stage { pool, begun, go, done, deliver: Arc::new(move |decoded| done_in.send(decoded).unwrap()) }
}

impl Stage {
    fn submit(&self, ticket: &LegTicket, urgency: Urgency, number: u32) -> Result<(), LegOverloaded> {
        self.submit_long(ticket, urgency, number, 16_000)
    }

    fn submit_long(
        &self,
        ticket: &LegTicket,
        urgency: Urgency,
        number: u32,
        samples: usize,
    ) -> Result<(), LegOverloaded> {
        let segment = Segment {
            number: 0,
            start: 0,
            samples: vec![0.0; samples].into(),
            voiced: Vec::new(),
            surely_speech: true,
        };
        let (leg, key, deliver) = (ticket.id(), u64::from(number), self.deliver.clone());
        self.pool.submit(Job { leg, key, urgency, segment, draft: vec![number], deliver })
    }

    /// Lets the waiting jobs run one after the other and returns their order.
    fn order(&self, jobs: usize) -> Vec<u32> {
        (0..jobs)
            .map(|_| {
                let number = self.begun.recv_timeout(Duration::from_secs(5)).unwrap();
                self.go.send(()).unwrap();
                self.done.recv_timeout(Duration::from_secs(5)).unwrap();
                number
            })
            .collect()
    }
}

#[test]
fn finals_go_first_and_a_newer_partial_takes_the_place_of_the_older() {
    let stage = stage(1);
    let (a, b, c) = (stage.pool.enter(), stage.pool.enter(), stage.pool.enter());
    stage.submit(&c, Urgency::Partial, 1).unwrap();
    assert_eq!(stage.begun.recv().unwrap(), 1);
    stage.submit(&a, Urgency::Partial, 2).unwrap();
    stage.submit(&b, Urgency::Partial, 3).unwrap();
    stage.submit(&b, Urgency::Final, 4).unwrap();
    stage.submit(&a, Urgency::Partial, 5).unwrap();
    assert_eq!((stage.pool.load().queue_depth, stage.pool.load().partials_superseded), (3, 1));
    stage.go.send(()).unwrap();
    stage.done.recv().unwrap();
    assert_eq!(stage.order(3), [4, 5, 3]);
}

#[test]
fn a_leg_has_one_job_in_flight_and_others_do_not_wait_for_it() {
    let stage = stage(2);
    let (a, b) = (stage.pool.enter(), stage.pool.enter());
    stage.submit(&a, Urgency::Final, 1).unwrap();
    stage.submit(&a, Urgency::Final, 2).unwrap();
    stage.submit(&b, Urgency::Partial, 3).unwrap();
    let mut begun = [stage.begun.recv().unwrap(), stage.begun.recv().unwrap()];
    begun.sort_unstable();
    assert_eq!(begun, [1, 3]);
    for _ in 0..3 {
        stage.go.send(()).unwrap();
    }
    let mut keys: Vec<u64> = (0..3).map(|_| stage.done.recv().unwrap().key).collect();
    keys.retain(|key| *key != 3);
    assert_eq!(keys, [1, 2]);
}

#[test]
fn a_panic_costs_its_job_and_not_the_worker() {
    let stage = stage(1);
    let leg = stage.pool.enter();
    for number in [13, 14] {
        stage.submit(&leg, Urgency::Final, number).unwrap();
        stage.go.send(()).unwrap();
    }
    let first = stage.done.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(matches!(first.heard, Err(RecognizeError::Panicked)));
    assert!(stage.done.recv_timeout(Duration::from_secs(5)).unwrap().heard.is_ok());
}

#[test]
fn a_leg_that_leaves_takes_its_waiting_jobs_along_and_a_withdrawn_job_does_not_run() {
    let stage = stage(1);
    let (a, b) = (stage.pool.enter(), stage.pool.enter());
    stage.submit(&a, Urgency::Final, 1).unwrap();
    assert_eq!(stage.begun.recv().unwrap(), 1);
    for number in [2, 3] {
        stage.submit(&a, Urgency::Final, number).unwrap();
    }
    for number in [4, 5] {
        stage.submit(&b, Urgency::Final, number).unwrap();
    }
    stage.pool.withdraw(b.id(), 4);
    drop(a);
    assert_eq!((stage.pool.load().legs, stage.pool.load().queue_depth), (1, 1));
    stage.go.send(()).unwrap();
    stage.done.recv().unwrap();
    assert_eq!(stage.order(1), [5]);
}

#[test]
fn a_leg_with_ten_minutes_waiting_is_refused_more() {
    let stage = stage(1);
    let leg = stage.pool.enter();
    let minutes = |count: usize| count * 60 * 16_000;
    stage.submit_long(&leg, Urgency::Final, 1, 16_000).unwrap();
    assert_eq!(stage.begun.recv().unwrap(), 1);
    stage.submit_long(&leg, Urgency::Final, 2, minutes(9)).unwrap();
    assert_eq!(stage.submit_long(&leg, Urgency::Final, 3, minutes(2)), Err(LegOverloaded));
    assert!(stage.pool.backlog_seconds(leg.id()) > 539.0);
    stage.go.send(()).unwrap();
    stage.go.send(()).unwrap();
}

#[test]
fn a_later_look_leaves_the_last_free_worker_to_a_final_under_load() {
    let stage = stage(2);
    let legs: Vec<_> = (0..4).map(|_| stage.pool.enter()).collect();
    // Ten seconds of full work in the past.
    let past = job(0, Urgency::Final, Vec::new());
    stage.pool.shared.lock().load.note(&past, Duration::from_secs(20), Instant::now());
    stage.submit(&legs[0], Urgency::Partial, 1).unwrap();
    assert_eq!(stage.begun.recv().unwrap(), 1);
    stage.submit(&legs[1], Urgency::Partial, 2).unwrap();
    stage.submit(&legs[2], Urgency::Final, 3).unwrap();
    assert_eq!(stage.begun.recv().unwrap(), 3);
    for _ in 0..2 {
        stage.go.send(()).unwrap();
    }
    assert_eq!(stage.begun.recv_timeout(Duration::from_secs(5)).unwrap(), 2);
    stage.go.send(()).unwrap();
}

#[test]
fn capacity_follows_what_a_leg_cannot_do_without() {
    let now = Instant::now();
    let mut load = LoadMeter::new(2, 0.1, now);
    assert!(load.allows(14, 1, Duration::ZERO, now));
    assert!(!load.allows(15, 1, Duration::ZERO, now));
    assert!(!load.allows(3, 1, Duration::from_secs(2), now));
    // Ten seconds of full work by four legs, but only later looks at their phrases: as many as there was time for.
    load.note(&job(0, Urgency::Partial, vec![7]), Duration::from_secs(20), now);
    assert!((load.busy_fraction(now) - 1.0).abs() < 1e-9);
    assert!(load.allows(4, 1, Duration::ZERO, now));
    // The same in finals: each leg costs half a worker.
    load.note(&job(0, Urgency::Final, Vec::new()), Duration::from_secs(20), now);
    assert!(!load.allows(4, 1, Duration::ZERO, now));
    assert!(load.allows(4, 1, Duration::ZERO, now + Duration::from_secs(60)));
}
