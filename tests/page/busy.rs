//! The page of a run that is busy: what the pipeline, the throughput and the lag say is what `/live` says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::{Browser, WIDE};
use super::run::{DEADLINE, Run, minute};

/// What is wanted of the page, by name: true or false.
const SEEN: &str = r"(() => {
    const texts = (selector) => [...document.querySelectorAll(selector)].map((node) => node.textContent);
    const widths = [...document.querySelectorAll('#pipeline > li > ul .meter i')].map((bar) => parseFloat(bar.style.width));
    const fills = texts('#pipeline > li > div:not([hidden]) li > span:last-child');
    const busiest = [...document.querySelectorAll('#pipeline > li.busiest')];
    const lags = [...document.querySelectorAll('#partitions tbody tr')].map((row) => row.cells[3].textContent);
    return {
        'each stage by its name': STAGES.every((name) => texts('#pipeline > li > ul > li > span:first-child').includes(name)),
        'a meter above zero': widths.some((width) => width > 0),
        'how full each ring is': fills.length > 0 && fills.every((fill) => {
            const [, filled, slots] = /^([0-9.]+) of ([0-9]+)$/.exec(fill) || [];
            return SLOTS.includes(+slots) && +filled <= +slots;
        }),
        'one stage marked': busiest.length === 1 && busiest[0].querySelector('h3').textContent.endsWith('busiest'),
        'what comes in': parseFloat(document.getElementById('frames-rate').textContent) > 0,
        'the lag of the partition': lags.length === 1 && /^[1-9][0-9]* y/.test(lags[0]),
    };
})()";

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn stages_rings_throughput_and_lag_are_seen() {
    let mut run = Run::piped("");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait_for_text("state", "running");
    let live: Value = serde_json::from_str(&run.get("/live")).unwrap();
    let all = |of: &str, member: &str| -> Vec<Value> {
        live[of].as_array().unwrap().iter().map(|one| one[member].clone()).collect()
    };
    let (stages, slots) = (all("stages", "name"), all("rings", "slots"));
    assert!(stages.len() >= 4 && slots.iter().all(|slots| slots.as_u64() > Some(0)), "{live}");
    let look = SEEN.replace("STAGES", &json!(stages).to_string());
    let look = look.replace("SLOTS", &json!(slots).to_string());

    // As much as it takes, until all of it is seen at one time.
    let started = Instant::now();
    for at in 0.. {
        run.feed(&minute(at, 5000));
        let seen = page.eval(&look);
        let seen = seen.as_object().unwrap();
        let missing: BTreeSet<_> =
            seen.iter().filter(|(_, is_seen)| **is_seen != true).map(|(what, _)| what).collect();
        if missing.is_empty() {
            break;
        }
        if started.elapsed() > DEADLINE / 2 {
            let text = page.eval("document.body.innerText");
            panic!("{missing:?} is not in: {}", text.as_str().unwrap());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    page.ends_content(&run.origin);
}
