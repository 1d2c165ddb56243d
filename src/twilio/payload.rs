//! Base64 of a media message, decoded into a buffer that is used again.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::PAD_INDIFFERENT;
use bytes::BytesMut;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd;

/// Standard alphabet, padded or not. A quarter of the instructions of the plain engine (hot-path.md).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD_INDIFFERENT));

/// Standard alphabet, padded or not.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, PAD_INDIFFERENT));

/// A payload is not base64 of the standard alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("payload is not standard base64")]
pub struct BadPayload;

/// Appends the decoded payload to `audio` and returns how many bytes came; on an error nothing is appended.
///
/// Missing padding is accepted, the url-safe alphabet is not. The buffer grows only if it has no room.
pub fn decode_payload(payload: &str, audio: &mut BytesMut) -> Result<usize, BadPayload> {
    let before = audio.len();
    let room = payload.len().div_ceil(4) * 3;
    audio.resize(before + room, 0);
    match BASE64.decode_slice(payload, &mut audio[before..]) {
        Ok(count) => {
            audio.truncate(before + count);
            Ok(count)
        }
        Err(_) => {
            audio.truncate(before);
            Err(BadPayload)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_silence_decodes() {
        let mut audio = BytesMut::new();
        assert_eq!(decode_payload(&format!("{}/w==", "/".repeat(212)), &mut audio), Ok(160));
        assert_eq!(decode_payload(&format!("{}fw==", "f39/".repeat(53)), &mut audio), Ok(160));
        assert_eq!(audio[..160], [0xFF; 160]);
        assert_eq!(audio[160..], [0x7F; 160]);
    }

    #[test]
    fn padding_may_be_missing_and_empty_is_nothing() {
        for (payload, expected) in
            [("", ""), ("YQ==", "a"), ("YQ", "a"), ("YWI", "ab"), ("YWI=", "ab"), ("YWJj", "abc")]
        {
            let mut audio = BytesMut::from("x");
            assert_eq!(decode_payload(payload, &mut audio), Ok(expected.len()), "{payload:?}");
            assert_eq!(audio, format!("x{expected}"));
        }
    }

    #[test]
    fn what_is_not_standard_base64_leaves_the_buffer_as_it_was() {
        let late = format!("{}!", "A".repeat(399));
        for payload in ["_w==", "-w==", "Y", "YQ=A", "====", "Y Q=", "YQ==\n", "é", "AAAA\u{0}", &late] {
            let mut audio = BytesMut::from("kept");
            assert_eq!(decode_payload(payload, &mut audio), Err(BadPayload), "{payload:?}");
            assert_eq!(audio, "kept");
        }
    }

    #[test]
    fn a_buffer_with_room_is_filled_without_allocating() {
        let payload = format!("{}/w==", "/".repeat(212));
        let mut audio = BytesMut::with_capacity(1024);
        decode_payload(&payload, &mut audio).unwrap();
        audio.clear();
        let used = allocation_counter::measure(|| {
            decode_payload(&payload, &mut audio).unwrap();
        });
        assert_eq!(used.count_total, 0);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_survive_and_any_text_is_safe(bytes: Vec<u8>, text: String) {
            use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
            for payload in [BASE64_STANDARD.encode(&bytes), BASE64_STANDARD_NO_PAD.encode(&bytes)] {
                let mut audio = BytesMut::new();
                assert_eq!(decode_payload(&payload, &mut audio), Ok(bytes.len()));
                assert_eq!(audio, bytes);
            }
            let _ = decode_payload(&text, &mut BytesMut::new());
        }
    }
}
