//! Unpacking the records of a batch.

use std::io::{self, Read};

use super::lz4;
use crate::cli::kafka::Codec;
use crate::limits::UNPACKED_BATCH_BYTES_MAX;

/// How Java clients begin what is compressed by Snappy: blocks with their lengths before them follow.
const SNAPPY_BLOCKS: &[u8] = b"\x82SNAPPY\0";
/// Bytes of that with two versions.
const SNAPPY_HEADER_BYTES: usize = 16;
/// Bytes asked of a decoder at a time.
const STEP_BYTES: usize = 64 * 1024;

/// Bytes that are unpacked to, one batch after the other: made once, and filled anew.
#[derive(Debug, Default)]
pub struct Room {
    /// What was there before is not wiped.
    bytes: Vec<u8>,
    len: usize,
}

impl Room {
    /// What was unpacked.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// How many bytes were.
    pub fn filled(&self) -> usize {
        self.len
    }

    /// Nothing unpacked.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// What was unpacked, and room for so many bytes behind it.
    pub fn ahead(&mut self, count: usize) -> (&[u8], &mut [u8]) {
        let end = self.len + count;
        if self.bytes.len() < end {
            self.bytes.resize(end.max(2 * self.bytes.len()), 0);
        }
        let (done, ahead) = self.bytes.split_at_mut(self.len);
        (done, &mut ahead[..count])
    }

    /// So many bytes of the room ahead are filled; `start` is where the batch begins.
    ///
    /// # Errors
    /// The batch becomes too much.
    pub fn add(&mut self, count: usize, start: usize) -> io::Result<()> {
        self.len += count;
        if self.len - start > UNPACKED_BATCH_BYTES_MAX {
            return Err(too_much());
        }
        Ok(())
    }
}

/// Unpacks `packed` behind what is there.
///
/// # Errors
/// It is not what it should be, or too much.
pub fn expand(codec: Codec, packed: &[u8], room: &mut Room) -> io::Result<()> {
    let start = room.filled();
    match codec {
        Codec::None => read(&mut &*packed, room, start),
        Codec::Gzip => read(&mut flate2::bufread::MultiGzDecoder::new(packed), room, start),
        Codec::Zstd => read(&mut zstd::Decoder::with_buffer(packed)?, room, start),
        Codec::Lz4 => {
            let mut rest = packed;
            while !rest.is_empty() {
                let behind = match lz4::expand(rest, room, start)? {
                    Some(behind) => behind,
                    None => {
                        let mut frame = lz4_flex::frame::FrameDecoder::new(rest);
                        read(&mut frame, room, start)?;
                        frame.into_inner()
                    }
                };
                if behind.len() == rest.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                rest = behind;
            }
            Ok(())
        }
        Codec::Snappy => {
            if !packed.starts_with(SNAPPY_BLOCKS) {
                return snappy(packed, room, start);
            }
            let mut rest = packed.get(SNAPPY_HEADER_BYTES..).unwrap_or_default();
            while let Some((length, after)) = rest.split_first_chunk() {
                let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                let block = after.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
                snappy(block, room, start)?;
                rest = &after[length..];
            }
            Ok(())
        }
    }
}

fn read(from: &mut impl Read, room: &mut Room, start: usize) -> io::Result<()> {
    loop {
        let (_, ahead) = room.ahead(STEP_BYTES);
        match from.read(ahead)? {
            0 => return Ok(()),
            count => room.add(count, start)?,
        }
    }
}

fn snappy(block: &[u8], room: &mut Room, start: usize) -> io::Result<()> {
    let bytes = snap::raw::decompress_len(block).map_err(io::Error::other)?;
    if bytes > UNPACKED_BATCH_BYTES_MAX {
        return Err(too_much());
    }
    let (_, ahead) = room.ahead(bytes);
    let bytes = snap::raw::Decoder::new().decompress(block, ahead).map_err(io::Error::other)?;
    room.add(bytes, start)
}

fn too_much() -> io::Error {
    io::Error::other(format!("a batch of more than {UNPACKED_BATCH_BYTES_MAX} bytes"))
}
