//! Meanings that were computed before, by text.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Vector;

/// 1.6 kB each. Trackers say the same phrases again with every conversation; what they say fits many times over.
const MOST: usize = 4096;

/// A longer text is hardly said twice.
const LONGEST_BYTES: usize = 200;

/// A bounded map from text to vector.
#[derive(Default)]
pub(super) struct Memory {
    known: Mutex<HashMap<Box<str>, Arc<Vector>>>,
}

impl Memory {
    pub(super) fn recall(&self, text: &str) -> Option<Arc<Vector>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }

    /// Keeps `vector`; when there is no room everything older goes, which costs a second once in a long while.
    pub(super) fn keep(&self, text: &str, vector: &Arc<Vector>) {
        if text.len() > LONGEST_BYTES {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(text.into(), vector.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LONGEST_BYTES, MOST, Memory};
    use crate::engine::meaning::{Vector, WIDTH};

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::default();
        let vector = Arc::new(Vector::pointing_along([1.0; WIDTH]));
        for number in 0..=MOST {
            memory.keep(&number.to_string(), &vector);
        }
        assert!(memory.recall("0").is_none() && memory.recall(&MOST.to_string()).is_some());
        let long = "x".repeat(LONGEST_BYTES + 1);
        memory.keep(&long, &vector);
        assert!(memory.recall(&long).is_none());
    }
}
