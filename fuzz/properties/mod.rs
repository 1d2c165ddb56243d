//! What must hold for any input: one file a target. The fuzzer and `tests/fuzz_corpus.rs` run the same code.
//!
//! A check takes any bytes, returns when everything held and panics with a reason when something did not. It compares
//! with something that shares no code with what it checks wherever there is such a thing, and looks at the size of what
//! comes out: memory must be bounded by the input.

// The corpus test uses the table only, and a property that cannot go on has found something.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod address;
pub mod audio;
pub mod client_message;
pub mod form;
pub mod frames;
pub mod input;
pub mod insights;
pub mod media_message;
pub mod redaction;
pub mod rest_body;
pub mod server_message;
pub mod settings;
pub mod signature;
pub mod token;
#[path = "../../tests/twilio_reference/mod.rs"]
pub mod twilio_reference;
pub mod twiml;

/// A check of any bytes.
pub type Check = fn(&[u8]);

/// Every target with its check, by the name of its file and of its corpus.
pub const TARGETS: [(&str, Check); 14] = [
    ("address", address::check),
    ("audio", audio::check),
    ("client_message", client_message::check),
    ("form", form::check),
    ("frames", frames::check),
    ("insights", insights::check),
    ("media_message", media_message::check),
    ("redaction", redaction::check),
    ("rest_body", rest_body::check),
    ("server_message", server_message::check),
    ("settings", settings::check),
    ("signature", signature::check),
    ("token", token::check),
    ("twiml", twiml::check),
];
