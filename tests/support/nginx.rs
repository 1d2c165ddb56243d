//! A real nginx on a free loopback port, that ends with the test.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest wait for nginx to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running nginx, ended when dropped.
pub struct Nginx {
    directory: TempDir,
    port: u16,
    server: Child,
}

impl Nginx {
    /// Starts nginx with what `http_block` gives for its port; nothing, said aloud, where nginx is not installed.
    pub fn start(http_block: impl FnOnce(u16) -> String) -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists());
        let Some(program) = program else {
            let what = "nginx is not installed";
            assert!(std::env::var_os("SYMBL_BRIDGE_REQUIRE_SERVERS").is_none(), "{what}");
            eprintln!("skipped: {what}");
            return None;
        };
        let directory = TempDir::new().expect("a directory");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};\n"))
            .concat();
        // Workers of root's would else be somebody who may not enter the directory.
        let text = format!(
            "user root;\nworker_processes 2;\ndaemon off;\npid nginx.pid;\nevents {{ worker_connections 1024; }}\n\
             http {{\nlog_format path '$uri $upstream_addr $status';\naccess_log access.log path;\n{temporary}{}\n}}\n",
            http_block(port)
        );
        std::fs::write(directory.path().join("nginx.conf"), text).expect("a file of our own");
        let server = Command::new(program)
            .args(["-e", "error.log", "-c", "nginx.conf", "-p"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx runs");
        let mut nginx = Self { directory, port, server };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let has_ended = nginx.server.try_wait().is_ok_and(|status| status.is_some());
            assert!(
                !has_ended && began.elapsed() < PATIENCE,
                "nginx does not serve: {}",
                nginx.file("error.log")
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Some(nginx)
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns what it has answered so far: path, address of the last server that was asked, status. Sockets stand there
    /// once they have closed.
    pub fn answered(&self) -> Vec<(String, String, String)> {
        let log = self.file("access.log");
        let line = |line: &str| {
            let mut words = line.split_whitespace().map(|word| word.trim_end_matches(',').to_owned());
            let path = words.next()?;
            let rest: Vec<String> = words.collect();
            let [.., server, status] = &rest[..] else { return None };
            Some((path, server.clone(), status.clone()))
        };
        log.lines().filter_map(line).collect()
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not KILL: the workers would live on.
        let _ = Command::new("kill").args(["-TERM", &self.server.id().to_string()]).status();
        let began = Instant::now();
        while began.elapsed() < PATIENCE && matches!(self.server.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
