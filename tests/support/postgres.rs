//! A real PostgreSQL server on a free loopback port, in a directory of its own, that ends with the test.
//!
//! Uses nothing of its neighbours: unit tests of the store include this file, too.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest wait for the server to start or to end; a busy machine takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who owns the databases, and the password that no log may show.
pub const USER: &str = "symbl";
pub const PASSWORD: &str = "hunter2-and-more";

/// A running server, ended when dropped.
pub struct PostgresServer {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    server: Option<Child>,
    /// Whether it also speaks TLS.
    is_encrypted: bool,
}

impl PostgresServer {
    /// Starts a server; nothing, said aloud, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let what = "PostgreSQL is not installed";
            assert!(std::env::var_os("SYMBL_BRIDGE_REQUIRE_SERVERS").is_none(), "{what}");
            eprintln!("skipped: {what}");
            return None;
        };
        let directory = TempDir::new().expect("a directory");
        let password = directory.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file of our own");
        give_away(directory.path());
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let mut server = Self { programs, directory, port, server: None, is_encrypted: false };
        let made = server
            .program("initdb")
            .args([
                "--auth=scram-sha-256",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username",
                USER,
            ])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(server.data())
            .stdout(Stdio::null())
            .status()
            .expect("initdb runs");
        assert!(made.success(), "initdb");
        server.run();
        Some(server)
    }

    /// Starts the server again on the same port, after [`PostgresServer::kill`].
    pub fn run(&mut self) {
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        // Nothing of a test has to survive the machine.
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"]
        {
            postgres.args(["-c", setting]);
        }
        if self.is_encrypted {
            postgres.args(["-c", "ssl=on"]);
        }
        self.server =
            Some(postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres runs"));
        let began = Instant::now();
        while !self
            .program("pg_isready")
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
        {
            assert!(began.elapsed() < PATIENCE, "PostgreSQL does not start");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Ends the server as a crash does: connections break, and nothing is put in order.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // Not KILL: the server's children would live on and hold the port.
        let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = server.kill();
        let _ = server.wait();
    }

    /// Starts the server again with a certificate of its own, for `localhost` and no other name; returns its file.
    pub fn encrypt(&mut self) -> PathBuf {
        self.kill();
        let certificate = self.data().join("server.crt");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(self.data().join("server.key"))
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "openssl");
        give_away(&self.data());
        self.is_encrypted = true;
        self.run();
        certificate
    }

    /// Makes a database and returns its address.
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// Runs SQL in a database; returns what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let ran = Command::new("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url(database)])
            .output()
            .expect("psql runs");
        assert!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }

    /// Returns the address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// One of PostgreSQL's programs, by somebody who is not root: it refuses to serve root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    programs.filter(|path| path.join("initdb").exists()).max()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn give_away(directory: &Path) {
    if is_root() {
        let given = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(directory).status();
        assert!(given.is_ok_and(|status| status.success()), "chown");
    }
}
