//! What binds a media socket to a webhook: a short-lived token, good for one stream of one call.
//!
//! The handshake's signature is the same for every call to one address; only this tells streams apart
//! (`twilio-protocol` 5.6). The token says `v1.<stream>.<expiry>.<mac>`, the mac covers the call too, and whoever
//! redeems it remembers the stream's number, so that no second socket gets in with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::twilio::CallSid;

/// Makes and checks stream tokens.
#[derive(Clone)]
pub struct StreamTokens {
    key: [u8; 32],
    lifetime_seconds: u64,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadStreamToken {
    /// None was sent.
    #[error("no stream token")]
    Missing,
    /// Not a token of ours for this call.
    #[error("stream token is not valid for this call")]
    Forged,
    /// Too old.
    #[error("stream token has expired")]
    Expired,
}

impl StreamTokens {
    /// Returns tokens under a key that nobody else knows; each lives so many seconds.
    pub fn new(key: [u8; 32], lifetime_seconds: u64) -> Self {
        Self { key, lifetime_seconds }
    }

    /// Returns the key that belongs to a secret. The secret may be used for other things, too: nothing can be told from the key.
    pub fn key_of(secret: &str) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
        mac.update(b"symbl-bridge stream tokens v1");
        mac.finalize().into_bytes().into()
    }

    /// Returns the token for the call's stream number `stream`; `now` in seconds since 1970.
    pub fn issue(&self, call_sid: &CallSid, stream: u32, now: u64) -> String {
        let expiry = now + self.lifetime_seconds;
        let mac = URL_SAFE_NO_PAD.encode(self.mac(call_sid, stream, expiry).finalize().into_bytes());
        format!("v1.{stream}.{expiry}.{mac}")
    }

    /// Returns the stream's number that `token` was issued for.
    pub fn check(&self, token: Option<&str>, call_sid: &CallSid, now: u64) -> Result<u32, BadStreamToken> {
        let token = token.filter(|token| !token.is_empty()).ok_or(BadStreamToken::Missing)?;
        let (stream, expiry, mac) = split(token).ok_or(BadStreamToken::Forged)?;
        // verify_slice takes the same time wherever the difference is.
        self.mac(call_sid, stream, expiry).verify_slice(&mac).map_err(|_| BadStreamToken::Forged)?;
        if now > expiry { Err(BadStreamToken::Expired) } else { Ok(stream) }
    }

    fn mac(&self, call_sid: &CallSid, stream: u32, expiry: u64) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any key length");
        mac.update(format!("{call_sid}|{stream}|{expiry}").as_bytes());
        mac
    }
}

fn split(token: &str) -> Option<(u32, u64, Vec<u8>)> {
    let mut parts = token.strip_prefix("v1.")?.splitn(3, '.');
    let stream = parts.next()?.parse().ok()?;
    let expiry = parts.next()?.parse().ok()?;
    let mac = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    Some((stream, expiry, mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: u64 = 120;

    #[test]
    fn who_has_the_same_secret_takes_the_token() {
        let tokens = |secret| StreamTokens::new(StreamTokens::key_of(secret), LIFETIME);
        let call = CallSid::parse("CA1").unwrap();
        let token = tokens("sesame").issue(&call, 1, 1000);
        assert_eq!(tokens("sesame").check(Some(&token), &call, 1001), Ok(1));
        assert_eq!(tokens("Sesame").check(Some(&token), &call, 1001), Err(BadStreamToken::Forged));
    }

    #[test]
    fn a_token_is_good_for_its_call_and_time_only() {
        let tokens = StreamTokens::new([7; 32], LIFETIME);
        let call = CallSid::parse("CA1").unwrap();
        let token = tokens.issue(&call, 3, 1000);
        assert_eq!(tokens.check(Some(&token), &call, 1000 + LIFETIME), Ok(3));
        let late = tokens.check(Some(&token), &call, 1001 + LIFETIME);
        assert_eq!(late, Err(BadStreamToken::Expired));
        let other = CallSid::parse("CA2").unwrap();
        assert_eq!(tokens.check(Some(&token), &other, 1000), Err(BadStreamToken::Forged));
        let foreign = StreamTokens::new([8; 32], LIFETIME);
        assert_eq!(foreign.check(Some(&token), &call, 1000), Err(BadStreamToken::Forged));
        for (forged, reason) in [
            (None, BadStreamToken::Missing),
            (Some(""), BadStreamToken::Missing),
            (Some("v1.3.9999999999."), BadStreamToken::Forged),
            (Some("v1.3"), BadStreamToken::Forged),
            (Some("nonsense"), BadStreamToken::Forged),
        ] {
            assert_eq!(tokens.check(forged, &call, 1000), Err(reason));
        }
        let renumbered = token.replacen("v1.3.", "v1.4.", 1);
        assert_eq!(tokens.check(Some(&renumbered), &call, 1000), Err(BadStreamToken::Forged));
    }
}
