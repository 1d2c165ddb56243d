//! Access tokens: JWTs (HS256) of the form that clients look into (`symbl-protocol` 1.3).
//!
//! The payload has a numeric `exp`, because JS clients read it, and its Base64url text is Base64 text at the same
//! time, because the web SDK decodes it with plain `atob`. Sixty lines over the `hmac` that is here anyway; a JWT
//! crate would bring a second set of cryptography for one fixed algorithm.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use uuid::Uuid;

/// No token of ours is longer; what is longer is not worth hashing.
const LONGEST_TOKEN: usize = 4096;

/// Issues tokens and recognises them again.
#[derive(Clone)]
pub struct TokenMint {
    key: Hmac<Sha256>,
    lifetime: Duration,
}

impl std::fmt::Debug for TokenMint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMint").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The application.
    pub sub: String,
    /// End of validity, in seconds of Unix time.
    pub exp: u64,
}

impl TokenMint {
    /// Returns a mint; without a key it makes up a random one, and its tokens die with the process.
    pub fn new(key: Option<&[u8]>, lifetime: Duration) -> Self {
        let random =
            [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        // HMAC takes keys of any length; the error exists for ciphers only.
        #[expect(clippy::expect_used, reason = "HMAC accepts every key length")]
        let key = Hmac::new_from_slice(key.unwrap_or(&random)).expect("hmac takes any key");
        Self { key, lifetime }
    }

    /// Returns how long a token lives when it is issued.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token for an application.
    pub fn issue(&self, app_id: &str, now_s: u64) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"sub":"{}","iat":{now_s},"exp":{},"jti":"{}"}}"#,
            plain_json_text(app_id),
            now_s + self.lifetime.as_secs(),
            Uuid::new_v4(),
        ));
        let signed = format!("{header}.{payload}");
        let signature = URL_SAFE_NO_PAD.encode(self.sign(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Returns what a token says, if it is ours and still valid.
    pub fn verify(&self, token: &str, now_s: u64) -> Option<Claims> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.sign(signed).verify_slice(&signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        (claims.exp > now_s).then_some(claims)
    }

    fn sign(&self, signed: &str) -> Hmac<Sha256> {
        self.key.clone().chain_update(signed.as_bytes())
    }
}

/// Returns the inside of a JSON string in ASCII without `>`, `?` and `~`: the only ASCII characters that can make
/// Base64url differ from Base64.
fn plain_json_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some(c) if c.is_ascii_graphic() && !matches!(c, '>' | '?' | '~' | '"' | '\\') => plain.push(c),
            _ => plain.push_str(&format!("\\u{unit:04x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn mint() -> TokenMint {
        TokenMint::new(Some(b"key"), Duration::from_secs(600))
    }

    #[test]
    fn a_token_is_valid_until_it_expires_and_only_here() {
        let token = mint().issue("app", NOW);
        let claims = mint().verify(&token, NOW + 599).unwrap();
        assert_eq!((claims.sub.as_str(), claims.exp), ("app", NOW + 600));
        assert_eq!(mint().verify(&token, NOW + 600), None);
        assert_eq!(TokenMint::new(None, Duration::from_secs(600)).verify(&token, NOW), None);
    }

    #[test]
    fn what_is_not_a_token_of_ours_is_refused() {
        let token = mint().issue("app", NOW);
        let parts: Vec<&str> = token.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for wrong in [
            String::new(),
            "opaque".to_owned(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{token}x"),
            format!("{}.{}.{}", parts[0], &parts[1][1..], parts[2]),
            "x".repeat(LONGEST_TOKEN + 1),
        ] {
            assert_eq!(mint().verify(&wrong, NOW), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_token_fits_a_subprotocol_and_plain_base64(app_id in ".{0,40}", now in 0..4_000_000_000u64) {
            let token = mint().issue(&app_id, now);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
            let payload = token.split('.').nth(1).unwrap();
            prop_assert!(STANDARD_NO_PAD.decode(payload).is_ok(), "{payload}");
            prop_assert_eq!(mint().verify(&token, now).unwrap().sub, app_id);
        }
    }
}
