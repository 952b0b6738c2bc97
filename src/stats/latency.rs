//! How soon results are there: a histogram of the time from when the clock judged the batch that brought a
//! result out, to when that result was safe (flushed to its file or pipe, acknowledged by the brokers, or
//! committed together with its checkpoint). Written by the output's thread, and only where somebody watches.
//!
//! Not in it is what comes before the clock: a frame's way to the log and through brokers, read buffers,
//! scanners and the ring to the clock; and max-lag, for which a window waits on purpose. Nor are the results
//! of the log's first thousand frames in it, which are kept back until the unit of time is known.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::own::Own;

/// Upper bounds of the buckets, seconds; what took longer is in one more.
pub const BOUNDS_S: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

/// Batches with results that are not safe yet, which are remembered; of further ones nothing is measured.
const BATCHES_MAX: usize = 4096;

/// The histogram.
#[derive(Debug, Default)]
pub struct Latency {
    inner: CachePadded<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    buckets: [Own; BOUNDS_S.len() + 1],
    sum_ns: Own,
}

/// A reading of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencyReading {
    /// Results by bucket, that without a bound last.
    pub buckets: [u64; BOUNDS_S.len() + 1],
    /// Of all results.
    pub sum: Duration,
}

impl Latency {
    fn observe(&self, took: Duration, results: u64) {
        let took_s = took.as_secs_f64();
        let bucket = BOUNDS_S.partition_point(|&bound_s| bound_s < took_s);
        self.inner.buckets[bucket].add(results);
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.inner
            .sum_ns
            .set(self.inner.sum_ns.get().saturating_add(took_ns.saturating_mul(results)));
    }

    /// A reading.
    pub fn read(&self) -> LatencyReading {
        let mut reading = LatencyReading::default();
        for (n, bucket) in reading.buckets.iter_mut().zip(&self.inner.buckets) {
            *n = bucket.get();
        }
        reading.sum = Duration::from_nanos(self.inner.sum_ns.get());
        reading
    }
}

impl LatencyReading {
    /// Results in it.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The time within which this share of the results was safe, seconds: as if those of a bucket lay evenly
    /// in it. Of those beyond the last bound it is known only that they took longer; none without results.
    pub fn quantile_s(&self, share: f64) -> Option<f64> {
        let count = self.count();
        let wanted = share * count as f64;
        let (mut below, mut from_s) = (0.0, 0.0);
        for (&n, &to_s) in self.buckets.iter().zip(&BOUNDS_S) {
            let in_it = n as f64;
            if n > 0 && below + in_it >= wanted {
                return Some(from_s + (to_s - from_s) * ((wanted - below) / in_it).clamp(0.0, 1.0));
            }
            (below, from_s) = (below + in_it, to_s);
        }
        (count > 0).then_some(from_s)
    }
}

/// Results that are not safe yet, by the batches that brought them out. Belongs to the output's stage.
#[derive(Debug, Default)]
pub struct UnderWay {
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    judged_at: Instant,
    /// The number of its last result, and how many there are.
    last: u64,
    results: u64,
}

impl UnderWay {
    /// The result of this number, counted from 1, was given to the output.
    pub fn put(&mut self, number: u64, judged_at: Instant) {
        let is_full = self.batches.len() == BATCHES_MAX;
        match self.batches.back_mut() {
            Some(batch) if batch.judged_at == judged_at => {
                (batch.last, batch.results) = (number, batch.results + 1);
            }
            _ if is_full => {}
            _ => self.batches.push_back(Batch { judged_at, last: number, results: 1 }),
        }
    }

    /// The results up to this number are safe.
    pub fn safe(&mut self, number: u64, latency: &Latency) {
        let now = Instant::now();
        while let Some(batch) = self.batches.front_mut() {
            let left = batch.last.saturating_sub(number).min(batch.results);
            let safe = batch.results - left;
            if safe > 0 {
                latency.observe(now.saturating_duration_since(batch.judged_at), safe);
            }
            batch.results = left;
            if left > 0 {
                break;
            }
            self.batches.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_in_their_buckets() {
        let latency = Latency::default();
        assert_eq!(latency.read().quantile_s(0.5), None);
        latency.observe(Duration::from_millis(3), 98);
        latency.observe(Duration::from_millis(700), 1);
        latency.observe(Duration::from_secs(60), 1);
        let reading = latency.read();
        assert_eq!(reading.count(), 100);
        assert_eq!(reading.sum, Duration::from_millis(98 * 3 + 700 + 60_000));
        let within = |share, from_s, to_s| {
            let at_s = reading.quantile_s(share).unwrap();
            assert!((from_s..=to_s).contains(&at_s), "{share}: {at_s}");
        };
        within(0.5, 0.0025, 0.005);
        within(0.99, 0.5, 1.0);
        within(1.0, 10.0, 10.0);
        // Exactly at a bound is within it.
        let latency = Latency::default();
        latency.observe(Duration::from_millis(5), 1);
        assert_eq!(latency.read().buckets[4], 1);
    }

    #[test]
    fn results_are_measured_when_they_are_safe_and_once() {
        let (latency, mut under_way) = (Latency::default(), UnderWay::default());
        let (first, second) = (Instant::now(), Instant::now() + Duration::from_nanos(1));
        for (number, at) in [(1, first), (2, first), (3, first), (4, second)] {
            under_way.put(number, at);
        }
        for (safe, count) in [(0, 0), (2, 2), (2, 2), (3, 3), (4, 4), (4, 4)] {
            under_way.safe(safe, &latency);
            assert_eq!(latency.read().count(), count, "{safe}");
        }
        assert!(under_way.batches.is_empty());
    }
}
