//! Questions, action items, follow-ups.
