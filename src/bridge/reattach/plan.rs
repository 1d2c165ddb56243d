//! Which calls get a new stream after a start: what Twilio lists, against what the book knows. Pure.

use std::collections::HashSet;

use super::book::{CallBook, Entry, State, UnixMillis};
use crate::twilio::CallSid;
use crate::twilio::rest::Call;
use crate::twilio::rest::request::IN_PROGRESS;

/// A call that seems to be without a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The call.
    pub call_sid: CallSid,
    /// Who calls and which number, as Twilio writes them, if that is known and Twilio said just now that the call goes on.
    pub ends: Option<Ends>,
    /// Where it belongs; none: Twilio is asked which conference it is in.
    pub conference: Option<Conference>,
    /// The number of the stream it had.
    pub old_stream: Option<u32>,
    /// Since when it has had none, as far as anybody knows.
    pub lost_at: UnixMillis,
    /// Whether somebody said that its stream is no more; otherwise a stream of its TwiML may still be on its way.
    pub is_certain: bool,
    /// Whether it went with its node, through no fault of its own: nothing is on its way, and it does not wait longer each time.
    pub with_node: bool,
}

/// Both ends of a call.
#[derive(Clone, PartialEq, Eq)]
pub struct Ends {
    /// Who calls.
    pub from: String,
    /// The number dialled.
    pub to: String,
}

/// Where a call belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conference {
    /// The room's name.
    pub room: String,
    /// Its connection, if that is known.
    pub connection_id: Option<String>,
}

/// Shows no number.
impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ends")
    }
}

/// Returns the calls that seem to be without a stream, those of the book first. `since` is when this process began.
pub fn wanted(listed: &[Call], book: &CallBook, since: UnixMillis) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut strangers = Vec::new();
    let mut seen = HashSet::new();
    for call in listed.iter().filter(|call| call.status == IN_PROGRESS) {
        let Ok(call_sid) = CallSid::parse(&call.sid) else { continue };
        if !seen.insert(call_sid.clone()) {
            continue;
        }
        let ends = Some(Ends { from: call.from.clone(), to: call.to.clone() });
        match book.entry(&call_sid) {
            Some(entry) => wanted.extend(lost(&call_sid, entry, ends)),
            None => strangers.push(Wanted {
                call_sid,
                ends,
                conference: None,
                old_stream: None,
                lost_at: since,
                is_certain: false,
                with_node: false,
            }),
        }
    }
    // The list lags behind the calls, and has only those of one number.
    let unlisted = book.entries().filter(|(call_sid, _)| !seen.contains(*call_sid));
    wanted.extend(unlisted.filter_map(|(call_sid, entry)| lost(call_sid, entry, None)));
    wanted.append(&mut strangers);
    wanted
}

/// Returns what a call of the book wants; nothing if it has a stream, or is over.
pub fn lost(call_sid: &CallSid, entry: &Entry, ends: Option<Ends>) -> Option<Wanted> {
    let State::Lost(lost_at) = entry.state else { return None };
    Some(Wanted {
        call_sid: call_sid.clone(),
        ends,
        conference: Some(Conference {
            room: entry.room.clone(),
            connection_id: Some(entry.connection_id.clone()),
        }),
        old_stream: Some(entry.stream),
        lost_at,
        is_certain: true,
        with_node: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::call::leg::LegExit;
    use crate::bridge::call::registry::LegId;

    fn listed(sid: &str, status: &str) -> Call {
        let text =
            format!(r#"{{"sid":"{sid}","status":"{status}","from":"+12125550123","to":"+14155550100"}}"#);
        Call::parse(text.as_bytes()).unwrap()
    }

    fn book() -> CallBook {
        let mut book = CallBook::new(9);
        for (number, call) in [(1, "CAlive"), (2, "CAlost"), (3, "CAover"), (4, "CAunlisted")] {
            let entry = Entry {
                room: "talk".to_owned(),
                connection_id: "C".to_owned(),
                stream: 7,
                began_at: 1,
                state: State::Live,
            };
            book.began(LegId(number), &CallSid::parse(call).unwrap(), entry);
        }
        book.media_ended(LegId(2), 50);
        book.leg_ended(LegId(3), LegExit::Hangup, 60);
        book.media_ended(LegId(4), 70);
        book
    }

    #[test]
    fn calls_without_a_stream_are_wanted_and_no_others() {
        let calls = ["CAlive", "CAnew", "CAlost", "CAover", "CAlost"].map(|sid| listed(sid, "in-progress"));
        let mut calls = calls.to_vec();
        calls.push(listed("CAringing", "ringing"));
        let wanted = wanted(&calls, &book(), 99);
        let brief: Vec<_> = wanted
            .iter()
            .map(|one| {
                (one.call_sid.as_str(), one.ends.is_some(), one.old_stream, one.lost_at, one.is_certain)
            })
            .collect();
        assert_eq!(
            brief,
            [
                ("CAlost", true, Some(7), 50, true),
                ("CAunlisted", false, Some(7), 70, true),
                ("CAnew", true, None, 99, false),
            ]
        );
        let conference = wanted[0].conference.as_ref().unwrap();
        assert_eq!((conference.room.as_str(), conference.connection_id.as_deref()), ("talk", Some("C")));
        assert!(!format!("{wanted:?}").contains("5550"), "numbers are not for logs");
    }
}
