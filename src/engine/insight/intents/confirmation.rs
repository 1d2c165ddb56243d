//! Statements that ask to be confirmed: tagged ones, and those that intonation alone makes a question.

use super::pattern::Pattern;
use std::sync::LazyLock;

/// Returns the confidence that a statement asks to be confirmed, if it does.
///
/// `whole` is the sentence, `text` the same without the words that only open a turn.
pub(super) fn score(whole: &str, text: &str) -> Option<f64> {
    let tagged = TAGS.iter().any(|tag| tag.matches(whole)) && !NO_TAG.matches(whole);
    let tagged = tagged.then_some(0.85);
    let opened = OPENED.iter().filter(|(_, rule)| rule.matches(whole)).map(|(score, _)| *score);
    let stated = STATED.iter().filter(|(_, rule)| rule.matches(text)).map(|(score, _)| *score);
    if STATEMENT.matches(text) {
        return tagged;
    }
    tagged.into_iter().chain(opened).chain(stated).reduce(f64::max)
}

/// What hangs a question on a statement's end.
static TAGS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    Pattern::all(&[
        r"\w+ \w+ (?:right|correct|huh|eh|am i right|is that right|is that correct|is that it|is that okay|if that is okay|yes or no|or no|or not|or what|or nah|true or false|is that so|is that possible|would that work|does that work|does that make sense|does that sound right|you think|do you think|you know if|or|i take it|i assume|i presume|i hear|or mine|or yours|or ours)$",
        r"\w+ \w+ \w+ yeah$",
        r"^(?:(?:okay|so|and|oh) )*(?:so|you|your|the|that|it|we are|there|this) .*\w+ then$",
        r"^(?:\w+ ){3,}(?:is it|was it|is that|are you|were you|do you|did you|is there|are they|have you)$",
        r"^(?:\w+ ){2,}(?:does|do|did|can|could|would|will|has|have|had|is|was|are|were|should) (?:he|she|they|we|you)$",
        r"^(?:\w+ ){2,}(?:does|did|could|would|will|has|had|was|should) it$",
        r"\bis that (?:you|him|her|yours|mine|us|me)$|\bthere (?:is|are|was|will be) .* not there$",
        r"^(?:and |so |but )*(?:there|it|that|you|they|we) (?:is|are|do|does|have|will|can|would) (?:not|no)\b.* no$",
        r"\b(?:is|are|do|does|did|was|were|has|have|can|could|would|will|should) not (?:it|you|they|we|i|he|she)$",
        r"\bnot\b.* (?:(?:is|are|does|did|was|were|has|can|could|would|will) (?:you|they|we|i|he|she|there)|(?:is|are|does|was|were|has|could|would|will) it|(?:is|does|was|would|will) that|do (?:you|they|we|i))$",
    ])
});

/// Ends that only look like tags: "that is right", "turn right", "i said no".
static NO_TAG: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"\b(?:that is|you are|is|are|was|be|been|all|the|not|just|it|done|sounds|sound|exactly|quite|works|turn|my|your|seem|seems|look|looks|me|go|to the|on the|everything|done|absolutely|totally|feel|about|say|said|says|until|till|since|even|every now and|a|hard|oh|no|yeah|yes|okay|well|probably|them|of|there|fixed|things|this) (?:right|correct|no|yes|yeah|or|then)$|^(?:let|give|call|send|text|please|i) .* yeah$|\b(?:minute|moment|second|as|soon as|once|when|until|till|what|all|if|than|that|everything) i hear$|\b(?:so|nor|neither|than|as|what|how|where|why|who|when|whatever|all|that|which|everything|anything|nothing|to|let) \w+ (?:he|she|they|we|you|it)$|\b(?:if|as|than|know|sure|see) (?:\w+ )*\w+ (?:i|you|he|she|they|we|it) (?:do|does|did|can|could|would|will|have|had|are|is|was) \w+$|^(?:what|how|where|why|who|when)\b.* (?:he|she|they|we|you|it)$|\bme .* then$|\b(?:to|let|can|will|would|should|could|we|i|they|what|how|that) (?:do|have|did|is|are) (?:you|it|they|there)$|^(?:oh |okay |yeah |no |yes |well |uh |all |that is |alright |right )*(?:right|yeah|yes|no|huh)$|\bif (?:i|that|it|you) \w+.* (?:right|correct)$|\b(?:whether|if) .* or not$|\bnot (?:right|correct)$|\blike it or not$|\bbelieve it or not$|^(?:yes|yeah|no|right) .* (?:yes|yeah|no)$|\b(?:will|shall|please|let us|let me|thanks|thank you|bye|great|perfect|good|fine|going to|should|would|by|from|no|was|were|did|had)\b.* then$|\b(?:what|where|how|who|whatever) (?:it|that|this|you) (?:\w+ )?(?:is|are|was) (?:it|that)$",
    )
});

/// Statements that are none of that whatever stands in them.
static STATEMENT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"^you (?:\w+ )?(?:have a (?:think|good|nice|great|seat|look|point)|would think|never|keep|kept|should|have to|need to|owe|told|said you|charged|are all set|are good to go|are welcome|are right|are on hold|have been (?:\w+ )?(?:great|helpful|charging|promising|telling)|got to be|must|sent me|lost|promised|sold me|are (?:not )?(?:listening|going to (?:see|get|have|want|need|be)|supposed|kidding|wasting|killing|lucky|the (?:third|second|fourth|fifth|first|best|only)))\b|^you want (?:me )?to (?:make sure|be careful)\b",
    )
});

/// Openings that draw a conclusion for the other side to confirm. "so" and "and" carry the meaning here.
static OPENED: LazyLock<Vec<(f64, Pattern)>> = LazyLock::new(|| {
    let rule = |score, pattern: &str| (score, Pattern::new(pattern));
    vec![
        rule(
            0.68,
            r"^(?:okay |alright |oh )*(?:so|and|but) (?:the|my) \w+(?: \w+)? (?:does not|will not|would not|stays|stay|do not|still (?:gets|goes|applies|has to|works|counts))\b.* (?:if|when|unless|even|the same|as long|once|for the|until|either)\b",
        ),
        rule(
            0.78,
            r"^(?:(?:oh|okay|alright|yeah|no|so) )*wait (?:so |but |and )?(?:i|it|that|this|there|you|they|we|the|my)\b",
        ),
        rule(
            0.75,
            r"^(?:(?:oh|okay|alright|yeah|no|wait|but|and) )*so (?:\w+ )?(?:i|we) (?:do not (?:have|need) to|do not need (?:a|an|any|the|my|that)|will not|would not|would (?:still |only |just |then )?(?:have to|need to|be|get|pay|owe|lose)|can (?:still|just|keep|use|return|cancel)|should (?:be|just|still|not)|still (?:have to|get|need to|owe|pay|would)|am (?:still|covered|good|locked|being|going to (?:be|have to|lose|owe|get)|not (?:going|getting|covered|able|eligible))|have to (?:pay|wait|send|call|come|go|drive|buy|start|do|bring|file|mail|return|be|wear|take|give))\b",
        ),
        rule(
            0.72,
            r"^(?:(?:oh|okay|alright|yeah|no|wait|but|and) )*so (?:that|it|this|the whole thing|the whole \w+|the total|the (?:fee|price|rate|cost|deductible|copay|warranty|refund|credit)) (?:is |will be |would be |is going to be |are )(?:\w+ )?(?:free|included|covered|extra|separate|per|before|after|including|under|over|nothing|about|around|good|a (?:one|monthly|yearly|flat|separate|different)|on top|the same|still|with|without|not|going to|due|back|waived|gone|automatic|tax|refundable|by)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:oh|okay|alright|yeah|no|wait|but) )*(?:so (?:that|it|this)|and that) (?:covers|includes|comes with|means|would mean|would|does not|goes (?:on|to|through)|applies|works (?:with|on|for)|will not|will cover|will include|will still|runs|starts|still)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:oh|okay|alright|yeah|no|wait) )*(?:so|and|but) there (?:is|are|will be|would be) (?:no|not|nothing|never) (?:\w+ ){0,3}?(?:fee|fees|charge|charges|cost|costs|penalty|penalties|contract|interest|catch|deductible|copay|limit|limits|obligation|commitment|way (?:to|of|around|you|i)|minimum|waiting|guarantee|refund|refunds|discount|discounts|hidden|other|extra|additional|tax|late|down|wait|age|credit|strings)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:oh|okay|alright|yeah|no|wait) )*and (?:that|it|this) is (?:still |all |just |only |also |really |going to be |with |not )*(?:per|a month|a year|each|free|included|covered|including|before|after|with|without|plus|for (?:the|all|both|each|everyone|one|two|a)|extra|separate|refundable|good (?:for|until|through)|on top|the same|at no|no (?:charge|extra|cost)|monthly|yearly|one way|round trip|nonstop|guaranteed|in (?:network|stock)|your|under (?:the|your|warranty)|every|tax|due)\b",
        ),
        rule(
            0.72,
            r"^(?:(?:oh|okay|alright|yeah|no|wait) )*(?:so|and) you (?:do not|did not|will not|can not|are not|have not|can|could|would|will) (?:still |just |also |actually |really )?(?:have (?:any|a|the|one|it|that)|carry|take|offer|do (?:that|it|any)|charge|deliver|cover|ship|know|need|see|want|accept|allow|match|bill|get any|open|any|remember|refund|honor|waive|guarantee|hold it|come to|changed|received|moved|noticed|made)\b",
        ),
        rule(
            0.7,
            r"^(?:okay |alright |right )*(?:and|so) (?:the|your) (?:\w+ ){1,3}?(?:is|are) (?:\w+ )?(?:the same (?:price|cost|as|for)|free|included|extra|separate|covered|allowed)\b",
        ),
        rule(
            0.7,
            r"^(?:okay |alright |so )*and my (?:\w+ ){1,3}?(?:is|are) (?:\w+ )?(?:covered|included|safe|good|okay|fine|protected|refundable|part of)\b",
        ),
        rule(
            0.68,
            r"^(?:okay |alright )*(?:and|so|but) (?:and |so )?(?:say|if) (?:i|we) .*\b(?:there is|it is|that is|i get|is still|are still|i still|i lose|i will lose|i can|i would|no penalty|it would|is fine|i have to|it goes|it just|we get|we lose|that will|it will)\b",
        ),
        rule(
            0.68,
            r"^(?:okay |alright )*(?:and|so) you have (?:not|never|already|ever|done|tried|spoken|seen|had any|had the|been)\b",
        ),
        rule(0.7, r"^(?:okay |alright |and )*(?:your|the) (?:\w+ ){1,5}please$"),
        rule(
            0.68,
            r"^(?:and|so|okay|sorry|but) .* or (?:before|after|from|is|it is|back|only|separate|extra|they are|you|just)\b",
        ),
        rule(
            0.7,
            r"^(?:okay |alright |and |so |then |um )*(?:and )?(?:your|the last|the first|the full|the best|a good|the name|the phone|the email|the zip|the account|the policy|the member|the order|the card|the serial|the billing|the mailing|what your|the date)(?: (?:full|first|last|middle|billing|mailing|shipping|home|current|email|phone|cell|account|policy|member|order|zip|social|security|date|of|birth|best|callback|contact|confirmation|card|serial|model|license|plate|group|id|reference|claim|name|names|address|number|code|numbers|digits|four|six|five|two|three|time|day|way|to|reach|and|insurance|call|back|tracking|expiration|exact|mobile|company|job|title|the|number's|for|you))*(?: (?:on|of|for|is|associated with|listed on|with) (?:the|your|this|file|that)(?: \w+)?)?(?: is)?(?: please| sir| ma'am| again)?$",
        ),
    ]
});

/// Statements about the other side, who knows better.
static STATED: LazyLock<Vec<(f64, Pattern)>> = LazyLock::new(|| {
    let rule = |score, pattern: &str| (score, Pattern::new(pattern));
    vec![
        rule(
            0.7,
            r"^you have not (?:traveled|travelled|changed|moved|noticed|experienced|taken|eaten|tried|had any|been (?:in|to|outside|diagnosed|exposed|told)|missed|lost|switched|signed|opened|installed|downloaded|updated|shared|started)\b",
        ),
        rule(0.7, r"^(?:the|my|your) \w+(?: \w+)? (?:that|it) is (?:included|covered|extra|free|separate)$"),
        rule(
            0.72,
            r"^you do (?:have|offer|take|accept|know|still|deliver|allow|ship)\b|^you do \w+ (?:as well|too|also|and)\b|^you are taking (?:new|any|walk)\b",
        ),
        rule(
            0.7,
            r"^you would (?:be (?:\w+ing|able to)|not (?:have|know|happen|be able|do|be))\b|^you have (?:already )?(?:had a (?:look|go|read|chance)|looked|rung|spoken to|been (?:on to|onto|in touch|in to))\b",
        ),
        rule(
            0.8,
            r"^(?:and |so )*you (?:are|were) (?:saying|telling|asking|suggesting|open|closed|calling|sure|certain|positive|talking|having (?:trouble|issues|problems|any|a hard)|interested|referring|experiencing|looking (?:for|to|at)|trying to|not able|unable|still (?:having|seeing|using|at|living|interested|open|with|there|on|working|getting)|the (?:account|policy|card|primary|only|owner|one (?:who|on|that|with|calling))|located|available|allergic|currently|hoping|wanting|in (?:the|a|front)|at (?:home|work|the)|near|familiar|aware|using|running|seeing|getting (?:an|a|the) (?:error|message)|on (?:a|the) (?:\w+ )?(?:plan|phone|computer|device|wifi|wi fi|iphone|android))\b",
        ),
        rule(
            0.72,
            r"^you (?:still |also )?(?:take (?:walk|card|cards|cash|credit|debit|insurance|medicaid|medicare|amex|american|apple|checks|new|appointments|trade|trades|returns|my|paypal|reservations|online|\w+ (?:insurance|cards|card))|accept|carry|stock|deliver|ship to|service (?:my|the|our)|price match|work on|handle|do (?:free|same|house|online|walk|military|repairs|installs|delivery|weekends|estimates|refunds)|sell|offer|provide|repair|fix|open (?:on|at|early|late)|stay open|close (?:at|early))\b",
        ),
        rule(
            0.78,
            r"^you (?:still |also |already |just )*(?:have|got|need|want|wanted) (?:a|an|any|anything|the|your|that|another|me|us|it|to|this|some|someone|somebody|kids|pets|internet|time|access|insurance|something)\b(?: \w+)*? (?:with you|handy|available|in front of you|on you|nearby|ready|yet|or|today|as well|too|instead|on file|at home|there|right now)\b",
        ),
        rule(
            0.75,
            r"^you (?:still )?(?:have|got|need) (?:any|anything|kids|pets|a minute|a second|a pen|a moment|time|something to write|a preference|another|help|me to|a copy)\b",
        ),
        rule(
            0.75,
            r"^you (?:want|wanted|need|needed) (?:me|us|anything|any|that (?:in|for|on|with|sent|delivered|mailed)|it (?:in|for|on|with|sent|delivered|mailed|to go)|this (?:in|for|on|with|sent)|the same|someone|somebody to)\b",
        ),
        rule(
            0.75,
            r"^you (?:want|need|prefer|like|would prefer|would rather|would like|going|paying|using|looking|wanted|are|get|mean)\b.* or (?:just |maybe |more |rather |like )?(?:the|a|an|is|not|something|to|in|on|by|at|for|what|another|keep|go|do|with|one|two|three|four|monthly|\w+)\b",
        ),
        rule(
            0.7,
            r"^you (?:ready|free|available|interested|coming|going to be (?:home|around|there|available)|planning|looking|calling|having|getting|seeing|feeling|trying|using|still there|still with me|okay with|good with|guys|alone|familiar|able to|with me)\b",
        ),
        rule(
            0.7,
            r"^you (?:have |already |also |did )*(?:tried (?:a|the|to (?:restart|reset|unplug|turn|log|clear)|turning|unplugging|restarting|resetting|clearing|re|logging|another|using)|checked|restarted|rebooted|unplugged|looked (?:in|at|under|on)|not (?:change|get|receive)|never (?:got|received))\b",
        ),
        rule(
            0.7,
            r"^(?:it|that|there|this|they|he|she) (?:is |are |has |will )?(?:not )?(?:\w+ )*(?:is it|is there|will it|does it|do they|are they|has it|did it|was it)$",
        ),
    ]
});
