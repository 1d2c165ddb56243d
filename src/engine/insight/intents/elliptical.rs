//! Questions whose verb was left out: "any known allergies", "and your relationship to the patient", "and if it's late".

use super::pattern::Pattern;
use std::sync::LazyLock;

/// Longest question without a verb, in words.
const LONGEST: usize = 10;

struct Rule {
    score: f64,
    asks: Pattern,
    unless: Pattern,
}

/// Returns the confidence that a sentence asks without its verb, if it does; `whole`: with the words that open the turn.
pub(super) fn score(whole: &str) -> Option<f64> {
    if whole.bytes().filter(|&byte| byte == b' ').count() >= LONGEST {
        return None;
    }
    let found = RULES.iter().filter(|rule| rule.asks.matches(whole) && !rule.unless.matches(whole));
    found.map(|rule| rule.score).reduce(f64::max)
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |score, asks: &str, unless: &str| Rule {
        score,
        asks: Pattern::new(asks),
        unless: Pattern::new(unless),
    };
    vec![
        rule(
            0.72,
            r"^(?:(?:okay|right|so|and|oh|now|also|well) )*any (?:\w+ ){0,3}\w+$",
            r"\bany (?:time|day|one|way|how|other day|of|more|less|colou?r|old|good|minute|moment|thing)\b|\b(?:is|are|was|were|will|would|can|could|do|does|did|works?|helps?|you|i|we)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:okay|right|so|oh|now|great|perfect|lovely|thanks|thank you) )*and (?:your|his|her|their|the patient's|the child's) (?:\w+ ){0,4}\w+$",
            r"\b(?:is|are|was|were|has|have|had|will|did|does|do|can|not|came|went|said|told|left|never|just|always|keeps?|\w+ed|i|me|you|we|they|it|would|should|says|comes|goes|gets?|got|works?|sent)\b",
        ),
        rule(
            0.7,
            r"^(?:(?:and|so|okay|right) )*(?:that (?:is|would be|will be)|this is|it is) .* or (?:for|the|a|an|in|on|at|just|only|your|my)\b|\bor (?:just|only) (?:the |a |my |one |me$|you$)(?:\w+ ?){0,3}$",
            r"\b(?:more or less|or so|or something|or whatever|either|whether|or two|or anything|can|will|or else|not)\b",
        ),
        rule(
            0.7,
            r"^(?:(?:oh|so|and|okay) )*nothing (?:sooner|earlier|cheaper|closer|nearer|bigger|smaller|later)\b",
            r"\bthere\b",
        ),
        rule(
            0.68,
            r"^(?:(?:okay|right) )*and (?:that|this|it|the \w+|my \w+|your \w+)(?: \w+)? (?:includes?|covers?|stays?|works?|takes care|knows?|lasts?|applies|starts?|goes on)\b",
            r"\b(?:i|me|then|because|so|but|they|always|every|never|usually)\b",
        ),
        // A condition without what follows from it.
        rule(
            0.7,
            r"^(?:(?:okay|right|oh|now|well|yeah|fine|so|sorry) )*(?:and|but|so) (?:what )?if (?:i|we|he|she|it|they|there|that|the \w+|my \w+|our \w+|somebody|someone) \w+",
            r"\bif (?:the |my |our )?\w+ (?:\w+ )+?(?:you|i|we|he|she|they|there|call|then|give|ring|let|please|that is)\b|\bif (?:not|so|possible|anything)\b|\bif (?:it|that|you) (?:is|was|would|were) (?:not )?(?:me|okay|possible|up to|any|all right|alright)\b|\b(?:will|would|can|could|might|should|is fine|is grand|let|please)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:okay|right|so|and|oh|now|also|well) )*(?:nothing|no one|nobody) (?:else )?(?:\w+ ){0,4}you (?:want|need|wanted|needed|would like|have noticed|can think)\b",
            r"\b(?:there is|can do|could do)\b",
        ),
        rule(
            0.75,
            r"^(?:(?:okay|right|so|and|but) )*(?:just )?(?:checking|asking|wondering|seeing)(?: again)? (?:is|are|am|do|does|did|can|could|will|would|should|was|have|has|if|whether|what|when) \w+",
            r"\b(?:said|told)\b",
        ),
    ]
});

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn a_question_may_lack_its_verb() {
        for text in [
            "any known allergies",
            "and your relationship to the patient",
            "right and if i just do not renew",
        ] {
            assert!(score(text).is_some(), "{text}");
        }
        for text in
            ["any time", "and your driver was rude", "and if you need me call the office", "any help is good"]
        {
            assert_eq!(score(text), None, "{text}");
        }
    }
}
