//! Logs about the places where calendars are awkward.

use crate::random::Random;

/// A frame: its time and its user.
pub(crate) type Frame = (i64, u32);

impl Random {
    /// Some of them, one at least.
    pub(crate) fn some<'a>(&mut self, items: &[&'a str]) -> Vec<&'a str> {
        let mut some: Vec<&str> = items.iter().copied().filter(|_| self.below(3) == 0).collect();
        if some.is_empty() {
            some.push(self.pick(items));
        }
        self.shuffle(&mut some);
        some
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, usize::try_from(self.below(place as u64 + 1)).unwrap());
        }
    }
}

/// Clocks changed in Europe and at Lord Howe, days skipped, offsets of seconds, years with a week 53,
/// leap days, the times before 1970, the first year and the last.
const AWKWARD: [&str; 14] = [
    "2024-03-31T01:00:00Z",
    "2024-10-27T01:00:00Z",
    "2024-04-06T15:00:00Z",
    "2024-10-05T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "1993-08-21T12:00:00Z",
    "1972-01-07T00:44:30Z",
    "2010-11-07T02:31:00Z",
    "2020-12-31T23:00:00Z",
    "2024-02-29T12:00:00Z",
    "1970-01-01T00:00:00Z",
    "1900-02-28T23:00:00Z",
    "0001-01-03T00:00:00Z",
    "9999-12-28T00:00:00Z",
];

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Zurich",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Africa/Monrovia",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
];

pub(crate) fn zone(random: &mut Random) -> &'static str {
    random.pick(&ZONES)
}

pub(crate) fn zones(random: &mut Random) -> Vec<&'static str> {
    random.some(&ZONES)
}

/// A log of minutes to years, mostly rising, with frames behind and some ahead.
pub(crate) fn drawn(random: &mut Random) -> Vec<Frame> {
    let span_s = random.pick(&[60, 3600, 3 * 3600, 2 * 86_400, 20 * 86_400, 800 * 86_400]);
    of_span(random, span_s)
}

/// The same, of such a span.
pub(crate) fn of_span(random: &mut Random, span_s: u64) -> Vec<Frame> {
    let middle: jiff::Timestamp = random.pick(&AWKWARD).parse().unwrap();
    let frames = 20 + random.below(400);
    let users = 1 + random.below(40);
    let back_s = random.pick(&[1, 10, 100, 4000, span_s]).min(span_s);
    let begin_s = middle.as_second() - i64::try_from(span_s / 2).unwrap();
    let time = |n: u64, random: &mut Random| {
        let rising_s = (span_s - back_s) * n / frames + back_s;
        let back_s = if random.below(4) == 0 { random.below(back_s + 1) } else { 0 };
        let at_s = begin_s + i64::try_from(rising_s - back_s).unwrap();
        at_s.clamp(headcount::limits::TS_S_MIN, headcount::limits::TS_S_MAX)
    };
    (0..frames).map(|n| (time(n, random), u32::try_from(random.below(users)).unwrap())).collect()
}
