//! What a speech recogniser must do, whatever model is behind it.

/// Turns one segment of speech into text.
///
/// A recogniser holds its weights behind shared pointers: [`Recognizer::for_worker`] is cheap and gives each
/// worker thread a copy with scratch memory of its own.
pub trait Recognizer: Send + Sync {
    /// Transcribes `segment.samples`.
    ///
    /// The same samples without a draft give the same hypothesis every time, whatever ran before.
    fn transcribe(&self, segment: &SegmentAudio<'_>) -> Result<Hypothesis, RecognizeError>;

    /// Returns a recogniser for another thread that shares this one's weights.
    fn for_worker(&self) -> Box<dyn Recognizer>;

    /// Returns the model's name for people, such as `moonshine-base`.
    fn name(&self) -> &str;
}

/// The samples of one segment with what is known about them.
#[derive(Debug, Clone, Copy)]
pub struct SegmentAudio<'a> {
    /// Mono, 16 kHz, range -1..1.
    pub samples: &'a [f32],
    /// Tokens of an earlier hypothesis of the beginning of the same segment; empty for none. A draft makes
    /// decoding faster and may change a word now and then: finals go without.
    pub draft: &'a [u32],
    /// Whether voice activity is sure that somebody speaks: an empty answer is then not accepted.
    pub surely_speech: bool,
}

/// What a recogniser heard in one segment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hypothesis {
    /// Cased and punctuated text, trimmed; empty when nothing was said.
    pub text: String,
    /// The model's tokens of `text`, to be used as a draft of a longer piece of the same segment.
    pub tokens: Vec<u32>,
    /// Geometric mean of the probabilities of the chosen tokens, 0..1.
    pub confidence: f32,
    /// The model ran in a loop and was stopped: the repeats are cut, and the tokens are no good as a draft.
    pub poor: bool,
}

/// Why a segment could not be transcribed.
#[derive(Debug, thiserror::Error)]
pub enum RecognizeError {
    /// The model's run failed.
    #[error("the model failed while {during}")]
    Inference {
        /// Which step.
        during: &'static str,
        /// The runtime's reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model answered with something of an unexpected shape.
    #[error("the model's {output} has an unexpected shape")]
    UnexpectedOutput {
        /// Which output.
        output: &'static str,
    },
    /// The model's code failed in a way that it does not report.
    #[error("the model's code panicked")]
    Panicked,
    /// It was not even tried.
    #[error(transparent)]
    Refused(#[from] super::pool::LegOverloaded),
}

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is missing or unreadable.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The graph could not be read.
    #[error("{path} is not a model that can be run")]
    BadModel {
        /// Which file.
        path: std::path::PathBuf,
        /// The runtime's reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The graph is readable but is not laid out as Moonshine's.
    #[error("{path} is not laid out as a Moonshine model: {missing}")]
    WrongLayout {
        /// Which file.
        path: std::path::PathBuf,
        /// What was looked for and not found.
        missing: String,
    },
    /// The token table could not be read.
    #[error("{path} is not a token table: {reason}")]
    BadTokenizer {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        reason: &'static str,
    },
}
