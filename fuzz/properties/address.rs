//! Addresses and identities: what is taken can be used, another parser finds the same host in it, and what is shown of
//! a caller is never a whole number.

use symbl_bridge::symbl::endpoint::Endpoint;
use symbl_bridge::twilio::{CallSid, Caller, PhoneNumber, PublicUrl, StreamUrl};
use url::Url;

use super::input::Input;

/// Checks a text as each kind of address.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let raw = parts.text();
    let path = parts.text();
    public_url(&raw, &path);
    stream_url(&raw);
    endpoint(&raw, &path);
    caller(&raw);
    phone_number(&raw);
    sid(&raw);
}

fn public_url(raw: &str, path: &str) {
    let Ok(base) = PublicUrl::parse(raw) else { return };
    let url = Url::parse(base.as_str()).expect("what was taken is an address");
    assert!(url.scheme() == "https" || url.scheme() == "http");
    assert!(!base.as_str().ends_with('/') && base.as_str().len() <= raw.len());
    assert_eq!(PublicUrl::parse(base.as_str()).as_ref(), Ok(&base), "taken again, it is the same");
    let page = Url::parse(&base.page("/twilio/twiml")).expect("a page has an address");
    assert_eq!((page.host_str(), page.port()), (url.host_str(), url.port()));
    assert!(page.path().ends_with("/twilio/twiml"), "{page}");
    let stream = base.stream("/twilio/media").expect("every base has a media socket");
    let stream = Url::parse(stream.as_str()).expect("a stream has an address");
    assert_eq!(stream.host_str(), url.host_str());
    assert_eq!(stream.scheme() == "wss", url.scheme() == "https");
    candidates(&base, &url, path);
}

/// Every spelling that may have been signed leads to the same place, but that the port may be dropped.
fn candidates(base: &PublicUrl, url: &Url, path: &str) {
    let path_and_query = format!("/{path}");
    let webhooks = base.webhook_candidates(&path_and_query);
    assert!((1..=2).contains(&webhooks.len()), "{webhooks:?}");
    let path = path_and_query.split(['?', '#']).next().unwrap_or("/");
    let streams = base.stream_candidates(path);
    assert!((2..=4).contains(&streams.len()), "{streams:?}");
    for (index, candidate) in webhooks.iter().chain(&streams).enumerate() {
        assert!(candidate.contains(path.trim_end_matches('/')), "{candidate}");
        let host = Url::parse(candidate).expect("a candidate is an address").host_str().map(str::to_owned);
        assert_eq!(host.as_deref(), url.host_str(), "candidate {index}: {candidate}");
    }
    assert!(streams.iter().all(|candidate| candidate.starts_with("ws")));
}

fn stream_url(raw: &str) {
    let Ok(stream) = StreamUrl::parse(raw) else { return };
    assert_eq!(stream.as_str(), raw, "byte for byte as it will be signed");
    let url = Url::parse(raw).expect("what was taken is an address");
    assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
    assert!(url.scheme() == "wss" || url.scheme() == "ws");
}

fn endpoint(raw: &str, id: &str) {
    let Ok(endpoint) = Endpoint::parse(raw) else { return };
    let base = Url::parse(&endpoint.to_string()).expect("what was taken is an address");
    for address in [endpoint.token(), endpoint.streaming(id, "a.b&c"), endpoint.subscribe(id)] {
        let url = Url::parse(&address).expect("an address of the endpoint");
        assert_eq!((url.host_str(), url.port()), (base.host_str(), base.port()), "{address}");
    }
    let streaming = Url::parse(&endpoint.streaming(id, "a.b&c")).expect("checked above");
    let token = streaming.query_pairs().find(|(name, _)| name == "access_token");
    assert_eq!(token.map(|(_, value)| value.into_owned()).as_deref(), Some("a.b&c"));
    // A lone dot is a step in a path, and no connection id that we make.
    if !matches!(id, "." | ".." | "") {
        let last =
            streaming.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        let decoded = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
        assert_eq!(decoded, id, "the connection id arrives as it was");
    }
}

fn caller(raw: &str) {
    let caller = Caller::parse(raw);
    for shown in [caller.masked(), format!("{caller:?}")] {
        assert!(longest_run_of_digits(&shown) <= 4, "{shown} is shown of {raw:?}");
    }
    if let Some(number) = caller.phone() {
        assert_eq!(PhoneNumber::parse(number.as_str()).as_ref(), Ok(number));
        assert!(raw.trim().trim_start_matches('+').ends_with(number.as_str().trim_start_matches('+')));
    }
    if let Some(id) = caller.user_id() {
        assert!(!id.is_empty() && id.len() <= raw.len() + 1);
    }
}

fn phone_number(raw: &str) {
    let Ok(number) = PhoneNumber::parse(raw) else { return };
    let digits = number.as_str().strip_prefix('+').expect("E.164 begins with +");
    assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let said: String = raw.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(digits, said, "no digit is lost or made up");
    assert!(longest_run_of_digits(&format!("{number:?}")) <= 4);
}

fn sid(raw: &str) {
    let fits = (1..=64).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_graphic());
    assert_eq!(CallSid::parse(raw).map(|sid| sid.to_string()).ok().as_deref(), fits.then_some(raw));
}

fn longest_run_of_digits(text: &str) -> usize {
    text.split(|character: char| !character.is_numeric()).map(|run| run.chars().count()).max().unwrap_or(0)
}
