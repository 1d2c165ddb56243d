//! The bridge: five actors between Twilio and a Symbl-protocol server.
