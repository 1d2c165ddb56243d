//! `symbl-bridge eval insights`: how well the engine knows what was meant, on labelled rows, judged as live calls are.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's room is the one that prints")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::speech_model::load_meaning;
use crate::config::ModelSettings;
use crate::engine::analysis::Analysis;
use crate::engine::insight::analyst::Analyst;
use crate::engine::insight::labelled::{
    ConversationRow, EntityRow, Found, INSIGHTS, Row, Scores, TrackerRow, UtteranceRow,
};
use crate::engine::insight::messages;
use crate::engine::insight::redaction::Redactor;
use crate::engine::insight::sentiment;
use crate::engine::insight::trackers::{Tracker, TrackerDefinition};

/// What a client gets that does not set `confidenceThreshold`.
const THRESHOLD: f64 = 0.5;

/// Arguments of `eval insights`.
#[derive(Debug, Args)]
#[command(after_help = "\
Rows are JSON lines: {\"kind\":\"tracker\",\"name\",\"vocabulary\"}, {\"kind\":\"utterance\",\"text\",\"insights\",\"sentiment\",
\"entities\",\"trackers\",\"near_miss\",\"wild\",…} and {\"kind\":\"conversation\",\"utterances\",\"topics\",…}; docs/insights.md has them all.")]
pub(super) struct EvalInsightsArgs {
    /// Labelled rows
    file: PathBuf,
    /// Judge by words alone, as on a machine without the model of meaning
    #[arg(long)]
    words_only: bool,
    /// Print each row that is judged otherwise than labelled
    #[arg(long)]
    misses: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &EvalInsightsArgs) -> Result<(), String> {
    let rows = read(&args.file)?;
    let analysis = Analysis::start("left out by --words-only");
    if !args.words_only {
        let settings = ModelSettings { name: String::new(), dir: None, workers: None, meaning: true };
        match load_meaning(&settings) {
            Ok(meaning) => analysis.understand(meaning),
            Err(problem) => eprintln!("judging by words alone: {problem}"),
        }
    }
    let trackers = rows.iter().filter_map(|row| if let Row::Tracker(row) = row { Some(row) } else { None });
    let definitions: Vec<_> = trackers.map(definition).collect();
    let judge = Judge { trackers: analysis.trackers(&definitions), analysis };
    let mut scores = Scores::default();
    let mut times = Vec::new();
    for row in &rows {
        match row {
            Row::Tracker(_) => {}
            Row::Utterance(row) => {
                let began = Instant::now();
                let found = judge.utterance(row);
                times.push(began.elapsed());
                scores.utterance(row, &found);
                if args.misses {
                    tell_misses(row, &found);
                }
            }
            Row::Conversation(row) => {
                let reported = judge.conversation(row);
                scores.conversation(row, &reported);
                if args.misses {
                    println!(
                        "topics {reported:?} of {:?}, {:?} acceptable",
                        row.topics, row.acceptable_topics
                    );
                }
            }
        }
    }
    times.sort_unstable();
    if args.json {
        print_json(&scores, &times)
    } else {
        print_table(&scores, &times)
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Row>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| format!("cannot read {}: {cause}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|cause| format!("line {}: {cause}", number + 1))
        })
        .collect()
}

fn definition(row: &TrackerRow) -> TrackerDefinition {
    TrackerDefinition {
        id: row.name.clone(),
        name: row.name.clone(),
        phrases: row.vocabulary.clone(),
        threshold: None,
        is_strict: false,
    }
}

struct Judge {
    analysis: Analysis,
    trackers: Vec<Arc<Tracker>>,
}

impl Judge {
    /// Each row is a conversation of its own.
    fn utterance(&self, row: &UtteranceRow) -> Found {
        let mut found = Found::default();
        let mut analyst = Analyst::default();
        let mut polarity: f64 = 0.0;
        for sentence in messages::sentences(&row.text, &[]) {
            let text = row.text[sentence.text].trim();
            let findings = self.analysis.judge(&mut analyst, &row.id, text, &self.trackers);
            let wanted = findings.intents.iter().filter(|intent| intent.score >= THRESHOLD);
            found.insights.extend(wanted.map(|intent| intent.kind.name().to_owned()));
            found.trackers.extend(findings.hits.into_iter().map(|hit| hit.name));
            if findings.polarity.abs() > polarity.abs() {
                polarity = findings.polarity;
            }
        }
        found.trackers.sort();
        found.trackers.dedup();
        found.sentiment = sentiment::suggested(polarity).to_owned();
        let entities = Redactor::default().finished(0, 0, &row.text).entities.into_iter();
        found.entities = entities
            .map(|entity| EntityRow {
                kind: entity.kind.name().to_owned(),
                text: row.text[entity.range.clone()].to_owned(),
                offset: row.text[..entity.range.start].chars().count(),
            })
            .collect();
        found
    }

    fn conversation(&self, row: &ConversationRow) -> Vec<String> {
        let mut analyst = Analyst::default();
        for (number, turn) in row.utterances.iter().enumerate() {
            analyst.remember(&number.to_string(), &turn.text, 0.0);
        }
        analyst.topics().into_iter().map(|topic| topic.phrase).collect()
    }
}

fn tell_misses(row: &UtteranceRow, found: &Found) {
    let mut wrong = Vec::new();
    for label in INSIGHTS {
        let has = |names: &[String]| names.iter().any(|name| name == label);
        if !has(&row.optional_insights) && has(&row.insights) != has(&found.insights) {
            wrong.push(format!("{}{label}", if has(&row.insights) { '-' } else { '+' }));
        }
    }
    if row.sentiment != found.sentiment {
        wrong.push(format!("{} for {}", found.sentiment, row.sentiment));
    }
    wrong.extend(
        row.entities
            .iter()
            .filter(|gold| !found.entities.contains(gold))
            .map(|gold| format!("-{} `{}`", gold.kind, gold.text)),
    );
    wrong.extend(
        found
            .entities
            .iter()
            .filter(|entity| !row.entities.contains(entity))
            .map(|entity| format!("+{} `{}`", entity.kind, entity.text)),
    );
    wrong.extend(
        row.trackers.iter().filter(|name| !found.trackers.contains(name)).map(|name| format!("-{name}")),
    );
    wrong.extend(
        found
            .trackers
            .iter()
            .filter(|name| !row.trackers.contains(name))
            .map(|name| format!("+{name}{}", if row.near_miss.contains(name) { " (trap)" } else { "" })),
    );
    if !wrong.is_empty() {
        println!("{} {}| {} | {}", row.id, if row.wild { "wild " } else { "" }, wrong.join(", "), row.text);
    }
}

fn quantile(times: &[Duration], share: f64) -> f64 {
    let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

fn print_table(scores: &Scores, times: &[Duration]) {
    println!("{:<24}{:>10}{:>10}{:>10}{:>8}", "", "precision", "recall", "F1", "gold");
    for label in INSIGHTS.into_iter().chain(["entities", "trackers"]) {
        for part in ["core", "wild", "all"] {
            let shares = scores.shares(part, label);
            let extra = if label == "entities" {
                format!("   exact span {:.2}", scores.exact_recall(part))
            } else {
                String::new()
            };
            println!(
                "{:<24}{:>10.2}{:>10.2}{:>10.2}{:>8}{extra}",
                format!("{label}, {part}"),
                shares.precision,
                shares.recall,
                shares.f1,
                shares.gold
            );
        }
    }
    let (traps, sprung) = scores.traps();
    println!("{:<24}{sprung} of {traps} sprung", "traps for trackers");
    for part in ["core", "wild", "all"] {
        let (macro_f1, accuracy) = scores.sentiment(part);
        println!("{:<24}accuracy {accuracy:.2}, macro-F1 {macro_f1:.2}", format!("sentiment, {part}"));
    }
    if let Some((precision, found)) = scores.topics() {
        println!("{:<24}P@5 {precision:.2}, must-haves found {found:.2}", "topics");
    }
    println!(
        "{:<24}median {:.0} us, p95 {:.0} us, slowest {:.0} us",
        "a message",
        quantile(times, 0.5),
        quantile(times, 0.95),
        quantile(times, 1.0)
    );
}

fn print_json(scores: &Scores, times: &[Duration]) {
    let mut parts = serde_json::Map::new();
    for part in ["core", "wild", "all"] {
        let (macro_f1, accuracy) = scores.sentiment(part);
        let mut of_part = serde_json::Map::new();
        for label in INSIGHTS.into_iter().chain(["entities", "trackers"]) {
            of_part.insert(label.to_owned(), json!(scores.shares(part, label)));
        }
        of_part.insert("entities_exact_recall".to_owned(), json!(scores.exact_recall(part)));
        of_part.insert("sentiment".to_owned(), json!({ "accuracy": accuracy, "macro_f1": macro_f1 }));
        parts.insert(part.to_owned(), of_part.into());
    }
    let (traps, sprung) = scores.traps();
    let topics = scores.topics().map(|(precision, found)| json!({ "p_at_5": precision, "found": found }));
    let micros =
        json!({ "median": quantile(times, 0.5), "p95": quantile(times, 0.95), "max": quantile(times, 1.0) });
    println!(
        "{}",
        json!({ "scores": parts, "traps": { "all": traps, "sprung": sprung }, "topics": topics, "micros_a_message": micros })
    );
}
