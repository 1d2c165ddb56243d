//! One leg's hearing, without threads or sockets: bytes in, work out; results in, transcripts out.

use std::{collections::VecDeque, ops::Range};

use super::{
    audio::{AudioFormat, Decoder, UnsupportedRate},
    pool::{LegOverloaded, Urgency},
    recognizer::{Hypothesis, RecognizeError},
    samples_to_ms,
    segmenter::{Segment, SegmentEvent, Segmenter},
    transcript::{self, Word},
};

/// What a leg said.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeechEvent {
    /// A look at the phrase that is going on; replaces the one before.
    Partial(Partial),
    /// A phrase that is over. Finals come in the order in which they were spoken.
    Final(Final),
    /// A phrase that could not be recognised: the model failed or the leg is overloaded.
    Lost {
        /// Beginning, in milliseconds since the leg's first sample.
        start_ms: u64,
        /// End, in milliseconds since the leg's first sample.
        end_ms: u64,
    },
}

/// A phrase so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// Cased and punctuated, without punctuation at the end.
    pub text: String,
    /// The first so many bytes of `text` are unlikely to change.
    pub stable_prefix_len: usize,
    /// Beginning, in milliseconds since the leg's first sample.
    pub start_ms: u64,
    /// End of what was heard for it.
    pub end_ms: u64,
}

/// A whole phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Final {
    /// Lower case, no punctuation.
    pub text: String,
    /// Cased and punctuated.
    pub punctuated: String,
    /// The words with their times, estimated from their lengths.
    pub words: Vec<Word>,
    /// 0..1.
    pub confidence: f32,
    /// Beginning of the first word, in milliseconds since the leg's first sample.
    pub start_ms: u64,
    /// End of the last word.
    pub end_ms: u64,
}

/// What the worker pool is to do for the leg.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Decode a segment and bring the result to [`Listener::on_decoded`].
    Decode {
        /// Number of this piece of work.
        key: u64,
        /// Partial or final.
        urgency: Urgency,
        /// What to decode.
        segment: Segment,
        /// Tokens to begin with.
        draft: Vec<u32>,
    },
    /// Forget about a piece of work, if it has not begun.
    Withdraw {
        /// Its number.
        key: u64,
    },
}

/// What a step brings.
#[derive(Debug, Default, PartialEq)]
pub struct Step {
    /// For the pool, in order.
    pub work: Vec<Work>,
    /// For clients, in order.
    pub events: Vec<SpeechEvent>,
}

/// The state of one leg's hearing.
pub struct Listener {
    decoder: Decoder,
    segmenter: Segmenter,
    partials: bool,
    samples: Vec<f32>,
    segment_events: Vec<SegmentEvent>,
    next_key: u64,
    /// The partial that is being worked on.
    partial: Option<Outstanding>,
    /// The decode of the last pause, which becomes the final if nobody goes on talking.
    pause: Option<Outstanding>,
    /// Phrases that are over, the oldest first; a final waits for the ones before it.
    ended: VecDeque<Outstanding>,
    /// Tokens of the newest hypothesis of the phrase that is going on.
    draft: Vec<u32>,
    last_partial: String,
}

/// Work whose result is awaited, or has come and waits for its turn.
struct Outstanding {
    key: u64,
    start: u64,
    end: u64,
    voiced: Vec<Range<u64>>,
    surely_speech: bool,
    heard: Option<Result<Hypothesis, RecognizeError>>,
}

impl Listener {
    /// Returns the state at a leg's first byte. Without `partials` only finals are worked on.
    pub fn new(format: AudioFormat, partials: bool) -> Result<Self, UnsupportedRate> {
        Ok(Self {
            decoder: Decoder::new(format)?,
            segmenter: Segmenter::default(),
            partials,
            samples: Vec::new(),
            segment_events: Vec::new(),
            next_key: 0,
            partial: None,
            pause: None,
            ended: VecDeque::new(),
            draft: Vec::new(),
            last_partial: String::new(),
        })
    }

    /// Takes the leg's next bytes, any number of them.
    pub fn push(&mut self, bytes: &[u8]) -> Step {
        self.samples.clear();
        self.decoder.decode(bytes, &mut self.samples);
        self.segmenter.push(&self.samples, &mut self.segment_events);
        self.on_segments()
    }

    /// Ends the leg's audio: the phrase that is going on becomes a final.
    pub fn finish(&mut self) -> Step {
        self.samples.clear();
        self.decoder.finish(&mut self.samples);
        self.segmenter.push(&self.samples, &mut self.segment_events);
        self.segmenter.finish(&mut self.segment_events);
        self.on_segments()
    }

    /// Takes the result of a piece of work.
    pub fn on_decoded(&mut self, key: u64, heard: Result<Hypothesis, RecognizeError>) -> Vec<SpeechEvent> {
        let mut events = Vec::new();
        if let Some(ended) = self.ended.iter_mut().find(|ended| ended.key == key) {
            ended.heard = Some(heard);
            self.report_ended(&mut events);
        } else if self.pause.as_ref().is_some_and(|pause| pause.key == key) {
            if let Some(mut pause) = self.pause.take() {
                events.extend(heard.as_ref().ok().and_then(|heard| self.look(&pause, heard)));
                pause.heard = Some(heard);
                self.pause = Some(pause);
            }
        } else if let Some(partial) = self.partial.take_if(|partial| partial.key == key) {
            events.extend(heard.ok().and_then(|heard| self.look(&partial, &heard)));
        }
        events
    }

    /// Takes back a piece of work that the pool refused: its phrase is lost.
    pub fn on_refused(&mut self, key: u64, refused: LegOverloaded) -> Vec<SpeechEvent> {
        self.on_decoded(key, Err(refused.into()))
    }

    /// Returns whether no phrase waits for its text.
    pub fn is_settled(&self) -> bool {
        self.ended.is_empty() && self.pause.is_none()
    }

    fn on_segments(&mut self) -> Step {
        let mut step = Step::default();
        let segment_events = std::mem::take(&mut self.segment_events);
        for event in segment_events {
            match event {
                SegmentEvent::Grown(segment) if self.partials => {
                    // When audio comes in bursts the newest look is enough.
                    step.work.retain(|work| !matches!(work, Work::Decode { urgency: Urgency::Partial, .. }));
                    let draft = self.draft.clone();
                    self.partial = Some(self.decode(Urgency::Partial, segment, draft, &mut step));
                }
                SegmentEvent::Grown(_) => {}
                SegmentEvent::Paused(segment) => {
                    self.drop_partial(&mut step);
                    // Without a draft: the final's text must not depend on which partials came before it.
                    self.pause = Some(self.decode(Urgency::Final, segment, Vec::new(), &mut step));
                }
                SegmentEvent::Resumed => {
                    if let Some(pause) = self.pause.take().filter(|pause| pause.heard.is_none()) {
                        step.work.push(Work::Withdraw { key: pause.key });
                    }
                }
                SegmentEvent::Ended => {
                    self.ended.extend(self.pause.take());
                    self.drop_partial(&mut step);
                    self.draft.clear();
                    self.last_partial.clear();
                    self.report_ended(&mut step.events);
                }
            }
        }
        step
    }

    fn decode(
        &mut self,
        urgency: Urgency,
        segment: Segment,
        draft: Vec<u32>,
        step: &mut Step,
    ) -> Outstanding {
        let key = self.next_key;
        self.next_key += 1;
        let outstanding = Outstanding {
            key,
            start: segment.start,
            end: segment.end(),
            voiced: segment.voiced.clone(),
            surely_speech: segment.surely_speech,
            heard: None,
        };
        step.work.push(Work::Decode { key, urgency, segment, draft });
        outstanding
    }

    fn drop_partial(&mut self, step: &mut Step) {
        if let Some(partial) = self.partial.take() {
            step.work.push(Work::Withdraw { key: partial.key });
        }
    }

    /// Makes a partial of a hypothesis of the phrase that is going on.
    fn look(&mut self, at: &Outstanding, heard: &Hypothesis) -> Option<SpeechEvent> {
        if heard.poor {
            return None;
        }
        self.draft.clone_from(&heard.tokens);
        let text = transcript::without_final_punctuation(&heard.text);
        if !self.partials || is_noise(at, heard) || text == self.last_partial {
            return None;
        }
        let stable_prefix_len = transcript::stable_prefix(&self.last_partial, text);
        self.last_partial = text.to_owned();
        Some(SpeechEvent::Partial(Partial {
            text: text.to_owned(),
            stable_prefix_len,
            start_ms: samples_to_ms(at.voiced.first().map_or(at.start, |range| range.start)),
            end_ms: samples_to_ms(at.end),
        }))
    }

    /// Reports the ended phrases whose texts are there, up to the first whose text is not.
    fn report_ended(&mut self, events: &mut Vec<SpeechEvent>) {
        while let Some(ended) = self.ended.pop_front_if(|ended| ended.heard.is_some()) {
            let span = ended.voiced.first().zip(ended.voiced.last());
            let (start, end) = span.map_or((ended.start, ended.end), |(first, last)| (first.start, last.end));
            let (start_ms, end_ms) = (samples_to_ms(start), samples_to_ms(end));
            match &ended.heard {
                Some(Ok(heard)) if is_noise(&ended, heard) => {}
                Some(Ok(heard)) => events.push(SpeechEvent::Final(Final {
                    text: transcript::unpunctuated(&heard.text),
                    punctuated: heard.text.clone(),
                    words: transcript::timed_words(&heard.text, &ended.voiced),
                    confidence: heard.confidence,
                    start_ms,
                    end_ms,
                })),
                _ => events.push(SpeechEvent::Lost { start_ms, end_ms }),
            }
        }
    }
}

/// Below this confidence it is noise, however much voice there seemed to be. A model that is not allowed to say
/// nothing says "You" to noise, with a confidence of 0.00 to 0.02; the least of real speech was 0.30.
const NOISE_CONFIDENCE: f32 = 0.1;
/// The same for a sound of less than a quarter of a second.
const SHORT_NOISE_CONFIDENCE: f32 = 0.35;

/// Returns whether what was heard is probably no speech.
fn is_noise(segment: &Outstanding, heard: &Hypothesis) -> bool {
    let least = if segment.surely_speech { NOISE_CONFIDENCE } else { SHORT_NOISE_CONFIDENCE };
    transcript::words(&heard.text).next().is_none() || heard.confidence < least
}
