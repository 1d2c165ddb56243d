//! Messages in both envelopes, and what is none.

use super::*;

#[test]
fn every_acknowledgement_is_read_in_both_envelopes() {
    let id = ConversationRef { conversation_id: "5174930226618368".to_owned() };
    for (flat_json, expected) in [
        (r#"{"type":"started_listening"}"#, ServerMessage::StartedListening),
        (
            r#"{"type":"conversation_created","data":{"conversationId":"5174930226618368"}}"#,
            ServerMessage::ConversationCreated(id.clone()),
        ),
        (
            r#"{"type":"recognition_started","data":{"conversationId":"5174930226618368"}}"#,
            ServerMessage::RecognitionStarted(id),
        ),
        (r#"{"type":"recognition_stopped"}"#, ServerMessage::RecognitionStopped),
        (
            r#"{"type":"error","details":"no rate","message":"Invalid start_request."}"#,
            ServerMessage::Error(ErrorMessage {
                details: "no rate".to_owned(),
                message: "Invalid start_request.".to_owned(),
            }),
        ),
        (r#"{"type":"transcript_response"}"#, ServerMessage::Unknown("transcript_response".to_owned())),
    ] {
        let wrapped_json = format!(r#"{{"type":"message","message":{flat_json}}}"#);
        assert_eq!(ServerMessage::parse(flat_json).unwrap(), expected);
        assert_eq!(ServerMessage::parse(&wrapped_json).unwrap(), expected);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let result = RecognitionResult {
        is_final: true,
        payload: RecognitionPayload {
            raw: RawRecognition {
                alternatives: vec![Alternative {
                    words: vec![RecognizedWord {
                        word: "my".to_owned(),
                        start_time: WordTime::from_millis(5200),
                        end_time: WordTime::from_millis(5400),
                    }],
                    transcript: "my".to_owned(),
                    confidence: 0.94,
                }],
            },
        },
        punctuated: Punctuated { transcript: "My.".to_owned() },
        user: User { name: "Agent".to_owned(), ..User::default() },
        time_offset: 6900,
    };
    for message in [
        ServerMessage::StartedListening,
        ServerMessage::RecognitionResult(Box::new(result)),
        ServerMessage::MessageResponse(MessageResponse {
            messages: vec![Message::default()],
            ..Default::default()
        }),
        ServerMessage::InsightResponse(InsightResponse {
            insights: vec![Insight::default()],
            sequence_number: 3,
        }),
        ServerMessage::TopicResponse(TopicResponse { topics: vec![Topic::default()] }),
        ServerMessage::TrackerResponse(TrackerResponse::default()),
        ServerMessage::EntityResponse(EntityResponse::default()),
        ServerMessage::SessionModified(SpeechRecognitionFormat {
            encoding: "LINEAR16".to_owned(),
            sample_rate_hertz: 48_000,
        }),
        ServerMessage::ConversationCompleted(ConversationCompleted {
            conversation_id: "1".to_owned(),
            summary_url: String::new(),
            data: Some(ConversationRef { conversation_id: "1".to_owned() }),
        }),
        ServerMessage::Error(ErrorMessage { details: "d".to_owned(), message: "m".to_owned() }),
    ] {
        assert_eq!(ServerMessage::parse(&message.to_json()).unwrap(), message, "{}", message.to_json());
    }
}

#[test]
fn word_times_are_strings_and_time_offset_stands_in_both_places() {
    let json = ServerMessage::RecognitionResult(Box::new(RecognitionResult {
        payload: RecognitionPayload {
            raw: RawRecognition {
                alternatives: vec![Alternative {
                    words: vec![RecognizedWord {
                        end_time: WordTime::from_millis(1250),
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
            },
        },
        time_offset: 1300,
        ..Default::default()
    }))
    .to_json();
    let value: Value = serde_json::from_str(&json).unwrap();
    let end = &value["message"]["payload"]["raw"]["alternatives"][0]["words"][0]["endTime"];
    assert_eq!(end["seconds"], "1");
    assert_eq!(end["nanos"], "250000000");
    assert_eq!(value["timeOffset"], 1300);
    assert_eq!(value["message"]["timeOffset"], 1300);
    assert!(value["message"]["user"].is_object());
}

#[test]
fn what_is_not_a_message_is_named_and_never_panics() {
    for (text, expected) in [
        ("__PONG__", "not json"),
        ("{}", "no `type`"),
        ("[]", "no `type`"),
        (r#"{"type":7}"#, "no `type`"),
        (r#"{"type":"message"}"#, "no `type`"),
        (r#"{"type":"message","message":{"type":"recognition_started"}}"#, "malformed recognition_started"),
    ] {
        assert_eq!(ServerMessage::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn an_error_with_odd_field_types_is_still_an_error() {
    let message = ServerMessage::parse(r#"{"type":"error","details":{"code":7},"message":null}"#).unwrap();
    let expected = ErrorMessage { details: r#"{"code":7}"#.to_owned(), message: String::new() };
    assert_eq!(message, ServerMessage::Error(expected));
}
