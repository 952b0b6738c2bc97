//! Batches as brokers send them, made here record by record.

use std::io::Write as _;
use std::ops::Range;

use super::super::batch::{Batches, Unreadable, batches};
use super::super::codec::{Room, expand};
use super::super::connection::Answer;
use super::super::lanes::Pool;
use super::super::protocol::Aborted;
use super::super::records::{Records, Shared};
use crate::cli::kafka::Codec;
use crate::limits::UNPACKED_BATCH_BYTES_MAX;

/// A record's offset within its batch, and its payload.
type Record<'a> = (i64, Option<&'a [u8]>);

const TRANSACTIONAL: u16 = 16;
const CONTROL: u16 = 32;

fn varint(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

fn bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint(out, -1),
        Some(bytes) => {
            varint(out, i64::try_from(bytes.len()).unwrap());
            out.extend(bytes);
        }
    }
}

/// One with a key, a time and a header, all of which are passed over.
fn record(out: &mut Vec<u8>, (delta, payload): Record<'_>, key: &[u8]) {
    let mut record = vec![0];
    varint(&mut record, 1_000_000);
    varint(&mut record, delta);
    bytes(&mut record, Some(key));
    bytes(&mut record, payload);
    varint(&mut record, 1);
    bytes(&mut record, Some(b"name"));
    bytes(&mut record, Some(b"value"));
    varint(out, i64::try_from(record.len()).unwrap());
    out.extend(record);
}

fn pack(codec: Codec, records: &[u8]) -> Vec<u8> {
    match codec {
        Codec::None => records.to_vec(),
        Codec::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(records).unwrap();
            out.finish().unwrap()
        }
        Codec::Lz4 => {
            let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
            out.write_all(records).unwrap();
            out.finish().unwrap()
        }
        Codec::Zstd => zstd::encode_all(records, 1).unwrap(),
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(records).unwrap(),
    }
}

/// Frames of LZ4 of every kind.
fn lz4_frames(records: &[u8]) -> Vec<Vec<u8>> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let mut all = Vec::new();
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for (blocks, content, size) in [
            (false, false, None),
            (false, false, Some(records.len() as u64)),
            (true, false, None),
            (false, true, None),
        ] {
            let info = FrameInfo::new()
                .block_mode(mode)
                .block_size(BlockSize::Max64KB)
                .block_checksums(blocks)
                .content_checksum(content)
                .content_size(size);
            let mut out = FrameEncoder::with_frame_info(info, Vec::new());
            out.write_all(records).unwrap();
            all.push(out.finish().unwrap());
        }
    }
    all.push(all.concat());
    all
}

/// As Java clients write it: in blocks.
fn pack_in_blocks(records: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for block in records.chunks(100) {
        let packed = snap::raw::Encoder::new().compress_vec(block).unwrap();
        out.extend(i32::try_from(packed.len()).unwrap().to_be_bytes());
        out.extend(packed);
    }
    out
}

/// A batch around records that are packed already.
fn around(
    base: u64,
    last: i32,
    attributes: u16,
    producer: i64,
    count: i32,
    packed: &[u8],
) -> Vec<u8> {
    let mut out = base.to_be_bytes().to_vec();
    out.extend((49 + i32::try_from(packed.len()).unwrap()).to_be_bytes());
    out.extend(7_i32.to_be_bytes());
    out.push(2);
    out.extend([0; 4]);
    out.extend(attributes.to_be_bytes());
    out.extend(last.to_be_bytes());
    out.extend([0; 16]);
    out.extend(producer.to_be_bytes());
    out.extend([0; 6]);
    out.extend(count.to_be_bytes());
    assert_eq!(out.len(), 61);
    out.extend(packed);
    out
}

fn batch(base: u64, codec: Codec, attributes: u16, producer: i64, all: &[Record<'_>]) -> Vec<u8> {
    let mut records = Vec::new();
    for &one in all {
        record(&mut records, one, b"key");
    }
    let last = all.last().map_or(0, |&(delta, _)| i32::try_from(delta).unwrap());
    let packed = pack(codec, &records);
    let attributes = attributes | codec as u16;
    around(base, last, attributes, producer, i32::try_from(all.len()).unwrap(), &packed)
}

/// The end of a transaction.
fn marker(base: u64, producer: i64, commits: bool) -> Vec<u8> {
    let mut records = Vec::new();
    record(&mut records, (0, Some(&[0; 6])), &[0, 0, 0, u8::from(commits)]);
    around(base, 0, TRANSACTIONAL | CONTROL, producer, 1, &records)
}

/// A record's offset and payload.
type Taken = (u64, Option<Vec<u8>>);

/// All records at these offsets.
fn read(answer: &[u8], found: &Batches, wanted: Range<u64>) -> Result<Vec<Taken>, String> {
    let shared = Shared::new(Answer::of(answer), &Pool::default());
    let mut records = Records::default();
    // Twice, as room is kept.
    for _ in 0..2 {
        records.give_back();
        records.hold(shared.clone(), found.batches.iter().cloned(), wanted.clone());
        records.open().map_err(|(_, Unreadable(text))| text)?;
    }
    let mut all = Vec::new();
    while let Some(message) = records.take() {
        all.push((message.offset, message.payload.map(<[u8]>::to_vec)));
    }
    Ok(all)
}

fn all_of(answer: &[u8], from: u64) -> Vec<u64> {
    let found = batches(answer, 0..answer.len(), from, None).unwrap();
    read(answer, &found, from..u64::MAX).unwrap().into_iter().map(|(offset, _)| offset).collect()
}

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

#[test]
fn records_of_all_codecs_are_found_with_their_offsets() {
    let long = b"0123456789".repeat(40_000);
    let all: [Record<'_>; 4] = [(0, Some(b"one")), (2, None), (3, Some(b"")), (9, Some(&long))];
    for codec in CODECS {
        let answer = batch(100, codec, 0, -1, &all);
        let found = batches(&answer, 0..answer.len(), 100, None).unwrap();
        assert_eq!((found.next, found.epoch, found.is_cut), (110, 7, false));
        let expected: Vec<_> = all
            .map(|(delta, payload)| (100 + delta.cast_unsigned(), payload.map(<[u8]>::to_vec)))
            .into();
        assert_eq!(read(&answer, &found, 0..u64::MAX).unwrap(), expected, "{codec:?}");
        // From the middle of a batch, and to there.
        assert_eq!(read(&answer, &found, 102..109).unwrap(), expected[1..3], "{codec:?}");
    }
}

#[test]
fn snappy_in_blocks_is_unpacked() {
    let mut records = Vec::new();
    for delta in 0..50 {
        record(&mut records, (delta, Some(b"some words that are said again and again")), b"");
    }
    let answer = around(0, 49, Codec::Snappy as u16, -1, 50, &pack_in_blocks(&records));
    assert_eq!(all_of(&answer, 0), (0..50).collect::<Vec<u64>>());
}

#[test]
fn frames_of_lz4_of_every_kind_are_unpacked() {
    let (mut records, mut plain) = (Vec::new(), 7_u32);
    for delta in 0..900_u32 {
        // Words that are said again, and bytes that cannot be packed.
        let mut payload = format!("{{\"number\":{},\"more\":\"", delta % 7).repeat(6).into_bytes();
        for _ in 0..if delta < 500 { 0 } else { 300 } {
            plain = plain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            payload.push((plain >> 24) as u8);
        }
        record(&mut records, (i64::from(delta), Some(&payload)), b"");
    }
    assert!(records.len() > 3 * 64 * 1024);
    let frames = lz4_frames(&records);
    let (last, one_each) = frames.split_last().unwrap();
    for frame in one_each {
        let mut room = Room::default();
        for _ in 0..2 {
            let start = room.filled();
            expand(Codec::Lz4, frame, &mut room).unwrap();
            assert!(room.bytes()[start..] == records);
        }
        // Whatever is missing is found out.
        for length in (0..frame.len()).step_by(997) {
            let mut room = Room::default();
            let unpacked = expand(Codec::Lz4, &frame[..length], &mut room);
            assert!(unpacked.is_err() || room.filled() < records.len());
        }
    }
    let mut room = Room::default();
    expand(Codec::Lz4, last, &mut room).unwrap();
    assert_eq!(room.filled(), one_each.len() * records.len());
}

#[test]
fn what_is_before_the_offset_or_cut_off_is_not_told() {
    let one = |base| batch(base, Codec::None, 0, -1, &[(0, Some(b"a")), (4, Some(b"b"))]);
    let all = [one(10), one(15), one(20)].concat();
    assert_eq!(all_of(&all, 12), [14, 15, 19, 20, 24]);
    assert_eq!(all_of(&all, 15), [15, 19, 20, 24]);
    let whole = one(10).len();
    for length in 0..all.len() {
        let found = batches(&all[..length], 0..length, 10, None).unwrap();
        assert_eq!(found.batches.len(), length / whole, "{length}");
        assert_eq!(found.is_cut, length % whole != 0, "{length}");
        assert_eq!(found.next, 10 + 5 * (length / whole) as u64);
    }
}

#[test]
fn what_was_rolled_back_and_markers_are_passed_over() {
    let of = |base, producer, attributes| {
        batch(base, Codec::None, attributes, producer, &[(0, Some(b"x"))])
    };
    let all = [
        of(0, 1, TRANSACTIONAL),
        of(1, 2, TRANSACTIONAL),
        of(2, -1, 0),
        marker(3, 1, false),
        // The same producer's next one is committed,
        of(4, 1, TRANSACTIONAL),
        marker(5, 1, true),
        marker(6, 2, true),
        // and the one after it rolled back, whose marker has not come.
        of(7, 1, TRANSACTIONAL),
        of(8, 3, 0),
    ]
    .concat();
    let told = |aborted: Option<&[(i64, u64)]>| {
        let mut aborted: Option<Vec<Aborted>> = aborted
            .map(|all| all.iter().map(|&(producer, first)| Aborted { producer, first }).collect());
        let found = batches(&all, 0..all.len(), 0, aborted.as_mut()).unwrap();
        assert_eq!(found.next, 9);
        let read = read(&all, &found, 0..u64::MAX).unwrap();
        read.into_iter().map(|(offset, _)| offset).collect::<Vec<u64>>()
    };
    // In whatever order they are named.
    assert_eq!(told(Some(&[(1, 7), (1, 0)])), [1, 2, 4, 8]);
    assert_eq!(told(Some(&[])), [0, 1, 2, 4, 7, 8]);
    assert_eq!(told(None), [0, 1, 2, 4, 7, 8]);
}

#[test]
fn a_batch_that_was_emptied_counts_for_its_offsets() {
    let answer = around(30, 9, 0, -1, 0, &[]);
    let found = batches(&answer, 0..answer.len(), 30, None).unwrap();
    assert!(found.batches.is_empty());
    assert_eq!(found.next, 40);
}

#[test]
fn old_formats_and_unknown_codecs_are_named() {
    let whole = batch(0, Codec::None, 0, -1, &[(0, Some(b"x"))]);
    let with = |at: usize, byte: u8| {
        let mut answer = whole.clone();
        answer[at] = byte;
        batches(&answer, 0..answer.len(), 0, None).unwrap_err().0
    };
    assert_eq!(with(16, 1), "records of the old format 1: read them with --fetch librdkafka");
    assert_eq!(with(22, 5), "records of an unknown codec, 5");
    assert_eq!(with(11, 40), "a batch of 52 bytes");
}

#[test]
fn no_flipped_bit_is_more_than_an_error_or_other_bytes() {
    for codec in CODECS {
        let whole = batch(5, codec, 0, -1, &[(0, Some(b"first")), (1, None), (2, Some(b"third"))]);
        let mut found_out = 0;
        for bit in 0..whole.len() * 8 {
            let mut answer = whole.clone();
            answer[bit / 8] ^= 1 << (bit % 8);
            let Ok(found) = batches(&answer, 0..answer.len(), 5, None) else {
                found_out += 1;
                continue;
            };
            match read(&answer, &found, 5..u64::MAX) {
                Err(_) => found_out += 1,
                Ok(read) => assert!(read.len() <= 3, "{codec:?}, bit {bit}"),
            }
        }
        assert!(found_out > 100, "{codec:?}: {found_out}");
    }
}

#[test]
fn a_length_below_that_of_nothing_is_no_tombstone() {
    let of = |key: i64, payload: i64| {
        let (mut one, mut records) = (vec![0, 0, 0], Vec::new());
        varint(&mut one, key);
        varint(&mut one, payload);
        varint(&mut one, 0);
        varint(&mut records, i64::try_from(one.len()).unwrap());
        records.extend(one);
        let answer = around(0, 0, 0, -1, 1, &records);
        let found = batches(&answer, 0..answer.len(), 0, None).unwrap();
        read(&answer, &found, 0..1)
    };
    assert_eq!(of(-1, -1), Ok(vec![(0, None)]));
    assert_eq!(of(-1, 0), Ok(vec![(0, Some(vec![]))]));
    for (key, payload) in [(-2, 0), (-1, -2), (0, -1 << 40), (i64::MIN, 0), (0, i64::MAX)] {
        of(key, payload).unwrap_err();
    }
}

#[test]
fn what_becomes_too_much_is_refused() {
    let bomb = pack(Codec::Zstd, &vec![0; UNPACKED_BATCH_BYTES_MAX + 1]);
    let answer = around(0, 0, Codec::Zstd as u16, -1, 1, &bomb);
    let found = batches(&answer, 0..answer.len(), 0, None).unwrap();
    let error = read(&answer, &found, 0..1).unwrap_err();
    assert!(error.contains(&format!("more than {UNPACKED_BATCH_BYTES_MAX} bytes")), "{error}");
}
