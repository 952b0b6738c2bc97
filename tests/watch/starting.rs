//! Where it listens, and from when on it is ready.

use std::net::TcpListener;
use std::process::Command;

use crate::http::get;
use crate::ran::{HEADCOUNT, Ran};
use crate::watched::{Watched, minutes};

fn count(args: &[&str]) -> Ran {
    Ran::of(assert_cmd::Command::new(HEADCOUNT).arg("count").args(args).output().unwrap())
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (log, results) = (at("log.jsonl"), at("results.jsonl"));
    std::fs::write(&log, minutes(3)).unwrap();
    std::fs::write(&results, "of before").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _holder = TcpListener::bind(taken).unwrap();
    let ran = count(&[&log, "--to", &results, "--http", &taken.to_string()]).exits(1);
    ran.says(&format!("--http {taken}: cannot listen there")).says("another address or port");
    assert_eq!(std::fs::read_to_string(&results).unwrap(), "of before");
}

#[test]
fn an_address_of_another_machine_is_said() {
    // For documentation (RFC 5737): nobody's.
    let ran = count(&["-", "--http", "192.0.2.1:0"]).exits(1);
    ran.says("--http 192.0.2.1:0: cannot listen there").says("another address or port");
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    for (address, word) in [
        ("x", "no port"),
        ("example.org:80", "no address"),
        ("::1:80", "brackets"),
        ("1.2.3.4", "no port"),
    ] {
        count(&["-", "--http", address]).exits(2).says(word);
    }
}

#[test]
fn the_configuration_file_can_ask_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("headcount.toml");
    for http in ["0", "\"localhost:0\"", "\"127.0.0.1:0\""] {
        std::fs::write(&config, format!("http = {http}\n")).unwrap();
        let mut command = Command::new(HEADCOUNT);
        command.args(["count", "-", "--config"]).arg(&config);
        let run = Watched::of(command);
        assert!(run.address.starts_with("127.0.0.1:"), "{}", run.address);
        assert_eq!(run.get("/healthz").ok().body, "ok\n");
        run.end().exits(0);
    }
}

#[test]
fn an_address_for_others_has_to_be_asked_for_and_is_said_to_be_one() {
    let mut command = Command::new(HEADCOUNT);
    command.args(["count", "-", "--http", "0.0.0.0:0"]);
    let run = Watched::of(command);
    let port = run.address.strip_prefix("0.0.0.0:").unwrap().to_owned();
    let own = format!("127.0.0.1:{port}");
    // Whoever asks by whatever name.
    let named = crate::http::ask(&own, "GET", "/healthz", "Host: counter.example.org\r\n");
    assert_eq!((get(&own, "/healthz").status, named.status), (200, 200));
    run.end().exits(0).says("whoever reaches this address can read it");
}

#[cfg(feature = "kafka")]
#[test]
fn it_is_not_ready_while_it_looks_at_its_input() {
    // Nobody is there: it asks again and again.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(HEADCOUNT);
    command.args(["count", "-t", "frames", "--http", "0", "-b", &nobody.to_string()]);
    let run = Watched::of(command);
    let ready = run.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.starts_with("starting: "), "{}", ready.body);
    assert_eq!(run.get("/healthz").status, 200, "it is alive all the same");
    let live = run.json("/live");
    assert_eq!((&live["state"], &live["input"]), (&"starting".into(), &serde_json::Value::Null));
    assert_eq!(run.metrics().one("headcount_ready"), 0.0);
    assert_eq!(run.json("/windows")["results"], serde_json::json!([]));
    let why = run.json("/why");
    assert_eq!((&why["windows"], &why["max_lag_s"]), (&serde_json::json!([]), &().into()), "{why}");
    let schema = crate::schema::schema("why.schema.json");
    crate::schema::check(&schema, &why, "why");
}
