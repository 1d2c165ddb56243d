//! Classes of words that several rules share.

/// A class's name as templates write it, and its alternatives. A class may not name another one.
pub(super) const CLASSES: [(&str, &str); 13] = [
    (
        "PRONOUN",
        "i|you|we|they|he|she|it|there|this|that|these|those|anyone|anybody|someone|somebody|everyone",
    ),
    (
        "DETERMINER",
        "the|a|an|my|your|our|his|her|their|its|any|some|all|both|every|each|either|those|these|another",
    ),
    ("AUXILIARY", "do|does|did|can|could|would|will|should|shall|is|are|am|was|were|have|has|had|may|might"),
    (
        "ADVERB",
        "just|also|then|probably|definitely|certainly|gladly|happily|personally|quickly|actually|really|still|now|\
         first|maybe|simply|always|at least|for sure|immediately|right away|of course|likely|obviously|most likely|\
         go ahead and|go on and|go and|come and|try and|try to|be able to|have to|need to|be sure to|make sure to|\
         be happy to|be glad to|both|all|today|tomorrow|again|either|further|manually|kindly|please|only|so|\
         here|basically|honestly|literally|finally|sure|absolutely|automatically|temporarily|you know|like|real quick",
    ),
    (
        "FUTURE",
        "will|shall|(?:am|are|is) (?:just )?(?:going|fixing|about|ready) to|(?:am|are|is) (?:just )?gonna|have to|has to|need to|needs to|must|\
         ought to|should|(?:am|are|is) planning (?:on|to)|plan to|plan on|promise to|intend to",
    ),
    // People and groups that act for a company or a caller.
    (
        "ROLE",
        "team|teams|technician|technicians|tech|guy|guys|crew|adjuster|nurse|doctor|physician|provider|office|department|warehouse|manager|\
         managers|supervisor|agent|rep|reps|representative|driver|drivers|plumber|electrician|engineer|engineers|\
         engineering|developer|developers|support|billing|finance|legal|marketing|accounting|shipping|pharmacy|\
         pharmacist|lawyer|attorney|accountant|vendor|underwriter|underwriting|underwriters|specialist|colleague|\
         colleagues|assistant|landlord|contractor|inspector|courier|carrier|bank|branch|dispatch|dispatcher|\
         installer|sales|procurement|hr|partner|wife|husband|boss|lender|broker|hotel|airline|assessor|painter|handyman|fitter|builder|roofer|surveyor|solicitor|lads|lad|garage|locksmith|cleaner|gardener|electricians|carpenter|dentist|hygienist|vet|caseworker|clerk|council|recruiter|\
         counselor|advisor|adviser|analyst|director|secretary|receptionist|front desk|back office|folks|people|\
         lab|hospital|mechanic|concierge|planner|expert|staff|group|consultant|administrator|\
         admin|architect|designer|coordinator|operator|scheduler|claims|security|facilities|maintenance|operations|\
         product|it department|person|man|lady|woman|mailroom|kitchen|\
         logistics|depot|retailer|manufacturer|treasurer|trainer|teller|officer|field tech|team lead|lead",
    ),
    (
        "INDEFINITE",
        "somebody|someone|one of us|one of them|one of our \\w+|somebody else|someone else|anyone",
    ),
    // What an action item's verb is not: being, having, feeling, happening.
    (
        "STATIVE",
        "be|been|being|have|had|has|see|seen|need|want|like|love|hate|know|think|believe|hope|guess|never|not|no|miss|lose|\
         stay|live|die|pass|expire|end|happen|occur|hear|feel|understand|remember|recall|owe|cost|admit|say|regret|\
         mean|seem|appear|look like|sound|matter|depend|belong|own|fit|last|remain|sit|stand|wait$|wait (?:for|until|till|and|on|here|in)|hold on|hold$|hold for|bet|enjoy|\
         prefer|wish|notice|realize|find out|find that|get (?:used|to|in|there|home|back|charged|billed|paid|sick|better|worse|old|mad|angry|tired|stuck|lost|hit|fined)|receive|make it$|make it to|take (?:the \\w+ one|it$|that one|two|three|one|the (?:blue|red|black|white|large|small|medium|first|second|cheaper)|the \\w+ (?:size|option|seat))|run out|run into|run late|come with|come in|come from|come out to|\
         come off|go up|go down|go through|go away|go out|go off|go to|go with|go into|go on|go by|go back to|go over (?:the|my|our) (?:limit|budget|data)|\
         take effect|take about|take \\w+ (?:to \\w+ )?(?:days|hours|minutes|weeks|months|business)|take place|take a while|take up to|\
         take a (?:few|couple)|take some time|take longer|take long|work|work out|worry|survive|suffer|fail|fall|lie|trust|live with|\
         deal with|put up with|settle for|tell you (?:that|what|right|one|how|the truth)|have to|save you|save me|apply for|apply to|qualify|expect|agree|disagree|\
         forgive|forget|hang up|pay for that|be|hate|appreciate|accept that|stick with|keep (?:my|getting|having|\
         going|the same|paying|it)|do (?:that|it|so|anything|nothing|without|fine|well|for)\\b|help you|say that|try (?:not|and be)|show up|turn out|always|rise|\
         arrive|land|leave|depart|close|open (?:at|on|in|up at)|begin|finish|graduate|turn \\w+ (?:years|in)|turn (?:eighteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)|become|ever|just say|stop (?:by|using)|think about|consider|start (?:to|on|at)|let you go|wear|sleep|meet (?:the|our|my|your) (?:deductible|minimum|goal)|afford|tolerate|stand for|\
         speak (?:english|spanish)|reach \\w+ (?:degrees|percent)|renew|vary|continue|differ|exceed|switch to another|switch to (?:a|some)|go somewhere|take my business|walk away|\
         fly to|travel|vacation|move (?:to|in|out|over)|retire|turn off automatically|display|come back to that|pop up|disappear|and|i|we|you|they|it|is|are|that|what|the|a|an|in|on|at|to|of|for|if|when|my|your",
    ),
    // Verbs of work that somebody does for somebody.
    (
        "ACTION",
        "send|resend|email|mail|forward|transfer|put|open|create|file|submit|process|issue|refund|credit|waive|reverse|\
         remove|add|update|change|correct|fix|repair|replace|swap|ship|deliver|bring|drop off|pick up|pick|schedule|reschedule|\
         book|rebook|cancel|order|reorder|check|verify|review|look|investigate|escalate|assign|prepare|draft|write|print|\
         sign|fill|complete|upload|download|install|uninstall|configure|reset|restart|reboot|unplug|plug|turn|switch|\
         disconnect|reconnect|activate|deactivate|enable|disable|unlock|lock|block|unblock|freeze|release|approve|authorize|\
         apply|adjust|extend|upgrade|downgrade|move|set|enter|type|click|press|hold|log|sign|register|enroll|pay|charge|\
         bill|deposit|wire|scan|fax|copy|attach|share|provide|collect|gather|pull|push|run|test|inspect|measure|order|\
         dispatch|arrange|organize|coordinate|make|get|give|take|grab|find|locate|track|trace|confirm|document|note|\
         record|report|notify|inform|alert|tell|ask|remind|show|walk|clean|clear|clean up|empty|refill|fill|\
         close|shut|cut|stop|start|finish|finalize|finalise|wrap|build|code|deploy|roll|patch|merge|push|publish|post|\
         present|demo|train|hire|interview|negotiate|quote|price|estimate|calculate|compute|count|figure|work|sort|\
         handle|manage|resolve|settle|address|do|tackle|return|exchange|bring|carry|load|unload|pack|wrap|label|\
         redo|rerun|restore|recover|back up|migrate|convert|merge|split|consolidate|invoice|reimburse|compensate|\
         discount|honor|match|reinstate|renew|terminate|suspend|reactivate|expedite|rush|prioritize|flag|mark|tag|\
         rewrite|revise|edit|proofread|translate|transcribe|summarize|circulate|distribute|bring in|drop|swing|stop by|\
         swab|draw|prescribe|refer|administer|inject|rinse|soak|wipe|tighten|loosen|drain|flush|rewire|seal|paint|\
         install|mount|hook|wire|rekey|tow|jump|rotate|align|shut off|turn on|turn off|put in|take care|take off|double check|\
         triple check|double|bump|throw|knock|shave|comp|void|redeem|reroute|reassign|recheck|reprint|recalibrate|recycle|reopen|retest|retry|retrieve|rebuild|redesign|reinstall|relocate|report|request|require|research|cross|lay|place|reserve|secure|gather|supply|restock|stock|hand|leave|keep|save|select|choose|tap|scroll|navigate|allow|input|paste|screenshot|delete|erase|\
         provision|reach|port|push through|read|spell|rebalance|sell|buy|invest|rollover|roll over|claim|dispute|appeal|contest|charge back|quarantine|message|page|text|call|contact|phone|hook up|stick|pop|snap|jot|shoot|toss|bin|chuck|squeeze|flip|nudge|sling|punch|nip|pencil|spread|stamp|initial|serve|touch up|finalise|amend|relay|nail|tape|glue|dial|assess|fetch|peel|trim|mow|plant|stitch|bandage|ice|staple|staff|box|assemble|source|fund|top up|credit|level|dig|bump|squash|switch|dry|wash|iron|hem|cater|host|cc|line up|loop",
    ),
    // What a request asks to be told rather than done: a question alone.
    (
        "TELLING",
        "do|like|want|prefer|consider|smell|taste|breathe|swallow|tell (?:me|us|if|what|which|whether|where|how|when)|give me (?:\\w+ ){0,3}(?:name|number|digits|address|code|date|zip|email|idea|estimate|example|details|information|info|reason|update|figure|price|quote|ballpark)|give me (?:your|the|an|that)|confirm|verify|explain|\
         spell|repeat|read|hear|see|describe|remind me|say|provide|hold on|hold for|hold the line|hold please|hold$|hold a|hold one|hold while|clarify|elaborate|walk me through|speak|talk|imagine|believe|understand|show me how|help|bear|state|give us (?:your|the|an)|find out|guess|recommend|think (?:it|that|i|we|this|there|the|he|she|they|about|of|so)|remember|\
         be (?:open|there|in|available|around|home|at|free|interested|willing|happy|closed|out|on|doing|using|going|staying|paying)|do anything|do something|do that|do it|do this|do better|share (?:your|with me)|let me know|see if|recall|list|name|feel|have (?:any|it|that|them|insurance|a look)|get|match|accept|ship to|deliver to|come out|go into|help me|use|still|even|ever (?:been|had|have|seen|tried|used|go|get|do|take|feel|think|heard|considered|offer|open|close|run)|actually|really|go|wait|stay|access|log|connect|locate|point me|manage",
    ),
    ("ME", "me|us|him|her|them|my \\w+|the \\w+|your \\w+|you"),
    ("WH", "what|where|when|why|how|who|whom|whose|which"),
    (
        "OBJECT",
        "me|us|him|her|them|it|that|this|those|these|the|a|an|my|your|his|our|their|all|both|up|out|off|in|on|down|\
         back|over|any|some|one|two|three|another|every|each|everything|either|whatever|only|just|to|for|at|into|away|through|with|sure|care|by|around|aside|under|between|from|extra|more|plenty",
    ),
];
