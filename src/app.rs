//! The application as a value: it owns the listener and everything behind it.
//!
//! [`Application::build`] binds and knows its port; [`Application::run`] consumes it and ends when it was told to and
//! every leg is over. Tests build the real one on port 0.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, web};
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::bridge::call::leg::LegLimits;
use crate::bridge::call::registry::Registry;
use crate::bridge::call::stream_token::StreamTokens;
use crate::bridge::call::upload::BYTES_PER_MS;
use crate::bridge::http;
use crate::bridge::services::{Services, Shared};
use crate::bridge::supervisor::{CountLegs, Drain, EndAllLegs, Supervisor};
use crate::bridge::updates_hub::{CloseDashboards, UpdatesHub};
use crate::config::{Settings, Upstream};
use crate::symbl::endpoint::Endpoint;
use crate::symbl::token::TokenClient;
use crate::telemetry::events;
use crate::twilio::PublicUrl;
use crate::ws::socket_handle;

/// Beyond a leg's own bound for its end, for the close frames and the last updates.
const DRAIN_MARGIN: Duration = Duration::from_secs(4);

/// How long requests in flight may take once the legs are over.
const HTTP_STOP_SECONDS: u64 = 2;

/// A server that is bound and not yet running.
pub struct Application {
    address: SocketAddr,
    public_url: PublicUrl,
    upstream: Endpoint,
    server: Server,
    supervisor: Addr<Supervisor>,
    hub: Addr<UpdatesHub>,
    drain_deadline: Duration,
    stop_within: Duration,
}

/// Why the application did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be bound.
    #[error(
        "cannot listen on {address}: {source}; choose another http.port or end the program that holds it"
    )]
    Bind {
        /// Host and port as configured.
        address: String,
        /// The system's words.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// Our own address is not one that Twilio can be given.
    #[error("cannot make addresses from {0}")]
    Address(String),
    /// No upstream.
    #[error("SYMBL_API_BASE_URL (symbl.api_base_url) is not set: set it to a server of the Symbl protocol")]
    NoUpstream,
}

impl Application {
    /// Binds the listener and starts the actors; must be called within an actix `System`.
    pub fn build(settings: &Settings) -> Result<Self, StartError> {
        let asked = (settings.http.host.as_str(), settings.http.port);
        let listener = TcpListener::bind(asked).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listener.map_err(|source| StartError::Bind {
            address: format!("{}:{}", settings.http.host, settings.http.port),
            source,
        })?;
        let public_url = match &settings.public_url {
            Some(url) => url.clone(),
            // Local development: a simulator on this machine is told to come back to where it came from.
            None => PublicUrl::parse(&format!("http://127.0.0.1:{}", address.port()))
                .map_err(|error| StartError::Address(error.to_string()))?,
        };
        let upstream = match &settings.symbl.upstream {
            Upstream::Server(endpoint) => endpoint.clone(),
            Upstream::Embedded => return Err(StartError::NoUpstream),
        };
        let hub = UpdatesHub::new(settings.updates.max_dashboards).start();
        let registry =
            Registry::new(settings.conference.policy, settings.parties.clone(), settings.max_calls);
        let supervisor = Supervisor::new(registry, hub.clone()).start();
        let shared = shared(settings, &public_url, &upstream, &supervisor, &hub)?;
        let server = serve(settings, listener, &shared)
            .map_err(|source| StartError::Bind { address: address.to_string(), source })?;
        let stop_within = settings.symbl.stop_timeout + DRAIN_MARGIN;
        let drain_deadline = settings.drain_deadline;
        Ok(Self { address, public_url, upstream, server, supervisor, hub, drain_deadline, stop_within })
    }

    /// Returns the bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base of the addresses that Twilio is given.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Returns where results come from.
    pub fn upstream(&self) -> &Endpoint {
        &self.upstream
    }

    /// Serves until `stop` says so, then ends every leg properly; said again, ends at once.
    pub async fn run(self, mut stop: mpsc::Receiver<()>) -> io::Result<()> {
        let (address, upstream) = (self.address.to_string(), self.upstream.to_string());
        events::ServerListening { leg: None, address: &address, upstream: &upstream }.emit();
        let handle = self.server.handle();
        let mut server = std::pin::pin!(self.server);
        tokio::select! {
            ended = &mut server => return ended,
            _ = stop.recv() => {}
        }
        let drain = drain(&self.supervisor, &self.hub, handle, self.drain_deadline, self.stop_within);
        tokio::select! {
            () = drain => {}
            Some(()) = stop.recv() => {}
            // Cannot come first: the drain is what stops it.
            _ = &mut server => {}
        }
        Ok(())
    }
}

/// Ends every leg, then the dashboards, then the listener.
async fn drain(
    supervisor: &Addr<Supervisor>,
    hub: &Addr<UpdatesHub>,
    server: ServerHandle,
    deadline: Duration,
    stop_within: Duration,
) {
    // An error means that the actor is gone, and with it what is asked about.
    let legs = supervisor.send(CountLegs).await.unwrap_or(0) as u64;
    events::ServerDraining { leg: None, legs }.emit();
    let _ = tokio::time::timeout(deadline, supervisor.send(Drain)).await;
    let _ = tokio::time::timeout(stop_within, supervisor.send(EndAllLegs)).await;
    let legs_cut = supervisor.send(CountLegs).await.unwrap_or(0) as u64;
    let _ = hub.send(CloseDashboards).await;
    server.stop(true).await;
    events::ServerStopped { leg: None, legs_cut }.emit();
}

fn shared(
    settings: &Settings,
    public_url: &PublicUrl,
    upstream: &Endpoint,
    supervisor: &Addr<Supervisor>,
    hub: &Addr<UpdatesHub>,
) -> Result<Shared, StartError> {
    let symbl = &settings.symbl;
    let app_id = symbl.app_id.clone().unwrap_or_default();
    let app_secret = symbl.app_secret.clone().unwrap_or_else(|| SecretString::from(String::new()));
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| StartError::Random)?;
    let buffer = usize::try_from(symbl.buffer.as_millis()).unwrap_or(usize::MAX) * BYTES_PER_MS;
    let media_url = public_url.stream("/twilio/media");
    Ok(Shared {
        supervisor: supervisor.clone(),
        hub: hub.clone(),
        tokens: Arc::new(TokenClient::new(upstream.clone(), app_id, app_secret)),
        upstream: upstream.clone(),
        start_template: Arc::new(symbl.start_template.clone()),
        connect_timeout: symbl.connect_timeout,
        limits: LegLimits { buffer, give_up_after: symbl.give_up_after, stop_within: symbl.stop_timeout },
        stream_tokens: StreamTokens::new(key),
        mode: settings.mode,
        end_on_exit: settings.conference.end_on_exit,
        public_url: public_url.clone(),
        media_url: media_url.map_err(|error| StartError::Address(error.to_string()))?,
        media: settings.media,
        updates: settings.updates,
        log_transcripts: settings.log_transcripts,
    })
}

fn serve(settings: &Settings, listener: TcpListener, shared: &Shared) -> io::Result<Server> {
    let shared = shared.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(Services::of_this_worker(shared.clone())))
            .configure(http::configure)
            .default_service(web::to(not_found))
    })
    .on_connect(socket_handle::prepare(settings.http.peer_timeout))
    .shutdown_timeout(HTTP_STOP_SECONDS)
    .disable_signals();
    if let Some(workers) = settings.http.workers {
        server = server.workers(workers.get());
    }
    Ok(server.listen(listener)?.run())
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(
        "nothing here. Twilio posts to /twilio/twiml and /twilio/statuschange and connects to /twilio/media; \
         dashboards connect to /symbl/updates\n",
    )
}
