//! Requests to be told something, which are questions and no work.

use super::normaliser::Sentence;
use super::pattern::Pattern;
use std::sync::LazyLock;

/// Whether a sentence that asks wants words rather than work: "could you confirm the address".
pub(super) fn is_request(sentence: &Sentence) -> bool {
    TELLING.matches(&sentence.words)
}

static TELLING: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:(?:okay|so|and|well|just|yeah|alright|please|hi|hey|but|then) )*(?:tell|explain|remind|help me|let me ask|walk me|talk me|show me|give me an idea|refresh)\b|\b(?:can|could|would|will|do|did|if|whether|have|are|should|am|were|is|does) (?:not )?(?:you|they|someone|somebody|he|she|the \w+|your \w+)(?: (?:could|can|would|might|guys))? (?:{ADVERB} )*(?:possibly |be able to |be so kind as to )?(?:{TELLING})\b|\b(?:hoping|hope|wondering if|wondering whether|if|think) you (?:could|can|would|might) (?:{ADVERB} )*(?:tell (?:me|us)|explain|clarify|confirm|advise)\b",
    )
});
