//! What the machine gives: open files, cores, memory.

use super::check::{DESCRIPTORS, MACHINE};
use super::context::Context;
use super::finding::Finding;
use crate::bridge::call::upload::BYTES_PER_MS;
use crate::config::{Settings, Upstream};

/// A socket takes two descriptors here, and a leg one more upstream (`docs/security.md`).
const DESCRIPTORS_A_CONNECTION: u64 = 3;

/// Everything that is no connection: the store, logs, timers, the process itself.
const DESCRIPTORS_BESIDE: u64 = 64;

/// The recogniser and the model of meaning with their workers.
const ENGINE_MEMORY: u64 = 1_000_000_000;

/// Makes both checks.
pub(super) fn look(context: &Context) -> Vec<Finding> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    vec![
        judge_descriptors(open_files(&limits), &context.settings),
        judge_machine(cores, available_memory(&memory), &context.settings),
    ]
}

/// Returns the soft limit in the text of `/proc/self/limits`; none is unlimited, or not told.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns the bytes in the text of `/proc/meminfo` that programs may still take.
fn available_memory(memory: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn judge_descriptors(limit: Option<u64>, settings: &Settings) -> Finding {
    let what = "open files, of this shell";
    let Some(limit) = limit else {
        return Finding::ok(DESCRIPTORS, what, "no limit is told");
    };
    let connections = settings.http.max_connections as u64;
    let enough = DESCRIPTORS_A_CONNECTION * connections;
    if limit >= enough {
        return Finding::ok(
            DESCRIPTORS,
            what,
            format!("{limit} are allowed, enough for {connections} connections"),
        );
    }
    let room = limit.saturating_sub(DESCRIPTORS_BESIDE) / DESCRIPTORS_A_CONNECTION;
    let found =
        format!("{limit} are allowed: room for {room} calls, not for http.max_connections ({connections})");
    let remedy = format!(
        "start the server with LimitNOFILE={enough} (systemd) or after `ulimit -n {enough}`, or lower http.max_connections"
    );
    // Who tries things out on one machine has a handful of calls.
    if settings.public_url.is_none() {
        return Finding::note(DESCRIPTORS, what, found).remedied_by(remedy);
    }
    Finding::warning(DESCRIPTORS, what, found, remedy)
}

fn judge_machine(cores: usize, memory: Option<u64>, settings: &Settings) -> Finding {
    let what = "cores and memory";
    let audio =
        settings.symbl.buffer.as_millis() as u64 * BYTES_PER_MS as u64 * settings.limits.max_legs as u64;
    let is_embedded = settings.symbl.upstream == Upstream::Embedded;
    let needed = audio + if is_embedded { ENGINE_MEMORY } else { 0 };
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let found = match memory {
        Some(memory) => format!("{cores} cores, {} available", gigabytes(memory)),
        None => format!("{cores} cores"),
    };
    let found =
        format!("{found}; limits.max_legs ({}) may take {}", settings.limits.max_legs, gigabytes(needed));
    if memory.is_some_and(|memory| memory < needed) {
        return Finding::note(MACHINE, what, found)
            .remedied_by("lower limits.max_legs or audio.buffer_seconds");
    }
    match is_embedded {
        true => Finding::note(
            MACHINE,
            what,
            format!("{found}; how many legs these cores hear, `symbl-bridge bench-speech` tells"),
        ),
        false => Finding::ok(MACHINE, what, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;
    use crate::config::Sources;

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(&Sources { file: None, environment: environment.collect() }).unwrap()
    }

    #[test]
    fn the_texts_of_linux_are_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             95837                95837                processes \n\
                      Max open files            1024                 1048576              files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(open_files(""), None);
        assert_eq!(available_memory("MemTotal: 100 kB\nMemAvailable:    2048 kB\n"), Some(2_097_152));
        assert_eq!(available_memory("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn descriptors_are_judged_by_the_connections_that_are_let_in() {
        let public = settings(&[("WEBHOOK_DOMAIN", "b.example.com"), ("TWILIO_AUTH_TOKEN", "x")]);
        assert_eq!(judge_descriptors(Some(30_000), &public).status, Status::Ok);
        assert_eq!(judge_descriptors(None, &public).status, Status::Ok);
        let few = judge_descriptors(Some(1024), &public);
        assert!(few.status == Status::Warning && few.found.contains("room for 320 calls"), "{few:?}");
        assert!(few.remedy.unwrap().contains("LimitNOFILE=30000"));
        assert_eq!(judge_descriptors(Some(1024), &settings(&[])).status, Status::Note);
    }

    #[test]
    fn memory_is_judged_by_the_legs_that_are_let_in() {
        let upstream = settings(&[
            ("SYMBL_API_BASE_URL", "http://127.0.0.1:9"),
            ("SYMBL_APP_ID", "a"),
            ("SYMBL_APP_SECRET", "b"),
        ]);
        let enough = judge_machine(2, Some(8_000_000_000), &upstream);
        assert!(enough.status == Status::Ok && enough.found.contains("may take 0.2 GB"), "{enough:?}");
        let little = judge_machine(2, Some(100_000_000), &upstream);
        assert!(little.status == Status::Note && little.remedy.is_some(), "{little:?}");
        assert!(judge_machine(2, None, &settings(&[])).found.contains("bench-speech"));
    }
}
