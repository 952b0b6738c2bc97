//! The chart says what stdout says: counts, series, what is provisional, revised, a part.

use serde_json::json;

use super::browser::{Browser, WIDE};
use super::run::{Run, minute};

/// Heights of the bars drawn, from left to right, once they stand still, in pixels.
fn bar_heights(page: &mut Browser) -> Vec<f64> {
    page.wait("document.getElementById('chart').getAnimations({ subtree: true }).length === 0");
    let heights = page.eval(
        "[...document.querySelectorAll('#chart .slot')]
            .map((slot) => [new DOMMatrix(getComputedStyle(slot).transform).e, \
                            slot.querySelector('.body').getBoundingClientRect().height])
            .sort((a, b) => a[0] - b[0]).map(([, height]) => height)",
    );
    heights.as_array().unwrap().iter().map(|height| height.as_f64().unwrap()).collect()
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn bars_and_table_have_the_counts_that_stdout_has() {
    let mut run = Run::piped("");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    let users = [700, 420, 1400, 35, 980];
    for (at, &users) in (0..).zip(&users) {
        run.feed(&minute(at, users));
    }
    run.feed(&minute(5, 1));
    let counts = run.counts(5);
    assert_eq!(counts, [700, 420, 1400, 35, 980]);
    page.wait("document.querySelectorAll('#chart .slot').length === 5");
    page.wait_for_text("figure", "980");

    let table = page.table();
    assert_eq!(table.iter().rev().map(|row| row.1).collect::<Vec<_>>(), counts);
    assert_eq!(table[4].0, "Tue 14 Nov 2023, 22:14 to 22:15 UTC");

    // As high as they are large, but for the line around them.
    let heights = bar_heights(&mut page);
    for (height, users) in heights.iter().zip(users) {
        let should = heights[2] * f64::from(users) / 1400.0;
        assert!((height - should).abs() < 3.0, "{heights:?} for {users} users: not {should}");
    }

    // It moves: one more comes without anything being done.
    run.feed(&minute(6, 2));
    assert_eq!(run.counts(1), [1]);
    page.wait("document.querySelectorAll('#chart .slot').length === 6");
    page.wait_for_text("which", "22:19 to 22:20 UTC");

    // By keys, from window to window; Escape follows the newest again.
    page.tab_to("#chart");
    for (key, figure) in
        [("Home", "700"), ("ArrowRight", "420"), ("End", "1"), ("ArrowLeft", "980")]
    {
        page.press(key);
        page.wait_for_text("figure", figure);
        assert_eq!(page.text("figure"), figure);
    }
    let spoken = page.eval("document.getElementById('chart').getAttribute('aria-valuetext')");
    assert_eq!(
        spoken,
        "Tue 14 Nov 2023, 22:18 to 22:19 UTC: 980 users, 980 frames, 0 late, final, whole"
    );
    page.press("Escape");
    page.wait_for_text("which", "22:19 to 22:20 UTC");
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn series_and_zones_are_chosen_by_keys() {
    let mut run = Run::piped("--windows minute,hour,day --timezone Europe/Zurich,America/New_York");
    // From 22:14 UTC on the 14th past midnight in Zurich (23:00 UTC) and in New York (05:00 UTC).
    run.feed(&minute(0, 30));
    run.feed(&minute(60, 40));
    run.feed(&minute(8 * 60, 50));
    run.feed(&minute(60 * 40, 1));
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait("document.querySelectorAll('#chart .slot').length === 3");
    assert_eq!(page.text("windows-title"), "Unique users by minute");

    page.tab_to("#choice input");
    page.press("ArrowRight");
    page.wait_for_text("windows-title", "by hour");
    page.wait_for_text("which", "07:00 to 08:00 Europe/Zurich");
    assert_eq!(page.table().len(), 3);

    page.press("ArrowRight");
    page.wait_for_text("windows-title", "by day");
    page.wait("document.querySelectorAll('#zone option').length === 2");
    page.wait("document.querySelectorAll('#table tbody tr').length === 2");
    let zone = page.eval("document.getElementById('zone').value");
    page.tab_to("#zone");
    page.press(if zone == "America/New_York" { "ArrowDown" } else { "ArrowUp" });
    let other = if zone == "America/New_York" { "Europe/Zurich" } else { "America/New_York" };
    page.wait_for_text("which", other);
    page.wait("document.querySelectorAll('#table tbody tr').length === 2");
    for zone in ["America/New_York", "Europe/Zurich"] {
        page.visit(&format!("{}/?{zone}#window=day&zone={zone}", run.origin));
        page.wait_for_text("which", zone);
        let counts: Vec<u64> = page.table().into_iter().map(|row| row.1).collect();
        // Midnight is between the first and the second in Zurich, and after the second in New York.
        assert_eq!(counts, if zone == "Europe/Zurich" { [50, 30] } else { [50, 40] });
    }
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn what_is_not_final_and_whole_is_told_apart() {
    let mut run = Run::piped("--emit updates --every 1s --keep 1h");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    run.feed(&minute(0, 10));
    run.feed(&minute(1, 20));
    run.feed(&minute(2, 30));
    run.feed(&minute(3, 5));
    page.wait("document.querySelectorAll('#chart .slot').length >= 3");
    // Late for the second minute: its result comes out again.
    run.feed(&minute(1, 21));
    run.feed(&minute(4, 5));
    run.feed(&minute(5, 6));
    page.wait("document.querySelector('#chart .slot.revised') !== null");
    page.wait("document.querySelector('#chart .slot.provisional') !== null");
    page.wait("document.querySelector('#chart .slot.part') !== null");
    page.wait("document.querySelector('#chart .slot.final:not(.part)') !== null");

    // Not by colour alone: pattern and outline, an empty body, a mark above.
    let drawn = page.eval(
        "Object.fromEntries(['provisional', 'revised', 'part', 'final:not(.part)'].map((name) => {
            const slot = document.querySelector('#chart .slot.' + name);
            const body = getComputedStyle(slot.querySelector('.body'));
            return [name, [body.fill.includes('hatch'), body.strokeDasharray !== 'none', \
                getComputedStyle(slot.querySelector('.mark')).display !== 'none', body.fill === body.stroke]];
        }))",
    );
    assert_eq!(drawn["provisional"], json!([true, true, false, false]), "{drawn}");
    assert_eq!(drawn["revised"], json!([false, false, true, true]), "{drawn}");
    assert_eq!(drawn["part"], json!([false, false, false, false]), "{drawn}");
    assert_eq!(drawn["final:not(.part)"], json!([false, false, false, true]), "{drawn}");
    let legend = page.text("legend");
    for name in ["final", "provisional", "revised", "part"] {
        assert!(legend.contains(name), "{legend}");
    }

    // And in words, for who hears the page.
    page.tab_to("#chart");
    page.press("Home");
    page.wait_for_text("detail", "only a part");
    page.press("ArrowRight");
    page.wait_for_text("detail", "revised (rev ");
    page.wait_for_text("detail", "21 late");
    page.press("End");
    page.wait_for_text("detail", "provisional");
    page.wait("document.activeElement.getAttribute('aria-valuetext').includes('provisional')");
    page.ends_content(&run.origin);
}
