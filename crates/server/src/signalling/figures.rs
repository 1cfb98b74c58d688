//! What signalling publishes once a second for those who look from outside.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use strowger_switch::switch::SwitchStats;

use crate::media::WorkerStats;
use crate::net::{TcpStats, UdpStats};
use crate::records::RecordStats;
use crate::sys;

/// Silence of a thread that publishes every second which means that it is stuck.
pub const MAX_SILENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Figures of the signalling thread.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The switch's own.
    pub switch: SwitchStats,
    /// All UDP listeners together.
    pub udp: UdpStats,
    /// All stream connections together.
    pub tcp: TcpStats,
    /// Bound socket pairs waiting for a call.
    pub stocked_ports: u64,
    /// Orders waiting for room on their way to the media workers.
    pub orders_waiting: u64,
    /// Orders waiting for the prompt library.
    pub prompts_waiting: u64,
}

/// Where the parts of the server leave their figures and signs of life.
#[derive(Debug)]
pub struct Board {
    figures: Mutex<Figures>,
    published_ns: AtomicU64,
    draining: AtomicBool,
    /// One for each media worker.
    pub workers: Vec<Arc<WorkerStats>>,
    /// Of the call records.
    pub records: Arc<RecordStats>,
}

impl Board {
    /// A board without figures yet.
    pub fn new(workers: Vec<Arc<WorkerStats>>, records: Arc<RecordStats>) -> Self {
        Self {
            figures: Mutex::default(),
            published_ns: AtomicU64::new(sys::monotonic_ns()),
            draining: AtomicBool::new(false),
            workers,
            records,
        }
    }

    /// Replaces the figures of the signalling thread; a sign of life, too.
    pub fn publish(&self, figures: Figures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
        self.published_ns.store(sys::monotonic_ns(), Relaxed);
    }

    /// The figures last published.
    pub fn figures(&self) -> Figures {
        self.figures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// From now on new calls are refused.
    pub fn set_draining(&self) {
        self.draining.store(true, Relaxed);
    }

    /// What keeps the server from taking calls, if anything does.
    pub fn trouble(&self) -> Option<String> {
        if self.draining.load(Relaxed) {
            return Some("draining".to_owned());
        }
        let silence = sys::monotonic_ns().saturating_sub(self.published_ns.load(Relaxed));
        if u128::from(silence) > MAX_SILENCE.as_nanos() {
            return Some("signalling is stuck".to_owned());
        }
        let dead = self.workers.iter().position(|worker| !worker.is_alive());
        dead.map(|worker| format!("media worker {worker} is dead or stuck"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_named() {
        let worker = Arc::new(WorkerStats::default());
        worker.set_asleep(true);
        let board = Board::new(vec![Arc::clone(&worker)], Arc::default());
        assert_eq!(board.trouble(), None);
        worker.set_dead();
        assert_eq!(board.trouble().unwrap(), "media worker 0 is dead or stuck");
        board.published_ns.store(0, Relaxed);
        assert_eq!(board.trouble().unwrap(), "signalling is stuck");
        board.publish(Figures::default());
        board.set_draining();
        assert_eq!(board.trouble().unwrap(), "draining");
    }
}
