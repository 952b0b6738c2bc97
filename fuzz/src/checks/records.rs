//! An answer to a fetch, made as the input says and then spoiled by it, against what was put into it and against a
//! reader that goes by the format's words, one field after the other
//! (<https://kafka.apache.org/documentation/#messageformat>).

use std::io::Read;
use std::ops::Range;

use headcount::cli::kafka::Codec;
use headcount::kafka::ask::Isolation;
use headcount::kafka::fetch::batch::{Batch, batches};
use headcount::kafka::fetch::connection::Answer;
use headcount::kafka::fetch::lanes::Pool;
use headcount::kafka::fetch::protocol::{self, Aborted};
use headcount::kafka::fetch::records::{Records, Shared};

const BATCHES_MAX: usize = 12;
const HEADER_BYTES: usize = 61;
const SNAPPY_HEADER: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// A record's offset and its payload.
type Taken = (u64, Option<Vec<u8>>);

/// `255 answer`, or `from to isolation aborted flips cut batch…`, each as [`Made::read`] takes it.
pub fn check(bytes: &[u8]) -> bool {
    let mut input = Input(bytes);
    if let [255, answer @ ..] = bytes {
        // Answers to what else is asked: they are read or refused.
        let _ = protocol::speaks_all(answer);
        let _ = protocol::metadata(answer);
        let _ = protocol::epoch_ends(answer);
        spoiled(answer, 0, 0..u64::MAX, Isolation::Committed);
        return true;
    }
    let made = Made::read(&mut input);
    let mut answer = made.answer();
    let wanted = made.from..made.to;
    if made.flips.is_empty() && made.cut == 0 {
        whole(&answer, &made, wanted);
        return true;
    }
    for &(at, with) in &made.flips {
        let at = at % answer.len();
        answer[at] ^= with;
    }
    answer.truncate(answer.len().saturating_sub(made.cut));
    spoiled(&answer, made.from, wanted, made.isolation);
    true
}

/// What was put in comes out.
fn whole(answer: &[u8], made: &Made, wanted: Range<u64>) {
    let all = protocol::fetched(answer, made.isolation).unwrap().unwrap();
    let [fetched] = &all[..] else { panic!("{} partitions", all.len()) };
    let seen = (fetched.partition, fetched.error, fetched.high, fetched.end);
    let end = if made.isolation == Isolation::Committed { 888 } else { 999 };
    assert_eq!(seen, (3, 0, 999, end));
    assert_eq!(fetched.aborted, made.aborted);
    let mut aborted = fetched.aborted.clone();
    let aborted = (made.isolation == Isolation::Committed).then_some(&mut aborted);
    let found = batches(answer, fetched.records.clone(), made.from, aborted).unwrap();
    assert!(!found.is_cut);
    let next = made.batches.iter().map(|batch| batch.last + 1).max().unwrap_or(0);
    assert_eq!(found.next, next.max(made.from));
    let told = made.told();
    assert_eq!(found.batches.len(), told.len());
    for (batch, made) in found.batches.iter().zip(&told) {
        let seen = (batch.base, batch.last, batch.count as usize, batch.codec);
        assert_eq!(seen, (made.base, made.last, made.records.len(), made.codec));
    }
    let expected = told.iter().flat_map(|batch| &batch.records);
    let expected: Vec<&Taken> = expected.filter(|(at, _)| wanted.contains(at)).collect();
    // As many at a time as are drawn together.
    let groups = found.batches.chunk_by(|a, b| is_packed(a) == is_packed(b));
    let taken: Vec<Taken> =
        groups.flat_map(|group| read(answer, group, wanted.clone()).unwrap()).collect();
    assert_eq!(taken.iter().collect::<Vec<_>>(), expected);
}

fn is_packed(batch: &Batch) -> bool {
    batch.codec != Codec::None
}

/// Whatever comes out is what stands there, or it is refused.
fn spoiled(answer: &[u8], from: u64, wanted: Range<u64>, isolation: Isolation) {
    let Ok(Ok(all)) = protocol::fetched(answer, isolation) else { return };
    for mut fetched in all {
        let records = fetched.records.clone();
        let aborted = (isolation == Isolation::Committed).then_some(&mut fetched.aborted);
        let Ok(found) = batches(answer, records.clone(), from, aborted) else { continue };
        assert!(found.next >= from);
        let mut at = records.start;
        for batch in &found.batches {
            assert!(at + HEADER_BYTES <= batch.records.start && batch.records.end <= records.end);
            at = batch.records.end;
            assert!(batch.base <= batch.last && batch.last < found.next && batch.last >= from);
            let taken = read(answer, std::slice::from_ref(batch), wanted.clone());
            let expected = plainly(answer, batch, &wanted);
            // We look at no checksum of an LZ4 frame, the library does.
            if batch.codec != Codec::Lz4 || expected.is_some() {
                assert_eq!(taken, expected, "{:?}", batch.codec);
            }
        }
    }
}

/// All records of batches at these offsets; none where they cannot be read.
fn read(answer: &[u8], batches: &[Batch], wanted: Range<u64>) -> Option<Vec<Taken>> {
    let shared = Shared::new(Answer::of(answer), &Pool::default());
    let mut records = Records::default();
    records.hold(shared, batches.iter().cloned(), wanted);
    records.open().ok()?;
    let mut all = Vec::new();
    while let Some(message) = records.take() {
        all.push((message.offset, message.payload.map(<[u8]>::to_vec)));
    }
    Some(all)
}

/// The same of one batch, by the format's words.
fn plainly(answer: &[u8], batch: &Batch, wanted: &Range<u64>) -> Option<Vec<Taken>> {
    let unpacked = unpack(batch.codec, &answer[batch.records.clone()])?;
    let mut rest = &unpacked[..];
    let mut all = Vec::new();
    let mut least = batch.base;
    for _ in 0..batch.count {
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let mut record = rest.split_off(..length)?;
        let _attributes = record.split_off_first()?;
        let _time = number(&mut record)?;
        let offset = i128::from(batch.base) + i128::from(number(&mut record)?);
        let _key = field(&mut record)?;
        let payload = field(&mut record)?;
        let offset = u64::try_from(offset).ok().filter(|at| (least..=batch.last).contains(at))?;
        least = offset + 1;
        if wanted.contains(&offset) {
            all.push((offset, payload.map(<[u8]>::to_vec)));
        }
    }
    rest.is_empty().then_some(all)
}

/// Bytes behind their length; below zero: there are none.
fn field<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match number(rest)? {
        -1 => Some(None),
        length => rest.split_off(..usize::try_from(length).ok()?).map(Some),
    }
}

/// A number in groups of seven bits, the lowest first, and of its sign the lowest bit.
fn number(rest: &mut &[u8]) -> Option<i64> {
    let mut zigzag = 0_u128;
    for group in 0..10 {
        let byte = *rest.split_off_first()?;
        zigzag |= u128::from(byte & 0x7f) << (7 * group);
        if byte < 0x80 {
            // Of the tenth group one bit counts.
            let zigzag = u64::try_from(zigzag & u128::from(u64::MAX)).ok()?;
            let half = (zigzag / 2).cast_signed();
            return Some(if zigzag.is_multiple_of(2) { half } else { -half - 1 });
        }
    }
    None
}

/// By the libraries' own readers of whole inputs.
fn unpack(codec: Codec, packed: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match codec {
        Codec::None => out.extend(packed),
        Codec::Gzip => {
            flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut out).ok()?;
        }
        Codec::Zstd => out = zstd::decode_all(packed).ok()?,
        Codec::Lz4 => {
            let mut rest = packed;
            while !rest.is_empty() {
                let before = rest.len();
                let mut frame = lz4_flex::frame::FrameDecoder::new(rest);
                frame.read_to_end(&mut out).ok()?;
                rest = frame.into_inner();
                (rest.len() < before).then_some(())?;
            }
        }
        Codec::Snappy => {
            let unpack = |block: &[u8]| snap::raw::Decoder::new().decompress_vec(block).ok();
            if !packed.starts_with(&SNAPPY_HEADER[..8]) {
                return unpack(packed);
            }
            let mut rest = packed.get(SNAPPY_HEADER.len()..).unwrap_or_default();
            while let Some((length, after)) = rest.split_first_chunk() {
                let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
                out.extend(unpack(after.get(..length)?)?);
                rest = &after[length..];
            }
        }
    }
    Some(out)
}

/// What an input says; zeros where it has ended.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    fn u16(&mut self) -> usize {
        usize::from(self.byte()) * 256 + usize::from(self.byte())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Transactional,
    Commit,
    Abort,
}

struct MadeBatch {
    base: u64,
    last: u64,
    codec: Codec,
    kind: Kind,
    producer: i64,
    records: Vec<Taken>,
}

struct Made {
    from: u64,
    to: u64,
    isolation: Isolation,
    aborted: Vec<Aborted>,
    flips: Vec<(usize, u8)>,
    cut: usize,
    batches: Vec<MadeBatch>,
}

impl Made {
    fn read(input: &mut Input<'_>) -> Made {
        let (from, to) = (u64::from(input.below(64)), u64::from(input.byte()));
        let isolation =
            if input.below(2) == 0 { Isolation::Committed } else { Isolation::Uncommitted };
        let aborted = (0..input.below(4)).map(|_| Aborted {
            producer: i64::from(input.below(3)),
            first: u64::from(input.below(64)),
        });
        let aborted = aborted.collect();
        let flips = (0..input.below(4)).map(|_| (input.u16(), input.byte())).collect();
        let cut = if input.below(4) == 3 { input.u16() % 300 } else { 0 };
        let mut made = Made { from, to, isolation, aborted, flips, cut, batches: Vec::new() };
        let mut next = 0;
        while !input.0.is_empty() && made.batches.len() < BATCHES_MAX {
            let batch = MadeBatch::read(input, next);
            next = batch.last + 1;
            made.batches.push(batch);
        }
        made
    }

    /// Those of which records are told.
    fn told(&self) -> Vec<&MadeBatch> {
        let is_told = |at: usize, batch: &MadeBatch| {
            let is_data = matches!(batch.kind, Kind::Plain | Kind::Transactional);
            let is_in_time = batch.last >= self.from && !batch.records.is_empty();
            is_data && is_in_time && !self.is_rolled_back(at)
        };
        self.batches
            .iter()
            .enumerate()
            .filter(|&(at, batch)| is_told(at, batch))
            .map(|it| it.1)
            .collect()
    }

    /// A transaction goes from the first batch that reaches its first offset to the next marker of its producer that
    /// rolls back.
    fn is_rolled_back(&self, at: usize) -> bool {
        let batch = &self.batches[at];
        let reaches = |one: &Aborted| {
            let start = self.batches.iter().position(|batch| batch.last >= one.first);
            start.is_some_and(|start| {
                start <= at
                    && !self.batches[start..at]
                        .iter()
                        .any(|marker| marker.kind == Kind::Abort && marker.producer == one.producer)
            })
        };
        batch.kind == Kind::Transactional
            && self.isolation == Isolation::Committed
            && self.aborted.iter().any(|one| one.producer == batch.producer && reaches(one))
    }

    /// Version 13 of the answer, of one partition.
    fn answer(&self) -> Vec<u8> {
        let mut out = vec![0; 4 + 2 + 4];
        out.push(2);
        out.extend([9; 16]);
        out.push(2);
        out.extend(3_i32.to_be_bytes());
        out.extend([0; 2]);
        for offset in [999_i64, 888, 0] {
            out.extend(offset.to_be_bytes());
        }
        out.push(u8::try_from(self.aborted.len() + 1).unwrap());
        for one in &self.aborted {
            out.extend(one.producer.to_be_bytes());
            out.extend(one.first.to_be_bytes());
            out.push(0);
        }
        out.extend((-1_i32).to_be_bytes());
        let records: Vec<u8> = self.batches.iter().flat_map(MadeBatch::bytes).collect();
        unsigned(&mut out, records.len() as u64 + 1);
        out.extend(records);
        // No fields with tags: of the partition, the topic, the answer.
        out.extend([0; 3]);
        out
    }
}

impl MadeBatch {
    fn read(input: &mut Input<'_>, next: u64) -> MadeBatch {
        let base = next + u64::from(input.below(3));
        let kinds = [Kind::Plain, Kind::Transactional, Kind::Commit, Kind::Abort];
        let (kind, producer) = (kinds[usize::from(input.below(4))], i64::from(input.below(3)));
        if matches!(kind, Kind::Commit | Kind::Abort) {
            let records = vec![(base, Some(vec![0; 6]))];
            return MadeBatch { base, last: base, codec: Codec::None, kind, producer, records };
        }
        let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
        let codec = codecs[usize::from(input.below(5))];
        let (mut records, mut at) = (Vec::new(), base);
        for _ in 0..input.below(9) {
            at += u64::from(input.below(3));
            let payload = match input.byte() {
                255 => None,
                length => {
                    let some: Vec<u8> = (0..length % 64).map(|_| input.byte()).collect();
                    Some(some.repeat(1 + usize::from(length / 64) * 40))
                }
            };
            records.push((at, payload));
            at += 1;
        }
        // Cleaning leaves holes at the end, too.
        let last = at.max(base + 1) - 1 + u64::from(input.below(2));
        MadeBatch { base, last, codec, kind, producer, records }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut records = Vec::new();
        for (offset, payload) in &self.records {
            let mut record = vec![0];
            signed(&mut record, 1_700_000);
            signed(&mut record, i64::try_from(offset - self.base).unwrap());
            match self.kind {
                Kind::Commit => bytes_of(&mut record, Some(&[0, 0, 0, 1])),
                Kind::Abort => bytes_of(&mut record, Some(&[0, 0, 0, 0])),
                _ => bytes_of(&mut record, (offset % 2 == 0).then_some(b"key")),
            }
            bytes_of(&mut record, payload.as_deref());
            signed(&mut record, 0);
            signed(&mut records, i64::try_from(record.len()).unwrap());
            records.extend(record);
        }
        let packed = pack(self.codec, &records, self.base.is_multiple_of(2));
        let mut attributes = self.codec as u16;
        attributes |= if self.kind == Kind::Plain { 0 } else { 1 << 4 };
        attributes |= if matches!(self.kind, Kind::Commit | Kind::Abort) { 1 << 5 } else { 0 };
        let mut out = self.base.to_be_bytes().to_vec();
        let behind_length = i32::try_from(HEADER_BYTES - 12 + packed.len()).unwrap();
        out.extend(behind_length.to_be_bytes());
        out.extend(5_i32.to_be_bytes());
        out.push(2);
        out.extend([0; 4]);
        out.extend(attributes.to_be_bytes());
        out.extend(u32::try_from(self.last - self.base).unwrap().to_be_bytes());
        out.extend([0; 16]);
        out.extend(self.producer.to_be_bytes());
        out.extend([0; 6]);
        out.extend(u32::try_from(self.records.len()).unwrap().to_be_bytes());
        assert_eq!(out.len(), HEADER_BYTES);
        out.extend(packed);
        out
    }
}

fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number % 0x80) as u8 | 0x80);
        number /= 0x80;
    }
    out.push(u8::try_from(number).unwrap());
}

fn signed(out: &mut Vec<u8>, number: i64) {
    unsigned(
        out,
        if number < 0 { (-1 - number).cast_unsigned() * 2 + 1 } else { number.cast_unsigned() * 2 },
    );
}

fn bytes_of(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return signed(out, -1) };
    signed(out, i64::try_from(bytes.len()).unwrap());
    out.extend(bytes);
}

/// `is_java`: Snappy in blocks, LZ4 with blocks that go on from one another.
fn pack(codec: Codec, plain: &[u8], is_java: bool) -> Vec<u8> {
    use std::io::Write;
    match codec {
        Codec::None => plain.to_vec(),
        Codec::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(plain).unwrap();
            out.finish().unwrap()
        }
        Codec::Zstd => zstd::encode_all(plain, 1).unwrap(),
        Codec::Lz4 => {
            use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
            let mode = if is_java { BlockMode::Linked } else { BlockMode::Independent };
            let info = FrameInfo::new().block_mode(mode);
            let mut out = FrameEncoder::with_frame_info(info, Vec::new());
            out.write_all(plain).unwrap();
            out.finish().unwrap()
        }
        Codec::Snappy => {
            let pack = |block: &[u8]| snap::raw::Encoder::new().compress_vec(block).unwrap();
            if !is_java {
                return pack(plain);
            }
            let mut out = SNAPPY_HEADER.to_vec();
            for block in plain.chunks(50) {
                let packed = pack(block);
                out.extend(i32::try_from(packed.len()).unwrap().to_be_bytes());
                out.extend(packed);
            }
            out
        }
    }
}
