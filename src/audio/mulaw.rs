//! G.711 mu-law (twilio-protocol.md, section 4.6): one byte a sample at 8000 Hz, about 14 bits of range.

use super::sample_to_f32;

/// Added to a magnitude before its segment is looked up, so that every segment is twice the last.
const BIAS: i32 = 132;

/// Largest magnitude that still has a code; anything louder is clipped to it.
const CLIP: i32 = 32635;

/// The byte for silence, as an encoder writes it (0x7F also decodes to zero).
pub const SILENCE: u8 = 0xFF;

/// Sample of every byte, computed by the compiler.
static DECODED: [i16; 256] = decode_table();

const fn decode_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let bits = !(byte as u8);
        let segment = (bits >> 4) & 0x07;
        let step = (bits & 0x0F) as i32;
        let magnitude = ((step * 8 + BIAS) << segment) - BIAS;
        table[byte] = if bits & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 };
        byte += 1;
    }
    table
}

/// Returns the 16-bit sample of one mu-law byte.
pub fn decode(byte: u8) -> i16 {
    DECODED[usize::from(byte)]
}

/// Appends the 16-bit samples of `bytes` to `samples`.
pub fn decode_into(bytes: &[u8], samples: &mut Vec<i16>) {
    samples.extend(bytes.iter().map(|byte| decode(*byte)));
}

/// Appends the samples of `bytes` to `samples` as fractions of full scale.
pub fn decode_f32_into(bytes: &[u8], samples: &mut Vec<f32>) {
    samples.extend(bytes.iter().map(|byte| sample_to_f32(decode(*byte))));
}

/// Returns the mu-law byte of a 16-bit sample; the loudest are clipped.
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0x00 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // `magnitude` lies in 132..=32767, so its highest bit is one of 7..=14 and the segment one of 0..=7.
    let segment = magnitude.ilog2() - 7;
    let step = (magnitude >> (segment + 3)) & 0x0F;
    !(sign | (segment as u8) << 4 | step as u8)
}

/// Appends the mu-law bytes of `samples` to `bytes`.
pub fn encode_into(samples: &[i16], bytes: &mut Vec<u8>) {
    bytes.extend(samples.iter().map(|sample| encode(*sample)));
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn published_check_values_decode() {
        let check = [
            (0x00, -32124),
            (0x01, -31100),
            (0x0F, -16764),
            (0x10, -15996),
            (0x3F, -1980),
            (0x7E, -8),
            (0x7F, 0),
            (0x80, 32124),
            (0x81, 31100),
            (0x8F, 16764),
            (0x90, 15996),
            (0xBF, 1980),
            (0xFE, 8),
            (0xFF, 0),
        ];
        for (byte, sample) in check {
            assert_eq!(decode(byte), sample, "byte {byte:#04x}");
        }
    }

    #[test]
    fn whole_table_has_the_published_hash() {
        let mut hash = Sha256::new();
        for byte in 0..=255 {
            hash.update(decode(byte).to_le_bytes());
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827");
    }

    #[test]
    fn every_byte_survives_a_round_trip_but_negative_zero() {
        for byte in 0..=255u8 {
            let expected = if byte == 0x7F { SILENCE } else { byte };
            assert_eq!(encode(decode(byte)), expected, "byte {byte:#04x}");
        }
    }

    #[test]
    fn every_sample_is_off_by_half_a_step_of_its_segment_at_most() {
        for sample in i16::MIN..=i16::MAX {
            let byte = encode(sample);
            let half_step = 4 << ((!byte >> 4) & 0x07);
            let error = (i32::from(decode(byte)) - i32::from(sample).clamp(-CLIP, CLIP)).abs();
            assert!(error <= half_step, "sample {sample}: error {error}");
        }
    }

    #[test]
    fn published_tone_encodes() {
        let tone: Vec<i16> = (0..160)
            .map(|n| {
                (8000.0 * (2.0 * std::f64::consts::PI * 1000.0 * f64::from(n) / 8000.0).sin()).round() as i16
            })
            .collect();
        let mut bytes = Vec::new();
        encode_into(&tone, &mut bytes);
        assert_eq!(bytes.len(), 160);
        for frame in bytes.chunks(8) {
            assert_eq!(frame, [0xff, 0xa9, 0xa0, 0xa9, 0xff, 0x29, 0x20, 0x29]);
        }
    }

    #[test]
    fn slices_decode_like_single_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        let (mut samples, mut fractions) = (vec![7], vec![0.5]);
        decode_into(&bytes, &mut samples);
        decode_f32_into(&bytes, &mut fractions);
        assert_eq!(samples[0], 7);
        assert_eq!(samples[1..], bytes.iter().map(|byte| decode(*byte)).collect::<Vec<_>>());
        assert_eq!(fractions[1], -32124.0 / 32768.0);
        assert_eq!(fractions.len(), 257);
    }
}
