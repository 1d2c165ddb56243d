//! What every check needs: the settings, where the server is, and a way to ask.

use std::time::Duration;

use awc::http::StatusCode;
use awc::http::header::{self, HeaderMap};

use super::check::Selection;
use crate::config::Settings;
use crate::twilio::{PublicUrl, Signer};

/// One probe of the network, whatever it is.
pub(super) const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Everything that checks share.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) selection: Selection,
    /// None: `http.port` is 0 and no public address is set, so nobody knows where a server would be.
    pub(super) server: Option<ServerAddress>,
    pub(super) http: awc::Client,
}

/// Where the server is to be found.
#[derive(Debug, Clone)]
pub(super) struct ServerAddress {
    /// What Twilio calls it, and signs.
    pub(super) public: PublicUrl,
    /// The base of what is connected to; differs from the above only where nobody but this machine is served.
    pub(super) reach: String,
    /// Whether the world is to reach it.
    pub(super) is_public: bool,
    /// The configured listener as seen from this machine, to tell "not running" from "not reachable".
    pub(super) listener: (String, u16),
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Context {
    /// Returns the context of these settings; must be called within an actix `System`.
    pub(super) fn new(settings: Settings, selection: Selection) -> Self {
        let server = ServerAddress::of(&settings);
        let http = awc::Client::builder()
            .connector(awc::Connector::new().timeout(PROBE_DEADLINE / 2))
            .timeout(PROBE_DEADLINE)
            .disable_redirects()
            .finish();
        Self { settings, selection, server, http }
    }

    /// Returns what signs as Twilio would; none when signatures are not checked.
    pub(super) fn signer(&self) -> Option<Signer> {
        self.settings.twilio.signer()
    }
}

impl ServerAddress {
    fn of(settings: &Settings) -> Option<Self> {
        let http = &settings.http;
        let host = match http.host.as_str() {
            "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
            host => host,
        };
        let listener = (host.to_owned(), http.port);
        if let Some(public) = &settings.public_url {
            let reach = public.as_str().to_owned();
            return Some(Self { public: public.clone(), reach, is_public: true, listener });
        }
        if http.port == 0 {
            return None;
        }
        let scheme = if http.tls.is_some() { "https" } else { "http" };
        // As `app` does when nothing else is configured.
        let public = PublicUrl::parse(&format!("{scheme}://127.0.0.1:{}", http.port)).ok()?;
        let in_url =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let reach = format!("{scheme}://{in_url}:{}", http.port);
        Some(Self { public, reach, is_public: false, listener })
    }

    /// Returns where a page is connected to; `path` begins with a slash.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.reach)
    }
}

/// Sends a request and reads the answer whole. The error is for people.
pub(super) async fn exchange(
    request: awc::ClientRequest,
    body: impl actix_web::body::MessageBody + 'static,
) -> Result<Answer, String> {
    let mut response = request.send_body(body).await.map_err(|fault| explained(&fault))?;
    let body = response.body().limit(LARGEST_ANSWER).await.map_err(|fault| fault.to_string())?;
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body: body.to_vec() })
}

/// Returns an error with its causes, of which the HTTP client's own first word is seldom the telling one.
pub(super) fn explained(fault: &awc::error::SendRequestError) -> String {
    match fault {
        awc::error::SendRequestError::Connect(cause) => super::super::model::with_causes(cause),
        other => other.to_string(),
    }
}

impl Answer {
    /// Returns a header's value.
    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn server(environment: &[(&str, &str)]) -> Option<ServerAddress> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources { file: None, environment: environment.collect() };
        ServerAddress::of(&Settings::load(&sources).unwrap())
    }

    #[test]
    fn the_server_is_where_the_settings_put_it() {
        let local = server(&[]).unwrap();
        assert_eq!(
            (local.public.as_str(), local.reach.as_str()),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000")
        );
        assert!(!local.is_public);
        let everywhere = server(&[("BRIDGE__HTTP__HOST", "::")]).unwrap();
        assert_eq!(everywhere.page("/healthz"), "http://127.0.0.1:3000/healthz");
        let six = server(&[("BRIDGE__HTTP__HOST", "::1")]).unwrap();
        assert_eq!(six.page("/healthz"), "http://[::1]:3000/healthz");
        assert!(server(&[("BRIDGE__HTTP__PORT", "0")]).is_none());
        let public = server(&[("WEBHOOK_DOMAIN", "bridge.example.com"), ("TWILIO_AUTH_TOKEN", "x")]).unwrap();
        assert_eq!(public.page("/healthz"), "https://bridge.example.com/healthz");
        assert_eq!(public.listener, ("127.0.0.1".to_owned(), 3000));
    }
}
