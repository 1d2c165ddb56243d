//! Who may ask for tokens: application ids with hashed secrets.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// One application; its secret is kept as a hash only.
#[derive(Clone)]
pub struct Application {
    app_id: String,
    secret_sha256: [u8; 32],
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Application").field(&self.app_id).finish()
    }
}

/// Credentials in clear, for the one moment when they are shown.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The application's id.
    pub app_id: String,
    /// Its secret.
    pub app_secret: SecretString,
}

impl Application {
    /// Returns an application; the secret is hashed and forgotten.
    pub fn new(app_id: impl Into<String>, app_secret: &SecretString) -> Self {
        Self::from_hash(app_id, hash(app_secret.expose_secret()))
    }

    /// Returns an application whose secret's SHA-256 is known.
    pub fn from_hash(app_id: impl Into<String>, secret_sha256: [u8; 32]) -> Self {
        Self { app_id: app_id.into(), secret_sha256 }
    }
}

impl Credentials {
    /// Generates credentials that pass the web SDK's own checks: 64 letters and digits each (`symbl-protocol` 1.1).
    pub fn generate() -> Self {
        Self { app_id: random_hex(), app_secret: random_secret() }
    }

    /// Returns the application that these credentials belong to.
    pub fn application(&self) -> Application {
        Application::new(self.app_id.clone(), &self.app_secret)
    }
}

/// All applications of an engine.
#[derive(Debug, Clone)]
pub struct Applications(Vec<Application>);

impl Applications {
    /// Returns a register of these applications.
    pub fn new(applications: Vec<Application>) -> Self {
        Self(applications)
    }

    /// Returns whether the credentials are an application's. Takes the same time for every wrong pair.
    pub fn accept(&self, app_id: &str, app_secret: &str) -> bool {
        let secret = hash(app_secret);
        self.0.iter().fold(false, |accepted, application| {
            let is_right = bool::from(application.secret_sha256.ct_eq(&secret));
            accepted | (is_right & (application.app_id == app_id))
        })
    }

    /// Returns whether an application of this id exists.
    pub fn contains(&self, app_id: &str) -> bool {
        self.0.iter().any(|application| application.app_id == app_id)
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Returns a secret that nobody guesses: 64 hexadecimal digits.
pub fn random_secret() -> SecretString {
    random_hex().into()
}

/// Returns 64 hexadecimal digits from the operating system's randomness (UUIDs of version 4 are 122 random bits each).
fn random_hex() -> String {
    let mut hasher = Sha256::new();
    for _ in 0..4 {
        hasher.update(Uuid::new_v4().as_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_pair_is_accepted() {
        let applications = Applications::new(vec![
            Application::new("one", &"first".into()),
            Application::new("two", &"second".into()),
        ]);
        assert!(applications.accept("one", "first"));
        assert!(applications.accept("two", "second"));
        for (id, secret) in
            [("one", "second"), ("two", "first"), ("one", ""), ("", "first"), ("three", "first")]
        {
            assert!(!applications.accept(id, secret), "{id} {secret}");
        }
        assert!(!Applications::new(vec![]).accept("", ""));
    }

    #[test]
    fn generated_credentials_work_differ_and_pass_the_web_sdks_checks() {
        let credentials = Credentials::generate();
        let secret = credentials.app_secret.expose_secret();
        for text in [credentials.app_id.as_str(), secret] {
            assert_eq!(text.len(), 64);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(credentials.app_id, secret);
        assert!(Applications::new(vec![credentials.application()]).accept(&credentials.app_id, secret));
        assert!(!format!("{credentials:?} {:?}", credentials.application()).contains(secret));
    }
}
