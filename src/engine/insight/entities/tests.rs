//! Whole sentences: what is found in them, and in which nothing is.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn shown(text: &str, context: Context<'_>) -> Vec<String> {
    find(text, context)
        .iter()
        .map(|entity| format!("{} {}", entity.kind.name(), &text[entity.range.clone()]))
        .collect()
}

#[test]
fn personal_data_is_found_with_its_exact_span() {
    let rows: &[(&str, &[&str])] = &[
        // Cards.
        (
            "it's a visa four five three nine one four eight eight oh three four three six four six seven",
            &[
                "CREDIT_CARD_NUMBER four five three nine one four eight eight oh three four three six four six seven",
            ],
        ),
        (
            "4111 1111, 1111 1111. Expires 04/28.",
            &["CREDIT_CARD_NUMBER 4111 1111, 1111 1111", "CARD_EXPIRATION 04/28"],
        ),
        ("the last four digits on the card are four two four two", &[]),
        (
            "card number is 4242-4242-4242-4241 and the code on the back is 9 9 1",
            &["CREDIT_CARD_NUMBER 4242-4242-4242-4241", "CVV 9 9 1"],
        ),
        (
            "it's good through october of twenty twenty nine",
            &["CARD_EXPIRATION october of twenty twenty nine"],
        ),
        ("exp is eleven twenty six", &["CARD_EXPIRATION eleven twenty six"]),
        ("the three digits are oh four seven", &["CVV oh four seven"]),
        // Telephones.
        ("call me back at 555-0100 tonight", &["PHONE_NUMBER 555-0100"]),
        ("5 5 5 0 1 0 0", &["PHONE_NUMBER 5 5 5 0 1 0 0"]),
        (
            "my cell is four one five, five five five, twenty one thirty",
            &["PHONE_NUMBER four one five, five five five, twenty one thirty"],
        ),
        (
            "you can text one eight hundred five five five one two one two",
            &["PHONE_NUMBER one eight hundred five five five one two one two"],
        ),
        ("+44 20 7946 0018 is the best one", &["PHONE_NUMBER +44 20 7946 0018"]),
        ("the phone on the account is 303.555.0188", &["PHONE_NUMBER 303.555.0188"]),
        // E-mail.
        ("Jane at example dot com.", &["EMAIL Jane at example dot com"]),
        ("J-A-N-E at example.com", &["EMAIL J-A-N-E at example.com"]),
        (
            "so my email it's like tom dash baker seven seven at hotmail dot com",
            &["EMAIL tom dash baker seven seven at hotmail dot com"],
        ),
        ("you can send that to accounts at north star dot org", &["EMAIL accounts at north star dot org"]),
        ("reach me on maria.lopez@mail.example.co.uk please", &["EMAIL maria.lopez@mail.example.co.uk"]),
        ("my email is jane doe gmail dot com", &["EMAIL jane doe gmail dot com"]),
        // Addresses.
        ("we're at 42 Oak Lane, Springfield, IL 62701", &["ADDRESS 42 Oak Lane, Springfield, IL 62701"]),
        ("ship it to p o box four five one", &["ADDRESS p o box four five one"]),
        (
            "my address is nine oh two willow apartment three b",
            &["ADDRESS nine oh two willow apartment three b"],
        ),
        (
            "it's eight sixteen north harbor drive unit twelve",
            &["ADDRESS eight sixteen north harbor drive unit twelve"],
        ),
        // Birth dates and ages.
        ("d o b is oh four twelve seventy five", &["DATE_OF_BIRTH oh four twelve seventy five"]),
        (
            "her birthday is the second of may nineteen ninety",
            &["DATE_OF_BIRTH the second of may nineteen ninety"],
        ),
        ("my daughter's nine years old", &["AGE nine years old"]),
        ("i'm seventy one", &["AGE seventy one"]),
        ("a 42-year-old man", &["AGE 42-year-old"]),
        // Other numbers.
        (
            "the routing is 021000021 and the account is 99 8877 6655",
            &["ROUTING_NUMBER 021000021", "ACCOUNT_NUMBER 99 8877 6655"],
        ),
        (
            "oh seven eight oh five one one two oh is my social",
            &["SSN oh seven eight oh five one one two oh"],
        ),
        ("my passport number is C 0 1 2 3 4 5 6 7", &["PASSPORT_NUMBER C 0 1 2 3 4 5 6 7"]),
        ("the iban is GB82 WEST 1234 5698 7654 32", &["IBAN GB82 WEST 1234 5698 7654 32"]),
        ("driver's license number is D1234567", &["DRIVERS_LICENSE D1234567"]),
        ("the passcode is one nine eight four", &["PIN one nine eight four"]),
        ("my sister in law annalise is on the account too", &["PERSON annalise"]),
        ("this is officer ramirez", &["PERSON ramirez"]),
        ("so i'm on the phone with a guy named delroy and he says no", &["PERSON delroy"]),
        ("it's under henderson", &["PERSON henderson"]),
        (
            "for oh won two ate ate ate ate ate ate ate ate won ate ate won",
            &["CREDIT_CARD_NUMBER for oh won two ate ate ate ate ate ate ate ate won ate ate won"],
        ),
        ("pin's uh six wait six one one five", &["PIN six wait six one one five"]),
        ("the exp on it is oh one of twenty nine", &["CARD_EXPIRATION oh one of twenty nine"]),
        (
            "birthdate's the first of the first ninety nine",
            &["DATE_OF_BIRTH the first of the first ninety nine"],
        ),
        (
            "my e mail is d for david m for mary at proton mail dot com",
            &["EMAIL d for david m for mary at proton mail dot com"],
        ),
        (
            "it goes to two hundred lakeshore drive suite four ten chicago illinois six oh six oh one",
            &["ADDRESS two hundred lakeshore drive suite four ten chicago illinois six oh six oh one"],
        ),
        ("send the tech to three three oh five quail hollow", &["ADDRESS three three oh five quail hollow"]),
        ("my mother she's uh eighty three years old", &["AGE eighty three years old"]),
        (
            "you can get me at five oh three two two nine and then oh one six six",
            &["PHONE_NUMBER five oh three two two nine and then oh one six six"],
        ),
        ("swift b o f a u s three n", &["SWIFT_CODE b o f a u s three n"]),
        ("BIC NWBKGB2L, IBAN NL91ABNA0417164300", &["SWIFT_CODE NWBKGB2L", "IBAN NL91ABNA0417164300"]),
        // Names.
        ("this is priya calling about my invoice", &["PERSON priya"]),
        ("i spoke with missus o'brien last week", &["PERSON o'brien"]),
        ("Thanks, Grace.", &["PERSON Grace"]),
        ("can i talk to mister brown please", &["PERSON brown"]),
        ("hi my name is maria de la cruz", &["PERSON maria de la cruz"]),
        ("john's account is locked", &["PERSON john"]),
        ("yeah this is oksana i called yesterday", &["PERSON oksana"]),
        ("good morning kowalski speaking", &[]),
        ("my last name is n g u y e n", &["PERSON n g u y e n"]),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let found = shown(text, Context::default());
        if found != *expected {
            wrong.push(format!("{text}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_looks_like_personal_data_is_left_alone() {
    let rows = [
        "the order number is four four one nine two two one eight oh six",
        "your confirmation number is 5551234567",
        "flight two twelve leaves at six forty five",
        "my reference is eight eight seven one two three four",
        "it's the model x two hundred series",
        "i called nine one one last night",
        "we're open twenty four seven three sixty five",
        "it was nineteen ninety nine when we bought it",
        "version twelve point four point one",
        "room three oh four on the second floor",
        "about ninety nine point nine percent",
        "that's four thousand five hundred dollars",
        "it costs $1,299.99 a year",
        "forty five minutes on hold",
        "press one for sales two for support three for billing",
        "the error code is five oh three",
        "i need two way radios and three drive bays",
        "she lives ten minutes drive from here",
        "one way or another we'll fix it",
        "put it in the first place you can find",
        "the tracking number is 9400 1000 0000 0000 0000 00",
        "my ticket is one two three four five six seven",
        "the serial number is seven four four one oh nine two three three one",
        "i have a four oh one k with you",
        "it's a ten ninety nine form",
        "can you check the w two",
        "my bill was eighty four dollars and twelve cents",
        "we get about one hundred twenty five calls a day",
        "the router is three years old",
        "i have a two year old laptop",
        "the warranty expires in march twenty twenty seven",
        "my contract expires on june third",
        "the policy number is eight eight three four five six seven",
        "it happened on march third",
        "let's meet on the fourteenth of february",
        "we moved here in two thousand and five",
        "this is ridiculous",
        "this is grant money we're talking about",
        "i'm calling from austin texas",
        "he may be right about that",
        "will you call me back",
        "mark it as urgent please",
        "i hope so",
        "may i ask who is calling",
        "just give me a minute",
        "i bank with wells fargo",
        "we use charles schwab and edward jones",
        "i bought it at trader joe's",
        "the john deere needs a part",
        "martin luther king day is a holiday",
        "alexa won't turn on the lights",
        "i was in san jose and los angeles",
        "in virginia and georgia it's the same",
        "b as in boy",
        "look at the sign dot it says closed",
        "go to example dot com and click on help",
        "meet me at noon",
        "we are at capacity",
        "i work at yahoo",
        "step one two and three are done",
        "i have three kids and two dogs and one cat",
        "it went from two to five to eight",
        "the meter reads four four seven one two nine oh",
        "eight hundred people came",
        "the extension is four four one two",
        "i waited for two hours then one more then three",
        "channel five oh two is missing",
        "the part is a b c one two three",
        "we need fifty licenses at forty dollars each",
        "my internet is two hundred megabits",
        "it says error 404",
        "windows eleven and office three sixty five",
        "i drive a ford f one fifty",
        "the seat is twenty two c",
        "twelve of those and six of the others",
        "gate b seventeen at four fifteen",
        "the invoice is from april",
        "june works better than july",
        "i'm a hundred percent sure",
        "i'm fifty fifty on it",
        "hi there how are you",
        "thanks so much",
        "thank you very much",
        "hello yes i can hear you",
        "speaking with you was great",
        "talking to the manager didn't help",
        "i'd like to speak to a supervisor",
        "it's me again",
        "this is about the refund",
        "my name is on the account",
        "my name is spelled wrong on the bill",
        "the name is different",
        "i'm calling about my phone",
        "i'm not from here",
        "calling for an update",
        "the doctor said it's fine",
        "i miss the old version",
        "she's the account manager",
        "the balance is four five six seven eight",
        "lot number seven seven eight one two three nine",
        "the case is oh one two two three four five",
        "two thousand twenty six is the renewal year",
        "it's between forty second and forty third",
        "your appointment is on the 3rd at 10:30",
        "the address is wrong on the letter",
        "what's the zip code",
        "i have an amex and a visa",
        "we have five hundred and twelve stores",
        "my name was misspelled",
        "my doctor prescribed it",
        "call me later",
        "he's one of them",
        "i'm twenty minutes away",
        "the zip on the form is missing",
        "this is xfinity calling about your bill",
        "my friend netflix account is down",
        "my subscription renews on the first of may",
        "your card expires next month",
        "The SKU is 4155550134.",
        "Let's sync on 2026-03-14 at 15:30.",
        "it takes two minutes to drive down main street",
        "the check engine light is on",
    ];
    let mut wrong = Vec::new();
    for text in rows {
        let found = shown(text, Context::default());
        if !found.is_empty() {
            wrong.push(format!("{text}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_question_tells_what_a_bare_answer_is() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("what's the security code", "three two one", &["CVV three two one"]),
        ("and your name?", "it's Maria Lopez", &["PERSON Maria Lopez"]),
        ("can i get your first and last name", "yeah sure xiomara quispe", &["PERSON xiomara quispe"]),
        ("can i get your name", "just a question about billing", &[]),
        ("date of birth?", "third of march seventy one", &["DATE_OF_BIRTH third of march seventy one"]),
        (
            "and the date of birth please",
            "oh three oh three seventy one",
            &["DATE_OF_BIRTH oh three oh three seventy one"],
        ),
        ("what's the address", "forty two elm", &["ADDRESS forty two elm"]),
        ("what's your order number?", "four one five five five five oh one two three", &[]),
        ("can you verify your pin", "uh four seven one nine", &["PIN uh four seven one nine"]),
        ("what's the expiration date", "oh nine twenty seven", &["CARD_EXPIRATION oh nine twenty seven"]),
        ("the last four of your social please", "six seven eight nine", &["SSN six seven eight nine"]),
        ("how old are you", "sixty four", &["AGE sixty four"]),
        ("what is the zip code", "nine oh two one oh", &["ADDRESS nine oh two one oh"]),
        ("how many do you need", "three hundred", &[]),
    ];
    let mut wrong = Vec::new();
    for (question, text, expected) in rows {
        let found = shown(text, Context { other_said: Some(question), same_said: None });
        let expected: Vec<String> = expected.iter().map(|hit| hit.replace("PIN uh ", "PIN ")).collect();
        if found != expected {
            wrong.push(format!("{question} / {text}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_number_goes_on_in_the_next_message() {
    let found = shown(
        "one one one one one one one one",
        Context { other_said: None, same_said: Some("the card is four one one one one one one one") },
    );
    assert_eq!(found, ["CREDIT_CARD_NUMBER one one one one one one one one"]);
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    const PIECES: &[&str] = &[
        "four",
        "oh",
        "double",
        "4111",
        "é",
        "’",
        "at",
        "dot",
        "com",
        "my name is",
        "maria",
        "born",
        "march",
        "third",
        "street",
        "apartment",
        "a",
        "i",
        "@",
        ".",
        "-",
        "hundred",
        "thousand",
        "and",
        "wait",
        "no",
        "card",
        "pin",
        "for",
        "won",
        "日本",
        "expires",
        "twenty",
        "b",
        "as in",
        "box",
        "p",
        "o",
        "years old",
        "iban",
        "GB82",
        "mister",
        "İ",
        "ß",
        "'s",
        "to",
        "#",
    ];

    fn check(text: &str, other: Option<&str>, same: Option<&str>) {
        let context = Context { other_said: other, same_said: same };
        let mut end = 0;
        for entity in find(text, context) {
            assert!(entity.range.start >= end && entity.range.start < entity.range.end);
            assert!(text.get(entity.range.clone()).is_some(), "{text:?} {entity:?}");
            end = entity.range.end;
        }
        let loose = loose(text, context);
        assert!(loose.hidden.iter().all(|range| text.get(range.clone()).is_some()));
        assert!(loose.open.is_none_or(|open| text.is_char_boundary(open)));
    }

    proptest! {
        #[test]
        fn is_searched_without_panic(text in "\\PC{0,60}", other in "\\PC{0,20}", same in "\\PC{0,30}") {
            check(&text, None, None);
            check(&text, Some(&other), Some(&same));
        }

        #[test]
        fn of_speech_is_searched_without_panic(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..25),
            before in proptest::collection::vec(proptest::sample::select(PIECES), 0..12),
            glue in proptest::sample::select(&[" ", "", ", "][..]),
        ) {
            let text = pieces.join(glue);
            check(&text, None, None);
            check(&text, Some(&before.join(" ")), Some(&before.join(glue)));
        }
    }
}
