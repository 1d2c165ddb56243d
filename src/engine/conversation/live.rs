//! The conversation that is going on in a room: its id, its members, its numbering. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::effect::Returning;
use super::ids;
use super::transcript::{self, Anchor, FinalWords};
use crate::symbl::client_message::StartRequest;
use crate::symbl::server_message::{ConversationRef, MessageResponse, ServerMessage, User};

/// The conversation that is going on.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: String,
    pub(super) began_at_ms: i64,
    pub(super) heard_at_ms: i64,
    /// By `userId`: who comes back is the same member.
    members: HashMap<String, User>,
    messages_sent: u64,
    pub(super) no_connection_timeout: Duration,
    pub(super) returning: Option<Returning>,
    pub(super) last_end: End,
}

/// How the last active leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Stopped,
    Dropped,
}

/// Who speaks on a leg.
#[derive(Debug, Clone, Default)]
pub(super) struct Voice {
    pub(super) user: User,
    /// Whether the client named the speaker; without a name messages are from nobody.
    pub(super) is_named: bool,
}

impl Live {
    pub(super) fn begin(now_ms: i64) -> Self {
        Self {
            id: ids::sixteen_digits(),
            began_at_ms: now_ms,
            heard_at_ms: now_ms,
            members: HashMap::new(),
            messages_sent: 0,
            no_connection_timeout: Duration::ZERO,
            returning: None,
            last_end: End::Stopped,
        }
    }

    pub(super) fn created(&self) -> ServerMessage {
        ServerMessage::ConversationCreated(ConversationRef { conversation_id: self.id.clone() })
    }

    /// Returns who speaks on a leg after a start request; `before` is who spoke on it until now.
    pub(super) fn voice(&mut self, request: &StartRequest, before: &Voice) -> Voice {
        // A repeated start by the same user, or by nobody in particular, does not make another person of the leg.
        let same_id = || Some(before.user.id.clone()).filter(|id| !id.is_empty());
        let Some(speaker) = &request.speaker else {
            let id = same_id().unwrap_or_else(ids::member);
            let user = User { id, ..before.user.clone() };
            return Voice { user, ..*before };
        };
        let is_same = before.user.user_id == speaker.user_id;
        let user = User {
            user_id: speaker.user_id.clone(),
            name: speaker.name.clone(),
            id: same_id().filter(|_| is_same).unwrap_or_else(ids::member),
        };
        let user = if speaker.user_id.is_empty() {
            user
        } else {
            let member = self.members.entry(speaker.user_id.clone()).or_insert(user);
            member.name.clone_from(&speaker.name);
            member.clone()
        };
        Voice { user, is_named: true }
    }

    /// Returns the numbered message of a final result.
    pub(super) fn message(
        &mut self,
        words: &FinalWords,
        anchor: Anchor,
        voice: &Voice,
        timezone_offset: i64,
    ) -> ServerMessage {
        let from = if voice.is_named { voice.user.clone() } else { User::default() };
        let message = transcript::message(words, anchor, self.began_at_ms, timezone_offset, from);
        let sequence_number = self.messages_sent;
        self.messages_sent += 1;
        ServerMessage::MessageResponse(MessageResponse {
            messages: vec![message],
            sequence_number,
            // Becomes true together with `messages[].sentiment`.
            sentiment: false,
        })
    }
}
