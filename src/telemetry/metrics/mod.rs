//! What is counted and measured, for `/metrics`. `docs/metrics.md` lists every name; a test holds it against the output.
//!
//! * [`legs`] - calls, legs and conferences.
//! * [`media`] - what Twilio sends.
//! * [`upstream`] - connections to the Symbl-protocol server, and how far it is behind.
//! * [`doors`] - webhooks, and who was refused at which door.
//! * [`updates`] - dashboards.
//! * [`cluster`] - several nodes.
//! * [`reattach`] - new streams for calls that lost theirs.
//! * [`recognition`] - how long callers' words take to become text.
//! * [`sampled`] - what others count; copied when somebody looks.
//! * [`process`] - memory, processor time and file descriptors.
//! * [`counted`], [`tally`], [`share`] - three ways to count that cost little.
//! * [`exposition`] - the two text forms.
//!
//! There is no global: [`Metrics`] is a value, and an application in a test has its own. A label is a word of a short
//! list, never a call, a number or a room.

pub mod cluster;
pub mod counted;
pub mod doors;
pub mod exposition;
pub mod legs;
pub mod media;
pub mod process;
pub mod reattach;
pub mod recognition;
pub mod sampled;
pub mod share;
pub mod tally;
pub mod updates;
pub mod upstream;

use std::ops::Deref;
use std::sync::Arc;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::cluster::ClusterMetrics;
use self::doors::DoorMetrics;
use self::exposition::Exposition;
use self::legs::LegMetrics;
use self::media::MediaMetrics;
use self::process::ProcessFigures;
use self::reattach::ReattachMetrics;
use self::recognition::RecognitionMetrics;
use self::sampled::SampledMetrics;
use self::updates::UpdateMetrics;
use self::upstream::UpstreamMetrics;

/// Before every name.
const PREFIX: &str = "symbl_bridge";

/// Everything that one application counts. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    groups: Groups,
}

/// The metrics by what they are about.
#[derive(Debug)]
pub struct Groups {
    /// Calls, legs and conferences.
    pub legs: LegMetrics,
    /// What Twilio sends.
    pub media: MediaMetrics,
    /// Connections to the Symbl-protocol server.
    pub upstream: UpstreamMetrics,
    /// Webhooks and refusals.
    pub doors: DoorMetrics,
    /// Dashboards.
    pub updates: UpdateMetrics,
    /// Several nodes.
    pub cluster: ClusterMetrics,
    /// New streams for calls that lost theirs.
    pub reattach: ReattachMetrics,
    /// The recogniser's pace.
    pub recognition: RecognitionMetrics,
    /// What others count.
    pub sampled: SampledMetrics,
}

impl Default for Metrics {
    /// Returns metrics that have counted nothing.
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program's version", build);
        let groups = Groups {
            legs: LegMetrics::registered(&mut registry),
            media: MediaMetrics::registered(&mut registry),
            upstream: UpstreamMetrics::registered(&mut registry),
            doors: DoorMetrics::registered(&mut registry),
            updates: UpdateMetrics::registered(&mut registry),
            cluster: ClusterMetrics::registered(&mut registry),
            reattach: ReattachMetrics::registered(&mut registry),
            recognition: RecognitionMetrics::registered(&mut registry),
            sampled: SampledMetrics::registered(&mut registry),
        };
        registry.register_collector(Box::new(ProcessFigures::default()));
        Self { inner: Arc::new(Inner { registry, groups }) }
    }
}

impl Deref for Metrics {
    type Target = Groups;

    fn deref(&self) -> &Groups {
        &self.inner.groups
    }
}

impl Metrics {
    /// Returns all that was counted, as text.
    pub fn text(&self, form: Exposition) -> String {
        form.write(&self.inner.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_applications_in_one_process_count_apart() {
        let (one, other) = (Metrics::default(), Metrics::default());
        one.clone().media.frames.inc();
        let line = |metrics: &Metrics| {
            let text = metrics.text(Exposition::Prometheus);
            text.lines().find(|line| line.starts_with("symbl_bridge_media_frames_total ")).map(str::to_owned)
        };
        assert_eq!(line(&one).as_deref(), Some("symbl_bridge_media_frames_total 1"));
        assert_eq!(line(&other).as_deref(), Some("symbl_bridge_media_frames_total 0"));
    }
}
