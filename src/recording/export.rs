//! A recording as a file that any player opens, with what can be said of it and what is suspicious.

use std::fmt;
use std::path::Path;

use super::sidecar::{GapCause, Sidecar};
use crate::audio::figures::{Figures, SILENCE_DBFS};
use crate::audio::wav::{AudioFileError, write_i16};
use crate::audio::{TELEPHONE_RATE, load_mulaw_8k, mulaw};

/// A recording this quiet carries no speech.
const TOO_QUIET_DBFS: f64 = -45.0;

/// Who is silent nearly all the time may have a microphone that is off.
const NEARLY_ALL: f64 = 0.98;

/// More clipped samples than this can be heard.
const MUCH_CLIPPED: f64 = 0.005;

/// More missing audio than this share costs words.
const MUCH_MISSING: f64 = 0.01;

/// What is said of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Levels and lengths.
    pub figures: Figures,
    /// Gaps in it.
    pub gaps: u64,
    /// Audio that is missing, in milliseconds.
    pub missing_ms: u64,
    /// What is not as it should be.
    pub suspicions: Vec<Suspicion>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspicion {
    /// What it is.
    pub fault: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Writes a recording's audio as 16-bit PCM, and returns what can be said of it.
///
/// # Errors
///
/// The recording cannot be read, or the file not be written.
pub fn export(recording: &Path, sidecar: Option<&Sidecar>, out: &Path) -> Result<Report, AudioFileError> {
    let audio = match load_mulaw_8k(recording) {
        // A leg that carried nothing is worth a report, too.
        Err(AudioFileError::Empty { .. }) => Vec::new(),
        read => read?,
    };
    let mut samples = Vec::with_capacity(audio.len());
    mulaw::decode_into(&audio, &mut samples);
    write_i16(out, TELEPHONE_RATE, &samples)?;
    Ok(report(&audio, sidecar))
}

/// Returns what can be said of mu-law audio and what is known of it.
pub fn report(audio: &[u8], sidecar: Option<&Sidecar>) -> Report {
    let figures = Figures::of_mulaw(audio);
    let gaps = sidecar.map_or(0, |sidecar| sidecar.gaps.len() as u64 + sidecar.gaps_not_listed);
    let missing_ms = sidecar.map_or(0, |sidecar| sidecar.missing_ms);
    let lost_here: u64 = sidecar.map_or(0, |sidecar| {
        let ours = sidecar.gaps.iter().filter(|gap| gap.cause == GapCause::Recorder);
        ours.map(|gap| gap.missing_ms).sum()
    });
    let much = |ms: u64| ms as f64 > figures.length_ms() as f64 * MUCH_MISSING;
    let mut suspicions = Vec::new();
    let mut suspect = |is_so: bool, fault, remedy| {
        if is_so {
            suspicions.push(Suspicion { fault, remedy });
        }
    };
    let is_silent = figures.peak_dbfs < TOO_QUIET_DBFS;
    suspect(
        audio.is_empty(),
        "the leg carried no audio at all",
        "see media_message_ignored in this call's log lines; check that Twilio's stream is \"inbound_track\"",
    );
    suspect(
        !audio.is_empty() && is_silent,
        "it is all silence",
        "the caller was muted, or the telephone sends nothing: call again from another telephone, and look at the carrier",
    );
    suspect(
        !is_silent && figures.silent_share > NEARLY_ALL,
        "it is silence nearly all the time",
        "a microphone that is off or far away, or a caller who only listened: listen to the rest of it",
    );
    suspect(
        figures.clipped_share > MUCH_CLIPPED,
        "it is clipped: louder than the line can carry",
        "lower the microphone's gain at the caller's side; words that are clipped are misheard",
    );
    suspect(
        much(missing_ms.saturating_sub(lost_here)),
        "more than 1 % of it did not come from Twilio",
        "media_gap in the log says when; look at this machine's network and load (limits.max_delay_ms)",
    );
    suspect(
        lost_here > 0,
        "some of it could not be written; the server heard it all the same",
        "recording_incomplete in the log says why: a slow or full disk",
    );
    Report { figures, gaps, missing_ms, suspicions }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.figures;
        let level = |dbfs: f64| {
            if dbfs <= SILENCE_DBFS { "none".to_owned() } else { format!("{dbfs:.1} dBFS") }
        };
        let seconds = |ms: u64| ms as f64 / 1000.0;
        writeln!(f, "length   {:.2} s", seconds(figures.length_ms()))?;
        writeln!(f, "gaps     {}, {:.2} s missing", self.gaps, seconds(self.missing_ms))?;
        writeln!(f, "peak     {}", level(figures.peak_dbfs))?;
        writeln!(f, "mean     {}", level(figures.mean_dbfs))?;
        writeln!(f, "silence  {:.0} % of the time", figures.silent_share * 100.0)?;
        for Suspicion { fault, remedy } in &self.suspicions {
            writeln!(f, "suspicious: {fault}\n    remedy: {remedy}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::sidecar::tests::about;
    use super::*;

    fn tone(amplitude: f64) -> Vec<u8> {
        let sample = |n: i32| amplitude * (f64::from(n) * std::f64::consts::TAU / 8.0).sin();
        (0..8000).map(|n| mulaw::encode(sample(n) as i16)).collect()
    }

    fn faults(audio: &[u8], sidecar: Option<&Sidecar>) -> Vec<&'static str> {
        report(audio, sidecar).suspicions.into_iter().map(|suspicion| suspicion.fault).collect()
    }

    #[test]
    fn what_is_suspicious_is_said_and_nothing_else() {
        let good = tone(6000.0);
        assert_eq!(faults(&good, None), Vec::<&str>::new());
        assert_eq!(faults(&[], None), ["the leg carried no audio at all"]);
        assert_eq!(faults(&[mulaw::SILENCE; 8000], None), ["it is all silence"]);
        let mut short = [mulaw::SILENCE; 80_000].to_vec();
        short.extend(&good[..800]);
        assert_eq!(faults(&short, None), ["it is silence nearly all the time"]);
        assert_eq!(faults(&tone(32_767.0), None), ["it is clipped: louder than the line can carry"]);
        let mut sidecar = Sidecar::new(about("CA1"), Timestamp::now());
        sidecar.gap(0, 40, 40, GapCause::MissingMessages);
        assert_eq!(faults(&good, Some(&sidecar)), Vec::<&str>::new(), "5 ms of a second");
        sidecar.gap(800, 160, 160, GapCause::MissingMessages);
        assert_eq!(faults(&good, Some(&sidecar)), ["more than 1 % of it did not come from Twilio"]);
        sidecar.gaps.clear();
        sidecar.missing_ms = 0;
        sidecar.gap(800, 800, 800, GapCause::Recorder);
        assert_eq!(faults(&good, Some(&sidecar)).len(), 1);
        assert!(faults(&good, Some(&sidecar))[0].contains("could not be written"));
    }

    #[test]
    fn the_file_that_is_written_is_plain_pcm_of_the_same_samples() {
        let dir = tempfile::tempdir().unwrap();
        let (recording, out) = (dir.path().join("a.ulaw"), dir.path().join("out.wav"));
        std::fs::write(&recording, tone(6000.0)).unwrap();
        let report = export(&recording, None, &out).unwrap();
        let reader = hound::WavReader::open(&out).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8000, 16));
        let samples: Vec<i16> = reader.into_samples().collect::<Result<_, _>>().unwrap();
        let expected: Vec<i16> = tone(6000.0).into_iter().map(mulaw::decode).collect();
        assert_eq!(samples, expected);
        let text = report.to_string();
        assert!(text.contains("length   1.00 s") && text.contains("peak     -14."), "{text}");
    }
}
