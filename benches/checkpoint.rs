//! A checkpoint's segments in memory: lists of numbers written, read and merged, and users.
//!
//! What a run pays for a checkpoint beside the disk, and what a restart does. Each checks what it
//! gets: the numbers' count and sum, the uids' bytes.

mod shared;

use std::hint::black_box;
use std::time::{Duration, Instant};

use headcount::checkpoint::{Section, SegmentReader, SegmentWriter, Sink, merge};
use headcount::error::Error;
use shared::{Contender, Group};

/// Numbers that are there or not.
const OF: u32 = 4_000_000;
/// Segments merged.
const SEGMENTS: u32 = 8;

fn main() {
    let of = if shared::is_tiny() { 20_000 } else { OF };
    let mut groups: Vec<Group> = [10, 100, 550, 900].map(|share| lists(of, share)).into();
    groups.push(merging(of));
    groups.push(users(of / 4));
    shared::run(groups);
}

/// 0 to 999 for each number, the same each time.
fn draw(number: u32) -> u32 {
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u32::try_from(((mixed >> 32) * 1000) >> 32).expect("below 1000")
}

fn lists(of: u32, share: u32) -> Group {
    let ids: Vec<u32> = (0..of).filter(|&id| draw(id) < share).collect();
    let (items, sum) = (ids.len() as u64, total(&ids));
    let bytes = segment(|to| to.members(0, 1, &ids));
    let bits = bytes.len() as f64 * 8.0 / items as f64;
    let write = move || timed(&|| segment(|to| to.members(0, 1, &ids)));
    let read = move || {
        let start = Instant::now();
        let mut reader = SegmentReader::new(&bytes[..], String::new()).expect("whole");
        let (mut count, mut got) = (0, 0);
        while let Some(section) = reader.next().expect("whole") {
            if let Section::Members { ids, .. } = section {
                count += ids.len() as u64;
                got += total(ids);
            }
        }
        assert_eq!((count, got), (items, sum));
        start.elapsed()
    };
    let name = format!("checkpoint, {share} of 1000 numbers, {bits:.2} bits each");
    let contenders = vec![Contender::new("write", write), Contender::new("read", read)];
    Group { name, items, contenders }
}

fn merging(of: u32) -> Group {
    let part = |at| (0..of).filter(move |&id| draw(id) % SEGMENTS == at).collect::<Vec<u32>>();
    let segments = (0..SEGMENTS).map(|at| segment(|to| to.members(0, 1, &part(at))));
    let segments: Vec<Vec<u8>> = segments.collect();
    let run = move || {
        let start = Instant::now();
        let open = |bytes| SegmentReader::new(bytes, String::new()).expect("whole");
        let mut got = Total(0, 0);
        merge(segments.iter().map(|bytes| open(&bytes[..])).collect(), &[1], &mut got)
            .expect("whole");
        assert_eq!(got.0, u64::from(of));
        assert_eq!(got.1, u64::from(of) * u64::from(of - 1) / 2);
        start.elapsed()
    };
    let name = format!("checkpoint, {SEGMENTS} segments merged");
    Group { name, items: of.into(), contenders: vec![Contender::new("merge", run)] }
}

fn users(of: u32) -> Group {
    let uid = |id: u32| format!("{:016x}", u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let uids: Vec<String> = (0..of).map(uid).collect();
    let write_users =
        move || segment(|to| to.users(0, (0..).zip(&uids).map(|(id, uid)| (id, uid.as_bytes()))));
    let bytes = write_users();
    let name = format!(
        "checkpoint, users of 16 digits, {:.2} bytes each",
        bytes.len() as f64 / f64::from(of)
    );
    let write = move || timed(&write_users);
    let read = move || {
        let start = Instant::now();
        let mut reader = SegmentReader::new(&bytes[..], String::new()).expect("whole");
        let mut got = 0;
        while let Some(section) = reader.next().expect("whole") {
            if let Section::Users { users, .. } = section {
                got += users.iter().map(|(_, uid)| uid.len() as u64).sum::<u64>();
            }
        }
        assert_eq!(got, 16 * u64::from(of));
        start.elapsed()
    };
    let contenders = vec![Contender::new("write", write), Contender::new("read", read)];
    Group { name, items: of.into(), contenders }
}

fn timed(run: &impl Fn() -> Vec<u8>) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

/// A segment that holds this.
fn segment(write: impl FnOnce(&mut SegmentWriter<Vec<u8>>) -> std::io::Result<()>) -> Vec<u8> {
    let finished = || {
        let mut to = SegmentWriter::new(Vec::new())?;
        write(&mut to)?;
        to.kept(&[1])?;
        to.note(b"")?;
        to.finish()
    };
    finished().expect("memory takes it").out
}

fn total(ids: &[u32]) -> u64 {
    ids.iter().map(|&id| u64::from(id)).sum()
}

/// Numbers, and their sum.
struct Total(u64, u64);

impl Sink for Total {
    fn users(&mut self, _: u8, _: &[(u32, &[u8])]) -> Result<(), Error> {
        Ok(())
    }

    fn members(&mut self, _: u8, _: u64, ids: &[u32]) -> Result<(), Error> {
        self.0 += ids.len() as u64;
        self.1 += total(ids);
        Ok(())
    }
}
