//! The ear of a leg: one at a time, another for each start and each change of format, with the leg's own time line.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::Addr;
use jiff::Timestamp;

use crate::engine::conversation::Conversation;
use crate::engine::conversation::actor::EarHeard;
use crate::engine::conversation::effect::EarNumber;
use crate::engine::conversation::ids::SocketId;
use crate::engine::conversation::transcript::Anchor;
use crate::engine::hearing::{AudioFormat, Ear, Heard, Hearing, HearingRefusal, Sink};

/// Listens to one leg.
#[derive(Default)]
pub struct Listening {
    current: Option<Current>,
    ears: EarNumber,
    /// Audio that earlier ears of this leg have heard.
    heard_ms: u64,
}

struct Current {
    ear: Box<dyn Ear>,
    format: AudioFormat,
    bytes: u64,
    /// The first half of a sample that was cut in two.
    half: Option<u8>,
    began_at_ms: Arc<AtomicI64>,
}

/// A socket that does not read must still notice a stop, a ping and an end.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// No audio yet; no real time is this small.
const NOT_YET: i64 = i64::MIN;

impl Listening {
    /// Opens an ear; the one before it finishes. Returns its number.
    pub fn open(
        &mut self,
        hearing: &dyn Hearing,
        format: AudioFormat,
        leg: SocketId,
        conversation: &Addr<Conversation>,
    ) -> Result<EarNumber, HearingRefusal> {
        self.finish();
        let number = self.ears + 1;
        let began_at_ms = Arc::new(AtomicI64::new(NOT_YET));
        let sink = sink(leg, number, self.heard_ms, began_at_ms.clone(), conversation.clone());
        let ear = hearing.open(format, sink)?;
        self.ears = number;
        self.current = Some(Current { ear, format, bytes: 0, half: None, began_at_ms });
        Ok(number)
    }

    /// Hears a message of audio, cut anywhere. Without an ear it is dropped.
    ///
    /// Returns how long to wait before the next one when the recogniser is behind: no more than real time then.
    pub fn hear(&mut self, audio: &[u8]) -> Option<Duration> {
        let current = self.current.as_mut()?;
        current.hear(audio);
        let length = Duration::from_millis(current.format.duration_ms(audio.len() as u64));
        current.ear.is_behind().then(|| length.min(LONGEST_PAUSE))
    }

    /// Finishes the ear; its last words still come.
    pub fn finish(&mut self) {
        if let Some(mut current) = self.current.take() {
            current.ear.finish();
            self.heard_ms += current.format.duration_ms(current.bytes);
        }
    }
}

impl Current {
    fn hear(&mut self, mut audio: &[u8]) {
        if audio.is_empty() {
            return;
        }
        if self.began_at_ms.load(Ordering::Relaxed) == NOT_YET {
            self.began_at_ms.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
        }
        self.bytes += audio.len() as u64;
        if self.format.sample_bytes() == 2 {
            if let Some(first) = self.half.take() {
                self.ear.hear(&[first, audio[0]]);
                audio = &audio[1..];
            }
            if audio.len() % 2 == 1 {
                self.half = audio.last().copied();
                audio = &audio[..audio.len() - 1];
            }
        }
        if !audio.is_empty() {
            self.ear.hear(audio);
        }
    }
}

/// Returns what carries an ear's words to its conversation, from any thread.
fn sink(
    id: SocketId,
    ear: EarNumber,
    leg_offset_ms: u64,
    began_at_ms: Arc<AtomicI64>,
    conversation: Addr<Conversation>,
) -> Sink {
    Box::new(move |heard| {
        let began_at_ms = match began_at_ms.load(Ordering::Relaxed) {
            NOT_YET => Timestamp::now().as_millisecond(),
            known => known,
        };
        let is_partial = matches!(heard, Heard::Partial { .. });
        let message = EarHeard { id, ear, anchor: Anchor { leg_offset_ms, began_at_ms }, heard };
        if is_partial {
            // A newer one follows; one that finds no room is not missed.
            let _ = conversation.try_send(message);
        } else {
            #[expect(
                clippy::disallowed_methods,
                reason = "final words must not be lost; recognition is slower than a conversation by orders of magnitude"
            )]
            conversation.do_send(message);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::symbl::client_message::SpeechWish;

    struct Recorder(Arc<Mutex<Vec<u8>>>);

    impl Ear for Recorder {
        fn hear(&mut self, audio: &[u8]) {
            assert_eq!(audio.len() % 2, 0, "a sample was cut");
            self.0.lock().unwrap().extend_from_slice(audio);
        }

        fn finish(&mut self) {}
    }

    proptest! {
        #[test]
        fn samples_cut_anywhere_are_heard_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..20)) {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let mut current = Current {
                ear: Box::new(Recorder(heard.clone())),
                format: AudioFormat::from_wish(&SpeechWish::default(), None).unwrap(),
                bytes: 0,
                half: None,
                began_at_ms: Arc::new(AtomicI64::new(NOT_YET)),
            };
            for piece in &pieces {
                current.hear(piece);
            }
            let sent = pieces.concat();
            prop_assert_eq!(&*heard.lock().unwrap(), &sent[..sent.len() / 2 * 2]);
        }
    }
}
