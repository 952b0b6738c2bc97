//! The program: parse, run, exit code.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Memory is reserved at its bounds and touched as far as it is needed; in huge pages a touch
    // takes 2 MiB. Without them the peak is a third, and nothing is slower (docs/report.md). A
    // kernel that refuses costs memory and nothing else.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    headcount::commands::main(std::env::args_os().collect()).into()
}
