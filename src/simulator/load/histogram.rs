//! Delays in buckets that grow with them: quick to record into, and within 1.6 % of what was recorded.

/// Buckets an octave, as a power of two.
const FINENESS: u32 = 6;

/// Buckets an octave.
const PER_OCTAVE: usize = 1 << FINENESS;

/// All that 64 bits can say.
const BUCKETS: usize = (u64::BITS - FINENESS + 1) as usize * PER_OCTAVE;

/// Counts of values by size.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, largest: 0 }
    }
}

impl Histogram {
    /// Counts a value.
    pub(super) fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.largest = self.largest.max(value);
    }

    /// Returns how many values were counted.
    pub(super) fn len(&self) -> u64 {
        self.total
    }

    /// Returns the largest value, exactly.
    pub(super) fn largest(&self) -> u64 {
        self.largest
    }

    /// Returns what this share of the values (0 to 1) stays within; 0 without values.
    pub(super) fn quantile(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut counted = 0;
        for (index, count) in self.counts.iter().enumerate() {
            counted += count;
            if counted >= wanted {
                return upper_end(index).min(self.largest);
            }
        }
        self.largest
    }
}

fn bucket(value: u64) -> usize {
    if value < PER_OCTAVE as u64 {
        return value as usize;
    }
    let shift = u64::BITS - 1 - FINENESS - value.leading_zeros();
    (shift as usize + 1) * PER_OCTAVE + (value >> shift) as usize - PER_OCTAVE
}

/// The largest value of a bucket.
fn upper_end(index: usize) -> u64 {
    if index < PER_OCTAVE {
        return index as u64;
    }
    let shift = index / PER_OCTAVE - 1;
    let step = (index % PER_OCTAVE + PER_OCTAVE) as u64;
    (step << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_close_to_its_end() {
        for value in (0..64).map(|bits| 1_u64 << bits).flat_map(|power| [power - 1, power, power + power / 3])
        {
            let end = upper_end(bucket(value));
            assert!(end >= value, "{value}: {end}");
            assert!(end - value <= value / 64, "{value}: {end}");
        }
        assert_eq!(upper_end(bucket(u64::MAX)), u64::MAX);
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut delays = Histogram::default();
        assert_eq!((delays.len(), delays.quantile(0.99)), (0, 0));
        (1..=1000).for_each(|value| delays.record(value * 1000));
        for (share, expected) in [(0.5, 500_000_u64), (0.99, 990_000), (0.999, 999_000)] {
            let found = delays.quantile(share);
            assert!(found.abs_diff(expected) <= expected / 60, "{share}: {found}");
        }
        assert_eq!((delays.quantile(1.0), delays.largest(), delays.len()), (1_000_000, 1_000_000, 1000));
    }
}
