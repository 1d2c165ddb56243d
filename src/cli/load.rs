//! `symbl-bridge load`: many legs at once, and what they cost a bridge.

mod cores;
mod own_bridge;
mod screen;
mod table;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use self::own_bridge::{OwnBridge, Start};
use self::screen::Screen;
use super::EXIT_USAGE;
use super::call::{GivenToken, token, with_scheme};
use crate::simulator::load::{Arrivals, BridgeCost, LoadError, LoadPlan, LoadRun, StepReport, relay};
use crate::twilio::AuthToken;

/// Two sockets a leg here; a media socket, its handle, and one or two to the sink in a bridge of our own.
const FILES_A_LEG: u64 = 5;

/// Files that are open whatever the load, webhooks under way included.
const FILES_BESIDES: u64 = 500;

/// Where the sink listens, unless for a bridge of our own.
const SINK_PORT: u16 = 4999;

/// From one step of `--saturate` to the next.
const GROWTH: f64 = 1.25;

/// `--saturate` ends here whatever the bridge does.
const MOST_LEGS: usize = 100_000;

/// Load a bridge with many callers at once and measure what they cost it.
///
/// Plays both neighbours of a bridge: Twilio, whose callers speak 50 frames a second, and the server of the Symbl protocol that
/// the bridge sends them to. Every frame carries its number and its times, so that for each one it is known whether, when
/// and how it came out. Run a release build, and nothing else beside it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  The whole table: a bridge of its own for each row, alone on the last core, this program on the others:
      symbl-bridge load --own-bridge --pin --legs 100,250,500,1000

  How many legs until one frame in a hundred is more than 5 ms late:
      symbl-bridge load --own-bridge --pin --saturate --limit-ms 5

  A bridge that runs already. Start it first; its SYMBL_API_BASE_URL must lead to this program's sink:
      SYMBL_API_BASE_URL=http://127.0.0.1:4999 SYMBL_APP_ID=load SYMBL_APP_SECRET=load symbl-bridge serve
      symbl-bridge load --url http://127.0.0.1:3000 --pid $(pgrep -f 'symbl-bridge serve') --legs 200

  A burst: 1,000 calls at 200 a second, arriving as calls do, for a minute, figures for another program:
      symbl-bridge load --own-bridge --legs 1000 --ramp 200 --arrivals random --duration 60 --json -

docs/load.md explains the figures. Exit codes: 0 every frame came out, 1 it did not, 64 wrong usage.")]
pub struct LoadArgs {
    /// Legs at once; several between commas make one step each. With --saturate the first step.
    #[arg(long, value_delimiter = ',', default_value = "100", value_parser = legs, value_name = "NUMBER,...")]
    legs: Vec<usize>,

    /// How long each step is measured, in seconds.
    #[arg(long, default_value = "10", value_parser = some_seconds, value_name = "SECONDS")]
    duration: Duration,

    /// Speaking before it is measured, in seconds.
    #[arg(long, default_value = "2", value_parser = seconds, value_name = "SECONDS")]
    settle: Duration,

    /// Calls a second while legs are set up.
    #[arg(long, default_value = "200", value_parser = positive, value_name = "CALLS")]
    ramp: f64,

    /// 1 is real time, 50 frames a second; 2 twice as fast.
    #[arg(long, default_value = "1", value_parser = positive, value_name = "FACTOR")]
    pace: f64,

    /// Calls and frames in equal steps (regular), or as they come in earnest (random).
    #[arg(long, default_value = "regular", value_parser = arrivals, value_name = "regular|random")]
    arrivals: Arrivals,

    /// Random arrivals are the same again with the same number.
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    seed: u64,

    /// Legs that meet in one conference.
    #[arg(long, default_value = "2", value_parser = legs, value_name = "NUMBER")]
    legs_per_room: usize,

    /// Steps up by a quarter until the 99th percentile of the delay passes --limit-ms, or a frame is lost.
    #[arg(long)]
    saturate: bool,

    /// The delay that --saturate ends at, in milliseconds.
    #[arg(long, default_value = "100", value_parser = positive, value_name = "MILLISECONDS", requires = "saturate")]
    limit_ms: f64,

    /// Starts a bridge for each step, measures it, and ends it.
    #[arg(long, conflicts_with_all = ["url", "public_url", "pid", "auth_token"])]
    own_bridge: bool,

    /// Keeps the bridge on the last cores, and this program on the others.
    #[arg(long, requires = "own_bridge")]
    pin: bool,

    /// Worker threads of the bridge, and with --pin its cores.
    #[arg(long, default_value = "1", value_parser = legs, value_name = "NUMBER", requires = "own_bridge")]
    workers: usize,

    /// Measures a bare relay before each step, too: what the machine takes for the same load at the least.
    #[arg(long, requires = "own_bridge")]
    relay: bool,

    /// A setting of the bridge, for instance BRIDGE__AUDIO__BUFFER_SECONDS=5; once for each.
    #[arg(long = "set", value_parser = setting, value_name = "NAME=VALUE", requires = "own_bridge")]
    settings: Vec<(String, String)>,

    /// Where a running bridge is reached.
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: String,

    /// The address the bridge believes to have, which Twilio would sign; --url if not given.
    #[arg(long, env = "WEBHOOK_DOMAIN", value_name = "URL")]
    public_url: Option<String>,

    /// Signs webhooks and handshakes as Twilio does; without it they go unsigned.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true, value_parser = token, value_name = "TOKEN")]
    auth_token: Option<GivenToken>,

    /// The bridge's process, so that its CPU time and memory are measured; it must run on this machine.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,

    /// The account the calls belong to.
    #[arg(long, default_value = "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", value_name = "SID")]
    account_sid: String,

    /// The number that is dialled.
    #[arg(long, default_value = "+14155550100", value_name = "NUMBER")]
    to: String,

    /// The address the sink listens on; 0.0.0.0 for a bridge on another machine.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    sink_host: IpAddr,

    /// The port the sink listens on; 0 takes any. 4999, or any for --own-bridge.
    #[arg(long, value_name = "PORT")]
    sink_port: Option<u16>,

    /// Writes all figures as JSON to this file; - is standard output, and the table goes to standard error.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What the JSON holds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    version: &'static str,
    /// What the bridge was let run on, if it was ours.
    bridge_cores: &'a [usize],
    bridge_workers: Option<usize>,
    steps: Vec<Row<'a>>,
    /// Legs of the last good step of `--saturate`.
    last_good_legs: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(flatten)]
    step: &'a StepReport,
    is_whole: bool,
    times_relay: Option<f64>,
    missed: Vec<String>,
}

/// The bare relay of `load --relay`; serves nobody else.
#[derive(Debug, Clone, Args)]
pub struct LoadRelayArgs {
    /// Where the sink listens
    sink: SocketAddr,
}

/// Relays until the process is ended.
pub fn run_relay(args: &LoadRelayArgs) -> ExitCode {
    let tell = |address: SocketAddr| {
        let listening = serde_json::json!({ "event": "server_listening", "address": address });
        let _ = writeln!(std::io::stderr(), "{listening}");
    };
    let ended = on_this_thread(relay(args.sink, own_bridge::DOMAIN, tell));
    // It never ends well by itself.
    let _ = writeln!(std::io::stderr(), "symbl-bridge load-relay: {ended:?}");
    ExitCode::FAILURE
}

/// Runs on this thread alone.
fn on_this_thread<T>(job: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, job))
}

/// Why the command ends without figures.
enum Fault {
    Usage(String),
    Failed(String),
}

impl From<LoadError> for Fault {
    fn from(fault: LoadError) -> Self {
        match fault {
            LoadError::Pacer(_) => Self::Failed(fault.to_string()),
            _ => Self::Usage(fault.to_string()),
        }
    }
}

/// Makes the steps and prints their figures.
pub fn run(args: LoadArgs) -> ExitCode {
    match execute(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Fault::Usage(what)) => {
            let _ = writeln!(std::io::stderr(), "error: {what}");
            ExitCode::from(EXIT_USAGE)
        }
        Err(Fault::Failed(what)) => {
            let _ = writeln!(std::io::stderr(), "symbl-bridge load: {what}");
            ExitCode::FAILURE
        }
    }
}

fn execute(args: &LoadArgs) -> Result<bool, Fault> {
    let most = args.legs.iter().max().copied().unwrap_or(1);
    cores::allow_files(FILES_A_LEG * most as u64 + FILES_BESIDES).map_err(Fault::Usage)?;
    let bridge_cores = divide(args)?;
    if cfg!(debug_assertions) {
        let _ = writeln!(std::io::stderr(), "this is a debug build: its figures say little");
    }
    let outcome = on_this_thread(async {
        tokio::select! {
            outcome = make_steps(args, &bridge_cores) => outcome,
            _ = tokio::signal::ctrl_c() => Err(Fault::Failed("interrupted".to_owned())),
        }
    });
    outcome.map_err(|fault| Fault::Failed(fault.to_string()))?
}

/// Goes to our own cores and returns those of the bridge; none when everybody may run anywhere.
fn divide(args: &LoadArgs) -> Result<Vec<usize>, Fault> {
    if !args.pin {
        return Ok(Vec::new());
    }
    let mut ours = cores::allowed();
    if ours.len() <= args.workers {
        return Err(Fault::Usage(format!(
            "--pin with --workers {} needs {} cores, but there are {}; use fewer workers, or leave --pin out",
            args.workers,
            args.workers + 1,
            ours.len()
        )));
    }
    let bridges = ours.split_off(ours.len() - args.workers);
    cores::stay_on(&ours).map_err(|fault| Fault::Failed(format!("--pin: {fault}; leave it out")))?;
    Ok(bridges)
}

async fn make_steps(args: &LoadArgs, bridge_cores: &[usize]) -> Result<bool, Fault> {
    let port = args.sink_port.unwrap_or(if args.own_bridge { 0 } else { SINK_PORT });
    let run = LoadRun::open(SocketAddr::new(args.sink_host, port)).await.map_err(|fault| {
        Fault::Usage(format!(
            "the sink cannot listen on {}:{port}: {fault}; choose another --sink-port",
            args.sink_host
        ))
    })?;
    let screen = Screen::new();
    screen.say(&format!("the sink listens on {}", run.sink_address()));
    if !args.own_bridge {
        screen.say(&format!(
            "the bridge must run with SYMBL_API_BASE_URL=http://{}, and any SYMBL_APP_ID and SYMBL_APP_SECRET",
            run.sink_address()
        ));
    }
    let mut steps = Vec::new();
    let mut last_good = None;
    let mut legs = args.legs.iter().copied();
    let mut next = legs.next();
    while let Some(count) = next {
        let step = make_step(args, bridge_cores, &run, &screen, count).await?;
        let is_good = step.is_whole() && (!args.saturate || step.delay_ms.p99 <= args.limit_ms);
        let is_limited = step.is_limited_by_generator();
        steps.push(step);
        next = if !args.saturate {
            legs.next()
        } else if is_good {
            last_good = Some(count);
            let more = ((count as f64 * GROWTH / 10.0).ceil() * 10.0) as usize;
            let more = Some(more).filter(|more| *more <= MOST_LEGS && !is_limited);
            if let Some(more) = more {
                cores::allow_files(FILES_A_LEG * more as u64 + FILES_BESIDES).map_err(Fault::Failed)?;
            }
            more
        } else {
            None
        };
    }
    screen.clear();
    tell(args, bridge_cores, &steps, last_good)?;
    let is_good = |step: &StepReport| step.is_whole();
    Ok(if args.saturate { last_good.is_some() } else { steps.iter().all(is_good) })
}

async fn make_step(
    args: &LoadArgs,
    bridge_cores: &[usize],
    run: &LoadRun,
    screen: &Screen,
    legs: usize,
) -> Result<StepReport, Fault> {
    let mut plan = LoadPlan {
        base_url: args.url.clone(),
        public_url: args.public_url.as_deref().filter(|url| !url.is_empty()).map(with_scheme),
        auth_token: args.auth_token.clone().and_then(GivenToken::into_token),
        account_sid: args.account_sid.clone(),
        to: args.to.clone(),
        legs,
        legs_a_room: args.legs_per_room,
        calls_a_second: args.ramp,
        settle: args.settle,
        duration: args.duration,
        pace: args.pace,
        arrivals: args.arrivals,
        seed: args.seed,
        pid: args.pid,
    };
    let mut relay = None;
    let mut bridge = None;
    if args.own_bridge {
        plan.public_url = Some(with_scheme(own_bridge::DOMAIN));
        plan.auth_token = AuthToken::parse(own_bridge::AUTH_TOKEN).ok();
        if args.relay {
            relay = measure_relay(args, bridge_cores, run, screen, plan.clone()).await?;
        }
        let started = start_bridge(args, bridge_cores, run, legs, false)?;
        plan.base_url.clone_from(&started.url);
        plan.pid = Some(started.pid());
        warm_up(run, &plan).await?;
        bridge = Some(started);
    }
    screen.begin(legs);
    let made = run.step(&plan, &|stage| screen.show(legs, stage)).await;
    screen.clear();
    let step = StepReport { relay, ..made? };
    screen.say(&Screen::summary(&step));
    if step.standing > 0 && step.frames_received == 0 {
        screen.say(&format!(
            "no frame came out at all: does the bridge's SYMBL_API_BASE_URL lead to http://{}?",
            run.sink_address()
        ));
    }
    if let Some(mut bridge) = bridge {
        if let Some(end) = bridge.ended() {
            screen.say(&format!(
                "the bridge ended meanwhile with {end}; its last lines:\n{}",
                bridge.last_lines()
            ));
        } else {
            bridge.end().await.map_err(Fault::Failed)?;
        }
    }
    Ok(step)
}

fn start_bridge(
    args: &LoadArgs,
    bridge_cores: &[usize],
    run: &LoadRun,
    legs: usize,
    is_relay: bool,
) -> Result<OwnBridge, Fault> {
    let start = Start {
        sink: run.sink_address(),
        legs,
        is_relay,
        workers: args.workers,
        cores: bridge_cores.to_vec(),
        settings: args.settings.clone(),
    };
    start.start().map_err(Fault::Failed)
}

/// Gives the same load to a bare relay.
async fn measure_relay(
    args: &LoadArgs,
    bridge_cores: &[usize],
    run: &LoadRun,
    screen: &Screen,
    mut plan: LoadPlan,
) -> Result<Option<BridgeCost>, Fault> {
    let started = start_bridge(args, bridge_cores, run, plan.legs, true)?;
    plan.base_url.clone_from(&started.url);
    plan.pid = Some(started.pid());
    warm_up(run, &plan).await?;
    screen.begin(plan.legs);
    let made = run.step(&plan, &|stage| screen.show(plan.legs, stage)).await;
    screen.clear();
    let step = made?;
    screen.say(&format!("bare relay: {}", Screen::summary(&step)));
    Ok(step.bridge)
}

/// Lets a fresh bridge do everything once, so that what it needs once does not count as its legs'.
async fn warm_up(run: &LoadRun, plan: &LoadPlan) -> Result<(), Fault> {
    let few = LoadPlan {
        legs: 4,
        calls_a_second: 100.0,
        settle: Duration::ZERO,
        duration: Duration::from_millis(200),
        ..plan.clone()
    };
    let step = run.step(&few, &|_| {}).await?;
    match step.set_up.faults.keys().next() {
        Some(fault) => Err(Fault::Failed(format!("the bridge takes no call: {fault}"))),
        None => Ok(()),
    }
}

/// Prints the table, and writes the JSON.
fn tell(
    args: &LoadArgs,
    bridge_cores: &[usize],
    steps: &[StepReport],
    last_good: Option<usize>,
) -> Result<(), Fault> {
    let mut text = table::table(steps);
    if args.saturate {
        text.push_str(&match (last_good, steps.last()) {
            (_, Some(last)) if last.is_limited_by_generator() => format!(
                "stopped at {} legs, where the generator was the limit: the bridge may carry more\n",
                last.legs
            ),
            (Some(good), _) => format!("the last good step: {good} legs\n"),
            (None, _) => "no step was good; begin with fewer --legs\n".to_owned(),
        });
    }
    let json_on_stdout = args.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
    // Nobody reads any more: nothing is left to be said.
    let _ = if json_on_stdout {
        write!(std::io::stderr(), "{text}")
    } else {
        write!(std::io::stdout(), "{text}")
    };
    let Some(path) = &args.json else { return Ok(()) };
    let rows = steps.iter().map(|step| Row {
        step,
        is_whole: step.is_whole(),
        times_relay: step.times_relay(),
        missed: table::missed(step),
    });
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        bridge_cores,
        bridge_workers: args.own_bridge.then_some(args.workers),
        steps: rows.collect(),
        last_good_legs: last_good,
    };
    let json = serde_json::to_string_pretty(&report).map_err(|fault| Fault::Failed(fault.to_string()))?;
    if json_on_stdout {
        let _ = writeln!(std::io::stdout(), "{json}");
        return Ok(());
    }
    std::fs::write(path, json + "\n")
        .map_err(|fault| Fault::Failed(format!("--json {}: {fault}", path.display())))
}

fn legs(raw: &str) -> Result<usize, String> {
    match raw.parse() {
        Ok(legs @ 1..=MOST_LEGS) => Ok(legs),
        _ => Err(format!("a whole number from 1 to {MOST_LEGS} is expected")),
    }
}

fn positive(raw: &str) -> Result<f64, String> {
    match raw.parse::<f64>() {
        Ok(number) if (0.01..=100_000.0).contains(&number) => Ok(number),
        _ => Err("a number from 0.01 to 100000 is expected".to_owned()),
    }
}

fn seconds(raw: &str) -> Result<Duration, String> {
    match raw.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds from 0 to 86400 is expected".to_owned()),
    }
}

fn some_seconds(raw: &str) -> Result<Duration, String> {
    match seconds(raw) {
        Ok(duration) if duration < Duration::from_millis(100) => {
            Err("at least 0.1 seconds are needed to measure anything".to_owned())
        }
        other => other,
    }
}

fn arrivals(raw: &str) -> Result<Arrivals, String> {
    match raw {
        "regular" => Ok(Arrivals::Regular),
        "random" => Ok(Arrivals::Random),
        _ => Err("`regular` or `random` is expected".to_owned()),
    }
}

fn setting(raw: &str) -> Result<(String, String), String> {
    match raw.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected, for instance BRIDGE__HTTP__KEEP_ALIVE_MS=1000".to_owned()),
    }
}
