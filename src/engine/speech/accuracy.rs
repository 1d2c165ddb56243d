//! Word error rate, with spelling that says nothing about hearing made equal first.

mod numbers;
mod spelling;

pub use self::spelling::normalised_words;

/// How a hypothesis differs from what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WordErrors {
    /// Words that were said.
    pub words: usize,
    /// Words heard as others.
    pub substituted: usize,
    /// Words not heard.
    pub deleted: usize,
    /// Words heard that nobody said.
    pub inserted: usize,
}

impl WordErrors {
    /// Counts the errors of `heard` against `said`, both normalised first.
    pub fn count(said: &str, heard: &str) -> Self {
        let (said, heard) = (normalised_words(said), normalised_words(heard));
        // One row of the edit-distance table: the cheapest way from `said[..i]` to each `heard[..j]`.
        let mut row: Vec<Self> =
            (0..=heard.len()).map(|inserted| Self { inserted, ..Self::default() }).collect();
        for (index, word) in said.iter().enumerate() {
            let mut diagonal = row[0];
            row[0].deleted = index + 1;
            for (column, other) in heard.iter().enumerate() {
                let mut replaced = diagonal;
                replaced.substituted += usize::from(word != other);
                let mut missed = row[column + 1];
                missed.deleted += 1;
                let mut added = row[column];
                added.inserted += 1;
                diagonal = row[column + 1];
                let cheaper = |a: Self, b: Self| if b.errors() < a.errors() { b } else { a };
                row[column + 1] = cheaper(cheaper(replaced, missed), added);
            }
        }
        Self { words: said.len(), ..row[heard.len()] }
    }

    /// Returns all errors together.
    pub fn errors(&self) -> usize {
        self.substituted + self.deleted + self.inserted
    }

    /// Returns errors a word said; 0 when nothing was said and nothing heard.
    pub fn rate(&self) -> f64 {
        if self.errors() == 0 { 0.0 } else { self.errors() as f64 / self.words.max(1) as f64 }
    }
}

impl std::ops::AddAssign for WordErrors {
    fn add_assign(&mut self, other: Self) {
        self.words += other.words;
        self.substituted += other.substituted;
        self.deleted += other.deleted;
        self.inserted += other.inserted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_kind() {
        let errors =
            WordErrors::count("alpha bravo charlie delta echo golf", "xray bravo charlie yankee delta echo");
        assert_eq!(errors, WordErrors { words: 6, substituted: 1, deleted: 1, inserted: 1 });
        assert!((errors.rate() - 0.5).abs() < 1e-9);
        assert_eq!(WordErrors::count("", "a b").rate(), 2.0);
        assert_eq!(WordErrors::count("a", "").deleted, 1);
        assert_eq!(WordErrors::count("", "").rate(), 0.0);
    }
}
