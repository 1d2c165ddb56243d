//! The Symbl protocol's messages.
