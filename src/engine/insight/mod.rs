//! What was meant: one file a capability, each a plain function or type over sentences.
//!
//! Nothing here knows a socket, a clock, a store or a wire format, and nothing here imports anything but its siblings,
//! [`super::meaning`] and [`super::number_words`]; [`analyst`] puts the capabilities together over one conversation.
//!
//! * [`analyst`] - all of them over one conversation, in order.
//! * [`messages`] - sentences of a recogniser's phrase.
//! * [`intents`] - questions, action items, follow-ups; [`due`] - when they are due.
//! * [`entities`] - personal and payment data; [`redaction`] - what of a text may leave.
//! * [`labelled`] - labelled sets, and how well findings agree with them.
//! * [`leanings`] - what a sentence probably is, learned from labelled rows: a second opinion on intents and sentiment.
//! * [`sentiment`] - polarity of a sentence.
//! * [`topics`] - what a conversation is about.
//! * [`trackers`] - phrases somebody watches for, by words and by meaning.
//! * [`analytics`] - who talked how long.
//! * [`summary`] - the sentences that say most.

pub mod analyst;
pub mod analytics;
pub mod due;
pub mod entities;
pub mod intents;
pub mod labelled;
pub mod leanings;
pub mod messages;
pub mod redaction;
pub mod sentiment;
pub mod summary;
pub mod topics;
pub mod trackers;
