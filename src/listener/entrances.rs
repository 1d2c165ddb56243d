//! The sockets that are listened on: the one that is configured, and where the bridge needs it one for itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;

use super::tls::{Certificate, TlsError};
use crate::config::HttpSettings;

/// A bound socket, and whether TLS is spoken on it.
pub struct Entrance {
    /// The socket.
    pub listener: TcpListener,
    /// None: plain.
    pub tls: Option<ServerConfig>,
}

/// All of them, bound.
pub struct Entrances {
    /// The configured address, with the port that it got.
    pub address: SocketAddr,
    /// Where this process reaches itself without TLS.
    pub own: SocketAddr,
    /// What TLS is spoken with; none: plain.
    pub certificate: Option<Arc<Certificate>>,
    /// The sockets.
    pub sockets: Vec<Entrance>,
}

/// Why nobody can come in.
#[derive(Debug, thiserror::Error)]
pub enum EntranceError {
    /// The certificate cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be bound.
    #[error(
        "cannot listen on {address}: {source}; choose another http.port or end the program that holds it"
    )]
    Bind {
        /// Host and port as configured.
        address: String,
        /// The system's words.
        source: io::Error,
    },
}

impl Entrances {
    /// Reads the certificate, then binds. With `serves_itself`, plain HTTP over loopback reaches this process, too.
    ///
    /// # Errors
    ///
    /// One of the two fails.
    pub fn open(settings: &HttpSettings, serves_itself: bool) -> Result<Self, EntranceError> {
        let certificate = settings.tls.as_ref().map(Certificate::load).transpose()?;
        let tls = certificate.as_ref().map(Certificate::server_config).transpose()?;
        let (address, listener) = bind(&settings.host, settings.port)?;
        let local = Ipv4Addr::LOCALHOST;
        let is_reached = tls.is_none()
            && (address.ip().is_unspecified() || address.ip().to_canonical() == IpAddr::V4(local));
        let mut sockets = vec![Entrance { listener, tls }];
        let mut own = SocketAddr::new(local.into(), address.port());
        if serves_itself && !is_reached {
            let (inner, listener) = bind(&local.to_string(), 0)?;
            sockets.push(Entrance { listener, tls: None });
            own = inner;
        }
        Ok(Self { address, own, certificate, sockets })
    }

    /// Returns the scheme that is spoken on the configured address.
    pub fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }
}

fn bind(host: &str, port: u16) -> Result<(SocketAddr, TcpListener), EntranceError> {
    let bound = TcpListener::bind((host, port)).and_then(|listener| Ok((listener.local_addr()?, listener)));
    bound.map_err(|source| EntranceError::Bind { address: format!("{host}:{port}"), source })
}
