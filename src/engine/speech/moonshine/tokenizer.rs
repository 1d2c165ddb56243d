//! Moonshine's token table: ids to text. Only decoding is needed.

use std::{fs, path::Path};

use serde::Deserialize;

use super::super::recognizer::LoadError;

/// Beginning of a text; the decoder's first input.
pub(super) const BEGIN: u32 = 1;
/// End of a text.
pub(super) const END: u32 = 2;
/// Ids from here on are `<<ST_0>>` and so on: markers, never words.
const FIRST_MARKER: u32 = 32_000;
/// SentencePiece's sign for "a word begins here".
const WORD_START: char = '\u{2581}';

/// The pieces of text behind the ids.
pub(super) struct Tokenizer {
    pieces: Vec<Vec<u8>>,
}

impl Tokenizer {
    /// Reads `tokenizer.json`, or `tokenizer.bin` where there is none, from a model's directory.
    pub(super) fn load(dir: &Path) -> Result<Self, LoadError> {
        let json = dir.join("tokenizer.json");
        let path = if json.exists() { json } else { dir.join("tokenizer.bin") };
        let bytes = fs::read(&path).map_err(|cause| LoadError::Unreadable { path: path.clone(), cause })?;
        let pieces = if path.extension().is_some_and(|ext| ext == "json") {
            pieces_of_json(&bytes)
        } else {
            pieces_of_bin(&bytes)
        };
        pieces.map(|pieces| Self { pieces }).map_err(|reason| LoadError::BadTokenizer { path, reason })
    }

    /// Joins the pieces of `tokens`. Bytes that are no UTF-8 become replacement characters.
    pub(super) fn decode(&self, tokens: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(tokens.len() * 4);
        for &token in tokens {
            if token <= END || token >= FIRST_MARKER {
                continue;
            }
            if let Some(piece) = self.pieces.get(token as usize) {
                bytes.extend_from_slice(piece);
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        text.replace([WORD_START, '\u{2028}'], " ").trim().to_owned()
    }
}

/// The part of `tokenizer.json` that decoding needs: piece to id.
#[derive(Deserialize)]
struct TokenizerJson {
    model: TokenizerModel,
}

#[derive(Deserialize)]
struct TokenizerModel {
    vocab: std::collections::HashMap<String, u32>,
}

/// More ids than any vocabulary of this family has; a file that claims more is not a token table.
const MOST_PIECES: u32 = 1 << 20;

fn pieces_of_json(bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let parsed: TokenizerJson = serde_json::from_slice(bytes).map_err(|_| "no model.vocab in it")?;
    let last = parsed.model.vocab.values().max().copied().ok_or("the vocabulary is empty")?;
    if last >= MOST_PIECES {
        return Err("an id is too large");
    }
    let mut pieces = vec![Vec::new(); last as usize + 1];
    for (piece, id) in parsed.model.vocab {
        pieces[id as usize] = match byte_piece(&piece) {
            Some(byte) => vec![byte],
            None => piece.into_bytes(),
        };
    }
    Ok(pieces)
}

/// Reads a byte-fallback piece, `<0x0A>`.
fn byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    if hex.len() == 2 { u8::from_str_radix(hex, 16).ok() } else { None }
}

/// `tokenizer.bin`: entries in id order, each a length (one byte, or two when the first has its high bit set) and
/// that many raw bytes.
fn pieces_of_bin(bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let mut length = usize::from(first);
        if first >= 128 {
            let (&second, after) = rest.split_first().ok_or("it ends inside a length")?;
            rest = after;
            length = usize::from(second) * 128 + length - 128;
        }
        if rest.len() < length {
            return Err("it ends inside a piece");
        }
        let (piece, after) = rest.split_at(length);
        pieces.push(piece.to_vec());
        rest = after;
    }
    if pieces.is_empty() { Err("it is empty") } else { Ok(pieces) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_bin_decode_alike_and_skip_markers() {
        let json = br#"{"model":{"vocab":{"<unk>":0,"<s>":1,"</s>":2,"<0x21>":3,"\u2581go":4,"ing":5}}}"#;
        let bin = b"\x05<unk>\x03<s>\x04</s>\x01!\x05\xe2\x96\x81go\x03ing";
        for pieces in [pieces_of_json(json).unwrap(), pieces_of_bin(bin).unwrap()] {
            let tokenizer = Tokenizer { pieces };
            assert_eq!(tokenizer.decode(&[1, 4, 5, 4, 3, 32_001, 2]), "going go!");
        }
    }

    #[test]
    fn long_pieces_have_two_byte_lengths() {
        let mut bin = vec![0x80 | 2, 1];
        bin.extend_from_slice(&[b'x'; 130]);
        assert_eq!(pieces_of_bin(&bin).unwrap()[0].len(), 130);
        assert!(pieces_of_bin(&bin[..20]).is_err());
    }
}
