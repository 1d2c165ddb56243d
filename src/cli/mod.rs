//! One file a subcommand.

pub mod call;
