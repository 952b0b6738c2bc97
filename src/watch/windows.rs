//! `/windows`: the newest word on each window, as JSON.
//!
//! | in the query | |
//! | --- | --- |
//! | `window` | of this length only, like `day` |
//! | `zone` | of this time zone only; `UTC` for those without one |
//! | `from` | that start then or later: unix seconds or RFC 3339 |
//! | `limit` | the newest so many, at most 1,000; else 100 |

use serde::Serialize;

use super::seen::Seen;
use crate::clock::calendar::{SeriesIndex, SeriesName};
use crate::limits::WATCHED_RESULTS_MAX;
use crate::output::record::WindowResult;

/// Results given where nobody says how many.
const LIMIT: usize = 100;

/// What is answered.
#[derive(Debug, Serialize)]
pub struct Windows {
    /// The lengths counted.
    windows: Vec<String>,
    /// The time zones they are counted in.
    zones: Vec<String>,
    /// Oldest first, each as it was put out.
    results: Vec<WindowResult>,
}

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    window: Option<String>,
    zone: Option<String>,
    from_s: Option<i64>,
    limit: Option<usize>,
}

impl Query {
    fn parse(text: &str) -> Result<Query, String> {
        let mut query = Query::default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let again = match &*key {
                "window" => query.window.replace(value.into_owned()).is_some(),
                "zone" => query.zone.replace(value.into_owned()).is_some(),
                "from" => query.from_s.replace(time_s(&value)?).is_some(),
                "limit" => query.limit.replace(limit(&value)?).is_some(),
                _ => return Err(format!("{key}: there are window, zone, from and limit")),
            };
            if again {
                return Err(format!("{key} is given twice"));
            }
        }
        Ok(query)
    }

    fn wants(&self, name: &SeriesName) -> bool {
        let zone = name.zone.as_deref().unwrap_or("UTC");
        self.window.as_deref().is_none_or(|window| window == &*name.window)
            && self.zone.as_deref().is_none_or(|wanted| wanted == zone)
    }
}

fn time_s(text: &str) -> Result<i64, String> {
    let written = || text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    let time_s = text.parse().ok().or_else(written);
    time_s.ok_or_else(|| format!("from: {text:?} is neither unix seconds nor RFC 3339"))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=WATCHED_RESULTS_MAX).contains(limit));
    limit.ok_or_else(|| format!("limit: give a number from 1 to {WATCHED_RESULTS_MAX}"))
}

/// Answers a query.
///
/// # Errors
/// It is none, or of windows that are not counted: why.
pub fn answer(seen: &Seen, query: &str) -> Result<Windows, String> {
    let query = Query::parse(query)?;
    let Some((run, wired)) = seen.wired() else {
        // Nothing is out, and nobody knows yet what will be.
        return Ok(Windows { windows: Vec::new(), zones: Vec::new(), results: Vec::new() });
    };
    let (mut windows, mut zones) = (Vec::new(), Vec::new());
    for SeriesName { window, zone } in &wired.series {
        let zone = zone.as_deref().unwrap_or("UTC").to_owned();
        for (all, one) in [(&mut windows, window.to_string()), (&mut zones, zone)] {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    for (key, wanted, all) in [("window", &query.window, &windows), ("zone", &query.zone, &zones)] {
        if let Some(wanted) = wanted.as_ref().filter(|&wanted| !all.contains(wanted)) {
            return Err(format!("{key}: {wanted:?} is not counted; there are {}", all.join(", ")));
        }
    }
    let wants = |series: SeriesIndex| {
        wired.series.get(usize::from(series)).is_some_and(|name| query.wants(name))
    };
    let (from_s, limit) = (query.from_s.unwrap_or(i64::MIN), query.limit.unwrap_or(LIMIT));
    let results = match &run.live.watched {
        Some(watched) => watched.words.newest(wants, from_s, limit),
        None => Vec::new(),
    };
    Ok(Windows { windows, zones, results })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_what_they_say() {
        let query =
            Query::parse("window=day&zone=Europe%2FZurich&from=2023-11-14T22:13:00Z&limit=7");
        let wanted = Query {
            window: Some("day".into()),
            zone: Some("Europe/Zurich".into()),
            from_s: Some(1_699_999_980),
            limit: Some(7),
        };
        assert_eq!(query, Ok(wanted));
        assert_eq!(Query::parse("from=-5").map(|query| query.from_s), Ok(Some(-5)));
        assert_eq!(Query::parse(""), Ok(Query::default()));
        for (text, word) in [
            ("limit=0", "from 1 to 1000"),
            ("limit=1001", "from 1 to 1000"),
            ("limit=", "from 1 to 1000"),
            ("limit=x", "from 1 to 1000"),
            ("from=yesterday", "neither unix seconds"),
            ("from=1e9", "neither unix seconds"),
            ("windows=day", "there are window"),
            ("window=day&window=hour", "twice"),
        ] {
            let why = Query::parse(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
