//! The order in which jobs run. Pure: the clock is an argument.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use super::{
    super::SAMPLE_RATE,
    {Job, LegId, LegOverloaded, Urgency},
};

/// Audio of one leg's finals that may wait: ten minutes, 38 MB. A leg in real time never has a tenth of it; one that
/// sends a recording at full speed is told to slow down long before (`Ear::is_behind`).
const LEG_BACKLOG_SAMPLES: usize = 600 * SAMPLE_RATE as usize;

/// Waiting jobs. Partials are bounded by one a leg, finals by [`LEG_BACKLOG_SAMPLES`].
#[derive(Default)]
pub(super) struct Queue {
    finals: VecDeque<(Job, Instant)>,
    partials: VecDeque<(Job, Instant)>,
    in_flight: HashSet<LegId>,
    /// Partials that were replaced or withdrawn before they ran.
    pub(super) superseded: u64,
}

impl Queue {
    pub(super) fn push(&mut self, job: Job, now: Instant) -> Result<(), LegOverloaded> {
        match job.urgency {
            Urgency::Final => {
                if self.backlog_samples(job.leg) + job.segment.samples.len() > LEG_BACKLOG_SAMPLES {
                    return Err(LegOverloaded);
                }
                self.finals.push_back((job, now));
            }
            Urgency::Partial => match self.partials.iter_mut().find(|(waiting, _)| waiting.leg == job.leg) {
                // It keeps the older one's turn: at the back a busy leg would never be heard.
                Some((waiting, _)) => {
                    *waiting = job;
                    self.superseded += 1;
                }
                None => self.partials.push_back((job, now)),
            },
        }
        Ok(())
    }

    /// Takes the job that is to run next; [`Queue::done`] must follow.
    ///
    /// Finals first; then the first look at a phrase, which shows that somebody speaks at all; then, if there is a
    /// worker for `later_looks`, all other looks.
    pub(super) fn take(&mut self, later_looks: bool) -> Option<(Job, Instant)> {
        let Self { finals, partials, in_flight, .. } = self;
        let is_free = |job: &Job| !in_flight.contains(&job.leg);
        let taken = if let Some(next) = finals.iter().position(|(job, _)| is_free(job)) {
            finals.remove(next)
        } else {
            let first_look = partials.iter().position(|(job, _)| is_free(job) && !job.is_later_look());
            let any_look = || partials.iter().position(|(job, _)| is_free(job)).filter(|_| later_looks);
            let next = first_look.or_else(any_look)?;
            partials.remove(next)
        }?;
        in_flight.insert(taken.0.leg);
        Some(taken)
    }

    pub(super) fn done(&mut self, leg: LegId) {
        self.in_flight.remove(&leg);
    }

    pub(super) fn withdraw(&mut self, leg: LegId, key: u64) {
        self.finals.retain(|(job, _)| job.leg != leg || job.key != key);
        self.partials.retain(|(job, _)| job.leg != leg || job.key != key);
    }

    pub(super) fn forget(&mut self, leg: LegId) {
        self.finals.retain(|(job, _)| job.leg != leg);
        self.partials.retain(|(job, _)| job.leg != leg);
    }

    pub(super) fn depth(&self) -> usize {
        self.finals.len() + self.partials.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(super) fn oldest_final_wait(&self, now: Instant) -> Duration {
        self.finals.front().map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }

    pub(super) fn backlog_seconds(&self, leg: LegId) -> f32 {
        self.backlog_samples(leg) as f32 / SAMPLE_RATE as f32
    }

    fn backlog_samples(&self, leg: LegId) -> usize {
        self.finals.iter().filter(|(job, _)| job.leg == leg).map(|(job, _)| job.segment.samples.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::segmenter::Segment;
    use super::*;

    fn partial(leg: u64, draft: Vec<u32>) -> Job {
        let segment = Segment {
            number: 0,
            start: 0,
            samples: vec![0.0; 160].into(),
            voiced: Vec::new(),
            surely_speech: true,
        };
        let deliver: super::super::Deliver = Arc::new(|_| ());
        Job { leg: LegId(leg), key: 0, urgency: Urgency::Partial, segment, draft, deliver }
    }

    #[test]
    fn the_first_look_at_a_phrase_goes_before_later_looks_at_others_which_may_have_to_wait() {
        let mut queue = Queue::default();
        for (leg, draft) in [(1, vec![7]), (2, vec![]), (3, vec![])] {
            queue.push(partial(leg, draft), Instant::now()).unwrap();
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.take(false)).map(|(job, _)| job.leg.0).collect();
        assert_eq!(order, [2, 3]);
        assert_eq!(queue.take(true).map(|(job, _)| job.leg.0), Some(1));
    }
}
