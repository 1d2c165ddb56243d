//! A way to end a connection from outside, for a peer that stopped reading.
//!
//! The socket's own actor is frozen then (see [`super::outbox`]), so somebody else has to shut the socket. Give
//! [`prepare`] to `HttpServer::on_connect` (our own listener calls [`prepare_stream`]); the handlers find the handle in `HttpRequest::conn_data`.

use std::any::Any;
use std::net::Shutdown;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket, TcpKeepalive};

/// An idle connection is probed this often, so that a vanished peer is noticed even when nothing is sent.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Owned by the connection: while it lives, handles work.
#[derive(Debug)]
struct Connection(Arc<Socket>);

/// Ends one connection; harmless once the connection is gone.
#[derive(Debug, Clone)]
pub struct SocketHandle(Weak<Socket>);

impl SocketHandle {
    /// Returns the handle of the connection that a request came on.
    pub fn of(request: &actix_web::HttpRequest) -> Option<Self> {
        request.conn_data::<Connection>().map(|connection| Self(Arc::downgrade(&connection.0)))
    }

    /// Shuts the connection in both directions; its actor wakes and stops.
    pub fn cut(&self) {
        if let Some(socket) = self.0.upgrade()
            && let Err(error) = socket.shutdown(Shutdown::Both)
        {
            log::debug!(error:% = error; "a connection to cut was already gone");
        }
    }
}

/// Returns what keeps the handles of a request's connection working after the request is gone.
pub(super) fn hold(request: &actix_http::Request) -> Option<impl Sized + use<>> {
    request.conn_data::<Connection>().map(|connection| Arc::clone(&connection.0))
}

/// Returns what `HttpServer::on_connect` is to do: bound how long a dead peer holds a plain TCP connection, and keep a
/// handle to it. A peer that acknowledges nothing for `time_limit` is gone, or reads so slowly that it might as well be.
pub fn prepare(time_limit: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Send + Clone + 'static {
    move |io, data| {
        if let Some(stream) = io.downcast_ref::<TcpStream>() {
            prepare_stream(stream, data, time_limit);
        }
    }
}

/// Does what [`prepare`] says to the TCP connection below whatever is spoken on it.
pub fn prepare_stream(stream: &TcpStream, data: &mut Extensions, time_limit: Duration) {
    let socket = SockRef::from(stream);
    let bounded = socket
        .set_tcp_user_timeout(Some(time_limit))
        .and_then(|()| socket.set_tcp_nodelay(true))
        .and_then(|()| socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE)));
    if let Err(error) = bounded {
        log::warn!(error:% = error; "could not bound a connection's life");
    }
    match socket.try_clone() {
        Ok(duplicate) => {
            data.insert(Connection(Arc::new(duplicate)));
        }
        Err(error) => log::warn!(error:% = error; "no handle to a connection"),
    }
}
