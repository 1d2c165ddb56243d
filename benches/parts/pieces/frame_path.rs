//! The path of Twilio's audio frames through the bridge, without sockets and actors.

use std::time::Duration;

use bytes::BytesMut;
use symbl_bridge::bridge::call::leg::{Leg, LegEvent, LegLimits, Outgoing};
use symbl_bridge::bridge::symbl_connection::Audio;
use symbl_bridge::twilio::media::scan_media;
use symbl_bridge::twilio::{Continuity, decode_payload};
use symbl_bridge::ws::pump::{FrameWriter, Side};

/// The media messages of a second, numbered as Twilio numbers them.
pub(crate) fn frames() -> Vec<String> {
    let payload = format!("{}w==", "/".repeat(213));
    (1..=50)
        .map(|chunk| {
            format!(
                r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{}","payload":"{payload}"}},"streamSid":"MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}}"#,
                chunk + 1,
                135 + 20 * chunk,
            )
        })
        .collect()
}

/// What one leg owns on this path.
pub(crate) struct Path {
    /// Begins anew with each second of [`frames`].
    pub(crate) continuity: Continuity,
    decoded: BytesMut,
    leg: Leg,
    socket: BytesMut,
    /// Milliseconds; a frame comes every 20.
    now: u64,
}

impl Path {
    /// Returns the path of a leg whose server has acknowledged its start.
    pub(crate) fn live() -> Self {
        let limits = LegLimits {
            buffer: 240_000,
            give_up_after: Duration::from_secs(30),
            acknowledge_within: Duration::from_secs(5),
            stop_within: Duration::from_secs(10),
        };
        let mut leg = Leg::new(limits, 1);
        for event in [LegEvent::Begin, LegEvent::Opened] {
            leg.on_event(0, event);
        }
        assert_eq!(leg.next_frame(0), Some(Outgoing::StartRequest));
        leg.on_event(0, LegEvent::Acknowledged);
        let path = Self {
            continuity: Continuity::new(),
            decoded: BytesMut::new(),
            leg,
            socket: BytesMut::new(),
            now: 0,
        };
        Self { decoded: BytesMut::with_capacity(4096), socket: BytesMut::with_capacity(4096), ..path }
    }

    /// As `TwilioStream` does it, up to the message for the connection.
    pub(crate) fn receive(&mut self, text: &str) -> Audio {
        let media = scan_media(text).expect("Twilio's own form");
        assert!(self.continuity.observe(&media).is_usable());
        decode_payload(&media.payload, &mut self.decoded).expect("base64");
        let audio = self.decoded.split().freeze();
        self.decoded.reserve(audio.len());
        Audio(audio)
    }

    /// As `SymblConnection` and its pump do it; the kernel takes the frame at once, and the server answers pings.
    pub(crate) fn send(&mut self, Audio(audio): &Audio) -> usize {
        self.leg.hear(audio);
        self.now += 20;
        if let Some(position) = self.leg.next_ping(self.now) {
            FrameWriter::new(&mut self.socket, &mut false, Side::Client)
                .ping(position.to_string().as_bytes());
            self.leg.on_event(self.now, LegEvent::Received(position));
        }
        let mut written = 0;
        if let Some(Outgoing::Audio(audio)) = self.leg.next_frame(self.now) {
            FrameWriter::new(&mut self.socket, &mut false, Side::Client).binary(audio);
            let count = audio.len();
            self.leg.mark_sent(count);
            written = self.socket.len();
        }
        self.socket.clear();
        written
    }
}
