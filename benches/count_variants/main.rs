//! The variants of the count stage side by side. Usage: count_variants USERS MINUTES VARIANT ROUNDS
#![allow(missing_docs, unreachable_pub, dead_code, clippy::all)]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_possible_truncation)]
#[path = "../count/drive.rs"]
mod drive;
mod old_id_set;
mod old_interner;
mod old_slab;
#[path = "../count/stream.rs"]
mod stream;
mod variants;
pub mod id_set {
    pub use crate::old_id_set::*;
}
pub mod interner {
    pub use crate::old_interner::*;
}
pub mod slab {
    pub use crate::old_slab::*;
}
pub mod limits {
    pub use headcount::limits::*;
}

use drive::Counting;

fn main() {
    let args: Vec<String> = std::env::args().filter(|a| a != "--bench").collect();
    if args.len() < 5 {
        return;
    }
    let (users, minutes, rounds) =
        (args[1].parse().unwrap(), args[2].parse().unwrap(), args[4].parse().unwrap());
    let names: Vec<&str> = args[3].split(',').collect();
    let frames = stream::Stream::new(users, &Default::default()).frames_in(minutes);
    let expected = stream::Stream::plain_counts(users, frames, 5);
    for _ in 0..rounds {
        for name in &names {
            let mut counter: Box<dyn Counting> = variants::make(name);
            let run = drive::run(counter.as_mut(), users, minutes, 2.min(minutes - 1));
            assert_eq!(run.counts[..expected.len()], expected[..], "{name}");
            println!(
                "{name:10} {users:>9} users: {:6.1} ns a frame; steps: longest {:8.3} ms, 99.9 % {:7.3} ms",
                run.ns_a_frame(),
                run.step_ms(1.0),
                run.step_ms(0.999)
            );
        }
    }
}
