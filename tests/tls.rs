//! TLS in the binary: handshakes, calls and dashboards over it, and a certificate that changes while it runs.

// A test that cannot go on has nothing better to do than to panic with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use support::CUSTOMER;
use support::bridge::{Bridge, Settings};
use support::caller::{ACCOUNT_SID, CONNECTED, Caller};
use support::http::{Answer, FORM, form, parse_answer};
use support::raw_socket;
use support::symbl_server::SymblServer;
use support::twiml::Twiml;
use support::wait::{wait_for, wait_until, within};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A certificate for `localhost`, made by openssl: nothing of the bridge's takes part.
struct Made {
    directory: TempDir,
}

impl Made {
    fn new() -> Self {
        let made = Self { directory: TempDir::new().unwrap() };
        made.again();
        made
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// Puts another pair into the same files.
    fn again(&self) {
        let status = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(self.key())
            .arg("-out")
            .arg(self.certificate())
            .stderr(Stdio::null())
            .status()
            .expect("openssl");
        assert!(status.success());
    }

    fn read(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.certificate()).unwrap()
    }

    fn settings(&self, base_url: &str) -> Settings {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        Settings::with_upstream(base_url)
            .set("BRIDGE__TLS__CERT", &text(self.certificate()))
            .set("BRIDGE__TLS__KEY", &text(self.key()))
    }
}

/// Connects as a client that trusts exactly this certificate.
async fn connect(bridge: &Bridge, trusted: &CertificateDer<'static>) -> io::Result<TlsStream<TcpStream>> {
    speak_tls(TcpStream::connect(bridge.address).await?, trusted).await
}

async fn speak_tls(tcp: TcpStream, trusted: &CertificateDer<'static>) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    within("a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}

async fn exchange(mut stream: TlsStream<TcpStream>, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..length]);
        }
    };
    within("an answer over TLS", read).await;
    parse_answer(&bytes).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&bytes)))
}

async fn get(bridge: &Bridge, trusted: &CertificateDer<'static>, path: &str) -> io::Result<u16> {
    let stream = connect(bridge, trusted).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    Ok(exchange(stream, &request).await.status)
}

async fn open(
    bridge: &Bridge,
    trusted: &CertificateDer<'static>,
    path: &str,
) -> WebSocketStream<TlsStream<TcpStream>> {
    let stream = connect(bridge, trusted).await.unwrap();
    within("a socket over TLS", client_async(format!("wss://localhost{path}"), stream)).await.unwrap().0
}

/// Calls over TLS: the webhook, the media socket, a frame of audio. The socket must stay.
async fn call(
    bridge: &Bridge,
    trusted: &CertificateDer<'static>,
    caller: &Caller,
    room: &str,
) -> WebSocketStream<TlsStream<TcpStream>> {
    let body = form(&caller.form("ringing"));
    let request = format!(
        "POST /twilio/twiml?room={room} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {FORM}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let twiml = Twiml::of(&exchange(connect(bridge, trusted).await.unwrap(), &request).await);
    assert!(twiml.stream["url"].starts_with("wss://127.0.0.1:"), "{:?}", twiml.stream);
    let mut socket = open(bridge, trusted, "/twilio/media").await;
    let sid = &caller.stream_sid;
    let start = json!({ "event": "start", "sequenceNumber": "1", "streamSid": sid, "start": {
        "accountSid": ACCOUNT_SID, "streamSid": sid, "callSid": caller.call_sid, "tracks": ["inbound"],
        "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
        "customParameters": twiml.parameters } });
    let media = json!({ "event": "media", "sequenceNumber": "2", "streamSid": sid, "media": {
        "track": "inbound", "chunk": "1", "timestamp": "155", "payload": STANDARD.encode(caller.first_bytes()) } });
    for text in [CONNECTED.to_owned(), start.to_string(), media.to_string()] {
        socket.send(Message::text(text)).await.unwrap();
    }
    socket
}

#[tokio::test]
async fn webhooks_media_and_updates_work_over_tls() {
    let made = Made::new();
    let server = SymblServer::start().await;
    let bridge = made.settings(&server.base_url()).start().await;
    let trusted = made.read();
    let mut dashboard = open(&bridge, &trusted, "/symbl/updates").await;
    let caller = Caller::new(CUSTOMER);
    let audio = caller.first_bytes();
    let mut media = call(&bridge, &trusted, &caller, "tls").await;
    server.leg_that_hears(&audio).await.hears_exactly(&audio, "a call over TLS").await;
    let update = within("an update over TLS", dashboard.next()).await;
    let update = update.unwrap().unwrap().into_text().unwrap();
    assert!(update.contains("connection_started") && update.contains(&caller.call_sid), "{update}");
    media.close(None).await.unwrap();
    bridge.wait_for_event("leg_ended", |line| line["call_sid"] == caller.call_sid.as_str()).await;
    bridge.finish().await;
}

/// The bridge ends a connection from outside its encryption: a peer that does not read could not be told.
#[tokio::test]
async fn a_dashboard_that_never_reads_is_cut_off_over_tls_too() {
    const MOST_CALLS: usize = 1000;
    let (made, server) = (Made::new(), SymblServer::start().await);
    let bridge = made.settings(&server.base_url()).set("BRIDGE__UPDATES__QUEUE", "8").start().await;
    let trusted = made.read();
    let stream = speak_tls(raw_socket::with_small_buffers(bridge.address), &trusted).await.unwrap();
    let opened = client_async("wss://localhost/symbl/updates", stream);
    let (mut deaf, _) = within("a socket over TLS", opened).await.unwrap();
    let room = "x".repeat(60);
    let is_cut_off = || bridge.events("dashboard_left").iter().any(|line| line["reason"] == "slow_consumer");
    let mut calls = 0;
    while !is_cut_off() {
        assert!(calls < MOST_CALLS, "never cut off");
        let mut open = Vec::new();
        for _ in 0..20 {
            calls += 1;
            let caller = Caller::new(CUSTOMER);
            let mut media = call(&bridge, &trusted, &caller, &room).await;
            media.send(Message::text(r#"{"event":"stop"}"#)).await.unwrap();
            open.push(media);
        }
        // Updates come when legs are connected and when they end, which takes longer than calling.
        wait_until("the legs' ends", || bridge.events("leg_ended").len() == calls).await;
    }
    let drained = async { while let Some(Ok(_)) = deaf.next().await {} };
    within("the end of what the kernels held", drained).await;
    bridge.finish().await;
}

/// The bridge reaches the engine beside it without TLS: nobody gave it a certificate for 127.0.0.1.
#[tokio::test]
async fn the_engine_in_the_same_process_is_reached_behind_tls() {
    let made = Made::new();
    let bridge = made.settings("").set("BRIDGE__MODEL__NAME", "no-model").start().await;
    let caller = Caller::new(CUSTOMER);
    let mut media = call(&bridge, &made.read(), &caller, "tls").await;
    bridge.wait_for_event("leg_connected", |line| line["call_sid"] == caller.call_sid.as_str()).await;
    media.close(None).await.unwrap();
    bridge.finish().await;
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_a_bad_one_is_not() {
    let made = Made::new();
    let bridge = made.settings("http://127.0.0.1:9").start().await;
    let first = made.read();
    assert_eq!(get(&bridge, &first, "/healthz").await.unwrap(), 200);
    let mut open_before = open(&bridge, &first, "/symbl/updates").await;
    made.again();
    let second = made.read();
    bridge.wait_for_event("certificate_loaded", |_| true).await;
    assert_eq!(get(&bridge, &second, "/healthz").await.unwrap(), 200);
    assert!(connect(&bridge, &first).await.is_err(), "the first one is gone");
    open_before.send(Message::Ping(Vec::new().into())).await.expect("an open socket lives on");
    for (what, file) in [("no certificate", made.certificate()), ("no key", made.key())] {
        let kept = std::fs::read(&file).unwrap();
        let refused = bridge.events("certificate_refused").len();
        std::fs::write(&file, "this is no PEM").unwrap();
        let line = wait_for(what, || bridge.events("certificate_refused").get(refused).cloned()).await;
        assert!(!line.to_string().contains("this is no PEM"), "{line}");
        assert_eq!(get(&bridge, &second, "/healthz").await.unwrap(), 200, "{what}");
        let loaded = bridge.events("certificate_loaded").len();
        std::fs::write(&file, kept).unwrap();
        wait_for("the pair again", || bridge.events("certificate_loaded").get(loaded).cloned()).await;
    }
    bridge.finish().await;
}

#[tokio::test]
async fn what_speaks_no_tls_is_cut_off_in_time() {
    let made = Made::new();
    let bridge =
        made.settings("http://127.0.0.1:9").set("BRIDGE__HTTP__HEAD_TIMEOUT_MS", "1000").start().await;
    for sent in ["", "GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n"] {
        let mut stream = TcpStream::connect(bridge.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let _ = within("the end", stream.read_to_end(&mut heard)).await;
        assert!(!heard.starts_with(b"HTTP/"), "{sent:?}: {}", String::from_utf8_lossy(&heard));
    }
    // A handshake, and then half a head.
    let mut stream = connect(&bridge, &made.read()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: b\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut heard)).await;
    assert!(heard.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&heard));
    bridge.finish().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_served_keeps_the_port_closed() {
    let (made, other) = (Made::new(), Made::new());
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let nowhere = text(made.directory.path().join("nowhere.pem"));
    for (what, certificate, key, code, said) in [
        ("no key", text(made.certificate()), String::new(), 64, "tls.key (BRIDGE__TLS__KEY) is missing"),
        ("no certificate", String::new(), text(made.key()), 64, "tls.cert (BRIDGE__TLS__CERT) is missing"),
        ("no such file", nowhere.clone(), text(made.key()), 1, "tls.cert = "),
        ("no such key", text(made.certificate()), nowhere, 1, "tls.key = "),
        ("the key twice", text(made.key()), text(made.key()), 1, "no certificate in it"),
        (
            "another's key",
            text(made.certificate()),
            text(other.key()),
            1,
            "tls.key must be the certificate's own",
        ),
    ] {
        let settings = Settings::with_upstream("http://127.0.0.1:9");
        let settings = settings.set("BRIDGE__TLS__CERT", &certificate).set("BRIDGE__TLS__KEY", &key);
        let finished = settings.spawn().finished().await;
        assert_eq!(finished.code, Some(code), "{what}: {}", finished.stderr);
        assert!(finished.stderr.contains(said), "{what}: {}", finished.stderr);
        assert!(!finished.stderr.contains("server_listening"), "{what}");
    }
}
