//! Transcripts as text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a transcript shall look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptRequest {
    /// The format.
    pub content_type: TranscriptFormat,
    /// Whether messages are paragraphs; without it they are.
    #[serde(default = "yes")]
    pub create_paragraphs: bool,
    /// What to highlight.
    #[serde(default)]
    pub phrases: TranscriptPhrases,
    /// Whether each message begins with its speaker's name.
    #[serde(default)]
    pub show_speaker_separation: bool,
}

fn yes() -> bool {
    true
}

/// What a transcript highlights with `<mark>`: sentences that hold an insight. Markdown only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TranscriptPhrases {
    /// Sentences that hold an insight.
    pub highlight_only_insight_key_phrases: bool,
    /// The same.
    pub highlight_all_key_phrases: bool,
}

/// The formats of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TranscriptFormat {
    /// Markdown with `<br/>` between messages.
    #[serde(rename = "text/markdown")]
    Markdown,
    /// `SubRip` subtitles.
    #[serde(rename = "text/srt")]
    Srt,
    /// WebVTT subtitles; an extension.
    #[serde(rename = "text/vtt")]
    Vtt,
}

/// A transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptAnswer {
    /// The transcript.
    pub transcript: Transcript,
}

/// A transcript: Markdown as a text, subtitles one level deeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Transcript {
    /// Markdown.
    Text(TextTranscript),
    /// Subtitles.
    Subtitles(SubtitleTranscript),
}

/// A transcript in Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextTranscript {
    /// The text.
    pub payload: String,
    /// The format.
    pub content_type: TranscriptFormat,
}

/// A transcript as subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubtitleTranscript {
    /// The subtitles.
    pub payload: Subtitles,
}

/// Subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subtitles {
    /// The text.
    pub content: String,
    /// The format.
    pub content_type: TranscriptFormat,
}
