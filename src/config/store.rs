//! Where conversations are kept.

use std::path::PathBuf;
use std::time::Duration;

use postgres::config::SslMode;

use super::reader::Reader;

/// Where the embedded engine keeps conversations.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Where files lie.
    pub place: StorePlace,
    /// The database that keeps conversations instead of a file.
    pub database: Option<DatabaseSettings>,
    /// How long they are kept after their end; none: for ever.
    pub retention: Option<Duration>,
}

/// A place for conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// The user's data directory.
    UserData,
    /// A directory of the operator's.
    Directory(PathBuf),
    /// Nowhere: they end with the process.
    Memory,
}

/// A PostgreSQL database, which engines may share. Shows itself without its password.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// How to connect.
    pub config: postgres::Config,
    /// Whether the connection is TLS, its certificate checked.
    pub is_encrypted: bool,
}

pub(super) fn read(read: &mut Reader) -> StoreSettings {
    StoreSettings {
        place: match read.text("store.dir").as_deref() {
            None => StorePlace::UserData,
            Some("memory") => StorePlace::Memory,
            Some(dir) => StorePlace::Directory(PathBuf::from(dir)),
        },
        database: read.parsed_secret("store.url", database_url),
        retention: Some(read.number("store.retention_days", 0..=36_500))
            .filter(|days| *days > 0)
            .map(|days| Duration::from_secs(days * 24 * 3600)),
    }
}

/// Reads an address as libpq has it. `sslmode` knows two ways here: without TLS, and with TLS and a checked certificate.
///
/// No fault repeats anything of the text: parts of the password may stand anywhere in a wrong one.
fn database_url(text: &str) -> Result<DatabaseSettings, String> {
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err("must begin with postgres:// or postgresql://".to_owned());
    }
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let mut is_encrypted = false;
    let mut parameters = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", "disable" | "allow" | "prefer")) => is_encrypted = false,
            Some(("sslmode", "require" | "verify-ca" | "verify-full")) => is_encrypted = true,
            Some(("sslmode", _)) => return Err("has an sslmode that is not known".to_owned()),
            Some(("sslrootcert" | "sslcert" | "sslkey", _)) => {
                return Err(
                    "names files of certificates; certificates are checked against those that this machine \
                            trusts, or against the file in SSL_CERT_FILE"
                        .to_owned(),
                );
            }
            _ => parameters.push(parameter),
        }
    }
    let mut config: postgres::Config =
        format!("{address}?{}", parameters.join("&")).parse().map_err(|_| {
            "must look like postgres://user:password@host:5432/database?sslmode=require, with special characters \
             of user and password percent-encoded"
                .to_owned()
        })?;
    if config.get_hosts().is_empty() {
        return Err("names no host".to_owned());
    }
    config.ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable });
    Ok(DatabaseSettings { config, is_encrypted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_libpq_and_encryption_is_always_checked() {
        for (url, is_encrypted) in [
            ("postgres://me:secret@db.example.com/calls", false),
            ("postgresql://me:s%40cret@db:6432/calls?sslmode=prefer&connect_timeout=3", false),
            ("postgres://me:se/cret@db/calls", false),
            ("postgres://me@db/calls?sslmode=require", true),
            ("postgres://me@db/calls?application_name=x&sslmode=verify-full", true),
            ("postgres:///calls?host=/var/run/postgresql", false),
        ] {
            let database = database_url(url).unwrap_or_else(|fault| panic!("{url}: {fault}"));
            assert_eq!(database.is_encrypted, is_encrypted, "{url}");
            assert!(!format!("{database:?}").contains("cret"), "{database:?}");
        }
    }

    #[test]
    fn a_wrong_address_is_not_repeated() {
        for url in [
            "mysql://me:secret@db/calls",
            "postgres://me:secret@db:port/calls",
            "postgres://me:secret@db/calls?sslmode=sometimes",
            "postgres://me:secret@db/calls?sslrootcert=/secret.pem",
            "postgres://me:secret@db/calls?secret=1",
            "postgres:///calls",
        ] {
            let fault = database_url(url).expect_err(url);
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
