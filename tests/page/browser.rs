//! A headless Chromium with an empty profile of its own, steered through the DevTools protocol over two pipes
//! (`--remote-debugging-pipe`: JSON, each message ended by a zero byte). No port is open and no driver is needed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::DEADLINE;

/// How long to sleep between two looks at the page.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a page is looked at with.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) still: bool,
}

pub(crate) const WIDE: Screen = Screen { width: 1280, height: 900, dark: false, still: false };
pub(crate) const NARROW: Screen = Screen { width: 360, height: 740, dark: false, still: false };

/// One tab of a browser. Ended when dropped.
pub(crate) struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    messages: Receiver<Value>,
    next_id: u64,
    session: Option<String>,
    /// What the browser said by itself.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; the tab is empty.
    pub(crate) fn open(screen: Screen) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let chromium = std::env::var("HEADCOUNT_CHROMIUM").unwrap_or_else(|_| "chromium".into());
        // Its messages come and go by the descriptors 3 and 4, which the shell makes of our pipes.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", &chromium]);
        command
            .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split(' '));
        command.args("--disable-background-networking --disable-component-update".split(' '));
        command.args(["--disable-sync", "--remote-debugging-pipe", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            for message in from.split(0) {
                let Ok(message) = message else { break };
                let _ = send.send(serde_json::from_slice(&message).unwrap());
            }
        });
        let (next_id, session, events) = (1, None, Vec::new());
        let mut browser =
            Browser { child, to, messages, next_id, session, events, _profile: profile };
        let tab = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Runtime", "Log", "Page", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.look_with(screen);
        browser
    }

    /// Another size of the window, other wishes.
    pub(crate) fn look_with(&mut self, screen: Screen) {
        let Screen { width, height, dark, still } = screen;
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let wishes = json!([
            {"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }},
            {"name": "prefers-reduced-motion", "value": if still { "reduce" } else { "no-preference" }},
        ]);
        self.call("Emulation.setEmulatedMedia", json!({"features": wishes}));
    }

    /// Asks for something by the protocol, and gives its answer.
    #[track_caller]
    fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.as_mut().unwrap().write_all(&bytes).expect("Chromium runs (is it installed?)");
        loop {
            let mut answer =
                self.messages.recv_timeout(DEADLINE).expect("Chromium answers (is it installed?)");
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// Goes to an address.
    pub(crate) fn visit(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": address}));
        self.wait("document.readyState === 'complete' && location.protocol === 'http:'");
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Looks again and again until an expression in the page is true.
    #[track_caller]
    pub(crate) fn wait(&mut self, expression: &str) {
        let started = Instant::now();
        while self.eval(expression) != true {
            if started.elapsed() > DEADLINE / 2 {
                let text = self.eval("document.body.innerText");
                panic!("waited in vain for {expression} in: {}", text.as_str().unwrap());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until an element's text has this in it.
    #[track_caller]
    pub(crate) fn wait_for_text(&mut self, id: &str, text: &str) {
        self.wait(&format!(
            "document.getElementById('{id}').textContent.includes({})",
            json!(text)
        ));
    }

    /// An element's text.
    #[track_caller]
    pub(crate) fn text(&mut self, id: &str) -> String {
        let text = self.eval(&format!("document.getElementById('{id}').textContent"));
        text.as_str().unwrap().to_owned()
    }

    /// Presses a key as a person does, by its name (`Tab`, `ArrowLeft`, ` `, `a`).
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let mut down = json!({"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code});
        let text = if key == "Enter" { "\r" } else { key };
        if text.chars().count() == 1 {
            down["type"] = json!("keyDown");
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", down);
        let up = json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", up);
    }

    /// Goes on with Tab until this element has the focus.
    #[track_caller]
    pub(crate) fn tab_to(&mut self, what: &str) {
        for _ in 0..60 {
            if self.eval(&format!("document.activeElement.matches({})", json!(what))) == true {
                return;
            }
            self.press("Tab");
        }
        panic!("Tab never comes to {what}");
    }

    /// Opens the table beside the chart, and gives window and users of its rows, the newest first.
    pub(crate) fn table(&mut self) -> Vec<(String, u64)> {
        self.eval("document.getElementById('table-of').open = true");
        self.wait("document.querySelectorAll('#table tbody tr').length > 0");
        let rows = self.eval(
            "[...document.querySelectorAll('#table tbody tr')].map((row) => \
             [row.cells[0].textContent, row.cells[1].textContent])",
        );
        let number = |cell: &Value| cell.as_str().unwrap().replace(',', "").parse().unwrap();
        let row = |row: &Value| (row[0].as_str().unwrap().to_owned(), number(&row[1]));
        rows.as_array().unwrap().iter().map(row).collect()
    }

    /// Pixels that the page is wider than the window.
    pub(crate) fn too_wide_px(&mut self) -> i64 {
        let page = "document.scrollingElement";
        self.eval(&format!("{page}.scrollWidth - {page}.clientWidth")).as_i64().unwrap()
    }

    /// The page as it looks down to where this element ends, as a PNG.
    pub(crate) fn picture(&mut self, down_to: &str) -> Vec<u8> {
        use base64::Engine;
        let below = format!(
            "document.querySelector('{down_to}').getBoundingClientRect().bottom + scrollY + 16"
        );
        let (width, height) = (self.eval("innerWidth"), self.eval(&below));
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let picture = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let png = self.call("Page.captureScreenshot", picture);
        base64::engine::general_purpose::STANDARD.decode(png["data"].as_str().unwrap()).unwrap()
    }

    /// Asserts that the browser found nothing to complain of, and that nothing was asked of others than `origin`.
    /// A program that went away may be asked in vain.
    #[track_caller]
    pub(crate) fn ends_content(mut self, origin: &str) {
        self.eval("1");
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or("") {
                "Runtime.exceptionThrown" => panic!("an exception: {params}"),
                "Runtime.consoleAPICalled" => panic!("on the console: {params}"),
                "Log.entryAdded" => {
                    let text = params["entry"]["text"].as_str().unwrap();
                    assert!(text.contains("net::ERR_CONNECTION_REFUSED"), "in the log: {params}");
                }
                "Network.requestWillBeSent" => {
                    let address = params["request"]["url"].as_str().unwrap();
                    let own = address.starts_with(origin) || address.starts_with("data:");
                    assert!(own, "asked elsewhere: {address}");
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its pipe, and takes its own processes along.
        self.to = None;
        let started = Instant::now();
        while !matches!(self.child.try_wait(), Ok(Some(_))) {
            if started.elapsed() > DEADLINE / 10 {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
