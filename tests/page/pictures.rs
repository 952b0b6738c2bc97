//! Makes the pictures of `docs/watching.md`: `scripts/checks/page --pictures`. An hour and a half of a made-up
//! stream comes to a topic within a minute, and the last seconds as they are lived, so that there is something to
//! see in each part of the page. Not a test: it asserts only that pictures are small enough to keep.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::browser::{Browser, NARROW, Screen, WIDE};
use super::run::{Run, succeeds};

const MINUTES: u32 = 90;
/// How long one of them takes to come.
const A_MINUTE_IN: Duration = Duration::from_millis(700);
const PICTURE_BYTES_MAX: usize = 200_000;

#[test]
#[ignore = "makes pictures: scripts/checks/page --pictures"]
fn pictures() {
    let folder = std::env::var("HEADCOUNT_PICTURES").expect("HEADCOUNT_PICTURES is not set");
    let brokers = std::env::var("HEADCOUNT_BROKERS").expect("HEADCOUNT_BROKERS is not set");
    let topic = "page-views";
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let first_s = now_s - u64::from(MINUTES) * 60 + 70;
    let bring = |start_s: u64, seconds: u32, seed: u32, users: u32| {
        succeeds(&format!(
            "generate -b {brokers} -o {topic} --create --partitions 12 --seed {seed} --start {start_s} \
             --users {users} --frames {} --rate 150 --frame-bytes 900 --late 2%:4s --late 0.005%:4m \
             --malformed 0.02%",
            seconds * 150
        ));
    };
    bring(first_s, 1, 1, 1000);
    let words = format!(
        "-b {brokers} -t {topic} -o counts --create --from beginning --emit updates --every 1s \
         --windows minute,hour,day,rolling:7d --timezone Europe/Zurich,UTC"
    );
    let run = Run::at("127.0.0.1:0", &words, &[]);
    let still = Screen { still: true, width: 1100, ..WIDE };
    let mut page = Browser::open(still);
    page.visit(&run.origin);
    for minute in 0..MINUTES {
        let began = Instant::now();
        // More people about, and fewer again.
        let turn = f64::from(minute) / 14.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let users = (6000.0 + 3500.0 * turn.sin() + 700.0 * (turn * 5.3).cos()) as u32;
        bring(first_s + 60 * u64::from(minute), 60, minute, users);
        std::thread::sleep(A_MINUTE_IN.saturating_sub(began.elapsed()));
    }
    for second in 0..6 {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        bring(now_s, 1, second, 4000);
        std::thread::sleep(Duration::from_secs(1));
    }
    let pipeline = "main > section:nth-of-type(3)";
    for (name, screen, down_to) in [
        ("page-light", still, pipeline),
        ("page-dark", Screen { dark: true, ..still }, pipeline),
        ("page-narrow", Screen { still: true, ..NARROW }, "#windows"),
    ] {
        page.look_with(screen);
        page.wait("document.querySelector('#chart svg').viewBox.baseVal.width === document.getElementById('chart').clientWidth");
        let picture = page.picture(down_to);
        std::fs::write(format!("{folder}/{name}.png"), &picture).unwrap();
        assert!(picture.len() < PICTURE_BYTES_MAX, "{name}: {} bytes", picture.len());
    }
    page.ends_content(&run.origin);
}
