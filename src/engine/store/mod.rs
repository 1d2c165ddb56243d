//! The record that stays: conversations, messages, insights, trackers.
//!
//! * [`record`] - what is written down.

pub mod record;
