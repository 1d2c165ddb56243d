//! One connection through the proxy, up to its upgrade: where servers refuse and peers stay silent.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::WriteHalf;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frames::{Incoming, header};
use super::pump::{self, Side};
use super::{Culprit, Fault, Line, Plan, Shared};

/// What a peer that reads little announces, in bytes.
pub(super) const SMALL_WINDOW: u32 = 4096;

pub(super) async fn serve(client: TcpStream, shared: Arc<Shared>, seed: u64) {
    let _ = client.set_nodelay(true);
    let plan = shared.take_plan(false);
    // A server that refuses has nobody behind it; a client that falls silent has a connection to the bridge first.
    let below_http = plan.map(|plan| plan.fault);
    if let Some(fault) = below_http
        && shared.culprit == Culprit::Server
    {
        return fall_silent(fault, vec![client], &shared).await;
    }
    let Some(target) = reach(&shared).await else {
        return;
    };
    if below_http == Some(Fault::SilentAccept) {
        shared.struck();
        let (mut target, mut client) = (target, client);
        // The bridge's verdict can be seen.
        let _ = tokio::io::copy(&mut target, &mut client).await;
        return;
    }
    if let Some(fault) = below_http {
        return fall_silent(fault, vec![client, target], &shared).await;
    }
    // Borrowed halves: owned ones would end their connections with a FIN, and what is to be a reset would be none.
    let (mut client, mut target) = (client, target);
    exchange(Side::of(&mut client), Side::of(&mut target), shared, seed).await;
}

async fn reach(shared: &Shared) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    if shared.small_window && shared.culprit == Culprit::Client {
        socket.set_recv_buffer_size(SMALL_WINDOW).ok()?;
    }
    let stream = socket.connect(shared.target).await.ok()?;
    let _ = stream.set_nodelay(true);
    Some(stream)
}

/// Resets the connections, or keeps them for ever without a word.
async fn fall_silent(fault: Fault, connections: Vec<TcpStream>, shared: &Shared) {
    shared.struck();
    if fault != Fault::Refuse {
        return pending().await;
    }
    for connection in &connections {
        reset_on_drop(connection);
    }
}

pub(super) fn reset_on_drop(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Passes requests and their answers on, one after the other, until one of them is an upgrade.
async fn exchange(mut client: Side<'_>, mut target: Side<'_>, shared: Arc<Shared>, seed: u64) {
    loop {
        let Some(request) = client.incoming.head().await else {
            return;
        };
        if header(&request, "upgrade").is_some() {
            return upgrade(client, target, &request, shared, seed).await;
        }
        let passed = pass_message(request, &mut client.incoming, &mut target.out).await;
        let answer = if passed.is_some() { target.incoming.head().await } else { None };
        let Some(answer) = answer else {
            return;
        };
        if pass_message(answer, &mut target.incoming, &mut client.out).await.is_none() {
            return;
        }
    }
}

async fn pass_message(head: Vec<u8>, from: &mut Incoming<'_>, to: &mut WriteHalf<'_>) -> Option<()> {
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let body = from.exactly(length).await?;
    to.write_all(&head).await.ok()?;
    to.write_all(&body).await.ok()
}

async fn upgrade(mut client: Side<'_>, mut target: Side<'_>, request: &[u8], shared: Arc<Shared>, seed: u64) {
    let plan = shared.take_plan(true).unwrap_or(Plan::BEHAVE);
    match (plan.fault, shared.culprit) {
        // A pooled connection, on which a token was fetched, meets its plan only now.
        (Fault::Refuse | Fault::SilentAccept, _) => {
            shared.struck();
            if plan.fault == Fault::Refuse {
                client.reset_on_drop();
                target.reset_on_drop();
                return;
            }
            return pending().await;
        }
        (Fault::Status(status), _) => {
            shared.struck();
            let answer =
                format!("HTTP/1.1 {status} Scripted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = client.out.write_all(answer.as_bytes()).await;
            let _ = client.out.shutdown().await;
            return client.incoming.swallow().await;
        }
        (Fault::SilentUpgrade, Culprit::Server) => {
            shared.struck();
            let key = header(request, "sec-websocket-key").unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            let _ = client.out.write_all(answer.as_bytes()).await;
            return client.incoming.swallow().await;
        }
        _ => {}
    }
    if target.out.write_all(request).await.is_err() {
        return;
    }
    let Some(answer) = target.incoming.head().await else {
        return;
    };
    let is_upgraded = answer.starts_with(b"HTTP/1.1 101");
    if client.out.write_all(&answer).await.is_err() {
        return;
    }
    if !is_upgraded {
        // A refusal of the target's own, its body included, up to its end.
        let _ = tokio::io::copy(&mut target.incoming.half, &mut client.out).await;
        return;
    }
    let line = Line::new();
    match plan.at {
        None => line.switch(plan.fault),
        Some(cue) => line.strike_at(cue, plan.fault),
    }
    shared.record().lines.push(line.clone());
    pump::run(client, target, &line, &shared, seed).await;
}
