//! One connection of the listener: its place in the crowd, and the deadline for its next request.
//!
//! actix gives the first head of a connection a deadline, and an idle connection another, but a second head that never
//! ends has none: whoever sends one good request and then half a head stays for ever. So the stream that actix reads
//! from ends by itself when a connection is between two requests for too long.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use actix_web::rt::time::{Instant, Sleep, sleep_until};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ws::crowd::Place;

/// What the front door knows of the connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    place: RefCell<Place>,
    /// How long it may be between two requests.
    patience: Duration,
    /// When the next request must have begun; none while one is being served, and for sockets.
    deadline: Cell<Option<Instant>>,
}

impl Connection {
    /// A request's head is complete.
    pub fn request_began(&self) {
        self.deadline.set(None);
    }

    /// The request is answered; the next one must come in time.
    pub fn request_ended(&self) {
        self.deadline.set(Some(Instant::now() + self.patience));
    }

    /// It has become a socket, whose bounds are its actor's business. Whoever let it in has vouched for it, so it
    /// counts for its address no longer: all calls may come from a few addresses.
    pub fn became_socket(&self) {
        self.place.borrow_mut().forget_address();
    }
}

/// The connection's stream, as actix reads and writes it.
pub struct ConnectionStream {
    tcp: TcpStream,
    connection: Rc<Connection>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl ConnectionStream {
    /// Wraps a connection; `patience` bounds the time between two requests, the first head is actix's business.
    pub fn new(tcp: TcpStream, place: Place, patience: Duration) -> Self {
        let connection = Connection { place: RefCell::new(place), patience, deadline: Cell::new(None) };
        Self { tcp, connection: Rc::new(connection), timer: None }
    }

    /// Returns what the front door needs to know.
    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Returns the TCP connection itself.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Returns whether the time for the next request is over; if not, wakes the task when it will be.
    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.connection.deadline.get() else {
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for ConnectionStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.tcp).poll_read(cx, buffer) {
            // Nothing read is how a stream ends; to actix the client has left.
            Poll::Pending if self.is_overdue(cx) => Poll::Ready(Ok(())),
            polled => polled,
        }
    }
}

impl AsyncWrite for ConnectionStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

impl ActixStream for ConnectionStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.tcp, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.tcp, cx)
    }
}
