//! Log events and metrics.
