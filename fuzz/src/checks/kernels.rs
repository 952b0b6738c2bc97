//! Every kernel against every other and the naive reader: any bytes, wherever they lie in memory and
//! wherever they are cut.

use headcount::scan::Malformed;

use super::edge::Edge;
use super::judges::{Judges, shown};
use super::wanted;

/// `OFFSET CUT CUT UNIT ts-path 0xFF uid-path 0xFF frame`: where the frame begins, modulo 64, and
/// where it is cut (little-endian).
pub fn check(bytes: &[u8]) -> bool {
    let Some((&[offset, cut_low, cut_high], rest)) = bytes.split_first_chunk() else {
        return false;
    };
    let Some((settings, frame)) = wanted::read(rest) else { return false };
    let mut judges = Judges::new(settings);
    let whole = judges.with_peer(Edge::new(frame, 0).bytes());

    let moved = Edge::new(frame, usize::from(offset % 64));
    assert_eq!(judges.kernels(moved.bytes()), whole, "moved: {}", shown(frame));

    let cut = usize::from(u16::from_le_bytes([cut_low, cut_high])).min(frame.len());
    let cut = &frame[..cut];
    let answer = judges.with_peer(Edge::new(cut, usize::from(offset % 64)).bytes());
    let is_blank = cut.iter().all(|byte| b" \t\r\n".contains(byte));
    let is_allowed = answer == whole
        || answer == Err(Malformed::CutOff)
        || is_blank && answer == Err(Malformed::NotObject);
    assert!(is_allowed, "{answer:?} of {}, not {whole:?} of {}", shown(cut), shown(frame));

    assert_eq!(judges.kernels(frame), whole, "a second time: {}", shown(frame));
    true
}
