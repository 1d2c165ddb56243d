//! Every number of the engine that can be set. Plain values; where they come from is the caller's business.

use std::time::Duration;

use secrecy::SecretString;

use super::applications::Application;
use super::llm::LlmSettings;
use crate::ws::outbox::OutboxLimits;

/// JS clients feed the lifetime to a 32-bit millisecond timer, which ends at 24.8 days (`symbl-protocol` 1.1).
pub const LONGEST_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 24 * 3600);
/// With less than this left some clients recurse until their stack overflows (1.3).
pub const SHORTEST_TOKEN_LIFETIME: Duration = Duration::from_secs(600);

/// Settings of the engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Who may ask for tokens. Empty: credentials are generated.
    pub applications: Vec<Application>,
    /// The key that tokens are signed with; engines that share it accept each other's tokens. None: a random one.
    pub signing_key: Option<SecretString>,
    /// How long a token lives; clamped to what clients can bear.
    pub token_lifetime: Duration,
    /// Whether a socket that outlives its token is closed with 1008 (2.9).
    pub close_at_token_expiry: bool,
    /// Origins that browsers may call from; `*` is any.
    pub cors_origins: Vec<String>,
    /// The language model that is asked for a second opinion; none: nobody is.
    pub llm: Option<LlmSettings>,
    /// Numbers of sockets and sizes of messages.
    pub limits: Limits,
    /// Times.
    pub timers: Timers,
}

/// Numbers of sockets and sizes of messages.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connection ids in use at once, those that wait for a dropped leg included.
    pub conversations: usize,
    /// Streaming sockets in all.
    pub legs: usize,
    /// Streaming sockets on one connection id.
    pub legs_per_conversation: usize,
    /// Subscribers in all.
    pub subscribers: usize,
    /// Subscribers on one connection id (5.3).
    pub subscribers_per_conversation: usize,
    /// Bytes of one text message; a start request with hundreds of trackers is large.
    pub text_message: usize,
    /// Bytes of one audio message (2.5).
    pub audio_message: usize,
    /// What may wait for one leg.
    pub leg_outbox: OutboxLimits,
    /// What may wait for one subscriber.
    pub subscriber_outbox: OutboxLimits,
    /// Transcripts in process at once, waiting ones included.
    pub imports: usize,
    /// Refusals held back at once; beyond it they are answered at once.
    pub held_refusals: usize,
}

/// Times.
#[derive(Debug, Clone)]
pub struct Timers {
    /// Between protocol pings (2.8).
    pub ping_interval: Duration,
    /// A leg without audio, a subscriber without a conversation, a conversation without speech (2.8).
    pub idle: Duration,
    /// The longest wait for the recogniser's last words (2.9).
    pub flush: Duration,
    /// The longest wait for the client's close after the last message (2.9).
    pub close_grace: Duration,
    /// How long the first refusal is held (2.2).
    pub refusal_delay: Duration,
    /// How long a refusal is held at most, for clients that come again and again.
    pub refusal_delay_most: Duration,
    /// How long legs may come back after a restart of the engine to conversations that asked for less.
    pub resume_grace: Duration,
    /// How long a socket that is being closed for slowness may take before it is cut.
    pub slow_close: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            applications: Vec::new(),
            signing_key: None,
            token_lifetime: Duration::from_secs(86_400),
            close_at_token_expiry: true,
            cors_origins: vec!["*".to_owned()],
            llm: None,
            limits: Limits::default(),
            timers: Timers::default(),
        }
    }
}

impl EngineSettings {
    /// Returns the token lifetime that clients can bear.
    pub fn token_lifetime(&self) -> Duration {
        self.token_lifetime.clamp(SHORTEST_TOKEN_LIFETIME, LONGEST_TOKEN_LIFETIME)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            conversations: 10_000,
            legs: 1000,
            legs_per_conversation: 64,
            subscribers: 20_000,
            subscribers_per_conversation: 10_000,
            text_message: 1024 * 1024,
            audio_message: 64 * 1024,
            // About a minute of two people's busy interim results.
            leg_outbox: OutboxLimits { frames: 1024, bytes: 4 * 1024 * 1024 },
            subscriber_outbox: OutboxLimits { frames: 512, bytes: 1024 * 1024 },
            // Each may hold a body of 1 MB.
            imports: 50,
            held_refusals: 1024,
        }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            idle: Duration::from_secs(30 * 60),
            flush: Duration::from_secs(8),
            close_grace: Duration::from_secs(5),
            refusal_delay: Duration::from_secs(1),
            refusal_delay_most: Duration::from_secs(8),
            resume_grace: Duration::from_secs(60),
            slow_close: Duration::from_secs(5),
        }
    }
}
