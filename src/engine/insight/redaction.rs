//! What of a text may leave.
