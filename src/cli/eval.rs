//! `symbl-bridge eval`: how well the engine hears (word error rate, here) and understands (`eval_insights`).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's room is the one that prints")]

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::eval_insights::{self, EvalInsightsArgs};
use super::speech_model::start_pool;
use crate::engine::speech::{
    accuracy::WordErrors,
    audio::AudioFormat,
    pool::Pool,
    recording::{hear_recording, joined},
};

/// Measures recognition on recordings, and understanding on labelled rows.
#[derive(Debug, Args)]
pub struct EvalArgs {
    #[command(subcommand)]
    what: EvalWhat,
}

#[derive(Debug, Subcommand)]
enum EvalWhat {
    /// Word error rate of speech recognition.
    Speech(EvalSpeechArgs),
    /// Questions, action items, follow-ups, sentiment, entities, trackers and topics against labels.
    Insights(EvalInsightsArgs),
}

/// Arguments of `eval speech`.
#[derive(Debug, Args)]
pub struct EvalSpeechArgs {
    /// Lines of {"file", "text"}; files are raw mu-law at 8 kHz or WAV, relative to the manifest.
    manifest: PathBuf,
    /// The model: base, tiny, or a directory with a model of the same layout.
    #[arg(long, default_value = "base")]
    model: String,
    /// Print one JSON object a file and one for all.
    #[arg(long)]
    json: bool,
}

/// A line of the manifest.
#[derive(Debug, Deserialize)]
struct Clip {
    file: PathBuf,
    text: String,
}

/// Result of one clip, or of all.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hypothesis: Option<&'a str>,
    words: usize,
    substituted: usize,
    deleted: usize,
    inserted: usize,
    wer: f64,
}

/// Runs the command.
pub fn run(args: EvalArgs) -> ExitCode {
    let done = match args.what {
        EvalWhat::Speech(args) => eval_speech(&args),
        EvalWhat::Insights(args) => eval_insights::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn eval_speech(args: &EvalSpeechArgs) -> Result<(), String> {
    let manifest = fs::read_to_string(&args.manifest)
        .map_err(|cause| format!("cannot read {}: {cause}", args.manifest.display()))?;
    let folder = args.manifest.parent().unwrap_or(Path::new("."));
    let pool = start_pool(&args.model)?;

    let mut all = WordErrors::default();
    for (number, line) in manifest.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let clip: Clip =
            serde_json::from_str(line).map_err(|cause| format!("line {}: {cause}", number + 1))?;
        let heard = hear_file(&pool, &folder.join(&clip.file))?;
        let errors = WordErrors::count(&clip.text, &heard);
        all += errors;
        report(args.json, &clip.file.to_string_lossy(), Some(&heard), &errors);
    }
    report(args.json, "all", None, &all);
    Ok(())
}

fn report(json: bool, file: &str, hypothesis: Option<&str>, errors: &WordErrors) {
    if json {
        let report = Report {
            file,
            hypothesis,
            words: errors.words,
            substituted: errors.substituted,
            deleted: errors.deleted,
            inserted: errors.inserted,
            wer: errors.rate(),
        };
        println!("{}", serde_json::to_string(&report).unwrap_or_default());
    } else {
        let share = errors.rate() * 100.0;
        println!("{share:6.1} %  {:3} of {:4}  {file}", errors.errors(), errors.words);
        if let Some(hypothesis) = hypothesis {
            println!("          {hypothesis}");
        }
    }
}

/// Hears a recording to its end and returns what was said.
fn hear_file(pool: &Pool, path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|cause| format!("cannot read {}: {cause}", path.display()))?;
    let (format, audio) = decode_file(bytes).map_err(|cause| format!("{}: {cause}", path.display()))?;
    // A second or two at a time, so that a long file need not wait in the queue as a whole.
    let phrases = hear_recording(pool, format, audio.chunks(16_000))
        .map_err(|cause| format!("{}: {cause}", path.display()))?;
    Ok(joined(&phrases))
}

/// Returns the encoding and the bare audio of a WAV file (16-bit mono) or, for anything else, of raw mu-law.
fn decode_file(bytes: Vec<u8>) -> Result<(AudioFormat, Vec<u8>), String> {
    if !bytes.starts_with(b"RIFF") {
        return Ok((AudioFormat::Mulaw8k, bytes));
    }
    let mut wav = hound::WavReader::new(Cursor::new(bytes)).map_err(|cause| cause.to_string())?;
    let spec = wav.spec();
    if spec.channels != 1 || spec.bits_per_sample != 16 {
        return Err("only mono WAV files of 16 bits are read".to_owned());
    }
    let samples: Result<Vec<i16>, _> = wav.samples::<i16>().collect();
    let samples = samples.map_err(|cause| cause.to_string())?;
    let audio = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    Ok((AudioFormat::Linear16 { sample_rate: spec.sample_rate }, audio))
}
