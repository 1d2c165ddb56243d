//! `symbl-bridge replay`: recorded calls, sent through a bridge again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;

use super::call::{LineArgs, Outcome, caller_number, place};
use crate::audio::load_mulaw_8k;
use crate::recording::Sidecar;
use crate::recording::library::Place;
use crate::simulator::PhoneOptions;

/// The number that is dialled when neither the command line nor the recording names one.
const DIALLED: &str = "+14155550100";

/// Send recorded calls through a bridge again.
///
/// Each file becomes a simulated telephone that says what was recorded, byte for byte, and gaps as silence. What stands beside
/// the file (.json) tells the caller's number, the number dialled, the conference, and how long after the first of the files
/// it began, so that the legs of a conference meet again as they did. A file with nothing beside it is a caller of its own.
/// The role is not repeated: it comes from the number, as the bridge that is called is configured.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  Both legs of a call, through the bridge on this machine, with the updates a dashboard gets:
      symbl-bridge replay recordings/2026-03-03/CA1...-1.wav recordings/2026-03-03/CA2...-1.wav --updates

  The same in a conference of its own, ten times as fast:
      symbl-bridge replay recordings/2026-03-03/CA*.wav --room again --speed 10

Exit codes: 0 all calls went well, 1 a call failed, 64 wrong usage.")]
pub struct ReplayArgs {
    /// Recordings: .wav, complete or cut off (.wav.part).
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    line: LineArgs,

    /// The number that is dialled; the recorded one if not given.
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,

    /// The conference to join; the recorded one if not given.
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
}

/// Makes the calls and prints what happened.
pub fn run(args: &ReplayArgs) -> ExitCode {
    execute(args, &mut std::io::stdout()).exit_code()
}

fn execute(args: &ReplayArgs, out: &mut dyn Write) -> Outcome {
    let calls = match calls(args) {
        Ok(calls) => calls,
        Err(fault) => return Outcome::Usage(fault),
    };
    actix::System::new().block_on(place(&args.line, calls, out))
}

/// One recording, read.
struct Recorded {
    audio: Bytes,
    sidecar: Option<Sidecar>,
}

/// Returns one call for each file, and after what time it begins.
fn calls(args: &ReplayArgs) -> Result<Vec<(Duration, PhoneOptions)>, String> {
    let recorded: Vec<Recorded> = args.files.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let first =
        recorded.iter().filter_map(|each| each.sidecar.as_ref()).map(|sidecar| sidecar.started_at).min();
    let calls = recorded.into_iter().enumerate().map(|(index, Recorded { audio, sidecar })| {
        let about = sidecar.as_ref().map(|sidecar| &sidecar.about);
        let from = about.map_or_else(|| caller_number(&[], index), |about| number(&about.speaker.user_id));
        let dialled = about.map(|about| about.to.as_str()).filter(|to| !to.is_empty()).unwrap_or(DIALLED);
        let room = about.map(|about| about.room.clone());
        let after = match (&sidecar, first) {
            (Some(sidecar), Some(first)) => Duration::try_from(sidecar.started_at.duration_since(first)),
            _ => Ok(Duration::ZERO),
        };
        let call = PhoneOptions {
            room: args.room.clone().or(room),
            ..args.line.phone(from, args.to.as_deref().unwrap_or(dialled), audio)
        };
        (sooner(after.unwrap_or_default(), args.line.speed), call)
    });
    Ok(calls.collect())
}

fn read(path: &Path) -> Result<Recorded, String> {
    let audio = load_mulaw_8k(path).map_err(|fault| fault.to_string())?;
    let sidecar = Place::of_wav(path).and_then(|place| place.sidecar());
    Ok(Recorded { audio: Bytes::from(audio), sidecar })
}

/// Returns who called, as `From` says it: who withheld the number has an id that was made up.
fn number(user_id: &str) -> String {
    if user_id.starts_with("unknown-") { "anonymous".to_owned() } else { user_id.to_owned() }
}

/// Returns a time at this speed; without a speed there is no time.
fn sooner(time: Duration, speed: f64) -> Duration {
    if speed == 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(time.as_secs_f64() / speed).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    fn parse(args: &[&str]) -> ReplayArgs {
        // What the machine's own environment says must not matter here.
        let fixed = ["replay", "--public-url=", "--auth-token=", "--account-sid=AC1"];
        Cli::try_parse_from(fixed.iter().chain(args)).unwrap().replay
    }

    fn recording(dir: &Path, name: &str, user_id: &str, started_at: &str) -> String {
        let sidecar = json!({
            "callSid": name, "streamSid": "MZ1", "connectionId": "c", "room": "talk", "role": "agent",
            "speaker": { "userId": user_id, "name": "Anna" }, "to": "+14155550199", "startedAt": started_at,
            "conversationId": null, "endedAt": null, "endReason": null, "lengthMs": 0, "frames": 0,
            "missingMs": 0, "gaps": [], "gapsNotListed": 0
        });
        std::fs::write(dir.join(format!("{name}.json")), sidecar.to_string()).unwrap();
        bare(dir, name)
    }

    fn bare(dir: &Path, name: &str) -> String {
        let path = dir.join(format!("{name}.wav"));
        let content = [&crate::audio::mulaw_wav::header(Some(160))[..], &[7; 160]].concat();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["replay"]).is_err(), "no file");
    }

    #[test]
    fn legs_call_again_as_they_did_at_the_speed_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let second = recording(dir.path(), "CA2-1", "unknown-a1b2c3d4", "2026-03-03T10:00:05Z");
        let first = recording(dir.path(), "CA1-1", "+12125550123", "2026-03-03T10:00:00Z");
        let bare = bare(dir.path(), "bare");
        let calls = |args: &[&str]| {
            let files = [second.as_str(), first.as_str(), bare.as_str()];
            calls(&parse(&[&files, args].concat())).unwrap()
        };
        let told = |calls: &[(Duration, PhoneOptions)]| {
            let each = calls.iter().map(|(after, call)| {
                (after.as_millis(), call.from.clone(), call.to.clone(), call.room.clone())
            });
            each.collect::<Vec<_>>()
        };
        let talk = Some("talk".to_owned());
        assert_eq!(
            told(&calls(&[])),
            [
                (5000, "anonymous".to_owned(), "+14155550199".to_owned(), talk.clone()),
                (0, "+12125550123".to_owned(), "+14155550199".to_owned(), talk),
                (0, "+16465550102".to_owned(), DIALLED.to_owned(), None),
            ]
        );
        assert!(calls(&[]).iter().all(|(_, call)| call.audio[..] == [7; 160]));
        assert_eq!(calls(&["--speed=2"])[0].0, Duration::from_millis(2500));
        assert_eq!(calls(&["--speed=0"])[0].0, Duration::ZERO);
        let elsewhere = calls(&["--room=again", "--to=+14155550111"]);
        assert!(
            elsewhere
                .iter()
                .all(|(_, call)| call.room.as_deref() == Some("again") && call.to == "+14155550111")
        );
    }

    #[test]
    fn a_file_that_is_no_recording_is_wrong_usage() {
        let outcome = execute(&parse(&["no-such-file.wav"]), &mut Vec::new());
        assert!(matches!(outcome, Outcome::Usage(fault) if fault.contains("no-such-file.wav")));
    }
}
