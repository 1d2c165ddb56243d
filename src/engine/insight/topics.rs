//! What a conversation is about.
