//! The recogniser's files.
