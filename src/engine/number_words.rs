//! Words for numbers below a hundred. Shared by everything that reads numbers as people say them.

/// Returns the value of one word, and whether it is an ordinal: "twelve", "twelfth", "forty", "fortieth".
pub fn small_number(word: &str) -> Option<(u64, bool)> {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const ORDINAL_ONES: [&str; 20] = [
        "zeroth",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    const ORDINAL_TENS: [&str; 8] = [
        "twentieth",
        "thirtieth",
        "fortieth",
        "fiftieth",
        "sixtieth",
        "seventieth",
        "eightieth",
        "ninetieth",
    ];
    let find = |list: &[&str]| list.iter().position(|name| *name == word).map(|index| index as u64);
    find(&ONES)
        .map(|value| (value, false))
        .or_else(|| find(&ORDINAL_ONES).map(|value| (value, true)))
        .or_else(|| find(&TENS).map(|index| (20 + 10 * index, false)))
        .or_else(|| find(&ORDINAL_TENS).map(|index| (20 + 10 * index, true)))
}
