//! The page while a run begins, stalls, ends, dies and comes again.

use super::browser::{Browser, WIDE};
use super::run::{Run, minute};

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn without_data_it_says_so_and_goes_on_by_itself() {
    let mut run = Run::piped("");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait_for_text("state", "running");
    page.wait_for_text("nothing", "No data yet");
    page.wait_for_text("held", "There is no clock yet");
    page.wait_for_text("refused-note", "No frame has been read");
    assert_eq!(page.eval("document.getElementById('nothing').checkVisibility()"), true);
    assert_eq!(page.text("figure"), "–");

    run.feed(&minute(0, 3));
    page.wait_for_text("frames", "3");
    page.wait_for_text("nothing", "No window has come out yet");
    page.wait_for_text("why", "22:14 to 22:15 UTC");
    run.feed("no frame\n");
    run.feed(&minute(1, 1));
    page.wait_for_text("refused", "no JSON object");
    page.wait_for_text("figure", "3");
    assert_eq!(page.eval("document.getElementById('nothing').checkVisibility()"), false);
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn when_the_program_goes_away_it_says_so_keeps_its_figures_and_asks_on() {
    let mut run = Run::piped("");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    run.feed(&minute(0, 123));
    run.feed(&minute(1, 1));
    // A result may be seen a reading before the frames it is made of.
    page.wait_for_text("figure", "123");
    page.wait_for_text("frames", "124");
    assert_eq!(page.eval("document.getElementById('banner').hidden"), true);

    let (origin, address) = (run.origin.clone(), run.address());
    run.kill();
    page.wait_for_text("banner", "No answer from the program since ");
    page.wait_for_text("banner", " UTC");
    page.wait_for_text("state", "no answer");
    assert_eq!(page.text("figure"), "123");
    assert_eq!(page.text("frames"), "124");
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('main')).filter"),
        "grayscale(1)"
    );
    assert_eq!(page.eval("document.title.startsWith('no answer')"), true);

    // Another run at the same place: its figures, and nothing of the first.
    let mut run = Run::at(&address, &format!("- {}", super::run::PLAIN), &[]);
    page.wait_for_text("state", "running");
    page.wait("document.getElementById('banner').hidden");
    page.wait_for_text("nothing", "No data yet");
    run.feed(&minute(7, 45));
    run.feed(&minute(8, 1));
    page.wait_for_text("figure", "45");
    assert_eq!(page.table().len(), 1);
    assert_eq!(page.eval("getComputedStyle(document.querySelector('main')).filter"), "none");
    page.ends_content(&origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn the_end_of_a_bounded_run_is_no_fault() {
    let mut run = Run::piped("");
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    run.feed(&minute(0, 12));
    run.feed(&minute(1, 5));
    page.wait_for_text("figure", "12");
    let origin = run.origin.clone();
    run.close();
    assert_eq!(run.counts(2), [12, 5]);
    // It may be gone before it is asked again; then the page cannot know that it was done.
    page.wait("document.body.classList.contains('stale')");
    page.wait_for_text("banner", "These are its last figures");
    // The last one may have been seen or not.
    assert!(["12", "5"].contains(&page.text("figure").as_str()));
    page.ends_content(&origin);
}

#[cfg(feature = "kafka")]
#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn what_is_chosen_outlives_a_start() {
    const COUNTED: &str = "--windows minute,day --timezone UTC,Asia/Tokyo";
    let day = |page: &mut Browser| {
        assert_eq!(page.text("windows-title"), "Unique users by day");
        assert_eq!(page.eval("location.hash"), "#window=day&zone=Asia%2FTokyo");
    };
    let mut run = Run::piped(COUNTED);
    let (origin, address) = (run.origin.clone(), run.address());
    // A day apart in both zones.
    run.feed(&minute(0, 7));
    run.feed(&minute(24 * 60, 1));
    let mut page = Browser::open(WIDE);
    page.visit(&format!("{origin}/#window=day&zone=Asia%2FTokyo"));
    page.wait_for_text("which", "Asia/Tokyo");
    day(&mut page);
    run.kill();

    // Under the open page comes one that starts and starts, as nobody is there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let starts = || Run::at(&address, &format!("-t frames -b {nobody}"), &[]);
    let run = starts();
    page.wait_for_text("state", "starting");
    page.wait_for_text("figure", "–");
    page.wait_for_text("nothing", "Nothing is read yet");
    day(&mut page);
    run.kill();
    // Then one that counts.
    let counts = || {
        let mut run = Run::at(&address, &format!("- {} {COUNTED}", super::run::PLAIN), &[]);
        run.feed(&minute(0, 9));
        run.feed(&minute(24 * 60, 1));
        run
    };
    let run = counts();
    page.wait_for_text("figure", "9");
    page.wait_for_text("which", "Asia/Tokyo");
    day(&mut page);
    run.kill();

    // The same of a page that is opened while it starts.
    let run = starts();
    page.visit(&format!("{origin}/?again#window=day&zone=Asia%2FTokyo"));
    page.wait_for_text("nothing", "Nothing is read yet");
    run.kill();
    let _run = counts();
    page.wait_for_text("figure", "9");
    page.wait_for_text("which", "Asia/Tokyo");
    day(&mut page);
    page.ends_content(&origin);
}
