//! The application as a value.
