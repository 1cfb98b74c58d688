//! Where a thread runs and how urgently, and how many descriptors there may be.

use std::io;
use std::mem;

use super::check;

/// The processors that this process may run on.
pub fn allowed_cpus() -> Vec<usize> {
    // SAFETY: all-zero is a valid, empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: pointer and size describe `set`.
    let result = unsafe { libc::sched_getaffinity(0, mem::size_of_val(&set), &raw mut set) };
    if result != 0 {
        return Vec::new();
    }
    (0..libc::CPU_SETSIZE as usize)
        // SAFETY: the index is below CPU_SETSIZE.
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect()
}

/// Keeps the calling thread on one processor.
pub fn pin_to_cpu(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: all-zero is a valid, empty set, and `cpu` is below CPU_SETSIZE.
    let set = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: pointer and size describe `set`; 0 is the calling thread.
    check(unsafe { libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set) }).map(|_| ())
}

/// Raises the calling thread above ordinary ones: `SCHED_FIFO` at the lowest
/// real-time priority where that is allowed, else a nice value of −11. Tells
/// which it became; the error when neither is allowed.
pub fn raise_priority() -> io::Result<&'static str> {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: the pointer describes `parameters`; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 {
        return Ok("SCHED_FIFO 1");
    }
    // SAFETY: no pointer is passed; on Linux 0 means the calling thread.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -11) }).map(|_| "nice -11")
}

/// Raises the number of open descriptors to the hard limit and returns it.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writing.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: `limit` lives through the call.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_be_pinned_to_each_allowed_processor() {
        let cpus = allowed_cpus();
        assert!(!cpus.is_empty());
        for cpu in cpus {
            std::thread::spawn(move || {
                pin_to_cpu(cpu).unwrap();
                assert_eq!(allowed_cpus(), [cpu]);
            })
            .join()
            .unwrap();
        }
        assert!(pin_to_cpu(usize::MAX).is_err());
    }

    #[test]
    fn open_files_reach_the_hard_limit() {
        let limit = raise_open_files().unwrap();
        assert!(limit > 0);
        assert_eq!(raise_open_files().unwrap(), limit);
    }
}
