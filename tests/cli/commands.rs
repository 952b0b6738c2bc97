//! The other commands: measure, plan, completions, man, generate, demo, help.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::harness::{Folder, MINUTE, frame, gzip, minutes, program, run, run_with, shell};

#[test]
fn measure_says_what_was_read() {
    let folder = Folder::new();
    let log = minutes(50_000) + "\n" + &frame(0, "late") + "[]";
    for input in [folder.file("plain", &log), folder.file("coded", gzip(&log))] {
        for (part, measured, frames) in [
            ("read", "read", 0),
            ("scan", "read and scan", 50_002),
            ("count", "read, scan and count", 50_002),
        ] {
            for flags in [&[][..], &["--scanners=1"], &["--scanners=3", "--wait=park"]] {
                let ran =
                    run(&[&["measure", part, &input, "--rounds", "2"], flags].concat()).exits(0);
                let lines: Vec<Value> =
                    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                assert_eq!(lines.len(), 2, "{}", ran.stdout);
                for (line, round) in lines.iter().zip(1..) {
                    assert_eq!(
                        (&line["measured"], &line["round"]),
                        (&measured.into(), &round.into())
                    );
                    assert_eq!(
                        (&line["frames"], &line["bytes"]),
                        (&frames.into(), &log.len().into())
                    );
                    assert!(line["seconds"].as_f64().unwrap() > 0.0, "{line}");
                    assert!(!line["kernel"].as_str().unwrap().is_empty(), "{line}");
                }
            }
        }
    }
}

#[test]
fn measure_reads_a_pipe_once() {
    let ran = run_with(&["measure", "scan", "-"], minutes(1000)).exits(0);
    let line: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&line["frames"], &line["round"]), (&1000.into(), &1.into()));
    let ran = run_with(&["measure", "scan", "-", "--rounds", "2"], minutes(1000)).exits(2);
    ran.says("--rounds");
}

#[test]
fn measure_fails_where_counting_would() {
    let folder = Folder::new();
    let coded = gzip(minutes(1000));
    let cut = folder.file("cut", &coded[..coded.len() - 5]);
    for part in ["read", "scan", "count"] {
        let ran = run(&["measure", part, &cut]).exits(1).says("cut: gzip data");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn plan_shows_the_topology_of_the_run() {
    let folder = Folder::new();
    let flags = ["--scanners", "2", "--counters", "2"];
    let plan = run(&[&["plan"], &flags[..]].concat()).exits(0).stdout;
    for word in ["Threads", "Rings", "Memory", "kernel: ", "100,000 users", "in all"] {
        assert!(plan.contains(word), "{word}: {plan}");
    }
    let log = folder.file("log", minutes(1));
    let (_, summary) = folder.count(&[&[log.as_str()], &flags[..]].concat());
    for (index, stages) in summary["topology"].as_array().unwrap().iter().enumerate() {
        let names: Vec<&str> =
            stages.as_array().unwrap().iter().map(|stage| stage.as_str().unwrap()).collect();
        let line = format!("thread {index}: {}", names.join(", "));
        assert!(plan.contains(&line), "{line}: {plan}");
    }
    let more = run(&["plan", "--users", "10000000"]).exits(0).stdout;
    assert!(more.contains("10,000,000 users"), "{more}");
    assert_ne!(more.lines().last(), plan.lines().last());
}

#[test]
fn plan_says_whether_the_memory_given_is_enough() {
    let plan =
        |memory: &str| run(&["plan", "--users", "1000000", "--memory", memory]).exits(0).stdout;
    assert!(plan("4GiB").contains("given by --memory: enough"));
    assert!(plan("40MiB").contains("given by --memory: perhaps not enough"));
}

#[test]
fn a_run_stops_where_its_users_need_more_memory_than_given() {
    let folder = Folder::new();
    let users = |minute: i64, users: u32| -> String {
        (0..users).map(|user| frame(MINUTE + 60 * minute, &format!("{user:0>30}"))).collect()
    };
    let log = folder.file("log", users(0, 1000) + &users(2, 200_000) + &users(4, 10));
    let count = |memory: &str| run(&["count", &log, "--scanners", "1", "--memory", memory]);
    let enough = count("200MiB").exits(0).counts();
    assert_eq!(enough, [(MINUTE, 1000), (MINUTE + 120, 200_000), (MINUTE + 240, 10)]);
    let stopped = count("20MiB").exits(1);
    assert_eq!(stopped.counts(), enough[..1], "no count at all in place of a lower one");
    let _ = stopped.says("--memory").says("headcount plan --users");
    let _ = count("1MiB").exits(2).says("--memory 1.00 MiB: this run takes ");
}

#[test]
fn completions_know_every_command_and_flag() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).exits(0).stdout;
        for word in ["count", "measure", "verify", "max-lag", "ts-unit", "rejects"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let Some(program) = program(shell) else {
            eprintln!("skipped: no {shell}");
            continue;
        };
        let folder = Folder::new();
        let script = folder.file("script", run(&["completions", shell]).stdout);
        let output = Command::new(program).args(["-n", &script]).output().unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_man_pages_render() {
    let page = run(&["man"]).exits(0).stdout;
    for word in ["headcount", "count", "measure", "generate", "verify", "plan", "demo"] {
        assert!(
            page.contains(&format!(".TH headcount{}", if word == "headcount" { "" } else { "-" }))
        );
        assert!(page.contains(word), "{word}");
    }
    let Some(groff) = program("groff") else { return eprintln!("skipped: no groff") };
    let folder = Folder::new();
    let path = folder.file("page", &page);
    let mut command = Command::new(groff);
    command.args(["-man", "-Tutf8", "-P-cbou", "-ww", "-K", "utf8", &path]).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for word in ["NAME", "SYNOPSIS", "OPTIONS", "headcount-count", "130 interrupted"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn generate_gives_the_same_bytes_for_the_same_seed() {
    let folder = Folder::new();
    let flags = "--kind hostile --frames 3000 --frame-bytes 500";
    let read = |name: &str, more: &str| {
        std::fs::read(folder.generated(name, &format!("{flags} {more}"))).unwrap()
    };
    let one = read("a", "--seed 7 --threads 1");
    assert_eq!(one.iter().filter(|byte| **byte == b'\n').count(), 3000);
    assert!(one == read("b", "--seed 7 --threads 5"));
    assert!(one != read("c", "--seed 8"));
    let args: Vec<&str> = ["generate", "--seed", "7"].into_iter().chain(flags.split(' ')).collect();
    let output = super::harness::headcount(&args).output().unwrap();
    assert!(output.stdout == one, "stdout gets what a file gets");
    assert_eq!(output.stderr, b"");
    run(&["generate", "-o", &folder.at("nowhere/log")]).exits(1).says("nowhere/log: No such file");
}

#[test]
fn generate_and_count_make_a_pipeline() {
    let folder = Folder::new();
    let line = "\"$headcount\" generate --frames 5k --rate 40 | \"$headcount\" count";
    let ran = shell(line, &folder).exits(0);
    assert_eq!(ran.counts().len(), 3, "{}", ran.stdout);
    ran.says("5,000 read = 5,000 counted");
}

#[test]
fn demo_shows_a_table_with_bars_and_what_to_do_next() {
    let ran = run(&["demo", "--frames", "200000"]).exits(0).says("200,000 read = ");
    for word in [
        "minute",
        "users",
        "frames",
        "2023-11-14T22:14:00Z",
        "█",
        "yes",
        "part",
        "headcount count FILE",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    let table = |args: &[&str]| run(args).exits(0).stdout;
    let small = ["demo", "--frames", "20000"];
    assert_eq!(table(&small), table(&small), "the same seed, the same answer");
    assert_ne!(table(&small), table(&["demo", "--frames", "20000", "--seed", "2"]));
}

#[test]
fn help_and_version_are_on_stdout() {
    let version = run(&["-V"]).exits(0);
    assert_eq!(version.stdout, concat!("headcount ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(version.stderr, "");
    assert_eq!(run(&["--version"]).exits(0).stdout, version.stdout);
    let help = run(&["--help"]).exits(0).stdout;
    for command in [
        "count",
        "measure",
        "generate",
        "demo",
        "verify",
        "plan",
        "checkpoint",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        for flag in ["-h", "--help"] {
            let ran = run(&[command, flag]).exits(0);
            assert!(ran.stdout.contains("Usage: headcount"), "{}", ran.stdout);
            assert_eq!(ran.stderr, "");
        }
        assert!(run(&["help", command]).exits(0).stdout.contains("Usage: headcount"));
    }
    assert!(help.contains("Exit codes: 0 done"), "{help}");
    assert!(run(&["count", "--help"]).stdout.contains("Examples:"));
}

#[test]
fn times_before_1970_are_minutes_too() {
    let log = frame(-61, "a") + &frame(-60, "b") + &frame(-1, "c") + &frame(MINUTE, "d");
    let ran = run_with(&["count", "-"], log).exits(0);
    assert_eq!(ran.counts(), [(-120, 1), (-60, 2), (MINUTE, 1)]);
}

#[test]
fn a_plan_for_more_users_than_can_be_counted_is_refused() {
    let users = u64::from(u32::MAX);
    run(&["plan", "--counters", "1", "--users", &users.to_string()]).exits(0);
    for users in [users + 1, 1 << 62, u64::MAX] {
        let ran = run(&["plan", "--counters", "1", "--users", &users.to_string()]).exits(2);
        ran.says("--users: ");
    }
}

#[test]
fn a_log_with_other_field_names_is_told_how_to_name_them() {
    let log = "{\"timestamp\":1700000040,\"user\":{\"id\":\"a\"}}\n";
    let ran = run_with(&["count", "-"], log.repeat(3)).exits(0);
    let _ = ran.says("3 no_ts").says("--ts-field and --uid-field");
    let flags = ["count", "-", "--ts-field", "timestamp", "--uid-field", "user.id"];
    let ran = run_with(&flags, log.repeat(3)).exits(0);
    assert_eq!(ran.counts(), [(MINUTE, 1)]);
    assert!(!ran.stderr.contains("--ts-field"));
}
