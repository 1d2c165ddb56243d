//! The sentences that say most.
