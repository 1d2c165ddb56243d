//! Who talked how long, over whom, how fast.
