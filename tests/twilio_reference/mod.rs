//! Twilio's request signature as the published description has it, sharing no code with the bridge: percent signs,
//! HMAC and base64 are done by hand here, only the two hashes come from a library.

// Several test files compile this module for themselves and use a part of it.
#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Names and values of a form, decoded, in the order of the body.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns the pairs of a form body.
pub fn decode_form(body: &[u8]) -> Pairs {
    let mut pairs = Vec::new();
    for piece in body.split(|byte| *byte == b'&') {
        if piece.is_empty() {
            continue;
        }
        let equals = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = match equals {
            Some(at) => (&piece[..at], &piece[at + 1..]),
            None => (piece, &piece[..0]),
        };
        pairs.push((decode_percent(name), decode_percent(value)));
    }
    pairs
}

fn decode_percent(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return decoded,
            [b'+', rest @ ..] => {
                decoded.push(b' ');
                rest
            }
            [b'%', high, low, rest @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                decoded.push(hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0));
                rest
            }
            [byte, rest @ ..] => {
                decoded.push(*byte);
                rest
            }
        };
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Returns a form body of these pairs in which every byte that may be escaped is, spaces as `%20`.
pub fn encode_form(pairs: &[(String, String)]) -> String {
    let escaped = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

/// Returns the bytes that Twilio hashes: the address, then for each distinct name in order, for each distinct value of
/// it in order, name and value.
pub fn signed_bytes(url: &str, pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut by_name: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
    for (name, value) in pairs {
        by_name.entry(name).or_default().insert(value);
    }
    let mut bytes = Vec::from(url);
    for (name, values) in by_name {
        for value in values {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(value);
        }
    }
    bytes
}

/// Returns `X-Twilio-Signature` of an address and a form; without pairs, of a GET, a handshake or another body.
pub fn sign(token: &str, url: &str, pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    base64(&hmac_sha1(token.as_bytes(), &signed_bytes(url, pairs)))
}

/// Returns the value of `bodySHA256`.
pub fn body_hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 2104, by its definition.
fn hmac_sha1(key: &[u8], data: &[u8]) -> [u8; 20] {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha1::new().chain_update(padded(0x36)).chain_update(data).finalize();
    Sha1::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// RFC 4648, standard alphabet, padded.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let is_padding = place > three.len();
            let six = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if is_padding { '=' } else { char::from(ALPHABET[six]) });
        }
    }
    text
}
