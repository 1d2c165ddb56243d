//! The application as a value: it owns the listener and everything behind it.
//!
//! [`Application::build`] binds and knows its port; [`Application::run`] consumes it and ends when it was told to and
//! every leg is over. Tests build the real one on port 0. This is the one place that knows both wings, bridge and
//! engine; the wings know each other by the wire only.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_web::dev::{Server, ServerHandle};
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::mpsc;

use crate::bridge;
use crate::bridge::call::leg::LegLimits;
use crate::bridge::call::registry::Registry;
use crate::bridge::call::stream_token::StreamTokens;
use crate::bridge::call::upload::BYTES_PER_MS;
use crate::bridge::http::watchers::Watchers;
use crate::bridge::services::{Services, Shared};
use crate::bridge::supervisor::{CountLegs, Drain, EndAllLegs, Supervisor};
use crate::bridge::updates_hub::{CloseDashboards, UpdatesHub};
use crate::config::{Settings, StorePlace, Upstream};
use crate::engine;
use crate::engine::EngineState;
use crate::engine::analysis::{Analysis, State as AnalysisState};
use crate::engine::applications::{Application as EngineApplication, Credentials, random_secret};
use crate::engine::housekeeping::forget_old_conversations;
use crate::engine::listening::{Listening, State as HearingState};
use crate::engine::llm::LlmSettings;
use crate::engine::settings::EngineSettings;
use crate::engine::store::{SqliteStore, Store, StoreError};
use crate::symbl::endpoint::Endpoint;
use crate::symbl::token::TokenClient;
use crate::telemetry::events;
use crate::twilio::PublicUrl;
use crate::ws::socket_handle;

/// Beyond a leg's own bound for its end, for the close frames and the last updates.
const DRAIN_MARGIN: Duration = Duration::from_secs(4);

/// How long the engine's sockets may take to end once the bridge's legs are over.
const ENGINE_DRAIN: Duration = Duration::from_secs(5);

/// How long requests in flight may take once the legs are over.
const HTTP_STOP_SECONDS: u64 = 2;

/// The store's file in its directory.
const STORE_FILE: &str = "conversations.db";

/// Which wings to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wings {
    /// The bridge; with the engine beside it when no other upstream is configured.
    Bridge,
    /// The engine alone.
    Engine,
}

/// A server that is bound and not yet running.
pub struct Application {
    address: SocketAddr,
    public_url: PublicUrl,
    upstream: Option<Endpoint>,
    server: Server,
    bridge: Option<Bridge>,
    engine: Option<Engine>,
    watch_token: Option<SecretString>,
    drain_deadline: Duration,
    stop_within: Duration,
}

/// The bridge's two actors of the process.
struct Bridge {
    supervisor: Addr<Supervisor>,
    hub: Addr<UpdatesHub>,
}

/// The engine in this process.
struct Engine {
    state: EngineState,
    listening: Listening,
    credentials: Credentials,
    /// Whether the credentials were made up and nobody knows them yet.
    credentials_are_new: bool,
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
    /// Conversations cannot be kept.
    #[error("cannot keep conversations: {0}")]
    Store(#[from] StoreError),
    /// There is no directory of the user's.
    #[error(
        "cannot tell the user's data directory: set store.dir to a directory, or to `memory` to keep nothing"
    )]
    NoDataDirectory,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// Our own address is not one that Twilio can be given.
    #[error("cannot make addresses from {0}")]
    Address(String),
}

impl Application {
    /// Binds the listener and starts the actors; must be called within an actix `System`.
    pub fn build(settings: &Settings, wings: Wings) -> Result<Self, StartError> {
        let asked = (settings.http.host.as_str(), settings.http.port);
        let listener = TcpListener::bind(asked).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listener.map_err(|source| StartError::Bind {
            address: format!("{}:{}", settings.http.host, settings.http.port),
            source,
        })?;
        let local_url = format!("http://127.0.0.1:{}", address.port());
        let public_url = match &settings.public_url {
            Some(url) => url.clone(),
            // Local development: a simulator on this machine is told to come back to where it came from.
            None => PublicUrl::parse(&local_url).map_err(|error| StartError::Address(error.to_string()))?,
        };
        let (upstream, engine) = match (&settings.symbl.upstream, wings) {
            (Upstream::Server(endpoint), Wings::Bridge) => (Some(endpoint.clone()), None),
            (Upstream::Embedded, Wings::Bridge) => {
                let own =
                    Endpoint::parse(&local_url).map_err(|error| StartError::Address(error.to_string()))?;
                (Some(own), Some(Engine::new(settings)?))
            }
            (_, Wings::Engine) => (None, Some(Engine::new(settings)?)),
        };
        let is_public = settings.public_url.is_some();
        let watch_token = settings.watchers.token.clone().or_else(|| is_public.then(random_secret));
        let (shared, bridge) = match &upstream {
            Some(upstream) => {
                let (shared, bridge) =
                    build_bridge(settings, watch_token.as_ref(), &public_url, upstream, engine.as_ref())?;
                (Some(shared), Some(bridge))
            }
            None => (None, None),
        };
        let server = serve(settings, listener, shared, engine.as_ref());
        let server = server.map_err(|source| StartError::Bind { address: address.to_string(), source })?;
        Ok(Self {
            address,
            public_url,
            upstream,
            server,
            bridge,
            engine,
            watch_token,
            drain_deadline: settings.drain_deadline,
            stop_within: settings.symbl.stop_timeout + DRAIN_MARGIN,
        })
    }

    /// Returns the bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base of the addresses that Twilio is given.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Returns what dashboards must show, to be printed once.
    pub fn watch_token(&self) -> Option<&SecretString> {
        self.watch_token.as_ref()
    }

    /// Returns where the bridge's results come from.
    pub fn upstream(&self) -> Option<&Endpoint> {
        self.upstream.as_ref()
    }

    /// Returns what the engine in this process hears with; none without an engine.
    pub fn listening(&self) -> Option<&Listening> {
        self.engine.as_ref().map(|engine| &engine.listening)
    }

    /// Returns what the engine in this process judges sentences with; none without an engine.
    pub fn analysis(&self) -> Option<&Analysis> {
        self.engine.as_ref().map(|engine| engine.state.analysis())
    }

    /// Returns the engine's credentials, to connect to it.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.engine.as_ref().map(|engine| &engine.credentials)
    }

    /// Returns the engine's credentials if they were made up for this run, to be shown once.
    pub fn new_credentials(&self) -> Option<&Credentials> {
        self.engine.as_ref().filter(|engine| engine.credentials_are_new).map(|engine| &engine.credentials)
    }

    /// Serves until `stop` says so, then ends every leg properly; said again, ends at once.
    pub async fn run(self, mut stop: mpsc::Receiver<()>) -> io::Result<()> {
        let address = self.address.to_string();
        let upstream = self.upstream.as_ref().map_or_else(|| "none".to_owned(), Endpoint::to_string);
        events::ServerListening { leg: None, address: &address, upstream: &upstream }.emit();
        let handle = self.server.handle();
        let mut server = std::pin::pin!(self.server);
        tokio::select! {
            ended = &mut server => return ended,
            _ = stop.recv() => {}
        }
        let drain = async {
            let legs_cut = match &self.bridge {
                Some(bridge) => bridge.drain(self.drain_deadline, self.stop_within).await,
                None => 0,
            };
            end_listener(self.engine.as_ref(), handle).await;
            events::ServerStopped { leg: None, legs_cut }.emit();
        };
        tokio::select! {
            // The server has to be driven while it is being stopped.
            _ = async { tokio::join!(drain, &mut server) } => {}
            Some(()) = stop.recv() => {}
        }
        Ok(())
    }
}

impl Bridge {
    /// Ends every leg, then the dashboards; returns how many legs had to be cut off.
    async fn drain(&self, deadline: Duration, stop_within: Duration) -> u64 {
        // An error means that the actor is gone, and with it what is asked about.
        let legs = self.supervisor.send(CountLegs).await.unwrap_or(0) as u64;
        events::ServerDraining { leg: None, legs }.emit();
        let _ = tokio::time::timeout(deadline, self.supervisor.send(Drain)).await;
        let _ = tokio::time::timeout(stop_within, self.supervisor.send(EndAllLegs)).await;
        let legs_cut = self.supervisor.send(CountLegs).await.unwrap_or(0) as u64;
        let _ = self.hub.send(CloseDashboards).await;
        legs_cut
    }
}

async fn end_listener(engine: Option<&Engine>, server: ServerHandle) {
    if let Some(engine) = engine {
        engine.state.drain(ENGINE_DRAIN).await;
    }
    server.stop(true).await;
}

impl Engine {
    fn new(settings: &Settings) -> Result<Self, StartError> {
        let configured = settings.symbl.app_id.clone().zip(settings.symbl.app_secret.clone());
        let credentials_are_new = configured.is_none();
        let credentials = match configured {
            Some((app_id, app_secret)) => Credentials { app_id, app_secret },
            None => Credentials::generate(),
        };
        let application = EngineApplication::new(credentials.app_id.clone(), &credentials.app_secret);
        let listening = Listening::waiting("the speech model is being loaded");
        let engine_settings = EngineSettings {
            applications: vec![application],
            // A call may outlive the token it began with; the bridge has no reason to be cut off for it.
            close_at_token_expiry: false,
            llm: settings.llm.as_ref().map(|llm| LlmSettings {
                base_url: llm.base_url.clone(),
                model: llm.model.clone(),
                api_key: llm.api_key.clone(),
                timeout: llm.timeout,
                unredacted: llm.unredacted,
            }),
            ..EngineSettings::default()
        };
        let analysis = Analysis::start("the model of meaning is being loaded");
        let store = open_store(&settings.store.place)?;
        let (state, _) =
            EngineState::new(engine_settings, Arc::new(listening.clone()), analysis, Arc::clone(&store));
        let conversations = state.resume()? as u64;
        if conversations > 0 {
            events::ConversationsResumed { leg: None, conversations }.emit();
        }
        if let Some(retention) = settings.store.retention {
            actix::spawn(forget_old_conversations(store, retention));
        }
        Ok(Self { state, listening, credentials, credentials_are_new })
    }
}

fn open_store(place: &StorePlace) -> Result<Arc<dyn Store>, StartError> {
    let dir = match place {
        StorePlace::Memory => return Ok(Arc::new(SqliteStore::in_memory()?)),
        StorePlace::Directory(dir) => dir.clone(),
        StorePlace::UserData => user_data_dir().ok_or(StartError::NoDataDirectory)?,
    };
    Ok(Arc::new(SqliteStore::open(&dir.join(STORE_FILE))?))
}

/// Returns `$XDG_DATA_HOME/symbl-bridge`, by default under `~/.local/share`.
fn user_data_dir() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")))?;
    Some(base.join("symbl-bridge"))
}

fn build_bridge(
    settings: &Settings,
    watch_token: Option<&SecretString>,
    public_url: &PublicUrl,
    upstream: &Endpoint,
    engine: Option<&Engine>,
) -> Result<(Shared, Bridge), StartError> {
    let hub = UpdatesHub::new(settings.updates.max_dashboards).start();
    let registry = Registry::new(settings.conference.policy, settings.parties.clone(), settings.max_calls);
    let supervisor = Supervisor::new(registry, hub.clone()).start();
    let symbl = &settings.symbl;
    let (app_id, app_secret) = match engine {
        Some(engine) => (engine.credentials.app_id.clone(), engine.credentials.app_secret.clone()),
        None => (
            symbl.app_id.clone().unwrap_or_default(),
            symbl.app_secret.clone().unwrap_or_else(|| SecretString::from(String::new())),
        ),
    };
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| StartError::Random)?;
    let buffer = usize::try_from(symbl.buffer.as_millis()).unwrap_or(usize::MAX) * BYTES_PER_MS;
    let media_url = public_url.stream("/twilio/media");
    let shared = Shared {
        supervisor: supervisor.clone(),
        hub: hub.clone(),
        tokens: Arc::new(TokenClient::new(upstream.clone(), app_id, app_secret)),
        upstream: upstream.clone(),
        start_template: Arc::new(symbl.start_template.clone()),
        connect_timeout: symbl.connect_timeout,
        limits: LegLimits {
            buffer,
            give_up_after: symbl.give_up_after,
            acknowledge_within: symbl.acknowledge_timeout,
            stop_within: symbl.stop_timeout,
        },
        signer: settings.twilio.signer(),
        watchers: Watchers::new(watch_token, &settings.watchers.origins, public_url),
        stream_tokens: StreamTokens::new(key),
        mode: settings.mode,
        end_on_exit: settings.conference.end_on_exit,
        public_url: public_url.clone(),
        media_url: media_url.map_err(|error| StartError::Address(error.to_string()))?,
        media: settings.media,
        updates: settings.updates,
        log_transcripts: settings.log_transcripts,
    };
    Ok((shared, Bridge { supervisor, hub }))
}

fn serve(
    settings: &Settings,
    listener: TcpListener,
    shared: Option<Shared>,
    engine: Option<&Engine>,
) -> io::Result<Server> {
    let engine_state = engine.map(|engine| engine.state.clone());
    let listening = engine.map(|engine| engine.listening.clone());
    let analysis = engine.map(|engine| engine.state.analysis().clone());
    let mut server = HttpServer::new(move || {
        let mut app = App::new()
            .app_data(Data::new(listening.clone()))
            .app_data(Data::new(analysis.clone()))
            .service(web::resource("/healthz").get(alive))
            .service(web::resource("/readyz").get(ready));
        if let Some(shared) = &shared {
            let services = Data::new(Services::of_this_worker(shared.clone()));
            app = app.app_data(services).configure(bridge::http::configure);
        }
        if let Some(state) = &engine_state {
            app = app.configure(|routes| engine::http::configure(routes, state.clone()));
        }
        app.default_service(web::to(not_found))
    })
    .on_connect(socket_handle::prepare(settings.http.peer_timeout))
    .shutdown_timeout(HTTP_STOP_SECONDS)
    .disable_signals();
    if let Some(workers) = settings.http.workers {
        server = server.workers(workers.get());
    }
    Ok(server.listen(listener)?.run())
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// Calls join in any case; ready means that what callers say is heard, too. `notes` name what is left out meanwhile.
async fn ready(listening: Data<Option<Listening>>, analysis: Data<Option<Analysis>>) -> HttpResponse {
    let notes: Vec<String> = match analysis.as_ref().as_ref().map(Analysis::state) {
        Some(AnalysisState::WordsOnly { reason }) => {
            vec![format!("sentences are judged by their words alone: {reason}")]
        }
        Some(AnalysisState::Ready) | None => Vec::new(),
    };
    match listening.as_ref().as_ref().map(Listening::state) {
        Some(HearingState::Waiting { reason }) => HttpResponse::ServiceUnavailable()
            .json(json!({ "ready": false, "reasons": [reason], "notes": notes })),
        Some(HearingState::Ready) | None => {
            HttpResponse::Ok().json(json!({ "ready": true, "reasons": [], "notes": notes }))
        }
    }
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(
        "nothing here. Twilio posts to /twilio/twiml and /twilio/statuschange and connects to /twilio/media; \
         dashboards connect to /symbl/updates\n",
    )
}
