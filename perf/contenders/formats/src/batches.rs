//! Frames compressed as Kafka does: whole batches of records, by the codecs and levels that are its defaults.

use std::io::{Read, Write};

use crate::ways::Set;

/// A batch's header, which is never compressed.
const HEADER_BYTES: usize = 61;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    None,
    Lz4,
    Zstd,
}

impl Codec {
    pub const ALL: [Codec; 3] = [Codec::None, Codec::Lz4, Codec::Zstd];

    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// lz4 in frames of independent blocks of 64 KiB, zstd at level 3.
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Codec::None => bytes.to_vec(),
            Codec::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder
                    .write_all(bytes)
                    .and_then(|()| Ok(encoder.finish()?))
                    .expect("a vector takes all")
            }
            Codec::Zstd => zstd::bulk::compress(bytes, 3).expect("memory"),
        }
    }

    /// Unpacks into `out`, which has room for it, and says how much it was.
    pub fn unpack(
        self,
        packed: &[u8],
        zstd: &mut zstd::bulk::Decompressor<'_>,
        out: &mut [u8],
    ) -> usize {
        match self {
            Codec::None => unreachable!("there is nothing to unpack"),
            Codec::Lz4 => {
                let mut decoder = lz4_flex::frame::FrameDecoder::new(packed);
                let mut filled = 0;
                loop {
                    match decoder.read(&mut out[filled..]).expect("it was packed here") {
                        0 => return filled,
                        bytes => filled += bytes,
                    }
                }
            }
            Codec::Zstd => zstd.decompress_to_buffer(packed, out).expect("it was packed here"),
        }
    }
}

/// How much goes into a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    pub name: &'static str,
    bytes_max: usize,
}

/// One frame; `batch.size` of Kafka's Java producer; the largest batch of librdkafka.
pub const BATCHES: [Batch; 3] = [
    Batch { name: "1 frame", bytes_max: 0 },
    Batch { name: "16 KiB", bytes_max: 16 * 1024 },
    Batch { name: "1 MB", bytes_max: 1_000_000 },
];

/// The records of each batch, from the first `frames` of a set: at least one, and no more than fit.
pub fn batches(set: &Set, frames: usize, batch: Batch) -> Vec<Vec<u8>> {
    let mut batches: Vec<Vec<u8>> = Vec::new();
    let mut in_batch = 0;
    for index in 0..frames {
        let frame = set.frame(index);
        if batches.last().is_none_or(|of| of.len() + frame.len() + HEADER_BYTES > batch.bytes_max) {
            batches.push(Vec::new());
            in_batch = 0;
        }
        record(frame, in_batch, batches.last_mut().expect("one was pushed"));
        in_batch += 1;
    }
    batches
}

/// A record of Kafka's format 2: no key, no headers, a time a millisecond after the one before.
fn record(value: &[u8], number: u64, out: &mut Vec<u8>) {
    let mut inside = vec![0];
    varint(number << 1, &mut inside);
    varint(number << 1, &mut inside);
    varint(1, &mut inside); // the key's length: -1
    varint((value.len() as u64) << 1, &mut inside);
    varint(((inside.len() + value.len() + 1) as u64) << 1, out);
    out.extend_from_slice(&inside);
    out.extend_from_slice(value);
    out.push(0);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes a frame of such batches, as a broker would store them.
pub fn bytes_a_frame(set: &Set, frames: usize, codec: Codec, batch: Batch) -> f64 {
    let batches = batches(set, frames, batch);
    let bytes: usize = batches.iter().map(|of| HEADER_BYTES + codec.pack(of).len()).sum();
    bytes as f64 / frames as f64
}
