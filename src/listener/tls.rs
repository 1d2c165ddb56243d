//! TLS in the binary: the certificate and its key from PEM files, and another pair when the files change.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsSettings;
use crate::telemetry::events;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key} = {path}: {source}; it must be a PEM file that this user may read")]
    File {
        /// The setting.
        key: &'static str,
        /// The file.
        path: String,
        /// The reader's words.
        source: rustls::pki_types::pem::Error,
    },
    /// A file without a certificate.
    #[error("tls.cert = {0}: no certificate in it; it must begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate(String),
    /// The two do not make a pair, or are of a kind that is not understood.
    #[error("tls.cert and tls.key cannot be used together: {0}; tls.key must be the certificate's own key")]
    Pair(#[from] rustls::Error),
}

/// The certificate that new connections get.
#[derive(Debug)]
pub struct Certificate {
    settings: TlsSettings,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// They cannot be served.
    pub fn load(settings: &TlsSettings) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(read(settings)?));
        Ok(Arc::new(Self { settings: settings.clone(), current }))
    }

    /// Returns what a listener needs to speak TLS 1.2 and 1.3 with it.
    ///
    /// # Errors
    ///
    /// rustls has no cipher for these versions.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        // WebSockets need it, and one protocol has fewer holes than two.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Reads the files again whenever they change, for ever. One that cannot be served changes nothing.
    pub async fn follow(self: Arc<Self>) {
        let mut seen = self.stamp();
        loop {
            tokio::time::sleep(LOOK).await;
            let stamp = self.stamp();
            if stamp == seen {
                continue;
            }
            // Two files are not changed at once: when the second is there, the pair is tried again.
            match read(&self.settings) {
                Ok(pair) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                    events::CertificateLoaded {
                        leg: None,
                        file: &self.settings.certificate.to_string_lossy(),
                    }
                    .emit();
                }
                Err(error) => {
                    events::CertificateRefused { leg: None, reason: &error.to_string() }.emit();
                }
            }
            seen = stamp;
        }
    }

    /// Returns when the files were written; a missing one has no time.
    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.settings.certificate, &self.settings.key].map(|file| written(file).ok())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn written(file: &Path) -> io::Result<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file)?;
    Ok((metadata.modified()?, metadata.len()))
}

fn read(settings: &TlsSettings) -> Result<CertifiedKey, TlsError> {
    let shown = |path: &Path| path.display().to_string();
    let bad_certificate =
        |source| TlsError::File { key: "tls.cert", path: shown(&settings.certificate), source };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&settings.certificate)
        .map_err(bad_certificate)?
        .collect::<Result<_, _>>()
        .map_err(bad_certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(shown(&settings.certificate)));
    }
    let key = PrivateKeyDer::from_pem_file(&settings.key).map_err(|source| TlsError::File {
        key: "tls.key",
        path: shown(&settings.key),
        source,
    })?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
    pair.keys_match()?;
    Ok(pair)
}
