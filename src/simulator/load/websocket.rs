//! Just enough WebSocket framing for both ends of a load run: no task, no queue, no copy a frame.

/// Largest frame that is taken; the bridge joins audio to at most 8192 bytes.
const LARGEST_FRAME: usize = 1 << 20;

/// The kinds of frames that matter here.
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// One frame, unmasked in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) opcode: u8,
    pub(super) payload: &'a [u8],
    /// Bytes of the whole frame.
    pub(super) size: usize,
}

/// Returns the frame that `bytes` begin with; none if it is not whole yet.
///
/// # Errors
///
/// When the frame is larger than anything that a bridge sends.
pub(super) fn parse(bytes: &mut [u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let length_bytes = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    let head = 2 + length_bytes + mask_bytes;
    if bytes.len() < head {
        return Ok(None);
    }
    let length = match length_bytes {
        0 => u64::from(second & 0x7F),
        _ => bytes[2..2 + length_bytes].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LARGEST_FRAME {
        return Err("a frame of more than a megabyte");
    }
    let size = head + length;
    if bytes.len() < size {
        return Ok(None);
    }
    let (head, rest) = bytes.split_at_mut(head);
    let payload = &mut rest[..length];
    if let [.., a, b, c, d] = *head
        && mask_bytes == 4
    {
        unmask(payload, [a, b, c, d]);
    }
    Ok(Some(Frame { opcode: first & 0x0F, payload, size }))
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    rest.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

/// Appends a frame; a client's is masked, with a key of zeros, which leaves the payload as it is.
pub(super) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8], is_client: bool) {
    let mask = if is_client { 0x80 } else { 0 };
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..=125 => out.push(mask | length as u8),
        length @ 126..=0xFFFF => {
            out.push(mask | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(mask | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    if is_client {
        out.extend_from_slice(&[0; 4]);
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_parsed_whatever_its_length_and_side() {
        for length in [0, 1, 125, 126, 160, 8192, 65_535, 65_536] {
            for is_client in [true, false] {
                let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
                let mut out = Vec::new();
                append(&mut out, BINARY, &payload, is_client);
                let size = out.len();
                for part in [0, 1, 3, size - 1] {
                    assert_eq!(parse(&mut out[..part.min(size - 1)]), Ok(None));
                }
                out.extend_from_slice(b"next");
                let frame = parse(&mut out).unwrap().unwrap();
                assert_eq!((frame.opcode, frame.payload, frame.size), (BINARY, &*payload, size));
            }
        }
    }

    #[test]
    fn a_real_key_is_taken_off_and_a_giant_is_refused() {
        // The example of RFC 6455, 5.7.
        let mut hello = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
        assert_eq!(parse(&mut hello).unwrap().unwrap().payload, b"Hello");
        let mut long = [0x82, 0x8B, 1, 2, 3, 4].to_vec();
        long.extend((0..11_u8).map(|index| b'a' ^ (index % 4 + 1)));
        assert_eq!(parse(&mut long).unwrap().unwrap().payload, b"aaaaaaaaaaa");
        assert!(parse(&mut [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]).is_err());
    }
}
