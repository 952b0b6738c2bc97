//! Frames of LZ4 as clients of Kafka write them, unpacked block by block to where they are read: the library's decoder
//! for frames goes by a buffer of its own
//! (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>).

use std::io;

use lz4_flex::block::{decompress_into, decompress_into_with_dict};

use super::codec::Room;

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
/// The bits that must be so: version 1, no checksum of each block, none of the content, no dictionary.
const FLAGS_SEEN: u8 = 0b1101_0101;
const FLAGS_WANTED: u8 = 0b0100_0000;
const IS_INDEPENDENT: u8 = 1 << 5;
const HAS_SIZE: u8 = 1 << 3;
/// Set in the length of a block that is not packed.
const IS_PLAIN: u32 = 1 << 31;
/// How far back a block may reach into those before it.
const WINDOW_BYTES: usize = 64 * 1024;

/// Unpacks the first frame of a batch that began at `batch`, and gives what lies behind it; none if it is of a kind that
/// is left to the library.
///
/// # Errors
/// It is not what it should be, or too much.
pub fn expand<'p>(packed: &'p [u8], room: &mut Room, batch: usize) -> io::Result<Option<&'p [u8]>> {
    let Some((&[a, b, c, d, flags, sizes], rest)) = packed.split_first_chunk() else {
        return Ok(None);
    };
    if [a, b, c, d] != MAGIC || flags & FLAGS_SEEN != FLAGS_WANTED {
        return Ok(None);
    }
    let block_bytes = match (sizes >> 4) & 0b111 {
        4 => 64 * 1024,
        5 => 256 * 1024,
        6 => 1024 * 1024,
        7 => 4 * 1024 * 1024,
        _ => return Ok(None),
    };
    let start = room.filled();
    let header_checksum = 1;
    let more = header_checksum + if flags & HAS_SIZE == 0 { 0 } else { 8 };
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut rest = rest.get(more..).ok_or_else(short)?;
    loop {
        let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
        let length = u32::from_le_bytes(*length);
        if length == 0 {
            return Ok(Some(after));
        }
        let block = after.get(..(length & !IS_PLAIN) as usize).ok_or_else(short)?;
        rest = &after[block.len()..];
        let (done, ahead) = room.ahead(block_bytes);
        let bytes = if length & IS_PLAIN != 0 {
            ahead.get_mut(..block.len()).ok_or_else(short)?.copy_from_slice(block);
            block.len()
        } else if flags & IS_INDEPENDENT != 0 || done.len() == start {
            decompress_into(block, ahead).map_err(io::Error::other)?
        } else {
            let window = &done[start.max(done.len().saturating_sub(WINDOW_BYTES))..];
            decompress_into_with_dict(block, ahead, window).map_err(io::Error::other)?
        };
        room.add(bytes, batch)?;
    }
}
