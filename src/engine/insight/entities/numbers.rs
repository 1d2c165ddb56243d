//! Number words and digits to runs of digits.

use super::words::{Words, is_hesitation, one_of};

/// One spoken or written piece of a number: "five", "forty two", "double oh", "4111".
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) digits: String,
    /// Written with digits.
    pub(super) written: bool,
    /// An amount rather than digits in a row: "one hundred and forty two", "1,000", "10.15".
    pub(super) amount: bool,
}

/// Pieces that follow each other directly.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) elements: Vec<Element>,
    /// The digit that a word before or after the chunk sounds like ("for" four), with the word's index.
    pub(super) heard_before: Option<(usize, char)>,
    pub(super) heard_after: Option<(usize, char)>,
}

impl Chunk {
    pub(super) fn first(&self) -> usize {
        self.elements.first().map_or(0, |element| element.first)
    }

    pub(super) fn last(&self) -> usize {
        self.elements.last().map_or(0, |element| element.last)
    }

    pub(super) fn digits(&self) -> String {
        self.elements.iter().map(|element| element.digits.as_str()).collect()
    }

    pub(super) fn is_amount(&self) -> bool {
        self.elements.iter().any(|element| element.amount)
    }
}

/// One digit for its word.
pub(super) fn unit(word: &str) -> Option<char> {
    Some(match word {
        "zero" | "oh" | "o" | "nought" | "naught" => '0',
        "one" => '1',
        "two" => '2',
        "three" => '3',
        "four" => '4',
        "five" => '5',
        "six" => '6',
        "seven" => '7',
        "eight" => '8',
        "nine" | "niner" => '9',
        _ => {
            let mut characters = word.chars();
            let digit = characters.next().filter(char::is_ascii_digit)?;
            return characters.next().is_none().then_some(digit);
        }
    })
}

/// The words that a recogniser writes for a digit that it misheard.
pub(super) fn heard_as(word: &str) -> Option<char> {
    Some(match word {
        "for" => '4',
        "to" | "too" => '2',
        "ate" => '8',
        "won" => '1',
        _ => return None,
    })
}

pub(super) fn teen(word: &str) -> Option<&'static str> {
    Some(match word {
        "ten" => "10",
        "eleven" => "11",
        "twelve" => "12",
        "thirteen" => "13",
        "fourteen" => "14",
        "fifteen" => "15",
        "sixteen" => "16",
        "seventeen" => "17",
        "eighteen" => "18",
        "nineteen" => "19",
        _ => return None,
    })
}

pub(super) fn tens(word: &str) -> Option<char> {
    Some(match word {
        "twenty" => '2',
        "thirty" => '3',
        "forty" | "fourty" => '4',
        "fifty" => '5',
        "sixty" => '6',
        "seventy" => '7',
        "eighty" => '8',
        "ninety" => '9',
        _ => return None,
    })
}

fn times(word: &str) -> usize {
    match word {
        "double" => 2,
        "triple" | "treble" => 3,
        _ => 0,
    }
}

fn is_written(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the word alone says a number ("oh" and "o" don't).
pub(super) fn is_number_word(word: &str) -> bool {
    !matches!(word, "oh" | "o") && (unit(word).is_some() || teen(word).is_some() || tens(word).is_some())
        || is_written(word)
}

/// "the last four are", "first three digits": counts digits and is none.
fn counts_digits(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    matches!(before, "first" | "last" | "next" | "final" | "other")
        && (one_of(words.at(index + 1), "are is digits digit numbers of on were letters for it's would")
            || index + 1 == words.len())
        || matches!(words.at(index + 1), "digit" | "digits")
}

/// "cvv two is 919".
fn is_in_a_name(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    matches!(words.at(index), "two" | "2")
        && matches!(before, "cvv" | "cvc")
        && matches!(words.at(index + 1), "is" | "it's" | "code" | "number")
}

/// "last four zero zero one nine": as many digits follow as the word says.
fn announces_digits(words: &Words<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("", |before| words.at(before));
    let count = unit(words.at(index)).and_then(|digit| digit.to_digit(10)).unwrap_or(0) as usize;
    let is_digit = |index: usize| unit(words.at(index)).is_some();
    matches!(before, "first" | "last")
        && (3..=6).contains(&count)
        && (index + 1..=index + count).all(is_digit)
        && !is_digit(index + count + 1)
}

/// The element that starts at this word.
pub(super) fn element(words: &Words<'_>, index: usize) -> Option<Element> {
    let word = words.at(index);
    let made = |last: usize, digits: String, written: bool, amount: bool| {
        Some(Element { first: index, last, digits, written, amount })
    };
    if is_written(word) {
        return made(index, word.to_owned(), true, false);
    }
    let count = times(word);
    if count > 0 {
        let digit = unit(words.at(index + 1))?;
        return made(index + 1, digit.to_string().repeat(count), false, false);
    }
    let (mut last, mut digits) = if let Some(digit) = tens(word) {
        match unit(words.at(index + 1)).filter(|&digit| digit != '0' && !is_written(words.at(index + 1))) {
            Some(second) => (index + 1, format!("{digit}{second}")),
            None => (index, format!("{digit}0")),
        }
    } else if let Some(digits) = teen(word) {
        (index, digits.to_owned())
    } else {
        (index, unit(word)?.to_string())
    };
    let mut amount = false;
    if words.at(last + 1) == "hundred" && digits != "0" {
        last += 1;
        let and = words.at(last + 1) == "and";
        let next = last + 1 + usize::from(and);
        let rest = if let Some(digit) = tens(words.at(next)) {
            match unit(words.at(next + 1)).filter(|&digit| digit != '0') {
                Some(second) => Some((next + 1, format!("{digit}{second}"))),
                None => Some((next, format!("{digit}0"))),
            }
        } else if let Some(digits) = teen(words.at(next)) {
            Some((next, digits.to_owned()))
        } else if and {
            unit(words.at(next)).map(|digit| (next, format!("0{digit}")))
        } else {
            None
        };
        if let Some((end, tail)) = rest {
            (last, amount) = (end, and);
            digits.push_str(&tail);
        } else {
            digits.push_str("00");
        }
    } else if words.at(last + 1) == "thousand" {
        last += 1;
        let and = words.at(last + 1) == "and";
        let next = last + 1 + usize::from(and);
        let (end, tail) = if let Some(digit) = tens(words.at(next)) {
            match unit(words.at(next + 1)).filter(|&digit| digit != '0') {
                Some(second) => (next + 1, format!("0{digit}{second}")),
                None => (next, format!("0{digit}0")),
            }
        } else if let Some(digits) = teen(words.at(next)) {
            (next, format!("0{digits}"))
        } else if let Some(digit) = unit(words.at(next)).filter(|_| digits == "2") {
            (next, format!("00{digit}"))
        } else {
            (last, "000".to_owned())
        };
        let digit_follows =
            end == last && unit(words.at(last + 1)).is_some() && words.at(last + 2) != "hundred";
        amount = digits != "2" && !digit_follows;
        last = end;
        digits.push_str(&tail);
    }
    if matches!(words.at(last + 1), "million" | "billion" | "thousand") {
        last += 1;
        amount = true;
    }
    made(last, digits, false, amount)
}

/// Whether a piece may go on over this gap; "10.15", "5/6" and "5:30" are no digits in a row.
fn goes_on(gap: &str) -> bool {
    gap.len() <= 5
        && gap.chars().all(|character| " -–—,.()\u{a0}\n…".contains(character))
        && (!gap.starts_with('.') || gap.len() > 1)
}

/// All chunks of a text, in order.
pub(super) fn chunks(words: &Words<'_>) -> Vec<Chunk> {
    let mut found: Vec<Chunk> = Vec::new();
    let mut open: Vec<Element> = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let piece =
            if is_in_a_name(words, index) || counts_digits(words, index) || announces_digits(words, index) {
                None
            } else {
                element(words, index)
            };
        let Some(mut piece) = piece else {
            let hesitates =
                is_hesitation(words.at(index)) || matches!(words.at(index), "dash" | "hyphen" | "space");
            if !hesitates {
                close(&mut found, &mut open);
            }
            index += 1;
            continue;
        };
        let gap = words.gap_before(piece.first);
        piece.amount |= gap.ends_with(['$', '£', '€']);
        let is_alone = open.len() == 1;
        if let Some(previous) = open.last() {
            let decimal = previous.written && piece.written && matches!(gap, "." | ",");
            let directly = previous.last + 1 == piece.first;
            let slash_after = words.gap_before(piece.last + 1).trim() == "/" && piece.digits.len() <= 2;
            let slash_before = words.gap_before(previous.first).trim() == "/";
            let date = piece.written && slash_after || previous.written && slash_before && is_alone;
            let fours = previous.written
                && piece.written
                && previous.digits.len() == 4
                && piece.digits.len() == 4
                && matches!(gap.trim(), "/" | ":");
            if !decimal && !fours && directly && (!goes_on(gap) || date) {
                close(&mut found, &mut open);
            }
        }
        index = piece.last + 1;
        open.push(piece);
    }
    close(&mut found, &mut open);
    for chunk in &mut found {
        mark_amounts(words, chunk);
        let before = chunk.first().checked_sub(1);
        chunk.heard_before = before.and_then(|word| heard_as(words.at(word)).map(|digit| (word, digit)));
        let after = chunk.last() + 1;
        chunk.heard_after = heard_as(words.at(after)).map(|digit| (after, digit));
    }
    found
}

/// Fewest digits that are no amount however they are grouped: "4111,1111,1111,1111" is a card.
pub(super) const FEWEST_LONG: usize = 12;

/// Marks "1,299", "10.15" and "192.168.1.1", but neither "415.555.0134" nor "4111,1111,1111,1111".
fn mark_amounts(words: &Words<'_>, chunk: &mut Chunk) {
    let all: usize = chunk.elements.iter().map(|element| element.digits.len()).sum();
    let glued = |elements: &[Element], index: usize| {
        let (one, other) = (&elements[index - 1], &elements[index]);
        let gap = words.gap_before(other.first);
        (one.written && other.written && one.last + 1 == other.first && matches!(gap, "." | ","))
            .then_some(gap)
    };
    let mut start = 0;
    while start < chunk.elements.len() {
        let mut end = start + 1;
        while end < chunk.elements.len() && glued(&chunk.elements, end).is_some() {
            end += 1;
        }
        if end - start > 1 {
            let lengths: Vec<usize> =
                chunk.elements[start..end].iter().map(|element| element.digits.len()).collect();
            let commas = (start + 1..end).all(|index| glued(&chunk.elements, index) == Some(","));
            let network = lengths.len() == 4 && lengths.iter().all(|&length| length <= 3);
            let amount = if commas {
                all < FEWEST_LONG && lengths[0] <= 3 && lengths[1..].iter().all(|&length| length == 3)
            } else {
                let grouped = matches!(lengths.as_slice(), [3, 4] | [3, 3, 4] | [1, 3, 3, 4] | [3, 4, 4]);
                network || !grouped && all < FEWEST_LONG
            };
            for element in &mut chunk.elements[start..end] {
                element.amount |= amount;
            }
        }
        start = end;
    }
}

/// Ends a chunk.
fn close(found: &mut Vec<Chunk>, open: &mut Vec<Element>) {
    let elements = std::mem::take(open);
    if !elements.is_empty() {
        found.push(Chunk { elements, heard_before: None, heard_after: None });
    }
}

/// Whether a word may stand between two parts of one number that is read out in parts.
pub(super) fn joins(word: &str) -> bool {
    one_of(
        word,
        "then and again right okay ok got that that's it's it is let me see think i so yeah yes yep \
            next followed by after the rest last first hold lemme check here look on sorry wait no are hang a second one \
            four three five six seven eight finally group you now um uh er hmm mm like comes goes digits numbers well \
            alright two was oh make actually scratch mean with ready there ones final pause remaining \
            set part try let's say",
    )
}

/// Whether a speaker takes back a digit: the number may have too many then.
pub(super) fn takes_back(word: &str) -> bool {
    matches!(word, "no" | "wait" | "sorry" | "actually" | "scratch" | "mean" | "hang")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_digits_become_runs_of_digits() {
        for (text, expected) in [
            ("double five five oh one four two", vec!["5550142"]),
            ("eight hundred five five five twenty one thirty", vec!["8005552130"]),
            ("one hundred and forty two dollars", vec!["142"]),
            ("4111 1111, 1111 1111", vec!["4111111111111111"]),
            ("5 5 5, 0 1 0 0.", vec!["5550100"]),
            ("call 415.555.0134", vec!["4155550134"]),
            ("4111,1111.1111, 1111", vec!["4111111111111111"]),
            ("5105 1051 0510 5100, 12/26", vec!["5105105105105100", "12", "26"]),
            ("from nine to five", vec!["9", "5"]),
            ("12/26 and 5:30", vec!["12", "26", "5", "30"]),
            ("the last four are one two three four", vec!["1234"]),
            ("two thousand twenty seven", vec!["2027"]),
            ("four uh one dash five", vec!["415"]),
        ] {
            let found: Vec<String> = chunks(&Words::of(text)).iter().map(Chunk::digits).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
