//! What each address says, against what the run puts out and its accounts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::{ask, send};
use crate::ran::{HEADCOUNT, Ran};
use crate::schema::{check, check_schema, schema};
use crate::watched::{START_S, Watched, frame, minutes};

/// What is in a frame is nobody's business.
const SECRET: &str = "who-watches-does-not-see-this";

/// A stream of 6,002 frames with all there is: late and malformed ones, and empty lines.
fn stream() -> Vec<u8> {
    let flags = "generate --frames 6000 --users 500 --rate 20 --frame-bytes 200 --late 2%:600s --malformed 2% --seed 7";
    let mut command = assert_cmd::Command::new(HEADCOUNT);
    let bytes = command.args(flags.split(' ')).output().unwrap().stdout;
    let secret = format!("{}{SECRET}\n\n\n", frame(1_700_000_000, SECRET));
    [&bytes[..], secret.as_bytes()].concat()
}

#[test]
fn readings_and_metrics_are_what_the_summary_says() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    // By these every byte of the output is known before.
    let flags = "--late drop --idle off";
    let mut plain = assert_cmd::Command::new(HEADCOUNT);
    let plain = plain.args(["count", "-", "--quiet"]).args(flags.split(' ')).write_stdin(stream());
    let plain = String::from_utf8(plain.output().unwrap().stdout).unwrap();
    let before_the_end = plain.matches("\"closed_by\":\"time\"").count() as u64;
    assert!(before_the_end > 2, "{plain}");

    let mut run = Watched::start(&format!("{flags} --summary {}", summary.display()));
    run.feed(stream());
    let live = run.wait_for(6002, before_the_end);
    check_forms(&run);
    let (metrics, windows) = (run.metrics(), run.json("/windows?window=minute"));
    for path in ["/live", "/windows", "/why", "/metrics"] {
        let said = run.get(path).ok().body;
        assert!(!said.contains(SECRET), "{path}: {said}");
    }
    let ran = run.end().exits(0);
    assert_eq!(ran.stdout, plain);

    let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    let n = |name: &str| summary[name].as_u64().unwrap();
    assert!(n("malformed") > 0 && n("refused_late") > 0 && n("blank_lines") == 2, "{summary}");
    assert_eq!(live["totals"]["frames"], n("frames_read"));
    assert_eq!(live["totals"]["bytes"], n("bytes"));
    for name in ["counted", "refused_late", "refused_future", "refused_gone", "malformed", "empty"]
    {
        assert_eq!(live["outcomes"][name], n(name), "{name}");
    }
    assert_eq!(live["outcomes"]["malformed_by_reason"], summary["malformed_by_reason"]);

    let is = |name: &str, value: u64| assert_eq!(metrics.one(name), value as f64, "{name}");
    is("headcount_frames_total", n("frames_read"));
    is("headcount_frame_bytes_total", n("bytes"));
    is("headcount_frames_counted_total", n("counted"));
    is("headcount_frames_empty_total", n("empty"));
    is("headcount_frames_parked", live["outcomes"]["parked"].as_u64().unwrap());
    is("headcount_results_total", live["totals"]["results"].as_u64().unwrap());
    is("headcount_windows_open", live["windows_open"].as_u64().unwrap());
    is("headcount_users", live["users"].as_u64().unwrap());
    is("headcount_ready", 1);
    for reason in ["late", "future", "gone"] {
        let value = metrics.of_label("headcount_frames_refused_total", "reason", reason);
        assert_eq!(value, n(&format!("refused_{reason}")) as f64, "{reason}");
    }
    for (reason, value) in summary["malformed_by_reason"].as_object().unwrap() {
        let said = metrics.of_label("headcount_frames_malformed_total", "reason", reason);
        assert_eq!(Some(said), value.as_f64(), "{reason}");
    }
    let sum = |name: &str| metrics.all(name).map(|(_, value)| value).sum::<f64>();
    // What it is made of, by the names of the summary. One scanner may have got all of so short a stream.
    for stage in summary["stages"].as_array().unwrap() {
        let stage = stage["stage"].as_str().unwrap();
        metrics.of_label("headcount_stage_busy_seconds_total", "stage", stage);
    }
    assert!(sum("headcount_stage_busy_seconds_total") > 0.0);
    assert!(metrics.all("headcount_ring_slots").count() >= 4, "{metrics:?}");
    assert!(metrics.all("headcount_ring_slots").all(|(_, slots)| slots > 0.0), "{metrics:?}");
    assert!(sum("headcount_ring_slots") >= sum("headcount_ring_values"));
    // How far the clock is behind the wall clock.
    let number = |value: &Value| value.as_f64().unwrap();
    let lag_s = number(&live["now_ms"]) / 1000.0 - number(&live["clock"]["lowest"]);
    assert!((number(&live["clock"]["lag_s"]) - lag_s).abs() < 0.01, "{live}");
    let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let lag_s = now_s - metrics.one("headcount_clock_seconds");
    // The metrics were read before, and not an hour ago.
    let ago_s = lag_s - metrics.one("headcount_clock_lag_seconds");
    assert!((-1.0..3600.0).contains(&ago_s), "{ago_s}");
    // But for those kept back until the unit of time was known.
    let measured = metrics.one("headcount_result_latency_seconds_count");
    assert!(measured > 0.0 && measured <= before_the_end as f64, "{measured}");
    check_newest(&windows, &ran, "minute");
}

/// The answer has the newest word on each window of this length that was out by then.
fn check_newest(windows: &Value, ran: &Ran, window: &str) {
    let mut newest = BTreeMap::new();
    for line in ran.stdout.lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        if result["window"] == window {
            newest.insert(result["ts"].as_i64().unwrap(), result);
        }
    }
    let results = windows["results"].as_array().unwrap();
    assert!(!results.is_empty());
    // But for those that came out at the end.
    for (said, (_, put_out)) in results.iter().zip(&newest) {
        assert_eq!(said, put_out);
    }
    assert!(results.len() <= newest.len());
}

/// What is said is of the form its schema says.
fn check_forms(run: &Watched) {
    for name in ["live", "windows", "why"] {
        let schema = schema(&format!("{name}.schema.json"));
        check_schema(&schema, name);
        check(&schema, &run.json(&format!("/{name}")), name);
    }
}

#[test]
fn windows_are_those_asked_for() {
    let mut run = Watched::start("--windows minute,day --timezone Asia/Tokyo,UTC --idle off");
    // A frame that revises a minute is its newest word.
    run.feed(minutes(12) + &frame(START_S + 5, "late") + &minutes(13)[minutes(12).len()..]);
    let minute = |result: &Value| (result["ts"].as_i64().unwrap() - START_S) / 60;
    run.wait("the twelfth minute and the revised first", |_| {
        let results = run.json("/windows?window=minute");
        let results = results["results"].as_array().unwrap();
        results.len() == 12 && results[0]["status"] == "revised"
    });
    check_forms(&run);
    let all = run.json("/windows");
    assert_eq!(all["windows"], serde_json::json!(["minute", "day"]));
    assert_eq!(all["zones"], serde_json::json!(["UTC", "Asia/Tokyo"]));
    let results = all["results"].as_array().unwrap();
    assert_eq!(results.iter().map(minute).collect::<Vec<i64>>(), (0..12).collect::<Vec<i64>>());
    assert_eq!((&results[0]["rev"], &results[0]["cnt"]), (&1.into(), &8.into()));
    for (query, expected) in [
        ("window=minute&limit=3", vec![9, 10, 11]),
        ("zone=UTC&limit=1", vec![11]),
        (&format!("from={}", START_S + 600), vec![10, 11]),
        ("from=2023-11-14T22:24:00Z&limit=1", vec![11]),
        ("from=2023-11-14T23:24:01%2B01:00", vec![11]),
        ("window=day", vec![]),
        ("zone=Asia%2FTokyo", vec![]),
    ] {
        let answer = run.json(&format!("/windows?{query}"));
        let found: Vec<i64> = answer["results"].as_array().unwrap().iter().map(minute).collect();
        assert_eq!(found, expected, "{query}");
    }
    for query in [
        "window=hour",
        "window=",
        "zone=Europe/Zurich",
        "limit=0",
        "limit=1001",
        "limit=1;2",
        "from=x",
        "nothing=1",
        "limit=1&limit=2",
        "window=minute&window=day",
        "%FF=1",
    ] {
        let answer = run.get(&format!("/windows?{query}"));
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(answer.json()["error"].as_str().is_some_and(|why| !why.is_empty()), "{query}");
    }
    run.end().exits(0);
}

#[test]
fn every_address_says_what_it_is() {
    let run = Watched::start("--idle off");
    run.wait("the run to begin", |live| live["state"] == "running");
    for (path, status, content_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/live", 200, "application/json"),
        ("/windows", 200, "application/json"),
        ("/why", 200, "application/json"),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", 200, "text/plain; charset=utf-8"),
        ("/readyz", 200, "text/plain; charset=utf-8"),
        ("/nothing", 404, "text/plain; charset=utf-8"),
        ("/live/", 404, "text/plain; charset=utf-8"),
        ("/../etc/passwd", 404, "text/plain; charset=utf-8"),
    ] {
        let get = run.get(path);
        assert_eq!((get.status, get.header("content-type")), (status, content_type), "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(get.header(name), value, "{path}");
        }
        let policy = get.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        // The same without a body.
        let host = format!("Host: {}\r\n", run.address);
        let head = ask(&run.address, "HEAD", path, &host);
        assert_eq!((head.status, head.header("content-type")), (status, content_type), "{path}");
        assert!(head.body.is_empty() && head.header("content-length").parse::<u64>().unwrap() > 0);
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = ask(&run.address, method, path, &format!("{host}Content-Length: 0\r\n"));
            assert_eq!(
                (refused.status, refused.header("allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(run.get("/healthz").body, "ok\n");
    check_forms(&run);
    // Who comes by another name is a page from elsewhere.
    for (host, status) in [
        ("Host: headcount.example.org\r\n", 403),
        ("Host: 127.0.0.1.example.org\r\n", 403),
        ("Host: localhost:1\r\n", 200),
        ("Host: [::1]\r\n", 200),
        ("", 400),
        ("Host: localhost\r\nHost: example.org\r\n", 400),
    ] {
        assert_eq!(ask(&run.address, "GET", "/live", host).status, status, "{host}");
    }
    // What is no request is none.
    for request in [
        "nonsense\r\n\r\n",
        &format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40_000)),
    ] {
        let answer = String::from_utf8(send(&run.address, request)).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    run.end().exits(0);
}
