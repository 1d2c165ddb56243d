//! One caller: asks the bridge for TwiML and obeys it as Twilio does.

use std::rc::Rc;
use std::time::Duration;

use awc::Client;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::address::BadAddress;
use super::call::Call;
use super::report::{CallReport, StreamEnd};
use super::rest::Exchange;
use super::rooms::Rooms;
use super::webhooks::client;
use crate::twilio::AuthToken;

/// Who calls whom, where, and what is said.
#[derive(Debug, Clone)]
pub struct PhoneOptions {
    /// Where the bridge is reached: `http://127.0.0.1:3000`.
    pub base_url: String,
    /// The address the bridge believes to have, which is signed; the base if `None`.
    pub public_url: Option<String>,
    /// Signs requests; they go unsigned without it.
    pub auth_token: Option<AuthToken>,
    /// The account, `AC…`.
    pub account_sid: String,
    /// Who calls, in any form that `From` takes.
    pub from: String,
    /// The number that is dialled.
    pub to: String,
    /// The `?room=` of the number's webhook.
    pub room: Option<String>,
    /// What the caller says: mu-law, 8000 Hz.
    pub audio: Bytes,
    /// How long the call is; as long as the audio if `None`.
    pub duration: Option<Duration>,
    /// 1 is real time, 2 twice as fast, 0 as fast as possible.
    pub speed: f64,
    /// Signs the media socket's address with a slash at its end, as Twilio sometimes does.
    pub sign_with_slash: bool,
    /// Where Twilio's REST API finds the call while it lasts.
    pub exchange: Exchange,
}

impl PhoneOptions {
    /// Returns an unsigned call in real time that says nothing.
    pub fn new(base_url: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            public_url: None,
            auth_token: None,
            account_sid: "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1".to_owned(),
            from: from.into(),
            to: to.into(),
            room: None,
            audio: Bytes::new(),
            duration: None,
            speed: 1.0,
            sign_with_slash: false,
            exchange: Exchange::default(),
        }
    }
}

/// How a call goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The bridge is asked for TwiML.
    Ringing,
    /// It has answered with this many instructions.
    Answered {
        /// Instructions in the document.
        verbs: usize,
    },
    /// Audio flows.
    Streaming {
        /// Frames sent so far.
        frames: u64,
        /// Frames of the whole call.
        total: u64,
    },
    /// A media socket is no more.
    StreamEnded(StreamEnd),
    /// The caller is in this conference.
    Joined(String),
    /// The call is over.
    HungUp,
}

/// A phone about to call.
pub struct Phone {
    options: PhoneOptions,
    rooms: Rooms,
    client: Option<Client>,
    hang_up: CancellationToken,
    on_progress: Rc<dyn Fn(&Progress)>,
}

impl Phone {
    /// Returns a phone with conferences of its own.
    pub fn new(options: PhoneOptions) -> Self {
        Self {
            options,
            rooms: Rooms::default(),
            client: None,
            hang_up: CancellationToken::new(),
            on_progress: Rc::new(|_| {}),
        }
    }

    /// Shares conferences with other phones.
    #[must_use]
    pub fn in_rooms(mut self, rooms: &Rooms) -> Self {
        self.rooms = rooms.clone();
        self
    }

    /// Uses a client that many phones share: making one reads the system's certificates.
    #[must_use]
    pub fn using(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Hangs up when the token is cancelled, if the call still lasts.
    #[must_use]
    pub fn hung_up_by(mut self, hang_up: &CancellationToken) -> Self {
        self.hang_up = hang_up.child_token();
        self
    }

    /// Reports how the call goes on.
    #[must_use]
    pub fn on_progress(mut self, on_progress: impl Fn(&Progress) + 'static) -> Self {
        self.on_progress = Rc::new(on_progress);
        self
    }

    /// Calls, and returns when the call is over and all callbacks are answered.
    pub async fn call(self) -> Result<CallReport, BadAddress> {
        let client = self.client.unwrap_or_else(client);
        let call = Call::new(self.options, self.rooms, client, &self.hang_up, self.on_progress)?;
        Ok(call.run().await)
    }
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
