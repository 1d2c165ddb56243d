//! The figures of one step, as the table and the JSON show them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Arrivals;
use super::histogram::Histogram;
use super::process::Usage;

/// A generator that comes later than this with one frame in a hundred spoils the delays it measures.
const LATE_MS: f64 = 1.0;

/// A generator, or a thread of it, that is busier than this share of its core spoils them, too.
const BUSY: f64 = 0.9;

/// Some delays, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Delay {
    /// Half of them stay within.
    pub p50: f64,
    /// 99 of 100 stay within.
    pub p99: f64,
    /// 999 of 1,000 stay within.
    pub p999: f64,
    /// All stay within.
    pub max: f64,
}

/// How setting up went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// Calls that got no leg, by what went wrong.
    pub faults: BTreeMap<String, u64>,
    /// From the first call to the last leg, in seconds.
    pub seconds: f64,
    /// From the webhook's request to its answer.
    pub webhook_ms: Delay,
    /// From `start` to the first audio at the sink: the bridge's own connection, handshake and acknowledgement.
    pub first_audio_ms: Delay,
    /// CPU of the bridge, in milliseconds a leg; none without its pid, or when legs spoke already.
    pub cpu_ms_a_leg: Option<f64>,
}

/// What the bridge used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgeCost {
    /// CPU time a frame, in microseconds.
    pub cpu_us_a_frame: f64,
    /// The kernel's share of it, 0 to 1.
    pub kernel_share: f64,
    /// Cores in use.
    pub cores: f64,
    /// Cores it would have used besides, had others not been on them.
    pub waited_cores: f64,
    /// Sleeps of its threads a frame.
    pub sleeps_a_frame: f64,
    /// Times a thread was put aside, a second.
    pub put_aside_a_second: f64,
    /// Growth of its memory, in kB a leg.
    pub resident_kb_a_leg: f64,
    /// The same without what is mapped from files.
    pub anonymous_kb_a_leg: f64,
    /// Its memory in all, in MB.
    pub resident_mb: f64,
    /// Its threads.
    pub threads: u64,
}

/// How the generator itself did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Generator {
    /// From when frames were due to when they were written.
    pub lateness_ms: Delay,
    /// Cores in use, of [`Generator::cores_allowed`].
    pub cores: f64,
    /// Cores it may run on.
    pub cores_allowed: usize,
    /// The busiest thread's share of a core.
    pub busiest_thread: f64,
    /// Cores that neither it nor the bridge used, but somebody else.
    pub others_cores: f64,
    /// Why this step says more of the generator than of the bridge; empty if it does not.
    pub was_the_bottleneck: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Calls that were made.
    pub legs: usize,
    /// Legs that stood.
    pub standing: usize,
    /// Legs whose media socket the bridge ended, or lost, before their time.
    pub broken: usize,
    /// Length of what was measured, in seconds.
    pub seconds: f64,
    /// 1: real time.
    pub pace: f64,
    /// How calls and frames arrived.
    pub arrivals: Arrivals,
    /// Setting up.
    pub set_up: SetUp,
    /// Frames that were due, from the first of the first leg to the last of the last.
    pub frames_sent: u64,
    /// Those within the measured time.
    pub frames_measured: u64,
    /// Different frames that came out.
    pub frames_received: u64,
    /// Frames that never came out.
    pub lost: u64,
    /// Those of the lost that the bridge never took: its socket was full for seconds, or broken.
    pub not_taken: u64,
    /// Frames that came again.
    pub duplicates: u64,
    /// Frames that came after their successors.
    pub out_of_order: u64,
    /// Frames with a wrong byte, or of nobody.
    pub damaged: u64,
    /// From when a frame was due to when it was read at the sink. A late generator counts as delay.
    pub delay_ms: Delay,
    /// From when a frame was written to when it was read at the sink.
    pub since_sent_ms: Delay,
    /// Connections to the sink beyond one a leg.
    pub reconnections: u64,
    /// Legs whose connection to the sink did not end with `stop_request`.
    pub without_leave: u64,
    /// Status callbacks that were not answered with success.
    pub callbacks_failed: u64,
    /// What the bridge used; none without its pid.
    pub bridge: Option<BridgeCost>,
    /// What a bare relay used for the same load just before, if it was asked to.
    pub relay: Option<BridgeCost>,
    /// The generator.
    pub generator: Generator,
}

impl StepReport {
    /// Tells whether every call got its leg and every frame came out once, whole and in order.
    pub fn is_whole(&self) -> bool {
        let faults = [self.lost, self.duplicates, self.out_of_order, self.damaged];
        self.standing == self.legs && self.broken == 0 && faults.iter().all(|count| *count == 0)
    }

    /// Returns the bridge's CPU time a frame, as a multiple of the relay's.
    pub fn times_relay(&self) -> Option<f64> {
        Some(self.bridge?.cpu_us_a_frame / self.relay?.cpu_us_a_frame)
    }

    /// Tells whether the generator was the limit.
    pub fn is_limited_by_generator(&self) -> bool {
        !self.generator.was_the_bottleneck.is_empty()
    }
}

impl Delay {
    /// Returns the delays counted in nanoseconds.
    pub(super) fn of(delays: &Histogram) -> Self {
        let ms = |ns: u64| (ns as f64 / 1e3).round() / 1e3;
        Self {
            p50: ms(delays.quantile(0.5)),
            p99: ms(delays.quantile(0.99)),
            p999: ms(delays.quantile(0.999)),
            max: ms(delays.largest()),
        }
    }
}

/// What was used up to some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at_s: f64,
    pub(super) bridge: Option<Usage>,
    pub(super) ours: Usage,
    pub(super) machine_busy_s: f64,
}

impl BridgeCost {
    /// Returns the cost from `begin` to `end`, which `frames` and `legs` share; memory has grown since `idle`.
    pub(super) fn between(
        idle: &Moment,
        begin: &Moment,
        end: &Moment,
        frames: u64,
        legs: usize,
    ) -> Option<Self> {
        let (idle, before, after) = (idle.bridge?, begin.bridge?, end.bridge?);
        let seconds = (end.at_s - begin.at_s).max(1e-9);
        let (frames, legs) = (frames.max(1) as f64, legs.max(1) as f64);
        let cpu_s = after.cpu_s - before.cpu_s;
        let kernel_s = after.kernel_s - before.kernel_s;
        let grown = |after: u64, idle: u64| (after as f64 - idle as f64) / 1024.0 / legs;
        Some(Self {
            cpu_us_a_frame: cpu_s * 1e6 / frames,
            kernel_share: kernel_s / (kernel_s + after.user_s - before.user_s).max(1e-9),
            cores: cpu_s / seconds,
            waited_cores: (after.waited_s - before.waited_s) / seconds,
            sleeps_a_frame: after.voluntary_switches.saturating_sub(before.voluntary_switches) as f64
                / frames,
            put_aside_a_second: after.involuntary_switches.saturating_sub(before.involuntary_switches) as f64
                / seconds,
            resident_kb_a_leg: grown(after.resident_bytes, idle.resident_bytes),
            anonymous_kb_a_leg: grown(after.anonymous_bytes, idle.anonymous_bytes),
            resident_mb: after.resident_bytes as f64 / 1024.0 / 1024.0,
            threads: after.threads,
        })
    }
}

impl Generator {
    /// Returns how the generator did from `begin` to `end`.
    pub(super) fn between(begin: &Moment, end: &Moment, lateness: &Histogram, cores_allowed: usize) -> Self {
        let seconds = (end.at_s - begin.at_s).max(1e-9);
        let lateness_ms = Delay::of(lateness);
        let cores = (end.ours.cpu_s - begin.ours.cpu_s) / seconds;
        let busiest_thread = (end.ours.busiest_thread_s - begin.ours.busiest_thread_s) / seconds;
        let of_bridge = |moment: &Moment| moment.bridge.map_or(0.0, |usage| usage.cpu_s);
        let bridge_cores = (of_bridge(end) - of_bridge(begin)) / seconds;
        let all_cores = (end.machine_busy_s - begin.machine_busy_s) / seconds;
        let mut was_the_bottleneck = Vec::new();
        if lateness_ms.p99 > LATE_MS {
            was_the_bottleneck.push(format!(
                "it wrote 1 frame in 100 more than {:.1} ms later than planned",
                lateness_ms.p99
            ));
        }
        if cores > BUSY * cores_allowed as f64 {
            was_the_bottleneck.push(format!("it used {cores:.2} of its {cores_allowed} cores"));
        } else if busiest_thread > BUSY {
            was_the_bottleneck.push(format!("a thread of it used {busiest_thread:.2} of a core"));
        }
        Self {
            lateness_ms,
            cores,
            cores_allowed,
            busiest_thread,
            others_cores: (all_cores - cores - bridge_cores).max(0.0),
            was_the_bottleneck,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at_s: f64, cpu_s: f64, resident_kb: u64) -> Moment {
        let usage = Usage {
            cpu_s,
            user_s: cpu_s / 4.0,
            kernel_s: cpu_s * 3.0 / 4.0,
            resident_bytes: resident_kb * 1024,
            busiest_thread_s: cpu_s,
            ..Usage::default()
        };
        Moment { at_s, bridge: Some(usage), ours: usage, machine_busy_s: at_s }
    }

    #[test]
    fn cost_is_shared_by_frames_and_legs() {
        let cost = BridgeCost::between(
            &moment(0.0, 0.0, 10_000),
            &moment(5.0, 1.0, 11_000),
            &moment(10.0, 3.0, 12_000),
            100_000,
            100,
        );
        let cost = cost.unwrap();
        assert!((cost.cpu_us_a_frame - 20.0).abs() < 1e-6 && (cost.cores - 0.4).abs() < 1e-9, "{cost:?}");
        assert!(
            (cost.kernel_share - 0.75).abs() < 1e-9 && (cost.resident_kb_a_leg - 20.0).abs() < 1e-9,
            "{cost:?}"
        );
    }

    #[test]
    fn a_generator_that_is_late_or_busy_says_so() {
        let mut in_time = Histogram::default();
        in_time.record(60_000);
        let calm = Generator::between(&moment(0.0, 0.0, 1), &moment(1.0, 0.3, 1), &in_time, 1);
        assert_eq!(calm.was_the_bottleneck, Vec::<String>::new());
        assert!((calm.others_cores - 0.4).abs() < 1e-9, "{calm:?}");
        let mut late = Histogram::default();
        late.record(1_300_000);
        let said =
            Generator::between(&moment(0.0, 0.0, 1), &moment(1.0, 0.95, 1), &late, 1).was_the_bottleneck;
        assert_eq!(
            said,
            ["it wrote 1 frame in 100 more than 1.3 ms later than planned", "it used 0.95 of its 1 cores"]
        );
        let said =
            Generator::between(&moment(0.0, 0.0, 1), &moment(1.0, 0.95, 1), &in_time, 4).was_the_bottleneck;
        assert_eq!(said, ["a thread of it used 0.95 of a core"]);
    }
}
