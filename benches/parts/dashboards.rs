//! Dashboards on the updates hub, each with the socket's actor and frames, but without a socket.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix::prelude::*;
use actix_http::h1;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::test::TestRequest;
use actix_web::{FromRequest, dev, web};
use symbl_bridge::bridge::call::leg::LegExit;
use symbl_bridge::bridge::call::registry::LegId;
use symbl_bridge::bridge::call::update::{LegNews, LegView};
use symbl_bridge::bridge::updates_hub::{Publish, UpdatesHub};
use symbl_bridge::bridge::updates_session::{MESSAGE_LIMIT, UpdatesSession};
use symbl_bridge::config::UpdatesSettings;
use symbl_bridge::symbl::Speaker;
use symbl_bridge::telemetry::metrics::Metrics;
use symbl_bridge::ws::server::accept;

/// A hub and who watches.
pub(crate) struct Audience {
    hub: Addr<UpdatesHub>,
    dashboards: Vec<Dashboard>,
    legs: u64,
}

struct Dashboard {
    /// What is to be written to its socket.
    frames: Pin<Box<BoxBody>>,
    /// It says nothing, but it is there.
    _peer: Box<dyn Any>,
}

impl Audience {
    /// Seats so many dashboards.
    pub(crate) async fn of(count: usize) -> Self {
        let settings = UpdatesSettings {
            queue: 256,
            keep: 1000,
            max_dashboards: count,
            ping_every: Duration::from_secs(3600),
        };
        let hub = UpdatesHub::new(count, settings.keep, Metrics::default()).start();
        let mut dashboards = Vec::new();
        for _ in 0..count {
            dashboards.push(Dashboard::join(&hub, settings).await);
        }
        Self { hub, dashboards, legs: 0 }
    }

    /// Tells everybody that a leg is up and then that it is down; returns the bytes written to all.
    pub(crate) async fn tell_of_a_leg(&mut self) -> usize {
        self.legs += 1;
        let (leg, view) = (LegId(self.legs), view());
        self.publish(LegNews::Started(leg, view.clone())).await
            + self.publish(LegNews::Stopped(leg, view, LegExit::Hangup)).await
    }

    async fn publish(&mut self, news: LegNews) -> usize {
        self.hub.send(Publish(news)).await.expect("the hub lives");
        let mut written = 0;
        for dashboard in &mut self.dashboards {
            written += dashboard.read().await;
        }
        written
    }
}

impl Dashboard {
    async fn join(hub: &Addr<UpdatesHub>, settings: UpdatesSettings) -> Self {
        let request = TestRequest::get()
            .insert_header(("connection", "upgrade"))
            .insert_header(("upgrade", "websocket"))
            .insert_header(("sec-websocket-version", "13"))
            .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
            .to_http_request();
        let (peer, payload) = h1::Payload::create(false);
        let payload = web::Payload::from_request(&request, &mut dev::Payload::from(payload))
            .await
            .expect("no reason to fail");
        let hub = hub.clone();
        let actor = |shell| UpdatesSession::new(hub, None, settings, Some(0), shell);
        let response = accept(actor, &request, payload, MESSAGE_LIMIT, None).expect("a handshake");
        let mut dashboard = Self { frames: Box::pin(response.into_body()), _peer: Box::new(peer) };
        // The answer to `after`: from now on it is a member.
        assert!(dashboard.read().await > 0);
        dashboard
    }

    /// Returns the length of the next frames.
    async fn read(&mut self) -> usize {
        std::future::poll_fn(|cx: &mut Context<'_>| match self.frames.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(bytes.len()),
            Poll::Ready(_) => panic!("the dashboard was put out"),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

fn view() -> LegView {
    LegView {
        speaker: Speaker { user_id: "+12125550123".to_owned(), name: "+12125550123".to_owned() },
        connection_id: "0f8b6c1e-2f53-4f0c-9b0a-3c1d2e4f5a6b".to_owned(),
        conversation_id: Some("6167198217273344".to_owned()),
        call_sid: "CA00112233445566778899aabbccddeeff".to_owned(),
        room: "support".to_owned(),
    }
}
