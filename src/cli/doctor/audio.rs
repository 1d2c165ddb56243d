//! `--audio CALL`: what a call's legs carried, as files that any player opens, and what is suspicious about it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::RecordingSettings;
use crate::recording::export::export;
use crate::recording::library::{Place, find};
use crate::recording::sidecar::Sidecar;

/// All was found, and nothing is suspicious.
const GOOD: u8 = 0;

/// Something is suspicious.
const SUSPICIOUS: u8 = 1;

/// There is nothing to write, or it could not be written.
const FAILED: u8 = 2;

/// Writes a file for each recording of a call, and prints what can be said of it.
pub(super) fn run(settings: &RecordingSettings, call: &str, out: Option<&Path>) -> ExitCode {
    let found = match recordings(settings, call) {
        Ok(found) => found,
        Err((fault, remedy)) => {
            eprintln!("symbl-bridge doctor: {fault}\n    remedy: {remedy}");
            return ExitCode::from(FAILED);
        }
    };
    let count = found.len();
    let mut worst = GOOD;
    for (index, (place, sidecar)) in found.into_iter().enumerate() {
        worst = worst.max(show(&place, &sidecar, &target(out, &place, index, count)));
    }
    ExitCode::from(worst)
}

/// Fault and remedy.
type Complaint = (String, String);

fn recordings(settings: &RecordingSettings, call: &str) -> Result<Vec<(Place, Sidecar)>, Complaint> {
    let turn_on = "set recording.enabled = true and recording.dir, and call again; docs/recording.md says what callers must be told";
    let Some(dir) = &settings.dir else {
        return Err(("nothing is recorded: recording is off".to_owned(), turn_on.to_owned()));
    };
    let found = find(dir, call).map_err(|error| {
        let fault = format!("{} cannot be read: {error}", dir.display());
        (fault, "check recording.dir; it is made when the first server with recording on starts".to_owned())
    })?;
    if !found.is_empty() {
        return Ok(found);
    }
    let fault = format!("{} has no recording of {call}", dir.display());
    let remedy = match settings.enabled {
        true => {
            "check the id (call_sid or connection_id of the log); recordings end with recording.retention_days"
        }
        false => turn_on,
    };
    Err((fault, remedy.to_owned()))
}

/// Returns the file that a recording is written to; with several they are numbered.
fn target(out: Option<&Path>, place: &Place, index: usize, count: usize) -> PathBuf {
    match out {
        None => PathBuf::from(format!("{}.pcm.wav", place.stem)),
        Some(out) if count == 1 => out.to_owned(),
        Some(out) => {
            let stem = out.file_stem().unwrap_or_default().to_string_lossy();
            let extension = out.extension().map_or("wav".into(), |extension| extension.to_string_lossy());
            out.with_file_name(format!("{stem}-{}.{extension}", index + 1))
        }
    }
}

/// Writes one file and prints what can be said of it; returns an exit code.
fn show(place: &Place, sidecar: &Sidecar, target: &Path) -> u8 {
    let source = place.audio();
    let about = &sidecar.about;
    println!("{} ({}, {}, room {})", about.call_sid, about.speaker.name, about.role, about.room);
    println!("from     {}", source.display());
    if let (Ok(source), Ok(target)) = (source.canonicalize(), target.canonicalize())
        && source == target
    {
        eprintln!("symbl-bridge doctor: --out is the recording itself\n    remedy: name another file");
        return FAILED;
    }
    match export(&source, Some(sidecar), target) {
        Ok(report) => {
            println!("to       {}", target.display());
            println!("began    {}", sidecar.started_at);
            println!("ended    {}", sidecar.end_reason.as_deref().unwrap_or("not yet"));
            println!("{report}");
            if report.suspicions.is_empty() { GOOD } else { SUSPICIOUS }
        }
        Err(fault) => {
            eprintln!("symbl-bridge doctor: {fault}");
            FAILED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: Option<&Path>, enabled: bool) -> RecordingSettings {
        RecordingSettings {
            dir: dir.map(Path::to_owned),
            enabled,
            retention_days: None,
            max_bytes: None,
            min_free_bytes: 0,
            announcement: None,
        }
    }

    #[test]
    fn whoever_has_no_recordings_is_told_how_to_get_them() {
        let (fault, remedy) = recordings(&settings(None, false), "CA1").unwrap_err();
        assert!(
            fault.contains("recording is off") && remedy.contains("recording.enabled = true"),
            "{remedy}"
        );
        let dir = tempfile::tempdir().unwrap();
        let (fault, remedy) = recordings(&settings(Some(dir.path()), true), "CA1").unwrap_err();
        assert!(fault.contains("no recording of CA1") && remedy.contains("check the id"), "{remedy}");
        let (_, remedy) = recordings(&settings(Some(dir.path()), false), "CA1").unwrap_err();
        assert!(remedy.contains("recording.enabled = true"), "{remedy}");
        let (fault, _) = recordings(&settings(Some(&dir.path().join("no")), true), "CA1").unwrap_err();
        assert!(fault.contains("cannot be read"), "{fault}");
    }

    #[test]
    fn several_recordings_go_to_several_files() {
        let place = Place { folder: PathBuf::from("/r/2026-03-03"), stem: "CA1-2".to_owned() };
        assert_eq!(target(None, &place, 0, 1), Path::new("CA1-2.pcm.wav"));
        assert_eq!(target(Some(Path::new("/x/a.wav")), &place, 0, 1), Path::new("/x/a.wav"));
        assert_eq!(target(Some(Path::new("/x/a.wav")), &place, 1, 2), Path::new("/x/a-2.wav"));
    }
}
