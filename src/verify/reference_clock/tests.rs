//! The reference clock on logs whose verdicts are known without it.

use super::*;

const RULES: Rules = Rules {
    max_lag_s: 5,
    keep_s: 3600,
    drop: false,
    agree: (8, 33, 64),
    max_ahead_s: 600,
    now_s: NOON_S + 3600 * 24 * 365,
};
/// A whole hour.
const NOON_S: i64 = 1_700_006_400;

fn minutes(ts_s: i64) -> Vec<Window> {
    let start_s = ts_s.div_euclid(60) * 60;
    vec![Window { series: 0, start_s, end_s: start_s + 60, ts_s: start_s, past_s: start_s }]
}

/// What becomes of a log of one partition, by frame.
fn fates(rules: Rules, times: &[i64]) -> Vec<Fate> {
    let mut clock = ReferenceClock::new(rules, [0], minutes);
    for (id, &ts_s) in (0..).zip(times) {
        clock.frame(0, id, ts_s);
    }
    clock.end(0);
    assert_eq!(clock.fates.len(), times.len(), "each frame has one fate");
    for (&(_, id), fate) in &clock.fates {
        let ts_s = times[usize::try_from(id).unwrap()];
        assert!(fate.iter().flatten().all(|(window, _)| window.contains(ts_s)));
    }
    clock.fates.into_values().collect()
}

/// `.` on time, `l` late and counted, `L` late, `f` future, `g` gone.
fn letter(fate: &Fate) -> char {
    match fate {
        Ok(windows) if windows.iter().any(|&(_, late)| late) => 'l',
        Ok(_) => '.',
        Err("late") => 'L',
        Err("future") => 'f',
        Err(_) => 'g',
    }
}

fn letters(rules: Rules, times: &[i64]) -> String {
    fates(rules, times).iter().map(letter).collect()
}

/// Twenty frames a second for two minutes.
fn plain() -> Vec<i64> {
    (0..2400).map(|n| NOON_S + n / 20).collect()
}

/// All on time but those at these places, which are as told.
fn all_but(times: &[i64], others: &[(usize, char)]) {
    for drop in [false, true] {
        let mut expected = vec!['.'; times.len()];
        others.iter().for_each(|&(place, letter)| expected[place] = letter);
        let found = letters(Rules { drop, ..RULES }, times);
        let first = found.chars().zip(&expected).position(|(found, &expected)| found != expected);
        assert_eq!(first.map(|place| (place, &found[place..=place], expected[place])), None);
    }
}

#[test]
fn a_flipped_bit_touches_no_other_frame() {
    for place in [0, 1, 7, 8, 1000, 2391, 2399] {
        for bit in (0..40).step_by(3) {
            let mut times = plain();
            times[place] ^= 1 << bit;
            for drop in [false, true] {
                let mut found = letters(Rules { drop, ..RULES }, &times);
                found.remove(place);
                assert!(found.chars().all(|letter| letter == '.'), "{place} {bit}");
            }
        }
    }
}

#[test]
fn eight_frames_a_day_ahead_are_counted_and_cost_nothing() {
    let mut times = plain();
    times[1000..1008].iter_mut().for_each(|ts_s| *ts_s += 86_400);
    all_but(&times, &[]);
    // Seven are one short: nobody follows them.
    let mut times = plain();
    times[1000..1007].iter_mut().for_each(|ts_s| *ts_s += 86_400);
    all_but(&times, &(1000..1007).map(|place| (place, 'f')).collect::<Vec<_>>());
    // Thirty-three are a majority, and time follows them.
    let mut times = plain();
    times[1000..1033].iter_mut().for_each(|ts_s| *ts_s += 86_400);
    let found = letters(RULES, &times);
    assert!(found[1000..1033].chars().all(|letter| letter == '.'));
    assert!(found[1040..].chars().all(|letter| letter == 'L'));
}

#[test]
fn gaps_and_sparse_logs_lose_nothing() {
    let mut gap = plain();
    gap[1000..].iter_mut().for_each(|ts_s| *ts_s += 3 * 3600);
    all_but(&gap, &[]);
    for apart_s in [60, 3600, 86_400] {
        all_but(&(0..200).map(|n| NOON_S + n * apart_s).collect::<Vec<_>>(), &[]);
    }
    all_but(&(0..5).map(|n| NOON_S + n * 3 * 86_400).collect::<Vec<_>>(), &[]);
    let turns: Vec<i64> = (0..2400).map(|n| NOON_S + n / 20 + n % 2 * 7200).collect();
    all_but(&turns, &[]);
}

#[test]
fn late_by_the_clock_before_it_and_for_each_window_apart() {
    // The clock is at the eighth largest: eight frames at 65 s bring it to end + max-lag.
    let log = |late_s: i64| [vec![NOON_S; 8], vec![NOON_S + late_s; 8], vec![NOON_S; 1]].concat();
    assert_eq!(letters(RULES, &log(64)), ".".repeat(17));
    assert_eq!(letters(RULES, &log(65)), ".".repeat(16) + "l");
    assert_eq!(letters(Rules { drop: true, ..RULES }, &log(65)), ".".repeat(16) + "L");
    let far = Rules { max_ahead_s: 7200, keep_s: 3700, ..RULES };
    assert_eq!(letters(far, &log(3700)), ".".repeat(16) + "l");
    assert_eq!(letters(Rules { keep_s: 3630, ..far }, &log(3630)), ".".repeat(16) + "l");
    let too_late = [log(3630), vec![NOON_S + 3695; 8], vec![NOON_S; 1]].concat();
    assert_eq!(letters(Rules { keep_s: 3630, ..far }, &too_late).pop(), Some('L'));
    // Late for its minute, on time for its hour.
    let both = |ts_s: i64| {
        let start_s = ts_s.div_euclid(3600) * 3600;
        let end_s = start_s + 3600;
        let hour = Window { series: 1, start_s, end_s, ts_s: start_s, past_s: start_s };
        [minutes(ts_s), vec![hour]].concat()
    };
    let mut clock = ReferenceClock::new(Rules { drop: true, ..RULES }, [0], both);
    for (id, ts_s) in (0..).zip(log(65)) {
        clock.frame(0, id, ts_s);
    }
    let last = clock.fates[&(0, 16)].clone().unwrap();
    assert_eq!(
        last.iter().map(|(window, late)| (window.series, *late)).collect::<Vec<_>>(),
        [(1, false)]
    );
}

#[test]
fn parked_frames_wait_for_64_others_and_no_longer() {
    let ahead = NOON_S + 700;
    let log = |others: usize, then: usize| {
        [vec![NOON_S; 8], vec![ahead], vec![NOON_S; others], vec![ahead; then]].concat()
    };
    // Eight later ones bring the reach to it: with the 64th later frame, or one too late.
    assert_eq!(letters(RULES, &log(56, 8)), ".".repeat(73));
    assert_eq!(letters(RULES, &log(57, 8)), [".".repeat(8), "f".into(), ".".repeat(65)].concat());
    // At the end it is settled by the wall clock.
    assert_eq!(letters(RULES, &log(10, 0)), ".".repeat(19));
    assert_eq!(letters(Rules { now_s: ahead - 1, ..RULES }, &log(10, 0)).find('f'), Some(8));
}

#[test]
fn times_beyond_the_wall_clock_agree_with_nobody() {
    let rules = Rules { now_s: NOON_S, ..RULES };
    let log = [vec![NOON_S; 8], vec![NOON_S + 601; 40], vec![NOON_S; 70]].concat();
    let expected = [".".repeat(8), "f".repeat(40), ".".repeat(70)].concat();
    assert_eq!(letters(rules, &log), expected);
    // A second later they are within its reach, and time follows them.
    let found = letters(Rules { now_s: NOON_S + 1, ..rules }, &log);
    assert_eq!(found, [".".repeat(48), "l".repeat(70)].concat());
}

#[test]
fn only_gone_frames_depend_on_the_order_of_partitions() {
    let run = |named: &[u32]| {
        let mut clock = ReferenceClock::new(RULES, named.iter().copied(), minutes);
        for id in 0..200 {
            clock.frame(0, id, NOON_S + i64::try_from(id).unwrap() * 60);
        }
        (0..20).for_each(|id| clock.frame(1, id, NOON_S));
        clock.end(0);
        clock.end(1);
        clock.fates.values().map(letter).collect::<String>()
    };
    // One that is there from the start holds all; one that comes as a surprise finds windows gone.
    assert_eq!(run(&[0, 1]), ".".repeat(220));
    assert_eq!(run(&[0]), ".".repeat(200) + &"g".repeat(20));
}

#[test]
fn the_log_begins_at_the_smallest_of_the_first_eight_times() {
    let begin = |times: &[i64]| {
        let mut clock = ReferenceClock::new(RULES, [0], minutes);
        (0..).zip(times).for_each(|(id, &ts_s)| clock.frame(0, id, ts_s));
        clock.end(0);
        (clock.begin_s(), clock.largest_s())
    };
    assert_eq!(begin(&[9, 5, 7]), (Some(5), None));
    assert_eq!(begin(&[9, 5, 7, 8, 6, 9, 9, 9, 3, 9, 9]), (Some(5), Some(7)));
    assert_eq!(begin(&[]), (None, None));
}
