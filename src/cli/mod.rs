//! One file a subcommand.

pub mod eval;
