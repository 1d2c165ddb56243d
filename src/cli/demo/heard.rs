//! What the demo's subscriber heard: shown as it comes, summed up at the end.
#![expect(clippy::print_stdout, reason = "this is what a person at a terminal reads")]

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::engine::speech::accuracy::WordErrors;
use crate::symbl::server_message::{RecognitionResult, ServerMessage};

/// A partial longer than a terminal line cannot be replaced in place.
const PARTIAL_WIDTH: usize = 90;

/// Everything that was heard of one call.
pub(super) struct Heard {
    speakers: BTreeMap<String, Speaker>,
    on_terminal: bool,
    ended: CancellationToken,
}

#[derive(Default)]
struct Speaker {
    audio_began: Option<Instant>,
    first_words: Option<Duration>,
    finals: Vec<String>,
    /// From the end of what was said to its final text.
    delays: Vec<Duration>,
}

impl Heard {
    pub(super) fn new() -> Self {
        let on_terminal = std::io::stdout().is_terminal();
        Self { speakers: BTreeMap::new(), on_terminal, ended: CancellationToken::new() }
    }

    /// So much of a speaker's audio has left its phone, in real time.
    pub(super) fn has_spoken_for(&mut self, name: &str, time: Duration) {
        let speaker = self.speakers.entry(name.to_owned()).or_default();
        speaker.audio_began = speaker.audio_began.or(Instant::now().checked_sub(time));
    }

    pub(super) fn take(&mut self, message: &ServerMessage) {
        if let ServerMessage::RecognitionResult(result) = message {
            self.result(result);
        }
    }

    pub(super) fn end(&mut self) {
        self.ended.cancel();
    }

    /// Resolves when the engine has sent its last message.
    pub(super) fn finished(&self) -> impl Future<Output = ()> + use<> {
        self.ended.clone().cancelled_owned()
    }

    fn result(&mut self, result: &RecognitionResult) {
        let name = result.user.name.clone();
        let text = &result.punctuated.transcript;
        let speaker = self.speakers.entry(name.clone()).or_default();
        let since_beginning = speaker.audio_began.map(|began| began.elapsed());
        speaker.first_words = speaker.first_words.or(since_beginning);
        if result.is_final {
            if let Some(since) = since_beginning {
                speaker.delays.push(since.saturating_sub(Duration::from_millis(result.time_offset)));
            }
            speaker.finals.push(text.clone());
            self.clear_partial();
            println!("{name:>9}: {text}");
        } else if self.on_terminal {
            let shown: String = text.chars().rev().take(PARTIAL_WIDTH).collect();
            let shown: String = shown.chars().rev().collect();
            self.clear_partial();
            print!("{name:>9}… {shown}");
            let _ = std::io::stdout().flush();
        }
    }

    /// Takes a partial off its line.
    fn clear_partial(&self) {
        if self.on_terminal {
            print!("\r\x1b[K");
        }
    }

    /// Prints, for each speaker, how well and how fast they were heard; `script` says what was said.
    pub(super) fn print_summary(&mut self, script: Option<&[(String, String)]>) {
        self.clear_partial();
        println!("\n  speaker     words  word errors   first words   final after the phrase (median, worst)");
        for (name, speaker) in &mut self.speakers {
            let text = speaker.finals.join(" ");
            let said = script.and_then(|lines| lines.iter().find(|(who, _)| who == name));
            let (words, errors) = match said {
                Some((_, said)) => {
                    let errors = WordErrors::count(said, &text);
                    (errors.words, format!("{} ({:.1} %)", errors.errors(), 100.0 * errors.rate()))
                }
                None => (text.split_whitespace().count(), "no script".to_owned()),
            };
            speaker.delays.sort();
            let seconds = |time: Option<&Duration>| {
                time.map_or("-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
            };
            println!(
                "  {name:<10} {words:>6}  {errors:<12}  {:<12}  {}, {}",
                seconds(speaker.first_words.as_ref()),
                seconds(speaker.delays.get(speaker.delays.len() / 2)),
                seconds(speaker.delays.last()),
            );
        }
    }
}
