//! Questions: inverted, indirect and elliptical ones.

use super::confirmation;
use super::elliptical;
use super::normaliser::Sentence;
use super::pattern::Pattern;
use std::sync::LazyLock;

/// Confidence in a sentence that the recogniser or the writer closed with a question mark.
const MARKED: f64 = 0.97;

/// Where a rule's match may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Rules that anchor themselves.
    Anywhere,
    /// Not behind words that make the match a quotation or a subordinate clause.
    NotReported,
}

struct Rule {
    score: f64,
    place: Place,
    pattern: Pattern,
}

/// Returns the confidence that a sentence asks something, if it does.
pub(super) fn score(sentence: &Sentence) -> Option<f64> {
    let text =
        SMALL_TALK.iter().fold(sentence.words.clone(), |text, pattern| pattern.replace_all(&text, " "));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_lead_in(&text);
    if text.is_empty() {
        return None;
    }
    if sentence.asked {
        return Some(MARKED);
    }
    if NO_QUESTION.iter().any(|pattern| pattern.matches(text)) {
        return None;
    }
    let direct = RULES.iter().filter(|rule| rule.applies_to(text)).map(|rule| rule.score);
    direct
        .chain(confirmation::score(&sentence.words, text))
        .chain(elliptical::score(&sentence.words))
        .reduce(f64::max)
}

impl Rule {
    fn applies_to(&self, text: &str) -> bool {
        match self.place {
            Place::Anywhere => self.pattern.matches(text),
            Place::NotReported => self
                .pattern
                .matches_in_context(text)
                .any(|(before, _, _)| !GOVERNED.iter().any(|governor| governor.matches(before))),
        }
    }
}

/// Returns the sentence without the words that only open a turn.
fn without_lead_in(text: &str) -> &str {
    LEAD_IN.find(text).map_or(text, |found| text[found.end..].trim_start())
}

static LEAD_IN: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^(?:(?:okay|alright|all right|well|and|but|yeah|yes|no|right|sure|oh|hey|hi|hello|now|actually|listen|look|see|sorry|excuse me|thanks|thank you|great|good|perfect|cool|gotcha|got it|i see|i guess|like|just|or|also|sir|ma'am|man|dude|wow|good morning|good afternoon|then|because|anyway|anyways|first|first of all|let us see|let me see|um|basically|again|quick|please|real quick|maybe|i understand|fair enough|mm hmm|hold on|wait|one more thing|one last thing|before i forget|before we go|before you go|by the way|out of curiosity|just out of curiosity|to be clear|just to be clear|just to confirm|so)\b ?)+",
    )
});

/// Courtesies in the form of questions.
static SMALL_TALK: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        r"\bhow are you(?: all)?(?: doing| feeling)?(?: today| this morning| this afternoon| this evening| tonight)?(?: sir| ma'am)?$",
        r"\bhow are you(?: all)?(?: doing)?(?: today| this morning| this afternoon| this evening) ",
        r"\bhow are you(?: doing)? (?:i am|my name|thanks|thank you|good)",
        r"\bhow (?:is it going|have you been|is everything|is everybody|are things|is life|do you do|you doing)(?: today| going)?\b",
        r"\bhow (?:was|is) (?:your|the) (?:\w+ )?(?:weekend|day|morning|evening|afternoon|week|holiday|holidays|vacation|trip|weather|family|kids|thanksgiving|christmas)(?: going| been| over there| out there)?",
        r"\bwho (?:knows|cares|would have thought|knew|would have guessed|am i (?:kidding|to \w+))\b",
        r"\b(?:you )?know what i (?:mean|am saying)\b|\bif you know what i mean\b|\byou see what i (?:mean|am saying)\b|\b(?:do )?you know what i (?:mean|am saying)\b",
        r"\byou know what\b|\bguess what\b|\bwhat is up\b|\bwhere (?:was i|were we)\b|\bwhat the (?:heck|hell)$|\bwhat can i (?:say|tell you)\b|\bhow about that$|\bwhat not\b|\bwhat have you\b",
        r"\bwhat (?:do you|is it you|do they|would you|is the word|is it|was it) (?:call|called|i am looking for)(?: it| that| them)?\b|\bhow do (?:i|you) (?:say|put) (?:it|this|that)\b",
        r"\bcan you (?:believe|imagine) (?:it|that|this)\b|\bwould you (?:believe|look at)\b|\bdo not i know it\b|\bwhy not$|\bwhat else is new\b|\bwhat do you know$|\bhow would you like that$|\bwhat did i (?:just )?(?:say|tell you)\b",
    ])
});

/// Sentences that only look like questions.
static NO_QUESTION: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        r"^what an? ",
        r"^(?:do|did|am|can|would|have) (?:i|we|they|you)$",
        r"^what (?:is going to happen|is happening|happens|happened|would (?:really )?help|will help|would be|can happen|helps)\b.*\b(?:is|was) (?:i|we|you|they|it|that|the|a|me|if|he|she)\b",
        r"^was (?:the|my|a) (?:best|worst|first|last|only|same|one|whole|bit|little|lot|good|great|nice)\b",
        r"^(?:is|are|was|does|did) (?:fine|okay|good|great|what|why|how|where|when|because|exactly|very|so|really|too|in|on|at|to|gone|also|just|still|about|pretty|kind|wondering|told|going|supposed|by|definitely|like|for|trying|calling|nice|ridiculous|nothing|me|not (?:working|what|fair|good|right|acceptable|fine|going|how|very|even|really|happy|sure))\b",
        r"^(?:(?:please|just|then) )?(?:{ACTION}) .*(?:will|would|can|could) you$",
        r"^(?:is|was|are|were|will|can|could|would|did|do|does|have|has|had)$",
        r"^which (?:is|was|are|means|would|will|has|i|we|makes|made)\b",
        r"^(?:can|could|would|will) not (?:hear|see|do|say|be|get|find|go|complain|wait|thank|stand|believe|afford|log|even|really|remember|make|come|seem|tell|think|help)",
        r"^had (?:i|you|they|we|it|he|she) (?:known|been|told|not|just|only)\b",
        r"^should you (?:need|have|want|decide|wish|require|encounter|experience|run|get)\b",
        r"^do (?:not|it|that|this|me|what)\b(?: worry| forget)?(?: \w+)*$",
        r"^do (?:your|the)(?: \w+){1,2}$",
        r"^any (?:change|problem|problems|trouble|questions|issues|bother|doubts|worries|concerns)\b.* (?:you|just|give|ring|call|phone|let|shout|drop|come)\b",
        r"^i (?:often |sometimes |do )*wonder (?:about|at) (?:it|that|this|him|her|them)\b",
        r"^is that (?:so|a fact)$",
        r"^(?:the|your) .*\b(?:wants?|needs?|is|are|has) .*please$",
    ])
});

/// What, directly before a match, makes it reported speech or part of another sentence.
static GOVERNED: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        // Reported: "he asked me", "they were like", "i said".
        r"\b(?:asked|asks|asking|said|says|saying|say|told|goes|went|wondered|explained|yelled|wrote|thinking|thought)(?: (?:to )?(?:me|him|her|us|them|you|my \w+|the \w+|to me|to him|to her))?(?: (?:if|whether|that|like|well|okay|hey|hi|sir|ma'am|so|oh|all))*$",
        r"\b(?:am|is|are|was|were|be) (?:just )?(?:like|all)(?: (?:hey|well|okay|so|dude|wait|oh))*$",
        // Embedded: "i know", "depends on", "no idea".
        r"\b(?:know|knew|knows|see|saw|understand|understood|sure|idea|tell|told|check|find|found|figure|figured|out|show|shows|showed|remember|matter|matters|about|of|wonder|wondered|on|from|to|for|with|by|exactly|clue|care|forget|forgot|learn|hear|heard|ask|asked|guess|believe|realize|realized|explain|explains|explained|discuss|discussed|decide|decided|mentioned|recall|certain|is|was|that|understanding|into|at|amazed|surprised|regardless|reflects|determine|determines|confirm|imagine)$",
        // A clause's own subject or object before the auxiliary: "all i can do", "the way i did", "nor do i".
        r"\b(?:nor|neither|as|than|only|all|everything|anything|nothing|whatever|whichever|best|least|most|i|you|we|they|he|she|the|a|an|my|your|not|really|usually|normally|generally|often|sometimes|typically|mostly|always|already|never|who|which|that|what|where|why|once|how|to|if|when|because|will|would|can|could|should|might|may|must|do|did|does|have|has|had|am|are|were|been|also)$",
    ])
});

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let anywhere =
        |score, pattern: &str| Rule { score, place: Place::Anywhere, pattern: Pattern::new(pattern) };
    let not_reported =
        |score, pattern: &str| Rule { score, place: Place::NotReported, pattern: Pattern::new(pattern) };
    vec![
        // Question words. At the start any auxiliary will do; further on only an inverted pronoun or "do" shows it.
        anywhere(
            0.93,
            r"^(?:what|where|when|why|how|who|whose|whom)(?: (?:else|exactly|on earth|the heck|the hell|in the world|then|again|specifically))? (?:{AUXILIARY}|happened|happens|made|makes|seems|brings|caused|took|kind|type|sort|time|else|about|came|come|size|color|brand|model|day|date|number|percentage|part|went)\b(?: not)?",
        ),
        anywhere(
            0.9,
            r"^(?:how (?:come|long|much|many|often|soon|far|late|early|big|old|fast|quickly|bad|about|hard|likely|heavy|tall|wide|high|exactly)|what if|why not|what now|which one|which of|since when|what (?:time|day|date|days|hours|number|address|name|plan|plans|size|color|model|company|bank|part|page|form|forms|documents|paperwork|information|percentage|rate|price|amount|website|email|phone|version|browser|month|year|room|floor|street|city|state|options|payment|insurance|airline|gate|terminal|department|extension|medication|dose|symptoms|error|message|kinds|types|other|side|store|branch|account|card|things|sort|kind|type|steps|fees|charges|numbers|brand|questions)(?: of \w+)? (?:do|does|did|is|are|was|were|can|could|should|would|will|have|has)\b|which \w+ (?:do|does|did|can|should|would|will|is|are)\b|which \w+ \w+ (?:do|does|did|can|should|would|will|is|are)\b|whose \w+ (?:is|are|was)|why (?:the|does|is|are))\b",
        ),
        not_reported(
            0.9,
            r"\b(?:what|where|when|why|how|which|whose|who)(?: (?:else|exactly|on earth|time|day|kind of \w+|type of \w+|sort of \w+|one|ones|plan|number|address|date|name|size|color|part|model))? {AUXILIARY}(?: not)? (?:i|you|we|they|he|she|it|there)\b",
        ),
        not_reported(
            0.88,
            r"\b(?:what|where|when|why|how)(?: (?:time|day|else|much|many|long|often|far|soon))? (?:do|does|did|would|should|can|could) (?:{DETERMINER}|this|that|i|you|we|they|he|she|it|one|somebody|someone|people)\b",
        ),
        not_reported(
            0.8,
            r"\bhow (?:long|much|many|often|soon|far|late|early|big|old|quickly)(?: \w+){0,3} (?:{AUXILIARY})(?: not)? (?:{PRONOUN}|{DETERMINER})\b",
        ),
        not_reported(
            0.8,
            r"\b(?:what|where|why|how) (?:is|are|was|were|about) (?:the|my|your|this|that|our|going|up|wrong)\b",
        ),
        not_reported(
            0.75,
            r"\b(?:how come|how about|what about|what if|which one is|what happens (?:if|when)|why is|why are|why was|what happened)\b",
        ),
        anywhere(
            0.75,
            r"\b(?:for what|says who|like what|with who|until when|from where|by when|to where|to who|and then what|since when|or when|as in what|how much|for how long|how so|how come|why is that|which one|on what)$",
        ),
        anywhere(
            0.85,
            r"^who (?:\w+(?:s|ed)|sent|made|took|put|did|gave|told|pays|runs|does|came|left|paid|let)\b",
        ),
        not_reported(
            0.72,
            r"\b(?:is|was) (?:that (?:something|okay|included|covered|normal|correct|possible|allowed|free|per|how|what|where|when|your|every)|it (?:okay|possible|normal|included|worth|safe|covered|still|true|too|per|every|free|going to|supposed|me))\b",
        ),
        anywhere(
            0.78,
            r"\b(?:let me get this straight|so i have (?:it|this|that) straight|make sure i (?:understand|understood|got|have) (?:this|that|it|you)|what i (?:want|wanted|need) to (?:know|ask|find out) is|what i am (?:really |actually )?after is (?:the|what|how|if|whether|some idea|an idea)|what you are (?:saying|telling me) is|i did not (?:quite )?(?:catch|get) (?:if|whether|what|when|where|who|how)|if i could just ask|(?:would|do) not happen to|^(?:do you )?(?:think|reckon) you (?:could|can|might)|^(?:would you |do you )?mind \w+ing)\b",
        ),
        anywhere(0.7, r"^(?:the |a )?[a-z]{4,} or (?:the |a )?[a-z]{4,}$"),
        anywhere(
            0.7,
            r"^(?:the|your|in|on|by|with|for|at) (?:\w+ ){1,3}or (?:the|your|in|on|by|with|for|at) \w+(?: \w+)?$",
        ),
        anywhere(
            0.78,
            r"\bi (?:am|guess i am|suppose i am) (?:just |really |kind of )*asking (?:is|are|do|does|can|if|whether|what|how|why|when|will|would|did)\b|^(?:no idea|idea|not sure|do not know|i am not sure|i do not know|i have no idea|not certain) (?:am|do|does|is|are|should|can|will|would|did) (?:i|it|we|they|that|the|this|you|he|she|my) \w+|^(?:sorry )?(?:come|say that(?: \w+){0,3}|say) again$|\bwhat (?:i|we) (?:am|are|do|can|did) not (?:getting|get|understand|see|follow|understanding|seeing|following) is (?:how|why|what|who|where|when|if|whether)\b|\b(?:worry|concern|question|query) is (?:will|would|can|could|do|does|did|is|are|should|what|how|why|when|if|whether) \w+|\b(?:issue|problem) is (?:will|would|can|could|do|does|did|should) (?:it|i|we|they|the|you|he|she|my)\b|^(?:about|roughly|approximately|around|exactly) (?:how|what|when|where)\b|^which (?:\w+ )?(?:\w+ )?(?:goes|go|covers|cover|works|work|comes|applies|takes|runs|stops|leaves|fits|suits|opens)\b",
        ),
        not_reported(
            0.75,
            r"\b(?:what|who|which) (?:comes|happens|goes) (?:next|first|then|after|now)\b|\b(?:now|then|so) what$|\byou have any$|\bis that (?:under|covered|before|after|extra|normal|in the|on the|on top)\b|\b(?:should|could|would|does|did|do|has|have|will|can) not (?:the|it|that|there|they|he|she|we|i|you|my|your) \w+",
        ),
        anywhere(
            0.7,
            r"^any (?:\w+ ){1,3}(?:today|at all|with you|this time|on your end|your end|so far|yet|at home)$",
        ),
        anywhere(0.75, r"\bmake sure (?:is|are|do|does|did|will|can) \w+ \w+"),
        anywhere(
            0.8,
            r"^thoughts\b|\b(?:trying to (?:just )?get (?:a|an) (?:feel|sense|idea|handle|picture)|keen to (?:know|hear|find out|understand)|(?:i|we) do not suppose (?:you|there|that)|hoping (?:you|someone|somebody) (?:can|could|would|might) (?:tell|know|explain|help me (?:understand|figure)|answer|clarify|shed)|i would be curious|interested (?:to know|in knowing|to hear)|if you do not mind (?:me|my) asking)\b",
        ),
        anywhere(
            0.8,
            r"\b(?:thing|part|what|bit) (?:that )?(?:i|we) (?:\w+ )?(?:do not|can not|never|did not) (?:\w+ )?(?:get|understand|follow|see|figure out) is (?:what|why|how|who|where|when|if|whether)\b|\bthe (?:thing|part|bit) (?:that )?(?:i|we) (?:\w+ )?(?:can not|could not|did not|do not) (?:\w+ )?(?:work out|make out|tell|remember|find) is (?:what|why|how|who|where|when|if|whether)\b|\bnot clear to me is\b|\bi am (?:not clear|unclear) (?:on|about|what|how|why|if|whether|who)\b",
        ),
        // Auxiliary first.
        anywhere(
            0.93,
            r"^(?:do|does|did|can|could|would|will|should|shall|is|are|am|was|were|has|may|might|have)(?: not)? (?:you|we|they|he|she|there|anyone|anybody|somebody|someone|i|everyone)\b",
        ),
        anywhere(
            0.9,
            r"^(?:does|can|could|would|will|should|is|was|has|were|are|did)(?: not)? (?:it|this|that|these|those)\b(?: \w+)",
        ),
        anywhere(
            0.9,
            r"^(?:does|did|is|are|will|can|could|should|would|has|were|may)(?: not)? (?:the|my|your|our|his|her|their|any|all|every|those|these|each|everything|everybody|either|both)\b",
        ),
        anywhere(
            0.88,
            r"^(?:is|are|does|did) \w+ \w+|^have (?:my|the|your|our|any|those|these|his|her) \w+ (?:\w+ )?(?:\w+ed|come|been|gone|got|arrived|done|shown|sent)\b|^(?:can|could|will|would|do|was|were) (?:an?|some|people|most|other|new|one|two|customers|kids|children) \w+",
        ),
        anywhere(0.85, r"^do (?:the|my|your|our|his|her|their|these|those) (?:\w+ )?\w+s (?:not )?\w+"),
        anywhere(0.85, r"^(?:was|were) (?:the|my|your|there|that|it|this) \w+ \w+"),
        not_reported(0.85, r"\b(?:can|could|would|will|do|did|are|should|were) (?:not )?you (?:\w+)"),
        not_reported(
            0.8,
            r"\bhave you (?:ever|already|tried|had|got|been|guys|thought|checked|heard|considered|received|noticed|changed|seen|given|made|looked|taken|used|done|spoken|talked|gotten)\b",
        ),
        not_reported(0.85, r"\b(?:can|could|may|should|shall|did|do|am) i (?:\w+)"),
        not_reported(0.8, r"\b(?:(?:do|can|did|should|could|are|shall) we|(?:do|did) they) (?:\w+)"),
        not_reported(
            0.8,
            r"\b(?:(?:does|did) (?:it|that|this|he|she|they|anyone|anybody|somebody|someone)|(?:has|will) (?:it|this|he|she|they|anyone|anybody|somebody|someone)) \w+",
        ),
        not_reported(
            0.8,
            r"\bis there (?:a|an|any|anything|anyone|anybody|another|some|something|someone|somebody|like|still|no)\b",
        ),
        not_reported(
            0.75,
            r"\b(?:and|but|so|or|then|because|okay|yeah|thanks|now|well|today|yesterday|tomorrow|week|month|day|number|order) (?:is|are|was|were|will|would|could|has|does|did) (?:it|that|this|they|there|these|he|she|the|my|your)\b \w+",
        ),
        anywhere(
            0.8,
            r"\bor (?:is|are|do|does|did|should|can|will|would|was|am|has|could|have) (?:it|i|you|we|they|there|that|this|the|my|he|she)\b",
        ),
        // Something other than the auxiliary was dropped.
        anywhere(
            0.88,
            r"^(?:any (?:idea|chance|way|luck|word|update|updates|news|eta|clue|possibility|progress|thoughts|questions|concerns|particular|reason|other|more|changes|allergies|pain|history|plans|preference|special|issues|problems|openings|availability|discounts|trouble|alternative|room|specific|medications|additional|new|further|response|damage|injuries|sign|signs|lights|kids|pets|recent|symptoms|feedback|extra|objections|interest|movement|fees)|anything else|anything (?:i|we|you|new|special|specific|in particular|available|sooner|earlier|cheaper|like that)|anyone else|anybody (?:else|there|home)|something else|everything (?:okay|alright|good|all right)|all (?:good|set) (?:there|now|then)|mind if|mind (?:\w+ing)|care to|care for|need anything|need any|want me to|want us to|want to|need me to|like me to|ever (?:tried|thought|had|been|used|considered|heard)|ready to|okay if|okay to|alright if|possible to|sound good|make sense|sounds? (?:good|fair|right) to you|got (?:a|any|your|the|time)|good time|still (?:there|with me|want|need|having)|you there|not sure if you|no (?:chance|way) (?:of|you|i|to)|wonder if)\b",
        ),
        not_reported(0.8, r"\bany (?:idea|chance|way|luck) (?:\w+)"),
        anywhere(0.85, r"\b(?:is there|was there) any\b"),
        // Indirect.
        not_reported(
            0.88,
            r"\b(?:i|we) (?:was|am|were|are)? ?(?:just |kind of |also |really |more |still |actually |simply )*(?:wondering|curious|wonder)\b",
        ),
        anywhere(0.88, r"^(?:was |am |were )?(?:just |kind of )?(?:wondering|curious)\b"),
        not_reported(
            0.85,
            r"\b(?:i|we) (?:would |just |really |also |kind of |still |actually |do |did )*(?:like|love|want|wanted|need|needed|(?:was|am|were|are) (?:just |really |kind of |still |also |only )?(?:hoping|trying|looking|calling|ringing|phoning|emailing|writing|chasing|ringing up|ringing back|phoning up|on)|called|calling|ringing|phoning|rang|phoned) (?:to |in to )?(?:just |also |really |kind of |maybe |first )*(?:know|ask|find out|figure out|see (?:if|whether|what|how|about|when|where|which|why|who)|check (?:if|whether|on|about|to see|and see)|inquire|enquire|understand (?:why|what|how|if)|get an idea|get a sense|get an update|confirm (?:if|whether)|clarify)\b",
        ),
        anywhere(
            0.85,
            r"^(?:calling|ringing|phoning|checking|trying|looking|wanted|hoping|needed|need)(?: (?:just|in|back|you))* to (?:see (?:if|whether|what|how|about|when|where)|know|find out|figure out|ask|check (?:if|whether|on))\b",
        ),
        not_reported(
            0.8,
            r"\b(?:i|we) (?:am|was|are) (?:just )?(?:checking|seeing|asking|calling) (?:to see |in )?(?:if|whether|why|how|what|when)\b",
        ),
        anywhere(
            0.85,
            r"\b(?:my|another|other|next|only|last|first|real|big|one|main|second) (?:\w+ ){0,2}?question(?:s)?(?: (?:\w+ ){0,4}?)?(?: ?(?:is|was|would be|are|being))\b",
        ),
        anywhere(
            0.8,
            r"\b(?:i|we) (?:do |just |also |still |did )*(?:have|got) (?:\w+ ){0,3}?questions?\b|\b(?:i|we) had (?:\w+ ){0,3}?questions? (?:about|on|for|regarding|with)\b|^question\b|^quick question|\bquestion for you\b",
        ),
        anywhere(
            0.85,
            r"^(?:can |could |would )?(?:you )?(?:tell me|explain to me|explain|remind me|help me understand|help me out here|walk me through|give me an idea|talk me through|let me ask you|refresh my memory|enlighten me) (?:what|how|if|whether|when|where|which|who|why|about|again|this|something|a little|more|the)\b",
        ),
        not_reported(
            0.75,
            r"\b(?:tell me (?:what|how|if|whether|when|where|which|who|why)|help me understand|let me ask you|remind me (?:what|how|when|where|who|which))\b",
        ),
        anywhere(
            0.8,
            r"^you (?:do not |would not )?(?:know (?:if|whether|what time|how much|how long|how many|who|anything about|any|anybody|anyone|where|when they|when it|when the|what the|which|how to|the (?:address|number|name|date))|happen to|mind|by any chance|think (?:it|that|i|we|you|this|they|there|the|he|she|maybe)|mean|sure|ever|remember|recall|reckon|suppose|wanna)\b",
        ),
        anywhere(0.8, r"\b(?:you do not happen to|by any chance|do you happen|have any idea)\b"),
        anywhere(
            0.7,
            r"\b(?:i am not sure|not sure|i do not know|not certain) (?:if|whether) (?:you|that is something|this is something|there is|it is possible|i can|i need|i should|i am supposed|this is the right|you are the right)\b",
        ),
    ]
});
