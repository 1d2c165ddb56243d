//! One connection to PostgreSQL that comes back when it breaks. Belongs to one thread, which may wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{info, warn};
use postgres::config::Host;
use postgres::types::ToSql;
use postgres::{Client, Config, GenericClient, NoTls, Row, Statement};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::engine::store::StoreError;
use crate::engine::store::error::PostgresFault;

/// One attempt to connect; a server that is there answers at once.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long what was sent may stay unacknowledged before the connection counts as broken.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection is idle before it is asked whether it still lives, and how long that answer may take.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// Between two attempts to connect: the first pause and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What every connection begins with. The tables have a schema of their own, so that the database may hold others'. No
/// statement of ours takes seconds; one that does waits for a lock or for a server in trouble.
const GREETING: &str =
    "SET search_path TO symbl_bridge; SET statement_timeout TO '15s'; SET lock_timeout TO '10s';
    SET idle_in_transaction_session_timeout TO '30s'; SET client_min_messages TO warning";

/// Where the database is and how it is reached. Never shows its password.
#[derive(Clone)]
pub struct Address {
    config: Config,
    encryption: Option<Arc<ClientConfig>>,
}

impl Address {
    /// Returns the address that `config` names; with `roots` it is reached by TLS only, and its certificate is checked.
    pub fn new(mut config: Config, roots: Option<RootCertStore>) -> Self {
        config
            .application_name("symbl-bridge")
            .connect_timeout(CONNECT_PATIENCE)
            .tcp_user_timeout(SILENCE_LIMIT)
            .keepalives_idle(SILENCE_LIMIT)
            // Notices are for people at a terminal.
            .notice_callback(|_| {});
        let encryption = roots.map(|roots| {
            Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
        });
        Self { config, encryption }
    }

    fn connect(&self) -> Result<Client, postgres::Error> {
        let mut client = match &self.encryption {
            Some(tls) => self.config.connect(MakeRustlsConnect::new(ClientConfig::clone(tls)))?,
            None => self.config.connect(NoTls)?,
        };
        client.batch_execute(GREETING)?;
        Ok(client)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let port =
                self.config.get_ports().get(place).or(self.config.get_ports().first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) => write!(f, "{name}:{port} ")?,
                Host::Unix(path) => write!(f, "{} ", path.display())?,
            }
        }
        write!(f, "database {}", self.config.get_dbname().unwrap_or("of the user's name"))
    }
}

/// A connection, made when it is needed.
pub(super) struct Session {
    address: Arc<Address>,
    client: Option<Client>,
    statements: Statements,
    used: Instant,
    /// After a failure: when to try again, and how long the pause was.
    again: Option<(Instant, Duration)>,
    is_lost: bool,
    /// Whether the last failure may pass by itself.
    may_come: bool,
    connections: u64,
}

/// Statements that the server has prepared on this connection, by their text.
type Statements = HashMap<&'static str, Statement>;

/// What queries run on: a connection, or a transaction on it.
pub(super) struct Access<'a, C: GenericClient> {
    client: &'a mut C,
    statements: &'a mut Statements,
}

impl<C: GenericClient> Access<'_, C> {
    /// Runs a statement; returns how many rows it touched.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, values)
    }

    /// Runs a query.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.query(&statement, values)
    }

    /// Runs a query that has at most one row.
    pub(super) fn query_opt(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, postgres::Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Runs statements that return nothing.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), postgres::Error> {
        self.client.batch_execute(sql)
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Session {
    /// Returns a session that is not connected yet.
    pub(super) fn new(address: Arc<Address>) -> Self {
        let (client, statements) = (None, HashMap::new());
        let (used, again) = (Instant::now(), None);
        Self { address, client, statements, used, again, is_lost: false, may_come: false, connections: 0 }
    }

    /// Runs queries on the connection.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&mut Access<'_, Client>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.awake()?;
        let Some(client) = &mut self.client else { return Err(StoreError::Stalled) };
        let result = work(&mut Access { client, statements: &mut self.statements });
        self.after(result)
    }

    /// Runs work in a transaction, which is committed if the work succeeds.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Access<'_, postgres::Transaction<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.awake()?;
        let Some(client) = &mut self.client else { return Err(StoreError::Stalled) };
        let statements = &mut self.statements;
        let work = || {
            let mut transaction = client.transaction()?;
            let done = work(&mut Access { client: &mut transaction, statements })?;
            transaction.commit()?;
            Ok(done)
        };
        let result = work();
        self.after(result)
    }

    /// Waits for a notification; returns whether one came in time.
    pub(super) fn notified(&mut self, patience: Duration) -> Result<bool, StoreError> {
        use postgres::fallible_iterator::FallibleIterator as _;

        self.awake()?;
        let Some(client) = &mut self.client else { return Err(StoreError::Stalled) };
        let came = client.notifications().timeout_iter(patience).next().map(|came| came.is_some());
        // One is as good as many.
        while let Ok(Some(_)) = client.notifications().iter().next() {}
        self.after(came.map_err(StoreError::from))
    }

    /// Returns a number that another connection does not have.
    pub(super) fn connection(&self) -> u64 {
        self.connections
    }

    /// Returns whether a server that could not be reached may be there in a moment; a wrong password stays wrong.
    pub(super) fn may_come(&self) -> bool {
        self.may_come
    }

    /// Returns whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.client.is_some()
    }

    fn after<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.used = Instant::now();
        match result {
            Err(StoreError::Postgres(fault)) if fault.is_of_the_connection() => Err(self.lose(&fault)),
            other => other,
        }
    }

    /// Makes sure that there is a connection, or says at once that there is none for now.
    fn awake(&mut self) -> Result<(), StoreError> {
        if let Some(client) = &mut self.client {
            let is_fresh = self.used.elapsed() < IDLE_LIMIT && !client.is_closed();
            if is_fresh || client.is_valid(IDLE_LIMIT).is_ok() {
                return Ok(());
            }
            self.client = None;
            self.statements.clear();
        }
        if let Some((again, _)) = self.again
            && Instant::now() < again
        {
            return Err(StoreError::Unreachable(format!("{} did not answer a moment ago", self.address)));
        }
        match self.address.connect() {
            Ok(client) => {
                if std::mem::take(&mut self.is_lost) {
                    info!("the store is connected again");
                }
                self.client = Some(client);
                self.used = Instant::now();
                self.again = None;
                self.connections += 1;
                Ok(())
            }
            Err(error) => Err(self.lose(&PostgresFault::of(&error))),
        }
    }

    fn lose(&mut self, fault: &PostgresFault) -> StoreError {
        self.client = None;
        self.statements.clear();
        self.may_come = fault.may_pass();
        let pause = self.again.map_or(PAUSES.0, |(_, pause)| (2 * pause).min(PAUSES.1));
        self.again = Some((Instant::now() + pause, pause));
        if !std::mem::replace(&mut self.is_lost, true) {
            warn!(address:% = self.address, error:% = fault; "the store is not connected; it tries again");
        }
        StoreError::Unreachable(format!("{}: {fault}", self.address))
    }
}
