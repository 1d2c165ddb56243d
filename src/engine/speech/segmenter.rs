//! Cuts one leg's samples into phrases. Pure, and exact to the sample: any chunking gives the same events.

use std::{ops::Range, sync::Arc};

use super::{
    SAMPLE_RATE,
    voice_activity::{Earshot, FRAME, VoiceActivity},
};

/// Frames of 16 ms in `ms`.
const fn frames(ms: usize) -> usize {
    ms * SAMPLE_RATE as usize / 1000 / FRAME
}

/// A frame with this score begins a phrase, if enough of its neighbours have it too.
const ONSET_SCORE: f32 = 0.5;
/// Voiced frames, less unvoiced ones among them, that begin a phrase: 64 ms.
const ONSET_FRAMES: usize = 4;
/// Within a phrase less is enough: quiet word endings and noise do not end it.
const STAY_SCORE: f32 = 0.35;
/// Audio kept from before the onset, in samples: a first consonant is quieter than its vowel.
const PRE_ROLL: u64 = 300 * SAMPLE_RATE as u64 / 1000;
/// Silence after which the phrase is decoded as if it had ended: 208 ms. It is also the silence that is kept at
/// a phrase's end.
const PAUSE: usize = frames(208);
/// Silence that ends a phrase.
const ENDPOINT: usize = frames(512);
/// From this length on the first pause ends a phrase.
const LONG: usize = frames(7000);
/// A phrase is cut at this length even when nobody pauses,
const LONGEST: usize = frames(12_000);
/// at the quietest moment of this last part of it.
const CUT_SEARCH: usize = frames(2000);
/// Frames that are averaged to find the quietest moment: 80 ms, about a stop consonant.
const CUT_WINDOW: usize = 5;
/// No partial transcript before the phrase has this length, pre-roll included.
const FIRST_PARTIAL: u64 = 700 * SAMPLE_RATE as u64 / 1000;
/// New audio that is worth another partial transcript.
const PARTIAL_INTERVAL: usize = frames(500);
/// Unvoiced stretches shorter than this do not separate two voiced ones.
const SHORTEST_GAP: u64 = 150 * SAMPLE_RATE as u64 / 1000;
/// Voiced frames from which on somebody surely speaks: 240 ms.
const SURELY_SPEECH: usize = frames(240);

/// Audio of a phrase, whole or so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Counts a leg's phrases from 0.
    pub number: u64,
    /// Index of the first sample since the leg began.
    pub start: u64,
    /// Mono, 16 kHz, range -1..1.
    pub samples: Arc<[f32]>,
    /// Where in it somebody talks: sample indices since the leg began, ascending, apart.
    pub voiced: Vec<Range<u64>>,
    /// Whether there is enough voice in it that an empty transcript would be wrong.
    pub surely_speech: bool,
}

impl Segment {
    /// Returns the index of the first sample after the segment.
    pub fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }
}

/// What the segmenter found, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum SegmentEvent {
    /// The phrase has grown enough for another partial transcript.
    Grown(Segment),
    /// The speaker pauses: this is the phrase if nothing follows.
    Paused(Segment),
    /// The speaker went on: the last `Paused` was not the end.
    Resumed,
    /// The phrase is over and is as the last `Paused` said.
    Ended,
}

/// What is known about one frame of the current phrase.
#[derive(Clone, Copy)]
struct FrameNote {
    voiced: bool,
    /// Low where a cut does the least harm.
    loudness: f32,
}

/// The state of one leg.
pub struct Segmenter<V = Earshot> {
    voice: V,
    number: u64,
    /// Samples from index `kept_from` on; the last `samples % FRAME` of them are not scored yet.
    kept: Vec<f32>,
    kept_from: u64,
    /// Index of the first sample that is not scored yet.
    scored_to: u64,
    /// Nothing before this sample may be used again: it belongs to an earlier phrase.
    taken_to: u64,
    state: State,
}

enum State {
    Quiet {
        /// Voiced less unvoiced frames, never below zero.
        onset: usize,
        /// Notes of the frames since the onset counter left zero.
        notes: Vec<FrameNote>,
    },
    Talking(Phrase),
}

/// A phrase that is going on.
struct Phrase {
    start: u64,
    /// Index of the first sample of `notes[0]`.
    first_frame: u64,
    notes: Vec<FrameNote>,
    silent_frames: usize,
    paused: bool,
    frames_since_partial: usize,
    partials: usize,
}

impl<V: VoiceActivity + Default> Default for Segmenter<V> {
    fn default() -> Self {
        Self::new(V::default())
    }
}

impl<V: VoiceActivity> Segmenter<V> {
    /// Returns the state at a leg's first sample.
    pub fn new(voice: V) -> Self {
        Self {
            voice,
            number: 0,
            kept: Vec::new(),
            kept_from: 0,
            scored_to: 0,
            taken_to: 0,
            state: State::quiet(),
        }
    }

    /// Takes the next samples and appends what they bring to `events`.
    pub fn push(&mut self, samples: &[f32], events: &mut Vec<SegmentEvent>) {
        self.kept.extend_from_slice(samples);
        loop {
            let from = (self.scored_to - self.kept_from) as usize;
            let Some(frame) = self.kept.get(from..).and_then(|rest| rest.first_chunk::<FRAME>()) else {
                break;
            };
            let frame = *frame;
            let note = Note { score: self.voice.score(&frame), energy: energy(&frame) };
            self.scored_to += FRAME as u64;
            self.on_frame(note, events);
        }
        self.forget();
    }

    /// Ends the phrase that is going on, if any: no more samples will come.
    pub fn finish(&mut self, events: &mut Vec<SegmentEvent>) {
        let mut state = std::mem::replace(&mut self.state, State::quiet());
        if let State::Quiet { onset, notes } = &mut state {
            if *onset * 2 < ONSET_FRAMES {
                return;
            }
            state = State::Talking(self.phrase(std::mem::take(notes)));
        }
        if let State::Talking(phrase) = state {
            if !phrase.paused {
                let silence = phrase.silent_frames.saturating_sub(PAUSE) * FRAME;
                let end = (self.kept_from + self.kept.len() as u64) - silence as u64;
                events.push(SegmentEvent::Paused(self.segment(&phrase, end)));
            }
            events.push(SegmentEvent::Ended);
            self.number += 1;
        }
    }

    fn on_frame(&mut self, note: Note, events: &mut Vec<SegmentEvent>) {
        match std::mem::replace(&mut self.state, State::quiet()) {
            State::Quiet { mut onset, mut notes } => {
                let voiced = note.score >= ONSET_SCORE;
                onset = if voiced { onset + 1 } else { onset.saturating_sub(1) };
                if onset == 0 {
                    notes.clear();
                } else {
                    notes.push(note.of(voiced));
                }
                self.state = if onset >= ONSET_FRAMES {
                    State::Talking(self.phrase(notes))
                } else {
                    State::Quiet { onset, notes }
                };
            }
            State::Talking(mut phrase) => {
                phrase.note(note.of(note.score >= STAY_SCORE));
                self.state = self.after_frame(phrase, events);
            }
        }
    }

    /// Decides what a phrase's newest frame means.
    fn after_frame(&mut self, mut phrase: Phrase, events: &mut Vec<SegmentEvent>) -> State {
        if phrase.silent_frames == 0 && phrase.paused {
            phrase.paused = false;
            events.push(SegmentEvent::Resumed);
        }
        if phrase.silent_frames == PAUSE {
            phrase.paused = true;
            phrase.frames_since_partial = 0;
            events.push(SegmentEvent::Paused(self.segment(&phrase, self.scored_to)));
        }
        let patience = if phrase.notes.len() >= LONG { PAUSE } else { ENDPOINT };
        if phrase.silent_frames >= patience {
            events.push(SegmentEvent::Ended);
            self.taken_to = self.scored_to - ((phrase.silent_frames - PAUSE) * FRAME) as u64;
            self.number += 1;
            return State::quiet();
        }
        if phrase.notes.len() >= LONGEST && !phrase.paused {
            return State::Talking(self.cut(phrase, events));
        }
        let long_enough = self.scored_to - phrase.start >= FIRST_PARTIAL;
        let due = phrase.partials == 0 || phrase.frames_since_partial >= PARTIAL_INTERVAL;
        if long_enough && due && !phrase.paused {
            phrase.partials += 1;
            phrase.frames_since_partial = 0;
            events.push(SegmentEvent::Grown(self.segment(&phrase, self.scored_to)));
        }
        State::Talking(phrase)
    }

    /// Begins a phrase whose onset frames are `notes`, the newest of them just scored.
    fn phrase(&self, notes: Vec<FrameNote>) -> Phrase {
        let first_frame = self.scored_to - (notes.len() * FRAME) as u64;
        Phrase {
            start: first_frame.saturating_sub(PRE_ROLL).max(self.taken_to),
            first_frame,
            silent_frames: 0,
            paused: false,
            frames_since_partial: 0,
            partials: 0,
            notes,
        }
    }

    /// Ends a phrase that has become too long where it hurts least, and goes on with the rest of it.
    fn cut(&mut self, mut phrase: Phrase, events: &mut Vec<SegmentEvent>) -> Phrase {
        let at = quietest(&phrase.notes, phrase.notes.len() - CUT_SEARCH);
        let rest = phrase.notes.split_off(at);
        let end = phrase.first_frame + (at * FRAME) as u64;
        events.push(SegmentEvent::Paused(self.segment(&phrase, end)));
        events.push(SegmentEvent::Ended);
        self.number += 1;
        self.taken_to = end;
        let mut next = Phrase {
            start: end,
            first_frame: end,
            notes: Vec::new(),
            silent_frames: 0,
            paused: false,
            frames_since_partial: 0,
            partials: 0,
        };
        rest.into_iter().for_each(|note| next.note(note));
        next
    }

    fn segment(&self, phrase: &Phrase, end: u64) -> Segment {
        let samples = &self.kept[(phrase.start - self.kept_from) as usize..(end - self.kept_from) as usize];
        let voiced_frames = phrase.notes.iter().filter(|note| note.voiced).count();
        Segment {
            number: self.number,
            start: phrase.start,
            samples: samples.into(),
            voiced: voiced_ranges(phrase),
            surely_speech: voiced_frames >= SURELY_SPEECH,
        }
    }

    /// Drops samples that no phrase can need any more.
    fn forget(&mut self) {
        let needed_from = match &self.state {
            State::Talking(phrase) => phrase.start,
            State::Quiet { notes, .. } => {
                (self.scored_to - (notes.len() * FRAME) as u64).saturating_sub(PRE_ROLL).max(self.taken_to)
            }
        };
        self.kept.drain(..(needed_from.saturating_sub(self.kept_from)) as usize);
        self.kept_from = self.kept_from.max(needed_from);
    }
}

impl State {
    fn quiet() -> Self {
        Self::Quiet { onset: 0, notes: Vec::new() }
    }
}

impl Phrase {
    fn note(&mut self, note: FrameNote) {
        self.silent_frames = if note.voiced { 0 } else { self.silent_frames + 1 };
        self.frames_since_partial += 1;
        self.notes.push(note);
    }
}

/// Measures of one frame.
struct Note {
    score: f32,
    energy: f32,
}

impl Note {
    fn of(&self, voiced: bool) -> FrameNote {
        // A decade of energy weighs as much as a third of the way from voice to no voice.
        FrameNote { voiced, loudness: self.score + 0.3 * (self.energy + 1e-7).log10() }
    }
}

fn energy(frame: &[f32; FRAME]) -> f32 {
    frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32
}

/// Returns the index of the frame in the middle of the quietest window that begins at or after `from`.
fn quietest(notes: &[FrameNote], from: usize) -> usize {
    let mut best = (f32::INFINITY, notes.len() - 1);
    for (offset, window) in notes[from..].windows(CUT_WINDOW).enumerate() {
        let loudness: f32 = window.iter().map(|note| note.loudness).sum();
        if loudness < best.0 {
            best = (loudness, from + offset + CUT_WINDOW / 2);
        }
    }
    best.1.max(1)
}

fn voiced_ranges(phrase: &Phrase) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (index, _) in phrase.notes.iter().enumerate().filter(|(_, note)| note.voiced) {
        let from = phrase.first_frame + (index * FRAME) as u64;
        let to = from + FRAME as u64;
        match ranges.last_mut() {
            Some(last) if from - last.end < SHORTEST_GAP => last.end = to,
            _ => ranges.push(from..to),
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
