//! Media Streams messages, forms, TwiML, signatures. Never touches a socket or a clock.
