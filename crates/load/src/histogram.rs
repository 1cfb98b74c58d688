//! Percentiles without keeping every value.

use serde::Serialize;

/// Values below this have a bucket each; above, an octave has as many.
const FINE: u64 = 64;
/// Binary digits of `FINE`.
const FINE_BITS: u32 = 6;
/// Enough for every `u64`.
const BUCKETS: usize = ((64 - FINE_BITS as usize) + 1) * FINE as usize;

/// Counts of values in buckets that are at most 1/64 of their value wide.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

/// What a [`Histogram`] says, in µs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Values there were.
    pub count: u64,
    /// Half were at most this.
    pub p50: f64,
    /// 90 % were at most this.
    pub p90: f64,
    /// 99 % were at most this.
    pub p99: f64,
    /// The largest, exactly.
    pub max: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Counts a value, by custom in ns.
    pub fn add(&mut self, value: u64) {
        self.buckets[bucket_of(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The value that `percent` of all do not exceed, to 1/64; 0 when empty.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest_of(index).min(self.max);
            }
        }
        self.max
    }

    /// The usual percentiles of values in ns.
    pub fn percentiles(&self) -> Percentiles {
        let us = |ns: u64| ns as f64 / 1000.0;
        Percentiles {
            count: self.count,
            p50: us(self.percentile(50.0)),
            p90: us(self.percentile(90.0)),
            p99: us(self.percentile(99.0)),
            max: us(self.max),
        }
    }
}

fn bucket_of(value: u64) -> usize {
    if value < FINE {
        return value as usize;
    }
    let octave = value.ilog2() - FINE_BITS;
    let within = (value >> octave) - FINE;
    ((u64::from(octave) + 1) * FINE + within) as usize
}

/// The highest value that falls into a bucket.
fn highest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < FINE {
        return bucket;
    }
    let octave = bucket / FINE - 1;
    let above = u128::from(FINE + bucket % FINE + 1) << octave;
    u64::try_from(above - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_that_holds_it() {
        let mut last = 0;
        for value in (0..5000).chain([u64::MAX / 3, u64::MAX - 1, u64::MAX]) {
            let bucket = bucket_of(value);
            assert!(bucket >= last && bucket < BUCKETS, "{value} in {bucket}");
            assert!(highest_of(bucket) >= value);
            assert!(bucket == 0 || highest_of(bucket - 1) < value);
            last = bucket;
        }
    }

    #[test]
    fn percentiles_are_right_to_a_sixty_fourth() {
        let mut histogram = Histogram::default();
        for value in (1..=10_000).rev() {
            histogram.add(value * 1000);
        }
        for (percent, exact) in [(50.0, 5.0e6), (90.0, 9.0e6), (99.0, 9.9e6)] {
            let found = histogram.percentile(percent) as f64;
            assert!(found >= exact && found <= exact * (1.0 + 1.0 / 64.0));
        }
        assert!((histogram.percentiles().max - 10_000.0).abs() < f64::EPSILON);
        assert_eq!(histogram.percentile(100.0), 10_000_000);
        histogram.clear();
        assert_eq!(histogram.percentiles(), Percentiles::default());
    }

    #[test]
    fn one_value_is_every_percentile() {
        let mut histogram = Histogram::default();
        histogram.add(1_234_567);
        assert_eq!(histogram.percentile(0.0), 1_234_567);
        assert_eq!(histogram.percentile(50.0), 1_234_567);
        assert_eq!(histogram.percentile(99.0), 1_234_567);
    }
}
