//! Who runs on which core, and how many files may be open.

use std::io;
use std::process::{Child, Command};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Returns the cores that this process may run on.
pub(super) fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// Keeps the calling thread, and those it starts from now on, on these cores.
pub(super) fn stay_on(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().filter(|core| **core < CpuSet::MAX_CPU).for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set)?)
}

/// Starts a program on these cores; on all if none are given.
///
/// Children stay where the thread is that starts them, so a thread goes there for it.
pub(super) fn spawn_on(mut command: Command, cores: &[usize]) -> io::Result<Child> {
    if cores.is_empty() {
        return command.spawn();
    }
    let cores = cores.to_vec();
    let spawning = std::thread::spawn(move || {
        stay_on(&cores)?;
        command.spawn()
    });
    spawning.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it failed")))
}

/// Sees to it that `needed` files may be open, here and in a bridge that is started from here.
///
/// # Errors
///
/// Says what to do when the operating system does not allow as many.
pub(super) fn allow_files(needed: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(limit.current) {
        return Ok(());
    }
    let refusal = format!(
        "so many legs need {needed} open files, but the limit is {}; raise it with `ulimit -n {needed}`, \
         or LimitNOFILE= of a systemd unit, or use fewer --legs",
        limit.maximum.map_or_else(|| "unknown".to_owned(), |maximum| maximum.to_string())
    );
    if !enough(limit.maximum) {
        return Err(refusal);
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum }).map_err(|_| refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_runs_where_it_is_told_and_we_stay_where_we_are() {
        let before = allowed();
        let last = *before.last().unwrap();
        let mut command = Command::new("grep");
        command.args(["Cpus_allowed_list", "/proc/self/status"]).stdout(std::process::Stdio::piped());
        let output = spawn_on(command, &[last]).unwrap().wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.split_whitespace().nth(1), Some(last.to_string().as_str()));
        assert_eq!(allowed(), before);
    }

    #[test]
    fn too_many_files_are_refused_with_a_remedy() {
        assert_eq!(allow_files(16), Ok(()));
        if getrlimit(Resource::Nofile).maximum.is_some() {
            assert!(allow_files(u64::MAX).unwrap_err().contains("ulimit -n"));
        }
    }
}
