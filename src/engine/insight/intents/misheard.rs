//! Words that a recogniser writes for others that sound the same, where their neighbours tell.

/// Verbs that follow "I will" and "we will", and hardly ever a noun that sounds so.
const PROMISED: [&str; 33] = [
    "be", "book", "bring", "call", "cancel", "check", "come", "do", "drop", "email", "fix", "follow", "get",
    "give", "have", "let", "look", "make", "need", "pass", "pay", "phone", "pop", "put", "ring", "see",
    "send", "sort", "take", "talk", "text", "transfer", "try",
];
const DAYS: [&str; 10] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "noon",
    "tonight",
];
const OBJECTS: [&str; 12] =
    ["me", "it", "you", "that", "them", "out", "the", "this", "my", "us", "him", "her"];

/// Returns what was said where `word` was heard, if its neighbours (empty at the ends) give it away.
pub(super) fn meant(previous: &str, word: &str, next: &str) -> Option<&'static str> {
    let after = |words: &[&str]| words.contains(&previous);
    let before = |words: &[&str]| words.contains(&next);
    let after_will = || after(&["to", "will", "i'll", "we'll", "please", "can", "you", "ill"]);
    let subject = ["i", "you", "we", "they", "it", "he", "she"];
    let found = match word {
        "ye" | "youse" | "yous" | "ewe" | "yew" => "you",
        "plz" | "pls" => "please",
        "wood" | "wud" if before(&["it", "you", "i", "we", "they", "that", "like", "be", "not"]) => "would",
        "cud" if before(&["you", "i", "we", "they", "it", "not"]) => "could",
        "wee" if before(&["will", "need", "have", "are", "can", "should", "would", "want", "could"]) => "we",
        "too"
            if after(&["need", "needs", "going", "able", "ought", "want", "supposed"])
                && !next.is_empty()
                && !before(&[
                    "much", "many", "long", "late", "early", "far", "and", "but", "so", "please",
                ]) =>
        {
            "to"
        }
        "two" | "too"
            if after(&["back", "talk", "speak", "send", "over", "on"])
                && before(&["you", "me", "us", "him"]) =>
        {
            "to"
        }
        "here" if after(&["to", "not", "can", "can't"]) && before(&["back", "from"]) => "hear",
        "right" if previous == "to" && before(&["up", "down", "out", "me", "him", "them", "a"]) => "write",
        "id" if before(&["like", "love", "rather", "prefer", "appreciate", "say"])
            && !after(&["my", "your", "photo", "the", "an", "a", "user", "caller", "tax"]) =>
        {
            "i would"
        }
        "weather" if next == "or" => "whether",
        "weather"
            if before(&subject)
                && after(&["know", "sure", "wondering", "wonder", "asking", "ask", "see"]) =>
        {
            "whether"
        }
        "their" | "there" if before(&["going", "gonna", "sending", "coming"]) => "they are",
        "your" if before(&["going", "gonna", "welcome", "telling", "saying", "sending", "supposed"]) => {
            "you are"
        }
        "whose" if before(&["going", "calling", "handling", "doing", "responsible"]) => "who is",
        "male" if after_will() && before(&OBJECTS) => "mail",
        "sent" | "cent" | "scent" if after_will() && previous != "you" && before(&OBJECTS) => "send",
        "meat" if after(&["to", "will", "we", "can", "could", "let's", "we'll", "us"]) => "meet",
        "mite" if before(&["be", "have", "need", "not", "want"]) => "might",
        "sea" if after(&["to", "let's", "me", "will"]) && before(&["if", "what", "you", "whether"]) => "see",
        "weight" if after(&["to", "please", "must"]) && before(&["for", "until", "till", "on", "in"]) => {
            "wait"
        }
        "cheque" if after_will() && before(&["with", "on", "that", "if"]) => "check",
        "bare" if next == "with" => "bear",
        "dew" | "due" if before(&["you", "we", "they"]) && !after(&["is", "are", "was", "were"]) => "do",
        "buy" | "bye" if before(&DAYS) && !previous.is_empty() => "by",
        "wear" | "ware" if previous.is_empty() && before(&["is", "are", "do", "can", "was", "did"]) => {
            "where"
        }
        "four" if before(&["you", "me"]) && after(&["that", "it", "done", "this", "up", "out", "booked"]) => {
            "for"
        }
        "aisle" | "isle" | "ile" | "eyell" if is_promised(next) && !after(&["the", "an", "a", "this"]) => {
            "i will"
        }
        "wheel" | "weal" if is_promised(next) && !after(&["the", "a", "my", "your", "front"]) => "we will",
        "all"
            if (previous.is_empty() || after(&["okay", "yeah", "right", "so"]))
                && before(&[
                    "send", "call", "ring", "email", "text", "pop", "let", "check", "put", "phone",
                ]) =>
        {
            "i will"
        }
        "well" if next == "be" => "we will",
        _ => return None,
    };
    Some(found)
}

fn is_promised(word: &str) -> bool {
    PROMISED.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn neighbours_tell_what_was_said() {
        let table = [
            (("", "wood", "it"), Some("would")),
            (("the", "wood", "floor"), None),
            (("need", "too", "get"), Some("to")),
            (("need", "too", "much"), None),
            (("to", "here", "back"), Some("hear")),
            (("the", "aisle", "seat"), None),
            (("okay", "aisle", "call"), Some("i will")),
            (("done", "buy", "friday"), Some("by")),
            (("photo", "id", "like"), None),
            (("is", "due", "they"), None),
        ];
        for ((previous, word, next), expected) in table {
            assert_eq!(meant(previous, word, next), expected, "{previous} {word} {next}");
        }
    }
}
