//! What a vector hardly tells: that something is denied, settled, or only said about the other side.

use std::sync::LazyLock;

use regex::Regex;

use super::words::{Word, joined};

/// Words after a denial that it reaches.
const REACH_OF_A_DENIAL: usize = 6;

/// A trouble that needs no "not". With it, a message may well mean the same as a phrase with "not".
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(not|no|never|nothing|none|nobody|without|stop\w*|fail\w*|unable|refus\w*|missing|lost|broke\w*|error",
        r"|down|late|still|only|barely|hardly|wrong|dead|slow|stuck|freez\w*|froze\w*|crash\w*|un\w{5,})\b",
    ))
});

/// It is over, or as it should be.
static SETTLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(already (got|have|had|did|done|paid|received|\w+ed)",
        r"|(works?|working|running|back on|back up|going|doing) (\w+ )?(now|again|fine|great|perfectly)",
        r"|fixed|resolved|taken care of|on time|went through|used to|no longer need|no need",
        r"|(is|are|was) (fine|good|perfect|great|quick)|(has|have) been (\w+ed|paid|sent|taken)",
        r"|(was|were|got) (approved|filled|resolved|upgraded|renewed|applied|moved|cleared|paid|released)",
        r"|(yesterday|last (week|month|year)|this morning)$|plenty|perfect|in no hurry|no problem|take your time",
        r"|thank(s| you)$|as planned|brought|not anymore|the same as before|back on)\b",
    ))
});

/// It is not over, whatever else was said.
static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(why|still|again|yet|until|keeps?|but|not|never|no|nobody|since|supposed|should|broke\w*|wrong|can you",
        r"|could you|need|want)\b",
    ))
});

static FIRST_PERSON: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(i|my|me|we|us|our|mine)\b"));

static SECOND_PERSON: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(you|your|yours)\b"));

static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^((please|just|okay|so) )*(get|give|send|please|put|take|stop|cancel|go|help|tell)\b")
});

static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^((okay|so|and|well|alright|yes|sure) )*",
        r"(do|did|are|were|have|would|will|can|could|is|was|has|how|what|who|when|which|any)\b",
    ))
});

/// Compiles one of the patterns above.
#[allow(clippy::expect_used, reason = "the patterns are constants, and a test compiles each")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern is well formed")
}

/// What a message shows of itself, before it is compared with anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cues {
    /// Stems of the content words that a denial reaches.
    pub(super) denied: Vec<String>,
    /// It speaks of something missing, failing or not happening.
    pub(super) trouble: bool,
    /// It tells that something is done or well.
    pub(super) settled: bool,
    /// It speaks of the listener and not of the speaker, and asks for nothing.
    pub(super) about_listener: bool,
    /// It asks the listener about themselves.
    pub(super) asks_listener: bool,
}

impl Cues {
    /// Reads the cues of a message.
    pub(super) fn of(words: &[Word]) -> Self {
        let text = joined(words);
        let settled = SETTLED.is_match(&text) && !OPEN.is_match(&SETTLED.replace_all(&text, ""));
        let listener_alone = SECOND_PERSON.is_match(&text) && !FIRST_PERSON.is_match(&text);
        Self {
            denied: denied(words),
            trouble: TROUBLE.is_match(&text),
            settled,
            about_listener: listener_alone && !REQUEST.is_match(&text),
            asks_listener: listener_alone && QUESTION.is_match(&text),
        }
    }
}

/// Tells whether a phrase speaks of its listener ("you have been very helpful").
pub(super) fn speaks_of_listener(words: &[Word]) -> bool {
    SECOND_PERSON.is_match(&joined(words))
}

fn denied(words: &[Word]) -> Vec<String> {
    let mut denied = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if matches!(word.plain.as_str(), "not" | "never" | "no" | "nobody" | "without") {
            let reached = words[at + 1..].iter().take(REACH_OF_A_DENIAL);
            denied.extend(reached.filter(|word| word.has_content()).map(|word| word.stem.clone()));
        }
    }
    denied
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, Cues};

    fn cues(text: &str) -> Cues {
        Cues::of(&words(text))
    }

    #[test]
    fn what_is_over_is_told_from_what_is_not() {
        for settled in
            ["everything is working fine now", "I already got the refund", "it arrived on time thanks"]
        {
            assert!(cues(settled).settled, "{settled}");
        }
        for open in
            ["it was fixed but it broke again", "it used to work and now it's not", "my bill is too high"]
        {
            assert!(!cues(open).settled, "{open}");
        }
    }

    #[test]
    fn a_denial_reaches_the_words_behind_it() {
        assert_eq!(cues("i don't want to cancel the service").denied, ["cancel", "servic"]);
        assert!(cues("cancel it").denied.is_empty());
    }

    #[test]
    fn what_concerns_only_the_listener_is_told_apart() {
        assert!(cues("your billing address was changed").about_listener);
        assert!(cues("are you calling about the invoice").asks_listener);
        for own in ["can you cancel my line", "please send your boss", "the bill is wrong"] {
            assert!(!cues(own).about_listener && !cues(own).asks_listener, "{own}");
        }
    }
}
