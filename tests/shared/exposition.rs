//! Prometheus' text format (0.0.4), read by its rules: whatever breaks one is an assertion that fails.

use std::collections::{BTreeMap, BTreeSet};

/// A sample's name and its labels, sorted.
type Key = (String, BTreeMap<String, String>);

/// All samples of one scrape.
#[derive(Debug)]
pub(crate) struct Exposition {
    samples: BTreeMap<Key, f64>,
    /// Families by name: their type.
    families: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a scrape.
    #[track_caller]
    pub(crate) fn of(text: &str) -> Exposition {
        assert!(text.ends_with('\n'), "the last line ends, too");
        let (mut samples, mut families) = (BTreeMap::new(), BTreeMap::new());
        let mut helped = BTreeSet::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(!help.trim().is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(helped.contains(name), "help comes first: {line}");
                let known = families.insert(name.to_owned(), kind.to_owned());
                assert!(known.is_none(), "a family stands in one place: {line}");
                // Conventions: one prefix, base units, and counters end so.
                assert!(name.starts_with("headcount_"), "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                for unit in ["_ms", "_milliseconds", "_minutes", "_kb"] {
                    assert!(!name.contains(unit), "{line}");
                }
                family = name.to_owned();
            } else {
                let (key, value) = sample(line);
                let own = key.0 == family
                    || families[&family] == "histogram"
                        && key
                            .0
                            .strip_prefix(&family)
                            .is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest));
                assert!(own, "in the family above it: {line}");
                assert!(samples.insert(key, value).is_none(), "twice: {line}");
            }
        }
        let all = Exposition { samples, families };
        for (name, _) in all.families.iter().filter(|(_, kind)| *kind == "histogram") {
            all.check_histogram(name);
        }
        all
    }

    fn check_histogram(&self, name: &str) {
        let bound = |text: &str| if text == "+Inf" { f64::INFINITY } else { text.parse().unwrap() };
        let bucket = format!("{name}_bucket");
        let mut buckets: Vec<(f64, f64)> =
            self.all(&bucket).map(|(labels, value)| (bound(&labels["le"]), value)).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.windows(2).all(|two| two[0].1 <= two[1].1), "they are cumulative: {name}");
        let last = buckets.last().unwrap();
        assert_eq!(last, &(f64::INFINITY, self.one(&format!("{name}_count"))), "{name}");
    }

    /// All samples of a name.
    pub(crate) fn all<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a BTreeMap<String, String>, f64)> {
        let own = self.samples.iter().filter(move |((known, _), _)| known == name);
        own.map(|((_, labels), &value)| (labels, value))
    }

    /// A name's only sample.
    #[track_caller]
    pub(crate) fn one(&self, name: &str) -> f64 {
        let all: Vec<f64> = self.all(name).map(|(_, value)| value).collect();
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0]
    }

    /// The sample of a name with this label.
    #[track_caller]
    pub(crate) fn of_label(&self, name: &str, label: &str, value: &str) -> f64 {
        let mut own =
            self.all(name).filter(|(labels, _)| labels.get(label).is_some_and(|is| is == value));
        own.next().unwrap_or_else(|| panic!("{name}{{{label}={value:?}}} is missing")).1
    }
}

/// A line `name{label="value",…} value`.
#[track_caller]
fn sample(line: &str) -> (Key, f64) {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let (name, labels, value) = match line.split_once('{') {
        Some((name, rest)) => {
            let (labels, value) = rest.rsplit_once("} ").unwrap_or_else(|| panic!("{line}"));
            (name, labels, value)
        }
        None => {
            let (name, value) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            (name, "", value)
        }
    };
    assert!(is_name(name), "{line}");
    let mut all = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(label), "{line}");
        // None of our labels' values has anything to be escaped.
        let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("{line}"));
        assert!(!value.contains('\\'), "{line}");
        assert!(all.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
        rest = match after.strip_prefix(',') {
            Some(next) => next,
            None => {
                assert!(after.is_empty(), "{line}");
                ""
            }
        };
    }
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
    ((name.to_owned(), all), value)
}
