//! Twilio's side of the wire: phones that call a bridge over real sockets (twilio-protocol.md, section 7).
//!
//! * [`phone`] - one caller: asks for TwiML, obeys it, streams audio, posts callbacks.
//! * [`scenario`] - several callers, at once or one after another.
//! * [`load`] - many legs at once and what they cost; it reuses the wire, not the phones.
//! * [`updates`] - follows the bridge's `/symbl/updates`.
//! * [`report`] - what happened, and what a real Twilio would complain of.
//! * [`rest`] - Twilio's REST side of the calls.
//! * [`twiml_reader`] - TwiML, read as strictly as Twilio does.
//!
//! A caller streams to the address in the TwiML. If that is the public one, the simulator connects to the
//! base address instead and names the public host: no DNS and no TLS are needed, and signatures still match.
//!
//! Everything runs on one actix arbiter: call it from within an actix `System`.

mod address;
mod call;
mod chance;
pub mod load;
mod media_stream;
pub mod phone;
pub mod report;
pub mod rest;
mod rooms;
pub mod scenario;
pub mod twiml_reader;
pub mod updates;
mod webhooks;
mod wire;

pub use address::BadAddress;
pub use phone::{Phone, PhoneOptions, Progress};
pub use report::{CallReport, StreamEnd, StreamReport};
pub use rooms::Rooms;
pub use scenario::Scenario;
pub use webhooks::client;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bytes of a media message: 20 ms of mu-law.
const FRAME_BYTES: usize = 160;

/// Milliseconds of a media message.
const FRAME_MS: u64 = 20;

/// Returns the time as call and conference callbacks write it.
fn timestamp_rfc2822() -> String {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&now).unwrap_or_default()
}

/// Returns the time as stream callbacks write it: nanoseconds and `Z`.
fn timestamp_iso() -> String {
    format!("{:.9}", Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_the_time_are_twilios() {
        let (mail, iso) = (timestamp_rfc2822(), timestamp_iso());
        assert!(mail.ends_with(" +0000") && mail.contains(", "), "{mail}");
        assert!(iso.len() == 30 && iso.ends_with('Z') && iso.as_bytes()[19] == b'.', "{iso}");
    }
}
