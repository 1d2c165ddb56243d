//! Audio files: WAV of any usual shape, mu-law WAV and headerless mu-law, read to mono; WAV written.
//!
//! hound reads and writes PCM and float; mu-law (format tag 7), which hound does not know, is read here.

use std::io::Read;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::resample::{UnsupportedRate, resample};
use super::{TELEPHONE_RATE, mulaw, sample_to_i16};

/// Largest file that is read: five hours of 16-bit mono at 16 kHz, and far above any test call.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;

/// Format tags of a WAV file's `fmt ` chunk; `EXTENSIBLE` keeps the true one in a longer chunk.
const TAG_MULAW: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// One mono recording, samples as fractions of full scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Samples a second.
    pub rate: u32,
    /// The samples, channels mixed to one.
    pub samples: Vec<f32>,
}

/// An audio file could not be read or written. Each message names the file, the fault and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum AudioFileError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {cause}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The file is larger than any recording of a call.
    #[error("{} has {bytes} bytes, more than {LARGEST_FILE}; cut it, for instance: sox {0} part.wav trim 0 600", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Neither a WAV file nor named as headerless mu-law.
    #[error(
        "{} is not a WAV file; convert it, for instance: sox {0} out.wav, or, if it is headerless mu-law at \
         8000 Hz, name it .ulaw, .mulaw or .raw",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A WAV file that is damaged or of an unusual kind.
    #[error("{} cannot be used: {fault}; convert it, for instance: sox {0} -b 16 out.wav", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is the matter with it.
        fault: String,
    },
    /// No sample in it.
    #[error("{} holds no audio; record it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be created or written.
    #[error("cannot write {}: {cause}; check that the folder exists and has room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        cause: hound::Error,
    },
}

/// Returns the recording in a WAV or headerless mu-law file, mixed to mono, at the file's own rate.
pub fn read(path: impl AsRef<Path>) -> Result<Recording, AudioFileError> {
    let path = path.as_ref();
    decode(path, &read_bounded(path)?)
}

/// Returns the recording in a file's content; `path` names it in complaints, and its extension counts.
pub fn decode(path: &Path, content: &[u8]) -> Result<Recording, AudioFileError> {
    let recording = match telephone_bytes(path, content)? {
        Some(MulawFile { rate, bytes }) => {
            let mut samples = Vec::with_capacity(bytes.len());
            mulaw::decode_f32_into(bytes, &mut samples);
            Recording { rate, samples }
        }
        None => read_with_hound(path, content)?,
    };
    if recording.samples.is_empty() {
        return Err(AudioFileError::Empty { path: path.into() });
    }
    Ok(recording)
}

/// Returns the recording in a file as a telephone line carries it: mu-law, 8000 Hz, mono, no header.
///
/// What is mu-law at 8000 Hz already is taken byte for byte.
pub fn load_mulaw_8k(path: impl AsRef<Path>) -> Result<Vec<u8>, AudioFileError> {
    let path = path.as_ref();
    mulaw_8k(path, &read_bounded(path)?)
}

/// Returns what [`load_mulaw_8k`] returns, of a file's content; `path` names it in complaints, and its extension counts.
pub fn mulaw_8k(path: &Path, content: &[u8]) -> Result<Vec<u8>, AudioFileError> {
    if let Some(MulawFile { rate: TELEPHONE_RATE, bytes }) = telephone_bytes(path, content)? {
        if bytes.is_empty() {
            return Err(AudioFileError::Empty { path: path.into() });
        }
        return Ok(bytes.to_vec());
    }
    let recording = decode(path, content)?;
    let samples = resample(&recording.samples, recording.rate, TELEPHONE_RATE)
        .map_err(|fault: UnsupportedRate| unusable(path, fault))?;
    Ok(samples.into_iter().map(|sample| mulaw::encode(sample_to_i16(sample))).collect())
}

/// Writes a 16-bit mono WAV file.
pub fn write_i16(path: impl AsRef<Path>, rate: u32, samples: &[i16]) -> Result<(), AudioFileError> {
    let path = path.as_ref();
    let spec =
        WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let write = || {
        let mut writer = WavWriter::create(path, spec)?;
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    };
    write().map_err(|cause| AudioFileError::Unwritable { path: path.into(), cause })
}

/// Mu-law found in a file, mono.
struct MulawFile<'a> {
    rate: u32,
    bytes: &'a [u8],
}

fn unusable(path: &Path, fault: impl std::fmt::Display) -> AudioFileError {
    AudioFileError::Unusable { path: path.into(), fault: fault.to_string() }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, AudioFileError> {
    let unreadable = |cause| AudioFileError::Unreadable { path: path.into(), cause };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > LARGEST_FILE {
        return Err(AudioFileError::TooLarge { path: path.into(), bytes });
    }
    std::fs::read(path).map_err(unreadable)
}

/// Returns the mu-law bytes of a headerless file or a mu-law WAV file, and `None` for another WAV file.
fn telephone_bytes<'a>(path: &Path, file: &'a [u8]) -> Result<Option<MulawFile<'a>>, AudioFileError> {
    if !(file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WAVE")) {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        return match extension.as_str() {
            "ulaw" | "ul" | "mulaw" | "raw" => Ok(Some(MulawFile { rate: TELEPHONE_RATE, bytes: file })),
            _ if file.is_empty() => Err(AudioFileError::Empty { path: path.into() }),
            _ => Err(AudioFileError::UnknownFormat { path: path.into() }),
        };
    }
    let Some(format) = chunk(file, b"fmt ") else {
        return Err(unusable(path, "its format chunk is missing"));
    };
    let field = |at: usize| format.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let tag = match field(0) {
        Some(TAG_EXTENSIBLE) => field(24),
        plain => plain,
    };
    if tag != Some(TAG_MULAW) {
        return Ok(None);
    }
    let (Some(channels), Some(low), Some(high)) = (field(2), field(4), field(6)) else {
        return Err(unusable(path, "its format chunk is too short"));
    };
    if channels != 1 {
        return Err(unusable(path, format_args!("mu-law with {channels} channels where one is expected")));
    }
    let Some(bytes) = chunk(file, b"data") else {
        return Err(unusable(path, "its data chunk is missing"));
    };
    Ok(Some(MulawFile { rate: u32::from(low) | u32::from(high) << 16, bytes }))
}

/// Returns the content of a RIFF chunk; a size beyond the end, as pipes leave it, means the rest of the file.
fn chunk<'a>(file: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = file.get(12..)?;
    loop {
        let (header, content) = rest.split_at_checked(8)?;
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if &header[..4] == name {
            return Some(&content[..size.min(content.len())]);
        }
        rest = content.get(size.checked_add(size % 2)?..)?;
    }
}

/// Reads PCM and float. hound gets a header made anew: it stumbles over chunks of odd length, and pipes
/// leave sizes in theirs that are not true.
fn read_with_hound(path: &Path, file: &[u8]) -> Result<Recording, AudioFileError> {
    let format = chunk(file, b"fmt ").unwrap_or_default();
    let Some(data) = chunk(file, b"data") else {
        return Err(unusable(path, "its data chunk is missing"));
    };
    let frame = format.get(12..14).map_or(0, |pair| usize::from(u16::from_le_bytes([pair[0], pair[1]])));
    if frame == 0 {
        return Err(unusable(path, "its format chunk is too short"));
    }
    let data = &data[..data.len() - data.len() % frame];
    let header = riff_header(format, data.len());
    let reader = WavReader::new(header.as_slice().chain(data)).map_err(|fault| unusable(path, fault))?;
    let spec = reader.spec();
    if spec.channels == 0 {
        return Err(unusable(path, "it has no channel"));
    }
    let mut frames = MonoMixer::new(spec.channels);
    match spec.sample_format {
        SampleFormat::Float => {
            for sample in reader.into_samples::<f32>() {
                frames.push(sample.map_err(|fault| unusable(path, fault))?);
            }
        }
        SampleFormat::Int => {
            let full_scale = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            for sample in reader.into_samples::<i32>() {
                frames.push(sample.map_err(|fault| unusable(path, fault))? as f32 / full_scale);
            }
        }
    }
    Ok(Recording { rate: spec.sample_rate, samples: frames.samples })
}

/// Returns what stands before the samples in a WAV file of this format.
fn riff_header(format: &[u8], data: usize) -> Vec<u8> {
    let after_riff = 4 + 8 + format.len() + 8 + data;
    let size = |length: usize| (length as u32).to_le_bytes();
    [b"RIFF", &size(after_riff)[..], b"WAVEfmt ", &size(format.len()), format, b"data", &size(data)].concat()
}

/// Averages the channels of each frame.
struct MonoMixer {
    channels: u16,
    seen: u16,
    sum: f32,
    samples: Vec<f32>,
}

impl MonoMixer {
    fn new(channels: u16) -> Self {
        Self { channels, seen: 0, sum: 0.0, samples: Vec::new() }
    }

    fn push(&mut self, sample: f32) {
        self.sum += if sample.is_finite() { sample } else { 0.0 };
        self.seen += 1;
        if self.seen == self.channels {
            self.samples.push(self.sum / f32::from(self.channels));
            self.seen = 0;
            self.sum = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample::testing::{level_at, sine};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Writes a tone with hound in the given shape, the same in every channel.
    fn write_tone(path: &Path, spec: WavSpec, seconds: u32) {
        let mut writer = WavWriter::create(path, spec).unwrap();
        for sample in sine(1000.0, spec.sample_rate, (spec.sample_rate * seconds) as usize) {
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Float => writer.write_sample(sample * 0.5).unwrap(),
                    SampleFormat::Int => {
                        let full_scale = 2f64.powi(i32::from(spec.bits_per_sample) - 1) - 1.0;
                        writer.write_sample((f64::from(sample) * 0.5 * full_scale).round() as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
    }

    fn riff(format: &[u8], data: &[u8], claimed: u32) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        file.extend(b"LIST\x03\0\0\0abc\0");
        file.extend(b"fmt ");
        file.extend((format.len() as u32).to_le_bytes());
        file.extend(format);
        file.extend(b"data");
        file.extend(claimed.to_le_bytes());
        file.extend(data);
        file
    }

    fn plain_format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut format = Vec::new();
        format.extend(tag.to_le_bytes());
        format.extend(channels.to_le_bytes());
        format.extend(rate.to_le_bytes());
        format.extend((rate * u32::from(block)).to_le_bytes());
        format.extend(block.to_le_bytes());
        format.extend(bits.to_le_bytes());
        format
    }

    #[test]
    fn every_usual_shape_of_wav_becomes_the_same_telephone_tone() {
        let folder = folder();
        let path = folder.path().join("tone.wav");
        for sample_rate in [8000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            for channels in [1, 2] {
                for (bits_per_sample, sample_format) in [
                    (8, SampleFormat::Int),
                    (16, SampleFormat::Int),
                    (24, SampleFormat::Int),
                    (32, SampleFormat::Int),
                    (32, SampleFormat::Float),
                ] {
                    let spec = WavSpec { channels, sample_rate, bits_per_sample, sample_format };
                    write_tone(&path, spec, 1);
                    let bytes = load_mulaw_8k(&path).unwrap();
                    assert_eq!(bytes.len(), 8000, "{spec:?}");
                    let mut samples = Vec::new();
                    mulaw::decode_f32_into(&bytes, &mut samples);
                    let level = level_at(1000.0, 8000, &samples[800..7200]);
                    assert!((level - 0.5).abs() < 0.02, "{spec:?} came out at {level}");
                }
            }
        }
    }

    #[test]
    fn mulaw_is_taken_byte_for_byte_with_and_without_a_header() {
        let folder = folder();
        let bytes: Vec<u8> = (0..=255).collect();
        let mut extensible = plain_format(TAG_EXTENSIBLE, 1, 8000, 8);
        extensible
            .extend([22, 0, 8, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
        let files = [
            ("a.ulaw", bytes.clone()),
            ("a.mulaw", bytes.clone()),
            ("a.RAW", bytes.clone()),
            ("plain.wav", riff(&plain_format(7, 1, 8000, 8), &bytes, 256)),
            ("piped.wav", riff(&plain_format(7, 1, 8000, 8), &bytes, u32::MAX)),
            ("extensible.wav", riff(&extensible, &bytes, 256)),
        ];
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert_eq!(load_mulaw_8k(&path).unwrap(), bytes, "{name}");
            assert_eq!(read(&path).unwrap().samples.len(), 256, "{name}");
        }
    }

    #[test]
    fn mulaw_of_another_rate_is_resampled() {
        let folder = folder();
        let path = folder.path().join("wide.wav");
        std::fs::write(&path, riff(&plain_format(7, 1, 16_000, 8), &[0xFF; 16_000], 16_000)).unwrap();
        assert_eq!(load_mulaw_8k(&path).unwrap(), vec![0xFF; 8000]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = folder();
        let path = folder.path().join("out.wav");
        write_i16(&path, 16_000, &[0, 16_384, -32_768]).unwrap();
        assert_eq!(read(&path).unwrap(), Recording { rate: 16_000, samples: vec![0.0, 0.5, -1.0] });
    }

    #[test]
    fn a_file_cut_short_gives_what_it_holds() {
        let folder = folder();
        let path = folder.path().join("cut.wav");
        std::fs::write(&path, riff(&plain_format(1, 1, 8000, 16), &[0, 64, 0, 192, 9], 2000)).unwrap();
        assert_eq!(read(&path).unwrap().samples, [0.5, -0.5]);
    }

    #[test]
    fn errors_name_the_file_the_fault_and_the_remedy() {
        let folder = folder();
        type Case<'a> = (&'a str, Option<Vec<u8>>, &'a [&'a str]);
        let cases: [Case<'_>; 8] = [
            ("absent.wav", None, &["absent.wav", "cannot read", "check the path"]),
            ("song.mp3", Some(b"ID3xxxxxxxxxxxxx".to_vec()), &["song.mp3", "not a WAV file", "sox"]),
            ("empty.wav", Some(Vec::new()), &["empty.wav", "no audio"]),
            ("empty.ulaw", Some(Vec::new()), &["empty.ulaw", "no audio"]),
            ("bare.wav", Some(b"RIFF\0\0\0\0WAVE".to_vec()), &["bare.wav", "format chunk is missing", "sox"]),
            ("alaw.wav", Some(riff(&plain_format(6, 1, 8000, 8), &[1, 2], 2)), &["alaw.wav", "sox"]),
            ("two.wav", Some(riff(&plain_format(7, 2, 8000, 8), &[1, 2], 2)), &["2 channels", "sox"]),
            ("slow.wav", Some(riff(&plain_format(1, 1, 4, 16), &[1, 2], 2)), &["4 Hz", "sox"]),
        ];
        for (name, content, expected) in cases {
            let path = folder.path().join(name);
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let message = load_mulaw_8k(&path).unwrap_err().to_string();
            for words in expected {
                assert!(message.contains(words), "{name}: {message:?} lacks {words:?}");
            }
        }
        let message = write_i16(folder.path().join("no/such/out.wav"), 8000, &[1]).unwrap_err().to_string();
        assert!(message.contains("cannot write") && message.contains("folder exists"), "{message}");
    }

    proptest::proptest! {
        #[test]
        fn no_file_content_panics(content: Vec<u8>, header: bool) {
            let folder = folder();
            let path = folder.path().join("any.wav");
            let file = if header { [b"RIFF\0\0\0\0WAVE".to_vec(), content].concat() } else { content };
            std::fs::write(&path, file).unwrap();
            let _ = load_mulaw_8k(&path);
        }
    }
}
