//! How long to hold packets back: the playout point of one stream.
//!
//! A packet's *transit* is its arrival minus its place on the sender's clock.
//! The smallest transit of the last seconds is the *floor*; what a packet is
//! above it, its *excess*, is the network's jitter. The excess that 99 % of the
//! packets stay below is the *target*; a packet is due at
//! `media time + floor + target`.
//!
//! | what happens | playout point |
//! | --- | --- |
//! | floor + target rises above it | follows at once |
//! | falls more than `SLACK_US` below it for `PATIENCE_US` | follows |
//! | falls more than the maximum below it | falls to floor + maximum at once |
//! | a talkspurt begins with nothing buffered | follows at once |
//! | `LATE_RUN` packets in a row come after their time | the run is the new floor |
//!
//! The slack keeps a stream whose packets come near the tick from stepping to
//! and fro over it.

/// Width of a class of the distribution.
const CLASS_US: i64 = 2_000;
const CLASSES: usize = 128;
/// Packets counted before the older ones lose half their weight: 10 s of 20 ms
/// packets.
const HALF_LIFE: u32 = 512;
/// Weight of a packet that came too late to be used: what hurts counts more.
const LATE_WEIGHT: u16 = 8;
/// Packets between two looks at the distribution.
const REVIEW: u32 = 16;
/// The floor is the minimum over one to two of these.
const WINDOW_US: i64 = 4_000_000;
const SLACK_US: i64 = 10_000;
const PATIENCE_US: i64 = 2_000_000;
const LATE_RUN: u32 = 50;

/// Largest delay that the distribution can hold, in ms.
pub const MAX_DELAY_MS: u16 = (CLASS_US * (CLASSES as i64 - 8) / 1000) as u16;

/// Playout point of one stream. All times are µs.
#[derive(Clone, Debug)]
pub(super) struct PlayoutDelay {
    min_us: i64,
    max_us: i64,
    /// Minimum transit of the running window and of the one before.
    floors: [i64; 2],
    window_end_us: i64,
    classes: [u16; CLASSES],
    counted: u32,
    until_review: u32,
    target_us: i64,
    playout_us: i64,
    slack_since_us: Option<i64>,
    late_run: u32,
    late_run_floor: i64,
    started: bool,
}

impl PlayoutDelay {
    pub(super) fn new(min_ms: u16, max_ms: u16) -> Self {
        let max_ms = max_ms.min(MAX_DELAY_MS);
        let min_us = i64::from(min_ms.min(max_ms)) * 1000;
        Self {
            min_us,
            max_us: i64::from(max_ms) * 1000,
            floors: [i64::MAX; 2],
            window_end_us: 0,
            classes: [0; CLASSES],
            counted: 0,
            until_review: 0,
            target_us: min_us,
            playout_us: 0,
            slack_since_us: None,
            late_run: 0,
            late_run_floor: i64::MAX,
            started: false,
        }
    }

    /// When something of `media_us` on the sender's clock is to be heard.
    pub(super) fn due_us(&self, media_us: i64) -> i64 {
        media_us + self.playout_us
    }

    /// How long a packet without jitter is held back.
    pub(super) fn delay_us(&self) -> i64 {
        if self.started {
            self.playout_us - self.floor()
        } else {
            0
        }
    }

    /// The longest that a packet may be held back.
    pub(super) fn max_us(&self) -> i64 {
        self.max_us
    }

    /// Whether a packet is so far off that it speaks of another clock.
    pub(super) fn is_foreign(&self, transit_us: i64) -> bool {
        self.started && (transit_us - self.floor()).abs() > 1_000_000
    }

    /// Begins anew on another clock; what was learnt of the jitter stays.
    pub(super) fn rebase(&mut self, transit_us: i64, now_us: i64) {
        self.floors = [transit_us; 2];
        self.window_end_us = now_us + WINDOW_US;
        self.playout_us = transit_us + self.target_us;
        self.slack_since_us = None;
        self.late_run = 0;
        self.started = true;
    }

    /// The next packet is of a stream with another clock.
    pub(super) fn forget_clock(&mut self) {
        self.started = false;
        self.late_run = 0;
    }

    /// Takes a packet's times. `useless` when it came too late.
    pub(super) fn observe(&mut self, transit_us: i64, now_us: i64, useless: bool) {
        if !self.started {
            self.rebase(transit_us, now_us);
        }
        if now_us >= self.window_end_us {
            self.floors = [transit_us, self.floors[0]];
            self.window_end_us = now_us + WINDOW_US;
        }
        self.floors[0] = self.floors[0].min(transit_us);
        self.watch_late_run(transit_us, now_us);
        let excess = transit_us - self.floor();
        self.count(excess, if useless { LATE_WEIGHT } else { 1 });
        if self.until_review == 0 || excess > self.target_us {
            self.review();
        }
        self.until_review -= 1;
        self.follow(now_us);
    }

    /// A talkspurt begins and nobody hears a step.
    pub(super) fn begin_talkspurt(&mut self) {
        if self.started {
            self.playout_us = self.floor() + self.target_us;
            self.slack_since_us = None;
        }
    }

    fn floor(&self) -> i64 {
        self.floors[0].min(self.floors[1])
    }

    fn watch_late_run(&mut self, transit_us: i64, now_us: i64) {
        if transit_us <= self.playout_us {
            self.late_run = 0;
            self.late_run_floor = i64::MAX;
            return;
        }
        self.late_run += 1;
        self.late_run_floor = self.late_run_floor.min(transit_us);
        if self.late_run >= LATE_RUN {
            self.rebase(self.late_run_floor, now_us);
        }
    }

    fn count(&mut self, excess_us: i64, weight: u16) {
        let class = (excess_us / CLASS_US).clamp(0, CLASSES as i64 - 1) as usize;
        self.classes[class] += weight;
        self.counted += u32::from(weight);
        if self.counted >= 2 * HALF_LIFE {
            self.counted = 0;
            for class in &mut self.classes {
                *class /= 2;
                self.counted += u32::from(*class);
            }
        }
    }

    fn review(&mut self) {
        self.until_review = REVIEW;
        let enough = self.counted - self.counted / 100;
        let mut below = 0;
        for (class, &count) in (1..).zip(&self.classes) {
            below += u32::from(count);
            if below >= enough {
                self.target_us = (class * CLASS_US).clamp(self.min_us, self.max_us);
                return;
            }
        }
    }

    fn follow(&mut self, now_us: i64) {
        let wanted = self.floor() + self.target_us;
        let above = self.playout_us - wanted;
        if above < 0 {
            self.playout_us = wanted;
        }
        self.playout_us = self.playout_us.min(self.floor() + self.max_us);
        if above <= SLACK_US {
            self.slack_since_us = None;
            return;
        }
        let since = *self.slack_since_us.get_or_insert(now_us);
        if now_us - since >= PATIENCE_US {
            self.playout_us = wanted;
            self.slack_since_us = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds 20 ms packets with the given transits, returns the delay after each.
    fn run(
        delay: &mut PlayoutDelay,
        from: i64,
        transits: impl IntoIterator<Item = i64>,
    ) -> Vec<i64> {
        (from..)
            .zip(transits)
            .map(|(n, transit)| {
                delay.observe(transit, n * 20_000 + transit, false);
                delay.delay_us()
            })
            .collect()
    }

    #[test]
    fn without_jitter_there_is_next_to_no_delay() {
        let mut delay = PlayoutDelay::new(0, 200);
        let delays = run(&mut delay, 0, [500_000; 1000]);
        assert!(
            delays.iter().all(|&d| d <= CLASS_US),
            "{:?}",
            delays.iter().max()
        );
    }

    #[test]
    fn rises_at_once_and_falls_with_patience() {
        let mut delay = PlayoutDelay::new(0, 200);
        run(&mut delay, 0, [0; 100]);
        let risen = run(&mut delay, 100, [60_000, 0, 60_000, 0]);
        assert!(risen[0] <= CLASS_US, "one in a hundred is no reason");
        assert!(risen[2] >= 60_000 && risen[3] >= 60_000, "{risen:?}");
        let after = run(&mut delay, 104, vec![0; 3000]);
        assert!(after[50] >= 60_000, "not within a second");
        assert!(after[2999] <= CLASS_US, "{}", after[2999]);
    }

    #[test]
    fn covers_99_percent_of_what_comes() {
        let mut delay = PlayoutDelay::new(0, 200);
        let mut random = crate::random::SplitMix64::new(7);
        let transits: Vec<i64> = (0..5000)
            .map(|_| random.between(0, 60_000) as i64)
            .collect();
        let delays = run(&mut delay, 0, transits.iter().copied());
        let late = transits[500..]
            .iter()
            .zip(&delays[499..])
            .filter(|(t, d)| t > d)
            .count();
        assert!(late <= 45 * 2, "{late} of 4500");
        assert!(delays[500..].iter().all(|d| (50_000..=64_000).contains(d)));
    }

    #[test]
    fn what_came_too_late_counts_more() {
        for (useless, covered) in [(false, false), (true, true)] {
            let mut delay = PlayoutDelay::new(0, 200);
            for n in 0..2000 {
                let late = n % 150 == 0;
                let transit = if late { 50_000 } else { 0 };
                delay.observe(transit, n * 20_000 + transit, late && useless);
            }
            assert_eq!(delay.delay_us() >= 50_000, covered);
        }
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut delay = PlayoutDelay::new(40, 100);
        assert!(run(&mut delay, 0, [0; 100]).iter().all(|&d| d == 40_000));
        let wild = (0..1000).map(|n| if n % 3 == 0 { 400_000 } else { 0 });
        assert!(run(&mut delay, 100, wild).iter().all(|&d| d <= 100_000));
    }

    #[test]
    fn a_longer_path_becomes_the_floor() {
        let mut delay = PlayoutDelay::new(0, 200);
        run(&mut delay, 0, [0; 200]);
        run(&mut delay, 200, [900_000; 60]);
        assert_eq!(delay.floor(), 900_000);
        assert!(delay.due_us(0) >= 900_000);
        run(&mut delay, 260, [0; 2]);
        assert!(
            delay.due_us(0) <= 200_000,
            "a shorter path takes the maximum along at once"
        );
    }

    #[test]
    fn follows_a_drifting_clock() {
        for drift in [-10, 10] {
            let mut delay = PlayoutDelay::new(0, 200);
            // 10 µs a packet is 500 ppm, five times what is usual.
            let delays = run(&mut delay, 0, (0..10_000).map(|n| n * drift));
            assert!(
                delays.iter().all(|&d| d <= SLACK_US + 6 * CLASS_US),
                "{drift}: {:?}",
                delays.iter().max()
            );
        }
    }
}
