//! Running the binary to its end, and reading what it left behind.

use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use crate::broker::Broker;
pub(crate) use crate::ran::{DEADLINE, HEADCOUNT, Ran};

impl Ran {
    /// Asserts that stderr says nothing of this.
    #[track_caller]
    pub(crate) fn says_nothing_of(self, text: &str) -> Ran {
        assert!(!self.stderr.contains(text), "{text:?} is in: {}", self.stderr);
        self
    }
}

/// The words of a command; of `count` by the plain clock, unless they say how time goes: logs of a few
/// frames are enough to see what is tested here. And without checkpoints, unless they say of them.
pub(crate) fn plain(words: &str) -> Vec<&str> {
    let mut words: Vec<&str> = words.split_whitespace().collect();
    let says = |word: &&str| ["--agree", "--late"].iter().any(|flag| word.starts_with(flag));
    if matches!(words.first(), Some(&("count" | "verify"))) && !words.iter().any(says) {
        words.splice(1..1, ["--agree=off", "--late=drop"]);
    }
    let of_checkpoints = |word: &&str| {
        let flags = ["--checkpoint", "--no-checkpoint", "--state-topic", "--fresh"];
        flags.iter().any(|flag| word.starts_with(flag))
    };
    if words.first() == Some(&"count") && !words.iter().any(of_checkpoints) {
        words.push("--no-checkpoint");
    }
    words.extend(fetched(&words));
    words
}

/// How topics are fetched by all runs that do not say, for the tests to be run another way: HEADCOUNT_FETCH.
fn fetched(words: &[&str]) -> Vec<&'static str> {
    static HOW: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("HEADCOUNT_FETCH").ok());
    match HOW.as_deref() {
        Some(how) if words.contains(&"-t") && !words.contains(&"--fetch") => vec!["--fetch", how],
        _ => Vec::new(),
    }
}

/// Runs the binary to its end: words, then further arguments.
pub(crate) fn run(words: &str, more: &[&str]) -> Ran {
    let mut command = assert_cmd::Command::new(HEADCOUNT);
    command.args(plain(words)).args(more).timeout(DEADLINE);
    Ran::of(command.output().unwrap())
}

/// Starts the binary; what is written to its stdin is up to the caller.
pub(crate) fn start(words: &str, more: &[&str]) -> Child {
    let mut command = std::process::Command::new(HEADCOUNT);
    command.args(plain(words)).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + DEADLINE;
    while !so() {
        assert!(std::time::Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of its own for a test; gone with it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// The path of a file in it, there or not.
    pub(crate) fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap()
    }

    /// A generated stream in a file.
    pub(crate) fn generated(&self, flags: &str) -> String {
        let path = self.at("frames.jsonl");
        run(&format!("generate {flags} -o"), &[&path]).exits(0);
        path
    }

    /// The results of counting a file to stdout.
    pub(crate) fn counted(&self, path: &str) -> String {
        run("count --quiet", &[path]).exits(0).stdout
    }

    /// The results of counting these frames in a file.
    pub(crate) fn counted_of<F: AsRef<[u8]>>(&self, frames: impl IntoIterator<Item = F>) -> String {
        self.counted(&self.file("of.jsonl", crate::frames::lines(frames)))
    }

    /// Counts with `--summary` into a topic's brokers, and gives the summary too.
    pub(crate) fn count(&self, broker: &Broker, words: &str, more: &[&str]) -> (Ran, Value) {
        let ran = run(&self.count_words(broker, words), more);
        (ran, self.summary())
    }

    /// The words of `count` with brokers and `--summary`.
    pub(crate) fn count_words(&self, broker: &Broker, words: &str) -> String {
        let summary = self.at("summary.json");
        format!("count -b {} --summary {summary} {words}", broker.bootstrap())
    }

    /// The summary of the last run.
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_slice(&self.read("summary.json")).unwrap()
    }

    /// Counts a topic to the end it has now; the results, and the summary.
    pub(crate) fn count_topic(&self, broker: &Broker, topic: &str, words: &str) -> (String, Value) {
        let (ran, summary) =
            self.count(broker, &format!("-t {topic} --until end --quiet {words}"), &[]);
        (ran.exits(0).stdout, summary)
    }
}
