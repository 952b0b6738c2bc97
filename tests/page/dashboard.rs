//! `perf/grafana.json`: every metric it names is one the program has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::run::{Run, minute};

/// The names of metrics in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("headcount_"))
}

/// All texts under this key, however deep.
fn texts<'a>(value: &'a Value, key: &str, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let (true, Value::String(text)) = (name == key, member) {
                    into.push(text);
                }
                texts(member, key, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, into)),
        _ => {}
    }
}

/// Asserts that every metric and label of the dashboard is among these metrics, but for metrics that begin so.
pub(crate) fn is_answered_by(metrics: &str, but: &[&str]) {
    let dashboard: Value = serde_json::from_str(include_str!("../../perf/grafana.json")).unwrap();
    let (mut expressions, mut legends) = (Vec::new(), Vec::new());
    texts(&dashboard, "expr", &mut expressions);
    texts(&dashboard, "query", &mut expressions);
    texts(&dashboard, "legendFormat", &mut legends);
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    let there: BTreeSet<&str> =
        samples.map(|line| line.split(['{', ' ']).next().unwrap()).collect();
    let named: BTreeSet<&str> = expressions.iter().flat_map(|text| names(text)).collect();
    assert!(named.len() >= 25, "{named:?}");
    let is_left_out = |name: &str| but.iter().any(|but| name.starts_with(but));
    let unknown: Vec<_> = named.difference(&there).filter(|name| !is_left_out(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not among {there:?}");
    // Prometheus adds `instance` itself.
    let labels = legends.iter().flat_map(|text| text.split("{{").skip(1));
    for label in labels.filter_map(|text| text.split("}}").next()) {
        let has = metrics.contains(&format!("{label}=\""));
        assert!(has || label == "instance", "no metric has the label {label}");
    }
}

#[test]
fn every_metric_of_the_dashboard_exists() {
    let mut run = Run::piped("");
    run.feed(&minute(0, 3));
    run.feed(&minute(1, 3));
    run.counts(1);
    // Partitions are told of a moment after their results.
    while !run.get("/metrics").contains("headcount_partition_lag_seconds{") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // A pipe has neither; tests/page/topic.rs looks for them in a run that has.
    let but = ["headcount_checkpoint", "headcount_unread", "headcount_partition_unread"];
    is_answered_by(&run.get("/metrics"), &but);
}
