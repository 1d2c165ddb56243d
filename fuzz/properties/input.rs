//! Choices and texts out of bytes. Where a check needs more than one text, they stand one after the other with a byte
//! between them that UTF-8 does not have, so that a person can write a corpus file and read what the fuzzer found.

use std::borrow::Cow;

/// Ends a part; never a byte of UTF-8.
const END_OF_PART: u8 = 0xFF;

/// First byte of an input that is to be taken apart; other inputs are one text.
const STRUCTURED: u8 = 0xFE;

/// What is left of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Returns an input to read from its front.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Returns the parts of an input that says that it has some.
    pub fn structured(data: &'a [u8]) -> Option<Self> {
        data.strip_prefix(&[STRUCTURED]).map(Self)
    }

    /// Returns whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the next byte, 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Returns the next two bytes as a number, 0 behind the end.
    pub fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// Returns one of several.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// Returns the bytes up to the end of the part.
    pub fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == END_OF_PART);
        let (part, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &self.0[..0]),
        };
        self.0 = rest;
        part
    }

    /// Returns the next part as text, whatever it holds.
    pub fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.part())
    }

    /// Returns all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
