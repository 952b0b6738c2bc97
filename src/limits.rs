//! Every bound of the program in one place, each with its unit and its reason.
//!
//! A bound is reached loudly (an error or an account), never by a smaller count. Sizes are powers
//! of two unless a reason says otherwise; relations between bounds are checked when compiling.

/// Bytes of one frame at most; a longer one is malformed (`too_long`). Large enough for any log
/// record Kafka is ever configured for, small enough that one frame a worker may be held whole.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of one uid at most, once unescaped. A longer one is malformed (`bad_uid`).
pub const UID_BYTES_MAX: usize = 1024;

/// Frames of one batch at most: its columns stay in the second-level cache, and an index into it
/// fits 16 bits with room for the end.
pub const BATCH_FRAMES_MAX: usize = 4096;

/// Bytes of uids in one batch at most, for the same reason.
pub const BATCH_UID_BYTES_MAX: usize = 256 * 1024;

/// Bytes of payloads a batch holds before it is full, where rejects are asked for. One frame may
/// go beyond it: it is held whole.
pub const BATCH_HELD_BYTES: usize = 1024 * 1024;

/// Bytes of input a worker claims at a time. A chunk is the unit in which workers may run ahead.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// Bytes of a file one worker maps at a time: enough that mapping the next piece hardly shows,
/// little enough that what counts as this process's resident memory stays small.
pub const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of a window looked at past a chunk's end, for the line that crosses it; what is longer is
/// read.
pub const WINDOW_TAIL_BYTES: usize = 64 * 1024;

/// Bytes asked for ahead of what is claimed, where a file comes from a disk: enough to keep it busy while
/// scanners are at what came before.
pub const AHEAD_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes for which that goes on until it is seen again whether the file still comes from a disk.
pub const AHEAD_FOR_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of one read(2): what has been read is still in the second-level cache when it is scanned.
pub const READ_BYTES: usize = 256 * 1024;

/// Bytes by which a read buffer starts past a page: read(2) into a page-aligned buffer is three
/// to five times slower (4 KiB aliasing between the page cache and the buffer).
pub const READ_SKEW_BYTES: usize = 512;

/// Batches that belong to one scanner: one being filled, the rest on their way round.
pub const BATCHES_PER_SCANNER: usize = 8;

/// Messages of Kafka one scanner draws at a time: a chunk. They are held until it draws again, besides
/// what `--queue-memory` allows, so fewer are drawn where they are large.
pub const KAFKA_DRAW_MESSAGES_MAX: usize = 1024;

/// Results on their way to the output, per ring.
pub const RESULT_RING_SLOTS: usize = 1024;

/// Rows of a table that changes in place, at most, however high the terminal is: more than can be looked at.
pub const TABLE_ROWS_MAX: usize = 100;

/// Bytes of rows that have left such a table and are not written yet: then they are, at once.
pub const TABLE_LEFT_BYTES_MAX: usize = 64 * 1024;

/// Scanners and counters at most, each: more than any host this was made for has cores.
pub const STAGE_THREADS_MAX: usize = 256;

/// Users one counter may know at once: it numbers them by 32 bits.
pub const COUNTER_USERS_MAX: u64 = u32::MAX as u64;

/// Windows kept at once at most, of all series together. A slot's number fits 16 bits, with one value
/// kept for "none". Beyond it the run stops with an error; `--max-lag` and `--keep` are refused where
/// they would need more.
pub const WINDOWS_OPEN_MAX: usize = 16 * 1024;

/// Windows of different length or zone counted at once at most: each frame has a slot in each.
pub const SERIES_MAX: usize = 64;

/// Seconds of a window of fixed length at most: a leap year.
pub const FIXED_S_MAX: u32 = 366 * 86_400;

/// Days of a rolling window at most: each frame lies in as many windows, whose slots still fit one
/// group of a counter's.
pub const ROLLING_DAYS_MAX: u8 = 60;

/// Times of a partition that can be asked to agree at most: `--agree`.
pub const AGREE_LAST_MAX: usize = 64;

/// Frames of a partition that wait at most, and how many further ones each of them waits for.
pub const PARKED_FRAMES_MAX: usize = 64;

/// Bytes of payloads that a partition's parked frames keep, where rejects are written; what is beyond
/// is cut off.
pub const PARKED_PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// A partition's last frames among which the refused ones are looked at.
pub const ALARM_FRAMES: u64 = 1024;

/// Empty windows between two results of a series that `--fill` puts out at most: 69 days of minutes.
pub const FILL_MAX: u32 = 100_000;

/// Users one counter knows at once at most: their numbers fit 32 bits, with one value kept for
/// "nobody". Beyond it the run stops with an error.
pub const USERS_MAX: u32 = u32::MAX;

/// Frames whose times are looked at to see whether `--ts-unit` can be right.
pub const UNIT_CHECK_FRAMES: usize = 1000;

/// The years a timestamp may lie in, both included, as seconds of unix time: 0001-01-01T00:00:00Z
/// to 9999-12-31T23:59:59Z. Outside of them it is malformed (`bad_ts`).
pub const TS_S_MIN: i64 = -62_135_596_800;
/// See [`TS_S_MIN`].
pub const TS_S_MAX: i64 = 253_402_300_799;

/// The years in which a log's times are plausible (1990 to 2100, both included), as seconds.
pub const TS_S_PLAUSIBLE_MIN: i64 = 631_152_000;
/// See [`TS_S_PLAUSIBLE_MIN`].
pub const TS_S_PLAUSIBLE_MAX: i64 = 4_133_980_799;

/// Ids of one section of a checkpoint's segment at most: decoded they stay in the second-level cache,
/// and merging holds one section of each segment.
pub const SECTION_IDS_MAX: usize = 64 * 1024;

/// Bytes of uids in one section, before they are compressed, from which on another one begins.
pub const SECTION_UID_BYTES: usize = 1024 * 1024;

/// Bytes of a section's payload at most, and of what it is once decompressed: the uids with their
/// lengths and ids; as many windows as are ever kept, with all that is said of each.
pub const SECTION_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of a segment's note in one section: compressed they must fit it, even if they grow.
pub const SECTION_NOTE_BYTES: usize = 1024 * 1024;

/// Bytes of a segment's note at most: it holds what is parked, with payloads where rejects are
/// written, of hundreds of partitions.
pub const NOTE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of a checkpoint's manifest at most: thousands of segments, of which merging leaves dozens.
pub const MANIFEST_BYTES_MAX: usize = 1024 * 1024;

/// Segments of one level that are merged into one of the next: each byte is then written anew once a
/// level, and a restart reads fewer than that of a level. With 8, merging was half of what checkpoints take of
/// the keeper's thread. Few where checks are on, as in tests, so that short runs meet merges. It is no part of the
/// format.
pub const MERGE_SEGMENTS: usize = if cfg!(debug_assertions) { 8 } else { 32 };

/// Bytes of results and rejects that wait for the checkpoint they go with, from which on that comes soon.
pub const OUTBOX_BYTES: usize = 16 * 1024 * 1024;

/// Of them, from which on no more are taken while a checkpoint is under way: the run waits for it.
pub const OUTBOX_BYTES_MAX: usize = 4 * OUTBOX_BYTES;

/// Bytes of a segment in one record of a state topic: below a topic's largest message, as brokers come. Few where
/// checks are on, so that the small states of tests have many.
pub const STATE_CHUNK_BYTES: usize = if cfg!(debug_assertions) { 1024 } else { 512 * 1024 };

/// Bytes of segments in one transaction; a larger one goes ahead, and counts once a manifest names it.
pub const STATE_TRANSACTION_BYTES: usize =
    if cfg!(debug_assertions) { 4 } else { 16 } * STATE_CHUNK_BYTES;

/// Bytes that a packed batch of a topic may become.
pub const UNPACKED_BATCH_BYTES_MAX: usize =
    if cfg!(debug_assertions) { 64 * 1024 * 1024 } else { 1 << 30 };

/// Bytes of a checkpoint from which on it is written anew when most of it is of no use.
pub const REWRITE_BYTES_MIN: u64 = 1024 * 1024;

/// Bytes of no use for each of use, beyond which a checkpoint is written anew: so many times what is then written was
/// appended before. With one, half of the keeper's work on a log read fast was to write anew.
pub const REWRITE_GARBAGE: u64 = 3;

/// Windows of each series whose newest word is kept for whoever watches: 16 hours of minutes.
pub const WATCHED_RESULTS_MAX: usize = 1000;

/// Open windows that are told of one by one, those that end first; of further ones only how many.
pub const WATCHED_WINDOWS_MAX: usize = 1000;

/// Partitions that are told of one by one, those with the lowest numbers; of further ones only sums.
pub const WATCHED_PARTITIONS_MAX: usize = 1000;

/// Connections to the server of `--http` at once at most: a page, Prometheus, and room for some who do not
/// let go.
pub const HTTP_CONNECTIONS_MAX: usize = 32;

/// Bytes of the head of a request to it at most: browsers send one or two thousand.
pub const HTTP_HEAD_BYTES_MAX: usize = 16 * 1024;

const _: () = assert!(BATCH_FRAMES_MAX < u16::MAX as usize);
const _: () = assert!(UID_BYTES_MAX <= BATCH_UID_BYTES_MAX);
const _: () = assert!(READ_BYTES <= CHUNK_BYTES);
// After a line too long no line of the same chunk follows.
const _: () = assert!(CHUNK_BYTES <= FRAME_BYTES_MAX);
const _: () = assert!(WINDOWS_OPEN_MAX < u16::MAX as usize);
const _: () = assert!(TS_S_MIN < TS_S_PLAUSIBLE_MIN && TS_S_PLAUSIBLE_MAX < TS_S_MAX);
// Ids are coded in 7 bytes each at most, and a uid's length in 2; random bytes grow by 1/256 when compressed.
const _: () = assert!(
    SECTION_IDS_MAX * (7 + 2) + (SECTION_UID_BYTES + UID_BYTES_MAX) * 257 / 256 + 4096
        <= SECTION_BYTES_MAX
);
const _: () = assert!(SECTION_NOTE_BYTES * 257 / 256 + 4096 <= SECTION_BYTES_MAX);
// Of each window at most: its serial, members and bytes as numbers of 10 bytes.
const _: () = assert!(WINDOWS_OPEN_MAX * 3 * 10 <= SECTION_BYTES_MAX);
