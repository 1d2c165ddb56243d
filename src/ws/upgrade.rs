//! Requests that ask for another protocol: the application answers them, and may take the connection for itself.
//!
//! Without this the socket of an upgraded request stays behind the HTTP dispatcher: what comes is copied through its read
//! buffer and a queue of chunks, what goes through its write buffer, and both buffers, 16 KiB, stay as long as the socket.
//! [`Upgrades`] is given to `HttpService::upgrade`. It asks the same application as any other request, so routes,
//! extractors and middleware are where they always are. A handler that wants the connection itself puts a [`Takeover`] among
//! its response's extensions; any other response is written as its body comes, sockets of actix-web-actors included.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_codec::Framed;
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::PayloadError;
use actix_http::h1::{Codec, Message};
use actix_http::{BoxedPayloadStream, ConnectionType, Payload, Request, Response};
use actix_service::{Service, ServiceFactory};
use actix_web::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::Stream;
use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::OnceCell;
use tokio_util::codec::Encoder;

use super::pump::read_into;
use super::socket_handle;

/// A body is asked for more while less than this waits to be written; beyond it whoever makes the body waits.
const WRITE_AHEAD: usize = 32 * 1024;

/// How long a connection may take to close once all is said.
const DISCONNECT: Duration = Duration::from_secs(1);

/// A connection, whatever it is made of.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// What runs on a connection that a handler has taken; it is over when the connection may be dropped.
pub type Running = LocalBoxFuture<'static, ()>;

/// Takes a connection, with what its client has sent already, once the response's head is written.
pub struct Takeover(Box<dyn FnOnce(Box<dyn Io>, BytesMut) -> Running>);

impl Takeover {
    /// Returns a takeover by `run`.
    pub fn new(run: impl FnOnce(Box<dyn Io>, BytesMut) -> Running + 'static) -> Self {
        Self(Box::new(run))
    }
}

/// One instance of an application for whoever asks: requests of both kinds are served by the same.
pub struct SharedService<F: ServiceFactory<Request>> {
    factory: Rc<F>,
    made: Rc<OnceCell<Rc<F::Service>>>,
}

impl<F: ServiceFactory<Request>> SharedService<F> {
    /// Returns a factory that asks `factory` once.
    pub fn new(factory: F) -> Self {
        Self { factory: Rc::new(factory), made: Rc::new(OnceCell::new()) }
    }
}

impl<F: ServiceFactory<Request>> Clone for SharedService<F> {
    fn clone(&self) -> Self {
        Self { factory: Rc::clone(&self.factory), made: Rc::clone(&self.made) }
    }
}

impl<F> SharedService<F>
where
    F: ServiceFactory<Request, Config = ()> + 'static,
{
    async fn get(self) -> Result<Rc<F::Service>, F::InitError> {
        let make = async || self.factory.new_service(()).await.map(Rc::new);
        self.made.get_or_try_init(make).await.cloned()
    }
}

impl<F> ServiceFactory<Request> for SharedService<F>
where
    F: ServiceFactory<Request, Config = ()> + 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        Box::pin(self.clone().get())
    }
}

/// Makes the service that `HttpService::upgrade` wants of an application.
pub struct Upgrades<F: ServiceFactory<Request>>(pub SharedService<F>);

impl<F, T> ServiceFactory<(Request, Framed<T, Codec>)> for Upgrades<F>
where
    F: ServiceFactory<Request, Config = (), Response = Response<BoxBody>> + 'static,
    F::Error: Into<Response<BoxBody>>,
    T: Io + 'static,
{
    type Response = ();
    type Error = Infallible;
    type Config = ();
    type Service = Upgrading<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let application = self.0.clone().get();
        Box::pin(async move { application.await.map(Upgrading) })
    }
}

/// Serves the requests of one worker that ask for another protocol.
pub struct Upgrading<S>(Rc<S>);

impl<S, T> Service<(Request, Framed<T, Codec>)> for Upgrading<S>
where
    S: Service<Request, Response = Response<BoxBody>> + 'static,
    S::Error: Into<Response<BoxBody>>,
    T: Io + 'static,
{
    type Response = ();
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<(), Infallible>>;

    actix_service::always_ready!();

    fn call(&self, (request, framed): (Request, Framed<T, Codec>)) -> Self::Future {
        let application = Rc::clone(&self.0);
        Box::pin(async move {
            if let Err(error) = serve(&application, request, framed).await {
                log::debug!(error:% = error; "an upgraded connection broke");
            }
            Ok(())
        })
    }
}

async fn serve<S, T>(application: &S, request: Request, framed: Framed<T, Codec>) -> io::Result<()>
where
    S: Service<Request, Response = Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
    T: Io + 'static,
{
    let _handles_work = socket_handle::hold(&request);
    let parts = framed.into_parts();
    let (mut codec, mut write) = (parts.codec, parts.write_buf);
    let connection = Rc::new(RefCell::new(Some(Connection { io: parts.io, read: parts.read_buf })));
    let payload: BoxedPayloadStream = Box::pin(Received(Rc::clone(&connection)));
    let (request, _) = request.replace_payload(Payload::Stream { payload });
    let mut response = application.call(request).await.unwrap_or_else(Into::into);
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // What the client meant for the other protocol must not be read as its next request.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let takeover = response.extensions_mut().remove::<Takeover>();
    let (head, body) = response.into_parts();
    let size = if takeover.is_some() { BodySize::Stream } else { body.size() };
    codec.encode(Message::Item((head, size)), &mut write)?;
    let Some(Takeover(run)) = takeover else {
        return answer(&connection, body, size, codec, write).await;
    };
    let Some(Connection { mut io, read }) = connection.take() else { return Ok(()) };
    io.write_all(&write).await?;
    io.flush().await?;
    drop((codec, write, body, connection));
    run(Box::new(io), read).await;
    Ok(())
}

/// A connection with what was read from it and belongs to the other protocol.
struct Connection<T> {
    io: T,
    read: BytesMut,
}

/// What the client sends, for a handler that reads it as its request's payload.
struct Received<T>(Rc<RefCell<Option<Connection<T>>>>);

impl<T: Io> Stream for Received<T> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut connection = self.0.borrow_mut();
        let Some(Connection { io, read }) = connection.as_mut() else { return Poll::Ready(None) };
        if read.is_empty() {
            match read_into(io, read, cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(None),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(PayloadError::Io(error)))),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Some(Ok(std::mem::take(read).freeze())))
    }
}

/// Writes a body as it comes, then closes the connection.
async fn answer<T: Io>(
    connection: &RefCell<Option<Connection<T>>>,
    body: BoxBody,
    size: BodySize,
    mut codec: Codec,
    mut write: BytesMut,
) -> io::Result<()> {
    let mut body = pin!(body);
    let mut is_whole = matches!(size, BodySize::None | BodySize::Sized(0));
    poll_fn(|cx| {
        loop {
            let mut body_waits = is_whole;
            while !body_waits && write.len() < WRITE_AHEAD {
                match body.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Ok(chunk))) => codec.encode(Message::Chunk(Some(chunk)), &mut write)?,
                    Poll::Ready(Some(Err(error))) => {
                        let error: Box<dyn std::error::Error> = error;
                        return Poll::Ready(Err(io::Error::other(error.to_string())));
                    }
                    Poll::Ready(None) => {
                        codec.encode(Message::Chunk(None), &mut write)?;
                        (is_whole, body_waits) = (true, true);
                    }
                    Poll::Pending => body_waits = true,
                }
            }
            // The body may have read meanwhile, so the connection is borrowed only now.
            let mut connection = connection.borrow_mut();
            let Some(Connection { io, .. }) = connection.as_mut() else { return Poll::Ready(Ok(())) };
            std::task::ready!(write_all(io, &mut write, cx))?;
            if is_whole {
                return Poll::Ready(Ok(()));
            }
            if body_waits {
                return Poll::Pending;
            }
        }
    })
    .await?;
    let Some(Connection { mut io, .. }) = connection.take() else { return Ok(()) };
    tokio::time::timeout(DISCONNECT, io.shutdown()).await?
}

/// Writes until nothing is left.
fn write_all<T: Io>(io: &mut T, write: &mut BytesMut, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    while !write.is_empty() {
        match std::task::ready!(Pin::new(&mut *io).poll_write(cx, write))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => write.advance(written),
        }
    }
    Pin::new(io).poll_flush(cx)
}
