//! Ears that hear a script: one word every half second of audio, whatever the audio is.

use std::time::Duration;

use symbl_bridge::engine::hearing::{AudioFormat, Ear, Heard, HeardWord, Hearing, HearingRefusal, Sink};

/// The words, over and over; a full stop ends a final result.
const SCRIPT: [&str; 8] = ["my", "last", "bill", "looks", "wrong.", "please", "check", "it."];

/// A word takes this much audio.
pub(crate) const WORD_MS: u64 = 500;

/// How the scripted ears behave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scripted {
    /// What opening an ear is answered with.
    pub(crate) refusal: Option<HearingRefusal>,
    /// Whether capacity is denied at the handshake.
    pub(crate) is_full: bool,
    /// Whether the ears say that they are behind.
    pub(crate) is_behind: bool,
    /// `finish` is answered after this time; never, if it is longer than a test.
    pub(crate) finish_delay: Duration,
}

impl Hearing for Scripted {
    fn open(&self, format: AudioFormat, sink: Sink) -> Result<Box<dyn Ear>, HearingRefusal> {
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(Box::new(ScriptedEar {
                format,
                sink: Some(sink),
                bytes: 0,
                spoken: 0,
                sentence: Vec::new(),
                is_behind: self.is_behind,
                finish_delay: self.finish_delay,
            })),
        }
    }

    fn check_capacity(&self) -> Result<(), HearingRefusal> {
        if self.is_full { Err(HearingRefusal::Overloaded) } else { Ok(()) }
    }
}

struct ScriptedEar {
    format: AudioFormat,
    sink: Option<Sink>,
    bytes: u64,
    spoken: u64,
    sentence: Vec<HeardWord>,
    is_behind: bool,
    finish_delay: Duration,
}

impl Ear for ScriptedEar {
    fn hear(&mut self, audio: &[u8]) {
        assert_eq!(audio.len() % self.format.sample_bytes(), 0, "a sample was cut in two");
        self.bytes += audio.len() as u64;
        while self.format.duration_ms(self.bytes) >= (self.spoken + 1) * WORD_MS {
            self.speak();
        }
    }

    fn finish(&mut self) {
        let rest = self.take_sentence();
        let sink = self.sink.take().expect("finish is called once");
        let delay = self.finish_delay;
        std::thread::spawn(move || {
            #[expect(clippy::disallowed_methods, reason = "a thread of its own, as a recogniser has")]
            std::thread::sleep(delay);
            rest.into_iter().for_each(&sink);
            sink(Heard::Done);
        });
    }

    fn is_behind(&self) -> bool {
        self.is_behind
    }
}

impl ScriptedEar {
    fn speak(&mut self) {
        let word = SCRIPT[(self.spoken % SCRIPT.len() as u64) as usize];
        let start_ms = self.spoken * WORD_MS;
        self.sentence.push(HeardWord { word: word.to_owned(), start_ms, end_ms: start_ms + WORD_MS });
        self.spoken += 1;
        let heard = if word.ends_with('.') {
            self.take_sentence()
        } else {
            Some(Heard::Partial {
                text: text(&self.sentence),
                start_ms: self.sentence[0].start_ms,
                end_ms: start_ms + WORD_MS,
            })
        };
        if let (Some(sink), Some(heard)) = (&self.sink, heard) {
            sink(heard);
        }
    }

    fn take_sentence(&mut self) -> Option<Heard> {
        let words = std::mem::take(&mut self.sentence);
        let (first, last) = (words.first()?, words.last()?);
        Some(Heard::Final {
            transcript: text(&words).trim_end_matches('.').to_lowercase(),
            punctuated: text(&words),
            start_ms: first.start_ms,
            end_ms: last.end_ms,
            confidence: 0.9,
            words,
        })
    }
}

fn text(words: &[HeardWord]) -> String {
    let text = words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
    text[..1].to_uppercase() + &text[1..]
}
