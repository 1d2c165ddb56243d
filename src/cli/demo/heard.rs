//! What the demo's subscriber heard: shown as it comes, summed up at the end.
#![expect(clippy::print_stdout, reason = "this is what a person at a terminal reads")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::found::Found;
use super::screen::Screen;
use super::script::Said;
use crate::engine::speech::accuracy::{WordErrors, normalised_words};
use crate::symbl::server_message::{RecognitionResult, ServerMessage};

/// Everything that was heard of one call.
pub(super) struct Heard {
    speakers: BTreeMap<String, Speaker>,
    found: Found,
    screen: Screen,
    conversation_id: Option<String>,
    talk: Option<String>,
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
        Self {
            speakers: BTreeMap::new(),
            found: Found::default(),
            screen: Screen::new(),
            conversation_id: None,
            talk: None,
            ended: CancellationToken::new(),
        }
    }

    /// So much of a speaker's audio has left its phone, in real time.
    pub(super) fn has_spoken_for(&mut self, name: &str, time: Duration) {
        let speaker = self.speakers.entry(name.to_owned()).or_default();
        speaker.audio_began = speaker.audio_began.or(Instant::now().checked_sub(time));
    }

    pub(super) fn take(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::ConversationCreated(conversation) => {
                self.conversation_id = Some(conversation.conversation_id.clone());
            }
            ServerMessage::RecognitionResult(result) => self.result(result),
            _ => self.found.take(message).iter().for_each(|line| self.screen.line(line)),
        }
    }

    /// Returns the conversation that was heard, by the engine's id.
    pub(super) fn conversation_id(&self) -> Option<String> {
        self.conversation_id.clone()
    }

    /// Nothing more comes; `talk` is who talked how much, if the engine said so.
    pub(super) fn end(&mut self, talk: Option<String>) {
        self.talk = talk;
        self.ended.cancel();
    }

    /// Resolves when the engine has sent its last message.
    pub(super) fn finished(&self) -> impl Future<Output = ()> + use<> {
        self.ended.clone().cancelled_owned()
    }

    /// Final words are timed here and shown with the sentences made of them, which come a few milliseconds later.
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
        } else {
            self.screen.partial(&name, text);
        }
    }

    /// Prints what was found in the call and how well and how fast each speaker was heard; `script` says what was said.
    pub(super) fn print_summary(&mut self, script: Option<&[Said]>) {
        self.screen.clear_partial();
        println!();
        self.found.summary().iter().for_each(|line| println!("{line}"));
        if let Some(talk) = &self.talk {
            println!("  {:<10} {talk}", "talk");
        }
        println!("\n  speaker     words  word errors   first words   final after the phrase (median, worst)");
        for (name, speaker) in &mut self.speakers {
            let text = speaker.finals.join(" ");
            let said = script.and_then(|speakers| speakers.iter().find(|said| said.name == name));
            let (words, errors) = match said {
                Some(said) => {
                    let errors = WordErrors::count(&said.text, &text);
                    (errors.words, format!("{} ({:.1} %)", errors.errors(), 100.0 * errors.rate()))
                }
                None => (normalised_words(&text).len(), "no script".to_owned()),
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
        let hidden: usize = script.unwrap_or_default().iter().map(|said| said.hidden_words).sum();
        if hidden > 0 {
            println!(
                "  the {hidden} words that redaction hides in the script are not counted, right or wrong"
            );
        }
    }
}
