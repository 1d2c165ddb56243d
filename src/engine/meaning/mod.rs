//! Sentences as vectors: what two sentences that mean the same have in common.
