//! Follows the bridge's `/symbl/updates`, as a dashboard does.

use awc::ws::{Frame, Message};
use futures_util::{SinkExt, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_util::sync::CancellationToken;

use super::address::{Address, BadAddress};
use super::webhooks::client;

/// Where a dashboard connects.
const PATH: &str = "/symbl/updates";

/// Updates cannot be followed, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum UpdatesError {
    /// The bridge's address is wrong.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// No socket.
    #[error("cannot follow {PATH}: {0}")]
    Connect(String),
    /// The socket is gone.
    #[error("{PATH} ended: {0}")]
    Ended(String),
}

/// Connects, calls `on_open`, and then `on_update` with the text of each update until `stop` is cancelled.
pub async fn follow(
    base_url: &str,
    token: Option<&str>,
    stop: &CancellationToken,
    on_open: impl FnOnce(),
    mut on_update: impl FnMut(&str),
) -> Result<(), UpdatesError> {
    let address = Address::new(base_url, None)?;
    let query = token.map(|token| format!("?token={}", utf8_percent_encode(token, NON_ALPHANUMERIC)));
    let target = address.target(&address.public(&format!("{PATH}{}", query.unwrap_or_default())))?;
    let connected = client().ws(target.url).connect().await;
    let (_, mut socket) = connected.map_err(|fault| UpdatesError::Connect(fault.to_string()))?;
    on_open();
    loop {
        let frame = tokio::select! {
            () = stop.cancelled() => {
                let _ = socket.send(Message::Close(None)).await;
                return Ok(());
            }
            frame = socket.next() => frame,
        };
        match frame {
            None => return Err(UpdatesError::Ended("the connection was cut".to_owned())),
            Some(Err(fault)) => return Err(UpdatesError::Ended(fault.to_string())),
            Some(Ok(Frame::Text(text))) => on_update(&String::from_utf8_lossy(&text)),
            Some(Ok(Frame::Ping(payload))) => {
                let _ = socket.send(Message::Pong(payload)).await;
            }
            Some(Ok(Frame::Close(reason))) => {
                let reason =
                    reason.map_or_else(|| "no reason given".to_owned(), |reason| format!("{reason:?}"));
                return Err(UpdatesError::Ended(reason));
            }
            Some(Ok(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use actix::{Actor, ActorContext, StreamHandler};
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use actix_web_actors::ws;

    use super::*;

    /// Sends two updates, then nothing; answers a close.
    struct Dashboard;

    impl Actor for Dashboard {
        type Context = ws::WebsocketContext<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            ctx.ping(b"?");
            ctx.text(r#"{"type":"connection_started"}"#);
            ctx.text(r#"{"type":"connection_stopped"}"#);
        }
    }

    impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Dashboard {
        fn handle(&mut self, item: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
            if matches!(item, Ok(ws::Message::Close(_)) | Err(_)) {
                ctx.close(None);
                ctx.stop();
            }
        }
    }

    async fn updates(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
        if request.query_string() != "token=a%20b" {
            return Ok(HttpResponse::Unauthorized().finish());
        }
        ws::start(Dashboard, &request, body)
    }

    fn serve() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = HttpServer::new(|| App::new().route(PATH, web::get().to(updates)));
        actix::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        base
    }

    #[actix::test]
    async fn updates_come_as_they_are_sent_until_told_to_stop() {
        let (base, stop) = (serve(), CancellationToken::new());
        let (mut opened, mut seen) = (false, Vec::new());
        let on_update = |update: &str| {
            seen.push(update.to_owned());
            if seen.len() == 2 {
                stop.cancel();
            }
        };
        follow(&base, Some("a b"), &stop, || opened = true, on_update).await.unwrap();
        assert!(opened);
        assert_eq!(seen, [r#"{"type":"connection_started"}"#, r#"{"type":"connection_stopped"}"#]);
    }

    #[actix::test]
    async fn a_refusal_is_an_error() {
        let outcome = follow(&serve(), None, &CancellationToken::new(), || {}, |_| {}).await;
        assert!(matches!(outcome, Err(UpdatesError::Connect(_))), "{outcome:?}");
    }
}
