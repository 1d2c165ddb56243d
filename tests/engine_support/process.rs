//! An engine with scripted ears in a process of its own, which can be killed: the test binary runs itself.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use symbl_bridge::engine::store::postgres::Address;
use symbl_bridge::engine::store::{PostgresStore, Store as _};

use super::{Engine, PATIENCE, Scripted, settings};

/// Variables that make an engine of a test binary.
const ADDRESS: &str = "SYMBL_BRIDGE_TEST_ENGINE_ADDRESS";
const DATABASE: &str = "SYMBL_BRIDGE_TEST_ENGINE_DATABASE";

/// The test in which a binary calls [`serve_if_asked`].
const TEST: &str = "an_engine_in_a_process_of_its_own";

/// Is an engine until the process is killed, if it was started to be one.
pub(crate) fn serve_if_asked() {
    let (Ok(address), Ok(database)) = (std::env::var(ADDRESS), std::env::var(DATABASE)) else { return };
    actix_web::rt::System::new().block_on(async {
        let store = PostgresStore::open(Address::new(database.parse().unwrap(), None)).unwrap();
        let mut settings = settings();
        settings.signing_key = store.shared_secret().unwrap();
        let engine = Engine::start_at(&address, settings, Scripted::default(), Arc::new(store));
        engine.state.resume().unwrap();
        std::future::pending::<()>().await;
    });
}

/// An engine process, killed when dropped.
pub(crate) struct EngineProcess {
    process: Child,
    pub(crate) address: String,
}

impl EngineProcess {
    /// Starts an engine on a database and waits until it listens.
    pub(crate) async fn start(database: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap();
        let address = free.to_string();
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST])
            .env(ADDRESS, &address)
            .env(DATABASE, database)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let engine = Self { process, address };
        let began = Instant::now();
        while TcpStream::connect(&engine.address).is_err() {
            assert!(began.elapsed() < 3 * PATIENCE, "the engine does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        engine
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
