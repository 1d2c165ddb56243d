//! The segmenter with a voice activity that hears loudness, so that a test can write speech as numbers.

use proptest::prelude::*;

use super::*;

/// Scores a frame by its first sample: 0.5 is a loud voice, 0 silence.
#[derive(Default)]
struct Loudness;

impl VoiceActivity for Loudness {
    fn score(&mut self, frame: &[f32; FRAME]) -> f32 {
        frame[0].abs() * 2.0
    }
}

/// Pieces of (seconds, loudness).
fn sound(pieces: &[(f32, f32)]) -> Vec<f32> {
    pieces.iter().flat_map(|&(seconds, loudness)| vec![loudness; (seconds * 16_000.0) as usize]).collect()
}

fn segments(samples: &[f32]) -> Vec<SegmentEvent> {
    let mut events = Vec::new();
    let mut segmenter = Segmenter::new(Loudness);
    segmenter.push(samples, &mut events);
    segmenter.finish(&mut events);
    events
}

/// The segments that ended, as (start, end) in milliseconds.
fn phrases(events: &[SegmentEvent]) -> Vec<(u64, u64)> {
    let mut last = None;
    let mut ended = Vec::new();
    for event in events {
        match event {
            SegmentEvent::Paused(segment) => last = Some((segment.start / 16, segment.end() / 16)),
            SegmentEvent::Ended => ended.extend(last.take()),
            _ => {}
        }
    }
    ended
}

#[test]
fn a_phrase_has_its_pre_roll_and_a_little_silence_after_it() {
    let found = phrases(&segments(&sound(&[(1.0, 0.0), (1.0, 0.5), (1.0, 0.0)])));
    assert_eq!(found.len(), 1);
    let (start, end) = found[0];
    assert!((680..=710).contains(&start) && (2190..=2230).contains(&end), "{found:?}");
}

#[test]
fn a_short_pause_does_not_end_a_phrase_and_a_click_does_not_begin_one() {
    let events = segments(&sound(&[
        (0.5, 0.0),
        (0.03, 0.5),
        (0.5, 0.0),
        (1.0, 0.5),
        (0.3, 0.0),
        (1.0, 0.5),
        (0.7, 0.0),
    ]));
    assert_eq!(phrases(&events).len(), 1);
    assert_eq!(events.iter().filter(|event| **event == SegmentEvent::Resumed).count(), 1);
}

#[test]
fn a_long_phrase_ends_at_its_first_pause() {
    let found = phrases(&segments(&sound(&[(8.0, 0.5), (0.3, 0.0), (1.0, 0.5), (0.6, 0.0)])));
    assert_eq!(found.len(), 2);
}

#[test]
fn talk_without_a_pause_is_cut_at_its_quietest_moment_and_nothing_is_lost() {
    let found = phrases(&segments(&sound(&[(11.0, 0.5), (0.1, 0.3), (9.0, 0.5), (0.6, 0.0)])));
    assert_eq!(found.len(), 2);
    assert!((11_000..=11_100).contains(&found[0].1), "{found:?}");
    assert_eq!(found[0].1, found[1].0);
    assert!(found[1].1 > 20_100);
}

#[test]
fn the_last_phrase_ends_with_the_audio() {
    let found = phrases(&segments(&sound(&[(0.5, 0.0), (1.0, 0.5)])));
    assert!(found.len() == 1 && (190..=216).contains(&found[0].0) && found[0].1 == 1500, "{found:?}");
    assert!(phrases(&segments(&sound(&[(0.5, 0.0), (0.01, 0.5)]))).is_empty());
    assert!(segments(&[]).is_empty());
}

#[test]
fn partials_come_every_half_second_and_not_in_pauses() {
    let events = segments(&sound(&[(1.0, 0.0), (3.0, 0.5), (1.0, 0.0)]));
    let ends: Vec<u64> = events
        .iter()
        .filter_map(|event| if let SegmentEvent::Grown(s) = event { Some(s.end() / 16) } else { None })
        .collect();
    assert!((1390..=1440).contains(&ends[0]), "{ends:?}");
    assert!(ends.windows(2).all(|pair| (480..=520).contains(&(pair[1] - pair[0]))), "{ends:?}");
    assert!(*ends.last().unwrap() < 4200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_chunking_gives_the_same_events_and_phrases_never_overlap(
        pieces in proptest::collection::vec((0.01_f32..5.0, prop_oneof![Just(0.0_f32), 0.1_f32..0.6]), 1..14),
        cuts in proptest::collection::vec(1_usize..9000, 1..30),
    ) {
        let samples = sound(&pieces);
        let whole = segments(&samples);
        let mut events = Vec::new();
        let mut segmenter = Segmenter::new(Loudness);
        let mut rest = &samples[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            segmenter.push(piece, &mut events);
            rest = after;
        }
        segmenter.finish(&mut events);
        prop_assert!(whole == events);
        let found = phrases(&whole);
        prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    }
}
