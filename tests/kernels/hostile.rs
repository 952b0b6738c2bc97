//! Bytes of no sense, and what proptest makes of the contract.

use std::collections::BTreeMap;

use headcount::limits::{TS_S_MAX, TS_S_MIN, UID_BYTES_MAX};
use headcount::scan::TsUnit;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::judges::Judges;
use crate::random::{self, Random};

/// What frames are made of, whole and in pieces.
const PIECES: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\\\",
    b"\\\"",
    b"\\u",
    b"\\u0074",
    b"ts",
    b"uid",
    b"\"ts\"",
    b"\"uid\"",
    b"\"ts\":",
    b"\"uid\":",
    b"\"ts\":1",
    b"\"uid\":\"u\"",
    b"1",
    b"-",
    b".",
    b"e",
    b"0",
    b" ",
    b"\n",
    b"\r",
    b"\t",
    b"\0",
    b"\xFF",
    b"\xC3",
    b"\xA9",
    b"null",
    b"t",
    b"u",
    b"\\ud83d",
    b"\"\"",
    b"{\"ts\":1,\"uid\":\"u\"}",
    b"                ",
];

#[test]
fn pieces_in_any_order_are_answered_alike() {
    let seed = random::seed();
    let mut judges = [("ts", "uid"), ("ts.uid", "uid.ts"), ("t", "\0")]
        .map(|(ts, uid)| Judges::fields(ts, uid, TsUnit::S));
    for number in 0..random::frames(60_000) {
        let mut random = Random::new(seed.wrapping_add(number));
        let mut frame = if random.one_in(4) { Vec::new() } else { vec![b'{'] };
        for _ in 0..random.below(60) {
            frame.extend(PIECES[random.below(PIECES.len())]);
        }
        for judges in &mut judges {
            let _ = judges.all(&frame);
        }
    }
}

#[test]
fn random_bytes_are_answered_alike() {
    let seed = random::seed();
    let mut judges = Judges::fields("ts", "uid", TsUnit::S);
    for number in 0..random::frames(20_000) {
        let mut random = Random::new(seed.wrapping_add(number));
        let len = random.below(300);
        let mut frame: Vec<u8> = (0..len).map(|_| random.bits().to_le_bytes()[0]).collect();
        let _ = judges.all(&frame);
        frame.insert(0, b'{');
        let _ = judges.all(&frame);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![select(vec!["ts", "uid"]).prop_map(str::to_owned), any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key, inner, 0..6).prop_map(|members| json!(members)),
        ]
    })
}

/// proptest with this run's seed, and no files of its own.
fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(random::seed());
    ProptestConfig { rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_serde_json_writes_is_read(
        before: BTreeMap<String, u8>,
        nested in any_value(),
        ts_s in TS_S_MIN..=TS_S_MAX,
        uid in any::<String>().prop_filter("a uid", |uid| (1..=UID_BYTES_MAX).contains(&uid.len())),
        uid_first: bool,
    ) {
        let mut members: Vec<(String, Value)> =
            before.into_iter().map(|(key, value)| (key, json!(value))).collect();
        members.retain(|(key, _)| key != "ts" && key != "uid");
        members.push(("nested".to_owned(), nested));
        members.push(("ts".to_owned(), json!(ts_s)));
        let at = if uid_first { 0 } else { members.len() };
        members.insert(at, ("uid".to_owned(), json!(uid)));
        let members: Vec<String> =
            members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
        let frame = format!("{{{}}}", members.join(","));
        let answer = Judges::fields("ts", "uid", TsUnit::S).all(frame.as_bytes());
        prop_assert_eq!(answer, Ok((ts_s, uid.into_bytes())));
    }

    #[test]
    fn any_value_may_be_a_field(ts in any_value(), uid in any_value(), other in any_value()) {
        let frame = format!(r#"{{"other":{other},"uid":{uid},"ts":{ts}}}"#);
        for unit in [TsUnit::S, TsUnit::Ns, TsUnit::Rfc3339] {
            let _ = Judges::fields("ts", "uid", unit).all(frame.as_bytes());
            let _ = Judges::fields("other.ts", "other.uid", unit).all(frame.as_bytes());
        }
    }

    #[test]
    fn any_bytes(frame: Vec<u8>, pieces in vec(select(PIECES.to_vec()), 0..80)) {
        let mut judges = Judges::fields("ts", "uid", TsUnit::Ms);
        let _ = judges.all(&frame);
        let _ = judges.all(&pieces.concat());
    }
}
