//! Sentences of a recogniser's phrase.
