//! Polarity of a sentence.
