//! Started again over inputs that are not those of the checkpoint.

use std::fs::File;

use crate::harness::{Place, Task};
use crate::logs::{self, Packing};

fn two_logs(packing: Packing) -> (Place, Task) {
    let place = Place::new();
    for (name, seed) in [("first", 1), ("second", 2)] {
        let workload = logs::workload(seed, 20_000, 3.0);
        std::fs::write(place.at(name), packing.pack(logs::bytes(&workload))).unwrap();
    }
    let names = ["first", "second"].map(|name| place.at(name).to_str().unwrap().to_owned());
    let task = Task::new(&[&names[0], &names[1]], "--windows hour,day");
    place.run(&task).exits(0);
    (place, task)
}

/// Asserts that it is refused, naming this, and nothing but the input is changed.
#[track_caller]
fn is_refused(place: &Place, task: &Task, name: &str) {
    let before = place.files();
    let ran = place.run(task);
    assert!([1, 2].contains(&ran.code), "{}: {}", ran.code, ran.stderr);
    ran.says(name);
    assert!(place.files() == before, "something was changed");
}

#[test]
fn a_file_replaced_by_another_is_refused() {
    for packing in Packing::ALL {
        let (place, task) = two_logs(packing);
        for name in ["first", "second"] {
            let path = place.at(name);
            let old = std::fs::read(&path).unwrap();
            // Of the same frames, but for the users; longer, so that it might have grown.
            let other = logs::workload(3, 30_000, 3.0);
            std::fs::write(place.at("other"), packing.pack(logs::bytes(&other))).unwrap();
            std::fs::rename(place.at("other"), &path).unwrap();
            is_refused(&place, &task, name);
            std::fs::write(&path, old).unwrap();
        }
    }
}

#[test]
fn a_file_that_is_shorter_is_refused() {
    for packing in Packing::ALL {
        let (place, task) = two_logs(packing);
        let file = File::options().write(true).open(place.at("second")).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        is_refused(&place, &task, "second");
        file.set_len(0).unwrap();
        is_refused(&place, &task, "second");
    }
}

#[test]
fn other_files_are_refused() {
    let (place, task) = two_logs(Packing::Plain);
    let [first, second] = [0, 1].map(|input| task.inputs[input].clone());
    let with = |inputs: &[&String]| Task {
        inputs: inputs.iter().map(|&input| input.clone()).collect(),
        ..task.clone()
    };
    is_refused(&place, &with(&[&second, &first]), "first");
    is_refused(&place, &with(&[&second]), "first");
    is_refused(&place, &with(&[&first]), "second");
    is_refused(&place, &with(&[&first, &first, &second]), "first");
    std::fs::remove_file(&first).unwrap();
    is_refused(&place, &task, "first");
}

#[test]
fn a_file_more_is_the_log_grown() {
    for packing in Packing::ALL {
        let (place, mut task) = two_logs(packing);
        let third = place.at("third");
        std::fs::write(&third, logs::bytes(&logs::workload(4, 20_000, 3.0))).unwrap();
        task.inputs.push(third.to_str().unwrap().to_owned());
        place.run(&task).exits(0);
        let (peace, _) = task.in_peace();
        let left = place.left();
        assert_eq!(left.last_words(), peace.last_words());
        left.accounts_are_those_of(&peace, "with a file more");
        assert!(left.frames_read() < peace.frames_read());
    }
}

/// A line that is longer than any frame may be, and has no end: where it ends no run can go on.
#[test]
fn nothing_of_a_log_that_ends_within_a_line_is_counted_twice() {
    for packing in Packing::ALL {
        let place = Place::new();
        let mut bytes = logs::bytes(&logs::workload(5, 20_000, 3.0));
        bytes.resize(bytes.len() + 17 * 1024 * 1024, b'x');
        let log = place.at("log");
        std::fs::write(&log, packing.pack(bytes)).unwrap();
        let task = Task::new(&[log.to_str().unwrap()], "--windows hour,day");
        let (peace, _) = task.in_peace();
        for _ in 0..3 {
            place.run(&task).exits(0);
            place.left().is_that_of(&peace, "ends within a line");
        }
    }
}
