//! Drives one socket for its actor: pulls the frames that are due, hands over what comes.
//!
//! The pump asks its actor for frames only when the socket has taken everything before, so nothing queues here:
//! what a slow peer has not taken stays with the actor, which bounds it. At rest each piece of audio leaves as it
//! comes; under load all that waits leaves as one message. Nor does the actor freeze while its peer does not read: its
//! mailbox and its timers go on. What is read passes through a buffer that a whole thread shares, so that a socket at rest
//! owns next to nothing.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use actix::fut::ActorFuture;
use actix::{Actor, ActorContext, AsyncContext, Context, SpawnHandle};
use actix_http::ws::{Codec, Frame, OpCode, Parser};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio_util::codec::Decoder;

use super::assembler::{Assembler, text};
use super::frame_guard::Frames;
use super::{CloseCode, CloseReason, End, Fault, Incoming};

/// One read takes at most this much: some forty frames of a caller.
const READ_SCRATCH: usize = 16 * 1024;

/// Messages handed over before other sockets of the thread have their turn.
const TURN: usize = 64;

/// Above this much unsent output pings go unanswered.
const PONG_BACKLOG: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SCRATCH]);
}

/// An actor that owns a socket.
pub trait Session: Actor<Context = Context<Self>> {
    /// Writes the frames that are due now; called whenever the socket has taken all that came before.
    fn write(&mut self, frames: &mut FrameWriter<'_>);

    /// Takes what the socket brought. [`Incoming::Ended`] comes exactly once and last.
    fn receive(&mut self, incoming: Incoming, ctx: &mut Self::Context);
}

/// Which end of a socket is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// We opened it: our frames are masked, and a fault ends it at once.
    Client,
    /// The peer opened it: after a fault it lingers for the peer's answer, and the actor stops when the socket is gone.
    /// Dropping it at once, with input unread, would reset the connection, and a reset can overtake the close frame.
    Server,
}

/// An open socket that no pump drives yet.
pub struct Socket<T> {
    io: T,
    codec: Codec,
    read: BytesMut,
    limit: usize,
    side: Side,
    over: Option<oneshot::Sender<()>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> Socket<T> {
    /// Returns a socket whose messages have at most `limit` bytes; `read` is what was read after the handshake.
    pub fn new(io: T, read: BytesMut, limit: usize, side: Side) -> Self {
        let codec = Codec::new().max_size(limit);
        let codec = if side == Side::Client { codec.client_mode() } else { codec };
        Self { io, codec, read, limit, side, over: None }
    }

    /// Has `over` dropped when the socket is.
    pub fn tell_end(self, over: oneshot::Sender<()>) -> Self {
        Self { over: Some(over), ..self }
    }

    /// Starts pumping between the socket and the actor.
    pub fn start<A: Session>(self, ctx: &mut Context<A>) -> Pumping {
        let waker = Rc::new(RefCell::new(None));
        let mut guard = Frames::new(self.limit as u64);
        let is_refused = !guard.pass(&self.read);
        let pump = Pump {
            io: self.io,
            codec: self.codec,
            read: self.read,
            guard,
            is_refused,
            write: BytesMut::new(),
            assembler: Assembler::new(self.limit),
            side: self.side,
            close_sent: false,
            has_ended: false,
            waker: Rc::clone(&waker),
            _over: self.over,
        };
        Pumping { handle: ctx.spawn(pump), waker }
    }
}

impl<T> std::fmt::Debug for Socket<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Socket")
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
    side: Side,
}

impl<'a> FrameWriter<'a> {
    /// Returns a writer into `buffer`; `close_sent` is set by, and silences all after, a close frame.
    pub fn new(buffer: &'a mut BytesMut, close_sent: &'a mut bool, side: Side) -> Self {
        Self { buffer, close_sent, side }
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

    /// Writes a close frame; the peer's answer ends the socket.
    pub fn close(&mut self, reason: CloseReason) {
        if !std::mem::replace(self.close_sent, true) {
            Parser::write_close(self.buffer, Some(reason), self.side == Side::Client);
        }
    }

    fn frame(&mut self, payload: &[u8], kind: OpCode) {
        if !*self.close_sent {
            Parser::write_message(self.buffer, payload, kind, true, self.side == Side::Client);
        }
    }
}

/// A context item, polled after the mailbox is empty.
struct Pump<T> {
    io: T,
    codec: Codec,
    read: BytesMut,
    guard: Frames,
    /// A frame's header promised more than the limit; what follows it is never looked at.
    is_refused: bool,
    write: BytesMut,
    assembler: Assembler,
    side: Side,
    close_sent: bool,
    /// The actor has been told; only the peer's end is waited for.
    has_ended: bool,
    waker: Rc<RefCell<Option<Waker>>>,
    _over: Option<oneshot::Sender<()>>,
}

impl<A: Session, T: AsyncRead + AsyncWrite + Unpin + 'static> ActorFuture<A> for Pump<T> {
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
        for _ in 0..TURN {
            // What comes after must not overtake what the actor waits for; it is polled again when that is over.
            if ctx.waiting() {
                return Poll::Pending;
            }
            let all_written = match self.fill_and_flush(actor, cx) {
                Ok(all_written) => all_written,
                Err(error) => return self.end(End::Lost(error.to_string()), actor, ctx),
            };
            match self.decode(actor, ctx) {
                Ok(true) => {}
                Ok(false) => match self.poll_read(cx) {
                    Poll::Ready(Ok(0)) => {
                        return self.end(End::Lost("end of stream".to_owned()), actor, ctx);
                    }
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => return self.end(End::Lost(error.to_string()), actor, ctx),
                    Poll::Pending => return Poll::Pending,
                },
                Err(last) => {
                    // A peer that stopped reading gets no answer to its close; that is its own loss.
                    if all_written {
                        let _ = self.flush(cx);
                    }
                    if self.side == Side::Client || matches!(last, End::Closed(_)) {
                        return self.end(last, actor, ctx);
                    }
                    self.has_ended = true;
                    actor.receive(Incoming::Ended(last), ctx);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Pump<T> {
    /// The socket is gone.
    fn end<A: Session>(&mut self, end: End, actor: &mut A, ctx: &mut Context<A>) -> Poll<()> {
        if !std::mem::replace(&mut self.has_ended, true) {
            actor.receive(Incoming::Ended(end), ctx);
        }
        if self.side == Side::Server {
            ctx.stop();
        }
        Poll::Ready(())
    }

    /// Writes until the actor has nothing more or the socket takes nothing more; returns true for the former.
    fn fill_and_flush<A: Session>(&mut self, actor: &mut A, cx: &mut TaskContext<'_>) -> io::Result<bool> {
        loop {
            if self.write.is_empty() {
                actor.write(&mut FrameWriter::new(&mut self.write, &mut self.close_sent, self.side));
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
    fn decode<A: Session>(&mut self, actor: &mut A, ctx: &mut Context<A>) -> Result<bool, End> {
        if self.has_ended {
            self.read.clear();
            return Ok(false);
        }
        let incoming = match self.codec.decode(&mut self.read) {
            Ok(None) if self.is_refused => Err(Fault::TooLarge),
            Ok(None) => return Ok(false),
            Ok(Some(Frame::Text(data))) => text(data).map(Some),
            Ok(Some(Frame::Binary(data))) => Ok(Some(Incoming::Binary(data))),
            Ok(Some(Frame::Continuation(item))) => self.assembler.push(item),
            Ok(Some(Frame::Ping(data))) => {
                // A peer that pings without reading gets no more pongs than this.
                if !self.close_sent && self.write.len() < PONG_BACKLOG {
                    Parser::write_message(
                        &mut self.write,
                        &data,
                        OpCode::Pong,
                        true,
                        self.side == Side::Client,
                    );
                }
                Ok(None)
            }
            Ok(Some(Frame::Pong(data))) => Ok(Some(Incoming::Pong(data))),
            Ok(Some(Frame::Close(reason))) => {
                // An empty close frame reads as 1005, which some take for a failure.
                self.close(reason.clone().unwrap_or(CloseCode::Normal.into()));
                return Err(End::Closed(reason));
            }
            Err(error) => Err(Fault::from(&error)),
        };
        match incoming {
            Ok(Some(incoming)) => actor.receive(incoming, ctx),
            Ok(None) => {}
            Err(fault) => {
                self.close(super::close_reason(fault.close_code(), &fault.to_string()));
                return Err(End::Fault(fault));
            }
        }
        Ok(true)
    }

    fn close(&mut self, reason: CloseReason) {
        FrameWriter::new(&mut self.write, &mut self.close_sent, self.side).close(reason);
    }

    fn poll_read(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<usize>> {
        let before = self.read.len();
        let polled = read_into(&mut self.io, &mut self.read, cx);
        if !self.has_ended && !self.is_refused {
            self.is_refused = !self.guard.pass(&self.read[before..]);
        }
        polled
    }
}

/// Appends what one read brings; returns how many bytes, 0 at the end of the stream.
pub(super) fn read_into<T: AsyncRead + Unpin>(
    io: &mut T,
    read: &mut BytesMut,
    cx: &mut TaskContext<'_>,
) -> Poll<io::Result<usize>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        std::task::ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
        read.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
}
