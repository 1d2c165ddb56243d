//! Which parts of a meaning count when somebody is watched for: a learned correction of the cosine.
//!
//! The cosine hears topics: "my bill is wrong" and "i paid my bill" are neighbours. `emphasis.bin` holds a projection of
//! low rank, taught by sentences that mean a tracker and sentences made to mislead (`tests/insights/train-trackers.py`),
//! that is added to a vector so that the former come nearer and the latter go away; and a direction that tells sentences
//! which call for nothing from those that call for something.

use std::sync::LazyLock;

use crate::engine::meaning::{Vector, WIDTH, dot};

/// How many directions the correction has.
const RANK: usize = 48;

/// How much the nearest phrase counts above the others in [`Emphasis::likeness`].
const SHARPNESS: f32 = 12.0;

/// Bytes of a scale in the file.
const SCALE_BYTES: usize = size_of::<f32>();

/// A vector whose parts are weighed.
#[derive(Debug, Clone)]
pub(super) struct Weighed(Vector);

/// The learned weights.
struct Emphasis {
    /// What the correction looks for.
    reads: Vec<[f32; WIDTH]>,
    /// What it adds for each.
    adds: Vec<[f32; WIDTH]>,
    /// The direction of sentences that call for something.
    calls: [f32; WIDTH],
}

static EMPHASIS: LazyLock<Emphasis> = LazyLock::new(|| Emphasis::read(include_bytes!("emphasis.bin")));

impl Emphasis {
    /// Reads three blocks: a scale, then signed bytes. What is missing is zero, and the cosine stays as it is.
    fn read(mut file: &[u8]) -> Self {
        let reads = block(&mut file, RANK);
        let adds = block(&mut file, RANK);
        let calls = block(&mut file, 1).pop().unwrap_or([0.0; WIDTH]);
        Self { reads, adds, calls }
    }
}

fn block(file: &mut &[u8], rows: usize) -> Vec<[f32; WIDTH]> {
    let (block, rest) = file.split_at_checked(SCALE_BYTES + rows * WIDTH).unwrap_or_default();
    *file = rest;
    let Some((scale, weights)) = block.split_first_chunk::<SCALE_BYTES>() else { return Vec::new() };
    let scale = f32::from_le_bytes(*scale);
    let (weights, _) = weights.as_chunks::<WIDTH>();
    weights.iter().map(|row| row.map(|weight| f32::from(weight.cast_signed()) * scale)).collect()
}

impl Weighed {
    /// Weighs the parts of a vector.
    pub(super) fn of(vector: &Vector) -> Self {
        let mut sum = *vector.values();
        for (reads, adds) in EMPHASIS.reads.iter().zip(&EMPHASIS.adds) {
            let amount = dot(reads, vector.values());
            for (total, add) in sum.iter_mut().zip(adds) {
                *total += amount * add;
            }
        }
        Self(Vector::pointing_along(sum))
    }

    fn cosine(&self, other: &Self) -> f32 {
        self.0.cosine(&other.0)
    }
}

/// Returns how much a sentence calls for something; about 0 for most, below for what is said in passing.
pub(super) fn call(vector: &Vector) -> f32 {
    dot(&EMPHASIS.calls, vector.values())
}

/// Returns how near a message is to `phrases`: a soft maximum, to which several near ones add.
pub(super) fn nearness<'a>(phrases: impl Iterator<Item = &'a Weighed>, message: &Weighed) -> f32 {
    let (mut sum, mut count) = (0.0_f32, 0.0_f32);
    for phrase in phrases {
        sum += (SHARPNESS * phrase.cosine(message)).exp();
        count += 1.0;
    }
    if count == 0.0 { 0.0 } else { sum.ln() / SHARPNESS - count.ln() / (2.0 * SHARPNESS) }
}

#[cfg(test)]
mod tests {
    use super::{EMPHASIS, Emphasis, RANK, Weighed, nearness};
    use crate::engine::meaning::{Vector, WIDTH};

    #[test]
    fn the_data_is_complete() {
        assert_eq!((EMPHASIS.reads.len(), EMPHASIS.adds.len()), (RANK, RANK));
        assert!(EMPHASIS.calls.iter().any(|weight| *weight != 0.0));
        assert!(Emphasis::read(&[1, 2, 3]).reads.is_empty());
    }

    #[test]
    fn a_meaning_is_nearest_to_itself() {
        let mut values = [0.0; WIDTH];
        values[3] = 1.0;
        let one = Weighed::of(&Vector::pointing_along(values));
        values[3] = -1.0;
        let other = Weighed::of(&Vector::pointing_along(values));
        assert!((nearness([&one].into_iter(), &one) - 1.0).abs() < 1e-3);
        assert!(nearness([&other].into_iter(), &one) < 0.0);
        assert_eq!(nearness([].into_iter(), &one), 0.0);
    }
}
