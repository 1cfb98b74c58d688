//! The server as `/proc` shows it: who it is, its CPU time and its memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::sys::{CpuSet, ticks_per_second};

/// A process under observation.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
}

/// CPU time used up to one moment.
#[derive(Clone, Debug)]
pub struct Usage {
    /// By thread, in ns (`schedstat`); empty where the kernel does not tell.
    threads: BTreeMap<u32, u64>,
    user_ticks: u64,
    system_ticks: u64,
}

/// CPU time between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spent {
    /// User and system, in µs.
    pub cpu_us: f64,
    /// User, in µs, to one tick of the kernel (usually 10 ms).
    pub user_us: f64,
    /// System, in µs, to one tick of the kernel.
    pub system_us: f64,
    /// Whether `cpu_us` is of the scheduler (ns) and not of the ticks.
    pub is_exact: bool,
}

impl Process {
    /// The process that owns a UDP port of this machine.
    pub fn of_udp_port(address: SocketAddr) -> Option<Self> {
        let mut inodes = Vec::new();
        for table in ["/proc/net/udp", "/proc/net/udp6"] {
            let text = fs::read_to_string(table).unwrap_or_default();
            inodes.extend(text.lines().filter_map(|line| inode_of(line, address)));
        }
        let wanted: Vec<String> = inodes
            .iter()
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        let mut pids: Vec<u32> = numbers_in("/proc");
        pids.sort_unstable();
        pids.into_iter()
            .find(|pid| holds_one_of(*pid, &wanted))
            .map(|pid| Self { pid })
    }

    /// What it is called; empty when it is gone.
    pub fn name(self) -> String {
        let text = fs::read_to_string(format!("/proc/{}/comm", self.pid));
        text.unwrap_or_default().trim().to_owned()
    }

    /// CPU time so far.
    pub fn usage(self) -> io::Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (user_ticks, system_ticks) = ticks_of(&stat)
            .ok_or_else(|| io::Error::other(format!("/proc/{}/stat is strange", self.pid)))?;
        let mut threads = BTreeMap::new();
        for thread in self.threads() {
            let file = format!("/proc/{}/task/{thread}/schedstat", self.pid);
            let text = fs::read_to_string(file).unwrap_or_default();
            if let Some(ns) = text.split(' ').next().and_then(|word| word.parse().ok()) {
                threads.insert(thread, ns);
            }
        }
        Ok(Usage {
            threads,
            user_ticks,
            system_ticks,
        })
    }

    /// Memory in use (RSS) in kB.
    pub fn memory_kb(self) -> io::Result<u64> {
        // The rollup counts; `status` may lag behind by some pages a thread.
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid));
        if let Some(kb) = rollup.ok().and_then(|text| kb_of(&text, "Rss:")) {
            return Ok(kb);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        kb_of(&status, "VmRSS:").ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Keeps all its threads to a set of processors; what they had before comes
    /// back, to be given to [`Process::unpin`].
    pub fn pin(self, set: &CpuSet) -> io::Result<Vec<(i32, CpuSet)>> {
        let mut before = Vec::new();
        for thread in self.threads() {
            let thread = thread as i32;
            let pinned = CpuSet::of(thread).and_then(|old| set.apply(thread).map(|()| old));
            match pinned {
                Ok(old) => before.push((thread, old)),
                // It has ended meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(error) => {
                    Self::unpin(&before);
                    return Err(error);
                }
            }
        }
        Ok(before)
    }

    /// Takes back [`Process::pin`]. Threads that ended meanwhile are no matter.
    pub fn unpin(before: &[(i32, CpuSet)]) {
        for (thread, set) in before {
            let _ = set.apply(*thread);
        }
    }

    fn threads(self) -> Vec<u32> {
        numbers_in(&format!("/proc/{}/task", self.pid))
    }
}

impl Usage {
    /// What was used since an earlier moment.
    pub fn since(&self, earlier: &Self) -> Spent {
        let tick_us = 1e6 / ticks_per_second() as f64;
        let user_us = (self.user_ticks - earlier.user_ticks.min(self.user_ticks)) as f64 * tick_us;
        let system_us =
            (self.system_ticks - earlier.system_ticks.min(self.system_ticks)) as f64 * tick_us;
        // A thread that ended took its count with it: then only the ticks have
        // all, unless they are too coarse to have anything.
        let is_exact = !self.threads.is_empty()
            && earlier
                .threads
                .keys()
                .all(|id| self.threads.contains_key(id));
        let of_threads = self.threads.iter().map(|(id, ns)| {
            let before = earlier.threads.get(id).copied().unwrap_or_default();
            ns.saturating_sub(before)
        });
        let alive_us = of_threads.sum::<u64>() as f64 / 1000.0;
        Spent {
            cpu_us: if is_exact {
                alive_us
            } else {
                alive_us.max(user_us + system_us)
            },
            user_us,
            system_us,
            is_exact,
        }
    }
}

/// The inode in a line of `/proc/net/udp` if the socket takes what is sent to
/// the address.
fn inode_of(line: &str, address: SocketAddr) -> Option<u64> {
    let mut words = line.split_whitespace();
    let (ip, port) = words.nth(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != address.port() {
        return None;
    }
    let takes_all = ip.bytes().all(|digit| digit == b'0');
    if !takes_all && ip != hexadecimal(address.ip()) {
        return None;
    }
    words.nth(7)?.parse().ok()
}

/// An address as `/proc/net/udp` writes it: words of the machine's own order.
fn hexadecimal(ip: IpAddr) -> String {
    let octets = match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    octets.chunks(4).fold(String::new(), |mut text, word| {
        let word = [word[0], word[1], word[2], word[3]];
        let _ = write!(text, "{:08X}", u32::from_ne_bytes(word));
        text
    })
}

fn holds_one_of(pid: u32, sockets: &[String]) -> bool {
    if sockets.is_empty() {
        return false;
    }
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    entries.filter_map(Result::ok).any(|entry| {
        fs::read_link(entry.path())
            .ok()
            .and_then(|link| {
                link.to_str()
                    .map(|link| sockets.iter().any(|one| one == link))
            })
            .unwrap_or_default()
    })
}

fn numbers_in(folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// User and system time, words 14 and 15 of `/proc/PID/stat`; the second word
/// is a name in brackets and may hold anything.
fn ticks_of(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let user = words.nth(11)?.parse().ok()?;
    Some((user, words.next()?.parse().ok()?))
}

fn kb_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn the_owner_of_a_port_is_found() {
        for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let socket = UdpSocket::bind(address).unwrap();
            let mut bound = socket.local_addr().unwrap();
            if bound.ip().is_unspecified() {
                bound.set_ip([127, 0, 0, 1].into());
            }
            let owner = Process::of_udp_port(bound).expect("this process");
            assert_eq!(owner.pid, std::process::id());
            assert!(!owner.name().is_empty());
            drop(socket);
            assert!(Process::of_udp_port(bound).is_none());
        }
    }

    #[test]
    fn work_shows_as_cpu_time_and_memory() {
        let own = Process {
            pid: std::process::id(),
        };
        let before = own.usage().unwrap();
        let until = crate::sys::own_cpu_ns() + 60_000_000;
        while crate::sys::own_cpu_ns() < until {
            std::hint::black_box(0);
        }
        let spent = own.usage().unwrap().since(&before);
        assert!(spent.cpu_us > 20_000.0, "{spent:?}");
        assert!(own.memory_kb().unwrap() > 500);
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_words() {
        let stat = "7 (a) 1 (b)) S 1 2 3 4 5 6 7 8 9 10 250 40 0 0";
        assert_eq!(ticks_of(stat), Some((250, 40)));
        assert_eq!(ticks_of("7 (a) S"), None);
        assert_eq!(kb_of("Name: x\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
    }

    #[test]
    fn an_ended_thread_leaves_the_ticks_to_count() {
        let usage = |threads: &[(u32, u64)], ticks| Usage {
            threads: threads.iter().copied().collect(),
            user_ticks: ticks,
            system_ticks: 0,
        };
        let tick_us = 1e6 / ticks_per_second() as f64;
        let both = usage(&[(1, 5_000), (2, 9_000)], 3);
        let spent = usage(&[(1, 6_000), (2, 9_000), (3, 4_000)], 9).since(&both);
        assert!(spent.is_exact && (spent.cpu_us - 5.0).abs() < 1e-9);
        let spent = usage(&[(1, 6_000)], 9).since(&both);
        assert!(!spent.is_exact && (spent.cpu_us - 6.0 * tick_us).abs() < 1e-6);
    }
}
