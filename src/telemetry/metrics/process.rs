//! Memory, processor time and file descriptors of this process, read from `/proc` when somebody looks.
//!
//! Where there is no `/proc` only the start time is shown.

use std::fmt;
use std::fs;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Linux counts processor time in hundredths of a second on every machine that we are built for.
const TICKS_A_SECOND: f64 = 100.0;

/// Reads the figures for each answer.
#[derive(Debug)]
pub(super) struct ProcessFigures {
    /// Seconds since 1970.
    started_at: f64,
}

/// What `/proc` says.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    threads: Option<u64>,
    open_files: Option<u64>,
    most_files: Option<u64>,
}

impl Default for ProcessFigures {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self { started_at: since.map_or(0.0, |since| since.as_secs_f64()) }
    }
}

impl Figures {
    fn now() -> Self {
        let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let (stat, status, limits) = (text("stat"), text("status"), text("limits"));
        Self {
            cpu_seconds: cpu_seconds(&stat),
            resident_bytes: field(&status, "VmRSS:").map(|kilobytes| kilobytes * 1024),
            threads: field(&status, "Threads:"),
            // The directory itself is open while it is read.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| files.count().saturating_sub(1) as u64),
            most_files: field(&limits, "Max open files"),
        }
    }
}

/// Returns user and system time; the program's name, in parentheses before them, may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The third field follows the name; the fourteenth and fifteenth are meant.
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) as f64 / TICKS_A_SECOND)
}

/// Returns the first number of the line that begins with `name`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Collector for ProcessFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = Figures::now();
        let mut gauge = |name: &str, help: &str, value: Option<f64>| match value {
            Some(value) => write(&mut encoder, name, help, &ConstGauge::new(value)),
            None => Ok(()),
        };
        let whole = |number: Option<u64>| number.map(|number| number as f64);
        gauge("process_start_time_seconds", "When the process started, since 1970", Some(self.started_at))?;
        gauge("process_resident_memory_bytes", "Resident memory", whole(figures.resident_bytes))?;
        gauge("process_threads", "Threads of the operating system", whole(figures.threads))?;
        gauge("process_open_fds", "Open file descriptors", whole(figures.open_files))?;
        gauge("process_max_fds", "File descriptors that may be open", whole(figures.most_files))?;
        match figures.cpu_seconds {
            Some(seconds) => {
                let help = "User and system time spent";
                write(&mut encoder, "process_cpu_seconds", help, &ConstCounter::new(seconds))
            }
            None => Ok(()),
        }
    }
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    // Families in the registry get their full stop from it; those of a collector do not.
    let metric_encoder = encoder.encode_descriptor(name, &format!("{help}."), None, metric.metric_type())?;
    metric.encode(metric_encoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_texts_of_the_kernel() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 100 1 2";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        let status = "Name:\ta\nVmRSS:\t    2048 kB\nThreads:\t9\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(2048), Some(9)));
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files  1024  524288  files\n";
        assert_eq!(field(limits, "Max open files"), Some(1024));
        assert_eq!((cpu_seconds(""), field("", "VmRSS:")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_all_figures() {
        let figures = Figures::now();
        assert!(figures.resident_bytes.is_some_and(|bytes| bytes > 1_000_000), "{figures:?}");
        assert!(figures.threads.is_some_and(|threads| threads >= 1), "{figures:?}");
        assert!(figures.open_files.is_some_and(|files| files >= 3), "{figures:?}");
        assert!(figures.most_files.is_some() && figures.cpu_seconds.is_some(), "{figures:?}");
    }
}
