//! The hot parts of the program, each made ready to be run once: for benchmarks, and for `tests/instructions.rs`.

pub(crate) mod frame_path;
pub(crate) mod sentences;

use symbl_bridge::engine::speech::audio::{AudioFormat, Decoder};
use symbl_bridge::engine::speech::segmenter::{SegmentEvent, Segmenter};
use symbl_bridge::twilio::signature::{AuthToken, BadSignature, Body, PresentedSignature, Signer};
use symbl_bridge::twilio::twiml::{self, BadTwiml, ConferenceTwiml, SpokenText, StreamTwiml};
use symbl_bridge::twilio::{Form, PublicUrl};

/// The fields of a call's first webhook, made up in Twilio's form.
const FORM: &str = "AccountSid=AC00112233445566778899aabbccddeeff&ApiVersion=2010-04-01\
&CallSid=CA00112233445566778899aabbccddeeff&CallStatus=ringing&Called=%2B14155550100&CalledCity=&CalledCountry=US\
&CalledState=CA&CalledZip=&Caller=%2B12125550123&CallerCity=NEW+YORK&CallerCountry=US&CallerState=NY&CallerZip=10001\
&Direction=inbound&From=%2B12125550123&FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&To=%2B14155550100\
&ToCity=&ToCountry=US&ToState=CA&ToZip=";

/// Where it is posted.
const PAGE: &str = "/twilio/twiml";

/// Bytes of a second of a telephone's audio.
pub(crate) const SECOND: usize = 8000;

/// The caller of the demo: somebody speaks in this second.
const SPOKEN_SECOND: usize = 8;

/// A signed webhook as it arrives.
pub(crate) struct SignedWebhook {
    signer: Signer,
    base: PublicUrl,
    signature: String,
}

impl SignedWebhook {
    /// Returns the webhook of a call.
    pub(crate) fn of_a_call() -> Self {
        let base = PublicUrl::parse("https://bridge.example.com").expect("an address");
        let signer = Signer::new(AuthToken::parse("0123456789abcdef0123456789abcdef").expect("a token"));
        let form = Form::parse(FORM.as_bytes()).expect("a form");
        let signature = signer.sign_form(&base.page(PAGE), &form);
        Self { signer, base, signature }
    }

    /// Reads the form and checks its signature.
    pub(crate) fn check(&self) -> Result<Form, BadSignature> {
        let form = Form::parse(FORM.as_bytes()).expect("a form");
        let presented = PresentedSignature::from_headers([self.signature.as_bytes()], None)?;
        self.signer.verify_webhook(&presented, &self.base, PAGE, Body::Form(&form))?;
        Ok(form)
    }
}

/// Writes the document that answers a call: a stream with its parameters, an announcement, a conference.
pub(crate) fn twiml(base: &PublicUrl) -> Result<String, BadTwiml> {
    let (stream_events, conference_events) =
        (base.page("/twilio/stream-events"), base.page("/twilio/conference"));
    let dial_done = base.page("/twilio/dial-done");
    let url = base.stream("/twilio/media").expect("an address without a query");
    let parameters = [
        ("from", "+12125550123"),
        ("to", "+14155550100"),
        ("room", "support & sales"),
        ("token", "1.1767225600.0123456789abcdef0123456789abcdef"),
    ];
    let stream = StreamTwiml {
        name: "leg-CA00112233445566778899aabbccddeeff-1",
        url: &url,
        status_callback: Some(&stream_events),
        parameters: &parameters,
        announcement: Some(SpokenText { text: "This call is transcribed.", language: None }),
    };
    let conference = ConferenceTwiml {
        dial_action: Some(&dial_done),
        status_callback: Some(&conference_events),
        ..ConferenceTwiml::new("support & sales")
    };
    twiml::conference(&stream, &conference)
}

/// What hears a leg up to the recogniser.
pub(crate) struct Hearing {
    decoder: Decoder,
    segmenter: Segmenter,
    samples: Vec<f32>,
    events: Vec<SegmentEvent>,
}

impl Hearing {
    /// Returns what hears a telephone.
    pub(crate) fn of_a_telephone() -> Self {
        Self {
            decoder: Decoder::new(AudioFormat::Mulaw8k).expect("a telephone's rate"),
            segmenter: Segmenter::default(),
            samples: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Hears audio in pieces of 20 ms; returns how much was found.
    pub(crate) fn hear(&mut self, audio: &[u8]) -> usize {
        self.events.clear();
        for frame in audio.chunks(SECOND / 50) {
            self.samples.clear();
            self.decoder.decode(frame, &mut self.samples);
            self.segmenter.push(&self.samples, &mut self.events);
        }
        self.events.len()
    }
}

/// Returns the demo's caller, mu-law.
pub(crate) fn caller() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/audio/demo/customer.ulaw");
    std::fs::read(path).expect("a file of the repository")
}

/// Returns a second of the caller in which somebody speaks all the time.
pub(crate) fn spoken_second(caller: &[u8]) -> &[u8] {
    &caller[SPOKEN_SECOND * SECOND..(SPOKEN_SECOND + 1) * SECOND]
}
