//! Generated frames: whole, slid over all alignments, cut everywhere, and damaged.

use headcount::scan::Malformed;
use headcount::verify::oracle;

use crate::frames::{Frame, SETTINGS};
use crate::judges::{Judges, shown};
use crate::random::{self, Random};

/// Frames for each settings, so that the whole file runs in seconds: where each is looked at once,
/// and where it is looked at hundreds of times.
const FRAMES_ONCE: u64 = 8_000;
const FRAMES: u64 = 400;

/// Calls `check` with so many generated frames for each settings and the judges of their settings.
fn generated(frames: u64, mut check: impl FnMut(&mut Judges, &[u8], &mut Random)) {
    let seed = random::seed();
    let mut judges = SETTINGS.map(|(ts, uid, unit)| Judges::fields(ts, uid, unit));
    for number in 0..random::frames(frames) {
        let seed = seed.wrapping_add(number);
        for (settings, judges) in SETTINGS.into_iter().zip(&mut judges) {
            let mut random = Random::new(seed);
            let frame = Frame::generate(&mut random, settings);
            let _replay = Replay { seed };
            check(judges, &frame, &mut random);
        }
    }
}

/// Says on the way out of a failure which seed shows it again.
struct Replay {
    seed: u64,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay: HEADCOUNT_FRAMES=1 HEADCOUNT_SEED={}", self.seed);
        }
    }
}

#[test]
fn the_generator_makes_valid_frames_of_every_outcome() {
    let mut seen = [0u32; Malformed::ALL.len() + 1];
    for number in 0..2000 {
        for (ts, uid, unit) in SETTINGS {
            let frame = Frame::generate(&mut Random::new(number), (ts, uid, unit));
            let answer = oracle::read(&frame, &Judges::fields(ts, uid, unit).settings);
            assert_ne!(answer, Err(Malformed::Invalid), "{}", shown(&frame));
            seen[answer.err().map_or(Malformed::ALL.len(), Malformed::index)] += 1;
        }
    }
    use Malformed::{BadTs, BadUid, NoTs, NoUid, NotObject};
    for reason in [NotObject, NoTs, BadTs, NoUid, BadUid] {
        assert!(seen[reason.index()] > 20, "{reason}: {seen:?}");
    }
    assert!(seen[Malformed::ALL.len()] > 5000, "facts: {seen:?}");
}

#[test]
fn frames_equal_the_oracle() {
    generated(FRAMES_ONCE, |judges, frame, _| {
        let _ = judges.all(frame);
    });
}

#[test]
fn whole_frames_equal_the_oracle_at_every_alignment() {
    let mut slid = Vec::new();
    generated(FRAMES, |judges, frame, _| {
        let whole = judges.all(frame);
        // The blocks begin at the root: its members are slid over them from inside, and the
        // frame over the memory from outside.
        let inside = frame.iter().position(|&byte| byte == b'{').map_or(0, |root| root + 1);
        for places in 0..64 {
            slid.clear();
            slid.resize(places, b'x');
            slid.extend(&frame[..inside]);
            slid.resize(places + inside + places, b' ');
            slid.extend(&frame[inside..]);
            let answer = judges.kernels(&slid[places..]);
            if whole != Err(Malformed::NotObject) {
                assert_eq!(answer, whole, "slid by {places}: {}", shown(frame));
            }
        }
    });
}

#[test]
fn cut_frames_are_cut_off_or_answer_as_the_whole() {
    generated(FRAMES, |judges, frame, random| {
        let whole = judges.kernels(frame);
        let space = vec![b' '; random.below(64)];
        let inside = frame.iter().position(|&byte| byte == b'{').map_or(0, |root| root + 1);
        let frame = [&frame[..inside], &space, &frame[inside..]].concat();
        for end in 0..frame.len() {
            let cut = &frame[..end];
            // The peer is slow: one cut in four, others for every frame.
            let answer = if random.one_in(4) { judges.with_peer(cut) } else { judges.kernels(cut) };
            let blank = cut.iter().all(|byte| b" \t\r\n".contains(byte));
            let allowed = answer == whole
                || answer == Err(Malformed::CutOff)
                || blank && answer == Err(Malformed::NotObject);
            assert!(allowed, "{answer:?}, not {whole:?}, of {}", shown(cut));
        }
    });
}

#[test]
fn junk_after_both_fields_or_the_root_is_not_seen() {
    generated(FRAMES, |judges, frame, random| {
        let whole = judges.kernels(frame);
        if whole != Err(Malformed::NotObject) {
            let junk: Vec<u8> = (0..random.below(200)).map(|_| byte(random)).collect();
            let answer = judges.with_peer(&[frame, junk.as_slice()].concat());
            assert_eq!(answer, whole, "{}", shown(frame));
        }
    });
}

#[test]
fn damaged_frames_are_answered_alike() {
    generated(FRAMES, |judges, frame, random| {
        for _ in 0..20 {
            let mut frame = frame.to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(frame.len());
                match random.below(4) {
                    0 => drop(frame.remove(at)),
                    1 => frame.insert(at, byte(random)),
                    2 => frame[at] ^= 1 << random.below(8),
                    _ => frame[at] = byte(random),
                }
                if frame.is_empty() {
                    frame.push(b'{');
                }
            }
            let _ = judges.all(&frame);
            judges.with_validate(&frame);
        }
    });
}

/// One that means something to a scanner, or any.
fn byte(random: &mut Random) -> u8 {
    const MEANT: &[u8] = b"\"\"\"\\\\{}[]:,tu \n0-.e\0\xEF\xFF";
    if random.one_in(4) { random.bits().to_le_bytes()[0] } else { MEANT[random.below(MEANT.len())] }
}
