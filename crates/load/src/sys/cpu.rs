//! Which processors a thread may run on, and what this process has used.

use std::io;
use std::mem;

use super::check;

/// A set of processors.
#[derive(Clone, Copy)]
pub struct CpuSet(libc::cpu_set_t);

impl CpuSet {
    /// Just one. An error where there can be no such number.
    pub fn only(cpu: usize) -> io::Result<Self> {
        if cpu >= libc::CPU_SETSIZE as usize {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        // SAFETY: all-zero is a valid, empty set, and `cpu` is below CPU_SETSIZE.
        Ok(Self(unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            libc::CPU_SET(cpu, &mut set);
            set
        }))
    }

    /// Where a thread may run now; 0 is the calling one.
    pub fn of(thread: i32) -> io::Result<Self> {
        // SAFETY: all-zero is a valid, empty set.
        let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
        // SAFETY: pointer and size describe `set`.
        check(unsafe { libc::sched_getaffinity(thread, mem::size_of_val(&set), &raw mut set) })?;
        Ok(Self(set))
    }

    /// Keeps a thread to this set; 0 is the calling one.
    pub fn apply(&self, thread: i32) -> io::Result<()> {
        let set = &raw const self.0;
        // SAFETY: pointer and size describe the set.
        check(unsafe { libc::sched_setaffinity(thread, mem::size_of_val(&self.0), set) })?;
        Ok(())
    }
}

/// CPU time of this process so far.
pub fn own_cpu_ns() -> u64 {
    let mut time = super::clock::timespec(0);
    // SAFETY: `time` is valid for writing; the clock always exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_be_kept_to_one_processor_and_let_go() {
        std::thread::spawn(|| {
            let before = CpuSet::of(0).unwrap();
            CpuSet::only(0).unwrap().apply(0).unwrap();
            before.apply(0).unwrap();
        })
        .join()
        .unwrap();
        assert!(CpuSet::only(usize::MAX).is_err());
    }
}
