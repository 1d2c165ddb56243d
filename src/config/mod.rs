//! Typed settings: read completely and checked completely before a port is bound.
//!
//! Sources, later ones win: the defaults of `config/default.toml`, a file, the environment (with `.env`) as
//! `BRIDGE__SECTION__KEY`, the names that users of this integration already have (`reader::KNOWN_NAMES`).
//! [`Settings::load`] collects every mistake before it gives up, each with its key, fault and remedy.

mod cluster;
mod http;
mod limits;
mod llm;
pub mod networks;
mod parties;
mod reader;
mod reattach;
mod recording;
#[cfg(test)]
mod reference;
mod store;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::symbl::endpoint::Endpoint;
use crate::symbl::start_template::{DEFAULT_TEMPLATE, StartTemplate};
use crate::twilio::signature::AuthToken;
use crate::twilio::{PhoneNumber, PublicUrl, Signer};

pub use cluster::ClusterSettings;
pub use http::{HttpSettings, TlsSettings};
pub use limits::{LimitSettings, WhenFull};
pub use llm::LlmSettings;
pub use parties::{NamedParty, PartyList};
use reader::Reader;
pub use reader::{ConfigError, Problem};
pub use reattach::{JournalPlace, ReattachSettings};
pub use recording::{Announcement, RecordingSettings};
pub use store::{DatabaseSettings, StorePlace, StoreSettings};

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file of the user's, over the defaults.
    pub file: Option<PathBuf>,
    /// Environment variables, `.env` included.
    pub environment: HashMap<String, String>,
}

impl Sources {
    /// Returns the process's environment over `.env` of the working directory, and a file if one is named.
    pub fn of_process(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut environment = HashMap::new();
        match dotenvy::dotenv_iter() {
            Ok(entries) => {
                for entry in entries {
                    let (name, value) = entry.map_err(|error| ConfigError::dotenv(&error))?;
                    environment.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(ConfigError::dotenv(&error)),
        }
        environment.extend(std::env::vars());
        Ok(Self { file, environment })
    }
}

/// What a caller's TwiML does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Callers meet in a conference; each is streamed beside it.
    Conference,
    /// A caller is only streamed.
    ReceiveCall,
}

/// Which conference a caller joins, when the webhook URL names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomPolicy {
    /// All who dial one Twilio number meet.
    Number,
    /// Every customer gets a room; an agent joins the customer who has waited longest.
    Pair,
}

/// Where results come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// The engine in this process.
    Embedded,
    /// A server of the Symbl protocol elsewhere.
    Server(Endpoint),
}

/// The Twilio account.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// `AC…`.
    pub account_sid: Option<String>,
    /// The keys of webhook signatures: one, or several while they are being changed or for sub-accounts.
    pub auth_tokens: Vec<AuthToken>,
    /// Whether signatures are checked.
    pub check_signatures: bool,
    /// The number callers dial.
    pub number: Option<PhoneNumber>,
}

/// The connection to the Symbl-protocol server.
#[derive(Debug, Clone)]
pub struct SymblSettings {
    /// Application id.
    pub app_id: Option<String>,
    /// Application secret.
    pub app_secret: Option<SecretString>,
    /// Where results come from.
    pub upstream: Upstream,
    /// What a leg asks for.
    pub start_template: StartTemplate,
    /// One attempt to connect.
    pub connect_timeout: Duration,
    /// How long the server may stay out of reach before a leg gives up.
    pub give_up_after: Duration,
    /// How long the server may owe an answer about audio it was sent, before the connection counts as lost.
    pub acknowledge_timeout: Duration,
    /// How long delivering the rest and the last results may take once the caller is gone.
    pub stop_timeout: Duration,
    /// How much audio is kept that the server is not known to have.
    pub buffer: Duration,
}

/// Media sockets.
#[derive(Debug, Clone, Copy)]
pub struct MediaSettings {
    /// `start` must come within this.
    pub start_timeout: Duration,
    /// A stream without media for this long is over.
    pub silence_timeout: Duration,
    /// How long a stream token of a webhook lets a socket in.
    pub token_lifetime: Duration,
    /// Sockets that have not proved themselves with `start`, at once.
    pub max_unproven: usize,
    /// The same from one address.
    pub max_unproven_per_address: usize,
}

/// Dashboards.
#[derive(Debug, Clone, Copy)]
pub struct UpdatesSettings {
    /// Updates a dashboard may lag behind.
    pub queue: usize,
    /// Updates that are kept for those who come back.
    pub keep: usize,
    /// Dashboards at once.
    pub max_dashboards: usize,
    /// How often a dashboard is pinged.
    pub ping_every: Duration,
}

/// Who may watch.
#[derive(Debug, Clone)]
pub struct WatcherSettings {
    /// What dashboards must show; none: nothing, or a generated one when the world can reach us.
    pub token: Option<SecretString>,
    /// Origins of pages that may connect, besides our own.
    pub origins: Vec<String>,
}

/// Conferences.
#[derive(Debug, Clone, Copy)]
pub struct ConferenceSettings {
    /// Which conference a caller joins.
    pub policy: RoomPolicy,
    /// Whether it ends for all when one leaves.
    pub end_on_exit: bool,
}

/// The embedded engine's recogniser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSettings {
    /// `base`, `tiny`, or a directory with a model of the same layout.
    pub name: String,
    /// Where models are installed; none: the user's cache.
    pub dir: Option<PathBuf>,
    /// Threads that recognise; none: one a core.
    pub workers: Option<NonZeroUsize>,
    /// Whether sentences are judged by meaning, too.
    pub meaning: bool,
}

/// Everything an operator can set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a caller's TwiML does.
    pub mode: Mode,
    /// How the world reaches us; none in local development.
    pub public_url: Option<PublicUrl>,
    /// The listener.
    pub http: HttpSettings,
    /// The Twilio account.
    pub twilio: TwilioSettings,
    /// The upstream.
    pub symbl: SymblSettings,
    /// Conferences.
    pub conference: ConferenceSettings,
    /// Who is who, by number.
    pub parties: PartyList,
    /// Media sockets.
    pub media: MediaSettings,
    /// What stream tokens are signed with; none: a key of the auth token's, or one that is made up at each start.
    pub stream_secret: Option<SecretString>,
    /// New streams for calls that lost theirs; none: such calls stay without.
    pub reattach: Option<ReattachSettings>,
    /// Dashboards.
    pub updates: UpdatesSettings,
    /// Who may watch.
    pub watchers: WatcherSettings,
    /// How much work is taken.
    pub limits: LimitSettings,
    /// The embedded engine's recogniser.
    pub model: ModelSettings,
    /// Where the embedded engine keeps conversations.
    pub store: StoreSettings,
    /// Recording of what legs carry.
    pub recording: RecordingSettings,
    /// The language model that is asked for a second opinion; none: nobody is.
    pub llm: Option<LlmSettings>,
    /// Whether transcripts are logged.
    pub log_transcripts: bool,
    /// What several nodes share; none: this one is alone.
    pub cluster: Option<ClusterSettings>,
    /// How long live calls may go on after SIGTERM.
    pub drain_deadline: Duration,
}

impl Settings {
    /// Reads and checks all settings; on a mistake, returns every mistake.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut read = Reader::open(sources)?;
        let settings = Self::read(&mut read);
        read.finish()?;
        Ok(settings)
    }

    /// Reads every key; a wrong one leaves its default and a problem with the reader.
    fn read(read: &mut Reader) -> Self {
        let mode =
            read.choice("mode", &[("conference", Mode::Conference), ("receive_call", Mode::ReceiveCall)]);
        let public_url = read.parsed("webhook_domain", webhook_domain);
        let http = http::read(read);
        let twilio = TwilioSettings {
            account_sid: read.parsed("twilio.account_sid", account_sid),
            auth_tokens: read.parsed_secret("twilio.auth_token", auth_tokens).unwrap_or_default(),
            check_signatures: read.flag("twilio.check_signatures"),
            number: read.parsed("twilio.number", |text| PhoneNumber::parse(text).map_err(|e| e.to_string())),
        };
        if public_url.is_some() && twilio.check_signatures && twilio.auth_tokens.is_empty() {
            read.problem(
                "twilio.auth_token",
                "is missing, but WEBHOOK_DOMAIN is set: anybody could post to this server",
                "set TWILIO_AUTH_TOKEN to the auth token of the Twilio account, or, to serve unsigned requests all \
                 the same, twilio.check_signatures = false"
                    .to_owned(),
            );
        }
        let upstream =
            read.parsed("symbl.api_base_url", |text| Endpoint::parse(text).map_err(|e| e.to_string()));
        let symbl = SymblSettings {
            app_id: read.text("symbl.app_id"),
            app_secret: read.secret("symbl.app_secret"),
            upstream: upstream.map_or(Upstream::Embedded, Upstream::Server),
            start_template: read
                .parsed("symbl.start_request", template_file)
                .unwrap_or_else(builtin_template),
            connect_timeout: read.millis("symbl.connect_timeout_ms", 100..=120_000),
            give_up_after: read.millis("symbl.give_up_after_ms", 0..=600_000),
            acknowledge_timeout: read.millis("symbl.ack_timeout_ms", 100..=120_000),
            stop_timeout: read.millis("symbl.stop_timeout_ms", 100..=120_000),
            buffer: Duration::from_secs(read.number("audio.buffer_seconds", 1..=600)),
        };
        if matches!(symbl.upstream, Upstream::Server(_)) {
            for (key, name, missing) in [
                ("symbl.app_id", "SYMBL_APP_ID", symbl.app_id.is_none()),
                ("symbl.app_secret", "SYMBL_APP_SECRET", symbl.app_secret.is_none()),
            ] {
                if missing {
                    let remedy = format!("set {name}, or unset SYMBL_API_BASE_URL");
                    read.problem(key, "is missing, but SYMBL_API_BASE_URL is set", remedy);
                }
            }
        }
        let media = MediaSettings {
            start_timeout: read.millis("media.start_timeout_ms", 100..=120_000),
            silence_timeout: read.millis("media.silence_timeout_ms", 1_000..=3_600_000),
            token_lifetime: read.millis("media.token_lifetime_ms", 1_000..=3_600_000),
            max_unproven: read.number("media.max_unproven", 1..=1_000_000) as usize,
            max_unproven_per_address: read.number("media.max_unproven_per_address", 1..=1_000_000) as usize,
        };
        let reattach = reattach::read(read, mode, &twilio, public_url.is_some());
        let watchers = WatcherSettings {
            token: read.parsed_secret("updates.token", access_token),
            origins: read
                .text("updates.origins")
                .map(|list| list.split(',').map(|origin| origin.trim().to_owned()).collect())
                .unwrap_or_default(),
        };
        let stream_secret = read.parsed_secret("media.token_secret", access_token);
        let has_token_key = stream_secret.is_some() || !twilio.auth_tokens.is_empty();
        let cluster = cluster::read(read, has_token_key, public_url.is_some() && watchers.token.is_none());
        let policies = [("number", RoomPolicy::Number), ("pair", RoomPolicy::Pair)];
        Self {
            mode,
            public_url,
            http,
            twilio,
            symbl,
            conference: ConferenceSettings {
                policy: read.choice("conference.policy", &policies),
                end_on_exit: read.flag("conference.end_on_exit"),
            },
            parties: parties::read(read),
            media,
            stream_secret,
            reattach,
            updates: UpdatesSettings {
                queue: read.number("updates.queue", 1..=65_536) as usize,
                keep: read.number("updates.keep", 0..=65_536) as usize,
                max_dashboards: read.number("updates.max_dashboards", 1..=100_000) as usize,
                ping_every: read.millis("updates.ping_ms", 1_000..=600_000),
            },
            watchers,
            limits: limits::read(read),
            model: ModelSettings {
                name: read.text("model.name").unwrap_or_else(|| "base".to_owned()),
                dir: read.text("model.dir").map(PathBuf::from),
                workers: NonZeroUsize::new(read.number("model.workers", 0..=1024) as usize),
                meaning: read.flag("model.meaning"),
            },
            store: store::read(read),
            recording: recording::read(read, media.token_lifetime),
            llm: llm::read(read),
            cluster,
            log_transcripts: read.flag("log.transcripts"),
            drain_deadline: read.millis("drain.deadline_ms", 0..=86_400_000),
        }
    }
}

/// A host name; `https://` before it and `/` after it are forgiven.
fn webhook_domain(text: &str) -> Result<PublicUrl, String> {
    let domain = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    if domain.contains(['/', '?', '#', '@']) {
        return Err("must be a host name that Twilio reaches over https, without path or query".to_owned());
    }
    PublicUrl::parse(&format!("https://{domain}")).map_err(|error| error.to_string())
}

/// Long enough not to be guessed, and of characters that a WebSocket subprotocol may have.
fn access_token(text: &str) -> Result<SecretString, String> {
    const SHORTEST: usize = 16;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if text.len() < SHORTEST || !text.bytes().all(fits) {
        return Err(format!("must have at least {SHORTEST} letters, digits, - _ . ~ and nothing else"));
    }
    Ok(SecretString::from(text.to_owned()))
}

/// One token, or several between commas.
fn auth_tokens(text: &str) -> Result<Vec<AuthToken>, String> {
    let tokens = text.split(',').map(|token| AuthToken::parse(token.trim()));
    tokens.collect::<Result<_, _>>().map_err(|fault| fault.to_string())
}

impl TwilioSettings {
    /// Returns what checks that requests come from Twilio; none: they are not checked.
    pub fn signer(&self) -> Option<Signer> {
        let (first, others) = self.auth_tokens.split_first().filter(|_| self.check_signatures)?;
        Some(others.iter().cloned().fold(Signer::new(first.clone()), Signer::accepting))
    }
}

fn account_sid(text: &str) -> Result<String, String> {
    let is_sid =
        text.len() == 34 && text.starts_with("AC") && text[2..].bytes().all(|b| b.is_ascii_hexdigit());
    if is_sid { Ok(text.to_owned()) } else { Err("must be `AC` and 32 hexadecimal digits".to_owned()) }
}

fn template_file(path: &str) -> Result<StartTemplate, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    StartTemplate::parse(&text).map_err(|error| format!("{path}: {error}"))
}

fn builtin_template() -> StartTemplate {
    #[expect(clippy::expect_used, reason = "a test of start_template parses the same text")]
    StartTemplate::parse(DEFAULT_TEMPLATE).expect("the built-in template is valid")
}

#[cfg(test)]
mod tests;
