//! Audio: however a leg's bytes are cut, the same samples come out of either resampler, files of any content are read or
//! refused, and no sample is anything but a finite number.

use std::path::Path;

use symbl_bridge::audio::{Resampler, mulaw, wav};
use symbl_bridge::engine::speech::audio::{AudioFormat, Decoder};

use super::input::Input;

/// Rates that people send, and some that they do not.
const RATES: [u32; 12] =
    [8000, 16_000, 44_100, 48_000, 11_025, 22_050, 24_000, 32_000, 8001, 12_345, 47_999, 9600];

/// Checks a file, or the bytes of a leg.
pub fn check(data: &[u8]) {
    if data.starts_with(b"RIFF") {
        return file(data);
    }
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => leg(input),
        1 => stream(input),
        _ => telephone(input.rest()),
    }
}

/// How bytes are cut: the sizes come again and again.
fn cuts(input: &mut Input<'_>) -> [usize; 3] {
    [0; 3].map(|_| usize::from(input.byte()).max(1))
}

fn pieces<'a, T>(mut rest: &'a [T], cuts: &[usize]) -> Vec<&'a [T]> {
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn leg(mut input: Input<'_>) {
    let rate = input.byte();
    let format = match usize::from(rate).checked_sub(1) {
        None => AudioFormat::Mulaw8k,
        Some(index) => AudioFormat::Linear16 { sample_rate: RATES[index % RATES.len()] },
    };
    let cuts = cuts(&mut input);
    let bytes = input.rest();
    let mut decoder = Decoder::new(format).expect("a rate within the range");
    let mut whole = Vec::new();
    decoder.decode(bytes, &mut whole);
    decoder.finish(&mut whole);
    let mut decoder = Decoder::new(format).expect("a rate within the range");
    let mut joined = Vec::new();
    for piece in pieces(bytes, &cuts) {
        decoder.decode(piece, &mut joined);
    }
    decoder.finish(&mut joined);
    assert_eq!(joined, whole, "cut as {cuts:?}");
    let (samples, rate) = match format {
        AudioFormat::Mulaw8k => (bytes.len(), 8000),
        AudioFormat::Linear16 { sample_rate } => (bytes.len() / 2, sample_rate),
    };
    let expected = samples as f64 * 16_000.0 / f64::from(rate);
    assert!((whole.len() as f64 - expected).abs() <= 2.0, "{} samples instead of {expected}", whole.len());
    sane(&whole);
}

fn stream(mut input: Input<'_>) {
    let (from, to) = (input.pick(&RATES), input.pick(&[8000, 16_000, 1000, 48_000]));
    let cuts = cuts(&mut input);
    let bytes = input.rest();
    let samples: Vec<i16> =
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut resampler = Resampler::new(from, to).expect("usable rates");
    let mut whole = Vec::new();
    resampler.push_i16(&samples, &mut whole);
    resampler.finish(&mut whole);
    let mut joined = Vec::new();
    for piece in pieces(&samples, &cuts) {
        resampler.push_i16(piece, &mut joined);
    }
    resampler.finish(&mut joined);
    assert_eq!(joined, whole, "{from} to {to}, cut as {cuts:?}, by a resampler that was finished before");
    sane(&whole);
}

fn telephone(bytes: &[u8]) {
    let mut samples = Vec::new();
    mulaw::decode_into(bytes, &mut samples);
    let mut again = Vec::new();
    mulaw::encode_into(&samples, &mut again);
    let expected: Vec<u8> =
        bytes.iter().map(|byte| if *byte == 0x7F { mulaw::SILENCE } else { *byte }).collect();
    assert_eq!(again, expected, "negative zero alone is written otherwise");
}

fn file(content: &[u8]) {
    let path = Path::new("any.wav");
    match wav::decode(path, content) {
        Ok(recording) => {
            assert!(!recording.samples.is_empty() && recording.samples.len() <= content.len());
            assert!(recording.samples.iter().all(|sample| sample.is_finite()));
        }
        Err(refusal) => assert!(refusal.to_string().contains("any.wav")),
    }
    match wav::mulaw_8k(path, content) {
        // From the lowest rate that is taken.
        Ok(bytes) => assert!(!bytes.is_empty() && bytes.len() <= 8 * content.len() + 8),
        Err(refusal) => assert!(refusal.to_string().contains("any.wav")),
    }
}

/// A filter may overshoot, but not by much.
fn sane(samples: &[f32]) {
    let loudest = samples.iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
    assert!(samples.iter().all(|sample| sample.is_finite()) && loudest < 4.0, "{loudest}");
}
