//! Polarity of a sentence.
//!
//! VADER's lexicon and its rules for negation, boosters and "but", below a list of phrases people use on the telephone:
//! complaints without a bad word ("nobody called"), praise that is none ("that's just great"), denials of trouble.

mod lexicon;
mod normal;

use std::sync::LazyLock;

use lexicon::{LEXICON, Lexicon, booster};

/// Above it a text counts as positive, below its negative as negative.
const THRESHOLD: f64 = 0.3;
/// VADER's constant: the sum of valences at which the polarity is about 0.7.
const FLATTENING: f64 = 15.0;
/// What VADER multiplies a negated word's valence with.
const NEGATED: f64 = -0.74;
/// How many words back a negation or a booster still counts.
const REACH: usize = 3;
/// A condition ("if it doesn't arrive") rules about this many words unless something ends it.
const CONDITION_WORDS: usize = 9;
/// Of a condition's words this much counts: they have not happened.
const CONDITION_SHARE: f64 = 0.15;
/// Of the mild words of a question or a promise this much counts: they are mostly about facts.
const FACT_SHARE: f64 = 0.5;
/// Of a thanks or a "great" that only opens a question or a promise this much counts.
const ACKNOWLEDGED: f64 = 0.4;
/// Phrases from here on are relief.
const RELIEF: f64 = 3.0;
/// A phrase as strong as this is felt even in a question.
const STRONG: f64 = 2.4;

/// Reads the lexicon, which takes about 0.2 s: call it at start, or the first sentence waits for it.
pub fn prepare() {
    LazyLock::force(&LEXICON);
}

/// Returns the polarity of `text`: -1 (bad) to 1 (good), 0 for nothing felt.
pub fn polarity(text: &str) -> f64 {
    let normal = normal::normalise(text);
    let words: Vec<&str> = normal.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return 0.0;
    }
    let lexicon = &*LEXICON;
    let mut valences = valences(lexicon, &normal, &words);
    damp_conditions(&words, &mut valences);
    if normal::is_question(text, &words) || normal::is_promise(&words) {
        for valence in &mut valences {
            if valence.abs() < STRONG {
                *valence *= FACT_SHARE;
            }
        }
    }
    damp_acknowledgement(&words, &mut valences);
    turn_exclamations(&words, &mut valences);
    weigh_around_but(&words, &mut valences);
    let marks = text.bytes().filter(|&byte| byte == b'!').count().min(3);
    let sum: f64 = valences.iter().sum();
    let sum = if sum.abs() < f64::EPSILON { 0.0 } else { sum + sum.signum() * 0.292 * marks as f64 };
    (sum / (sum * sum + FLATTENING).sqrt()).clamp(-1.0, 1.0)
}

/// Returns the label of a polarity: `positive`, `neutral` or `negative`.
pub fn suggested(polarity: f64) -> &'static str {
    if polarity > THRESHOLD {
        "positive"
    } else if polarity < -THRESHOLD {
        "negative"
    } else {
        "neutral"
    }
}

/// Returns each word's valence; a phrase's stands at its first word.
fn valences(lexicon: &Lexicon, normal: &str, words: &[&str]) -> Vec<f64> {
    let mut valences = vec![0.0; words.len()];
    let mut claimed = vec![false; words.len()];
    for (range, valence) in lexicon.phrases_in(normal) {
        // Words of `normal` are separated by one space, so spaces before a byte count the words before it.
        let first = normal[..range.start].bytes().filter(|&byte| byte == b' ').count();
        let after = first + 1 + normal[range.clone()].trim_end().bytes().filter(|&byte| byte == b' ').count();
        let after = after.min(words.len());
        if first >= after || claimed[first..after].contains(&true) {
            continue;
        }
        claimed[first..after].fill(true);
        valences[first] = valence;
    }
    // "Phew, I was sure we'd lost it": what is feared before relief weighs little too.
    if valences.iter().any(|&valence| valence >= RELIEF) && !words.contains(&"but") {
        for valence in &mut valences {
            if *valence < 0.0 {
                *valence *= 0.3;
            }
        }
    }
    let complaint = !words.contains(&"but") && valences.iter().any(|&valence| valence <= -2.0);
    for index in 0..words.len() {
        if !claimed[index] {
            let valence = word_valence(lexicon, words, &claimed, index);
            // "I've been loyal for years and this is what I get": a good word in a complaint weighs little.
            valences[index] = if complaint && valence > 0.0 { valence * 0.4 } else { valence };
        }
    }
    valences
}

/// Returns a single word's valence with what the words before it do to it.
fn word_valence(lexicon: &Lexicon, words: &[&str], claimed: &[bool], index: usize) -> f64 {
    let mut valence = lexicon.word(words[index]);
    if valence == 0.0 || booster(words[index]) != 0.0 {
        return 0.0;
    }
    let sign = valence.signum();
    let mut negated = false;
    for back in 1..=REACH.min(index) {
        let before = words[index - back];
        if claimed[index - back] {
            break;
        }
        valence += sign * booster(before) * (1.05 - 0.05 * back as f64);
        // "No, that's great" denies nothing of what follows.
        let answers =
            before == "no" && matches!(words[index - back + 1], "that" | "it" | "i" | "you" | "we" | "this");
        negated |= is_negation(before) && !answers;
    }
    if negated { valence * NEGATED } else { valence }
}

fn is_negation(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "no"
            | "never"
            | "none"
            | "neither"
            | "nor"
            | "nothing"
            | "nobody"
            | "without"
            | "hardly"
            | "barely"
    )
}

/// Lets what stands under an "if" count little: it has not happened.
fn damp_conditions(words: &[&str], valences: &mut [f64]) {
    let mut left = 0;
    for index in 0..words.len() {
        match words[index] {
            "if" | "unless" | "whether" => left = CONDITION_WORDS,
            "once" | "until" => left = CONDITION_WORDS,
            "case" if index > 0 && words[index - 1] == "in" => left = CONDITION_WORDS,
            "then" | "just" | "please" | "call" | "give" | "thank" | "thanks" | "but" | "so" => left = 0,
            _ => left = usize::saturating_sub(left, 1),
        }
        // A threat or an idiom that begins with the "if" itself is meant as it is said.
        if left > 0 && left < CONDITION_WORDS {
            valences[index] *= CONDITION_SHARE;
        }
    }
}

/// Lets "perfect, let me pull that up" and "thank you, can I have your number" say little: they only go on.
fn damp_acknowledgement(words: &[&str], valences: &mut [f64]) {
    let Some(first) = valences.iter().position(|&valence| valence != 0.0) else { return };
    let after = match words[first] {
        "thank" => first + 2,
        "great" | "perfect" | "good" | "awesome" | "thanks" | "excellent" | "wonderful" | "cool" | "nice" => {
            first + 1
        }
        _ => return,
    };
    let rest = words.get(after..).unwrap_or_default();
    let goes_on = normal::is_question("", rest) || normal::is_promise(rest);
    if first <= 1 && valences[first] > 0.0 && goes_on {
        valences[first] *= ACKNOWLEDGED;
    }
}

/// Turns praise before a complaint: "wonderful, my flight is cancelled" is no praise, and "okay thanks, still broken" no joy.
fn turn_exclamations(words: &[&str], valences: &mut [f64]) {
    let Some(first) = valences.iter().position(|&valence| valence != 0.0) else { return };
    let complaint = valences[first + 1..].iter().any(|&valence| valence <= -2.0);
    let joined = words[first..].contains(&"but");
    if valences[first] > 0.0 && first <= 2 && complaint && !joined {
        valences[first] *= -0.4;
    }
}

/// Weighs what follows "but" more than what precedes it.
fn weigh_around_but(words: &[&str], valences: &mut [f64]) {
    let Some(but) = words.iter().position(|&word| word == "but" || word == "however") else { return };
    if !valences[but..].iter().any(|&valence| valence.abs() > 0.5) {
        return;
    }
    for (index, valence) in valences.iter_mut().enumerate() {
        *valence *= if index < but { 0.5 } else { 1.5 };
    }
}

#[cfg(test)]
mod tests;
