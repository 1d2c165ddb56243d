//! Reading keys one by one, so that every mistake is found in one run.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::Sources;

/// The names that users of this integration already have in their `.env`, and the keys they set.
pub(super) const KNOWN_NAMES: &[(&str, &str)] = &[
    ("MODE", "mode"),
    ("WEBHOOK_DOMAIN", "webhook_domain"),
    ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
    ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ("TWILIO_NUMBER", "twilio.number"),
    ("SYMBL_APP_ID", "symbl.app_id"),
    ("SYMBL_APP_SECRET", "symbl.app_secret"),
    ("SYMBL_API_BASE_URL", "symbl.api_base_url"),
    ("DATABASE_URL", "store.url"),
    ("AGENT_PHONE", "parties.agents"),
    ("CUSTOMER_PHONE", "parties.customers"),
];

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as in `config/default.toml`.
    pub key: String,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}

/// Every mistake that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The mistakes, in the order of the keys' reading.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    pub(crate) fn one(key: impl Into<String>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problems: vec![Problem { key: key.into(), fault: fault.into(), remedy: remedy.into() }] }
    }

    pub(super) fn dotenv(error: &dotenvy::Error) -> Self {
        // A parse error repeats the whole line, and the line may hold a secret.
        let fault = match error {
            dotenvy::Error::LineParse(_, position) => {
                format!("a line cannot be read (near its byte {position})")
            }
            dotenvy::Error::Io(error) => error.to_string(),
            _ => "cannot be read".to_owned(),
        };
        Self::one(".env", fault, "write each line as NAME=value; quote values with spaces or #")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{} {}\n    remedy: {}", name_for(&problem.key), problem.fault, problem.remedy)?;
        }
        Ok(())
    }
}

/// Returns the key with the environment's name for it, so that both kinds of users find it.
fn name_for(key: &str) -> String {
    match KNOWN_NAMES.iter().find(|(_, known)| *known == key) {
        Some((name, _)) => format!("{name} ({key})"),
        None if key.is_empty() => "a name of nothing (BRIDGE__)".to_owned(),
        // Names that are no setting may hold anything.
        None if !key.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter)) => {
            format!("{key:?}")
        }
        None => format!("{key} (BRIDGE__{})", key.to_uppercase().replace('.', "__")),
    }
}

/// Returns the environment without names that end too early or go on too long, and what is wrong with those.
///
/// A section that is set like a key would hide its keys, or be hidden by them, as chance would have it.
fn without_clashes(
    environment: &HashMap<String, String>,
    known: &BTreeSet<String>,
) -> (HashMap<String, String>, Vec<Problem>) {
    let mut kept = environment.clone();
    let mut problems = Vec::new();
    let names: BTreeSet<&String> = environment.keys().collect();
    for name in names {
        let Some(key) = name.to_lowercase().strip_prefix("bridge__").map(|rest| rest.replace("__", "."))
        else {
            continue;
        };
        let is_within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.') && !outer.is_empty())
        };
        let (fault, remedy) = if let Some(inner) = known.iter().find(|known| is_within(known, &key)) {
            ("is a section, not a setting", format!("set its keys, for instance {}", name_for(inner)))
        } else if let Some(outer) = known.iter().find(|known| is_within(&key, known)) {
            ("is not a setting", format!("set {}, which has no parts", name_for(outer)))
        } else {
            continue;
        };
        kept.remove(name);
        problems.push(Problem { key, fault: fault.to_owned(), remedy });
    }
    (kept, problems)
}

/// Reads keys and collects problems.
pub(super) struct Reader {
    config: Config,
    defaults: Config,
    problems: Vec<Problem>,
    /// What was asked for, key by key: `docs/configuration.md` is made of it.
    #[cfg(test)]
    pub(super) asked: std::collections::BTreeMap<&'static str, Asked>,
}

/// What a key may hold, in words.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Its type.
    pub(super) expected: String,
    /// Its range or its choices, as the remedy of a mistake names them; empty where the type says it all.
    pub(super) remedy: String,
}

impl Reader {
    /// Puts the sources on top of each other.
    pub(super) fn open(sources: &Sources) -> Result<Self, ConfigError> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let mut builder = Config::builder().add_source(defaults.clone());
        let defaults = Config::builder().add_source(defaults).build();
        let defaults =
            defaults.map_err(|e| ConfigError::one("config/default.toml", e.to_string(), "rebuild"))?;
        let (environment, problems) = without_clashes(&sources.environment, &keys_of(&defaults));
        if let Some(path) = &sources.file {
            builder = builder.add_source(File::from(path.as_path()).format(FileFormat::Toml));
        }
        let prefixed = Environment::with_prefix("BRIDGE")
            .prefix_separator("__")
            .separator("__")
            .source(Some(environment));
        builder = builder.add_source(prefixed);
        for (name, key) in KNOWN_NAMES {
            if let Some(value) = sources.environment.get(*name).filter(|value| !value.trim().is_empty()) {
                let set = builder.set_override(key, value.as_str());
                builder =
                    set.map_err(|error| ConfigError::one(*key, error.to_string(), "check its spelling"))?;
            }
        }
        let file_name = sources.file.as_ref().map_or("configuration".to_owned(), |f| f.display().to_string());
        let config = builder.build().map_err(|error| {
            ConfigError::one(
                file_name,
                error.to_string(),
                "correct the file; config/default.toml shows every key",
            )
        })?;
        Ok(Self {
            config,
            defaults,
            problems,
            #[cfg(test)]
            asked: std::collections::BTreeMap::new(),
        })
    }

    /// Remembers what was asked for; what is said last is the most exact.
    #[cfg(test)]
    fn note(&mut self, key: &'static str, expected: &str, remedy: &str) {
        let asked = Asked { expected: expected.to_owned(), remedy: remedy.to_owned() };
        self.asked.insert(key, asked);
    }

    #[cfg(not(test))]
    fn note(&mut self, _key: &'static str, _expected: &str, _remedy: &str) {}

    /// Returns the dotted names of all settings.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> BTreeSet<String> {
        keys_of(&self.defaults)
    }

    /// Records a mistake.
    pub(super) fn problem(&mut self, key: &str, fault: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), fault: fault.into(), remedy: remedy.into() });
    }

    /// Reports all mistakes, unknown keys among them.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        let known = keys_of(&self.defaults);
        for key in keys_of(&self.config) {
            if !known.contains(&key) && !key.starts_with("parties.named") {
                let alike = known.iter().max_by(|a, b| likeness(a, &key).total_cmp(&likeness(b, &key)));
                let remedy = match alike.filter(|alike| likeness(alike, &key) > ALIKE) {
                    Some(alike) => format!("did you mean {}?", name_for(alike)),
                    None => "remove it; config/default.toml shows every key".to_owned(),
                };
                self.problem(&key, "is not a setting", remedy);
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError { problems: self.problems }) }
    }

    /// Returns a text; none when empty.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let text: String = self.value(key, "text", "write it as text")?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Returns a text read by `parse`; none when empty or wrong.
    pub(super) fn parsed<T>(&mut self, key: &'static str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.problem(key, format!("is `{text}`: {fault}"), "correct it, or leave it empty");
                None
            }
        }
    }

    /// Returns a secret in its checked form; a mistake does not show it.
    pub(super) fn parsed_secret<T>(
        &mut self,
        key: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key);
        self.note(key, SECRET, "");
        parse(&text?)
            .map_err(|fault| self.problem(key, format!("cannot be used: {fault}"), "correct it"))
            .ok()
    }

    /// Returns a secret of any form; none when empty.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<SecretString> {
        let text = self.text(key);
        self.note(key, SECRET, "");
        text.map(SecretString::from)
    }

    /// Returns yes or no.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        self.value(key, "true or false", "write `true` or `false`").unwrap_or_default()
    }

    /// Returns a whole number within bounds.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> u64 {
        let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
        let number: u64 = self.value(key, "a whole number", &remedy).unwrap_or(*range.start());
        if !range.contains(&number) {
            self.problem(key, format!("is {number}, out of bounds"), remedy);
        }
        number
    }

    /// Returns a time within bounds, in milliseconds.
    pub(super) fn millis(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(key, range))
    }

    /// Returns one of several named values; the first when wrong.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let text = self.text(key).unwrap_or_default();
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        let remedy = format!("write {}", names.join(" or "));
        self.note(key, "one of several words", &remedy);
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return *value;
        }
        self.problem(key, format!("is `{text}`"), remedy);
        choices[0].1
    }

    /// Returns a value of any shape; none, with a problem, when it has another.
    pub(super) fn value<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        expected: &str,
        remedy: &str,
    ) -> Option<T> {
        self.note(key, expected, remedy);
        match self.config.get(key) {
            Ok(value) => Some(value),
            Err(_) => {
                let found = self.config.get_string(key).map_or(String::new(), |found| format!("`{found}`, "));
                self.problem(key, format!("is {found}not {expected}"), remedy);
                None
            }
        }
    }
}

/// What the type of a secret is called.
const SECRET: &str = "text, secret";

/// Names closer than this are taken for one another.
const ALIKE: f64 = 0.85;

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

/// Returns the dotted names of all leaves.
fn keys_of(config: &Config) -> BTreeSet<String> {
    fn walk(prefix: &str, table: &HashMap<String, config::Value>, keys: &mut BTreeSet<String>) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match &value.kind {
                config::ValueKind::Table(inner) => walk(&key, &inner.clone().into_iter().collect(), keys),
                _ => {
                    keys.insert(key);
                }
            }
        }
    }
    let mut keys = BTreeSet::new();
    if let Ok(table) = config.clone().try_deserialize::<HashMap<String, config::Value>>() {
        walk("", &table, &mut keys);
    }
    keys
}
