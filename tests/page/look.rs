//! How it looks: narrow and wide, light and dark, still; by keys alone; text that stays text.

use serde_json::json;

use super::browser::{Browser, NARROW, Screen, WIDE};
use super::run::{Run, minute};

/// Texts that stand out less from what is behind them than WCAG AA asks for (4.5 to 1; 3 to 1 where large).
const FAINT: &str = r"(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (node) => { for (; node; node = node.parentElement) { const color = rgba(getComputedStyle(node).backgroundColor); if (color[3] === 255) return color; } return rgba('white'); };
    const faint = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
        if (!text || ['SCRIPT', 'STYLE', 'OPTION', 'TITLE', 'title'].includes(node.tagName) || !node.checkVisibility()) continue;
        seen++;
        const style = getComputedStyle(node), drawn = node instanceof SVGElement;
        const [a, b] = [light(rgba(drawn ? style.fill : style.color)), light(behind(node))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (contrast < (large ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)}: ${text}`);
    }
    return seen > 40 ? faint : ['only ' + seen + ' texts were seen'];
})()";

/// A run with something in each part of the page.
fn full() -> Run {
    let mut run = Run::piped("--windows minute,hour --emit updates --every 1s");
    for at in 0..20 {
        run.feed(&minute(at, 100));
    }
    run.feed("no frame\n{\"ts\":1}\n");
    run
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn texts_stand_out_in_both_themes_also_when_greyed() {
    let run = full();
    let origin = run.origin.clone();
    let mut page = Browser::open(WIDE);
    page.visit(&origin);
    page.wait_for_text("refused", "no JSON object");
    page.eval("document.getElementById('table-of').open = true");
    let grounds = [false, true].map(|dark| {
        page.look_with(Screen { dark, ..WIDE });
        assert_eq!(page.eval(FAINT), json!([]), "dark: {dark}");
        page.eval("getComputedStyle(document.body).backgroundColor")
    });
    assert_ne!(grounds[0], grounds[1]);

    // The button goes before what the system wishes, and outlives a reload.
    page.tab_to("#theme");
    page.press("Enter");
    page.wait_for_text("theme", "Theme: light");
    assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor"), grounds[0]);
    page.press("Enter");
    page.wait_for_text("theme", "Theme: dark");
    page.look_with(WIDE);
    page.visit(&format!("{origin}/?again"));
    page.wait_for_text("theme", "Theme: dark");
    assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor"), grounds[1]);
    page.wait_for_text("refused", "no JSON object");

    run.kill();
    page.wait("document.body.classList.contains('stale')");
    assert_eq!(page.eval(FAINT), json!([]), "greyed, dark");
    page.eval("document.documentElement.dataset.theme = 'light'");
    assert_eq!(page.eval(FAINT), json!([]), "greyed, light");
    page.ends_content(&origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn nothing_is_wider_than_a_narrow_screen() {
    let run = full();
    let mut page = Browser::open(NARROW);
    page.visit(&run.origin);
    page.wait_for_text("refused", "no JSON object");
    page.eval("document.getElementById('table-of').open = true");
    page.wait("document.querySelectorAll('#chart .slot').length > 10");
    for width in [360, 320, 500, 700, 870, 950, 1280] {
        page.look_with(Screen { width, ..NARROW });
        // Until it was drawn anew for this width.
        page.wait("document.querySelector('#chart svg').viewBox.baseVal.width === document.getElementById('chart').clientWidth");
        assert_eq!(page.too_wide_px(), 0, "at {width} px");
        let labels = page.eval(
            "(() => { const ends = (node) => node.getBoundingClientRect().bottom;
                return [...document.querySelectorAll('#chart text')].every((text) => \
                    ends(text) <= ends(document.querySelector('#chart svg'))); })()",
        );
        assert_eq!(labels, true, "labels stand below the chart at {width} px");
        let bars = page.eval("document.querySelectorAll('#chart .slot').length");
        assert!(bars.as_u64().unwrap() >= 15, "{bars} bars at {width} px");
    }
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn keys_reach_every_control_and_show_where_they_are() {
    let run = full();
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait_for_text("refused", "no JSON object");
    let mut reached = Vec::new();
    for _ in 0..40 {
        page.press("Tab");
        let at = page.eval(
            "(({ id, className, name, tagName }) => [id || name || className || tagName, \
             getComputedStyle(document.activeElement).outlineStyle !== 'none' \
             || document.activeElement.closest('label')?.matches(':has(:focus-visible)') || tagName === 'BODY'])(document.activeElement)",
        );
        assert_eq!(at[1], true, "{at} has the focus and does not show it");
        reached.push(at[0].as_str().unwrap().to_owned());
    }
    for control in ["skip", "theme", "window", "chart", "SUMMARY", "scroll"] {
        assert!(reached.iter().any(|at| at == control), "{control} is not in {reached:?}");
    }
    let unreached = page.eval(
        "[...document.querySelectorAll('button, select, input, summary, [tabindex]')]
            .filter((node) => node.checkVisibility() && node.tabIndex < 0).length",
    );
    assert_eq!(unreached, 0);
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn nothing_moves_for_who_wants_it_still() {
    let run = full();
    let mut page = Browser::open(Screen { still: true, ..WIDE });
    page.visit(&run.origin);
    page.wait("document.querySelectorAll('#chart .slot').length > 10");
    let times = "[...document.querySelectorAll('*')].map((node) => getComputedStyle(node).transitionDuration)";
    assert_eq!(page.eval(&format!("{times}.every((time) => time === '0s')")), true);
    page.look_with(WIDE);
    // Not before it was drawn a second time: what is all new stands still.
    page.wait(&format!("{times}.some((time) => time === '0.45s')"));
    page.ends_content(&run.origin);
}

#[test]
#[ignore = "needs Chromium: scripts/checks/page"]
fn names_from_outside_are_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "<img src=x onerror=document.title='gone'><b>bold.jsonl";
    let path = folder.path().join(name.replace('/', ""));
    std::fs::write(&path, "").unwrap();
    // A named pipe would do as well; a file that is empty ends the run at once, so it goes on with stdin.
    let run = Run::at("127.0.0.1:0", super::run::PLAIN, &[path.to_str().unwrap(), "-"]);
    let mut page = Browser::open(WIDE);
    page.visit(&run.origin);
    page.wait_for_text("input", "<b>bold.jsonl");
    assert_eq!(page.eval("document.querySelectorAll('img, #input b').length"), 0);
    page.ends_content(&run.origin);
}
