//! Named edge cases of the search: which members are the fields, and where a frame ends.

use headcount::limits::FRAME_BYTES_MAX;
use headcount::scan::Malformed::{BadTs, BadUid, CutOff, NoTs, NoUid, NotObject, TooLong};
use headcount::scan::{Kernel, Malformed, ScanSettings, Scanner, TsUnit, UnitSet, content};

use crate::judges::{Answer, Judges};

/// The judges of `ts` and `uid` in seconds on a frame, which is also slid over a block.
fn check(frame: impl AsRef<[u8]>, expected: Result<(i64, &str), Malformed>) {
    check_fields("ts", "uid", frame.as_ref(), expected);
}

fn check_fields(ts: &str, uid: &str, frame: &[u8], expected: Result<(i64, &str), Malformed>) {
    let expected: Answer = expected.map(|(ts_s, uid)| (ts_s, uid.as_bytes().to_vec()));
    let mut judges = Judges::fields(ts, uid, TsUnit::S);
    assert_eq!(judges.all(frame), expected, "{}", frame.escape_ascii());
    let inside = frame.iter().position(|&byte| byte == b'{').map_or(0, |root| root + 1);
    for spaces in 1..65 {
        if frame.len() > 10_000 || expected == Err(NotObject) {
            break;
        }
        let slid = [&frame[..inside], &vec![b' '; spaces], &frame[inside..]].concat();
        assert_eq!(judges.with_peer(&slid), expected, "{spaces}: {}", frame.escape_ascii());
    }
}

#[test]
fn the_root_is_an_object() {
    check(r#"{"ts":1,"uid":"u"}"#, Ok((1, "u")));
    check(r#"{"uid":"u","ts":1}"#, Ok((1, "u")));
    check(" \t\r\n{ \n\"ts\" \r:\t1 , \"uid\"\n:\r\"u\"}\r\n", Ok((1, "u")));
    for frame in ["", " ", "[]", "null", "1", "\"ts\"", r#"[{"ts":1,"uid":"u"}]"#, "\0", "x{", "}"]
    {
        check(frame, Err(NotObject));
    }
    // The caller takes the byte order mark away.
    check("\u{FEFF}{\"ts\":1,\"uid\":\"u\"}", Err(NotObject));
}

#[test]
fn only_members_at_the_root_count() {
    check(r#"{"a":{"ts":5,"uid":"x"},"ts":1,"b":{"uid":"y"},"uid":"u"}"#, Ok((1, "u")));
    check(
        r#"{"a":[{"ts":5},["uid","x"],{"b":{"uid":"y"}}],"ts":1,"uid":"u","ts":9}"#,
        Ok((1, "u")),
    );
    check(r#"{"ts":1,"uid":"u","a":{"ts":5,"uid":"x"}}"#, Ok((1, "u")));
    check(r#"{"a":"ts","b":"uid","uid":"u","ts":1}"#, Ok((1, "u")));
    check(r#"{"a":["ts","uid"],"uid":"ts","ts":1}"#, Ok((1, "ts")));
    check(r#"{"a":{"ts":1,"uid":"u"}}"#, Err(NoTs));
    check(r#"{"a":{"ts":1},"uid":"u"}"#, Err(NoTs));
    check(r#"{"ts":1,"a":{"uid":"u"}}"#, Err(NoUid));
    check(r#"{"Ts":1,"UID":"u","t":1,"tsx":2,"uidd":"v","ui":"w"}"#, Err(NoTs));
    check("{}", Err(NoTs));
}

#[test]
fn the_first_of_equal_keys_wins() {
    check(r#"{"ts":1,"ts":2,"uid":"u","uid":"v"}"#, Ok((1, "u")));
    check(r#"{"uid":"u","uid":"v","ts":1,"ts":2}"#, Ok((1, "u")));
    check(r#"{"uid":"u","uid":null,"t\u0073":1,"ts":2}"#, Ok((1, "u")));
    check(r#"{"ts":null,"ts":1,"uid":"u"}"#, Err(BadTs));
    check(r#"{"uid":[],"uid":"u","ts":1}"#, Err(BadUid));
}

#[test]
fn keys_may_be_escaped() {
    check(r#"{"\u0074\u0073":1,"\u0075id":"u"}"#, Ok((1, "u")));
    check(r#"{"t\u0073":1,"ui\u0064":"u"}"#, Ok((1, "u")));
    check(r#"{"\ud83dts":5,"ts\ud83d":6,"ts":1,"uid":"u"}"#, Ok((1, "u")));
    check(r#"{"ts\u0000":5,"\"ts":6,"\\ts":7,"ts":1,"uid":"u"}"#, Ok((1, "u")));
    check_fields("é", "😀", r#"{"\u00e9":1,"\ud83d\uDE00":"u"}"#.as_bytes(), Ok((1, "u")));
    check_fields("é", "😀", r#"{"é":1,"😀":"u"}"#.as_bytes(), Ok((1, "u")));
    check_fields("\"", r"\\", r#"{"\"":1,"\\":"u"}"#.as_bytes(), Ok((1, "u")));
    check_fields("\"", r"\\", r#"{"\u0022":1,"\u005C":"u"}"#.as_bytes(), Ok((1, "u")));
    check_fields("a/b", "\n", r#"{"a\/b":1,"\n":"u"}"#.as_bytes(), Ok((1, "u")));
    check_fields("a/b", "\n", r#"{"a/b":1,"\u000a":"u"}"#.as_bytes(), Ok((1, "u")));
}

#[test]
fn what_is_in_strings_is_no_structure() {
    check(r#"{"a":"}{][","ts":1,"b":"\"}","uid":"u"}"#, Ok((1, "u")));
    check(r#"{"a":"\",\"ts\":5,\"uid\":\"x\",\"","ts":1,"uid":"u"}"#, Ok((1, "u")));
    check(r#"{"a}":1,"{":2,"ts":1,"\"uid\":\"x\"":3,"uid":"u"}"#, Ok((1, "u")));
    check("{\"a\":\"é😀\u{7F}\u{2028}\",\"ts\":1,\"uid\":\"u\"}", Ok((1, "u")));
}

#[test]
fn runs_of_backslashes_of_every_length() {
    for pairs in 0..140 {
        let run = "\\\\".repeat(pairs);
        let ends = format!(r#"{{"a":"{run}","ts":1,"uid":"u"}}"#);
        let goes_on = format!(r#"{{"a":"{run}\",\"ts\":5,\"uid\":7","ts":1,"uid":"u"}}"#);
        let mut judges = Judges::fields("ts", "uid", TsUnit::S);
        for spaces in 0..64 {
            let spaces = format!("{{{}", " ".repeat(spaces));
            for frame in [&ends, &goes_on] {
                let frame = frame.replacen('{', &spaces, 1);
                assert_eq!(judges.kernels(frame.as_bytes()), Ok((1, b"u".to_vec())), "{frame}");
            }
        }
        judges.all(ends.as_bytes()).unwrap();
        judges.all(goes_on.as_bytes()).unwrap();
    }
}

#[test]
fn nesting_of_any_depth() {
    let deep = 100_000;
    for (open, close) in [("[", "]"), ("{\"ts\":", "}"), ("[{\"uid\":[", "]}]")] {
        let nest = format!("{}1{}", open.repeat(deep), close.repeat(deep));
        check(format!(r#"{{"a":{nest},"ts":1,"uid":"u"}}"#), Ok((1, "u")));
        check(format!(r#"{{"ts":1,"a":{nest},"uid":"u"}}"#), Ok((1, "u")));
        check(format!(r#"{{"ts":1,"uid":{nest}}}"#), Err(BadUid));
        check(format!(r#"{{"ts":1,"uid":{}"#, open.repeat(deep)), Err(BadUid));
        check(format!(r#"{{"ts":1,"a":{}"#, open.repeat(deep)), Err(CutOff));
    }
    let settings = ScanSettings { validate: true, ..ScanSettings::default() };
    let frame = format!(r#"{{"ts":1,"uid":"u","a":{}{}}}"#, "[".repeat(deep), "]".repeat(deep));
    assert!(Scanner::new(&settings).scan(frame.as_bytes()).is_ok());
}

#[test]
fn dotted_paths() {
    let check = |frame: &str, expected| {
        check_fields("meta.time", "meta.user.id", frame.as_bytes(), expected);
    };
    check(r#"{"meta":{"time":1,"user":{"id":"u"}}}"#, Ok((1, "u")));
    check(r#"{"time":5,"meta":{"x":{"time":6},"user":{"id":"u"},"time":1}}"#, Ok((1, "u")));
    check(r#"{"m\u0065ta" : { "tim\u0065" : 1 , "user" : { "id" : "u" } } }"#, Ok((1, "u")));
    check(r#"{"meta":{"time":1,"time":2,"user":{"id":"u"},"user":1},"meta":3}"#, Ok((1, "u")));
    check(r#"{"meta":{"time":1,"user":1,"user":{"id":"u"}}}"#, Err(NoUid));
    check(r#"{"meta":1,"meta":{"time":1,"user":{"id":"u"}}}"#, Err(NoTs));
    check(r#"{"meta":[{"time":1,"user":{"id":"u"}}]}"#, Err(NoTs));
    check(r#"{"meta":{"user":{"id":"u"}},"time":1}"#, Err(NoTs));
    check(r#"{"meta":{"time":1,"user":{}},"id":"u"}"#, Err(NoUid));
    check(r#"{"meta.time":1,"meta":{"user.id":"u"}}"#, Err(NoTs));
    check_fields(r"meta\.time", "a.b", br#"{"meta.time":1,"a":{"b":"u"}}"#, Ok((1, "u")));
    check_fields("a", "a.b", br#"{"a":{"b":"u"}}"#, Err(BadTs));
    check_fields("a", "a", br#"{"a":17}"#, Ok((17, "17")));
    check(r#"{"meta":{"time":1,"user":{"id":"u""#, Ok((1, "u")));
    for cut in [r#"{"meta""#, r#"{"meta":"#, r#"{"meta":{"time":1"#, r#"{"meta":{"time":1,"user":"#]
    {
        check(cut, Err(CutOff));
    }
    // Both are known to lead nowhere: the rest of the frame could not change that.
    check(r#"{"meta":{"#, Err(CutOff));
    check(r#"{"meta":{}"#, Err(NoTs));
}

#[test]
fn cut_frames() {
    for frame in [
        "{",
        r#"{"ts"#,
        r#"{"ts""#,
        r#"{"ts":"#,
        r#"{"ts":1"#,
        r#"{"ts":1,"#,
        r#"{"ts":-"#,
        r#"{"uid":"u","ts":1700"#,
        r#"{"uid":"u","ts":1e"#,
        r#"{"uid":"u","ts":"1"#,
        r#"{"ts":1,"uid":"u"#,
        r#"{"ts":1,"uid":17"#,
        r#"{"ts":1,"uid":"u\"#,
        r#"{"ts":1,"uid":"u\""#,
        r#"{"ts":null,"u"#,
        r#"{"uid":null,"t"#,
        r#"{"a":{"ts":1,"uid":"u"}"#,
        r#"{"ts":1} "#,
    ] {
        let closed = frame.ends_with("} ");
        check(frame, Err(if closed { NoUid } else { CutOff }));
    }
    check(r#"{"ts":1,"uid":"u""#, Ok((1, "u")));
    check(r#"{"uid":"u","ts":1 "#, Ok((1, "u")));
    check(r#"{"uid":"u","ts":1,"#, Ok((1, "u")));
    check(r#"{"ts":1,"uid":"u"}}}]]["#, Ok((1, "u")));
    check(r#"{"ts":1},"uid":"u"}"#, Err(NoUid));
}

#[test]
fn reasons_come_in_their_order_whatever_the_members_order() {
    let both = |a: &str, b: &str, expected: Malformed| {
        check(format!("{{{a},{b}}}"), Err(expected));
        check(format!("{{{b},{a}}}"), Err(expected));
    };
    both(r#""x":1"#, r#""uid":null"#, NoTs);
    both(r#""ts":null"#, r#""uid":null"#, BadTs);
    both(r#""ts":null"#, r#""x":1"#, BadTs);
    both(r#""ts":1"#, r#""x":1"#, NoUid);
    both(r#""ts":1"#, r#""uid":null"#, BadUid);
    check(r#"{"ts":null,"uid":null"#, Err(BadTs));
}

#[test]
fn frames_of_the_greatest_length() {
    for (ends, fits) in [(FRAME_BYTES_MAX, true), (FRAME_BYTES_MAX + 1, false)] {
        let (head, tail) = (r#"{"a":""#, r#"","ts":1,"uid":"u"}"#);
        let padding = " ".repeat(ends - head.len() - tail.len());
        let frame = format!("{head}{padding}{tail}");
        check(&frame, if fits { Ok((1, "u")) } else { Err(TooLong) });
        let uid = format!(r#"{{"ts":1,"uid":"{}"}}"#, "é".repeat(ends / 2 - 9));
        check(&uid, Err(BadUid));
    }
}

#[test]
fn lines_become_frames() {
    let check = |line: &[u8], expected: Option<&[u8]>| assert_eq!(content(line), expected);
    check(b"{}", Some(b"{}"));
    check(b"{}\r", Some(b"{}"));
    check(b"\xEF\xBB\xBF{}\r", Some(b"{}"));
    check(b" {}", Some(b" {}"));
    check(b"\xEF\xBB", Some(b"\xEF\xBB"));
    check(b"\0", Some(b"\0"));
    for blank in [&b""[..], b"\r", b" \t\r", b"\xEF\xBB\xBF", b"\xEF\xBB\xBF \r", b"\r\r"] {
        check(blank, None);
    }
}

#[test]
fn units_a_time_is_plausible_in() {
    let mut scanner = Scanner::new(&ScanSettings::default());
    let mut check = |frame: &str, expected: &[TsUnit]| {
        let units: UnitSet = scanner.plausible_units(frame.as_bytes());
        assert_eq!(units.iter().collect::<Vec<_>>(), expected, "{frame}");
        assert_eq!(units.is_empty(), expected.is_empty());
        assert!(expected.iter().all(|&unit| units.contains(unit)));
    };
    check(r#"{"ts":1700000000,"uid":"u"}"#, &[TsUnit::S]);
    check(r#"{"ts":"1700000000000"}"#, &[TsUnit::Ms]);
    check(r#"{"uid":[],"ts":1700000000000000.5,"#, &[TsUnit::Us]);
    check(r#"{"ts":17e17}"#, &[TsUnit::Ns]);
    check(r#"{"ts":631152000}"#, &[TsUnit::S]);
    check(r#"{"ts":"2023-11-14T22:13:20Z"}"#, &[TsUnit::Rfc3339]);
    check(r#"{"ts":"1023-11-14T22:13:20Z"}"#, &[]);
    check(r#"{"ts":4133980800}"#, &[]);
    check(r#"{"ts":5}"#, &[]);
    check(r#"{"ts":null}"#, &[]);
    check(r#"{"a":1700000000}"#, &[]);
    check(r#"{"ts":1700000000"#, &[]);
    check("x", &[]);
}

#[test]
fn the_vocabulary() {
    for (index, reason) in Malformed::ALL.into_iter().enumerate() {
        assert_eq!(reason.index(), index);
        assert_eq!(reason.to_string(), reason.as_str());
    }
    assert!(Kernel::all().contains(&Kernel::best()));
    let units = <TsUnit as clap::ValueEnum>::value_variants();
    for unit in units {
        let name = clap::ValueEnum::to_possible_value(unit).unwrap();
        assert_eq!(name.get_name(), unit.as_str());
    }
}
