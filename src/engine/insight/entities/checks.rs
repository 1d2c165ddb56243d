//! Check digits: payment cards, international bank account numbers.

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.bytes().map(|byte| u32::from(byte.wrapping_sub(b'0')))
}

/// Whether the last digit fits the others as on payment cards.
pub(super) fn luhn(number: &str) -> bool {
    let mut sum = 0;
    for (index, digit) in digits(number).rev().enumerate() {
        let weighed = if index % 2 == 1 { digit * 2 } else { digit };
        sum += if weighed > 9 { weighed - 9 } else { weighed };
    }
    sum.is_multiple_of(10)
}

/// Whether letters and digits (no spaces) fit each other as in international bank account numbers.
pub(super) fn iban(number: &str) -> bool {
    if number.len() < 15 || number.len() > 34 || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (head, tail) = number.split_at(4);
    let mut remainder: u32 = 0;
    for byte in tail.bytes().chain(head.bytes()) {
        let value = char::from(byte).to_digit(36).unwrap_or(0);
        remainder = (remainder * if value > 9 { 100 } else { 10 } + value) % 97;
    }
    remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_is_noticed() {
        assert!(luhn("4111111111111111") && !luhn("4111111111111112"));
        assert!(iban("GB82WEST12345698765432") && iban("de89370400440532013000"));
        assert!(!iban("GB82WEST12345698765433") && !iban(""));
    }
}
