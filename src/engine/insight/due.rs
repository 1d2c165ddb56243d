//! When something that was promised is due.
