//! Tokens: only what was issued, for the same call and in time, opens anything; one changed byte does not.

use std::time::Duration;

use symbl_bridge::bridge::call::stream_token::{BadStreamToken, StreamTokens};
use symbl_bridge::engine::token::TokenMint;
use symbl_bridge::twilio::CallSid;

use super::input::Input;

/// The moment of issue, Unix seconds.
const NOW: u64 = 1_790_000_000;

/// How long a stream token lives.
const LIFETIME_SECONDS: u64 = 120;

/// Checks a token that somebody made up, and one of ours with a change in it.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let (place, byte, stream) = (parts.number(), parts.byte(), parts.number() as u32);
    let made_up = parts.text();
    stream_tokens(&made_up, stream, place, byte);
    access_tokens(&made_up, place, byte);
}

fn stream_tokens(made_up: &str, stream: u32, place: usize, byte: u8) {
    let tokens = StreamTokens::new([7; 32], LIFETIME_SECONDS);
    let (call, other_call) =
        (sid("CA0000000000000000000000000000000a"), sid("CA0000000000000000000000000000000b"));
    assert!(tokens.check(Some(made_up), &call, NOW).is_err(), "{made_up:?} was never issued");
    let issued = tokens.issue(&call, stream, NOW);
    assert_eq!(tokens.check(Some(&issued), &call, NOW + LIFETIME_SECONDS), Ok(stream));
    assert_eq!(tokens.check(Some(&issued), &call, NOW + LIFETIME_SECONDS + 1), Err(BadStreamToken::Expired));
    assert_eq!(tokens.check(Some(&issued), &other_call, NOW), Err(BadStreamToken::Forged));
    assert_eq!(
        StreamTokens::new([8; 32], LIFETIME_SECONDS).check(Some(&issued), &call, NOW),
        Err(BadStreamToken::Forged),
        "another key"
    );
    if let Some(changed) = changed(&issued, place, byte) {
        assert_eq!(
            tokens.check(Some(&changed), &call, NOW),
            Err(BadStreamToken::Forged),
            "{changed} of {issued}"
        );
    }
}

fn access_tokens(made_up: &str, place: usize, byte: u8) {
    let mint = TokenMint::new(Some(b"key"), Duration::from_secs(60));
    assert_eq!(mint.verify(made_up, NOW), None, "{made_up:?} was never issued");
    let issued = mint.issue(made_up, NOW);
    if issued.len() <= 4096 {
        let claims = mint.verify(&issued, NOW + 59).expect("it was just issued");
        assert_eq!((claims.sub.as_str(), claims.exp), (made_up, NOW + 60));
        assert_eq!(mint.verify(&issued, NOW + 60), None, "expired");
    }
    if let Some(changed) = changed(&issued, place, byte) {
        assert_eq!(mint.verify(&changed, NOW), None, "{changed} of {issued}");
    }
}

fn sid(raw: &str) -> CallSid {
    CallSid::parse(raw).expect("an identifier")
}

/// Returns the token with another byte in one place, if that is another text.
fn changed(token: &str, place: usize, byte: u8) -> Option<String> {
    let mut bytes = token.as_bytes().to_vec();
    let place = place % bytes.len();
    if bytes[place] == byte {
        return None;
    }
    bytes[place] = byte;
    String::from_utf8(bytes).ok()
}
