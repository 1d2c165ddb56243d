//! The bridge: callers on one side, one Symbl connection each on the other.
//!
//! Five actors, and who sends what to whom:
//!
//! ```text
//!   Twilio ──frames──▶ TwilioStream ──audio──▶ SymblConnection ──frames──▶ Symbl-protocol server
//!                        │      ▲                    │
//!                  start │      │ plan, stop         │ connected, media ended, ended
//!                        ▼      │                    ▼
//!   webhooks ──call──▶ Supervisor ──updates──▶ UpdatesHub ──updates──▶ UpdatesSession ──▶ dashboard
//! ```
//!
//! Decisions are made in [`call`], which has no clock and no socket; the actors perform them. A leg's two socket
//! actors live on one worker thread, so audio never crosses threads.

pub mod call;
