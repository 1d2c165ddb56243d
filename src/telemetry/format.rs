//! The two forms of a log line: JSON for machines, short text for people.

use std::io::{self, IsTerminal, Write};

use env_logger::fmt::Formatter;
use jiff::Timestamp;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::Map;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// `time LEVEL event key=value … message`.
    Text,
}

impl LogFormat {
    /// Reads `LOG_FORMAT`: `json` or `text`; unset, a terminal gets text and anything else JSON.
    pub fn choose(setting: Option<&str>) -> Result<Self, String> {
        match setting.map(str::trim).filter(|text| !text.is_empty()) {
            Some("json") => Ok(Self::Json),
            Some("text") => Ok(Self::Text),
            Some(other) => Err(format!("`{other}` is neither `json` nor `text`")),
            None if io::stderr().is_terminal() => Ok(Self::Text),
            None => Ok(Self::Json),
        }
    }
}

/// Starts logging to standard error; `RUST_LOG` chooses levels as usual, `info` without it.
///
/// A second call changes nothing.
pub fn init(format: LogFormat) {
    let mut builder = env_logger::Builder::new();
    // actix says at info what we say better.
    builder.parse_filters("info,actix_server=warn").parse_default_env();
    builder.target(env_logger::Target::Stderr);
    match format {
        LogFormat::Json => builder.format(json_line),
        LogFormat::Text => builder.format(text_line),
    };
    let _ = builder.try_init();
}

fn json_line(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Map::new();
    line.insert("ts".to_owned(), Timestamp::now().to_string().into());
    line.insert("level".to_owned(), record.level().as_str().to_lowercase().into());
    // Lines of libraries have no event of their own.
    line.insert("event".to_owned(), "log".into());
    line.insert("message".to_owned(), record.args().to_string().into());
    if !record.target().starts_with("symbl_bridge") {
        line.insert("target".to_owned(), record.target().into());
    }
    let _ = record.key_values().visit(&mut JsonFields(&mut line));
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

fn text_line(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let now = Timestamp::now().strftime("%H:%M:%S%.3f");
    let style = out.default_level_style(record.level());
    write!(out, "{now} {style}{:5}{style:#} {}", record.level(), record.args())?;
    let _ = record.key_values().visit(&mut TextFields(out));
    writeln!(out)
}

struct JsonFields<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = serde_json::to_value(&value).unwrap_or_else(|_| value.to_string().into());
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

struct TextFields<'a>(&'a mut Formatter);

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        // The message says it in words.
        if key.as_str() == "event" {
            return Ok(());
        }
        write!(self.0, " {key}={value}").map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_format_is_read_or_refused() {
        assert_eq!(LogFormat::choose(Some("json")), Ok(LogFormat::Json));
        assert_eq!(LogFormat::choose(Some(" text ")), Ok(LogFormat::Text));
        assert!(LogFormat::choose(Some("xml")).unwrap_err().contains("`xml`"));
    }
}
