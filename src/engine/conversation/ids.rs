//! Ids of conversations, messages and sockets.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Returns a new id of a conversation or message: 16 decimal digits, as the hosted service wrote them.
pub fn sixteen_digits() -> String {
    const FIRST: u128 = 1_000_000_000_000_000;
    (FIRST + Uuid::new_v4().as_u128() % (9 * FIRST)).to_string()
}

/// Returns a new id of a member.
pub fn member() -> String {
    Uuid::new_v4().to_string()
}

/// One socket of this process, leg or subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

impl SocketId {
    /// Returns an id that no other socket of this process has.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl std::fmt::Display for SocketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_form_and_differ() {
        for _ in 0..100 {
            let id = sixteen_digits();
            assert_eq!(id.len(), 16);
            assert!(id.bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert_ne!(sixteen_digits(), sixteen_digits());
        assert_ne!(SocketId::next(), SocketId::next());
    }
}
