//! The demo's terminal: whole lines that stay, and one line of words that may still change.
#![expect(clippy::print_stdout, reason = "this is what a person at a terminal reads")]

use std::io::{IsTerminal, Write};

/// A partial longer than a terminal line cannot be replaced in place.
const PARTIAL_WIDTH: usize = 90;

/// Standard output.
pub(super) struct Screen {
    on_terminal: bool,
    has_colours: bool,
}

/// How a piece of text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Good,
    Bad,
    Found,
}

impl Screen {
    pub(super) fn new() -> Self {
        let on_terminal = std::io::stdout().is_terminal();
        // NO_COLOR is what programs have agreed on.
        let has_colours = on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { on_terminal, has_colours }
    }

    /// Prints a line of pieces.
    pub(super) fn line(&self, pieces: &[(Paint, String)]) {
        self.clear_partial();
        for (paint, text) in pieces {
            match paint.code().filter(|_| self.has_colours) {
                Some(code) => print!("\x1b[{code}m{text}\x1b[0m"),
                None => print!("{text}"),
            }
        }
        println!();
    }

    /// Shows the end of what somebody is saying, in the place of what was shown so before.
    pub(super) fn partial(&self, name: &str, text: &str) {
        if self.on_terminal {
            let skipped = text.chars().count().saturating_sub(PARTIAL_WIDTH);
            let shown: String = text.chars().skip(skipped).collect();
            self.clear_partial();
            print!("{name:>16}… {shown}");
            let _ = std::io::stdout().flush();
        }
    }

    /// Takes a partial off its line.
    pub(super) fn clear_partial(&self) {
        if self.on_terminal {
            print!("\r\x1b[K");
        }
    }
}

impl Paint {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Found => Some("36"),
        }
    }
}
