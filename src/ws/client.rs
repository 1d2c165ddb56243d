//! Sockets that we open: connecting through awc, and a pump that pulls what is due from its actor.
//!
//! The pump asks its actor for frames only when the socket has taken everything before, so nothing queues here:
//! what a slow peer has not taken stays with the actor, which bounds it. At rest each piece of audio leaves as it
//! comes; under load all that waits leaves as one message. (awc's own `SinkWrite` queues without bound, and its
//! `Framed` keeps two 8 KiB buffers a socket.)

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use actix::fut::ActorFuture;
use actix::{Actor, AsyncContext, Context, SpawnHandle};
use actix_http::ws::{Codec, Frame, OpCode, Parser};
use awc::BoxedSocket;
use awc::error::WsClientError;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::Decoder;

use super::assembler::{Assembler, text};
use super::{CloseReason, End, Fault, Incoming};

/// One read takes at most this much; results are small, so one scratch serves a whole thread.
const READ_SCRATCH: usize = 16 * 1024;

/// A message of a server larger than this is not a result.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

/// A frame's header at its longest.
const LONGEST_HEADER: usize = 14;

/// Above this much unsent output pings go unanswered.
const PONG_BACKLOG: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SCRATCH]);
}

/// An actor that owns a socket to a server.
pub trait ClientSession: Actor<Context = Context<Self>> {
    /// Writes the frames that are due now; called whenever the socket has taken all that came before.
    fn write(&mut self, frames: &mut FrameWriter<'_>);

    /// Takes what the socket brought. [`Incoming::Ended`] comes exactly once and last.
    fn receive(&mut self, incoming: Incoming, ctx: &mut Self::Context);
}

/// Why a socket did not open.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answered the handshake with a status other than 101.
    #[error("the handshake was answered with {status}")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// No answer within the time limit.
    #[error("no answer to the handshake within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// Refused, unreachable, broken or not a WebSocket server. The text holds no address and no token.
    #[error("{0}")]
    Failed(String),
}

/// An open socket that no pump drives yet.
pub struct ClientSocket {
    io: BoxedSocket,
    codec: Codec,
    read: BytesMut,
}

impl std::fmt::Debug for ClientSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSocket")
    }
}

/// What a handshake carries.
#[derive(Clone, Copy, Default)]
pub struct Offer<'a> {
    /// For the `Authorization` header.
    pub bearer: Option<&'a str>,
    /// For the header of this name.
    pub traceparent: Option<&'a str>,
}

/// Opens a socket.
///
/// `http` must allow any number of connections: awc's default of 100 makes the 101st wait in silence.
pub async fn connect(
    http: &awc::Client,
    url: &str,
    offer: Offer<'_>,
    time_limit: Duration,
) -> Result<ClientSocket, ConnectError> {
    let mut request = http.ws(url).max_frame_size(MESSAGE_LIMIT);
    if let Some(traceparent) = offer.traceparent {
        request = request.header("traceparent", traceparent);
    }
    if let Some(token) = offer.bearer {
        request = request.header(awc::http::header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let opened = tokio::time::timeout(time_limit, request.connect()).await;
    let (_, framed) =
        opened.map_err(|_| ConnectError::TimedOut(time_limit))?.map_err(|error| match error {
            WsClientError::InvalidResponseStatus(status) => ConnectError::Status { status: status.as_u16() },
            WsClientError::SendRequest(awc::error::SendRequestError::Url(_)) => {
                // The client's own words would repeat the address, and with it the token.
                ConnectError::Failed("the address is not valid".to_owned())
            }
            other => ConnectError::Failed(other.to_string()),
        })?;
    let parts = framed.into_parts();
    let read = BytesMut::from(&parts.read_buf[..]);
    Ok(ClientSocket { io: parts.io, codec: parts.codec, read })
}

impl ClientSocket {
    /// Starts pumping between the socket and the actor.
    pub fn start<A: ClientSession>(self, ctx: &mut Context<A>) -> Pumping {
        let waker = Rc::new(RefCell::new(None));
        let pump = Pump {
            io: self.io,
            codec: self.codec,
            read: self.read,
            write: BytesMut::new(),
            assembler: Assembler::new(MESSAGE_LIMIT),
            close_sent: false,
            waker: Rc::clone(&waker),
        };
        Pumping { handle: ctx.spawn(pump), waker }
    }
}

/// A running pump, as its actor holds it.
#[derive(Debug)]
pub struct Pumping {
    handle: SpawnHandle,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Pumping {
    /// Makes the pump ask for frames.
    ///
    /// Only needed outside mailbox handlers: a mailbox is emptied before the pump is polled, a timer may run after.
    pub fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Drops the socket without a word; no [`Incoming::Ended`] follows.
    pub fn abort<A: Actor<Context = Context<A>>>(self, ctx: &mut Context<A>) {
        ctx.cancel_future(self.handle);
    }
}

/// Writes frames into a socket's write buffer.
#[derive(Debug)]
pub struct FrameWriter<'a> {
    buffer: &'a mut BytesMut,
    close_sent: &'a mut bool,
}

impl<'a> FrameWriter<'a> {
    /// Returns a writer into `buffer`; `close_sent` is set by, and silences all after, a close frame.
    pub fn new(buffer: &'a mut BytesMut, close_sent: &'a mut bool) -> Self {
        Self { buffer, close_sent }
    }

    /// Writes a text message.
    pub fn text(&mut self, text: &str) {
        self.frame(text.as_bytes(), OpCode::Text);
    }

    /// Writes a binary message.
    pub fn binary(&mut self, data: &[u8]) {
        self.frame(data, OpCode::Binary);
    }

    /// Writes a ping.
    pub fn ping(&mut self, data: &[u8]) {
        self.frame(data, OpCode::Ping);
    }

    /// Writes a close frame; the server's answer ends the socket.
    pub fn close(&mut self, reason: CloseReason) {
        if !std::mem::replace(self.close_sent, true) {
            Parser::write_close(self.buffer, Some(reason), true);
        }
    }

    fn frame(&mut self, payload: &[u8], kind: OpCode) {
        if !*self.close_sent {
            Parser::write_message(self.buffer, payload, kind, true, true);
        }
    }
}

/// Drives one socket for its actor: a context item, polled after the mailbox is empty.
struct Pump {
    io: BoxedSocket,
    codec: Codec,
    read: BytesMut,
    write: BytesMut,
    assembler: Assembler,
    close_sent: bool,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl<A: ClientSession> ActorFuture<A> for Pump {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        if !self.waker.borrow().as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
        }
        loop {
            if self.read.len() > MESSAGE_LIMIT + LONGEST_HEADER {
                return end(actor, ctx, End::Fault(Fault::TooLarge));
            }
            let all_written = match self.fill_and_flush(actor, cx) {
                Ok(all_written) => all_written,
                Err(error) => return end(actor, ctx, End::Lost(error.to_string())),
            };
            match self.decode(actor, ctx) {
                Ok(true) => {}
                Ok(false) => match self.poll_read(cx) {
                    Poll::Ready(Ok(0)) => return end(actor, ctx, End::Lost("end of stream".to_owned())),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => return end(actor, ctx, End::Lost(error.to_string())),
                    Poll::Pending => return Poll::Pending,
                },
                Err(last) => {
                    // A peer that stopped reading gets no answer to its close; that is its own loss.
                    if all_written {
                        let _ = self.flush(cx);
                    }
                    return end(actor, ctx, last);
                }
            }
        }
    }
}

fn end<A: ClientSession>(actor: &mut A, ctx: &mut Context<A>, end: End) -> Poll<()> {
    actor.receive(Incoming::Ended(end), ctx);
    Poll::Ready(())
}

impl Pump {
    /// Writes until the actor has nothing more or the socket takes nothing more; returns true for the former.
    fn fill_and_flush<A: ClientSession>(
        &mut self,
        actor: &mut A,
        cx: &mut TaskContext<'_>,
    ) -> io::Result<bool> {
        loop {
            if self.write.is_empty() {
                actor.write(&mut FrameWriter::new(&mut self.write, &mut self.close_sent));
                if self.write.is_empty() {
                    return Ok(true);
                }
            }
            if self.flush(cx)?.is_pending() {
                return Ok(false);
            }
        }
    }

    fn flush(&mut self, cx: &mut TaskContext<'_>) -> io::Result<Poll<()>> {
        while !self.write.is_empty() {
            match Pin::new(&mut self.io).poll_write(cx, &self.write) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => self.write.advance(written),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(result) => result.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Hands over at most one message; returns whether there was a frame, or how the socket ended.
    fn decode<A: ClientSession>(&mut self, actor: &mut A, ctx: &mut Context<A>) -> Result<bool, End> {
        let incoming = match self.codec.decode(&mut self.read) {
            Ok(None) => return Ok(false),
            Ok(Some(Frame::Text(data))) => text(data).map(Some),
            Ok(Some(Frame::Binary(data))) => Ok(Some(Incoming::Binary(data))),
            Ok(Some(Frame::Continuation(item))) => self.assembler.push(item),
            Ok(Some(Frame::Ping(data))) => {
                // A peer that pings without reading gets no more pongs than this.
                if !self.close_sent && self.write.len() < PONG_BACKLOG {
                    Parser::write_message(&mut self.write, &data, OpCode::Pong, true, true);
                }
                Ok(None)
            }
            Ok(Some(Frame::Pong(data))) => Ok(Some(Incoming::Pong(data))),
            Ok(Some(Frame::Close(reason))) => {
                if !self.close_sent {
                    Parser::write_close(&mut self.write, reason.clone(), true);
                    self.close_sent = true;
                }
                return Err(End::Closed(reason));
            }
            Err(error) => Err(Fault::from(&error)),
        };
        match incoming {
            Ok(Some(incoming)) => actor.receive(incoming, ctx),
            Ok(None) => {}
            Err(fault) => {
                let reason = super::close_reason(fault.close_code(), &fault.to_string());
                Parser::write_close(&mut self.write, Some(reason), true);
                self.close_sent = true;
                return Err(End::Fault(fault));
            }
        }
        Ok(true)
    }

    fn poll_read(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => {
                    self.read.extend_from_slice(buffer.filled());
                    Poll::Ready(Ok(buffer.filled().len()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    }
}
