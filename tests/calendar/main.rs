//! All borders of days, weeks, months and years from 1970 to 2100, and those of hours within two days
//! of each change of offset, against Python's zoneinfo with data of the same release.
//!
//! `borders.txt` has a count, the first, the last and a digest of the borders by zone and length, as
//! `scripts/checks/calendar` found them with Python. After an update of the zone data it is made anew by
//! `scripts/checks/calendar --write`. Where a digest differs, `scripts/checks/calendar` names the
//! border: it gives this test the whole lists, in a folder named by `HEADCOUNT_CALENDAR_BORDERS`.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is the assertion")]

use std::path::PathBuf;

use headcount::clock::calendar::{Calendar, Length, Zone};

const BORDERS: &str = include_str!("borders.txt");

const FROM_S: i64 = 0;
/// 2101-01-01.
const TO_S: i64 = 4_133_980_800;
const TWO_DAYS_S: i64 = 2 * 86_400;

/// Where windows of this series of one begin, in `[from_s, to_s)`.
fn begins(calendar: &mut Calendar, from_s: i64, to_s: i64) -> impl Iterator<Item = i64> {
    let mut window = calendar.window_at(0, from_s);
    std::iter::from_fn(move || {
        let start_s = window.start_s;
        window = calendar.next(&window);
        assert_eq!(window.start_s.max(from_s), window.start_s, "time goes on");
        Some(start_s)
    })
    .skip_while(move |&start_s| start_s < from_s)
    .take_while(move |&start_s| start_s < to_s)
}

/// The instants at which a zone's offset changes, by the library alone.
fn changes(zone: &str) -> Vec<i64> {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
    let from = jiff::Timestamp::from_second(FROM_S - 1).unwrap();
    let mut offset = zone.to_offset(from);
    let transitions = zone.following(from).take_while(|at| at.timestamp().as_second() < TO_S);
    let changes =
        transitions.filter(|at| std::mem::replace(&mut offset, at.offset()) != at.offset());
    changes.map(|at| at.timestamp().as_second()).collect()
}

fn digest(borders: &[i64]) -> u64 {
    let bytes = borders.iter().flat_map(|border| border.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The list of this zone and length, if there are any lists.
fn list(zone: &str, length: &str) -> Option<Vec<i64>> {
    let folder = PathBuf::from(std::env::var_os("HEADCOUNT_CALENDAR_BORDERS")?);
    let path = folder.join(format!("{}.{length}", zone.replace('/', ".")));
    let text = std::fs::read_to_string(path).unwrap();
    Some(text.lines().map(|line| line.parse().unwrap()).collect())
}

#[test]
fn every_border_is_where_zoneinfo_has_it() {
    let mut lines = BORDERS.lines();
    let release = lines.next().unwrap().strip_prefix("release ").unwrap();
    let after = "after an update of the zone data: scripts/checks/calendar --write";
    assert_eq!(Calendar::zone_data(), release, "{after}");
    let mut zones = std::collections::BTreeSet::new();
    for line in lines {
        let [name, length, expected @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else {
            unreachable!("{line}");
        };
        zones.insert(*name);
        let zone: Zone = name.parse().unwrap();
        let parsed: Length = length.parse().unwrap();
        let mut calendar = Calendar::new(&[parsed], &[zone]).unwrap();
        let mut found = Vec::new();
        if parsed == Length::Hour {
            for change in changes(name) {
                let (from_s, to_s) = (change - TWO_DAYS_S, change + TWO_DAYS_S);
                found.extend(begins(&mut calendar, from_s, to_s));
            }
        } else {
            found.extend(begins(&mut calendar, FROM_S, TO_S));
        }
        if let Some(listed) = list(name, length) {
            let place = found.iter().zip(&listed).position(|(found, listed)| found != listed);
            let place = place.unwrap_or(found.len().min(listed.len()));
            let (here, there) = (found.get(place), listed.get(place));
            assert_eq!(here, there, "{name} {length}: border {place}, here and in zoneinfo");
        }
        let (first, last) = (found.first(), found.last());
        let shown = |border: Option<&i64>| border.map_or("-".into(), ToString::to_string);
        let hash = format!("{:016x}", digest(&found));
        let here = [found.len().to_string(), shown(first), shown(last), hash];
        assert_eq!(here.each_ref(), expected, "{name} {length}: {after}");
    }
    assert!(zones.len() >= 12, "{zones:?}");
}

#[test]
fn the_host_has_no_say() {
    // A zone that is in no release, asked for by the ways in which hosts give zones.
    for name in
        ["localtime", "posix/Europe/Zurich", "right/Europe/Zurich", ":Europe/Zurich", "posixrules"]
    {
        assert!(name.parse::<Zone>().is_err(), "{name}");
    }
}
