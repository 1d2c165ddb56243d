//! Phrases somebody watches for, by words and by meaning.
