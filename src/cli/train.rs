//! `symbl-bridge train`: learns the leanings of sentences from labelled rows, and says how well they generalise.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's room is the one that prints")]

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Args;
use serde::Deserialize;

use super::model::{install_with_progress, with_causes};
use crate::engine::{
    insight::leanings::{
        Heads, common_grams,
        fit::{Example, LABELS, fit},
    },
    meaning::Meaning,
    model::{MINILM, ModelStore},
};

/// Words and word pairs beside the vector.
const GRAMS: usize = 300;

/// Parts of the rows that are left out in turn. They are neighbours in the files, because neighbours are alike.
const FOLDS: usize = 5;

/// Learns what sentences probably are (questions, action items, ...) from labelled rows. For developers.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Labelled rows, one JSON object a line.
    #[arg(required = true)]
    rows: Vec<PathBuf>,
    /// Where the weights go [in the repository: src/engine/insight/data/leanings.json].
    #[arg(long)]
    out: PathBuf,
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    insights: Vec<String>,
    #[serde(default)]
    optional_insights: Vec<String>,
    #[serde(default)]
    sentiment: String,
}

impl Row {
    /// Returns whether a label holds, or `None` where either is right.
    fn holds(&self, label: &str) -> Option<bool> {
        let named = |names: &[String]| names.iter().any(|name| name == label);
        match label {
            "positive" | "negative" => Some(self.sentiment == label),
            _ if named(&self.insights) => Some(true),
            _ if named(&self.optional_insights) => None,
            _ => Some(false),
        }
    }
}

/// Runs the command.
pub fn run(args: &TrainArgs) -> ExitCode {
    match train(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{}", with_causes(&*problem));
            ExitCode::FAILURE
        }
    }
}

fn train(args: &TrainArgs) -> Result<(), Box<dyn Error>> {
    let dir = install_with_progress(&MINILM, &ModelStore::default())?;
    let meaning = Meaning::load(&dir)?;
    let rows = read(&args.rows)?;
    let grams = common_grams(rows.iter().map(|row| row.text.as_str()), GRAMS);
    let bare = Heads { grams, heads: Vec::new() };
    let mut examples = Vec::with_capacity(rows.len());
    for row in &rows {
        let features = bare.features(&meaning.vector(&row.text)?, &row.text);
        examples.push(Example { features, labels: LABELS.map(|label| row.holds(label)) });
    }
    validate(&bare, &examples);
    let heads = fit(bare.grams, &examples.iter().collect::<Vec<_>>());
    std::fs::write(&args.out, serde_json::to_string(&heads)? + "\n")?;
    println!("{} rows -> {}", rows.len(), args.out.display());
    Ok(())
}

fn read(paths: &[PathBuf]) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let row: Row =
                serde_json::from_str(line).map_err(|cause| format!("{}: {cause}", path.display()))?;
            if row.kind == "utterance" {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// Prints precision and recall of every head on rows that it was not taught.
fn validate(bare: &Heads, examples: &[Example]) {
    let fold_of = |index: usize| index * FOLDS / examples.len();
    let mut seen: Vec<(Vec<f32>, &Example)> = Vec::new();
    for fold in 0..FOLDS {
        let taught = examples.iter().enumerate().filter(|(index, _)| fold_of(*index) != fold);
        let heads = fit(bare.grams.clone(), &taught.map(|(_, example)| example).collect::<Vec<_>>());
        let left_out = examples.iter().enumerate().filter(|(index, _)| fold_of(*index) == fold);
        seen.extend(left_out.map(|(_, example)| (heads.probabilities(&example.features), example)));
    }
    for (index, label) in LABELS.iter().enumerate() {
        print!("{label:<12}");
        for threshold in [0.3, 0.4, 0.5, 0.6, 0.7, 0.8] {
            let judged = seen
                .iter()
                .filter_map(|(said, example)| Some((said[index] >= threshold, example.labels[index]?)));
            let (mut right, mut said, mut there) = (0, 0, 0);
            for (fires, holds) in judged {
                right += u32::from(fires && holds);
                said += u32::from(fires);
                there += u32::from(holds);
            }
            let share = |of: u32| f64::from(right) / f64::from(of.max(1));
            print!("  >={threshold}: P {:.2} R {:.2}", share(said), share(there));
        }
        println!();
    }
}
