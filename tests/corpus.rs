//! The kept corpus of the fuzz targets (`fuzz/corpus`), run through the same checks without a fuzzer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests an unwrap is the assertion")]

#[allow(missing_docs, unreachable_pub, reason = "it is part of the crate in fuzz/")]
#[path = "../fuzz/src/checks/mod.rs"]
mod checks;

/// Runs a check on each file of a target's corpus.
fn replay(target: &str, check: fn(&[u8]) -> bool) {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut meant = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let _name = Named(&path);
        meant += usize::from(check(&bytes));
    }
    assert!(meant > 20, "{folder}: {meant} inputs that mean something");
}

/// Says on the way out of a failure which file it was.
struct Named<'p>(&'p std::path::Path);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: {}", self.0.display());
        }
    }
}

#[test]
fn scanner() {
    replay("scanner", checks::scanner::check);
}

#[test]
fn kernels() {
    replay("kernels", checks::kernels::check);
}

#[test]
fn engine() {
    replay("engine", checks::engine::check);
}

#[test]
fn ring() {
    replay("ring", checks::ring::check);
}

#[cfg(feature = "kafka")]
#[test]
fn records() {
    replay("records", checks::records::check);
}
