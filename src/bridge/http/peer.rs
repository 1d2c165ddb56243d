//! A connection as a thing that can be cut off from outside.
//!
//! A socket actor whose peer stops reading is frozen and cannot end itself. Two things can: the kernel, which gives
//! up on a peer that acknowledges nothing for a while, and whoever holds a [`Peer`].

use std::any::Any;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket, TcpKeepalive};

/// A silent connection is probed after this long, so that a peer that vanished is noticed.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// A second handle on a connection.
#[derive(Debug)]
pub struct Peer {
    socket: Option<Socket>,
}

impl Peer {
    /// Ends the connection at once; its actor learns of it as of any lost connection.
    pub fn evict(&self) {
        if let Some(socket) = &self.socket {
            // An error means that it has ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Prepares an accepted connection; pass it to `HttpServer::on_connect`.
pub fn on_connect(time_limit: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Send + Clone + 'static {
    move |connection, extensions| {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else {
            return;
        };
        let socket = SockRef::from(stream);
        // Each setting is a help, none is a condition: a kernel without it still serves.
        let _ = socket.set_tcp_nodelay(true);
        let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER));
        #[cfg(target_os = "linux")]
        let _ = socket.set_tcp_user_timeout(Some(time_limit));
        #[cfg(not(target_os = "linux"))]
        let _ = time_limit;
        extensions.insert(Arc::new(Peer { socket: socket.try_clone().ok() }));
    }
}
