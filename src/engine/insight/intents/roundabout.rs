//! Work that is taken on or asked for in roundabout words: "that's me adding it now", "it would be no harm to send it".

use super::Assignee;
use super::pattern::Pattern;
use std::sync::LazyLock;

/// Returns the confidence that a sentence holds work in other words than a promise or a request, and who is to do it;
/// `asked`: the sentence asks.
pub(super) fn find(text: &str, asked: bool) -> Option<(f64, Assignee)> {
    if REPORTED.matches(text) {
        return None;
    }
    let found = |pattern: &Pattern| pattern.matches(text);
    if found(&BY_SPEAKER) {
        return Some((0.8, Assignee::Speaker));
    }
    if found(&BY_OTHER) || (asked && found(&ASKED)) {
        return Some((0.78, Assignee::OtherParty));
    }
    let somebody = SOMEBODY.capture(text);
    if !asked && somebody.is_some_and(|noun| !THINGS.contains(&noun)) {
        return Some((0.78, Assignee::Nobody));
    }
    (!asked && found(&BY_NOBODY)).then_some((0.75, Assignee::Nobody))
}

/// Somebody by trade or rank: "the caretaker will unlock the hall".
static SOMEBODY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?:^|\b(?:and|so|then|but|okay) )(?:the|our|my|your|his|her) (?:\w+ ){0,2}?([a-z]+(?:er|or|man|men|ist|ian|ant|eer|keeper|chef|porter|clerk|crew|ops|desk)s?) (?:will|(?:is|are) going to|needs? to|has to|have to) (?:{ADVERB} )*(?:{ACTION}) (?:{OBJECT})\b",
    )
});

/// Things whose names end as a trade's does.
const THINGS: [&str; 50] = [
    "computer",
    "printer",
    "router",
    "number",
    "letter",
    "order",
    "offer",
    "weather",
    "paper",
    "water",
    "power",
    "counter",
    "meter",
    "timer",
    "charger",
    "reader",
    "transfer",
    "matter",
    "folder",
    "server",
    "browser",
    "scanner",
    "freezer",
    "boiler",
    "heater",
    "elevator",
    "monitor",
    "error",
    "motor",
    "door",
    "floor",
    "color",
    "calculator",
    "trailer",
    "cover",
    "sensor",
    "other",
    "newsletter",
    "voucher",
    "header",
    "filter",
    "restaurant",
    "plant",
    "tracker",
    "customer",
    "refrigerator",
    "dishwasher",
    "washer",
    "dryer",
    "generator",
];

/// What makes it somebody else's words, a condition or the past.
static REPORTED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:said|says|told|tells|asked|promised|supposed to|was (?:going|meant|about) to|were (?:going|meant) to|never|if i|if we|every (?:day|week|month|time|year))\b",
    )
});

static BY_SPEAKER: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\b(?:i|we) (?:will )?have (?:that|it|them|this|these|the \w+|a \w+|your \w+)(?: \w+)? (?:going|coming|heading|on the way|on its way) (?:out|over|up|down|to|across|round)\b|",
        r"\b(?:that|this) is (?:me|us) (?:just |now |only )*\w+ing\b|",
        r"\b(?:action|actions|ask|job|task|homework|takeaway)(?: item| point)? (?:on|for|with) (?:me|us) (?:is|will be|would be|there)\b|",
        r"\bthere (?:is|will be) (?:a|an|someone|somebody|one of our) (?:\w+ ){0,2}?(?:coming|calling|going|heading) (?:out|to you|round|over|to (?:the|your))\b|",
        r"\b(?:i|we) (?:would )?(?:better|best) (?:{ADVERB} )*(?:get|send|put|go and|chase|book|order|ring|write|fill|sort|finish)\b|",
        r"^(?:(?:okay|right|so|and|well|just|yeah|then) )*(?:(?:am )?(?:going|fixing|fixin|about|off|heading) to|will|shall) (?:{ADVERB} )*(?:go |run |head |nip |pop )?(?:(?:over|down|up|out|in|round) )?(?:there )?(?:and )?(?:{ACTION}) (?:{OBJECT})\b|",
        r"\b(?:i|we) (?:am|are) (?:{ADVERB} )*(?:going|heading|off|away|popping|nipping|running|dropping) (?:\w+ ){0,3}?(?:to|and) (?:get|collect|pick|post|buy|fix|sign|pay|drop|fetch|return|hand)\b",
    ))
});

static BY_OTHER: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\b(?:would|might|could) be (?:no harm|handy|helpful|grand|lovely|good|great|nice|useful|ideal|better|as well) (?:to have (?:you|someone|somebody)|to (?:send|email|put|add|post|check|move|change|book|include|copy)|for you to|(?:just )?(?:sending|emailing|adding|posting|copying))\b|",
        r"\b(?:could|can) (?:really )?do with (?:you|someone|somebody|one of \w+|your \w+) \w+ing\b|\b(?:need|want) (?:you|someone|somebody|him|them|your \w+) \w+ing\b|",
        r"\byou (?:might|may) (?:{ADVERB} )*(?:send|email|post|put|drop|pop|get|give|add|change|cancel|check|stick|forward|text) (?:me|us|that|it|him|her|them|on|out|the)\b|",
        r"\b(?:what|all) (?:i am|we are) (?:after|looking for|asking for) is (?:an?|the) (?:\w+ ){1,4}(?:sent|posted|emailed|put|added|moved|changed|taken|removed|replaced|done|fixed)\b|",
        r"\b(?:action|ask|job|task|homework)(?: item| point)? (?:on|for|with) (?:you|\w+) (?:is|will be|would be) to\b|",
        r"\b(?:that|this|it) (?:one )?is (?:on|with) you (?:then|so)\b|",
        r"\bwould not (?:say no to|go amiss)\b|\bwould (?:really )?(?:make (?:my|our) life easier|help(?: me| us)?(?: a lot| out| no end)?|suit (?:me|us)|do (?:me|us) a favou?r) if (?:you|someone|somebody|the \w+) (?:could |would )?\w+|(?:^|\b(?:so|then|please|just) )get (?:a|him|her|them|that|it|this|someone|somebody|your \w+|yourself|the \w+) (?:\w+ )?(?:to|over|across|out|down|up|round|back|a)\b|\bget (?:it|that|this|them) (?:stopped|cancelled|sorted|fixed|moved|changed|done|sent) (?:for (?:me|us)|please)\b|",
        r"\bon (?:the|my|our) (?:account|tab|order) please$|",
        r"^(?:(?:okay|so|and|right|yeah|no|then|just|well|but|ah|oh|sure) )*(?:lash|bung|fire|whack|shove|ping|throw|bang|knock|scratch|strike|mark|leave|keep|stick|pop|drop|run|hand|make) (?:it|that|them|me|us|him|her|the \w+|mine|ours) (?:out|over|in|on|into|down|off|up|through|round|with|under|to|for|a)\b",
    ))
});

/// Asked of others than "you".
static ASKED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:can|could|would|will) (?:everybody|everyone|we all|you all|you both|both of you|all of you|folks|the team|you ever|you not|\w+ and \w+) (?:{ADVERB} )*(?:{ACTION}) (?:{OBJECT})\b|\b(?:any way|chance|odds|possible|wonder|wondering|suppose|think) (?:if |that )?(?:you|somebody|someone|anybody|one of \w+) (?:could|can|would|might) (?:{ADVERB} )*(?:(?:{ACTION}) (?:{OBJECT})|come (?:out|over|by|round|up|down))\b|\b(?:possible to|can i|could i|can we|could we) (?:please )?(?:get|have) (?:\w+ ){1,4}?(?:sent|posted|emailed|mailed|reissued|reprinted|moved|changed|put|delivered|redone)\b|\bis (?:there )?(?:somebody|someone|anyone|anybody) (?:who |that |there who )*(?:could|can|will|going to) (?:{ADVERB} )*(?:{ACTION}) (?:{OBJECT})\b|\b(?:could|can) (?:i|we) (?:ask|get|trouble|bother|persuade) you to\b|\bwould you be (?:able|okay|happy|kind enough) to (?:{ACTION})\b",
    )
});

static BY_NOBODY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\b(?:the|that|this|these|those|it|they|your|my|our) (?:\w+ ){0,3}?(?:needs?|has|have|will have|wants?) to (?:come (?:off|out|down)|go (?:out|off|over|in|on|up|back|live|into) (?:\w+ ){0,2}?(?:by|before|to|today|tonight|tomorrow|there|this|next|first|there|asap|now|with|in|on))\b|",
        r"\b(?:needs?|wants?|could do with) (?:cancell?|chas|book|return|collect|deliver|refund|clear|cutt|fill|finish|post|print|renew|restart|review|rewrit|send|switch|tidy|topp|transfer|unblock|wash|tak|emptying|redo|resend|rebook|charg|lift|swapp|bleed|trimm|mow|treat|prun)ing\b|",
        r"\b(?:think|suggest|propose|reckon)?(?: maybe| that)? ?[a-z]+ takes (?:the|on|care)\b.* (?:and|while) (?:i|you|we) (?:do|take|handle|cover|own|write|run|look)\b|\b(?:and|then|while) (?:i|you|we) (?:do|take|handle|cover|own|write) the \w+$",
    ))
});
