//! A conversation as text: Markdown, SRT, WebVTT.

use std::collections::HashSet;
use std::fmt::Write as _;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::answer::{ChangeFailures, Refusal, answer, conversation};
use super::members::People;
use super::request::{self, conversation_id};
use crate::engine::EngineState;
use crate::engine::store::record::MessageRecord;
use crate::symbl::rest::transcript::{
    SubtitleTranscript, Subtitles, TextTranscript, Transcript, TranscriptAnswer, TranscriptFormat,
    TranscriptRequest,
};

/// Returns the transcript in one of three formats; `text/vtt` is an extension.
#[utoipa::path(post, path = "/v1/conversations/{conversationId}/transcript", tag = "Conversations",
    operation_id = "getTranscript", params(("conversationId" = String, Path)), request_body = TranscriptRequest,
    responses((status = 200, body = TranscriptAnswer, description = "The transcript"), ChangeFailures))]
pub async fn post(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<EngineState>,
) -> HttpResponse {
    let id = conversation_id(&request);
    let wanted = match request::body(payload).await.and_then(wanted) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal.response(),
    };
    answer(&state, move |store| {
        let conversation = conversation(store, &id)?;
        let (messages, insights) = (store.messages(&id, false)?, store.insights(&id)?);
        let text = Text {
            messages: &messages,
            people: People::of(&conversation.members),
            marked: insights.iter().map(|insight| insight.message_id.as_str()).collect(),
            began_ms: conversation.record.start_ms,
            wanted: &wanted,
        };
        Ok(TranscriptAnswer { transcript: text.transcript() })
    })
    .await
}

fn wanted(body: Value) -> Result<TranscriptRequest, Refusal> {
    match request::full_text(request::required(request::object(&body)?, "contentType")?, "contentType")? {
        "text/markdown" | "text/srt" | "text/vtt" => {}
        _ => {
            let text = "\"contentType\" must be one of [text/markdown, text/srt, text/vtt]";
            return Err(Refusal::bad_request(text));
        }
    }
    serde_json::from_value(body)
        .map_err(|error| Refusal::bad_request(format!("The request is not valid: {error}")))
}

struct Text<'a> {
    messages: &'a [MessageRecord],
    people: People<'a>,
    /// Messages that hold an insight.
    marked: HashSet<&'a str>,
    began_ms: i64,
    wanted: &'a TranscriptRequest,
}

impl Text<'_> {
    fn transcript(&self) -> Transcript {
        let content_type = self.wanted.content_type;
        let content = match content_type {
            TranscriptFormat::Markdown => {
                return Transcript::Text(TextTranscript { payload: self.markdown(), content_type });
            }
            TranscriptFormat::Srt => self.cues(',', 1),
            TranscriptFormat::Vtt => format!("WEBVTT\n\n{}", self.cues('.', 1)),
        };
        Transcript::Subtitles(SubtitleTranscript { payload: Subtitles { content, content_type } })
    }

    fn markdown(&self) -> String {
        let phrases = self.wanted.phrases;
        let marks = phrases.highlight_all_key_phrases || phrases.highlight_only_insight_key_phrases;
        let mut text = String::new();
        for message in self.messages {
            let sentence = escaped(&message.text);
            let speaker = escaped(&self.speaker(message));
            match marks && self.marked.contains(message.id.as_str()) {
                true => text.extend([speaker.as_str(), "<mark>", &sentence, "</mark>"]),
                false => text.extend([speaker, sentence]),
            }
            text.push_str(if self.wanted.create_paragraphs { "<br/><br/>" } else { " " });
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn cues(&self, decimal: char, first: usize) -> String {
        let mut text = String::new();
        for (number, message) in (first..).zip(self.messages) {
            let at = |ms: i64| clock(ms.saturating_sub(self.began_ms), decimal);
            let sentence = format!("{}{}", self.speaker(message), message.text);
            // A cue ends at an empty line, an arrow would begin another, and WebVTT reads tags.
            let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ").replace("-->", "->");
            let sentence = if decimal == '.' { escaped(&sentence) } else { sentence };
            // Writing to a string cannot fail.
            let _ =
                write!(text, "{number}\n{} --> {}\n{sentence}\n\n", at(message.start_ms), at(message.end_ms));
        }
        text
    }

    fn speaker(&self, message: &MessageRecord) -> String {
        match self.people.name(message.member_id.as_deref()) {
            name if self.wanted.show_speaker_separation && !name.is_empty() => format!("{name}: "),
            _ => String::new(),
        }
    }
}

/// Returns a text that is only a text where markup is read: what was said or typed must not become a script.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn clock(ms: i64, decimal: char) -> String {
    let ms = ms.max(0);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{decimal}{:03}", ms % 1000)
}
