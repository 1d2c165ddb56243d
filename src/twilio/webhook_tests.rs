//! The published bodies, and bodies that lack this or that.

use super::*;

const CALL: &str = "CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).unwrap()
}

#[test]
fn published_voice_request_is_read() {
    let request = VoiceRequest::from_form(&form("AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=ringing&Called=%2B14155550100&CalledCity=&CalledCountry=US&CalledState=CA&CalledZip=&Caller=%2B12125550123&CallerCity=NEW+YORK&CallerCountry=US&CallerState=NY&CallerZip=10001&Direction=inbound&From=%2B12125550123&FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&To=%2B14155550100&ToCity=&ToCountry=US&ToState=CA&ToZip=")).unwrap();
    assert_eq!(request.call_sid.as_str(), CALL);
    assert_eq!(request.account_sid.unwrap().as_str(), "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
    assert_eq!(request.from.user_id(), Some("+12125550123"));
    assert_eq!(request.to.user_id(), Some("+14155550100"));
    assert_eq!((request.call_status, request.direction), (CallStatus::Ringing, Direction::Inbound));
    assert_eq!(request.parent_call_sid, None);
}

#[test]
fn a_voice_request_needs_a_call_and_nothing_else() {
    let request =
        VoiceRequest::from_form(&form("CallSid=CA1&AccountSid=&CallStatus=&Direction=sideways&X=1")).unwrap();
    assert_eq!((request.account_sid, request.from, request.to), (None, Caller::Withheld, Caller::Withheld));
    assert_eq!(
        (request.call_status, request.direction),
        (CallStatus::Ringing, Direction::Other("sideways".into()))
    );

    let missing = BadForm::Missing("CallSid");
    assert_eq!(VoiceRequest::from_form(&form("From=x")), Err(missing.clone()));
    assert_eq!(VoiceRequest::from_form(&form("CallSid=+")), Err(missing));
    for (body, field) in [("CallSid=a+b", "CallSid"), ("CallSid=CA1&AccountSid=%00", "AccountSid")] {
        match VoiceRequest::from_form(&form(body)) {
            Err(BadForm::Sid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_plus_lost_on_the_way_is_put_back() {
    let request = VoiceRequest::from_form(&form("CallSid=CA1&From=+12125550123&To=+14155550100")).unwrap();
    assert_eq!(request.from.user_id(), Some("+12125550123"));
    assert_eq!(request.to.user_id(), Some("+14155550100"));
}

#[test]
fn published_call_status_is_read() {
    let update = CallStatusUpdate::from_form(&form("AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallDuration=42&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=completed&CallbackSource=call-progress-events&Called=%2B14155550100&Caller=%2B12125550123&Direction=inbound&Duration=1&From=%2B12125550123&SequenceNumber=0&SipResponseCode=200&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A42+%2B0000&To=%2B14155550100")).unwrap();
    assert_eq!((update.call_sid.as_str(), &update.status), (CALL, &CallStatus::Completed));
    assert_eq!(
        (update.sequence_number, update.duration_s, update.sip_response_code),
        (Some(0), Some(42), Some(200))
    );
    assert_eq!(update.timestamp.as_deref(), Some("Tue, 03 Mar 2026 10:15:42 +0000"));
    let bare = CallStatusUpdate::from_form(&form("CallSid=CA1&SequenceNumber=x")).unwrap();
    assert_eq!((bare.status, bare.sequence_number), (CallStatus::Other(String::new()), None));
}

#[test]
fn statuses_that_end_a_call_are_terminal_and_all_keep_their_spelling() {
    for (text, terminal) in [
        ("queued", false),
        ("initiated", false),
        ("ringing", false),
        ("in-progress", false),
        ("completed", true),
        ("busy", true),
        ("no-answer", true),
        ("failed", true),
        ("canceled", true),
        ("answered", false),
    ] {
        let status = CallStatus::from_text(text);
        assert_eq!(
            (status.as_str(), status.to_string().as_str(), status.is_terminal()),
            (text, text, terminal)
        );
    }
}

#[test]
fn published_stream_status_is_read() {
    let status = StreamStatus::from_form(&form("AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamSid=MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3&StreamName=leg-CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamEvent=stream-started&Timestamp=2026-03-03T10%3A15%3A00.602648368Z")).unwrap();
    assert_eq!(status.stream_sid.unwrap().as_str(), "MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3");
    assert_eq!(status.stream_name.unwrap(), format!("leg-{CALL}"));
    assert_eq!((status.event, status.error, status.error_code), (StreamEvent::Started, None, None));
}

#[test]
fn a_stream_error_gives_its_code_wherever_it_stands() {
    for (body, code) in [
        ("StreamErrorCode=31920&StreamError=handshake", Some(31920)),
        ("StreamError=WebSocket+-+Protocol+error+(31924)+after+12345+ms", Some(31924)),
        ("StreamError=nothing+known", None),
        ("StreamError=131924", None),
    ] {
        let status =
            StreamStatus::from_form(&form(&format!("CallSid=CA1&StreamEvent=stream-error&{body}"))).unwrap();
        assert_eq!((status.event, status.error_code), (StreamEvent::Error, code), "{body}");
        assert_eq!(status.stream_sid, None);
    }
}

#[test]
fn published_conference_status_is_read() {
    let status = ConferenceStatus::from_form(&form("ConferenceSid=CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5&FriendlyName=room+7+%28north%29&AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&SequenceNumber=1&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A00+%2B0000&StatusCallbackEvent=participant-join&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&Muted=false&Hold=false&Coaching=false&EndConferenceOnExit=true&StartConferenceOnEnter=true")).unwrap();
    assert_eq!(status.conference_sid.as_str(), "CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5");
    assert_eq!((status.friendly_name.as_str(), status.event), ("room 7 (north)", ConferenceEvent::Join));
    assert_eq!((status.call_sid.unwrap().as_str(), status.sequence_number), (CALL, Some(1)));

    let end =
        "ConferenceSid=CF1&StatusCallbackEvent=conference-end&ReasonConferenceEnded=last-participant-left";
    let end = ConferenceStatus::from_form(&form(end)).unwrap();
    assert_eq!(
        (end.event, end.call_sid, end.reason.as_deref()),
        (ConferenceEvent::End, None, Some("last-participant-left"))
    );
    assert_eq!(ConferenceStatus::from_form(&form("CallSid=CA1")), Err(BadForm::Missing("ConferenceSid")));
}

#[test]
fn a_dial_that_is_done_is_read() {
    let done =
        DialDone::from_form(&form("CallSid=CA1&CallStatus=in-progress&DialCallStatus=answered")).unwrap();
    assert_eq!(
        (done.call_status, done.dial_call_status.as_deref()),
        (CallStatus::InProgress, Some("answered"))
    );
}

#[test]
fn no_view_shows_a_number_in_its_debug_form() {
    let request =
        VoiceRequest::from_form(&form("CallSid=CA1&From=%2B12125550123&To=%2B14155550100")).unwrap();
    let shown = format!("{request:?}");
    assert!(!shown.contains("2125550123") && !shown.contains("4155550100"), "{shown}");
}
