//! Reassembly of fragmented messages, bounded in bytes and in pieces, for servers and clients alike.

use actix_http::ws::Item;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::{Fault, Incoming};

/// A sender that cuts finer than this (empty fragments included) means harm.
const MOST_FRAGMENTS: usize = 4096;

/// Collects the fragments of one message at a time.
#[derive(Debug)]
pub struct Assembler {
    limit: usize,
    kind: Option<Kind>,
    held: BytesMut,
    fragments: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Binary,
}

impl Assembler {
    /// Returns an assembler for messages of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, kind: None, held: BytesMut::new(), fragments: 0 }
    }

    /// Takes one fragment; returns the message when it was the last.
    pub fn push(&mut self, item: Item) -> Result<Option<Incoming>, Fault> {
        let (kind, piece, is_last) = match item {
            Item::FirstText(piece) => (Some(Kind::Text), piece, false),
            Item::FirstBinary(piece) => (Some(Kind::Binary), piece, false),
            Item::Continue(piece) => (None, piece, false),
            Item::Last(piece) => (None, piece, true),
        };
        // A first fragment needs an idle assembler, a continuation a started one.
        if kind.is_some() == self.kind.is_some() {
            return Err(Fault::Protocol);
        }
        self.kind = self.kind.or(kind);
        self.fragments += 1;
        if self.fragments > MOST_FRAGMENTS {
            return Err(Fault::TooManyFragments);
        }
        if self.held.len() + piece.len() > self.limit {
            return Err(Fault::TooLarge);
        }
        self.held.extend_from_slice(&piece);
        if !is_last {
            return Ok(None);
        }
        self.fragments = 0;
        let whole = std::mem::take(&mut self.held).freeze();
        match self.kind.take() {
            Some(Kind::Text) => text(whole).map(Some),
            _ => Ok(Some(Incoming::Binary(whole))),
        }
    }
}

/// Returns a text message, if the bytes are UTF-8.
pub(super) fn text(bytes: Bytes) -> Result<Incoming, Fault> {
    ByteString::try_from(bytes).map(Incoming::Text).map_err(|_| Fault::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn fragments_become_one_message_even_when_a_character_is_cut() {
        let mut assembler = Assembler::new(100);
        let zoe = "Zoë".as_bytes();
        assert!(assembler.push(Item::FirstText(Bytes::copy_from_slice(&zoe[..3]))).unwrap().is_none());
        assert!(assembler.push(Item::Continue(Bytes::new())).unwrap().is_none());
        let whole = assembler.push(Item::Last(Bytes::copy_from_slice(&zoe[3..]))).unwrap();
        assert!(matches!(whole, Some(Incoming::Text(text)) if text == "Zoë"));
        assembler.push(Item::FirstBinary(bytes("a"))).unwrap();
        let next = assembler.push(Item::Last(bytes("b"))).unwrap();
        assert!(matches!(next, Some(Incoming::Binary(data)) if data == "ab"));
    }

    #[test]
    fn fragments_out_of_order_are_a_protocol_error() {
        assert_eq!(Assembler::new(9).push(Item::Continue(bytes("x"))).unwrap_err(), Fault::Protocol);
        assert_eq!(Assembler::new(9).push(Item::Last(bytes("x"))).unwrap_err(), Fault::Protocol);
        let mut assembler = Assembler::new(9);
        assembler.push(Item::FirstText(bytes("x"))).unwrap();
        assert_eq!(assembler.push(Item::FirstBinary(bytes("x"))).unwrap_err(), Fault::Protocol);
    }

    #[test]
    fn size_and_number_of_fragments_are_bounded() {
        let mut assembler = Assembler::new(4);
        assembler.push(Item::FirstBinary(bytes("abc"))).unwrap();
        assert_eq!(assembler.push(Item::Continue(bytes("de"))).unwrap_err(), Fault::TooLarge);

        let mut assembler = Assembler::new(4);
        assembler.push(Item::FirstBinary(Bytes::new())).unwrap();
        let fault = (0..=MOST_FRAGMENTS).find_map(|_| assembler.push(Item::Continue(Bytes::new())).err());
        assert_eq!(fault, Some(Fault::TooManyFragments));
    }
}
