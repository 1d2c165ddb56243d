//! `symbl-bridge bench-speech`: how many legs this machine can hear at once.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's room is the one that prints")]
#![allow(
    clippy::disallowed_methods,
    reason = "nothing here is async: each leg is a thread that waits for its next frame"
)]

use std::{
    fs,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use super::speech_model::start_pool;
use crate::engine::speech::{
    accuracy::WordErrors,
    audio::AudioFormat,
    ear::Ear,
    listener::SpeechEvent,
    pool::{Decoded, Pool},
};

/// The demo's dialogue, both speakers: each talks about half the time.
static AGENT: &[u8] = include_bytes!("../../tests/audio/demo/agent.ulaw");
static CUSTOMER: &[u8] = include_bytes!("../../tests/audio/demo/customer.ulaw");
/// Who says what in it.
static SCRIPT: &str = include_str!("../../tests/audio/demo/script.json");

/// Bytes of mu-law in a millisecond.
const BYTES_A_MS: usize = 8;
/// As Twilio sends it: 20 ms a frame.
const FRAME: usize = 20 * BYTES_A_MS;
/// Mu-law of no sound.
const SILENCE: u8 = 0xff;
/// Silence between two turns when one leg says them all.
const GAP: usize = 1200 * BYTES_A_MS;
/// Silence between one speaker's turn and the other's, as in the demo.
const DIALOGUE_GAP: usize = 550 * BYTES_A_MS;
/// Calls begin within so many milliseconds: about a turn.
const DIALOGUE_SPREAD_MS: usize = 4000;

/// Measures how many live legs this machine can hear.
#[derive(Debug, Args)]
pub struct BenchSpeechArgs {
    /// Numbers of legs, one run each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 8, 12, 16])]
    legs: Vec<usize>,
    /// Length of a run.
    #[arg(long, default_value_t = 30)]
    seconds: usize,
    /// Two legs make a call: they take turns as the demo's two speakers do. Without it every leg speaks all the time.
    #[arg(long)]
    dialogue: bool,
    /// The model: base, tiny, or a directory with a model of the same layout.
    #[arg(long, default_value = "base")]
    model: String,
}

/// A spoken phrase with its words.
struct Turn {
    by_agent: bool,
    audio: &'static [u8],
    text: String,
}

/// What the legs of a run say.
struct Script {
    turns: Vec<Turn>,
    /// Whether a leg is silent while another has its turn.
    dialogue: bool,
    seconds: usize,
    legs: usize,
}

/// What one leg went through.
#[derive(Default)]
struct LegReport {
    /// From the first voice of a phrase to its first partial.
    first_partial_ms: Vec<f64>,
    /// From the last voice of a phrase to its final.
    final_ms: Vec<f64>,
    errors: WordErrors,
    lost: usize,
}

/// Runs the command.
pub fn run(args: BenchSpeechArgs) -> ExitCode {
    match bench(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &BenchSpeechArgs) -> Result<(), String> {
    let pool = start_pool(&args.model)?;
    println!(
        "legs  cores  others  first partial p50/p95 s  final p50/p95/max s  superseded  lost    WER   RSS MB  one more"
    );
    for &legs in &args.legs {
        let script = Script { turns: turns()?, dialogue: args.dialogue, seconds: args.seconds, legs };
        let script = Arc::new(script);
        let before = (pool.load(), cpu_seconds(), busy_seconds(), Instant::now());
        let threads: Vec<_> = (0..legs)
            .map(|leg| {
                let (pool, script) = (pool.clone(), script.clone());
                thread::spawn(move || live_leg(&pool, &script, leg))
            })
            .collect();
        thread::sleep(Duration::from_secs(args.seconds as u64 / 2));
        let one_more = if pool.has_capacity_for(1) { "yes" } else { "no" };
        let mut all = LegReport::default();
        for thread in threads {
            let report = thread.join().map_err(|_| "a leg's thread failed".to_owned())??;
            all.first_partial_ms.extend(report.first_partial_ms);
            all.final_ms.extend(report.final_ms);
            all.errors += report.errors;
            all.lost += report.lost;
        }
        let took = before.3.elapsed().as_secs_f64();
        let cores = (cpu_seconds() - before.1) / took;
        let others = (busy_seconds() - before.2) / took - cores;
        let load = pool.load();
        let superseded = load.partials_superseded - before.0.partials_superseded;
        let asked = superseded + load.partials_done - before.0.partials_done;
        println!(
            "{legs:4}  {cores:5.2}  {others:6.2}  {:>13} / {:<7}  {:>6} / {} / {:<5}  {superseded:4} of {asked:<4} {:3}  {:5.1} % {:7.0}  {one_more}",
            quantile(&mut all.first_partial_ms, 0.5),
            quantile(&mut all.first_partial_ms, 0.95),
            quantile(&mut all.final_ms, 0.5),
            quantile(&mut all.final_ms, 0.95),
            quantile(&mut all.final_ms, 1.0),
            all.lost,
            all.errors.rate() * 100.0,
            resident_megabytes(),
        );
    }
    Ok(())
}

/// Cuts the dialogue into its turns.
fn turns() -> Result<Vec<Turn>, String> {
    #[derive(serde::Deserialize)]
    struct Line {
        who: String,
        start_ms: usize,
        end_ms: usize,
        text: String,
    }
    let script: Vec<Line> = serde_json::from_str(SCRIPT).map_err(|cause| cause.to_string())?;
    let cut = |line: Line| {
        let by_agent = line.who == "agent";
        let track = if by_agent { AGENT } else { CUSTOMER };
        let audio = track.get(line.start_ms * BYTES_A_MS..line.end_ms * BYTES_A_MS)?;
        Some(Turn { by_agent, audio, text: line.text })
    };
    script.into_iter().map(cut).collect::<Option<_>>().ok_or("the script does not fit the audio".to_owned())
}

impl Script {
    /// Returns what a leg sends, mu-law, and its words. Legs begin with different turns, the two of a call with the same.
    fn of_leg(&self, leg: usize) -> (Vec<u8>, String) {
        let (mut audio, mut said) = (vec![SILENCE; GAP / 2], String::new());
        let first = if self.dialogue { leg / 2 } else { leg };
        let gap = if self.dialogue { DIALOGUE_GAP } else { GAP };
        for turn in self.turns.iter().cycle().skip(first % self.turns.len()) {
            if audio.len() >= self.seconds * 1000 * BYTES_A_MS {
                break;
            }
            if self.dialogue && turn.by_agent != leg.is_multiple_of(2) {
                audio.resize(audio.len() + turn.audio.len(), SILENCE);
            } else {
                audio.extend_from_slice(turn.audio);
                said.push_str(&turn.text);
                said.push(' ');
            }
            audio.resize(audio.len() + gap, SILENCE);
        }
        (audio, said)
    }

    /// Returns how much later than the first a leg begins: pauses must not all meet, and those of a call go together.
    fn offset(&self, leg: usize) -> Duration {
        if self.dialogue {
            Duration::from_millis((DIALOGUE_SPREAD_MS * (leg / 2) / self.legs.div_ceil(2)) as u64)
        } else {
            Duration::from_millis((500 * leg / self.legs) as u64)
        }
    }
}

/// Plays a leg's part of the script in real time.
fn live_leg(pool: &Pool, script: &Script, leg: usize) -> Result<LegReport, String> {
    let (results, decoded) = mpsc::channel::<Decoded>();
    let deliver = Arc::new(move |result| {
        // The receiver lives until the ear is settled.
        let _ = results.send(result);
    });
    let mut ear = Ear::open(pool, AudioFormat::Mulaw8k, true, deliver).map_err(|cause| cause.to_string())?;
    let (audio, said) = script.of_leg(leg);
    let mut report = LegReport::default();
    let mut heard = String::new();
    let began = Instant::now() + script.offset(leg);
    let mut phrase_open = false;
    let mut note = |events: Vec<SpeechEvent>| {
        let now_ms = began.elapsed().as_secs_f64() * 1000.0;
        for event in events {
            match event {
                SpeechEvent::Partial(partial) if !phrase_open => {
                    phrase_open = true;
                    report.first_partial_ms.push(now_ms - partial.start_ms as f64);
                }
                SpeechEvent::Partial(_) => {}
                SpeechEvent::Final(phrase) => {
                    phrase_open = false;
                    report.final_ms.push(now_ms - phrase.end_ms as f64);
                    heard.push_str(&phrase.punctuated);
                    heard.push(' ');
                }
                SpeechEvent::Lost { .. } => report.lost += 1,
            }
        }
    };
    for (number, frame) in audio.chunks(FRAME).enumerate() {
        let due = began + Duration::from_millis(20 * (number as u64 + 1));
        while let Ok(result) = decoded.recv_timeout(due.saturating_duration_since(Instant::now())) {
            note(ear.on_decoded(result));
        }
        note(ear.hear(frame));
    }
    note(ear.finish());
    while !ear.is_settled() {
        let result = decoded.recv().map_err(|cause| cause.to_string())?;
        note(ear.on_decoded(result));
    }
    report.errors = WordErrors::count(&said, &heard);
    Ok(report)
}

/// Returns a quantile of some milliseconds as seconds.
fn quantile(milliseconds: &mut [f64], share: f64) -> String {
    milliseconds.sort_by(f64::total_cmp);
    let last = milliseconds.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    milliseconds.get(at).map_or("-".to_owned(), |ms| format!("{:.2}", ms / 1000.0))
}

/// Clock ticks a second in /proc, on every Linux.
const TICKS: f64 = 100.0;

/// Returns the CPU time of this process, or 0 where there is no /proc.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name, in parentheses, may hold spaces; user and system time are fields 14 and 15.
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields = after_name.split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Returns the time that all cores together were busy with anything.
fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).enumerate();
    // All but idle and waiting for disks; guest time is counted in user time already.
    let busy = fields.filter(|(field, _)| !matches!(field, 3 | 4 | 8 | 9));
    busy.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn resident_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kilobytes = line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
