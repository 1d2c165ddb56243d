//! Questions, action items, follow-ups: what a message asks, promises or arranges.
//!
//! Rules over words, no model: a message is brought into one spelling ([`normaliser`]), then every kind has its table
//! of patterns. A follow-up is a kind of action item, so it takes the action item's place; a question may stand beside
//! either ("can you email me the receipt").

mod action_item;
mod confirmation;
mod elliptical;
mod follow_up;
mod misheard;
mod normaliser;
mod pattern;
mod question;
mod roundabout;
mod telling;
#[cfg(test)]
mod tests;
mod words;

/// What kind of intent a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentKind {
    /// Something is asked.
    Question,
    /// Somebody takes work on or is asked for it.
    ActionItem,
    /// Somebody will be in contact again or will consult somebody.
    FollowUp,
}

impl IntentKind {
    /// Returns the kind's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::ActionItem => "action_item",
            Self::FollowUp => "follow_up",
        }
    }
}

/// Who is to act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// Who said it.
    Speaker,
    /// Whom it was said to.
    OtherParty,
    /// Somebody by name, with a capital.
    Named(String),
    /// Nobody the words name.
    Nobody,
}

/// One intent of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// What kind it is.
    pub kind: IntentKind,
    /// Confidence, 0 to 1.
    pub score: f64,
    /// Who is to act; of a question whoever is to answer.
    pub assignee: Assignee,
}

/// Returns the intents of one speaker's message, at most one a kind, in the order of [`IntentKind`].
///
/// The text may have marks and capitals or neither.
pub fn detect(text: &str) -> Vec<Intent> {
    let mut question: Option<f64> = None;
    let mut action_item: Option<(f64, Assignee)> = None;
    let mut follow_up: Option<(f64, Assignee)> = None;
    for sentence in normaliser::sentences(text) {
        let asked = question::score(&sentence);
        question = question.into_iter().chain(asked).reduce(f64::max);
        let contact = follow_up::find(&sentence);
        if contact.is_none() && !(asked.is_some() && telling::is_request(&sentence)) {
            action_item = better(action_item, action_item::find(&sentence, asked.is_some()));
        }
        follow_up = better(follow_up, contact);
    }
    let mut intents = Vec::new();
    if let Some(score) = question {
        intents.push(Intent { kind: IntentKind::Question, score, assignee: Assignee::OtherParty });
    }
    let (kind, found) = match follow_up {
        Some(found) => (IntentKind::FollowUp, Some(found)),
        None => (IntentKind::ActionItem, action_item),
    };
    if let Some((score, assignee)) = found {
        intents.push(Intent { kind, score, assignee });
    }
    intents
}

fn better(held: Option<(f64, Assignee)>, found: Option<(f64, Assignee)>) -> Option<(f64, Assignee)> {
    match (held, found) {
        (Some(held), Some(found)) => Some(if found.0 > held.0 { found } else { held }),
        (held, found) => held.or(found),
    }
}
