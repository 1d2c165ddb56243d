//! What a process has used so far, read from /proc.

use std::fs;
use std::io;

use rustix::param::clock_ticks_per_second;

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// CPU time of its living threads, in seconds, to the nanosecond where the kernel tells.
    pub cpu_s: f64,
    /// CPU time in its own code, in seconds, in whole ticks of some 10 ms.
    pub user_s: f64,
    /// CPU time in the kernel, in seconds, in whole ticks.
    pub kernel_s: f64,
    /// The busiest thread's CPU time, in seconds.
    pub busiest_thread_s: f64,
    /// How long its threads could have run and had no core, in seconds.
    pub waited_s: f64,
    /// Times a thread went to sleep.
    pub voluntary_switches: u64,
    /// Times a thread was put aside.
    pub involuntary_switches: u64,
    /// Memory now, in bytes.
    pub resident_bytes: u64,
    /// Memory now without what is mapped from files, in bytes.
    pub anonymous_bytes: u64,
    /// Threads now.
    pub threads: u64,
}

impl Usage {
    /// Reads what the process has used.
    ///
    /// # Errors
    ///
    /// When there is no such process, or no /proc.
    pub fn of(pid: u32) -> io::Result<Self> {
        let place = format!("/proc/{pid}");
        let stat = fs::read_to_string(format!("{place}/stat"))?;
        let status = fs::read_to_string(format!("{place}/status"))?;
        let (user_s, kernel_s) = times(&stat);
        let mut usage = Self {
            user_s,
            kernel_s,
            resident_bytes: number(&status, "VmRSS:") * 1024,
            anonymous_bytes: number(&status, "RssAnon:") * 1024,
            threads: number(&status, "Threads:"),
            ..Self::default()
        };
        for task in fs::read_dir(format!("{place}/task"))?.flatten() {
            let task = task.path();
            // A thread may end at any time.
            let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
            // Time on a core, time waiting for one (in nanoseconds), and turns.
            let schedule = read("schedstat");
            let mut schedule = schedule.split_whitespace().map(|ns| ns.parse().unwrap_or(0.0) / 1e9);
            let (ran_s, waited_s) = (schedule.next().unwrap_or(0.0), schedule.next().unwrap_or(0.0));
            usage.cpu_s += ran_s;
            usage.waited_s += waited_s;
            usage.busiest_thread_s = usage.busiest_thread_s.max(ran_s);
            let status = read("status");
            usage.voluntary_switches += number(&status, "voluntary_ctxt_switches:");
            usage.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:");
        }
        if usage.cpu_s == 0.0 {
            usage.cpu_s = user_s + kernel_s;
        }
        Ok(usage)
    }
}

/// Returns the time that all cores together were busy with anything, in seconds.
pub(super) fn machine_busy_s() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).enumerate();
    // All but idle and waiting for disks; guest time is counted in user time already.
    let busy = fields.filter(|(field, _)| !matches!(field, 3 | 4 | 8 | 9));
    busy.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).sum::<f64>() / ticks_a_second()
}

fn ticks_a_second() -> f64 {
    clock_ticks_per_second() as f64
}

/// Returns user and kernel time of a `stat`.
fn times(stat: &str) -> (f64, f64) {
    // The program's name, in parentheses, may hold anything; the times are fields 14 and 15.
    let behind_name = stat.rsplit(") ").next().unwrap_or_default();
    let mut fields = behind_name.split(' ').skip(11);
    let mut next = || fields.next().and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (next() / ticks_a_second(), next() / ticks_a_second())
}

/// Returns the number of a line `name 123 kB` of a `status`.
fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_has_used() {
        let begin = Usage::of(std::process::id()).unwrap();
        assert!(begin.resident_bytes > begin.anonymous_bytes && begin.anonymous_bytes > 0, "{begin:?}");
        assert!(begin.threads > 0, "{begin:?}");
        let mut busy = 0_u64;
        while Usage::of(std::process::id()).unwrap().cpu_s - begin.cpu_s < 0.02 {
            busy = std::hint::black_box(busy + 1);
        }
        assert!(machine_busy_s() > 0.0);
    }

    #[test]
    fn nobody_has_used_nothing() {
        assert_eq!(Usage::of(u32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4 5 0 0 0 300 200 0 0 20 0 9 0 1";
        let ticks = ticks_a_second();
        assert_eq!(times(stat), (300.0 / ticks, 200.0 / ticks));
    }
}
