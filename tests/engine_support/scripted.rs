//! Ears that hear a script: one word every so often, whatever the audio is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use symbl_bridge::engine::hearing::{AudioFormat, Ear, Heard, HeardWord, Hearing, HearingRefusal, Sink};

/// The words, over and over, unless a test brings its own; the end of a sentence ends a final result.
const SCRIPT: &str = "my last bill looks wrong. please check it.";

/// A word of a script that is no word: nothing is heard while it would be said.
pub(crate) const PAUSE: &str = "~";

/// A word takes this much audio, unless a test says otherwise.
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
    /// What is heard, over and over: the first ear hears the first text, the second the second, and so on.
    pub(crate) scripts: Vec<String>,
    /// How much audio a word takes.
    pub(crate) word_ms: Option<u64>,
    /// How many ears have been opened.
    pub(crate) opened: Arc<AtomicUsize>,
}

impl Scripted {
    /// Returns ears that hear these texts, one an ear.
    pub(crate) fn hearing(scripts: &[&str]) -> Self {
        Self { scripts: scripts.iter().map(|text| (*text).to_owned()).collect(), ..Self::default() }
    }

    fn next_script(&self) -> Vec<String> {
        let place = self.opened.fetch_add(1, Ordering::Relaxed) % self.scripts.len().max(1);
        let text = self.scripts.get(place).map_or(SCRIPT, String::as_str);
        text.split_whitespace().map(str::to_owned).collect()
    }
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
                script: self.next_script(),
                word_ms: self.word_ms.unwrap_or(WORD_MS),
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
    script: Vec<String>,
    word_ms: u64,
}

impl Ear for ScriptedEar {
    fn hear(&mut self, audio: &[u8]) {
        assert_eq!(audio.len() % self.format.sample_bytes(), 0, "a sample was cut in two");
        self.bytes += audio.len() as u64;
        while self.format.duration_ms(self.bytes) >= (self.spoken + 1) * self.word_ms {
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
        let word = self.script[(self.spoken % self.script.len() as u64) as usize].clone();
        let start_ms = self.spoken * self.word_ms;
        let end_ms = start_ms + self.word_ms;
        if word == PAUSE {
            self.spoken += 1;
            return;
        }
        let is_last = word.ends_with(['.', '?', '!']);
        self.sentence.push(HeardWord { word, start_ms, end_ms });
        self.spoken += 1;
        let heard = if is_last {
            self.take_sentence()
        } else {
            Some(Heard::Partial { text: text(&self.sentence), start_ms: self.sentence[0].start_ms, end_ms })
        };
        if let (Some(sink), Some(heard)) = (&self.sink, heard) {
            sink(heard);
        }
    }

    fn take_sentence(&mut self) -> Option<Heard> {
        let words = std::mem::take(&mut self.sentence);
        let (first, last) = (words.first()?, words.last()?);
        Some(Heard::Final {
            transcript: text(&words).trim_end_matches(['.', '?', '!']).to_lowercase(),
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
