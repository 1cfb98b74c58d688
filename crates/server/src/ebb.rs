//! After a load, the memory it needed goes back to the system. The allocator
//! keeps what was freed between things still in use, and transactions that linger
//! for half a minute leave much of that behind: twice the process, for good.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use crate::signalling::Board;
use crate::sys;

/// How often the load is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Calls and transactions together that are too few to be a load.
const WORTHLESS: u64 = 1000;

/// Watches the load for as long as it is polled.
pub async fn watch(board: Arc<Board>) {
    let mut ebb = Ebb::default();
    let mut look = interval(LOOK);
    loop {
        look.tick().await;
        let figures = board.figures().switch;
        if ebb.is_here(figures.calls_live + figures.transactions_live) {
            // It takes milliseconds; HTTP and signals need not wait for them.
            let _ = tokio::task::spawn_blocking(sys::release_free_memory).await;
        }
    }
}

#[derive(Debug, Default)]
struct Ebb {
    high: u64,
}

impl Ebb {
    /// Whether the load has fallen to a quarter of what it was since the last ebb.
    fn is_here(&mut self, load: u64) -> bool {
        self.high = self.high.max(load);
        let here = self.high > WORTHLESS && load <= self.high / 4;
        if here {
            self.high = load;
        }
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ebb_comes_once_after_each_load() {
        let table = [
            (0, false),
            (1000, false),
            (0, false),
            (25_000, false),
            (7000, false),
            (6000, true),
            (6000, false),
            (1500, true),
            (0, true),
            (0, false),
        ];
        let mut ebb = Ebb::default();
        for (row, (load, here)) in table.into_iter().enumerate() {
            assert_eq!(ebb.is_here(load), here, "row {row}");
        }
    }
}
