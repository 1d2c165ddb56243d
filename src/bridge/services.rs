//! What the actors of one worker thread share.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_service::ServiceExt as _;
use actix_tls::connect::{Connection, Connector};
use actix_web::http::Uri;
use actix_web::rt::net::TcpStream;

use super::call::leg::LegLimits;
use super::call::room::masked;
use super::call::stream_token::StreamTokens;
use super::cluster::Cluster;
use super::http::unproven::Unproven;
use super::http::watchers::Watchers;
use super::load::LoadMeter;
use super::reattach::Reattach;
use super::supervisor::Supervisor;
use super::updates_hub::UpdatesHub;
use crate::config::{Announcement, MediaSettings, Mode, UpdatesSettings, WhenFull};
use crate::recording::Recorder;
use crate::symbl::endpoint::Endpoint;
use crate::symbl::start_template::StartTemplate;
use crate::symbl::token::TokenClient;
use crate::telemetry::LegTags;
use crate::telemetry::metrics::Metrics;
use crate::twilio::{PhoneNumber, PublicUrl, Signer, StreamUrl};

/// Shared by all workers of a process.
#[derive(Clone)]
pub struct Shared {
    /// The owner of all calls and legs.
    pub supervisor: Addr<Supervisor>,
    /// The relay to dashboards.
    pub hub: Addr<UpdatesHub>,
    /// What several nodes share.
    pub cluster: Arc<dyn Cluster>,
    /// Gets access tokens for the upstream.
    pub tokens: Arc<TokenClient>,
    /// Where the upstream lives.
    pub upstream: Endpoint,
    /// Where dashboards reach the upstream; none: under our own address.
    pub public_upstream: Option<String>,
    /// What a leg asks for.
    pub start_template: Arc<StartTemplate>,
    /// One attempt to connect.
    pub connect_timeout: Duration,
    /// Bounds of a leg.
    pub limits: LegLimits,
    /// Checks that requests come from Twilio; none: they are not checked.
    pub signer: Option<Signer>,
    /// Who may watch.
    pub watchers: Watchers,
    /// Makes and checks what lets a media socket in.
    pub stream_tokens: StreamTokens,
    /// Counts media sockets that have not proved themselves.
    pub unproven: Unproven,
    /// What a caller's TwiML does.
    pub mode: Mode,
    /// Whether a conference ends for all when one leaves.
    pub end_on_exit: bool,
    /// How the world reaches us.
    pub public_url: PublicUrl,
    /// Whether it does.
    pub is_public: bool,
    /// The number callers dial.
    pub number: Option<PhoneNumber>,
    /// Our media socket, as Twilio reaches it.
    pub media_url: StreamUrl,
    /// Bounds of media sockets.
    pub media: MediaSettings,
    /// Bounds of dashboards.
    pub updates: UpdatesSettings,
    /// What a caller hears who would not be analysed.
    pub when_full: WhenFull,
    /// How late the process is; every worker reports to it.
    pub load: LoadMeter,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether transcripts are logged.
    pub log_transcripts: bool,
    /// Writes down what legs carry; none: nothing is.
    pub recorder: Option<Recorder>,
    /// What callers hear first.
    pub announcement: Option<Announcement>,
    /// Gets new streams for calls that lost theirs; none: nobody does.
    pub reattach: Option<Reattach>,
}

/// One worker's services: what is shared, and the worker's own HTTP client.
pub struct Services {
    /// Shared by all workers.
    pub shared: Shared,
    /// Never leaves its thread.
    pub http: awc::Client,
}

impl Services {
    /// Returns services for the calling worker thread.
    pub fn of_this_worker(shared: Shared) -> Self {
        shared.load.watch_this_thread();
        // Without this a frame waits for the acknowledgement of the one before it, which the server's kernel holds
        // back for a while after each pong.
        let tcp = Connector::default().service().map(|connection: Connection<Uri, TcpStream>| {
            if let Err(error) = connection.io_ref().set_nodelay(true) {
                log::warn!(error:% = error; "frames for the server may be late");
            }
            connection
        });
        // 0: no limit. By default a client allows 100 connections, and an open socket keeps its place for life.
        let connector = awc::Connector::new().connector(tcp).limit(0).timeout(shared.connect_timeout);
        let http = awc::Client::builder().connector(connector).timeout(shared.connect_timeout).finish();
        Self { shared, http }
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}

/// Returns the tags of a leg's log lines; a number in the room's name is masked.
pub fn tags(call_sid: &str, stream_sid: &str, connection_id: &str, room: &str) -> LegTags {
    LegTags {
        call_sid: call_sid.into(),
        stream_sid: stream_sid.into(),
        connection_id: connection_id.into(),
        room: masked(room).as_ref().into(),
        trace_id: None,
    }
}
