//! JSON: headcount's scanner, sonic-rs, serde_json.

use headcount::scan::{ScanSettings, Scanner};
use sonic_rs::JsonValueTrait;

use crate::frame::Frame;
use crate::ways::{Two, Walk, facts, walk};

/// headcount's own: stops behind the second field.
pub fn scanner() -> Walk {
    let mut scanner = Scanner::new(&ScanSettings::default());
    walk(move |frame| scanner.scan(frame).ok().map(|fact| facts(fact.ts_s, fact.uid)))
}

/// sonic-rs looks for each field from the start and parses nothing else.
pub fn sonic() -> Walk {
    walk(|frame| {
        // SAFETY: only whole frames get here, and serde_json has parsed each of them before.
        let ts = unsafe { sonic_rs::get_unchecked(frame, ["ts"]) }.ok()?;
        // SAFETY: as above.
        let uid = unsafe { sonic_rs::get_unchecked(frame, ["uid"]) }.ok()?;
        Some(facts(ts.as_i64()?, uid.as_str()?.as_bytes()))
    })
}

pub fn two() -> Walk {
    walk(|frame| serde_json::from_slice::<Two<'_>>(frame).ok().map(|two| two.facts()))
}

pub fn whole(frame: &[u8]) -> Frame {
    serde_json::from_slice(frame).expect("a frame")
}

pub fn encode(frame: &Frame, out: &mut Vec<u8>) {
    serde_json::to_writer(out, frame).expect("a vector takes all");
}
