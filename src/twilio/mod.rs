//! Media Streams messages, forms, TwiML, signatures. Never touches a clock, and only [`rest::client`] touches a socket.
//!
//! * [`sid`] - Twilio's identifiers.
//! * [`caller`] - who calls: a number, a SIP or client address, or nobody we are told of.
//! * [`media`] - messages on the media socket, with a fast path for the one that comes 50 times a second.
//! * [`payload`] - base64 of a media message, into a buffer that is used again.
//! * [`continuity`] - what is missing, late or twice in one track.
//! * [`form`] - form bodies as ordered pairs, fit for signing.
//! * [`webhook`] - typed views of the forms Twilio posts.
//! * [`public_url`] - the address the world knows us by; what we emit and what Twilio signs.
//! * [`signature`] - `X-Twilio-Signature`, made and checked.
//! * [`twiml`] - the documents we answer with.
//! * [`rest`] - the REST API: accounts, numbers, calls, conferences, streams.

pub mod caller;
pub mod continuity;
pub mod form;
pub mod media;
mod media_scan;
pub mod payload;
pub mod public_url;
pub mod rest;
pub mod sid;
pub mod signature;
pub mod twiml;
pub mod webhook;

pub use caller::{Caller, PhoneNumber};
pub use continuity::{Continuity, Verdict};
pub use form::Form;
pub use media::{BadStreamMessage, Media, Start, StreamMessage, Track};
pub use payload::{BadPayload, decode_payload};
pub use public_url::{PublicUrl, StreamUrl};
pub use sid::{AccountSid, BadSid, CallSid, ConferenceSid, StreamSid};
pub use signature::{AuthToken, BadSignature, Signer};
