//! The generator against its own promises: the same bytes everywhere, shares as asked, and a truth
//! that a second reader (serde_json, slow and strict) agrees with frame by frame.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, Write};

use headcount::generate::{
    FieldOrder, Generator, LineEnd, Malformed, Reading, Skew, TsUnit, UidForm, Workload,
};
use headcount::limits::{TS_S_MAX, TS_S_MIN, UID_BYTES_MAX};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

fn generator(workload: &Workload) -> Generator {
    workload.generator().expect("settings that can be met")
}

fn frame(generator: &Generator, i: u64) -> Vec<u8> {
    let mut out = Vec::new();
    generator.frame(i, &mut out);
    out
}

fn stream(workload: &Workload, threads: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let written = workload.write_to(&mut out, threads).expect("a Vec takes all");
    assert_eq!((written.frames, written.bytes), (workload.frames, out.len() as u64));
    out
}

/// Everything hostile, and much of it.
fn very_hostile() -> Workload {
    Workload {
        users: 1_000,
        frame_bytes: 400,
        frames: 20_000,
        malformed: 0.2,
        flips: 0.05,
        duplicates: 0.1,
        ..Workload::hostile()
    }
}

// ---- a second reader -----------------------------------------------------------------------

/// The first `ts` and `uid` of the root, as they stand.
#[derive(Default)]
struct Root<'a> {
    ts: Option<&'a RawValue>,
    uid: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Root<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RootVisitor;
        impl<'de> Visitor<'de> for RootVisitor {
            type Value = Root<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Root<'de>, A::Error> {
                let mut root = Root::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "ts" if root.ts.is_none() => root.ts = Some(map.next_value()?),
                        "uid" if root.uid.is_none() => root.uid = Some(map.next_value()?),
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(root)
            }
        }
        deserializer.deserialize_map(RootVisitor)
    }
}

fn read(frame: &[u8], unit: TsUnit) -> Reading {
    match try_read(frame, unit) {
        Ok((ts_s, uid)) => Reading::Good { ts_s, uid },
        Err(kind) => Reading::Malformed(kind),
    }
}

fn try_read(frame: &[u8], unit: TsUnit) -> Result<(i64, Vec<u8>), Malformed> {
    let line = frame.strip_suffix(b"\n").expect("a line end");
    assert!(!line.contains(&b'\n'), "one line a frame");
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let root: Root = serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Malformed::NotObject,
        serde_json::error::Category::Eof => Malformed::CutOff,
        // of a number cut behind its sign or point serde_json does not say that it is cut
        _ if line[0].is_ascii() && b".-+eE".contains(&line[line.len() - 1]) => Malformed::CutOff,
        _ => Malformed::Garbage,
    })?;
    let ts = root.ts.ok_or(Malformed::NoTs)?.get();
    let uid = root.uid.ok_or(Malformed::NoUid)?.get();
    let ts_s = floor_s(ts, unit).ok_or(Malformed::BadTs)?;
    let uid = match serde_json::from_str::<String>(uid) {
        Ok(uid) => uid,
        Err(_) if !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_digit()) => uid.to_string(),
        Err(_) => return Err(Malformed::BadUid),
    };
    if uid.is_empty() || uid.len() > UID_BYTES_MAX {
        return Err(Malformed::BadUid);
    }
    Ok((ts_s, uid.into_bytes()))
}

/// Knows the forms the generator writes, and those only.
fn floor_s(raw: &str, unit: TsUnit) -> Option<i64> {
    let number = serde_json::from_str::<String>(raw).unwrap_or(raw.to_string());
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((&number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole: i128 = whole.parse().ok()?;
    let whole = match exponent.parse().ok()? {
        0 => whole,
        -1 => whole.div_euclid(10),
        _ => return None,
    };
    assert!(whole >= 0 || fraction.bytes().all(|b| b == b'0'), "{raw}: not floored here");
    let ts_s = i64::try_from(whole.div_euclid(unit.per_s().into())).ok()?;
    (TS_S_MIN..=TS_S_MAX).contains(&ts_s).then_some(ts_s)
}

fn assert_truth_is_read(workload: &Workload) -> HashMap<Malformed, u64> {
    let generator = generator(workload);
    let mut kinds = HashMap::new();
    for i in 0..workload.frames {
        let bytes = frame(&generator, i);
        let truth = generator.truth(i);
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(read(&bytes, workload.ts_unit), truth.reading, "frame {i}: {}", text());
        if let Reading::Malformed(kind) = truth.reading {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    kinds
}

// ---- the same bytes everywhere -------------------------------------------------------------

#[test]
fn bytes_do_not_depend_on_threads() {
    for workload in [Workload { frames: 2_000, ..Workload::default() }, very_hostile()] {
        let generator = generator(&workload);
        let mut one_by_one = Vec::new();
        (0..workload.frames).for_each(|i| generator.frame(i, &mut one_by_one));
        for threads in [0, 1, 2, 3, 7] {
            assert!(stream(&workload, threads) == one_by_one, "{threads} threads");
        }
    }
}

#[test]
fn bytes_do_not_depend_on_block_borders() {
    // a block of 256 KiB holds 126 frames of 2,080 bytes
    let whole = stream(&Workload { frames: 400, ..Workload::default() }, 1);
    for frames in [0, 1, 125, 126, 127, 251, 252, 253, 378] {
        let part = stream(&Workload { frames, ..Workload::default() }, 3);
        assert!(whole.starts_with(&part), "{frames} frames");
        assert_eq!(part.iter().filter(|&&byte| byte == b'\n').count() as u64, frames);
    }
    // one frame a block
    let large = Workload { frames: 5, frame_bytes: 1_000_000, ..Workload::default() };
    assert!(stream(&large, 1) == stream(&large, 2));
    assert!(stream(&large, 1) != stream(&Workload { seed: 2, ..large }, 1));
}

/// A change here changes every figure and every golden result made from these streams.
#[test]
fn bytes_are_those_of_the_day_they_were_fixed() {
    let plain = stream(&Workload { frames: 1_000, ..Workload::default() }, 2);
    let hostile = stream(&Workload { frames: 1_000, ..Workload::hostile() }, 2);
    let very_hostile = stream(&very_hostile(), 2);
    assert_eq!(
        [&plain, &hostile, &very_hostile].map(|bytes| format!("{:016x}", xxh3_64(bytes))),
        ["b59b1c4ddd31266d", "5fdbbe7f683cb09c", "18c7f9496fd28271"],
    );
}

/// Gives up after some bytes, as a closed pipe does.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_fails_ends_all_threads() {
    for threads in [1, 2, 3] {
        let error = Workload::default().write_to(&mut Closing(3_000_000), threads).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}

// ---- the truth -----------------------------------------------------------------------------

#[test]
fn truth_is_what_serde_json_reads() {
    let kinds = assert_truth_is_read(&very_hostile());
    for kind in Malformed::ALL {
        assert!(kinds.get(&kind).is_some_and(|&n| n > 300), "{kind:?}: {kinds:?}");
    }
    assert!(assert_truth_is_read(&Workload { frames: 2_000, ..Workload::default() }).is_empty());
    assert_truth_is_read(&Workload { frames: 2_000, ..Workload::hostile() });
}

#[test]
fn truth_holds_in_every_unit_size_and_form() {
    let mut seed = 100;
    for ts_unit in [TsUnit::S, TsUnit::Ms, TsUnit::Us, TsUnit::Ns] {
        for frame_bytes in [0, 42, 83, 150, 700] {
            for lookalikes in [false, true] {
                seed += 1;
                let frames = 500;
                let some =
                    Workload { ts_unit, frame_bytes, lookalikes, seed, frames, ..very_hostile() };
                assert_truth_is_read(&some);
                let start_s = -1_000_000;
                assert_truth_is_read(&Workload { start_s, uid_form: UidForm::Plain, ..some });
            }
        }
    }
}

#[test]
fn users_have_uids_of_their_own() {
    for uid_form in [UidForm::Plain, UidForm::Mixed] {
        let workload = Workload { uid_form, users: 5_000, ..Workload::default() };
        let generator = generator(&workload);
        let mut uid_of_user = HashMap::new();
        for i in 0..100_000 {
            let truth = generator.truth(i);
            let Reading::Good { uid, .. } = truth.reading else { panic!("frame {i} is malformed") };
            assert!((12..=20).contains(&uid.len()));
            assert_eq!(*uid_of_user.entry(truth.user).or_insert(uid.clone()), uid);
        }
        let uids: HashSet<_> = uid_of_user.values().collect();
        assert_eq!((uids.len(), uid_of_user.len()), (5_000, 5_000));
    }
}

// ---- shares and shapes ---------------------------------------------------------------------

#[test]
fn three_in_four_frames_are_new_in_their_minute() {
    let generator = generator(&Workload::default());
    let frames = 300_000;
    let seen: HashSet<_> = (0..frames).map(|i| (i / 60_000, generator.truth(i).user)).collect();
    // 100,000 × (1 - e^-0.6) of 60,000
    let new = seen.len() as f64 / frames as f64;
    assert!((new - 0.752).abs() < 0.003, "{new}");
}

#[test]
fn a_share_changes_the_frames_it_falls_on_and_no_other() {
    let plain = Workload { frame_bytes: 300, ..Workload::default() };
    let share = 0.1;
    let late = vec![
        headcount::generate::Late { share: 0.06, delay_s_max: 5 },
        headcount::generate::Late { share: 0.04, delay_s_max: 600 },
    ];
    for (name, changed) in [
        ("escapes", Workload { escapes: share, ..plain.clone() }),
        ("odd_ts", Workload { odd_ts: share, ..plain.clone() }),
        ("spaces", Workload { spaces: share, ..plain.clone() }),
        ("repeated_keys", Workload { repeated_keys: share, ..plain.clone() }),
        ("flips", Workload { flips: share, ..plain.clone() }),
        ("duplicates", Workload { duplicates: share, ..plain.clone() }),
        ("malformed", Workload { malformed: share, ..plain.clone() }),
        ("late", Workload { late, ..plain.clone() }),
        ("order", Workload { order: FieldOrder::Mixed, ..plain.clone() }),
        ("line_end", Workload { line_end: LineEnd::Mixed, ..plain.clone() }),
    ] {
        let expected = if matches!(name, "order" | "line_end") { 0.5 } else { share };
        let (before, after) = (generator(&plain), generator(&changed));
        let frames = 20_000;
        let differ = (0..frames).filter(|&i| frame(&before, i) != frame(&after, i)).count();
        let differ = differ as f64 / frames as f64;
        assert!((differ - expected).abs() < 0.01, "{name}: {differ}");
    }
}

#[test]
fn late_flipped_and_repeated_frames_are_what_they_are_called() {
    let workload = Workload { malformed: 0.0, ..very_hostile() };
    let on_time = Workload { late: vec![], flips: 0.0, ..workload.clone() };
    let (generator, on_time) = (generator(&workload), generator(&on_time));
    let mut late_s_max = 0;
    let ts_of = |truth: &headcount::generate::Truth| match truth.reading {
        Reading::Good { ts_s, .. } => Some(ts_s),
        Reading::Malformed(_) => None,
    };
    for i in 0..workload.frames {
        let truth = generator.truth(i);
        let planned_s = ts_of(&on_time.truth(i)).unwrap();
        let source = truth.repeat_of.unwrap_or(i);
        assert_eq!(planned_s, workload.start_s + i64::try_from(source / 1_000).unwrap());
        if truth.repeat_of.is_some() {
            let bytes = frame(&generator, i);
            assert!((1..=16.min(i)).any(|back| frame(&generator, i - back) == bytes), "{i}");
        }
        let unflipped_s = planned_s - i64::from(truth.late_s);
        late_s_max = late_s_max.max(truth.late_s);
        match ts_of(&truth) {
            Some(ts_s) if truth.flipped => assert_eq!((ts_s ^ unflipped_s).count_ones(), 1),
            Some(ts_s) => assert_eq!(ts_s, unflipped_s),
            None => assert!(truth.flipped),
        }
    }
    assert!((6..=600).contains(&late_s_max));
}

#[test]
fn sizes_are_as_asked() {
    for (frame_bytes, tolerance) in [(83, 0.03), (200, 0.03), (2_080, 0.005), (300_000, 0.01)] {
        let frames = 20_000.min(200_000_000 / frame_bytes as u64);
        let workload = Workload { frames, frame_bytes, ..Workload::default() };
        let generator = generator(&workload);
        let sizes: Vec<_> = (0..frames).map(|i| frame(&generator, i).len()).collect();
        let total: usize = sizes.iter().sum();
        let mean = total as f64 / frames as f64;
        assert!((mean / frame_bytes as f64 - 1.0).abs() < tolerance, "{frame_bytes}: {mean}");
        assert!(sizes.iter().all(|&bytes| bytes * 10 <= frame_bytes * 11));
        assert!(sizes.iter().all(|&bytes| (bytes + 12) * 10 >= frame_bytes * 9));
        let expected = generator.bytes_expected() as f64;
        assert!((expected / total as f64 - 1.0).abs() < 0.01);
    }
}

#[test]
fn resize_meets_a_size() {
    let mut generator = generator(&Workload::default());
    generator.resize(50_000_000).unwrap();
    let written = generator.write_to(&mut io::sink(), 2).unwrap();
    assert!(written.bytes.abs_diff(50_000_000) < 500_000, "{written:?}");
}

#[test]
fn fields_lie_within_their_span() {
    for (field_span, expected) in [(0.0, 0.02), (0.2, 0.2), (0.5, 0.5), (1.0, 0.99)] {
        let generator = generator(&Workload { field_span, ..Workload::default() });
        let frames = 5_000;
        let sum: f64 = (0..frames)
            .map(|i| {
                let bytes = frame(&generator, i);
                let uid = format!("\"uid\":\"user-{:09}\",", generator.truth(i).user);
                let text = std::str::from_utf8(&bytes).unwrap().replace('}', ",");
                (text.find(&uid).unwrap() + uid.len()) as f64 / bytes.len() as f64
            })
            .sum();
        let mean = sum / frames as f64;
        assert!((mean - expected).abs() < 0.02, "{field_span}: {mean}");
    }
}

#[test]
fn zipf_users_have_zipf_frequencies() {
    for (quarters, tenth) in [(2, 10_f64.sqrt()), (4, 10.0), (6, 10.0 * 10_f64.sqrt())] {
        let workload =
            Workload { users: 1_000, skew: Skew::Zipf { quarters }, ..Workload::default() };
        let generator = generator(&workload);
        let mut count_of_user = vec![0_u32; 1_000];
        for i in 0..400_000 {
            count_of_user[usize::try_from(generator.truth(i).user).unwrap()] += 1;
        }
        let ratio = f64::from(count_of_user[0]) / f64::from(count_of_user[9]);
        assert!((ratio / tenth - 1.0).abs() < 0.1, "{quarters} quarters: {ratio}");
    }
}

#[test]
fn settings_that_cannot_be_met_are_refused() {
    let plain = Workload::default();
    for (reason, workload) in [
        ("users", Workload { users: 0, ..plain.clone() }),
        ("zipf", Workload { skew: Skew::Zipf { quarters: 0 }, ..plain.clone() }),
        ("rate", Workload { rate_per_s: 0.0, ..plain.clone() }),
        ("flips", Workload { flips: f64::NAN, ..plain.clone() }),
        ("duplicates", Workload { duplicates: 0.6, ..plain.clone() }),
        ("frame-bytes", Workload { frame_bytes: usize::MAX, ..plain.clone() }),
        ("frames", Workload { frames: u64::MAX, ..plain.clone() }),
        ("years", Workload { start_s: i64::MAX, ..plain.clone() }),
    ] {
        let error = workload.check().unwrap_err();
        assert!(error.contains(reason), "{reason}: {error}");
        let error = workload.write_to(&mut io::sink(), 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
