//! `perf/grafana.json`: every metric that an expression of it names is one the program has, and every label that
//! the expression or its legend names is one of that metric.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use super::run::{DEADLINE, Run, minute};

/// What Prometheus adds by itself.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// The names of metrics in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("headcount_"))
}

/// The labels that an expression or a legend names: in braces, and behind what groups or matches.
fn labels(text: &str) -> BTreeSet<String> {
    let packed: String = text.split_whitespace().collect();
    let mut labels = BTreeSet::new();
    for (open, close) in [
        ("{", '}'),
        ("by(", ')'),
        ("on(", ')'),
        ("without(", ')'),
        ("ignoring(", ')'),
        ("group_left(", ')'),
        ("group_right(", ')'),
    ] {
        for rest in packed.split(open).skip(1) {
            let all = rest.split(close).next().unwrap().split(',');
            let named = all.map(|one| one.split(['=', '!']).next().unwrap());
            labels.extend(named.filter(|label| !label.is_empty()).map(str::to_owned));
        }
    }
    labels
}

/// The expressions, however deep, each with its legend.
fn expressions<'a>(value: &'a Value, into: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(members) => {
            for name in ["expr", "query"] {
                if let Some(expression) = value[name].as_str() {
                    into.push((expression, value["legendFormat"].as_str().unwrap_or_default()));
                }
            }
            members.values().for_each(|member| expressions(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, into)),
        _ => {}
    }
}

/// Asserts that every metric and label of the dashboard is among these metrics, but for metrics that begin so.
pub(crate) fn is_answered_by(metrics: &str, but: &[&str]) {
    let dashboard: Value = serde_json::from_str(include_str!("../../perf/grafana.json")).unwrap();
    let mut all = Vec::new();
    expressions(&dashboard, &mut all);
    let mut there: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for sample in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (key, _) = sample.rsplit_once(' ').unwrap();
        there.entry(key.split('{').next().unwrap()).or_default().extend(labels(key));
    }
    let mut named = BTreeSet::new();
    for (expression, legend) in all {
        let wanted = &labels(expression) | &labels(legend);
        for name in names(expression) {
            named.insert(name);
            if but.iter().any(|but| name.starts_with(but)) {
                continue;
            }
            let has = there.get(name);
            let has = has.unwrap_or_else(|| panic!("{name} of {expression} is not in: {there:?}"));
            for label in &wanted {
                let is_its_own = has.contains(label) || OF_PROMETHEUS.contains(&label.as_str());
                assert!(is_its_own, "{name} has no label {label}: {expression}, {legend}");
            }
        }
    }
    assert!(named.len() >= 25, "{named:?}");
}

#[test]
fn labels_are_found_wherever_they_are_named() {
    let found = |text: &str| labels(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("sum by (a, b) (x{c=~\"$v\", d!=\"\"}) and on (e) y{f=\"1\"}"), "a b c d e f");
    assert_eq!(found("{{from}} to {{to}}: {{carries}}"), "carries from to");
    assert_eq!(found("topk(10, headcount_x)"), "");
}

#[test]
fn every_metric_of_the_dashboard_exists() {
    let mut run = Run::piped("");
    run.feed(&minute(0, 3));
    run.feed(&minute(1, 3));
    run.counts(1);
    // Partitions are told of a moment after their results.
    let started = Instant::now();
    while !run.get("/metrics").contains("headcount_partition_lag_seconds{") {
        assert!(started.elapsed() < DEADLINE, "no partition is told of: {}", run.get("/metrics"));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // A pipe has neither; tests/page/topic.rs looks for them in a run that has.
    let but = ["headcount_checkpoint", "headcount_unread", "headcount_partition_unread"];
    is_answered_by(&run.get("/metrics"), &but);
}
