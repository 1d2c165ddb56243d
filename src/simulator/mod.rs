//! Twilio's side of the wire.
