//! Action items: somebody takes work on, or asks somebody for it.

use super::Assignee;
use super::normaliser::Sentence;
use super::pattern::{Pattern, last_words};
use super::roundabout;
use std::sync::LazyLock;

/// How many words before a match are looked at for what makes it past, conditional or reported.
const REACH: usize = 6;

struct Rule {
    score: f64,
    assignee: Assignee,
    /// Whether words before the match can make it a report or a condition.
    guarded: bool,
    /// Whether it holds in a sentence that asks.
    in_question: bool,
    pattern: Pattern,
    /// What must not follow where the match ends.
    unless_followed_by: Option<&'static LazyLock<Pattern>>,
}

/// Returns the confidence that a sentence holds an action item, and who is to do it; `asked`: the sentence asks.
pub(super) fn find(sentence: &Sentence, asked: bool) -> Option<(f64, Assignee)> {
    let text = sentence.words.as_str();
    let text = HELD.find(text).map_or(text, |held| &text[held.end..]);
    if NO_ACTION.iter().any(|pattern| pattern.matches(text)) {
        return None;
    }
    let mut best: Option<(f64, Assignee)> = None;
    for rule in RULES.iter() {
        if asked && !rule.in_question {
            continue;
        }
        if best.as_ref().is_some_and(|(score, _)| *score >= rule.score) || !rule.applies_to(text) {
            continue;
        }
        best = Some((rule.score, rule.assignee.clone()));
    }
    if best.is_none() {
        best = roundabout::find(text, asked);
    }
    let named = NAMED.capture(text).filter(|name| !NO_NAME.matches(name));
    if let (None, Some(name)) = (&best, named) {
        return Some((0.85, Assignee::Named(capitalised(name))));
    }
    best
}

impl Rule {
    fn applies_to(&self, text: &str) -> bool {
        self.pattern.matches_in_context(text).any(|(before, found, rest)| {
            let near = last_words(before, REACH);
            let governed =
                !found.starts_with("i ") && !found.starts_with("we ") && SUBJECT_BEFORE.matches(near);
            let blocked = self.guarded && (governed || BLOCKED.matches(near));
            !blocked && !self.unless_followed_by.is_some_and(|pattern| pattern.matches(rest))
        })
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What, shortly before a match, makes it a report, a condition or a question.
static BLOCKED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?:\b(?:if|whenever|why|how|whether|unless|every time|each time|wish|because|like|until|reason|who|which|days|than|before|where|when|what|things|thing|stuff|everything|something|anything|all|time)|\b(?:said|told|says|told me|told us|told him|told her|promised|promised me|claimed|claims|swore|thought|assumed|supposed to|was told|were told|hoping|hope|understood|heard|read|guess|sure|afraid|worried|know|asked|asking|tells|feel like|like))(?: (?:that|me|us|him|her|them|oh|well))?$|\b(?:shall|should|can|do|may|could|did) (?:i|we)$",
    )
});

/// What makes a duty's verb a way or a state: "i need to get to the airport".
static NO_DUTY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:to (?:the )?(?:airport|work|school|bed|sleep|class|station|gate|hospital|office|house)|there|here|home|through|around|by|off work|into work|(?:up )?(?:the|my) kids|(?:the|my) kids up|back to|used|along|\w+ (?:bus|buses|trains?|cab|day off|days off|medicine|medication|pills))\b",
    )
});

/// What, directly before a bare verb, makes somebody its subject.
static SUBJECT_BEFORE: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"\b(?:they|he|she|i|we|will|to|not|how \w+)$"));

/// What follows a commitment and takes it back: a stative verb, or nothing at all.
static STATIVE: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"^(?:(?:{ADVERB}) )*(?:{STATIVE})\b|^(?:(?:{ADVERB}) ?)*$"));

/// What a request asks for that is no work: an answer, or a state.
static NO_REQUEST: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"^(?:(?:{ADVERB}) )*(?:{TELLING}|{STATIVE})\b|^(?:(?:{ADVERB}) ?)*$"));

/// What follows "let me" without being an offer of work.
static NO_OFFER: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:(?:{ADVERB}) )*(?:{STATIVE}|see|tell|ask|speak|talk|explain|in|off|out|go back|rephrase|back up|put it this way|put it (?:to you|like)|put it that way|right|it is|so|okay|finish|down|through|through to|do it|do that|be|interrupt|stop you|repeat|read (?:you|that back|it back)|give you (?:an example|the background|some background|my (?:\w+ )?(?:number|name|email|address|card|account)|a (?:piece|tip))|let you go|off the hook|get this straight|get (?:back )?to|start by|cut|cancel my)\b|^(?:(?:{ADVERB}) ?)*$",
    )
});

/// What asks the other side to wait, before the matter itself.
static HELD: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:(?:okay|so|well|yeah|alright|no|just|now|oh|sorry) )*(?:hold on|hang on|bear with me)(?: (?:a|one|just|second|sec|minute|moment|there|now|please|for|me|until|till|while|let me see))*\b ?",
    )
});

/// Sentences that hold no action item whatever stands in them.
static NO_ACTION: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        r"^(?:(?:okay|so|well|and|yeah|alright|no|just|now|oh) )*(?:let (?:me|us) (?:just )?see(?: (?:here|what|okay|now|then|so)\b.*)?|let (?:me|us) think.*|(?:hold on|(?:give|bear with) me|one)(?: \w+){0,4})$",
        r"\b(?:will take|going to take) (?:care of|note|down|off|over|out|that|it|this)\b.* never\b",
        r"^(?:(?:and|so|but|okay|then) )*do (?:the|your|my|these|those|our) (?:\w+ )?\w+s (?:go|come|get|need|have|take|open|close|work|run|stop|still|usually|normally|always|ever|all|know|want|leave|start|finish|apply|include|cover|deliver|offer|accept|charge|pay|call|send|not)\b",
        r"^(?:the |our |your )?(?:check|pick|drop|sign|log|clock|walk|call) ?(?:in|out|up|off)s?(?: \w+){0,2} (?:is|are|was|closes|opens|starts|ends|begins|takes|times?|at|by|from|until)\b",
        r"\b(?:i|we|he|she|they) (?:have|has|need|needs) to .*\b(?:every (?:single |other |few )?(?:\w+day|day|morning|night|evening|week|month|year|time|hours?)|each (?:day|morning|night|week|month|time)|(?:once|twice) a (?:day|week|month|year)|most (?:days|weeks))\b",
        r"^(?:(?:okay|just|sorry) )*(?:one|two|just a|a) (?:second|sec|minute|moment|tick)s?(?: now)? i am (?:just )?\w+ing\b",
        r"\b(?:he|she|they|guy|man|lady|lad|woman|agent|fella|chap) (?:\w+ )?(?:said|says|goes|went|told me|was like)(?: to me)? (?:leave|please|just|do|go|make|remember|send|call|bring|put|consider)\b",
        r"\b(?:says?|said|saying|reads|going|goes|went|tells? (?:me|you|us|people)) please\b",
        r"^(?:(?:okay|so|well|oh) )*(?:great|good|nice|excellent|fantastic|amazing|lovely|super|brilliant|fine|hard) (?:work|job|call|effort|pick|find|start|catch|show)\b",
        r"\bmind (?:just )?(?:holding|waiting|telling|repeating|spelling|confirming|sharing|explaining|saying|hanging|giving me (?:your|the|an))\b",
        r"^(?:let me|i will|i have to|i need to|until i|till i|while i|i am going to) (?:{ADVERB} )*(?:find|get|grab|go get|look for|put on) (?:my|the|a) (?:reading )?(?:glasses|pen|phone|card|paper|bill|letter|purse|wallet|bag|laptop|specs|email|book|diary|folder)\b",
        r"\brecommend you to (?:any|every|all|my|friends|people|the)\w*\b",
        r"\bhave a (?:nice|good|great|wonderful|lovely|blessed|safe) (?:day|one|evening|night|weekend|afternoon|rest|trip|flight|time)\b",
    ])
});

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |score, assignee: &Assignee, guarded, pattern: &str| Rule {
        score,
        assignee: assignee.clone(),
        guarded,
        in_question: true,
        pattern: Pattern::new(pattern),
        unless_followed_by: None,
    };
    let work = |score, assignee: &Assignee, guarded, pattern: &str| Rule {
        unless_followed_by: Some(&STATIVE),
        ..rule(score, assignee, guarded, pattern)
    };
    let duty = |score, assignee: &Assignee, pattern: &str| Rule {
        in_question: false,
        unless_followed_by: Some(&NO_DUTY),
        ..rule(score, assignee, true, pattern)
    };
    let request = |score, assignee: &Assignee, guarded, pattern: &str| Rule {
        unless_followed_by: Some(&NO_REQUEST),
        ..rule(score, assignee, guarded, pattern)
    };
    let let_me = |score| Rule {
        unless_followed_by: Some(&NO_OFFER),
        ..rule(score, &Assignee::Speaker, true, r"\blet me(?: {ADVERB})*\b")
    };
    let speaker = &Assignee::Speaker;
    let other = &Assignee::OtherParty;
    let nobody = &Assignee::Nobody;
    vec![
        // The speaker takes it on.
        work(0.92, speaker, true, r"\b(?:i|we) (?:{ADVERB} )*(?:{FUTURE}|can) (?:{ADVERB} )*go ahead and\b"),
        work(
            0.9,
            speaker,
            true,
            r"\b(?:i|we) (?:{ADVERB} )*(?:will|shall|(?:am|are) (?:just |now |actually |also )?(?:going|fixing|about|gonna) to|must|ought to|promise to|intend to|plan to|am planning to|are planning to)(?: {ADVERB})*\b",
        ),
        rule(
            0.8,
            speaker,
            true,
            r"\b(?:i|we) (?:am|are) (?:just |now )*\w+ing (?:\w+ ){1,5}?(?:as we speak|right this second|for you)\b",
        ),
        duty(
            0.86,
            nobody,
            r"(?:^|\b(?:and|so|then|but|okay|think) )(?:marketing|engineering|legal|finance|accounting|sales|hr|procurement|billing|shipping|support|dispatch|operations|facilities|maintenance|security|product|design) (?:will|needs to|need to|has to|is going to|should) (?:{ADVERB} )*(?:{ACTION})\b",
        ),
        duty(
            0.84,
            nobody,
            r"\b(?:the|our|my|your) (?:\w+ )?\w+(?:er|or|man|ist|ian) (?:will|is going to|needs to|has to) (?:{ADVERB} )*(?:inspect|repair|replace|fix|install|touch up|come out|review|prepare|deliver|collect|measure|assess|clean|paint|pick|bring|examine|look)\b",
        ),
        duty(
            0.88,
            speaker,
            r"\b(?:i|we) (?:{ADVERB} )*(?:would better|had better|better|have to|need to|should|will have to|will need to|are going to have to|am going to have to|am going to need to|are going to need to) (?:{ADVERB} )*(?:{ACTION})\b",
        ),
        duty(
            0.85,
            speaker,
            r"\b(?:i|we) (?:{ADVERB} )*(?:can|would be happy to|am happy to|are happy to|would be glad to|am glad to|would love to|am able to|are able to|are prepared to|am prepared to|am willing to) (?:{ADVERB} )*(?:send|resend|email|mail|forward|transfer|put|open|create|file|submit|process|issue|refund|credit|waive|remove|add|update|fix|repair|replace|swap|ship|deliver|drop|schedule|reschedule|book|rebook|cancel|order|escalate|prepare|upload|install|reset|activate|unlock|release|extend|upgrade|move|set|register|enroll|print|fax|arrange|organize|push|pull|run|text|get (?:you|a|someone|somebody|that|this|it|one|him|her|them|your|the)|take (?:that|it|this|care|off|\w+ (?:dollars|percent))|knock|throw|apply|look into|switch|place|request|expedite|flag|note|make (?:a note|that|it|sure)|go ahead and|offer you|have (?:someone|somebody|a|our|the|my|that|it|him|her|one)|do that for you|do it for you|hook|bump|rush|override|reverse|pop|squeeze|fit you|pencil)\b",
        ),
        rule(
            0.85,
            speaker,
            true,
            r"\blet me (?:{ADVERB} )*see (?:if i can|what i can|about getting|if we can)\b",
        ),
        rule(
            0.85,
            speaker,
            false,
            r"\b(?:allow me to|let us (?:just |go ahead and |also |then |first )*(?:get (?:you|that|this|it|the|your|a|some|started)|go ahead|set|schedule|book|send|put|add|make|try|run|check|move|start|order|file|take|do|update|reset|change|fix|plan|cancel|place|reschedule|finalize|draft|create|aim|bring|push|test|use|keep|open|order|pull|look at|review|swap|switch|remove|cut|double|prepare))\b",
        ),
        rule(
            0.9,
            speaker,
            true,
            r"\b(?:i|we) (?:am|are) (?:{ADVERB} )*(?:sending|emailing|mailing|forwarding|transferring|processing|updating|putting|submitting|ordering|shipping|booking|issuing|creating|opening|adding|removing|scheduling|pulling|filing|crediting|refunding|cancelling|canceling|escalating|texting|faxing|connecting|reversing|waiving|dispatching|uploading|resetting|placing|entering|applying|arranging|setting|bringing|requesting|preparing|writing|rebooking|(?:moving|switching) (?:you|it|that|this|the|your)|assigning|logging|noting|marking|flagging|documenting|dropping|looking (?:into|that up|it up)|working on (?:it|that|this|getting|your)|taking (?:care|that|this|it|off)|making (?:a note|sure)|getting (?:that|this|it|you|someone|somebody|a)|sorting|releasing|activating|printing|rescheduling|patching|passing)\b",
        ),
        rule(
            0.88,
            speaker,
            true,
            r"\b(?:i|we) (?:will|am going to|are going to) (?:{ADVERB} )*(?:be|keep) (?:{ADVERB} )*(?:sending|emailing|mailing|forwarding|putting|submitting|shipping|issuing|adding|needing (?:your|you|a|the|to)|dropping|bringing|coming (?:out|by|over)|processing|updating|taking (?:care|over|off|down)|working on|looking into|sorting|handling|escalating|replacing|ordering|doing|getting|transferring|filing|asking|monitoring|an eye|requesting|paying|picking|making|running|setting|charging|preparing|delivering|refunding|scheduling)\b",
        ),
        rule(
            0.88,
            speaker,
            true,
            r"\b(?:i|we) (?:will|shall|am going to|are going to) (?:{ADVERB} )*(?:see (?:what|if|about|to it|whether)|have (?:someone|somebody|him|her|them|one of \w+|(?:my|our|the|a|your|that|another) (?:\w+ ){0,2}?(?:{ROLE})|(?:it|that|this|those|them|the \w+) (?:\w+ ){0,2}?(?:done|ready|sent|over|out|for you|fixed|shipped|delivered|back to you|\w+ed))|get (?:it|that|this|you|him|her|them|someone|somebody|one|those|these|on (?:it|that|this)|right on|your|started|working|to work|\w+ to|the \w+ to|a (?:\w+ ){0,2}(?:{ROLE})|a (?:new|copy|replacement|ticket|quote|work order))|make (?:sure|a|it right|that|this|note|the|certain|arrangements|it up|an)|keep (?:an eye|at it|on top|looking|digging|trying|it|that|a)|do (?:that (?:for|now|right|today|tonight|tomorrow|as|first|when|this|by)|it (?:for|now|right|today|tonight|tomorrow|as|first|when|this|by)|my best|what i can|some|a|the|everything)|pay|work on|work (?:something|that|it|this) out|sit down|tell (?:him|her|them|my|the|our)|say something to|expect to have|need (?:you|your|to|a (?:copy|photo|picture|signature)|the|someone|somebody)|need (?:\w+ )?(?:from you)|drop by|stop by|swing by|come (?:out|by|over|in|get|pick|back with|up with)|go (?:through|over|check|look|ahead|get|down there|back and|in and)|start (?:the|a|by|with|working|looking|on)|open (?:a|an|the|up)|close (?:out|the|your|that|it)|change (?:your|the|that|it|my)|move (?:your|the|that|it|my|this|you|forward|ahead)|use (?:the|that|my)|fly|drive|cover (?:the|that|your|half|it)|show (?:you|him|her|them)|help (?:you|him|her|them) (?:\w+ )|include (?:a|the|that|it)|run (?:the|a|it|that|some|another|this|by|over)|turn (?:it|that|the|on|off|your|in)|switch (?:you|it|that|the|over|your))\b",
        ),
        rule(
            0.85,
            speaker,
            false,
            r"\b(?:leave (?:it|that|this|that one|this one|everything) (?:\w+ )?(?:with|to) (?:me|us)|consider (?:it|that|the \w+(?: \w+)?) (?:\w+ed|done|gone|sorted)|that is me \w+ing|i am (?:already |right )?on it|we are on it|i will get (?:right )?on (?:it|that)|(?:that|this|it) is on (?:me|us) to|i have (?:got )?(?:this|that) one|i will own|i will take (?:that|this|it|the lead|point)|i will make (?:it|that) (?:right|happen)|(?:my|the|our) (?:next step|next steps|plan|to do|action item|homework) (?:is|will be|would be|are)(?: going)? to|what (?:i|we) (?:\w+ )?(?:will|am going to|are going to|can|could|need to|want to|would like to) (?:\w+ )?do(?: \w+ \w+)? is|the (?:first|next|only|best) thing (?:i|we) (?:will|am going to|are going to|can|need to|have to) (?:\w+ )?(?:do )?is|first thing i am going to do is|(?:i|we) (?:will|can) (?:take|handle) (?:care of )?(?:that|it|this))\b",
        ),
        rule(
            0.8,
            speaker,
            true,
            r"\b(?:how about|why do not|what if) (?:i|we) (?:{ADVERB} )*(?:{ACTION}|go ahead)\b",
        ),
        // Somebody else will.
        rule(
            0.86,
            nobody,
            true,
            r"\b(?:{INDEFINITE}|(?:our|the|a|an|my|your|one of (?:our|the|my)|another|that|his|her|some|their|this) (?:\w+ ){0,3}?(?:{ROLE}))(?: (?:over |up |down |out )?(?:from|in|at|on|with|for) (?:the |our |my |that |your )?\w+(?: \w+)?)? (?:{ADVERB} )*(?:will|shall|is going to|are going to|needs to|need to|has to|have to|must|should|can) (?:{ADVERB} )*(?:be (?:sending|coming|emailing|mailing|shipping|out (?:to|there|at|on|between|first|tomorrow|in|by|today)|by|there to|over to|replacing|installing|fixing|delivering|dropping|picking|taking|looking|bringing|preparing|reviewing|processing|working|putting|handling|running)|come (?:out|by|over|to|and|take|in|pick|look|back out|get)|stop by|swing by|go (?:out|over|through|in|to|up|ahead)|visit|(?:{ACTION}))\b",
        ),
        rule(
            0.8,
            nobody,
            true,
            r"\b(?:he|she|they) (?:will|are going to|is going to|need to|needs to|have to|has to) (?:{ADVERB} )*(?:come (?:out|by|over) (?:to|and)|send|email|mail|ship|replace|fix|repair|install|deliver|review|prepare|process|schedule|put together|draft|submit|file|update|bring|drop off|pick up|inspect|look into|take care|redo|reorder|correct|sign)\b",
        ),
        rule(
            0.84,
            nobody,
            true,
            r"\b(?:this|that|it|these|they|those|the \w+|the \w+ \w+|my \w+|your \w+|our \w+|everything) (?:{ADVERB} )*(?:needs to|need to|has to|have to|must|is going to have to|should) (?:{ADVERB} )*(?:be|get|got) (?:{ADVERB} )*(?:\w+ed|sent|done|rebuilt|redone|put|taken|cut|paid|shut|reset|set|brought|built|rewritten|written|torn|thrown|kept|made|drawn|run|swept|sold|given|torn|dealt) ?(?:by|before|on|to|today|tomorrow|this|right|first|asap|as soon|off|out|up|immediately|now|for|over|again|in|from|back|every|twice|at|and|with|down|$)",
        ),
        rule(
            0.84,
            nobody,
            true,
            r"\b(?:i|we) (?:{ADVERB} )*(?:need|want|would like|have to have|would need|must have) (?:this|that|it|these|those|them|(?:the|that|this|my|your) (?:\w+ ){1,3}?)(?: )?(?:to be )?(?:fixed|sent|removed|taken (?:off|care|out|down)|cancelled|canceled|refunded|reversed|replaced|corrected|changed|delivered|done|resolved|updated|shipped|credited|signed|turned (?:on|off|back)|shut|moved|reset|repaired|waived|added|mailed|emailed|returned|reviewed|approved|paid|picked up|transferred|escalated|expedited|looked (?:at|into)|switched|unlocked|rescheduled|put (?:back|in|on)|sorted|cleaned|installed|redone|handled|off my|gone)\b",
        ),
        // The other side is asked or told.
        rule(
            0.9,
            other,
            false,
            r"\b(?:please|kindly) (?:{ADVERB} )*(?:go ahead and )?(?:{ACTION}|be sure|make sure|arrive|avoid|fast)\b",
        ),
        request(0.8, other, true, r"\bplease(?: {ADVERB})*\b"),
        rule(
            0.9,
            other,
            false,
            r"\b(?:make sure|be sure|make certain|see to it)(?: that)? (?:you|your|to|it|that|the|he|she|they|we|all|everyone|everything|and|nobody|no one|this)\b",
        ),
        rule(
            0.9,
            other,
            false,
            r"\b(?:do not forget|remember|try not) to (?:{ADVERB} )*(?:{ACTION}|leave|keep|wear|eat)\b",
        ),
        work(
            0.88,
            other,
            true,
            r"\b(?:i|we) (?:{ADVERB} )*(?:need|want|would like|would love|will need|will want|am going to need|are going to need|would need|would prefer|require|am going to ask|would ask|will ask|have to ask|am going to have to ask|will have to ask|was hoping|am hoping|need for|am asking|would appreciate it if|would really appreciate it if) (?:for )?(?:you|someone|somebody|him|her|them|your \w+|one of you|the \w+|my \w+|our \w+) (?:to|could|can|would|took|removed|sent)(?: {ADVERB})*\b",
        ),
        rule(
            0.86,
            other,
            false,
            r"\bwould (?:{ADVERB} )*(?:appreciate it|be great|be nice|be good|help|be helpful|love it|be better|be best|be wonderful|be awesome|be perfect) if (?:you|someone|somebody|your \w+|they|the \w+) (?:could |can |would |just |would just |were to )*(?:{ACTION}|took|sent|came|sen\w+|\w+ed|got|put|gave|made|let)\b",
        ),
        duty(
            0.88,
            other,
            r"\byou (?:{ADVERB} )*(?:will (?:{ADVERB} )*(?:need|want|have) to|(?:are|am) (?:{ADVERB} )*going to (?:{ADVERB} )*(?:need|want|have) to|have to|need to|should|must|ought to|might (?:{ADVERB} )*want to|may (?:{ADVERB} )*want to|might need to|may need to|might have to|had better|better|would need to|would have to|would want to|just have to|can (?:just |go ahead and |simply )+|are supposed to)(?: {ADVERB})* (?:{ACTION}|go (?:in|into|to|online|down|over|through|ahead|back)|come (?:in|by|down|back|pick)|visit|avoid|stay off|wear|eat|drink|soak|elevate|practice|see (?:a|your|the) (?:doctor|specialist|dentist|\w+ologist)|use)\b",
        ),
        rule(0.86, other, true, r"\bgo ahead and (?:{ADVERB} )*(?:{ACTION}|go|use|see)\b"),
        rule(
            0.86,
            other,
            false,
            r"\b(?:all|what) (?:you|we) (?:have to do|need to do|have got to do|need you to do|are going to do|got to do|will do|will need to do|will have to do|want to do|can do|could do|might do|would do|would need to do|should do|need)(?: \w+){0,2} is (?:to )?(?:just )?(?:{ACTION}|you|go|a|for)\b",
        ),
        rule(
            0.85,
            other,
            false,
            r"\bwhat (?:i|we) (?:need|want|would like|would need|will need|am going to need)(?: for)? (?:you|from you)(?: to do)?(?: \w+){0,2} is\b",
        ),
        rule(
            0.86,
            other,
            false,
            r"^(?:(?:okay|alright|well|and|but|so|yeah|yes|no|right|sure|oh|great|good|perfect|then|just|also|first|now|next|hey|thanks|thank you|cool|actually|sorry|fine|then just|maybe|or|step one|after that|you know what|forget it|look|listen|either way|if you could|if you can|if you would|if you will|if you do not mind|do me a favor and|do me a favor|sir|ma'am|in that case|for now|once more|again|one more time|i say|i would say|go on and|anyway|in the meantime|for me|well then) )*(?:just )?(?:{ACTION}) {OBJECT}\b",
        ),
        rule(
            0.84,
            other,
            true,
            r"\b(?:if you (?:could|can|would|will|would not mind|do not mind)|do me a favor(?: and)?|and then|then|just|so just|and just) (?:just |please |go ahead and |also |possibly |maybe |either |then )*(?:{ACTION}) (?:me|us|him|her|them|that|this|those|the|a|an|my|your|it|over|up|out|back|off|in|both|all|on|down)\b",
        ),
        rule(
            0.84,
            other,
            true,
            r"\b(?:and|but|so|then|or|here|now|tomorrow|today|week|month|account|thanks|you|done|order|card|better|anymore|it) (?:send|email|mail|ship|forward|transfer|connect|cancel|refund|take me|take that|put me|get me|sign me|switch me|book me|schedule me|bring|fix|give me (?:a|my) (?:refund|credit|new)|remove|text|fax|leave it|stop charging|charge it|add (?:me|my|that|the|a)|close (?:it|my|out)|shut (?:it|the|off)|turn (?:it|the|off)|change (?:it|my|the)|update my|move (?:it|me|my)|check (?:the|on|your|if|for)|click|press|enter|upload|plug|unplug|tap|type|sign|print|fill|wire|drop (?:it|them|that)) (?:{OBJECT}|{ME})\b",
        ),
        rule(
            0.85,
            other,
            true,
            r"\b(?:can|could|would|will) (?:not )?(?:you|someone|somebody|anyone|anybody|one of you(?: \w+){0,2}|your \w+) (?:{ADVERB} )*(?:possibly |mind |be so kind (?:as to|and) |be able to |ever |at least )?(?:sending|emailing|putting|taking|transferring|mailing|checking|removing|switching|getting|bringing|turning|changing|moving|adding|fixing|resending|forwarding|connecting|cancelling|canceling|reversing|waiving|crediting|extending|going ahead|{ACTION})\b",
        ),
        rule(
            0.82,
            other,
            false,
            r"\b(?:if|whether|that|hoping|wondering|think|way|chance|possible for) (?:you|someone|somebody|your \w+) (?:could|can|would|might|to) (?:{ADVERB} )*(?:possibly |be able to )?(?:send|resend|email|mail|forward|transfer|waive|reverse|credit|remove|refund|cancel|put me|add|change|switch|move|replace|fix|reset|extend|ship|fax|text|unlock|connect|knock|take (?:that|off|a look|it)|get (?:me|someone|somebody|that|this|a)|update|reschedule|rebook|upgrade|expedite|rush|adjust|drop off|activate|push|bring)\b",
        ),
        request(
            0.8,
            other,
            true,
            r"\b(?:chance|way|wondering if|wondering whether|possible|hoping|hoping that|think|reckon|appreciate it if|great if|nice if|helpful if|good if|idea if|help if|easier if) (?:that )?(?:you|someone|somebody|anyone) (?:could|can|might|would|would be able to|were able to)(?: {ADVERB})*\b",
        ),
        request(0.84, other, true, r"\bwould you be able to(?: {ADVERB})*\b"),
        rule(
            0.8,
            other,
            false,
            r"^(?:(?:so|and|okay|hey) )*mind (?:popping|sending|putting|checking|emailing|moving|changing|taking|dropping|forwarding|getting|bringing|fixing|adding|switching)\b",
        ),
        request(0.84, other, true, r"\b(?:can|could) (?:not )?you(?: {ADVERB})*\b"),
        request(0.75, other, true, r"\bif you (?:could|would|can just|can please|can)(?: {ADVERB})*\b"),
        rule(
            0.8,
            other,
            true,
            r"\b(?:take me off|put me (?:down|through|in|on|back)|get me (?:a|the|out|someone|somebody)|sign me up|hook me up|get (?:someone|somebody) (?:out|here|over)|squeeze me in|take that (?:charge |fee )?off|shut (?:it|the \w+) (?:all )?(?:off|down))\b",
        ),
        rule(
            0.8,
            other,
            false,
            r"^(?:so |and |okay |then )*want to (?:{ACTION}) (?:me|us|that|it|the|over)\b",
        ),
        rule(0.8, other, false, r"\b(?:{ACTION}) (?:{OBJECT})\b.* (?:would|will|can|could) you$"),
        rule(
            0.8,
            nobody,
            true,
            r"\bneeds? (?:chang|fix|sort|repair|replac|updat|correct|clean|look|remov|check|mov|sign|test|resett|paint|adjust|amend|cancel|servic|seal|empty|refill|reword)ing\b",
        ),
        rule(
            0.75,
            other,
            false,
            r"\b(?:if you would not mind|if you do not mind) (?:just |please )*\w+ing\b|\b(?:the|your|my) (?:thing|best thing|best|quickest|easiest|best bet|safest|simplest|quickest way|easiest way|best way|advice|trick)(?: thing| way)?(?: \w+ \w+)?(?: to do)? is (?:to |you |just |if you )*(?:just )?(?:{ACTION}|go)\b|^best thing is (?:to )?(?:{ACTION})\b",
        ),
        rule(
            0.8,
            other,
            false,
            r"\b(?:i|we) (?:will need|need|will have to have|am going to need|are going to need) (?:\w+ ){1,4}?(?:from|off) (?:you|your)\b",
        ),
        rule(
            0.75,
            speaker,
            true,
            r"\byou (?:will|are going to) (?:all |both )?(?:have|get|receive) (?:it|them|that|those|these|a|the|your|my|one) (?:.* )?(?:by (?:\w+day|noon|lunch|lunchtime|tonight|tomorrow|then|five|four|three|the end|end|close|the morning|morning|email|text)|tonight|tomorrow|this (?:afternoon|morning|evening)|today|in your inbox|first thing|within)\b",
        ),
        rule(
            0.75,
            speaker,
            true,
            r"\b(?:will be|is|are) (?:in your inbox|on your desk|in the (?:folder|mail|post)|with you|in your email|over to you|going out(?: to you)?|in your account) (?:by|tonight|tomorrow|today|this|first|before|within|monday|tuesday|wednesday|thursday|friday|now|on)\b",
        ),
        rule(
            0.78,
            speaker,
            true,
            r"^(?:(?:yeah|yes|okay|right|sure|already) )*on it$|\bi am (?:right )?on (?:it|that|this)\b|\b(?:my|our) (?:bit|half|part|job|task|side|end|next step|next steps|first step)(?: of (?:it|this|that))? (?:is|will be) (?:to |i |we |getting |sending |that i |making |going )|\bnext steps? (?:\w+ ){0,3}?(?:is|will be) (?:to|getting|sending|i|we|making|putting|for me|for us)\b|\bgot my name on it\b|\bi will owe you a (?:proposal|quote|draft|copy)\b",
        ),
        rule(
            0.82,
            speaker,
            true,
            r"\b(?:i|we) (?:am|are) (?:{ADVERB} )*(?:doing (?:that|it) (?:now|right|today|tonight|as)|punching|signing (?:that|it|off)|pushing (?:the|it|that)|voiding|knocking|swapping|replacing|upgrading|printing|typing|raising|chasing|rolling|flipping|taking (?:your|the|a)|getting on)\b",
        ),
        let_me(0.9),
        request(
            0.82,
            other,
            true,
            r"\b(?:possible for|ask for|like for) (?:you|someone|somebody|him|her|them) to(?: {ADVERB})*\b",
        ),
        rule(
            0.84,
            other,
            true,
            r"\b(?:can|could) (?:i|we) (?:please |just )?(?:get|have) (?:someone|somebody|a (?:\w+ )?(?:{ROLE})) (?:to|out|here|over|in|down|up)\b",
        ),
        rule(
            0.82,
            other,
            true,
            r"^(?:(?:okay|so|and|then|well|just|please|but|also) )*(?:stop \w+ing|have (?:your|the|that|all|an?) .*(?:ready|handy|with you|available|on hand))\b",
        ),
        rule(
            0.82,
            other,
            true,
            r"\b(?:just|then|please) (?:hit|press|click|tap|select|choose|type|enter|dial) \w+",
        ),
        rule(
            0.82,
            other,
            true,
            r"^(?:(?:okay|so|and|then|well|just|now|maybe|alright|yeah|please|first|also) )*try (?:\w+ing|to (?:{ACTION}))\b",
        ),
        rule(
            0.82,
            other,
            false,
            r"\b(?:would|do) you mind (?:{ADVERB} )*\w+ing\b|\bwhy do not you (?:{ADVERB} )*(?:{ACTION}|go|try)\b|\bi suggest you\b|\bmy advice (?:is|would be) to\b|\bi would (?:suggest|recommend|advise) (?:that )?(?:you|\w+ing)\b|\b(?:it is|would be) (?:best|better|important|recommended) (?:to|that you|if you)\b|\bthe best thing (?:to do|you can do|for you to do) is\b",
        ),
    ]
});

/// A name as the subject: "marcus will put together the slides".
static NAMED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?:^|^(?:okay|so|and|well|then|alright|actually|also|but|yeah) |\b(?:and|so|then|but|doctor|mister|miss|mrs|nurse) )([a-z][a-z']+)(?: (?:from|in|over in|at) \w+)? (?:{ADVERB} )*(?:will|is going to|needs to|has to|should|is) (?:{ADVERB} )*(?:be )?(?:send|email|forward|put|prepare|draft|write|create|open|file|submit|review|check|look into|handle|take|bring|order|schedule|book|update|fix|replace|run|set up|own|finish|present|share|pull|get|drop|pick up|come out|swing by|work on|talk|walk|show|coordinate|print|cover|call|deliver|sending|handling|taking|bringing|coming out|putting|preparing|drafting|running|working on|presenting|build|test|post|collect|confirm|finalize|reach|ship|arrange|sort|meet|help|make|do the|add|install|design|edit|upload|circulate|organize)\b",
    )
});

/// Words that stand where a name would and are none.
static NO_NAME: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:it|this|that|there|he|she|they|you|we|i|what|who|which|everything|nothing|nobody|someone|somebody|anyone|system|app|store|who|everybody|everyone|one|all|car|bill|order|box|package|light|price|thing|screen|card|update|software|payment|how|here|where|when|why|none|these|those|money|service|insurance|medicare|shipping|internet|mail|time|today|tomorrow|problem|issue|company)$",
    )
});
