//! The real nats-server with JetStream, on a loopback port and in a directory of its own.
//!
//! Where the program is not installed a test says so and is skipped, unless `SYMBL_BRIDGE_REQUIRE_SERVERS=1` is set.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::wait::wait_until_asked;

const PROGRAM: &str = "nats-server";

/// A running server, killed when dropped.
pub struct NatsServer {
    address: SocketAddr,
    directory: TempDir,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts one and waits until it answers; none if the program is missing and nobody insists.
    pub async fn start() -> Option<Self> {
        let is_there = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !is_there {
            let insists = std::env::var("SYMBL_BRIDGE_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
            assert!(!insists, "{PROGRAM} is not installed");
            eprintln!("skipped: {PROGRAM} is not installed");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("bound");
        drop(free);
        let directory = TempDir::new().expect("a directory of its own");
        let mut server = Self { address, directory, child: None };
        server.run().await;
        Some(server)
    }

    /// Where nodes reach it.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Kills it as a crash does; what it has stored stays.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child of ours");
            child.wait().expect("a child of ours");
        }
    }

    /// Starts it again on the same port with what it had stored, and waits until it answers.
    pub async fn run(&mut self) {
        let child = Command::new(PROGRAM)
            .args(["--addr", "127.0.0.1", "--port", &self.address.port().to_string(), "--jetstream"])
            .arg("--store_dir")
            .arg(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is there");
        self.child = Some(child);
        let address = self.address;
        wait_until_asked("nats-server to answer", async || {
            let Ok(mut socket) = TcpStream::connect(address).await else { return false };
            let mut greeting = [0; 4];
            socket.read_exact(&mut greeting).await.is_ok() && greeting == *b"INFO"
        })
        .await;
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}
