//! The output alone: results as lines, in memory. There are few of them: this is what each costs, not a frame.

mod shared;

use std::time::Instant;

use headcount::output::lines::{Format, LineWriter};
use headcount::output::record::{self, WindowResult};
use shared::{Contender, Group};

fn main() {
    let results: u64 = if shared::is_tiny() { 100 } else { 100_000 };
    let contender = |name: &str, format: Format| {
        let all: Vec<WindowResult> = (0..results).map(result).collect();
        Contender::new(name, move || {
            let mut writer = LineWriter::new(format);
            let (mut lines, mut bytes) = (0, 0);
            let began = Instant::now();
            for result in &all {
                let line = writer.line(result).expect("memory takes it");
                lines += line.iter().filter(|&&byte| byte == b'\n').count();
                bytes += line.len();
            }
            let took = began.elapsed();
            let header = usize::from(format != Format::Json);
            assert!(lines >= all.len() + header && bytes > 20 * all.len());
            took
        })
    };
    let contenders = vec![contender("JSON", Format::Json), contender("CSV", Format::Csv)];
    shared::run(vec![Group { name: "output".into(), items: results, contenders }]);
}

/// A minute's, final.
fn result(number: u64) -> WindowResult {
    let ts = 1_700_000_040 + 60 * i64::try_from(number).expect("few");
    WindowResult {
        ts,
        cnt: 50_000 + number % 1000,
        window: "minute".into(),
        zone: None,
        start: record::Instant(ts),
        end: record::Instant(ts + 60),
        frames: 60_000,
        late: number % 7,
        status: "final",
        rev: 0,
        closed_by: "time",
        complete: true,
        past: None,
    }
}
