//! The conferences of a run: who is in, and what is posted when that changes (section 3.5).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tokio_util::sync::CancellationToken;

use super::chance;
use super::twiml_reader::DialNoun;
use crate::twilio::Form;

/// All conferences; clones share them.
#[derive(Clone, Default)]
pub struct Rooms(Rc<RefCell<HashMap<String, Room>>>);

/// One conference from its first participant to its last.
struct Room {
    conference_sid: String,
    sequence_number: u64,
    inside: Vec<String>,
    started: bool,
    /// Only the first participant's count.
    status_callback: Option<String>,
    status_events: Vec<String>,
    /// Cancelled when a participant leaves whose leaving ends it all.
    ended: CancellationToken,
}

/// Something to post about a conference.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConferencePost {
    pub(super) event: &'static str,
    pub(super) url: String,
    pub(super) form: Form,
}

/// Who is meant.
pub(super) struct Participant<'a> {
    pub(super) account_sid: &'a str,
    pub(super) call_sid: &'a str,
    pub(super) dial: &'a DialNoun,
}

impl Rooms {
    /// Lets a participant in; returns what to post and what tells that the conference is over.
    pub(super) fn join(&self, participant: &Participant<'_>) -> (Vec<ConferencePost>, CancellationToken) {
        let mut rooms = self.0.borrow_mut();
        let room = rooms.entry(participant.dial.room.clone()).or_insert_with(|| Room::new(participant.dial));
        room.inside.push(participant.call_sid.to_owned());
        let mut posts = Vec::new();
        room.post(&mut posts, "participant-join", "join", participant, &[]);
        if room.inside.len() >= 2 && !room.started {
            room.started = true;
            room.post(&mut posts, "conference-start", "start", participant, &[]);
        }
        (posts, room.ended.clone())
    }

    /// Lets a participant out; returns what to post.
    pub(super) fn leave(&self, participant: &Participant<'_>) -> Vec<ConferencePost> {
        let mut rooms = self.0.borrow_mut();
        let Some(room) = rooms.get_mut(&participant.dial.room) else {
            return Vec::new();
        };
        room.inside.retain(|call_sid| call_sid != participant.call_sid);
        let was_put_out = room.ended.is_cancelled();
        let left = match was_put_out {
            true => [
                ("ReasonParticipantLeft", "moderator_ended_conference"),
                ("ParticipantCallStatus", "in-progress"),
            ],
            false => {
                [("ReasonParticipantLeft", "participant_hung_up"), ("ParticipantCallStatus", "completed")]
            }
        };
        let mut posts = Vec::new();
        room.post(&mut posts, "participant-leave", "leave", participant, &left);
        if participant.dial.end_on_exit {
            room.ended.cancel();
        }
        if room.inside.is_empty() {
            let reason = match room.ended.is_cancelled() {
                true => "participant-with-end-conference-on-exit-left",
                false => "last-participant-left",
            };
            let ended =
                [("ReasonConferenceEnded", reason), ("CallSidEndingConference", participant.call_sid)];
            room.post(&mut posts, "conference-end", "end", participant, &ended);
            rooms.remove(&participant.dial.room);
        }
        posts
    }
}

impl Room {
    fn new(first: &DialNoun) -> Self {
        Self {
            conference_sid: chance::sid("CF"),
            sequence_number: 0,
            inside: Vec::new(),
            started: false,
            status_callback: first.status_callback.clone(),
            status_events: first.status_events.clone(),
            ended: CancellationToken::new(),
        }
    }

    fn post(
        &mut self,
        posts: &mut Vec<ConferencePost>,
        event: &'static str,
        subscription: &str,
        participant: &Participant<'_>,
        more: &[(&str, &str)],
    ) {
        let Some(url) = &self.status_callback else { return };
        if !self.status_events.iter().any(|wanted| wanted == subscription) {
            return;
        }
        self.sequence_number += 1;
        let number = self.sequence_number.to_string();
        let now = super::timestamp_rfc2822();
        let mut pairs = vec![
            ("ConferenceSid", self.conference_sid.as_str()),
            ("FriendlyName", participant.dial.room.as_str()),
            ("AccountSid", participant.account_sid),
            ("SequenceNumber", number.as_str()),
            ("Timestamp", now.as_str()),
            ("StatusCallbackEvent", event),
        ];
        if event.starts_with("participant-") {
            pairs.extend([
                ("CallSid", participant.call_sid),
                ("Muted", "false"),
                ("Hold", "false"),
                ("Coaching", "false"),
            ]);
            let truth = |value: bool| if value { "true" } else { "false" };
            pairs.push(("EndConferenceOnExit", truth(participant.dial.end_on_exit)));
            pairs.push(("StartConferenceOnEnter", truth(participant.dial.start_on_enter)));
            if let Some(label) = &participant.dial.label {
                pairs.push(("ParticipantLabel", label));
            }
        }
        pairs.extend_from_slice(more);
        posts.push(ConferencePost { event, url: url.clone(), form: Form::from_pairs(pairs) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::webhook::{ConferenceEvent, ConferenceStatus};

    fn dial(end_on_exit: bool) -> DialNoun {
        DialNoun {
            room: "room 7".into(),
            start_on_enter: true,
            end_on_exit,
            status_callback: Some("https://b.example.com/c".into()),
            status_events: ["start", "end", "join", "leave"].map(String::from).to_vec(),
            ..DialNoun::default()
        }
    }

    fn participant<'a>(call_sid: &'a str, dial: &'a DialNoun) -> Participant<'a> {
        Participant { account_sid: "AC1", call_sid, dial }
    }

    fn events(posts: &[ConferencePost]) -> Vec<ConferenceEvent> {
        posts.iter().map(|post| ConferenceStatus::from_form(&post.form).unwrap().event).collect()
    }

    #[test]
    fn a_conference_of_two_is_told_from_join_to_end() {
        use ConferenceEvent::{End, Join, Leave, Start};
        let (rooms, dial) = (Rooms::default(), dial(false));
        let (posts, over) = rooms.join(&participant("CA1", &dial));
        assert_eq!(events(&posts), [Join]);
        let first = ConferenceStatus::from_form(&posts[0].form).unwrap();
        assert_eq!((first.friendly_name.as_str(), first.sequence_number), ("room 7", Some(1)));
        assert_eq!(events(&rooms.join(&participant("CA2", &dial)).0), [Join, Start]);
        assert_eq!(events(&rooms.leave(&participant("CA1", &dial))), [Leave]);
        let last = rooms.leave(&participant("CA2", &dial));
        assert_eq!(events(&last), [Leave, End]);
        assert_eq!(ConferenceStatus::from_form(&last[1].form).unwrap().sequence_number, Some(6));
        assert!(!over.is_cancelled() && rooms.0.borrow().is_empty());
        assert!(rooms.leave(&participant("CA2", &dial)).is_empty());
    }

    #[test]
    fn who_ends_the_conference_puts_the_others_out() {
        let (rooms, host, guest) = (Rooms::default(), dial(true), dial(false));
        rooms.join(&participant("CA1", &host));
        let (_, over) = rooms.join(&participant("CA2", &guest));
        rooms.leave(&participant("CA1", &host));
        assert!(over.is_cancelled());
        let posts = rooms.leave(&participant("CA2", &guest));
        let reason = |post: &ConferencePost| ConferenceStatus::from_form(&post.form).unwrap().reason.unwrap();
        assert_eq!(reason(&posts[0]), "moderator_ended_conference");
        assert_eq!(reason(&posts[1]), "participant-with-end-conference-on-exit-left");
    }

    #[test]
    fn only_subscribed_events_of_the_first_participant_are_posted() {
        let rooms = Rooms::default();
        let silent = DialNoun { status_events: vec!["end".into()], ..dial(false) };
        assert!(rooms.join(&participant("CA1", &silent)).0.is_empty());
        let loud = dial(false);
        assert!(rooms.join(&participant("CA2", &loud)).0.is_empty(), "the first participant's wishes count");
    }
}
