//! The whole engine against the reference: any log, any topology, tiny sizes, any order of steps, some
//! broken off by a fault.

use headcount::engine::Sizes;
use headcount::scan::{ScanSettings, TsUnit};
use headcount::topology::{Topology, Wish};

use super::pipeline::log::{Log, Source};
use super::pipeline::machine::Fault;
use super::pipeline::time::Time;
use super::pipeline::{Case, Random};

/// Bytes that say how; the log follows.
const HEAD_BYTES: usize = 16;

/// Before the log 16 bytes: topology (3), sizes (6), time, source, flags, unit, order of steps, two
/// places at which the log is cut into inputs. Each is taken modulo the choices there are, so that
/// every head is a good one.
pub fn check(bytes: &[u8]) -> bool {
    let Some((head, log)) = bytes.split_first_chunk::<HEAD_BYTES>() else { return false };
    let [scanners, counters, cores, rest @ ..] = *head;
    let [chunk, frames, uids, batches, batch_slots, result_slots, rest @ ..] = rest;
    let [time, source, flags, unit, order, cut_a, cut_b] = rest;
    let wish = Wish {
        scanners: Some(1 + usize::from(scanners % 4)),
        counters: Some(1 + usize::from(counters % 4)),
        pin: false,
    };
    let topology = Topology::new(1 + usize::from(cores % 6), &wish);
    let case = Case {
        log: Log { parts: parts(log, [cut_a, cut_b]) },
        source: of(&Source::ALL, source),
        settings: ScanSettings {
            ts_unit: of(&[TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns, TsUnit::Rfc3339], unit),
            validate: flags & 1 != 0,
            ..ScanSettings::default()
        },
        time: time_of(time),
        topology: topology.expect("few threads"),
        sizes: Sizes {
            window_bytes: if flags & 4 == 0 { 1 << 20 } else { 0 },
            chunk_bytes: of(&[1, 7, 100, 999, 4096], chunk),
            batch_frames: of(&[1, 2, 5, 64], frames),
            batch_uid_bytes: of(&[1, 100, 2000], uids),
            batches: of(&[1, 2, 3, 8], batches),
            batch_ring_slots: of(&[1, 2, 8], batch_slots),
            result_ring_slots: of(&[1, 2, 64], result_slots),
            memory_bytes: u64::MAX,
        },
        with_rejects: flags & 2 != 0,
    };
    // What looks compressed would be decoded, and the recount of lines does not.
    if case.log.parts.iter().any(|part| looks_compressed(part)) {
        return false;
    }
    let mut random = Random(order.into());
    let after = 1 + usize::from(order) * 8;
    match flags >> 4 {
        8 => case.check_broken_off(Fault::Signal(after), &mut random, "fuzz"),
        9 => case.check_broken_off(Fault::Gone(after), &mut random, "fuzz"),
        10 => case.check_broken_off(Fault::Closed(after), &mut random, "fuzz"),
        11 => case.check_broken_off(Fault::Full(after), &mut random, "fuzz"),
        12 => case.check_broken_off(Fault::RejectsFull(after), &mut random, "fuzz"),
        // A compressed one may be cut between two of its pieces, which nobody can tell.
        13 if case.source == Source::Files => {
            case.check_broken_off(Fault::Shrinks(after), &mut random, "fuzz");
        }
        14 => drop(case.check_killed(3, &mut random, "fuzz")),
        _ => drop(case.check(&mut random, "fuzz")),
    }
    true
}

fn of<T: Copy>(choices: &[T], byte: u8) -> T {
    choices[usize::from(byte) % choices.len()]
}

/// Half of them plain; the others draw all the clock can do from their byte.
fn time_of(byte: u8) -> Time {
    if byte < 128 {
        Time::plain(of(&[0, 5, 70, 700], byte))
    } else {
        Time::drawn(&mut Random(byte.into()))
    }
}

/// The log in at most three parts, cut at 256ths of its length; a cut of 0 is none.
fn parts(log: &[u8], cuts: [u8; 2]) -> Vec<Vec<u8>> {
    let mut at = cuts.map(|cut| usize::from(cut) * log.len() / 256);
    at.sort_unstable();
    let [a, b] = at;
    let parts = [&log[..a], &log[a..b], &log[b..]];
    parts.into_iter().filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
}

fn looks_compressed(part: &[u8]) -> bool {
    part.starts_with(b"\x1f\x8b")
        || part.starts_with(b"\x28\xb5\x2f\xfd")
        || matches!(part, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}
