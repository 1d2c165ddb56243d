//! The boundary to speech recognition: audio in, words out. The protocol side knows nothing else about speech.

use crate::symbl::client_message::{RateWish, SpeechWish};
use crate::symbl::server_message::SpeechRecognitionFormat;

/// Where words go. Called from the recogniser's own threads; it never blocks.
pub type Sink = Box<dyn Fn(Heard) + Send>;

/// Something that can listen to any number of legs.
pub trait Hearing: Send + Sync {
    /// Begins to listen to a leg.
    fn open(&self, format: AudioFormat, sink: Sink) -> Result<Box<dyn Ear>, HearingRefusal>;

    /// Returns whether one more leg could be heard now; asked at the handshake, before there is a format.
    fn check_capacity(&self) -> Result<(), HearingRefusal> {
        Ok(())
    }
}

/// Listens to one leg.
pub trait Ear: Send {
    /// Takes whole samples, in order. Must return quickly: it runs on an async worker.
    fn hear(&mut self, audio: &[u8]);

    /// Ends the audio: what is still unsaid comes through the sink, then [`Heard::Done`].
    ///
    /// The ear may be dropped right after this; the rest comes all the same. An ear dropped without it is forgotten.
    fn finish(&mut self);

    /// Returns whether so much audio waits that the sender should be slowed down to real time.
    fn is_behind(&self) -> bool {
        false
    }
}

/// What an ear made out. Times are milliseconds of the audio that this ear has heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Words that may still change.
    Partial {
        /// Text to show.
        text: String,
        /// Where it begins.
        start_ms: u64,
        /// Where it ends.
        end_ms: u64,
    },
    /// Words that stay.
    Final {
        /// Unpunctuated text.
        transcript: String,
        /// Text to show.
        punctuated: String,
        /// Each word with its place.
        words: Vec<HeardWord>,
        /// 0 to 1.
        confidence: f64,
        /// Where it begins.
        start_ms: u64,
        /// Where it ends.
        end_ms: u64,
    },
    /// Nothing more comes from this ear.
    Done,
}

/// One word and its place in the audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardWord {
    /// The word.
    pub word: String,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// Why a leg cannot be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HearingRefusal {
    /// As many legs as this machine can bear; later may be better.
    #[error("the recogniser is at its capacity")]
    Overloaded,
    /// The recogniser is on its way: a moment later the leg will be heard.
    #[error("the recogniser is being loaded")]
    Loading,
    /// There is no recogniser, for instance because no model is installed.
    #[error("there is no speech recogniser")]
    Unavailable,
}

/// A hearing for machines without a model: calls join and end as ever, without words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl Hearing for Deaf {
    fn open(&self, _: AudioFormat, _: Sink) -> Result<Box<dyn Ear>, HearingRefusal> {
        Err(HearingRefusal::Unavailable)
    }
}

/// How audio is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Signed 16-bit little-endian samples.
    Linear16,
    /// G.711 mu-law.
    Mulaw,
}

/// Rates of [`Encoding::Linear16`] (2.5).
const LINEAR16_RATES: std::ops::RangeInclusive<u32> = 8000..=48_000;

/// An audio format that the engine hears (2.5). Always mono.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    encoding: Encoding,
    sample_rate_hertz: u32,
}

/// Why a format is not heard; the words are those of 5.2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFormat {
    /// The rate is text or an object.
    #[error("sampleRateHertz must be a valid number.")]
    RateNotANumber,
    /// An encoding, or a rate of it, that the engine does not decode.
    #[error(
        "encoding '{encoding}' is not supported.{at} Send MULAW at 8000 Hz or LINEAR16 at 8000 to 48000 Hz."
    )]
    NotSupported {
        /// The encoding's name as the client wrote it.
        encoding: String,
        /// The rate, when it is the rate's fault.
        at: String,
    },
}

impl AudioFormat {
    /// What a telephone sends.
    pub const MULAW_8000: Self = Self { encoding: Encoding::Mulaw, sample_rate_hertz: 8000 };

    /// Returns 16-bit samples at this rate, if the engine hears it.
    pub fn linear16(sample_rate_hertz: u32) -> Option<Self> {
        LINEAR16_RATES
            .contains(&sample_rate_hertz)
            .then_some(Self { encoding: Encoding::Linear16, sample_rate_hertz })
    }

    /// Checks a client's wish; what it leaves out is taken from `current`, or from the defaults of 2.4.1.
    pub fn from_wish(wish: &SpeechWish, current: Option<Self>) -> Result<Self, BadFormat> {
        let encoding = match (&wish.encoding, current) {
            (Some(name), _) => match name.trim().to_ascii_uppercase().as_str() {
                "LINEAR16" => Encoding::Linear16,
                "MULAW" => Encoding::Mulaw,
                _ => {
                    return Err(BadFormat::NotSupported {
                        encoding: name.chars().take(32).collect(),
                        at: String::new(),
                    });
                }
            },
            (None, Some(current)) => current.encoding,
            (None, None) => Encoding::Linear16,
        };
        let sample_rate_hertz = match (wish.sample_rate_hertz, current) {
            (Some(RateWish::NotANumber), _) => return Err(BadFormat::RateNotANumber),
            (Some(RateWish::Hertz(rate)), _) => rate,
            (None, Some(current)) if current.encoding == encoding => current.sample_rate_hertz,
            (None, _) if encoding == Encoding::Mulaw => 8000,
            (None, _) => 16_000,
        };
        let is_heard = match encoding {
            Encoding::Linear16 => LINEAR16_RATES.contains(&sample_rate_hertz),
            Encoding::Mulaw => sample_rate_hertz == 8000,
        };
        if !is_heard {
            return Err(BadFormat::NotSupported {
                encoding: encoding.name().to_owned(),
                at: format!(" {sample_rate_hertz} Hz is out of its range."),
            });
        }
        Ok(Self { encoding, sample_rate_hertz })
    }

    /// Returns how samples are written.
    pub fn encoding(self) -> Encoding {
        self.encoding
    }

    /// Returns the samples a second.
    pub fn sample_rate_hertz(self) -> u32 {
        self.sample_rate_hertz
    }

    /// Returns the bytes of one sample.
    pub fn sample_bytes(self) -> usize {
        match self.encoding {
            Encoding::Linear16 => 2,
            Encoding::Mulaw => 1,
        }
    }

    /// Returns the duration of so many bytes.
    pub fn duration_ms(self, bytes: u64) -> u64 {
        bytes / self.sample_bytes() as u64 * 1000 / u64::from(self.sample_rate_hertz)
    }

    /// Returns the format as messages write it.
    pub fn to_wire(self) -> SpeechRecognitionFormat {
        SpeechRecognitionFormat {
            encoding: self.encoding.name().to_owned(),
            sample_rate_hertz: self.sample_rate_hertz,
        }
    }
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Linear16 => "LINEAR16",
            Self::Mulaw => "MULAW",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(encoding: Option<&str>, rate: Option<RateWish>) -> SpeechWish {
        SpeechWish { encoding: encoding.map(str::to_owned), sample_rate_hertz: rate, interim_results: None }
    }

    #[test]
    fn formats_are_heard_or_refused_as_the_table_says() {
        let hertz = |rate| Some(RateWish::Hertz(rate));
        for (encoding, rate, expected) in [
            (None, None, Ok((Encoding::Linear16, 16_000))),
            (Some("MULAW"), None, Ok((Encoding::Mulaw, 8000))),
            (Some("mulaw"), hertz(8000), Ok((Encoding::Mulaw, 8000))),
            (Some("linear16"), hertz(8000), Ok((Encoding::Linear16, 8000))),
            (Some("LINEAR16"), hertz(44_100), Ok((Encoding::Linear16, 44_100))),
            (Some("LINEAR16"), hertz(48_000), Ok((Encoding::Linear16, 48_000))),
            (Some("LINEAR16"), hertz(7999), Err("encoding 'LINEAR16' is not supported. 7999 Hz is out")),
            (Some("LINEAR16"), hertz(96_000), Err("encoding 'LINEAR16' is not supported. 96000 Hz is out")),
            (Some("MULAW"), hertz(16_000), Err("encoding 'MULAW' is not supported. 16000 Hz is out")),
            (Some("Opus"), hertz(48_000), Err("encoding 'Opus' is not supported.")),
            (Some("FLAC"), None, Err("encoding 'FLAC' is not supported.")),
            (Some("MULAW"), Some(RateWish::NotANumber), Err("sampleRateHertz must be a valid number.")),
        ] {
            let format = AudioFormat::from_wish(&wish(encoding, rate), None);
            match expected {
                Ok(pair) => {
                    let format = format.unwrap();
                    assert_eq!((format.encoding(), format.sample_rate_hertz()), pair);
                }
                Err(text) => assert!(format.unwrap_err().to_string().starts_with(text), "{encoding:?}"),
            }
        }
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let mulaw = AudioFormat::from_wish(&wish(Some("MULAW"), None), None).unwrap();
        let same = AudioFormat::from_wish(&wish(None, None), Some(mulaw)).unwrap();
        assert_eq!(same, mulaw);
        let linear = AudioFormat::from_wish(&wish(Some("LINEAR16"), None), Some(mulaw)).unwrap();
        assert_eq!(linear.sample_rate_hertz(), 16_000);
        let faster =
            AudioFormat::from_wish(&wish(None, Some(RateWish::Hertz(48_000))), Some(linear)).unwrap();
        assert_eq!((faster.encoding(), faster.sample_rate_hertz()), (Encoding::Linear16, 48_000));
        assert_eq!(faster.duration_ms(96_000), 1000);
    }
}
