//! The two text forms: OpenMetrics 1.0 for who asks for it, Prometheus text 0.0.4 for everybody else.
//!
//! They differ in what the head of a counter is called, in types that the older form does not know, and in their end.

use std::fmt::Write as _;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// A text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// `application/openmetrics-text`.
    OpenMetrics,
    /// `text/plain`, which `promtool check metrics`, browsers and older scrapers read.
    Prometheus,
}

impl Exposition {
    /// Returns the form for an `Accept` header.
    pub fn for_accept(accept: Option<&str>) -> Self {
        match accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// Returns the answer's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes all metrics of a registry.
    pub(super) fn write(self, registry: &Registry) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, registry);
        match self {
            Self::OpenMetrics => text,
            Self::Prometheus => prometheus_text(&text),
        }
    }
}

/// Rewrites the heads; samples are the same in both forms.
fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 1024);
    // HELP comes before TYPE, and what it is called depends on the type.
    let mut help = None;
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        let written = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), words) => {
                help = Some((name, words.unwrap_or_default()));
                Ok(())
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    kind => ("", kind),
                };
                let help = help.take().filter(|(of, _)| *of == name).map_or("", |(_, help)| help);
                writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}")
            }
            (Some("#"), ..) => Ok(()),
            _ => writeln!(text, "{line}"),
        };
        // As above.
        let _ = written;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_form_names_counters_and_infos_by_their_samples() {
        let open_metrics = "# HELP a_bytes Help of a.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\n\
             # HELP build Version.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
             # HELP b Help of b.\n# TYPE b gauge\nb{of=\"x y\"} 2\n# EOF\n";
        let expected = "# HELP a_bytes_total Help of a.\n# TYPE a_bytes_total counter\na_bytes_total 1\n\
             # HELP build_info Version.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
             # HELP b Help of b.\n# TYPE b gauge\nb{of=\"x y\"} 2\n";
        assert_eq!(prometheus_text(open_metrics), expected);
    }

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        for (accept, form) in [
            (Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Exposition::OpenMetrics),
            (Some("*/*"), Exposition::Prometheus),
            (None, Exposition::Prometheus),
        ] {
            assert_eq!(Exposition::for_accept(accept), form);
        }
    }
}
