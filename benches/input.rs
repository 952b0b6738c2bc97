//! The input alone: a file in memory, all its bytes read, no line looked for. That is left to the scanners.

#[path = "shared/file.rs"]
mod file;
mod shared;

use headcount::generate::Workload;
use headcount::scan::stage::Depth;
use shared::{Contender, Group};

fn main() {
    let group = |name: &str, frames: u64, frame_bytes: usize| {
        let frames = if shared::is_tiny() { 2_000 } else { frames };
        let workload = Workload { frames, frame_bytes, ..Workload::default() };
        let generator = workload.generator().expect("these settings can be met");
        let (folder, path) = file::written(&generator);
        let bytes = path.metadata().expect("it is there").len();
        let (folder, path) = (std::rc::Rc::new(folder), std::rc::Rc::new(path));
        let contender = |name: &str, cores: usize| {
            let (folder, path) = (folder.clone(), path.clone());
            Contender::new(name, move || {
                let _kept = &folder;
                let (outcome, _) = file::run(&path, cores, Depth::Read);
                assert_eq!(outcome.read.bytes, bytes);
                outcome.elapsed
            })
        };
        let contenders = vec![contender("1 scanner", 1), contender("2 scanners", 2)];
        Group { name: name.into(), items: frames, contenders }
    };
    shared::run(vec![
        group("input, 2,080 bytes a frame", 200_000, 2080),
        group("input, 83 bytes a frame", 4_000_000, 83),
    ]);
}
