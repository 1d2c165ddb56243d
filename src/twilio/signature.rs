//! `X-Twilio-Signature`, made and checked (twilio-protocol.md, section 5). Whether to check is decided
//! elsewhere; a request that does not pass here is not from our account.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::form::Form;
use super::public_url::PublicUrl;

/// Bytes of an HMAC-SHA1.
const DIGEST: usize = 20;

/// The name that Twilio adds to a query to vouch for a body that is not a form.
const BODY_HASH: &str = "bodySHA256";

/// The secret shared with one account; never printed.
#[derive(Clone)]
pub struct AuthToken(SecretString);

/// A text cannot be an auth token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an auth token is not empty and holds printable ASCII characters without spaces")]
pub struct BadAuthToken;

impl AuthToken {
    /// Returns the token in a text: not empty, graphic ASCII only.
    pub fn parse(raw: &str) -> Result<Self, BadAuthToken> {
        let fits = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(SecretString::from(raw))) } else { Err(BadAuthToken) }
    }

    /// Returns the token itself, for the REST client. Not for logs.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn mac(&self, data: &[u8]) -> Hmac<Sha1> {
        // HMAC takes a key of any length, so this cannot fail.
        #[allow(clippy::expect_used)]
        let mut mac =
            Hmac::<Sha1>::new_from_slice(self.expose().as_bytes()).expect("any length of key will do");
        mac.update(data);
        mac
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(…)")
    }
}

/// A request cannot be shown to come from Twilio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// No `X-Twilio-Signature`.
    #[error("the X-Twilio-Signature header is missing")]
    Missing,
    /// More than one `X-Twilio-Signature`.
    #[error("the X-Twilio-Signature header comes more than once")]
    Repeated,
    /// Not base64 of 20 bytes.
    #[error("the X-Twilio-Signature header is not a signature")]
    Malformed,
    /// `X-Twilio-Webhooks-Signature-Settings` names a shared key or another digest (section 5.7).
    #[error(
        "the request is signed by a scheme this server does not know (X-Twilio-Webhooks-Signature-Settings)"
    )]
    UnknownScheme,
    /// Signed with another token, for another address or with other fields.
    #[error("the signature does not match the address and fields of the request")]
    Mismatch,
    /// A body that is not a form and that nothing vouches for.
    #[error("the address has no bodySHA256 to vouch for the body")]
    BodyHashMissing,
    /// A body that is not the one Twilio sent.
    #[error("the body does not match bodySHA256 of the address")]
    BodyHashMismatch,
}

/// The signature a request came with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PresentedSignature([u8; DIGEST]);

impl PresentedSignature {
    /// Returns the signature in a request's headers: all values of `X-Twilio-Signature`, and the value of
    /// `X-Twilio-Webhooks-Signature-Settings` if there is one.
    pub fn from_headers<'a>(
        signatures: impl IntoIterator<Item = &'a [u8]>,
        settings: Option<&[u8]>,
    ) -> Result<Self, BadSignature> {
        if settings.is_some() {
            return Err(BadSignature::UnknownScheme);
        }
        let mut signatures = signatures.into_iter();
        let signature = signatures.next().ok_or(BadSignature::Missing)?;
        if signatures.next().is_some() {
            return Err(BadSignature::Repeated);
        }
        let digest = BASE64_STANDARD.decode(signature).map_err(|_| BadSignature::Malformed)?;
        digest.try_into().map(Self).map_err(|_| BadSignature::Malformed)
    }
}

impl fmt::Debug for PresentedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedSignature(…)")
    }
}

/// What a request carries besides its address.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Nothing: GET.
    None,
    /// A form, whose fields are signed.
    Form(&'a Form),
    /// Anything else, as received: its hash stands in the address.
    Raw(&'a [u8]),
}

/// Makes and checks signatures with the tokens of one account.
#[derive(Debug, Clone)]
pub struct Signer {
    tokens: Vec<AuthToken>,
}

impl Signer {
    /// Returns a signer with one token.
    pub fn new(token: AuthToken) -> Self {
        Self { tokens: vec![token] }
    }

    /// Returns a signer that also accepts a second token, as while tokens are being changed.
    #[must_use]
    pub fn accepting(mut self, token: AuthToken) -> Self {
        self.tokens.push(token);
        self
    }

    /// Returns the signature of a GET or a handshake.
    pub fn sign_url(&self, url: &str) -> String {
        self.sign(url.as_bytes())
    }

    /// Returns the signature of a form that is posted.
    pub fn sign_form(&self, url: &str, form: &Form) -> String {
        self.sign(&signed_data(url, Body::Form(form)))
    }

    /// Checks a webhook; `path_and_query` is the request line's, untouched.
    pub fn verify_webhook(
        &self,
        presented: &PresentedSignature,
        base: &PublicUrl,
        path_and_query: &str,
        body: Body<'_>,
    ) -> Result<(), BadSignature> {
        if let Body::Raw(bytes) = body {
            check_body_hash(path_and_query, bytes)?;
        }
        self.verify_any(presented, &base.webhook_candidates(path_and_query), body)
    }

    /// Checks the handshake of a media socket; `path` is the request line's, untouched.
    pub fn verify_handshake(
        &self,
        presented: &PresentedSignature,
        base: &PublicUrl,
        path: &str,
    ) -> Result<(), BadSignature> {
        self.verify_any(presented, &base.stream_candidates(path), Body::None)
    }

    fn verify_any(
        &self,
        presented: &PresentedSignature,
        urls: &[String],
        body: Body<'_>,
    ) -> Result<(), BadSignature> {
        for url in urls {
            let data = signed_data(url, body);
            // `verify_slice` takes the same time wherever two digests differ.
            if self.tokens.iter().any(|token| token.mac(&data).verify_slice(&presented.0).is_ok()) {
                return Ok(());
            }
        }
        Err(BadSignature::Mismatch)
    }

    fn sign(&self, data: &[u8]) -> String {
        self.tokens
            .first()
            .map_or_else(String::new, |token| BASE64_STANDARD.encode(token.mac(data).finalize().into_bytes()))
    }
}

/// Returns the bytes that are hashed: the address, then each distinct field in order of name and value.
///
/// They hold phone numbers: to be shown only where somebody asked for them.
pub fn signed_data(url: &str, body: Body<'_>) -> Vec<u8> {
    let mut data = url.as_bytes().to_vec();
    if let Body::Form(form) = body {
        let mut fields: Vec<_> = form.byte_pairs().collect();
        fields.sort_unstable();
        fields.dedup();
        for (name, value) in fields {
            data.extend_from_slice(name);
            data.extend_from_slice(value);
        }
    }
    data
}

/// Checks that the address vouches for a body that is not a form; an empty one needs no voucher.
fn check_body_hash(path_and_query: &str, body: &[u8]) -> Result<(), BadSignature> {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    let promised =
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == BODY_HASH);
    match promised {
        None if body.is_empty() => Ok(()),
        None => Err(BadSignature::BodyHashMissing),
        Some((_, promised)) => {
            let actual: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
            if promised == actual { Ok(()) } else { Err(BadSignature::BodyHashMismatch) }
        }
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
