//! Filler: text of any length cut from one pool, so that it costs a memcpy.
//!
//! Invariant: what is written is the inside of a valid JSON string, of exactly the length asked
//! for. The pool is ASCII without quotes, backslashes or control characters, so it may be cut
//! anywhere; escapes are planted afterwards, whole and apart from one another.

use super::random::{Purpose, Random};

/// Bytes of the pool: lies in a second-level cache with room for the block being made.
const POOL_BYTES: usize = 256 * 1024;
/// One escape is planted in each whole section of a text, bytes.
const SECTION_BYTES: usize = 256;

const WORDS: [&str; 48] = [
    "request",
    "accepted",
    "from",
    "upstream",
    "after",
    "retry",
    "timeout",
    "while",
    "reading",
    "response",
    "header",
    "cache",
    "miss",
    "for",
    "key",
    "shard",
    "rebalanced",
    "in",
    "ms,",
    "connection",
    "reset",
    "by",
    "peer:",
    "worker",
    "drained",
    "queue",
    "depth",
    "is",
    "now",
    "the",
    "session",
    "was",
    "renewed",
    "at",
    "edge",
    "(code=7)",
    "status=200",
    "GET",
    "/v2/items",
    "payload",
    "checksum",
    "ok;",
    "user",
    "agent",
    "Mozilla/5.0",
    "=>",
    "[worker-3]",
    "{ctx}",
];

/// Planted in all streams.
const PLANTS: [&str; 4] = [r#"\""#, r"\n", r"\\", r"\u00e9"];
/// Planted besides where look-alikes are asked for.
const LOOKALIKES: [&str; 8] = [
    r#"\"uid\":\"x\""#,
    r#"\"ts\":17,"#,
    r#"{\"ts\":1,\"uid\":\"user-000000001\"}"#,
    r#"\\\"uid\\\":"#,
    r#"}],\"uid\":"#,
    r#"\\\\\""#,
    r#"{{[["#,
    r#"}}]]"#,
];

/// The pool, and what is planted into pieces of it.
#[derive(Debug)]
pub(super) struct Text {
    pool: Vec<u8>,
    plants: Vec<&'static str>,
}

impl Text {
    pub(super) fn new(lookalikes: bool) -> Self {
        // the same pool for all seeds: a frame must not depend on more than it has to
        let mut draws = Random::new(0, 0, Purpose::Pool);
        let mut pool = Vec::with_capacity(POOL_BYTES + 32);
        while pool.len() < POOL_BYTES {
            pool.extend_from_slice(draws.pick(&WORDS).as_bytes());
            pool.push(b' ');
            if draws.below(8) == 0 {
                super::users::write_digits(draws.below(100_000), 1, &mut pool);
                pool.push(b' ');
            }
        }
        pool.truncate(POOL_BYTES);
        let mut plants = PLANTS.to_vec();
        if lookalikes {
            plants.extend(LOOKALIKES);
        }
        Text { pool, plants }
    }

    /// Appends `bytes` bytes of text.
    pub(super) fn write(&self, bytes: usize, draws: &mut Random, out: &mut Vec<u8>) {
        let begin = out.len();
        while out.len() - begin < bytes {
            let at = draws.below_len(self.pool.len());
            let left = bytes - (out.len() - begin);
            let piece = &self.pool[at..];
            out.extend_from_slice(&piece[..left.min(piece.len())]);
        }
        for section in out[begin..].chunks_exact_mut(SECTION_BYTES) {
            let plant = draws.pick(&self.plants).as_bytes();
            let at = draws.below_len(section.len() - plant.len() + 1);
            section[at..at + plant.len()].copy_from_slice(plant);
        }
    }
}
