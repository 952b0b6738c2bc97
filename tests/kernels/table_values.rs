//! Named edge cases of the two values.

use headcount::limits::{TS_S_MAX, TS_S_MIN, UID_BYTES_MAX};
use headcount::scan::Malformed::{BadTs, BadUid, Invalid};
use headcount::scan::{Malformed, ScanSettings, Scanner, TsUnit};

use crate::judges::Judges;

/// A time's text, in both orders of the members.
fn ts(unit: TsUnit, text: &str, expected: Result<i64, Malformed>) {
    let mut judges = Judges::fields("ts", "uid", unit);
    for frame in [format!(r#"{{"ts":{text},"uid":"u"}}"#), format!(r#"{{"uid":"u","ts":{text} }}"#)]
    {
        let answer = judges.all(frame.as_bytes()).map(|(ts_s, _)| ts_s);
        assert_eq!(answer, expected, "{frame}");
    }
}

#[test]
fn times_are_decimals() {
    let s = |text: &str, expected| {
        ts(TsUnit::S, text, expected);
        ts(TsUnit::S, &format!("\"{text}\""), expected);
    };
    s("0", Ok(0));
    s("-0", Ok(0));
    s("-0.0000001", Ok(-1));
    s("1700000000", Ok(1_700_000_000));
    s("1.7e9", Ok(1_700_000_000));
    s("1700000000.5", Ok(1_700_000_000));
    s("-1700000000.5", Ok(-1_700_000_001));
    s(&format!("1700000000.{}", "9".repeat(2000)), Ok(1_700_000_000));
    s(&format!("{}e-2000", "1".repeat(2003)), Ok(111));
    s(&format!("-0.{}1", "0".repeat(5000)), Ok(-1));
    s("1e400", Err(BadTs));
    s("-1e400", Err(BadTs));
    s("1e-400", Ok(0));
    s("-1e-400", Ok(-1));
    s("0e400", Ok(0));
    s("1e99999999999999999999", Err(BadTs));
    s("253402300799.9", Ok(TS_S_MAX));
    s("253402300800", Err(BadTs));
    s("-62135596800", Ok(TS_S_MIN));
    s("-62135596800.1", Err(BadTs));
    s("18446744073709551616", Err(BadTs));
    s("999999999999999999", Err(BadTs));
    s("10000000000000000000000e-22", Ok(1));
}

#[test]
fn times_in_other_units() {
    ts(TsUnit::Ms, "1700000000999", Ok(1_700_000_000));
    ts(TsUnit::Ms, "-1", Ok(-1));
    ts(TsUnit::Ms, "-1000", Ok(-1));
    ts(TsUnit::Us, "1700000000999999", Ok(1_700_000_000));
    ts(TsUnit::Ns, "1700000000999999999", Ok(1_700_000_000));
    ts(TsUnit::Ns, "1.7e18", Ok(1_700_000_000));
    ts(TsUnit::Ns, "253402300799999999999", Ok(TS_S_MAX));
    ts(TsUnit::Ns, "253402300800000000000", Err(BadTs));
}

#[test]
fn times_as_text() {
    let check = |text: &str, expected| ts(TsUnit::Rfc3339, &format!("\"{text}\""), expected);
    check("2023-11-14T22:13:20Z", Ok(1_700_000_000));
    check("2023-11-14 23:13:20.999+01:00", Ok(1_700_000_000));
    check(r"2023\u002d11-14t22:13:20\u007a", Ok(1_700_000_000));
    check("2016-12-31T23:59:60Z", Ok(1_483_228_799));
    check("9999-12-31T23:59:59Z", Ok(TS_S_MAX));
    check("0000-12-31T23:00:00-01:00", Ok(TS_S_MIN));
    check("9999-12-31T23:59:59-00:01", Err(BadTs));
    check("2023-02-29T00:00:00Z", Err(BadTs));
    check("2023-11-14T22:13:20", Err(BadTs));
    check("1700000000", Err(BadTs));
    check("", Err(BadTs));
    ts(TsUnit::Rfc3339, "1700000000", Err(BadTs));
    ts(TsUnit::Rfc3339, "null", Err(BadTs));
}

#[test]
fn what_is_no_time() {
    for text in [
        "null",
        "true",
        "[]",
        "{}",
        "[1]",
        r#"{"ts":1}"#,
        r#""""#,
        r#"" 1""#,
        r#""1 ""#,
        r#""+1""#,
        r#""01""#,
        r#""1.""#,
        r#"".5""#,
        r#""0x1""#,
        r#""1\ud83d""#,
        r#""1\u0000""#,
        r#""١""#,
        r#""NaN""#,
        r#""1,5""#,
        r#""2023-11-14T22:13:20Z""#,
        // no JSON, so for the kernels and the peer only
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1x",
        "NaN",
        "-",
        "--1",
        "\"1\n\"",
        r#""\q1""#,
    ] {
        ts(TsUnit::S, text, Err(BadTs));
    }
    ts(TsUnit::S, r#""\u0031\u0037""#, Ok(17));
    ts(TsUnit::S, r#""\u0031\u00""#, Err(BadTs));
}

/// A user's text, in both orders of the members.
fn uid(text: impl AsRef<[u8]>, expected: Result<&str, Malformed>) {
    let text = text.as_ref();
    let mut judges = Judges::fields("ts", "uid", TsUnit::S);
    for (before, after) in [("{\"ts\":1,\"uid\":", "}"), ("{\"uid\": ", " ,\"ts\":1 }")] {
        let frame = [before.as_bytes(), text, after.as_bytes()].concat();
        let answer = judges.all(&frame).map(|(_, uid)| uid);
        let expected = expected.map(|uid| uid.as_bytes().to_vec());
        assert_eq!(answer, expected, "{}", frame.escape_ascii());
    }
}

#[test]
fn users() {
    uid(r#""u""#, Ok("u"));
    uid(r#""ts""#, Ok("ts"));
    uid("\"é😀\u{7F}\u{FFFF} \"", Ok("é😀\u{7F}\u{FFFF} "));
    uid(r#""\u00e9\ud83d\uDE00\n\/\"\\\u0000""#, Ok("é😀\n/\"\\\0"));
    uid(r#""a\u0062c{}[],:""#, Ok("abc{}[],:"));
    uid("17", Ok("17"));
    uid(r#""17""#, Ok("17"));
    uid("-17", Ok("-17"));
    uid("-0", Ok("-0"));
    uid("123456789012345678901234567890", Ok("123456789012345678901234567890"));
    let most = "u".repeat(UID_BYTES_MAX);
    uid(format!("\"{most}\""), Ok(&most));
    uid(format!("\"\\u0075{}\"", &most[1..]), Ok(&most));
    uid("7".repeat(UID_BYTES_MAX), Ok(&"7".repeat(UID_BYTES_MAX)));
    uid(format!("\"{}\"", "é".repeat(UID_BYTES_MAX / 2)), Ok(&"é".repeat(UID_BYTES_MAX / 2)));
    uid(format!("\"{}\"", "\\u00e9".repeat(UID_BYTES_MAX / 2)), Ok(&"é".repeat(UID_BYTES_MAX / 2)));
}

#[test]
fn what_is_no_user() {
    for text in [
        r#""""#,
        "null",
        "true",
        "false",
        "[]",
        "{}",
        r#"["u"]"#,
        "1.0",
        "1e3",
        "-1.5",
        "1E3",
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d\ud83d\ude00""#,
        r#""u\uDE00v""#,
        // no JSON, so for the kernels and the peer only
        "01",
        "-",
        "+1",
        "1u",
        "u",
        "\"u\nv\"",
        "\"\0\"",
        "\"é\t\"",
        "\"\\q\"",
        "\"\\u00g0\"",
        "1-2",
    ] {
        uid(text, Err(BadUid));
    }
    let more = "u".repeat(UID_BYTES_MAX + 1);
    uid(format!("\"{more}\""), Err(BadUid));
    uid(format!("\"\\u0075{}\"", &more[1..]), Err(BadUid));
    uid(format!("\"\\u00e9{}\"", &more[2..]), Err(BadUid));
    uid("7".repeat(UID_BYTES_MAX + 1), Err(BadUid));
    for bytes in
        [&b"\"\xFF\""[..], b"\"\xC3\"", b"\"\xED\xA0\x80\"", b"\"\xC0\x80\"", b"\"\\n\xFF\""]
    {
        uid(bytes, Err(BadUid));
    }
}

#[test]
fn nul_bytes_are_bytes() {
    let mut judges = Judges::fields("ts", "uid", TsUnit::S);
    let mut check = |frame: &str, expected: Result<(i64, Vec<u8>), Malformed>| {
        assert_eq!(judges.all(frame.as_bytes()), expected, "{frame:?}");
    };
    check("{\"a\":\"\0\0\",\"ts\":1,\"uid\":\"u\"}", Ok((1, b"u".to_vec())));
    check("{\"ts\":1\0,\"uid\":\"u\"}", Err(BadTs));
    check("{\"ts\"\0:1,\"uid\":\"u\"}", Err(Malformed::NoTs));
    check("{\"ts\":\0", Err(Malformed::CutOff));
}

#[test]
fn validation_comes_last() {
    let settings = ScanSettings { validate: true, ..ScanSettings::default() };
    let mut scanner = Scanner::new(&settings);
    let mut check = |frame: &[u8], expected: Result<i64, Malformed>| {
        let answer = scanner.scan(frame).map(|fact| fact.ts_s);
        assert_eq!(answer, expected, "{}", frame.escape_ascii());
    };
    check(br#" {"ts":1,"uid":"u","a":"\ud83d"} "#, Ok(1));
    check(br#"{"ts":1,"uid":"u""#, Err(Invalid));
    check(br#"{"ts":1,"uid":"u",}"#, Err(Invalid));
    check(br#"{"ts":1,"uid":"u"}}"#, Err(Invalid));
    check(b"{\"ts\":1,\"uid\":\"u\",\"a\":\"\xFF\"}", Err(Invalid));
    check(br#"{"ts":x,"uid":"u"}"#, Err(BadTs));
    check(b"hello", Err(Malformed::NotObject));
}
