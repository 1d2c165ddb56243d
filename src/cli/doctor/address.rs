//! The public address: its name, its port, its certificate.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use actix_tls::connect::rustls_0_23::native_roots_cert_store;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection};
use tokio::sync::oneshot;

use super::certificate::Validity;
use super::check::{CERTIFICATE, PUBLIC_ADDRESS};
use super::configuration::is_loopback;
use super::context::{Context, PROBE_DEADLINE, ServerAddress};
use super::finding::Finding;
use super::screen::Screen;

/// The only port on which Twilio opens media sockets (`twilio-protocol`, annex).
const TWILIO_PORT: u16 = 443;

/// Reading and writing of one step of a TLS handshake.
const TLS_STEP: Duration = Duration::from_secs(5);

/// Certificates are usually renewed a month before their end; two weeks before it something is wrong.
const RENEWAL_OVERDUE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What a look at the address brought.
#[derive(Debug)]
struct Reached {
    addresses: Vec<IpAddr>,
    /// A connection, or why there is none.
    connected: Result<TcpStream, String>,
}

/// How a TLS handshake ended.
#[derive(Debug)]
enum Handshake {
    /// The certificate is trusted; these are its times, if they could be read.
    Trusted(Option<Validity>),
    /// The certificate is not trusted.
    Untrusted(CertificateError),
    /// It did not come to that.
    Failed(String),
}

/// Makes both checks.
pub(super) async fn look(context: &Context, screen: &Screen) -> Vec<Finding> {
    let Some(server) = context.server.as_ref().filter(|server| server.is_public) else {
        let reason = "WEBHOOK_DOMAIN is not set";
        return vec![
            Finding::left_out(PUBLIC_ADDRESS, "the public address", reason),
            Finding::left_out(CERTIFICATE, "its certificate", reason),
        ];
    };
    let (host, port) = host_and_port(server);
    let what = format!("{host}:{port}");
    let probe = on_a_thread(move || reach(&host, port));
    let Some(reached) = screen.wait("reaching the public address", PROBE_DEADLINE, probe).await.flatten()
    else {
        return vec![
            Finding::error(
                PUBLIC_ADDRESS,
                what,
                format!("no answer within {} s", PROBE_DEADLINE.as_secs()),
                "check this machine's name server and network",
            ),
            Finding::left_out(CERTIFICATE, "its certificate", "the address is not reached"),
        ];
    };
    let (host, _) = host_and_port(server);
    let certificate = match reached {
        Ok(Reached { connected: Ok(ref stream), .. }) => match stream.try_clone() {
            Ok(stream) => {
                let name = host.clone();
                let probe = on_a_thread(move || handshake(&name, stream));
                let shaken =
                    screen.wait("looking at the certificate", 2 * PROBE_DEADLINE, probe).await.flatten();
                let shaken = shaken.unwrap_or_else(|| Handshake::Failed("no answer in time".to_owned()));
                judge_certificate(&host, &shaken, Timestamp::now())
            }
            Err(fault) => Finding::left_out(CERTIFICATE, "its certificate", &fault.to_string()),
        },
        _ => Finding::left_out(CERTIFICATE, "its certificate", "the address is not reached"),
    };
    let is_running = screen.wait("looking for the server here", PROBE_DEADLINE, listens(server)).await;
    vec![judge_address(&what, &host, port, &reached, is_running == Some(true)), certificate]
}

/// Returns whether something listens where this configuration's server would.
pub(super) async fn listens(server: &ServerAddress) -> bool {
    let (host, port) = server.listener.clone();
    let probe = on_a_thread(move || connect(&resolve(&host, port).ok()?).ok());
    port != 0 && probe.await.flatten().is_some()
}

fn host_and_port(server: &ServerAddress) -> (String, u16) {
    let url = url::Url::parse(server.public.as_str()).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
    (host, url.and_then(|url| url.port_or_known_default()).unwrap_or(TWILIO_PORT))
}

/// Runs what blocks on a thread that nobody waits for when it hangs: resolvers know no deadline.
async fn on_a_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("probe".to_owned()).spawn(move || {
        // Nobody waits any more: nothing to say.
        let _ = tell.send(job());
    });
    thread.ok()?;
    told.await.ok()
}

fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Ok((bare, port).to_socket_addrs()?.collect())
}

fn reach(host: &str, port: u16) -> io::Result<Reached> {
    let addresses = resolve(host, port)?;
    let connected = connect(&addresses).map_err(|fault| fault.to_string());
    let mut addresses: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    addresses.dedup();
    Ok(Reached { addresses, connected })
}

/// Connects to the first address that answers; all of them have the deadline together.
fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let share = PROBE_DEADLINE / 2 / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut fault = io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

fn handshake(host: &str, mut stream: TcpStream) -> Handshake {
    let failed = |fault: &dyn std::fmt::Display| Handshake::Failed(fault.to_string());
    let roots = match native_roots_cert_store() {
        Ok(roots) => roots,
        Err(fault) => return failed(&format!("this machine's trusted certificates cannot be read: {fault}")),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = match config {
        Ok(config) => config.with_root_certificates(roots).with_no_client_auth(),
        Err(fault) => return failed(&fault),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = match ServerName::try_from(bare) {
        Ok(name) => name,
        Err(fault) => return failed(&fault),
    };
    let mut connection = match ClientConnection::new(Arc::new(config), name) {
        Ok(connection) => connection,
        Err(fault) => return failed(&fault),
    };
    for limited in [stream.set_read_timeout(Some(TLS_STEP)), stream.set_write_timeout(Some(TLS_STEP))] {
        if let Err(fault) = limited {
            return failed(&fault);
        }
    }
    while connection.is_handshaking() {
        if let Err(fault) = connection.complete_io(&mut stream) {
            return match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(cause)) => Handshake::Untrusted(cause.clone()),
                _ => failed(&fault),
            };
        }
    }
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    Handshake::Trusted(certificate.and_then(|certificate| Validity::of(certificate)))
}

fn judge_address(
    what: &str,
    host: &str,
    port: u16,
    reached: &io::Result<Reached>,
    is_running: bool,
) -> Finding {
    let reached = match reached {
        Ok(reached) => reached,
        Err(fault) => {
            return Finding::error(
                PUBLIC_ADDRESS,
                what,
                format!("the name does not resolve: {fault}"),
                "correct WEBHOOK_DOMAIN, or give the name a DNS record",
            );
        }
    };
    let addresses: Vec<String> = reached.addresses.iter().map(IpAddr::to_string).collect();
    let addresses = addresses.join(", ");
    if let Err(fault) = &reached.connected {
        let remedy = if is_running {
            "a server runs here: let the proxy, tunnel or firewall lead this address to it"
        } else {
            "no server runs here: start it with `symbl-bridge serve`, and the proxy or tunnel in front of it"
        };
        return Finding::error(
            PUBLIC_ADDRESS,
            what,
            format!("resolves to {addresses}, but: {fault}"),
            remedy,
        );
    }
    let found = format!("resolves to {addresses}, and the port is open");
    if port != TWILIO_PORT {
        return Finding::error(
            PUBLIC_ADDRESS,
            what,
            format!("{found}, but Twilio opens media sockets on port {TWILIO_PORT} only"),
            "serve the name on port 443 and take the port out of WEBHOOK_DOMAIN",
        );
    }
    if is_loopback(host) || reached.addresses.iter().all(IpAddr::is_loopback) {
        return Finding::error(
            PUBLIC_ADDRESS,
            what,
            format!("resolves to {addresses}: this machine, which Twilio does not reach by that"),
            "set WEBHOOK_DOMAIN to a name that the world can resolve",
        );
    }
    if reached.addresses.iter().all(|address| is_private(*address)) {
        return Finding::warning(
            PUBLIC_ADDRESS,
            what,
            format!("{found}; these are addresses of a private network"),
            "make sure that the name has a public address outside",
        );
    }
    Finding::ok(PUBLIC_ADDRESS, what, found)
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(four) => four.is_private() || four.is_link_local() || four.is_loopback(),
        IpAddr::V6(six) => six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local(),
    }
}

fn judge_certificate(host: &str, shaken: &Handshake, now: Timestamp) -> Finding {
    let what = format!("the certificate of {host}");
    let validity = match shaken {
        Handshake::Trusted(validity) => validity,
        Handshake::Untrusted(cause) => {
            let (found, remedy) = explain(cause);
            return Finding::error(CERTIFICATE, what, found, remedy);
        }
        Handshake::Failed(fault) => {
            return Finding::error(
                CERTIFICATE,
                what,
                format!("no TLS there: {fault}"),
                "let the proxy speak TLS on this port, or set tls.cert and tls.key",
            );
        }
    };
    let Some(validity) = validity else {
        return Finding::ok(CERTIFICATE, what, "is trusted");
    };
    let left = validity.not_after.duration_since(now);
    let days = left.as_hours() / 24;
    let until = validity.not_after.strftime("%Y-%m-%d");
    let found = format!("is trusted, and good until {until} ({days} days)");
    if left < RENEWAL_OVERDUE {
        let remedy = "renew it, and see why that did not happen by itself";
        return Finding::warning(CERTIFICATE, what, found, remedy);
    }
    Finding::ok(CERTIFICATE, what, found)
}

fn explain(cause: &CertificateError) -> (String, &'static str) {
    match cause {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired: Twilio refuses it".to_owned(), "renew it")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet".to_owned(), "check this machine's clock, then the certificate")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("is for another name".to_owned(), "get one for this name, or correct WEBHOOK_DOMAIN")
        }
        // The last two: an authority of the same name is known here, and it did not sign this.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "is signed by nobody whom this machine trusts".to_owned(),
            "use a certificate of a public authority, and serve its whole chain",
        ),
        other => (format!("is refused: {other}"), "get another one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    fn reached(addresses: &[&str], fault: Option<&str>) -> io::Result<Reached> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let connected = fault.map_or(Ok(stream), |fault| Err(fault.to_owned()));
        Ok(Reached { addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(), connected })
    }

    #[test]
    fn an_address_is_judged_by_name_port_and_reach() {
        let judged = |host: &str, port, reached: io::Result<Reached>, is_running| {
            judge_address("it", host, port, &reached, is_running)
        };
        let open = || reached(&["203.0.113.7"], None);
        assert_eq!(judged("b.example.com", 443, open(), true).status, Status::Ok);
        let other_port = judged("b.example.com", 8443, open(), true);
        assert!(other_port.status == Status::Error && other_port.found.contains("443"), "{other_port:?}");
        let here = judged("localhost", 443, reached(&["127.0.0.1"], None), true);
        assert!(here.status == Status::Error && here.found.contains("this machine"), "{here:?}");
        let private = judged("b.example.com", 443, reached(&["10.0.0.7", "fd00::7"], None), true);
        assert!(private.status == Status::Warning && private.found.contains("private"), "{private:?}");
        for (is_running, remedy) in [(true, "a server runs here"), (false, "symbl-bridge serve")] {
            let closed = judged("b.example.com", 443, reached(&["203.0.113.7"], Some("refused")), is_running);
            assert_eq!(closed.status, Status::Error);
            assert!(closed.remedy.unwrap().contains(remedy));
        }
        let unknown = judged("b.example.com", 443, Err(io::Error::other("no such name")), true);
        assert!(unknown.found.contains("does not resolve: no such name"), "{unknown:?}");
    }

    #[test]
    fn a_certificate_is_judged_by_trust_and_by_the_time_it_has_left() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let until = |days: i64| {
            let not_after = now + SignedDuration::from_hours(24 * days);
            Handshake::Trusted(Some(Validity { not_before: now, not_after }))
        };
        let good = judge_certificate("b.example.com", &until(60), now);
        assert_eq!(
            (good.status, good.found.as_str()),
            (Status::Ok, "is trusted, and good until 2027-01-22 (60 days)")
        );
        assert_eq!(judge_certificate("b.example.com", &until(13), now).status, Status::Warning);
        assert_eq!(judge_certificate("b.example.com", &Handshake::Trusted(None), now).status, Status::Ok);
        for (shaken, found) in [
            (Handshake::Untrusted(CertificateError::Expired), "has expired"),
            (Handshake::Untrusted(CertificateError::NotValidForName), "another name"),
            (Handshake::Untrusted(CertificateError::UnknownIssuer), "nobody whom this machine trusts"),
            (Handshake::Failed("received corrupt message".to_owned()), "no TLS there"),
        ] {
            let finding = judge_certificate("b.example.com", &shaken, now);
            assert!(finding.status == Status::Error && finding.found.contains(found), "{finding:?}");
        }
    }
}
