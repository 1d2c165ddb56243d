//! Parse, configure, run, drain.

fn main() {}
