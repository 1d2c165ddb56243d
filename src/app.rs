//! The application as a value: it owns the listener and everything behind it.
//!
//! [`Application::build`] binds and knows its port; [`Application::run`] consumes it and ends when it was told to and
//! every leg is over. Tests build the real one on port 0. This is the one place that knows both wings, bridge and
//! engine; the wings know each other by the wire only.

mod drain;
mod operations;
mod reattaching;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_tls::connect::rustls_0_23::native_roots_cert_store;
use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse};
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::bridge;
use crate::bridge::call::leg::LegLimits;
use crate::bridge::call::registry::{Registry, RegistryLimits};
use crate::bridge::call::stream_token::StreamTokens;
use crate::bridge::call::upload::BYTES_PER_MS;
use crate::bridge::cluster::Cluster;
use crate::bridge::cluster::local::LocalCluster;
use crate::bridge::cluster::nats::NatsCluster;
use crate::bridge::http::unproven::Unproven;
use crate::bridge::http::watchers::Watchers;
use crate::bridge::load::LoadMeter;
use crate::bridge::reattach::elsewhere::AcrossNodes;
use crate::bridge::services::{Services, Shared};
use crate::bridge::supervisor::Supervisor;
use crate::bridge::updates_hub::UpdatesHub;
use crate::config::{HttpSettings, Settings, StorePlace, StoreSettings, Upstream};
use crate::dashboard::{self, Dashboard};
use crate::engine;
use crate::engine::EngineState;
use crate::engine::analysis::Analysis;
use crate::engine::applications::{Application as EngineApplication, Credentials, random_secret};
use crate::engine::housekeeping::forget_old_conversations;
use crate::engine::listening::Listening;
use crate::engine::llm::LlmSettings;
use crate::engine::settings::EngineSettings;
use crate::engine::store::postgres::Address;
use crate::engine::store::{PostgresStore, SqliteStore, Store, StoreError};
use crate::listener::entrances::{Entrance, EntranceError, Entrances};
use crate::listener::front_door::{self, FrontDoor};
use crate::listener::server;
use crate::recording::Recorder;
use crate::symbl::endpoint::Endpoint;
use crate::symbl::token::TokenClient;
use crate::telemetry::events;
use crate::telemetry::metrics::Metrics;
use crate::twilio::PublicUrl;
use drain::Ending;
use operations::Operations;
use reattaching::{Reattaching, reattach, stream_token_key};

/// How often it is looked whether the actors live that every call needs.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What ends the process if not.
const DEAD: &str =
    "the supervisor or the updates hub died of a panic, which the log shows: a fault of this program";

/// Beyond a leg's own bound for its end, for the close frames and the last updates.
const DRAIN_MARGIN: Duration = Duration::from_secs(4);

/// How long the engine's sockets may take to end once the bridge's legs are over.
const ENGINE_DRAIN: Duration = Duration::from_secs(5);

/// How long recordings may take to be completed once all legs are over.
const RECORDER_CLOSE: Duration = Duration::from_secs(5);

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
    scheme: &'static str,
    public_url: PublicUrl,
    upstream: Option<Endpoint>,
    server: Server,
    bridge: Option<Bridge>,
    engine: Option<Engine>,
    watch_token: Option<SecretString>,
    ending: Ending,
    drain_deadline: Duration,
    stop_within: Duration,
}

/// The bridge's two actors of the process.
struct Bridge {
    supervisor: Addr<Supervisor>,
    hub: Addr<UpdatesHub>,
    cluster: Arc<dyn Cluster>,
    recorder: Option<Recorder>,
    /// Gets calls new streams once the listener runs; none if nobody does.
    reattaching: Option<Reattaching>,
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
    /// Nobody can come in.
    #[error(transparent)]
    Entrance(#[from] EntranceError),
    /// The listener does not start.
    #[error("cannot serve: {0}")]
    Serve(#[from] io::Error),
    /// Other servers could not be told from impostors.
    #[error(
        "this machine's trusted certificates cannot be read: {0}; install the package ca-certificates, or correct SSL_CERT_FILE"
    )]
    Certificates(io::Error),
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
        // A worker's HTTP client reads them again, and would panic.
        native_roots_cert_store().map_err(StartError::Certificates)?;
        let serves_itself = wings == Wings::Bridge && settings.symbl.upstream == Upstream::Embedded;
        let metrics = Metrics::default();
        let entrances = Entrances::open(&settings.http, serves_itself)?;
        let (address, scheme) = (entrances.address, entrances.scheme());
        let public_url = match &settings.public_url {
            Some(url) => url.clone(),
            // Local development: a simulator on this machine is told to come back to where it came from.
            None => PublicUrl::parse(&format!("{scheme}://127.0.0.1:{}", address.port()))
                .map_err(|error| StartError::Address(error.to_string()))?,
        };
        let (upstream, engine) = match (&settings.symbl.upstream, wings) {
            (Upstream::Server(endpoint), Wings::Bridge) => (Some(endpoint.clone()), None),
            (Upstream::Embedded, Wings::Bridge) => {
                let own = format!("http://{}", entrances.own);
                let own = Endpoint::parse(&own).map_err(|error| StartError::Address(error.to_string()))?;
                (Some(own), Some(Engine::new(settings, &metrics)?))
            }
            (_, Wings::Engine) => (None, Some(Engine::new(settings, &metrics)?)),
        };
        let is_public = settings.public_url.is_some();
        let watch_token = settings.watchers.token.clone().or_else(|| is_public.then(random_secret));
        let (shared, bridge) = match &upstream {
            Some(upstream) => {
                let watch_token = watch_token.as_ref();
                let (shared, bridge) =
                    build_bridge(settings, watch_token, &public_url, upstream, engine.as_ref(), &metrics)?;
                (Some(shared), Some(bridge))
            }
            None => (None, None),
        };
        if let Some(certificate) = &entrances.certificate {
            actix::spawn(Arc::clone(certificate).follow());
        }
        let ending = Ending::default();
        let operations = Operations {
            ending: ending.clone(),
            metrics,
            bridge: shared,
            engine: engine.as_ref().map(|engine| (engine.state.clone(), engine.listening.clone())),
        };
        let server = serve(&settings.http, entrances.sockets, &operations)?;
        Ok(Self {
            address,
            scheme,
            public_url,
            upstream,
            server,
            bridge,
            engine,
            watch_token,
            ending,
            drain_deadline: settings.drain_deadline,
            stop_within: settings.symbl.stop_timeout + DRAIN_MARGIN,
        })
    }

    /// Returns the bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the bound address as one that browsers take.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
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
    ///
    /// # Errors
    ///
    /// The listener broke, or an actor that every call needs died.
    pub async fn run(mut self, mut stop: mpsc::Receiver<()>) -> io::Result<()> {
        let address = self.address.to_string();
        let upstream = self.upstream.as_ref().map_or_else(|| "none".to_owned(), Endpoint::to_string);
        events::ServerListening { leg: None, address: &address, upstream: &upstream }.emit();
        if let Some(reattaching) = self.bridge.as_mut().and_then(|bridge| bridge.reattaching.take()) {
            actix::spawn(reattaching.run());
        }
        let handle = self.server.handle();
        let mut server = std::pin::pin!(self.server);
        tokio::select! {
            ended = &mut server => return ended,
            () = dies(self.bridge.as_ref()) => return Err(io::Error::other(DEAD)),
            _ = stop.recv() => {}
        }
        self.ending.begin();
        let drain = async {
            let legs_cut = match (&self.bridge, &self.engine) {
                (Some(Bridge { supervisor, hub, cluster, .. }), _) => {
                    let actors = (supervisor, hub, cluster.as_ref());
                    drain::bridge(actors, self.drain_deadline, self.stop_within).await
                }
                (None, Some(engine)) => drain::engine(&engine.state, self.drain_deadline, ENGINE_DRAIN).await,
                (None, None) => 0,
            };
            close_recorder(self.bridge.as_ref()).await;
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

/// Waits until an actor that every call needs has died. Without it no call would ever be heard again, and nobody would
/// notice: whoever watches the process starts another.
async fn dies(bridge: Option<&Bridge>) {
    let Some(Bridge { supervisor, hub, .. }) = bridge else {
        return std::future::pending().await;
    };
    while supervisor.connected() && hub.connected() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Completes every recording; what cannot be in time the next start completes.
async fn close_recorder(bridge: Option<&Bridge>) {
    if let Some(recorder) = bridge.and_then(|bridge| bridge.recorder.clone()) {
        // Only at the end of the process are there no threads to block.
        let _ = web::block(move || recorder.close(RECORDER_CLOSE)).await;
    }
}

async fn end_listener(engine: Option<&Engine>, server: ServerHandle) {
    if let Some(engine) = engine {
        engine.state.drain(ENGINE_DRAIN).await;
    }
    server.stop(true).await;
}

impl Engine {
    fn new(settings: &Settings, metrics: &Metrics) -> Result<Self, StartError> {
        let configured = settings.symbl.app_id.clone().zip(settings.symbl.app_secret.clone());
        let credentials_are_new = configured.is_none();
        let credentials = match configured {
            Some((app_id, app_secret)) => Credentials { app_id, app_secret },
            None => Credentials::generate(),
        };
        let store = open_store(&settings.store)?;
        let application = EngineApplication::new(credentials.app_id.clone(), &credentials.app_secret);
        let listening = Listening::waiting("the speech model is being loaded", metrics.recognition.clone());
        let engine_settings = EngineSettings {
            applications: vec![application],
            // Engines that share a store stand behind one balancer, and a token has to be good at each of them.
            signing_key: store.shared_secret()?,
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

fn open_store(settings: &StoreSettings) -> Result<Arc<dyn Store>, StartError> {
    if let Some(database) = &settings.database {
        let roots = database.is_encrypted.then(native_roots_cert_store).transpose();
        let roots = roots.map_err(StartError::Certificates)?;
        return Ok(Arc::new(PostgresStore::open(Address::new(database.config.clone(), roots))?));
    }
    let dir = match &settings.place {
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
    metrics: &Metrics,
) -> Result<(Shared, Bridge), StartError> {
    let updates = &settings.updates;
    let hub = UpdatesHub::new(updates.max_dashboards, updates.keep, metrics.clone()).start();
    // Tokens expire by the second, and one is good until its last second is over.
    let token_seconds = settings.media.token_lifetime.as_secs();
    let limits = RegistryLimits {
        calls: settings.limits.max_calls,
        legs: settings.limits.max_legs,
        ended_call_lifetime: 1000 * (token_seconds + 1),
    };
    let mut registry = Registry::new(settings.conference.policy, settings.parties.clone(), limits);
    let load = LoadMeter::default();
    load.watch_this_thread();
    let max_delay = settings.limits.max_delay;
    let (reattach, mut worker) = reattach(settings, &mut registry, metrics).unzip();
    let nats = settings
        .cluster
        .as_ref()
        .map(|shared| (NatsCluster::new(shared, hub.clone(), updates.keep, metrics.clone()), shared));
    let cluster: Arc<dyn Cluster> = match &nats {
        Some((nats, _)) => Arc::new(nats.clone()),
        None => Arc::new(LocalCluster::new(hub.clone())),
    };
    let supervisor =
        Supervisor::new(registry, Arc::clone(&cluster), load.clone(), max_delay, metrics.clone())
            .telling(reattach.clone())
            .start();
    if let Some((nats, shared)) = nats {
        nats.start(shared, supervisor.clone());
        worker = worker.map(|worker| worker.asking(Arc::new(AcrossNodes(Arc::clone(&cluster)))));
        if let Some(reattach) = reattach.clone() {
            cluster.on_calls_lost(Box::new(move |calls| {
                reattach.legs_lost(calls.into_iter().map(Into::into).collect());
            }));
        }
    }
    let symbl = &settings.symbl;
    let (app_id, app_secret) = match engine {
        Some(engine) => (engine.credentials.app_id.clone(), engine.credentials.app_secret.clone()),
        None => (
            symbl.app_id.clone().unwrap_or_default(),
            symbl.app_secret.clone().unwrap_or_else(|| SecretString::from(String::new())),
        ),
    };
    let key = stream_token_key(settings)?;
    let recorder = start_recorder(settings)?;
    let buffer = usize::try_from(symbl.buffer.as_millis()).unwrap_or(usize::MAX) * BYTES_PER_MS;
    let media_url = public_url.stream("/twilio/media");
    let shared = Shared {
        supervisor: supervisor.clone(),
        hub: hub.clone(),
        cluster: Arc::clone(&cluster),
        tokens: Arc::new(TokenClient::new(upstream.clone(), app_id, app_secret)),
        upstream: upstream.clone(),
        public_upstream: engine.is_none().then(|| upstream.to_string()),
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
        stream_tokens: StreamTokens::new(key, token_seconds),
        unproven: Unproven::new(&settings.media, metrics.clone()),
        mode: settings.mode,
        end_on_exit: settings.conference.end_on_exit,
        public_url: public_url.clone(),
        is_public: settings.public_url.is_some(),
        number: settings.twilio.number.clone(),
        media_url: media_url.map_err(|error| StartError::Address(error.to_string()))?,
        media: settings.media,
        updates: settings.updates,
        when_full: settings.limits.when_full,
        load,
        metrics: metrics.clone(),
        log_transcripts: settings.log_transcripts,
        recorder: recorder.clone(),
        announcement: settings.recording.announcement.clone(),
        reattach,
    };
    let most_calls = settings.limits.max_calls;
    let reattaching = worker.map(|worker| Reattaching { worker, shared: shared.clone(), most_calls });
    Ok((shared, Bridge { supervisor, hub, cluster, recorder, reattaching }))
}

fn start_recorder(settings: &Settings) -> Result<Option<Recorder>, StartError> {
    let dir = settings.recording.dir.clone().filter(|_| settings.recording.enabled);
    Ok(dir.map(|dir| Recorder::start(dir, (&settings.recording).into())).transpose()?)
}

fn serve(settings: &HttpSettings, entrances: Vec<Entrance>, operations: &Operations) -> io::Result<Server> {
    let operations = operations.clone();
    let door = Arc::new(FrontDoor::new(settings, operations.metrics.clone()));
    let rules = Data::from(Arc::clone(&door));
    let upstream = operations.bridge.as_ref().map(|shared| shared.public_upstream.clone());
    let page = upstream.map(|upstream| Data::new(Dashboard::new(upstream.as_deref())));
    server::serve(settings, entrances, door, move || {
        let mut app =
            App::new().app_data(rules.clone()).configure(|routes| operations::configure(routes, &operations));
        if let Some(shared) = &operations.bridge {
            let services = Data::new(Services::of_this_worker(shared.clone()));
            app = app.app_data(services).configure(bridge::http::configure);
        }
        if let Some(page) = &page {
            app = app.configure(|routes| dashboard::configure(routes, page.clone()));
        }
        if let Some((state, _)) = &operations.engine {
            app = app.configure(|routes| engine::http::configure(routes, state.clone()));
        }
        app.default_service(web::to(not_found)).wrap(from_fn(front_door::pass))
    })
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(
        "nothing here. Twilio posts to /twilio/twiml and /twilio/statuschange and connects to /twilio/media; \
         dashboards connect to /symbl/updates\n",
    )
}

#[cfg(test)]
mod panic_tests;
