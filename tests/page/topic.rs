//! Topics on a real broker: a hundred partitions, and what an earlier run left.

use serde_json::Value;

use super::browser::{Browser, NARROW, Screen, WIDE};
use super::run::{Run, succeeds};

#[test]
#[ignore = "needs Chromium and a broker: the Kafka step of scripts/test"]
fn a_hundred_partitions_are_seen_at_a_glance_and_one_by_one() {
    let brokers = std::env::var("HEADCOUNT_BROKERS").expect("HEADCOUNT_BROKERS is not set");
    let topic = format!("page-{}", std::process::id());
    succeeds(&format!(
        "generate -b {brokers} -o {topic} --create --partitions 100 --frames 20K --frame-bytes 200 --key uid"
    ));
    // To a topic, so that it keeps checkpoints.
    let words = format!("-b {brokers} -t {topic} --from beginning -o {topic}-counts --create");
    let run = Run::at("127.0.0.1:0", &words, &[]);
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait_for_text("partitions-title", "Lag of 100 partitions");
    page.wait("document.getElementById('frames').textContent !== '0'");
    page.wait_for_text("choice", "minute");
    page.wait("document.querySelectorAll('#strip rect').length === 100");
    page.wait_for_text("age", " ago");
    super::dashboard::is_answered_by(&run.get("/metrics"), &[]);

    // The ten that lag most, then all of them; sorted by any column.
    let rows = "document.querySelectorAll('#partitions tbody tr')";
    assert_eq!(page.eval(&format!("{rows}.length")), 10);
    page.tab_to("#all-partitions");
    page.press("Enter");
    page.wait(&format!("{rows}.length === 100"));
    page.eval("document.getElementById('all-partitions').blur(), document.querySelector('#partitions th button').focus()");
    page.press("Enter");
    let numbers = format!("[...{rows}].map((row) => +row.cells[0].textContent)");
    page.wait(&format!("{numbers}.every((number, at) => number === at)"));
    page.press("Enter");
    page.wait(&format!("{numbers}.every((number, at) => number === 99 - at)"));

    // Found by number, by range, by state.
    page.eval("document.getElementById('filter').focus()");
    for key in ["5", "7"] {
        page.press(key);
    }
    page.wait(&format!("{rows}.length === 1 && {numbers}[0] === 57"));
    for key in ["-", "5", "9"] {
        page.press(key);
    }
    page.wait(&format!("{rows}.length === 3"));

    for width in [360, 1280] {
        page.look_with(Screen { width, ..NARROW });
        assert_eq!(page.too_wide_px(), 0, "at {width} px");
    }
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium and a broker: the Kafka step of scripts/test"]
fn what_an_earlier_run_counted_is_seen_again() {
    /// Of a partition that has just been entered it is not known yet what is unread.
    const ALL_READ: &str = "[...document.querySelectorAll('#why li')].map((one) => one.textContent.includes('nothing unread')).join() === 'true,true'";
    const SEEN: &str = "[...document.querySelectorAll('#why li'), document.getElementById('users')].map((one) => one.textContent).join()";
    let brokers = std::env::var("HEADCOUNT_BROKERS").expect("HEADCOUNT_BROKERS is not set");
    let topic = format!("page-again-{}", std::process::id());
    succeeds(&format!(
        "generate -b {brokers} -o {topic} --create --frames 20K --frame-bytes 200 --users 500 --rate 20"
    ));
    let words = format!(
        "-b {brokers} -t {topic} -o {topic}-counts --create --windows minute,day --idle off"
    );
    // Of each open window its length, its beginning and its frames.
    let open = |run: &Run| -> Vec<Value> {
        let why: Value = serde_json::from_str(&run.get("/why")).unwrap();
        let windows = why["windows"].as_array().unwrap().iter();
        windows.map(|of| ["window", "start", "frames"].map(|key| of[key].clone()).into()).collect()
    };
    let run = Run::at("127.0.0.1:0", &words, &[]);
    let (origin, address) = (run.origin.clone(), run.address());
    let mut page = Browser::open(WIDE);
    page.visit(&origin);
    page.wait("document.getElementById('frames').textContent === '20.0 k'");
    page.wait(ALL_READ);
    let before = (open(&run), page.eval(SEEN));
    run.stop();

    // Under the open page comes the next one, which reads nothing again.
    let run = Run::at(&address, &words, &[]);
    page.wait("document.getElementById('frames').textContent === '0'");
    page.wait_for_text("state", "running");
    page.wait(ALL_READ);
    assert_eq!((open(&run), page.eval(SEEN)), before);
    page.ends_content(&origin);
}
