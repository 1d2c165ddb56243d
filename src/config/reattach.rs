//! New streams for calls that lost theirs: whether, where, how soon.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;
use super::{Mode, TwilioSettings};
use crate::twilio::{AccountSid, AuthToken, PhoneNumber, PublicUrl};

/// What re-attaching needs; there is none when something of it is missing.
#[derive(Debug, Clone)]
pub struct ReattachSettings {
    /// Twilio's REST API.
    pub api: PublicUrl,
    /// The account.
    pub account: AccountSid,
    /// Its auth tokens; several while they are being changed.
    pub auth_tokens: Vec<AuthToken>,
    /// The number whose calls are listed; none: only calls that the journal knows are looked for.
    pub number: Option<PhoneNumber>,
    /// How long a stream may be missing before another is started.
    pub settle: Duration,
    /// Where calls are remembered.
    pub journal: JournalPlace,
}

/// Where calls are remembered for a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalPlace {
    /// Where the engine keeps conversations; nowhere if it keeps none.
    BesideStore,
    /// A file of the operator's.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// Returns the settings; none if re-attaching is off, or something that it needs is not set.
pub(super) fn read(
    read: &mut Reader,
    mode: Mode,
    twilio: &TwilioSettings,
    is_public: bool,
) -> Option<ReattachSettings> {
    let enabled = read.flag("reattach.enabled");
    let settle = read.millis("reattach.settle_ms", 100..=60_000);
    let journal = match read.text("reattach.journal").as_deref() {
        None => JournalPlace::BesideStore,
        Some("none") => JournalPlace::Nowhere,
        Some(path) => JournalPlace::File(PathBuf::from(path)),
    };
    let api = read.parsed("twilio.api_url", |text| PublicUrl::parse(text).map_err(|fault| fault.to_string()));
    // A `<Connect>` stream cannot be started from outside, and Twilio cannot reach a private address.
    let is_possible = enabled && is_public && mode == Mode::Conference && !twilio.auth_tokens.is_empty();
    let account = AccountSid::parse(twilio.account_sid.as_deref()?).ok().filter(|_| is_possible)?;
    Some(ReattachSettings {
        api: api?,
        account,
        auth_tokens: twilio.auth_tokens.clone(),
        number: twilio.number.clone(),
        settle,
        journal,
    })
}
