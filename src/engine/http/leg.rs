//! The state machine of a leg (`symbl-protocol` 2.3). Pure: it says what to do, the socket's actor does it.

use std::time::Duration;

use crate::engine::conversation::effect::AfterStop;
use crate::engine::hearing::AudioFormat;
use crate::symbl::client_message::{ClientMessage, ModifyRequest, StartRequest};
use crate::symbl::server_message::ErrorMessage;
use crate::ws::CloseCode;

/// 5.2: what `details` says when there is nothing to add.
const NO_DETAILS: &str = "No additional details available.";

/// One leg, from the client's point of view.
#[derive(Debug, Default)]
pub struct Leg {
    state: State,
    format: Option<AudioFormat>,
    disconnect_on_stop: bool,
    pause_timeout: Duration,
    /// Counts pauses, so that an old timer does not end a new pause.
    pause: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Open,
    Listening,
    Paused,
    Ended,
}

/// Something for the actor to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Answer a keep-alive.
    Pong,
    /// Send a recoverable error: envelope B only.
    Complain(ErrorMessage),
    /// Send a fatal error, envelope A then B, and close.
    Fail(ErrorMessage, CloseCode),
    /// Open an ear and tell the conversation, which acknowledges.
    Begin(Box<StartRequest>, AudioFormat),
    /// Tell the conversation, which acknowledges once more; the ear stays.
    BeginAgain(Box<StartRequest>),
    /// Exchange the ear for one of another format.
    ChangeFormat(AudioFormat),
    /// Report entities from now on, or no longer.
    ReportEntities(bool),
    /// Send `session_modified`.
    Modified(AudioFormat),
    /// Finish the ear and tell the conversation, which acknowledges.
    Stop(AfterStop),
    /// Call [`Leg::pause_expired`] after this time.
    AwaitPauseEnd(u32, Duration),
    /// Close without a word.
    Close(CloseCode, &'static str),
}

impl Leg {
    /// Returns whether audio is to be heard now. Otherwise it is dropped without complaint.
    pub fn is_listening(&self) -> bool {
        self.state == State::Listening
    }

    /// Returns whether the leg has ended and whatever comes is ignored.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// A text message came.
    pub fn on_message(&mut self, message: ClientMessage) -> Vec<Effect> {
        match message {
            // JS counts on an answer for as long as the socket is open.
            ClientMessage::Ping => vec![Effect::Pong],
            _ if self.has_ended() => Vec::new(),
            ClientMessage::Start(request) => self.start(request),
            ClientMessage::Modify(request) => self.modify(&request),
            ClientMessage::Stop => self.stop(),
            ClientMessage::Invalid(invalid) => {
                vec![Effect::Complain(error(&invalid.to_string(), NO_DETAILS))]
            }
        }
    }

    /// No ear could be opened for [`Effect::Begin`] or [`Effect::ChangeFormat`].
    pub fn on_deaf(&mut self) -> Vec<Effect> {
        self.state = State::Ended;
        let message = error("Speech recognition is unavailable.", NO_DETAILS);
        vec![Effect::Fail(message, CloseCode::Error)]
    }

    /// The engine ends the leg.
    pub fn end(&mut self, then: AfterStop) -> Vec<Effect> {
        if self.has_ended() {
            return Vec::new();
        }
        self.state = State::Ended;
        vec![Effect::Stop(then)]
    }

    /// No audio came for as long as the idle time allows, or no start.
    pub fn on_idle(&mut self) -> Vec<Effect> {
        match self.state {
            State::Listening => self.end(AfterStop::Close),
            State::Open => {
                self.state = State::Ended;
                vec![Effect::Close(CloseCode::Normal, "idle")]
            }
            // A paused leg has a timer of its own.
            State::Paused | State::Ended => Vec::new(),
        }
    }

    /// A stopped socket has stayed as long as it asked for.
    pub fn pause_expired(&mut self, pause: u32) -> Vec<Effect> {
        if self.state != State::Paused || self.pause != pause {
            return Vec::new();
        }
        self.state = State::Ended;
        vec![Effect::Close(CloseCode::Normal, "stopped")]
    }

    fn start(&mut self, request: Box<StartRequest>) -> Vec<Effect> {
        let format = match AudioFormat::from_wish(&request.speech, None) {
            Ok(format) => format,
            Err(reason) => {
                self.state = State::Ended;
                let message = error("Invalid start_request.", &reason.to_string());
                return vec![Effect::Fail(message, CloseCode::Policy)];
            }
        };
        self.disconnect_on_stop = request.disconnect_on_stop;
        self.pause_timeout = request.disconnect_on_stop_timeout;
        let was_listening = self.is_listening();
        self.state = State::Listening;
        let before = self.format.replace(format);
        match (was_listening, before == Some(format)) {
            (false, _) => vec![Effect::Begin(request, format)],
            (true, true) => vec![Effect::BeginAgain(request)],
            (true, false) => vec![Effect::ChangeFormat(format), Effect::BeginAgain(request)],
        }
    }

    fn modify(&mut self, request: &ModifyRequest) -> Vec<Effect> {
        let Some(current) = self.format.filter(|_| self.is_listening()) else {
            return vec![Effect::Complain(error("No active request to modify.", NO_DETAILS))];
        };
        match AudioFormat::from_wish(&request.speech, Some(current)) {
            Ok(format) => {
                self.format = Some(format);
                let change = (format != current).then_some(Effect::ChangeFormat(format));
                let entities = request.detect_entities.map(Effect::ReportEntities);
                change.into_iter().chain(entities).chain([Effect::Modified(format)]).collect()
            }
            // The audio that comes now is in a format that nobody can hear.
            Err(reason) => {
                self.state = State::Ended;
                let message = error("Invalid modify_request.", &reason.to_string());
                vec![Effect::Fail(message, CloseCode::Policy)]
            }
        }
    }

    fn stop(&mut self) -> Vec<Effect> {
        let is_new_pause = match self.state {
            State::Open => return self.end(AfterStop::Close),
            State::Ended => return Vec::new(),
            _ if self.disconnect_on_stop => return self.end(AfterStop::Close),
            State::Listening => true,
            State::Paused => false,
        };
        self.state = State::Paused;
        let mut effects = vec![Effect::Stop(AfterStop::Pause)];
        if is_new_pause {
            self.pause += 1;
            effects.push(Effect::AwaitPauseEnd(self.pause, self.pause_timeout));
        }
        effects
    }
}

fn error(message: &str, details: &str) -> ErrorMessage {
    ErrorMessage { details: details.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: &str = r#"{"type":"start_request","config":{"encoding":"MULAW"}}"#;
    const START_STAYING: &str = r#"{"type":"start_request","config":{"encoding":"MULAW"},"disconnectOnStopRequest":false,"disconnectOnStopRequestTimeout":20}"#;
    const START_LINEAR: &str = r#"{"type":"start_request"}"#;
    const START_OPUS: &str = r#"{"type":"start_request","config":{"encoding":"OPUS"}}"#;
    const MODIFY: &str =
        r#"{"type":"modify_request","speechRecognition":{"encoding":"LINEAR16","sampleRateHertz":8000}}"#;
    const MODIFY_NOTHING: &str = r#"{"type":"modify_request"}"#;
    const MODIFY_ENTITIES: &str = r#"{"type":"modify_request","config":{"detectEntities":true}}"#;
    const MODIFY_FLAC: &str = r#"{"type":"modify_request","speechRecognition":{"encoding":"FLAC"}}"#;
    const STOP: &str = r#"{"type":"stop_request"}"#;

    /// Returns the effects in short.
    fn short(effects: &[Effect]) -> String {
        let names: Vec<String> = effects
            .iter()
            .map(|effect| match effect {
                Effect::Pong => "pong".to_owned(),
                Effect::Complain(error) => format!("complain {}", error.message),
                Effect::Fail(error, code) => format!("fail {} {}", u16::from(*code), error.message),
                Effect::Begin(_, format) => format!("begin {}", format.to_wire().encoding),
                Effect::BeginAgain(_) => "again".to_owned(),
                Effect::ChangeFormat(format) => format!("change {}", format.sample_rate_hertz()),
                Effect::ReportEntities(flag) => format!("entities {flag}"),
                Effect::Modified(_) => "modified".to_owned(),
                Effect::Stop(then) => format!("stop {then:?}"),
                Effect::AwaitPauseEnd(pause, time) => format!("pause {pause} {}", time.as_secs()),
                Effect::Close(code, _) => format!("close {}", u16::from(*code)),
            })
            .collect();
        names.join(", ")
    }

    #[test]
    fn each_state_answers_each_message_as_the_table_says() {
        for (messages, expected) in [
            (vec!["__PING__"], "pong"),
            (vec!["nonsense"], "complain Invalid JSON payload."),
            (vec!["{}"], "complain 'type' must be provided in the payload."),
            (vec![r#"{"type":"dance"}"#], "complain Unsupported 'type' detected: dance"),
            (vec![MODIFY], "complain No active request to modify."),
            (vec![STOP], "stop Close"),
            (vec![START], "begin MULAW"),
            (vec![START_OPUS], "fail 1008 Invalid start_request."),
            (vec![START, START], "again"),
            (vec![START, START_LINEAR], "change 16000, again"),
            (vec![START, MODIFY], "change 8000, modified"),
            (vec![START, MODIFY_NOTHING], "modified"),
            (vec![START, MODIFY_ENTITIES], "entities true, modified"),
            (vec![START, MODIFY_FLAC], "fail 1008 Invalid modify_request."),
            (vec![START, "nonsense"], "complain Invalid JSON payload."),
            (vec![START, STOP], "stop Close"),
            (vec![START, "{'type': 'stop_request'}"], "stop Close"),
            (vec![START, STOP, STOP], ""),
            (vec![START, STOP, START], ""),
            (vec![START, STOP, "__PING__"], "pong"),
            (vec![START_STAYING, STOP], "stop Pause, pause 1 20"),
            (vec![START_STAYING, STOP, STOP], "stop Pause"),
            (vec![START_STAYING, STOP, MODIFY], "complain No active request to modify."),
            (vec![START_STAYING, STOP, START_STAYING], "begin MULAW"),
            (vec![START_STAYING, STOP, START_STAYING, STOP], "stop Pause, pause 2 20"),
            (vec![START_STAYING, STOP, START, STOP], "stop Close"),
            (vec![START_OPUS, START], ""),
        ] {
            let mut leg = Leg::default();
            let mut last = Vec::new();
            for message in &messages {
                last = leg.on_message(ClientMessage::parse(message));
            }
            assert_eq!(short(&last), expected, "{messages:?}");
        }
    }

    #[test]
    fn only_the_newest_pause_can_expire() {
        let mut leg = Leg::default();
        for message in [START_STAYING, STOP, START_STAYING, STOP] {
            leg.on_message(ClientMessage::parse(message));
        }
        assert_eq!(leg.pause_expired(1), []);
        assert_eq!(short(&leg.pause_expired(2)), "close 1000");
        assert!(leg.has_ended());
    }

    #[test]
    fn idle_ends_open_and_listening_legs_only() {
        let mut leg = Leg::default();
        assert_eq!(short(&leg.on_idle()), "close 1000");
        let mut leg = Leg::default();
        leg.on_message(ClientMessage::parse(START));
        assert_eq!(short(&leg.on_idle()), "stop Close");
        assert_eq!(leg.on_idle(), []);
    }

    proptest! {
        /// Whatever a client says in whatever order: an ear is opened only when none is open, audio is heard only
        /// with one open, and nothing but pongs follows the end.
        #[test]
        fn no_order_of_messages_confuses_a_leg(choices in prop::collection::vec(0..9usize, 0..40)) {
            let script = [START, START_STAYING, START_LINEAR, START_OPUS, MODIFY, MODIFY_FLAC, STOP, "x", "__PING__"];
            let mut leg = Leg::default();
            let mut has_ear = false;
            for choice in choices {
                let had_ended = leg.has_ended();
                for effect in leg.on_message(ClientMessage::parse(script[choice])) {
                    prop_assert!(!had_ended || effect == Effect::Pong);
                    match effect {
                        Effect::Begin(..) => { prop_assert!(!has_ear); has_ear = true; }
                        Effect::BeginAgain(_) | Effect::ChangeFormat(_) | Effect::Modified(_) => prop_assert!(has_ear),
                        Effect::Stop(_) | Effect::Fail(..) => has_ear = false,
                        _ => {}
                    }
                }
                prop_assert_eq!(leg.is_listening(), has_ear);
            }
        }
    }
}
