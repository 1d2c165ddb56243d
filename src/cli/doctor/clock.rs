//! This machine's clock against those of the servers it talks to, by the `Date` of their answers.

use std::time::Duration;

use awc::http::header;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::check::CLOCK;
use super::configuration::is_loopback;
use super::context::{Context, exchange};
use super::finding::Finding;
use super::screen::Screen;
use crate::config::Upstream;
use crate::twilio::PublicUrl;

/// One question to one server.
const CLOCK_DEADLINE: Duration = Duration::from_secs(5);

/// `Date` counts whole seconds, and the answer has been under way: less than this is nothing.
const WORTH_MENTIONING: SignedDuration = SignedDuration::from_secs(2);

/// Beyond this tokens are refused that are good, and taken that are not.
const FATAL: SignedDuration = SignedDuration::from_secs(30);

/// A clock of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    whose: String,
    /// What ours is ahead of it.
    ahead: SignedDuration,
}

/// Makes the check.
pub(super) async fn look(context: &Context, screen: &Screen, api: &PublicUrl) -> Vec<Finding> {
    let asking = futures_util::future::join_all(
        sources(context, api).into_iter().map(|(whose, url)| ask(context, whose, url)),
    );
    let others =
        screen.wait("comparing clocks", CLOCK_DEADLINE + CLOCK_DEADLINE, asking).await.unwrap_or_default();
    let others: Vec<Other> = others.into_iter().flatten().collect();
    vec![judge(&others)]
}

/// Returns whom to ask: servers elsewhere, for one on this machine has the same clock.
fn sources(context: &Context, api: &PublicUrl) -> Vec<(String, String)> {
    let settings = &context.settings;
    let mut sources = Vec::new();
    if settings.twilio.account_sid.is_some() {
        sources.push((format!("Twilio ({})", api.authority()), api.page("/")));
    }
    if let Upstream::Server(endpoint) = &settings.symbl.upstream {
        let url = endpoint.to_string();
        let host =
            url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        if !is_loopback(&host) {
            sources.push((host, url));
        }
    }
    if let Some(server) = context.server.as_ref().filter(|server| server.is_public) {
        sources.push((server.public.authority().to_owned(), server.page("/healthz")));
    }
    sources
}

async fn ask(context: &Context, whose: String, url: String) -> Option<Other> {
    let asked_at = Timestamp::now();
    let answer =
        tokio::time::timeout(CLOCK_DEADLINE, exchange(context.http.get(url), ())).await.ok()?.ok()?;
    let heard_at = Timestamp::now();
    let date = answer.header(header::DATE)?;
    Some(Other { whose, ahead: ahead(asked_at, heard_at, http_date(date)?) })
}

/// Returns what our clock is ahead of another that said `date` between the two moments of ours; zero while that may be
/// right. A date stands for the whole of its second.
fn ahead(asked_at: Timestamp, heard_at: Timestamp, date: Timestamp) -> SignedDuration {
    let next = date.saturating_add(SignedDuration::from_secs(1)).unwrap_or(date);
    if asked_at > next {
        asked_at.duration_since(next)
    } else if heard_at < date {
        heard_at.duration_since(date)
    } else {
        SignedDuration::ZERO
    }
}

/// Reads the one form of a date that servers send: `Tue, 03 Mar 2026 10:15:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let civil: DateTime = rfc2822::parse(text).ok()?.datetime();
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn judge(others: &[Other]) -> Finding {
    let what = "this machine's clock";
    let Some(worst) = others.iter().max_by_key(|other| other.ahead.abs()) else {
        return Finding::note(CLOCK, what, "no server elsewhere told its time");
    };
    let size = worst.ahead.abs();
    if size <= WORTH_MENTIONING {
        let names: Vec<&str> = others.iter().map(|other| other.whose.as_str()).collect();
        return Finding::ok(CLOCK, what, format!("agrees with {}", names.join(", ")));
    }
    let way = if worst.ahead.is_negative() { "behind" } else { "ahead of" };
    let found = format!("is {} s {way} {}", size.as_secs(), worst.whose);
    let remedy = "let it be set by NTP (chrony or systemd-timesyncd)";
    if size > FATAL {
        return Finding::error(CLOCK, what, format!("{found}: tokens and certificates fail"), remedy);
    }
    Finding::warning(CLOCK, what, found, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    #[test]
    fn a_date_is_good_for_its_second_and_for_the_time_of_the_answer() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let date = http_date("Mon, 23 Nov 2026 07:36:46 GMT").unwrap();
        assert_eq!(date, at("2026-11-23T07:36:46Z"));
        for (asked_at, heard_at, seconds) in [
            ("2026-11-23T07:36:46.9Z", "2026-11-23T07:36:46.95Z", 0),
            ("2026-11-23T07:36:41Z", "2026-11-23T07:36:51Z", 0),
            ("2026-11-23T07:36:57Z", "2026-11-23T07:36:58Z", 10),
            ("2026-11-23T07:36:05Z", "2026-11-23T07:36:06Z", -40),
        ] {
            let expected = SignedDuration::from_secs(seconds);
            assert_eq!(ahead(at(asked_at), at(heard_at), date), expected, "{asked_at}");
        }
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn the_farthest_clock_decides() {
        let other = |whose: &str, seconds| Other {
            whose: whose.to_owned(),
            ahead: SignedDuration::from_secs(seconds),
        };
        assert_eq!(judge(&[]).status, Status::Note);
        assert_eq!(judge(&[other("a", 0), other("b", -2)]).found, "agrees with a, b");
        let slow = judge(&[other("a", 0), other("b", -10)]);
        assert_eq!((slow.status, slow.found.as_str()), (Status::Warning, "is 10 s behind b"));
        let fast = judge(&[other("a", 31), other("b", -3)]);
        assert!(fast.status == Status::Error && fast.found.starts_with("is 31 s ahead of a"), "{fast:?}");
    }
}
