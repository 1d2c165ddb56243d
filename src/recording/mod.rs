//! What legs carry, kept as files: written beside the call, found again, judged, deleted when their time is over.
//!
//! * [`recorder`] - the recorder of a process and the handle that a leg holds; never waits for a disk.
//! * [`queue`] - what waits for the writer, bounded by bytes.
//! * `writer` - the one thread that touches files, and `take`, one recording in the making.
//! * [`folder`] - the directory: names, leftovers of a process that died, room on the disk, retention.
//! * [`sidecar`] - what is known of a recording besides its audio.
//! * [`library`] - finds the recordings of a call.
//! * [`export`] - a recording as a file that any player opens, with what is suspicious about it.
//!
//! A leg's audio goes on untouched whatever happens here: a slow, full or broken disk costs the recording a hole.

pub mod export;
pub mod folder;
pub mod library;
pub mod queue;
pub mod recorder;
pub mod sidecar;
mod take;
mod writer;

pub use recorder::{LegRecording, Recorder, RecordingCounts};
pub use sidecar::{About, Gap, GapCause, Sidecar, Speaker};

/// Bytes of a leg's audio in a millisecond.
const BYTES_PER_MS: u64 = 8;
