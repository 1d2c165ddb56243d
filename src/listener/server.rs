//! The listening sockets: every connection is counted, bounded and, where told to, encrypted before HTTP is spoken.
//!
//! This is what actix-web's `HttpServer` does, with two things that it has no place for: a look at a connection before
//! anything is done for it, a TLS handshake included, and a stream of our own (see [`super::connection`]). HTTP/1.1 only.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, Request, Response};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::ConnectionStream;
use super::entrances::Entrance;
use super::front_door::FrontDoor;
use crate::config::HttpSettings;
use crate::telemetry::events;
use crate::telemetry::seldom::Seldom;
use crate::ws::crowd::Crowd;
use crate::ws::socket_handle;
use crate::ws::upgrade::{SharedService, Upgrades};

/// How long requests in flight may take once the listener is told to stop.
const STOP_SECONDS: u64 = 2;

/// How long a closed connection may linger until its peer closes, too.
const DISCONNECT: Duration = Duration::from_secs(1);

/// Between two log lines about refused connections.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What a connection hears for which there is no place.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What is common to all connections of a process.
#[derive(Clone)]
struct Gate {
    door: Arc<FrontDoor>,
    crowd: Arc<Crowd>,
    refused: Arc<Seldom>,
    settings: HttpSettings,
}

impl Gate {
    /// Gives a connection its place, or ends it.
    fn admit(&self, tcp: TcpStream) -> Result<(ConnectionStream, Option<SocketAddr>), DispatchError> {
        let peer = tcp.peer_addr()?;
        match self.crowd.enter(self.door.clients().counted_connection(peer)) {
            Ok(place) => {
                let patience = self.settings.keep_alive + self.settings.head_timeout;
                Ok((ConnectionStream::new(tcp, place, patience), Some(peer)))
            }
            Err(full) => {
                self.door.refused("connections_full");
                if let Some(times) = self.refused.count() {
                    let (address, reason) = (peer.ip().to_string(), full.to_string());
                    events::ConnectionRefused { leg: None, address: &address, reason: &reason, times }.emit();
                }
                // A word if there is room for it; on a TLS entrance it is noise, and the end says enough.
                let _ = SockRef::from(&tcp).send(NO_PLACE);
                Err(io::Error::other(full).into())
            }
        }
    }

    fn prepare(&self, stream: &ConnectionStream, data: &mut Extensions) {
        socket_handle::prepare_stream(stream.tcp(), data, self.settings.peer_timeout);
        data.insert(Rc::clone(stream.connection()));
    }
}

/// Builds a server that answers on all `entrances` with what `application` makes, once for each worker and entrance.
///
/// # Errors
///
/// A socket cannot be used.
pub fn serve<F, I, S, B>(
    settings: &HttpSettings,
    entrances: Vec<Entrance>,
    door: Arc<FrontDoor>,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let crowd = Crowd::new(settings.max_connections, settings.max_connections_per_address);
    let gate = Gate { door, crowd, refused: Arc::new(Seldom::every(LOG_PAUSE)), settings: settings.clone() };
    // The crowd is the bound that answers; these two would leave connections waiting instead.
    let beyond_the_crowd = settings.max_connections.saturating_add(1);
    actix_tls::accept::max_concurrent_tls_connect(beyond_the_crowd);
    let mut server = Server::build()
        .max_concurrent_connections(beyond_the_crowd)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers.get());
    }
    let stopping = server.graceful_shutdown_signal();
    for Entrance { listener, tls } in entrances {
        let (gate, stopping, application) = (gate.clone(), stopping.clone(), application.clone());
        let name = listener.local_addr()?.to_string();
        server = match tls {
            None => server.listen(name, listener, move || {
                let (admitting, preparing) = (gate.clone(), gate.clone());
                let prepare = move |stream: &ConnectionStream, data: &mut Extensions| {
                    preparing.prepare(stream, data);
                };
                fn_service(move |tcp| std::future::ready(admitting.admit(tcp))).and_then(http(
                    gate.settings.clone(),
                    stopping.clone(),
                    application(),
                    prepare,
                ))
            })?,
            Some(tls) => server.listen(name, listener, move || {
                let (admitting, preparing) = (gate.clone(), gate.clone());
                let prepare = move |stream: &TlsStream<ConnectionStream>, data: &mut Extensions| {
                    preparing.prepare(stream.get_ref().0, data);
                };
                let mut acceptor = Acceptor::new(tls.clone());
                acceptor.set_handshake_timeout(gate.settings.head_timeout);
                let handshake = acceptor.map_err(no_handshake);
                fn_service(move |tcp| std::future::ready(admitting.admit(tcp).map(|(stream, _)| stream)))
                    .and_then(handshake)
                    .map(|stream| {
                        let peer = stream.get_ref().0.tcp().peer_addr().ok();
                        (stream, peer)
                    })
                    .and_then(http(gate.settings.clone(), stopping.clone(), application(), prepare))
            })?,
        };
    }
    Ok(server.run())
}

/// Returns what speaks HTTP on a stream, once there is one.
fn http<T, I, S, B>(
    settings: HttpSettings,
    stopping: GracefulShutdownSignal,
    application: I,
    prepare: impl Fn(&T, &mut Extensions) + 'static,
) -> impl ServiceFactory<(T, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let application = application
        .into_factory()
        .map_err(|error| error.into().error_response())
        .map(|response| response.into().map_into_boxed_body());
    let application = SharedService::new(map_config(application, |()| AppConfig::default()));
    HttpService::build()
        // Ends idle connections when the server is told to stop; actix-web does the same.
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(settings.keep_alive)
        .client_request_timeout(settings.head_timeout)
        .client_disconnect_timeout(DISCONNECT)
        .on_connect_ext(prepare)
        .upgrade(Upgrades(application.clone()))
        .h1(application)
}

/// A handshake that failed or took too long; the connection is gone, and scanners fail so all day.
fn no_handshake(error: TlsError<io::Error, Infallible>) -> DispatchError {
    DispatchError::Io(match error {
        TlsError::Timeout => io::ErrorKind::TimedOut.into(),
        TlsError::Tls(error) => error,
        TlsError::Service(never) => match never {},
    })
}
