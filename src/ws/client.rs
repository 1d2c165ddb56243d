//! Sockets that we open, through awc; a [`pump`](super::pump) drives them.
//!
//! (awc's own `SinkWrite` queues without bound, and its `Framed` keeps two 8 KiB buffers a socket.)

use std::time::Duration;

use awc::BoxedSocket;
use awc::error::WsClientError;
use bytes::BytesMut;

use super::pump::{Side, Socket};

/// A message of a server larger than this is not a result.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

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

/// An open socket to a server.
pub type ClientSocket = Socket<BoxedSocket>;

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
    // A copy, so that the buffer of awc goes.
    let read = BytesMut::from(&parts.read_buf[..]);
    Ok(Socket::new(parts.io, read, MESSAGE_LIMIT, Side::Client))
}
