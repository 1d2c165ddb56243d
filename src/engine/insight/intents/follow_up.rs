//! Follow-ups: somebody will be in contact again, or will consult somebody first.

use super::Assignee;
use super::normaliser::Sentence;
use super::pattern::{Pattern, last_words};
use std::sync::LazyLock;

/// How many words before the contact phrase may hold its intention.
const REACH: usize = 9;

/// How many words before the phrase's own subject may report it ("they said they would call").
const REPORT: usize = 3;

/// The same where the announcement holds its subject.
const ANNOUNCED_REPORT: usize = 2;

/// Returns the confidence that a sentence announces or asks for further contact, and who is to make it.
pub(super) fn find(sentence: &Sentence) -> Option<(f64, Assignee)> {
    let text = sentence.words.as_str();
    let announced = ANNOUNCED.iter().find_map(|pattern| {
        let mut matches = pattern.matches_in_context(text);
        matches
            .find(|(before, _, _)| !is_blocked(last_words(before, ANNOUNCED_REPORT)))
            .map(|(before, found, _)| assignee(&format!("{before} {found}")))
    });
    if let Some(assignee) = announced {
        return Some((0.88, assignee));
    }
    for (before, _, _) in CONTACT.matches_in_context(text) {
        let near = last_words(before, REACH);
        if is_blocked(near) || NOTICE.matches(before) {
            continue;
        }
        if INTENDED.matches(near) {
            return Some((0.9, assignee(near)));
        }
        let bare = CONDITION.matches(before) && !SUBJECT_LAST.matches(before);
        if bare || IMPERATIVE.matches(before) {
            return Some((0.85, Assignee::OtherParty));
        }
    }
    None
}

fn is_blocked(before: &str) -> bool {
    let before = own_clause(before);
    BLOCKED.matches(before) && !REMINDED.matches(before)
}

/// Returns what belongs to the phrase's own clause: from a little before the last subject on.
fn own_clause(before: &str) -> &str {
    let near = last_words(before, REACH);
    let Some((subject, who, _)) = SUBJECT.matches_in_context(near).last() else { return near };
    // "I'll see what the bill says and we'll speak then": the speaker's own clause begins anew.
    if matches!(who, "i" | "we" | "let us" | "let me") && subject.ends_with(" and") {
        return &near[subject.len()..];
    }
    &near[subject.len() - last_words(subject, REPORT).len()..]
}

fn assignee(before: &str) -> Assignee {
    if BY_SPEAKER.matches(before) {
        Assignee::Speaker
    } else if BY_OTHER.matches(before) {
        Assignee::OtherParty
    } else {
        Assignee::Nobody
    }
}

static SUBJECT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:i|we|you|he|she|they|let me|let us|someone|somebody|please|one of (?:us|them|the \w+|our \w+))\b",
    )
});
static BY_SPEAKER: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"\b(?:i|we|let me|let us)\b"));
static BY_OTHER: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"\byou\b|^(?:please|just|so|and|okay)\b|^$"));

/// Phrases of contact, in the base form.
static CONTACT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\b(?:call(?:ing)? (?:you|me|us|him|her|them|back|again|the \w+ back|my \w+ back|in (?:again|tomorrow|later)|around)\b|",
        r"(?:give|giving) (?:you|me|us|him|her|them|the \w+|my \w+) (?:a |another |an |some )?(?:\w+ )?(?:call|ring|buzz|shout|holler|ping|heads up|update|updates|callback|call back|jingle|tinkle|bell)\b|",
        r"ring (?:you|me|us|him|her|them)\b|phone (?:you|me|us|him|her|them)\b|(?:bell|nudge|pester|bug|chase|pester|hit) (?:you|me|us|him|her|them|the \w+)(?: up)?\b|holler\b|(?:swing|stop|drop|come) by again\b|(?:bother|trouble|catch|find) (?:you|me|him|her|them) (?:again|after|later|tomorrow|then|next|on)\b|(?:call|phone|ring|meet|speak|talk) (?:\w+ ){0,4}?again\b|see you (?:again|back)\b|send (?:you|me|us|him|her|them) (?:an update|a status|a reminder|updates)\b|give a shout\b|shout (?:when|once|if|as|the)\b|write (?:back )?to (?:you|me|us)\b|report back\b|notify (?:you|me|us)\b|(?:send|sending|put|get|shoot|drop) (?:(?:you|him|her|them|us|me|over|out|everyone|everybody) )?(?:a |an |the |out a |over a )(?:calendar |meeting |zoom |teams )?invite\b|calendar (?:invite|hold|thing|thingy)\b|buzz (?:you|me|us)\b|",
        r"(?:get|getting|be getting|circle|circling|loop|come|coming|report|swing|be) (?:right )?back (?:to|with|in touch|around)(?: (?:you|me|us|him|her|them|this|that|it|on))?\b|circle back\b|back on to (?:you|me)\b|be on to you\b|be on the (?:phone|horn|line|blower) (?:to|with)\b|",
        r"(?:get|be|stay|keep|being|getting|keeping) in (?:touch|contact)\b|follow(?:ing)? (?:back )?up\b|follow(?:ing)? (?:this|that|it) up\b|do a follow up\b|touch(?:ing)? (?:base|bases)\b|",
        r"reach(?:ing)? (?:back )?out\b|(?:contact|contacting) (?:you|me|us|him|her|them)\b|",
        r"(?:keep|keeping) (?:you|me|us|him|her|them|everyone|everybody|my \w+) (?:posted|updated|informed|in the loop|apprised|up to date|in the know|abreast)\b|",
        r"(?:let|letting) (?:you|me|us|him|her|them|your \w+|the \w+|everyone) know\b(?: what (?:is|was) wrong)?|",
        r"check(?:ing)? (?:back|in) (?:with|in|on|to|next|later|tomorrow|again|then|at|after|once|when)\b|check back\b|",
        r"(?:run|running|put|bounce|float|passing|pass|clear) (?:it|this|that|them|those|these|the \w+|everything|some numbers|all this|all of this|your \w+) (?:by|past|off of|off|in front of|with) (?:my|the|our|him|her|them|you|me|us|his|a|\w+)\b|",
        r"(?:talk|speak|check|consult|confer|discuss|confirm|double check|verify|sync|sync up|touch base|sit down|meet|meet up|get|chat|huddle|connect|coordinate|go over|review|work|talking|speaking|checking|discuss (?:it|this|that|things)|talk (?:it|this|that|things) (?:over|through)|run (?:it|this)|go over (?:it|this|that)|catch up) (?:first )?with (?:my|our|his|her|him|them|you|your|legal|finance|procurement|engineering|accounting|hr|it|sales|marketing|someone|somebody|everyone|the (?:team|vendor|warehouse|doctor|technician|adjuster|nurse|bank|store|branch|office|landlord|engineers?|underwriter|family|owner|driver|airline|hotel|insurance|manufacturer|lab|pharmacy|pharmacist|billing|design|others|client|customer|lender|other|rest|guys|wife|husband|boss|partners?|crew|supplier|contractor|back office|\w+ (?:team|department|manager|office|desk|company|people|guys))|\w+ (?:in|from|about|first|and))\b|",
        r"(?:talk|speak|have a word|have words) (?:to|with) (?:my|our|his|her|legal|finance|procurement|engineering|accounting|hr|the (?:\w+ manager|\w+ team|wife|husband|kids|boss|family|bank|team|doctor|landlord|board|owner|partner|partners|accountant|lawyer|guys|other|rest|underwriter|nurse|vendor|warehouse|adjuster|technician|insurance))\b|talk (?:it|this|that|things) over\b|",
        r"ask (?:my|our) \w+\b|(?:ask|consult|see what) (?:my|our|the|his|her) (?:wife|husband|boss|manager|supervisor|doctor|accountant|lawyer|attorney|partner|partners|mom|mother|dad|father|son|daughter|team|spouse|landlord|board|director|roommate|provider|insurance|nurse|pharmacist|vendor|warehouse|engineers?|underwriter|colleague|bank)\b|",
        r"discuss (?:it|this|that|things|further)?\b|sync(?:ing)? (?:up|again)\b|take (?:this|it|that) offline\b|get (?:back )?together (?:with|on|after|next|in|again|then|to)\b|have you (?:back|in again)\b|(?:grab|get|find|carve out|take) (?:\w+ )?(?:minutes|half an hour|an hour|time) (?:on|with|to|next|later|tomorrow|this|together)\b|stick a placeholder\b|",
        r"(?:meet|meeting) (?:again|up|with you|next|on|later|tomorrow|back)\b|(?:set|setting) (?:something|some time|a time|a date|time) (?:up|aside)\b|set (?:up|us up|you up) (?:for |with )?(?:a |an |another |some |the )?(?:\w+ ){0,2}?(?:meeting|call|time|chat|demo|appointment to|session|discussion|conference|zoom|follow up|callback|screen share|retro|workshop|something|calls|meetings|consultation|walkthrough|review|visit to)\b|",
        r"(?:schedule|book|arrange|organize|put together|plan|have|do|hold|calendar|plan on|scheduling|arranging) (?:a |an |another |some |the |that |you |our |in a )?(?:\w+ ){0,2}?(?:meeting|call|calls|callback|chat|discussion|conference|zoom|follow up|check in|catch up|sync|conversation|huddle|debrief|one on one|walkthrough|retro|screen share|workshop)\b|",
        r"(?:put|get|find|block|throw) (?:some |a |an )?(?:time|something|slot|hold|half hour|hour|placeholder|invite)(?: \w+)? (?:on|in|off) (?:the|your|our|my|everyone's|both)? ?(?:calendar|calendars|books|diary|schedule)\b|get (?:on )?(?:the|your|our) calendar\b|find (?:a|some) time\b|",
        r"(?:hop|jump|get|hopping|jumping) (?:back )?on (?:a|another|the|with)(?: \w+){0,2} (?:call|zoom|phone|meeting|line|you|him|them)\b|",
        r"sound out (?:my|the|our) \w+\b|try (?:me|us) again\b|(?:drop|pop|fire|ping) (?:you|me|us) an (?:\w+ )?(?:email|e mail)\b|(?:pencil in|slot in|squeeze in|fix up|line up|pop in|diarise) (?:a|an|another|some) (?:\w+ ){0,2}?(?:call|chat|meeting|catch up|session|review|slot|time)\b|talk (?:it|this|that|things) through\b|(?:ring|phone|bell|buzz) (?:straight |right )?back\b|(?:call|phone|ring|text) (?:my|his|her|the) (?:\w+ )?(?:daughter|son|wife|husband|mother|father|mum|mam|mom|dad|sister|brother|office|carer|neighbour|neighbor|solicitor|partner)\b|revert (?:back )?(?:to|with) (?:you|us|me|the)\b|(?:pop|come|drop|call) back (?:in|down|over|up) (?:to (?:us|me|see)|and see|in (?:a|two|three|six)|next|on \w+day)\b|(?:pop|drop) in (?:again|and see)\b|(?:take|have) another look (?:at (?:it|this|that|them|him|her) )?(?:at|on|in|after|next|when|once|later|tomorrow)\b|(?:put|get|stick|pop|block|block out) (?:half an hour|an hour|\w+ minutes|a slot|a time|something) (?:\w+ ){0,2}?(?:on|in|into|for) (?:the|your|our|my|everyone's|both)? ?(?:calendar|calendars|diary|diaries|schedule)\b|(?:return to|come back to|bring up|raise|discuss|look at) (?:this|it|that|these|those|the \w+) (?:again |point )?(?:at|in|on) (?:our|the|your) next\b|get (?:a )?hold of (?:you|me|him|her|them|the \w+|my \w+|your \w+)(?: again)?\b|(?:chat|speak) to (?:you|me|him|her|my \w+|the \w+) (?:again|then|next|tomorrow|on|about|first|later|after)\b|tip (?:you|me|us) a (?:call|text)\b|(?:catch|see) you (?:later in|next|at the next|on \w+day|again|then)\b|(?:table|park) (?:this|it|that) (?:until|till|for)\b|diary (?:it|that|a|this)\b|(?:text|email|message|page|write) (?:you|me|us) (?:when|once|as soon|the minute|the moment|after)\b|",
        r"reconnect(?: (?:with|on|after|next|in|when|once|later|then|about))?$|reconnect (?:with|on|after|next|in|when|once|later|then|about)\b|regroup\b|reconvene\b|revisit(?:ing)?\b|rejoin\b|(?:pick|picking) (?:this|it|that|things|up)(?: conversation| thread| where)?(?: (?:back )?up)?\b(?: again| on| next| tomorrow| later| then| where| after)|continue (?:this|it|that|the (?:conversation|discussion|chat)|our \w+)\b|",
        r"(?:ping|text|dm|message|slack|email) (?:you|me|us|him|her|them) (?:when|once|after|as soon|if|an update|back|tomorrow|later|the minute|by|next|again|with an update)\b|ping (?:you|me|us|him|her|them)\b|text (?:me|us)\b|",
        r"(?:shoot|drop|fire|shooting|dropping|pop) (?:you|me|us|him|her|them) (?:a|an|another|over a|off a) (?:quick |short )?(?:text|message|note|line|update|status|reminder|heads up|ping)\b|shoot (?:you|me|us|him|her|them) an email\b|",
        r"hear (?:back )?from (?:us|me|him|her|someone|somebody|them|our|the|my|one|a|you)\b|(?:get|getting|receive|expect|receiving|expecting|take) (?:a|the|another|that) (?:\w+ )?(?:call|callback|call back|text|follow up)\b|",
        r"try (?:you|me|us|him|her|them|back|calling)(?: (?:again|back|later|tomorrow|then|in))\b|sleep on it\b|think (?:it|about it|this|on it) (?:over|and (?:call|get|let|then))\b|",
        r"(?:talk|speak|chat|connect|meet) (?:again|soon|tomorrow|next|later|then|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|in (?:a|two|three)|about (?:this|it|that) (?:again|later|next|tomorrow|on|when|after)|more|further|after|once|when)\b|(?:have|having) (?:another|a further|a follow up|a longer|a deeper|a proper|a quick|a) (?:discussion|conversation|chat|talk|call|meeting|word)\b|loop (?:you|him|her|them|in|my|our|the)\b|catch up (?:again|next|later|on|tomorrow|after|soon|in|then|when|once)\b|see how (?:it|that|things|you|everything|he|she) (?:is|are|go|goes|went|did|feel|feeling|going|doing|holding)\b|see where (?:we|you|things) (?:are|stand)\b|chase (?:it|that|this|them|him|her|the \w+)?(?: up| down)?\b)",
    ))
});

/// What, shortly before the phrase, makes it an intention.
static INTENDED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:will|shall|going to|let me|let us|need to|needs to|have to|has to|must|should|ought to|can|could|may|might|would like to|want to|wants to|wanted to|would love to|love to|like to|please|make sure|be sure|happy to|glad to|plan to|plan on|planning to|planning on|hoping to|hope to|able to|why do not (?:you|i|we)|feel free to|go ahead and|do not hesitate to|do not forget to|remember to|would need to|would have to|better|best (?:thing )?(?:is|would be) to|(?:can|will|could|to|let us|let me|would|please|should) have (?:him|her|them|someone|somebody|the \w+|a \w+|my \w+|our \w+|one of \w+)(?: \w+)?|^(?:just |please )?have (?:him|her|them|someone|somebody|the \w+|a \w+|my \w+|your \w+)|(?:get|ask) (?:him|her|them|someone|somebody|the \w+|my \w+|your \w+|our \w+) to|how about (?:we|i)|what if we|look forward to|looking to|i am|i would rather|would rather|i would|we would|would be|would you|will you|just|(?:note|reminder|flag|task|alarm) (?:\w+ ){0,4}to|any (?:change|problems?|trouble|bother|worries)(?: at all)? you)(?: \w+){0,6}$|(?:^|\b(?:deal|then|just|now|so|please|grief) )you(?: just| can)?$",
    )
});

/// What precedes an imperative: nothing, a lead-in, a condition, or a clause that a conjunction closes.
static IMPERATIVE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:(?:okay|alright|well|and|but|so|yeah|yes|no|right|sure|oh|great|good|perfect|then|please|just|also|or|thanks|thank you|cool|sorry|no problem|sounds good|fine|that is fine|hey|anyway|you know) ?)*$|\b(?:just|please|and then|so please|so just|either way|or)$|\b(?:tomorrow|later|today|busy|moment|now|time|right|then|questions|meeting|driving|work)(?: (?:so|and|just|but))?$",
    )
});

/// A condition somewhere before an imperative: "if it isn't there by Tuesday come back to us".
static CONDITION: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:if|when|once|as soon as|in case|whenever|should|any (?:change|changes|problem|problems|trouble|questions|issues|bother|doubts|worries|concerns|queries))(?: \w+){0,}$",
    )
});

/// What shows that the phrase has a subject and is no imperative.
static SUBJECT_LAST: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:i|we|you|they|he|she|it|who|to|people|and|or|did|do|can|could|would|not|the|a|my|your|that|always|never|always)$",
    )
});

/// What makes it past, negated or somebody else's words.
static BLOCKED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:goes|did|had|was|were|been|never|nobody|no one|no need|none|said|says|told|promised|promises|supposed|asked|asks|kept|used to|could have|should have|would have (?:been|told|called|\w+ed)|wish|wished|unable|refused|forgot|waiting|waited|tried|trying|tired|stop|without|cannot|can not|will not|would not|do not|does not|not going|not have|not able|not want|not need|thank you for|thanks for|instead of|hate|tell me|every time|always|takes forever|hard to|impossible|how do|how can|how to|how would|what do|where do|who do|who can|who should|when can|why did|how long|claimed|swore|meant to|somebody to|easier to|can i|could i|may i|able to (?:get|reach)|unless|glad you|kind of)\b",
    )
});

/// What makes "let you know" a notice given here and now.
static NOTICE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(r"(?:^|\b(?:this is|calling|ringing|phoning) )(?:(?:so|and|okay) )*(?:just )?to$")
});

/// Negations that remind: "do not hesitate to call".
static REMINDED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:do not hesitate to|do not forget to|do not be afraid to|why do not (?:you|we|i)|if (?:you|it|that|i|we|they|he|she|this) (?:do|does|can|have|has|did|are|is) not\b.*|in case .* not .*|until then .*|can i (?:have|get) (?:you|him|someone|somebody|the \w+|a \w+)(?: to)?)(?: \w+){0,2}$",
    )
});

/// Whole announcements that need no further sign.
static ANNOUNCED: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        r"\b(?:you will|you should|you are going to|you can) (?:be )?(?:hear from|hear back|hearing|get a (?:call|callback|call back)|expect (?:a|the|to hear)|getting a (?:call|callback|call back)|receive a (?:call|callback|call back)|receiving a (?:call|callback))\b",
        r"^(?:\w+ ){0,2}?expect (?:a|the|to get a|to receive a|our) (?:\w+ )?(?:call|callback|follow up|to hear)\b",
        r"\b(?:can|could|will|would) (?:you|someone|somebody|anyone|he|she|they|one of \w+|the \w+|your \w+|i) (?:please |just |possibly |maybe |have (?:him|her|someone|somebody|the \w+) )*(?:call (?:me|us|back)|give (?:me|us) a (?:call|ring|buzz|shout|callback)|get back (?:to|with)|follow up|reach out|keep me|contact me|let (?:me|us) know|have (?:him|her|someone|somebody|the \w+|a \w+) (?:call|contact|ring|phone|text|reach))\b",
        r"\b(?:can|could|should|shall|may) we (?:please |just |maybe |possibly )*(?:talk|meet|set up|schedule|set|find a time|touch base|hop on|jump on|revisit|reconnect|discuss|regroup|circle back|pick this|get together|connect|have (?:a|another)|arrange|book a (?:call|meeting)|put something|do a (?:call|follow))\b",
        r"\b(?:can|could|may) (?:i|we) (?:please |just )?(?:get|have|request|ask for) (?:(?:a|another) (?:\w+ )?(?:call|callback|call back)|(?:someone|somebody|him|her|a \w+|the \w+|your \w+|you) (?:to |please )?(?:call|contact|get back|reach out|phone|ring))\b",
        r"\b(?:until then|talk to you|speak to you|talk with you) (?:tomorrow|next \w+|\w+day|soon|on \w+day|later this week|then)\b",
        r"\b(?:any (?:trouble|problems?|questions|issues|bother|worries)|if|need)\b.* just (?:call|ring|phone|shout|holler|text)$",
        r"\bi will (?:give a )?shout$|\b(?:put|stick) a pin in (?:it|this|that)\b|\bwait for my call\b",
        r"\b(?:you|just) (?:come|get) (?:straight|right) back to (?:me|us)\b|\b(?:pick up|lift) the phone (?:to (?:me|us)|and)\b|\bcome (?:and )?find (?:me|us)\b",
        r"\bsame (?:time|place)(?: same (?:time|place))? (?:next|tomorrow|on \w+day)\b",
        r"\blet us (?:\w+ ){0,2}?(?:sit down|get together|go through|talk|speak|meet|chat|discuss|run through|look at) (?:\w+ ){0,4}?(?:next (?:week|month|time|\w+day)|tomorrow|on \w+day|later|again)\b",
        r"\b(?:you|they) will (?:be )?(?:hear|hearing) (?:it |about it |that |more )?from (?:me|us)\b",
        r"\bi (?:still |do )?owe (?:you|him|her|them) (?:a|an|that) (?:\w+ )?(?:answer|call|reply|response|update|callback)\b",
        r"\b(?:waiting|looking forward) (?:to|for) (?:hear|hearing) (?:back )?from you\b",
    ])
});
