//! `/metrics`: the run for Prometheus, in its text format. Read anew at each scrape; nothing is kept here.
//!
//! Label sets are bounded: by what a run is made of (stages, rings, reasons), and for partitions by
//! [`WATCHED_PARTITIONS_MAX`]: those beyond share the label `other`, with the lowest clock, the greatest lag
//! and the sum of what is unread.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::live::age_s;
use super::partitions::{Doing, PartitionSeen, lag_s, partitions};
use super::seen::{Run, Seen, State};
use crate::limits::WATCHED_PARTITIONS_MAX;
use crate::scan::{Kernel, Malformed};
use crate::stats::{BOUNDS_S, LatencyReading, Snapshot, Wired, wall_ms};

/// How metrics are sent.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// The registry of all metrics.
pub struct Metrics(Registry);

impl Metrics {
    /// Of what the server knows.
    pub fn new(seen: &Arc<Seen>) -> Metrics {
        let mut registry = Registry::with_prefix("headcount");
        registry.register_collector(Box::new(Scrape(Arc::clone(seen))));
        Metrics(registry)
    }

    /// All of them now, as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_text::encode(&mut text, &self.0);
        text
    }
}

struct Scrape(Arc<Seen>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        let (seen, now_ms) = (&*self.0, wall_ms());
        to.gauges(
            "build_info",
            "Always 1; its labels say which program runs, and by which kernel it scans",
            [(
                vec![
                    ("version", env!("CARGO_PKG_VERSION").into()),
                    ("kernel", Kernel::best().name().into()),
                ],
                1.0,
            )],
        )?;
        to.gauge(
            "start_time_seconds",
            "When the program started, unix time",
            seconds(seen.started_ms),
        )?;
        let is_ready = seen.state() == State::Running;
        to.gauge(
            "ready",
            "1 while the run counts; 0 while it is looking at its input, restores what an earlier run left, or ends",
            f64::from(u8::from(is_ready)),
        )?;
        let Some((run, wired)) = seen.wired() else { return Ok(()) };
        frames(&mut to, run, wired)?;
        pipeline(&mut to, run, wired, now_ms)?;
        time(&mut to, run, &run.snapshot(), now_ms)
    }
}

/// What was read and what became of it.
fn frames(to: &mut Writer<'_>, run: &Run, wired: &Wired) -> fmt::Result {
    let read = run.live.read();
    to.counter(
        "frames",
        "Frames read by this run: lines but blank ones, or messages",
        read.frames,
    )?;
    to.counter("frame_bytes", "Bytes of the lines or messages read, uncompressed", read.bytes)?;
    to.counter(
        "input_bytes",
        "Bytes read of files and pipes as they lie there, compressed or not; of a topic always 0",
        read.input_bytes,
    )?;
    to.counter("frames_counted", "Frames counted in at least one window", read.clock.counted)?;
    let refused = [
        ("late", read.clock.refused_late),
        ("future", read.clock.refused_future),
        ("gone", read.clock.refused_gone),
    ];
    to.counters(
        "frames_refused",
        "Frames counted in no window: late, their windows were over by their own partition's clock; future, too far ahead for too long; gone, on time but the window no longer kept",
        refused.map(|(reason, n)| (vec![("reason", reason.into())], n)),
    )?;
    let malformed = |reason: Malformed| {
        (vec![("reason", reason.as_str().into())], read.tally.malformed[reason.index()])
    };
    to.counters(
        "frames_malformed",
        "Frames that are not what a frame must be, by reason",
        Malformed::ALL.map(malformed),
    )?;
    to.counter("frames_empty", "Messages without a payload", read.tally.empty)?;
    to.counter(
        "frames_passed_over",
        "Frames read again and passed over, as an earlier run put their windows out",
        read.clock.out_before,
    )?;
    to.gauge(
        "windows_open",
        "Windows kept: those not final yet, and those out and kept for late frames",
        number(read.clock.windows),
    )?;
    to.gauge(
        "users",
        "Users of the windows kept; one who is in several of them counts in each",
        number(wired.users()),
    )?;
    to.counter(
        "results",
        "Results of this run that are safe: flushed, acknowledged by the brokers, or committed; revisions and provisional ones among them",
        read.results,
    )?;
    let latency = run.live.watched.as_ref().map(|watched| watched.latency.read());
    to.histogram(
        "result_latency_seconds",
        "From when the clock judged the batch that brought a result out until the result was safe (flushed, acknowledged by the brokers, or committed). Not in it: what comes before the clock (the way to the log and through brokers, reading, scanning) and max-lag, for which a window waits on purpose",
        &latency.unwrap_or_default(),
    )
}

/// What the run is made of.
fn pipeline(to: &mut Writer<'_>, run: &Run, wired: &Wired, now_ms: i64) -> fmt::Result {
    let stage = |stage: &crate::stats::StageSeen| {
        let labels = vec![("stage", stage.name.clone()), ("thread", stage.thread.to_string())];
        (labels, stage.busy.read().as_secs_f64())
    };
    to.counters_s(
        "stage_busy_seconds",
        "Time a stage's thread spent in steps of it that did something; its rate is the stage's utilisation",
        wired.stages.iter().map(stage),
    )?;
    let labels = |ring: &crate::stats::RingSeen| {
        vec![("from", ring.from.clone()), ("to", ring.to.clone()), ("carries", ring.carries.into())]
    };
    let values = wired.rings.iter().map(|ring| (labels(ring), number(ring.fill.values() as u64)));
    to.gauges("ring_values", "Values in a ring between two stages", values)?;
    let slots = wired.rings.iter().map(|ring| (labels(ring), number(ring.fill.slots() as u64)));
    to.gauges(
        "ring_slots",
        "Values a ring has room for; a full one holds the stage before it back",
        slots,
    )?;
    if !wired.makes_checkpoints {
        return Ok(());
    }
    let kept = run.live.checkpoints.read();
    to.counter("checkpoints", "Checkpoints kept by this run", kept.kept)?;
    if let (Some(age_s), Some(took)) = (age_s(kept.kept_at_ms, now_ms), kept.took) {
        to.gauge("checkpoint_age_seconds", "How long ago the last checkpoint was kept", age_s)?;
        to.gauge(
            "checkpoint_duration_seconds",
            "How long the last checkpoint took, from when all stages were cut and what comes before it was safe, until it was kept",
            took.as_secs_f64(),
        )?;
    }
    Ok(())
}

/// How far time is.
fn time(to: &mut Writer<'_>, run: &Run, snapshot: &Snapshot, now_ms: i64) -> fmt::Result {
    to.gauge(
        "frames_parked",
        "Frames that wait, as they lie too far ahead of their partition",
        number(snapshot.parked),
    )?;
    if let Some(lowest_s) = run.live.clock.read().lowest_s {
        let help = "The lowest clock of the partitions that hold time back, event time as unix time; windows up to it less max-lag are final";
        to.gauge("clock_seconds", help, lowest_s as f64)?;
        let help = "Wall clock less the lowest clock; it says something where the log is live";
        to.gauge("clock_lag_seconds", help, lag_s(lowest_s, now_ms))?;
    }
    let all = partitions(run, snapshot);
    let doing = |doing: Doing| {
        let count = all.iter().filter(|one| one.doing == doing).count();
        (vec![("state", doing.as_str().into())], number(count as u64))
    };
    to.gauges(
        "partitions",
        "Partitions by state: reading; held, not read on as too far ahead of others; silent; ended. A file or pipe is one",
        Doing::ALL.map(doing),
    )?;
    if let Some(unread) = all.iter().filter_map(|one| one.unread).reduce(|all, one| all + one) {
        let help = "Messages of all partitions that are not read yet, as far as the client knows; counted as offsets";
        to.gauge("unread_messages", help, number(unread))?;
    }
    let of =
        |name,
         help,
         value: &dyn Fn(&PartitionSeen) -> Option<f64>,
         more: &dyn Fn(f64, f64) -> f64| { (name, help, labelled(&all, value, more)) };
    for (name, help, values) in [
        of(
            "partition_clock_seconds",
            "A partition's clock, event time as unix time; partition=\"other\": the lowest of those that have no label of their own",
            &|one| one.clock_s.map(|clock_s| clock_s as f64),
            &f64::min,
        ),
        of(
            "partition_lag_seconds",
            "Wall clock less a partition's clock; partition=\"other\": the greatest of those that have no label of their own",
            &|one| one.lag_s(now_ms),
            &f64::max,
        ),
        of(
            "partition_holds_time_back",
            "1 for a partition that no window is final before: without a clock, or with the lowest; partition=\"other\": how many of those that have no label of their own",
            &|one| Some(f64::from(u8::from(one.lowest_since_ms.is_some()))),
            &|a, b| a + b,
        ),
        of(
            "partition_unread_messages",
            "Messages of a partition that are not read yet, as far as the client knows; counted as offsets; partition=\"other\": the sum of those that have no label of their own",
            &|one| one.unread.map(number),
            &|a, b| a + b,
        ),
    ] {
        if !values.is_empty() {
            to.gauges(name, help, values)?;
        }
    }
    Ok(())
}

/// A value of each partition, those beyond the bound put together.
fn labelled(
    all: &[PartitionSeen],
    value: &dyn Fn(&PartitionSeen) -> Option<f64>,
    more: &dyn Fn(f64, f64) -> f64,
) -> Vec<(Labels, f64)> {
    let (own, others) = all.split_at(all.len().min(WATCHED_PARTITIONS_MAX));
    let own = own
        .iter()
        .filter_map(|one| Some((vec![("partition", one.partition.to_string())], value(one)?)));
    let others = others.iter().filter_map(value).reduce(more);
    own.chain(others.map(|others| (vec![("partition", "other".to_owned())], others))).collect()
}

fn number(n: u64) -> f64 {
    n as f64
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

type Labels = Vec<(&'static str, String)>;

/// Writes families of metrics.
struct Writer<'e>(DescriptorEncoder<'e>);

impl Writer<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, u64, f64>(&value, None)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        Ok(())
    }

    fn counters_s(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, f64, f64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, reading: &LatencyReading) -> fmt::Result {
        let bounds = BOUNDS_S.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(reading.buckets).collect();
        let (sum, count) = (reading.sum.as_secs_f64(), reading.count());
        self.0
            .encode_descriptor(name, help, None, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_beyond_the_bound_share_a_label() {
        let one = |partition| PartitionSeen {
            partition,
            clock_s: Some(i64::from(partition)),
            moved_ms: None,
            lowest_since_ms: None,
            unread: (partition % 2 == 0).then_some(3),
            doing: Doing::Reading,
        };
        let bound = u32::try_from(WATCHED_PARTITIONS_MAX).unwrap();
        for (partitions, others) in [(bound, None), (bound + 4, Some((f64::from(bound), 6.0)))] {
            let all: Vec<PartitionSeen> = (0..partitions).map(one).collect();
            let clocks =
                labelled(&all, &|one| one.clock_s.map(|clock_s| clock_s as f64), &f64::min);
            let unread = labelled(&all, &|one| one.unread.map(number), &|a, b| a + b);
            let other = |values: &[(Labels, f64)]| {
                let other = vec![("partition", "other".to_owned())];
                values.iter().find(|(labels, _)| *labels == other).map(|&(_, value)| value)
            };
            assert_eq!(other(&clocks).zip(other(&unread)), others);
            let own = WATCHED_PARTITIONS_MAX + usize::from(others.is_some());
            assert_eq!(
                (clocks.len(), unread.len() - usize::from(others.is_some())),
                (own, own / 2)
            );
            assert_eq!(clocks[7], (vec![("partition", "7".to_owned())], 7.0));
        }
    }
}
