//! `--format table` on a terminal: the newest windows as a table that changes in place.
//!
//! Rows stand in the order of their windows' ends, and each shows the newest word on its window. They are as many as
//! the terminal has room for; when one more comes, the first that is closed leaves at the top, and stands above the
//! table for good as a line. So all that would stand in a pipe stands on the terminal, but for words that newer
//! ones have replaced in place. A word on a window that has left makes a new row. Columns that there is no room
//! for are left out.
//!
//! Rows come on the output's thread, and are drawn there or by the thread that waits for the run, whichever
//! looks first once it is time: by one lock, which is held while the terminal is written to. A result is safe
//! once it is drawn. Where drawing fails, whichever thread did it, some rows may never have been written whole:
//! nothing is drawn from then on, and the output hears why.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::block::{Block, Line, Size};
use super::screen::{self, Drawn};
use crate::clock::calendar::SeriesName;
use crate::limits::{TABLE_LEFT_BYTES_MAX, TABLE_ROWS_MAX};
use crate::output::columns::{Columns, UTC};
use crate::output::record::WindowResult;
use crate::output::sink::ResultSink;

/// How long after one drawing the next is due: more cannot be seen.
const DRAW_EVERY: Duration = Duration::from_millis(50);
/// Rows of the terminal that are not for windows: the header, the status, and that of the cursor.
const OTHER_ROWS: usize = 3;

/// The table. Clones are handles to the same one.
#[derive(Clone)]
pub struct LiveTable {
    shown: Arc<Mutex<Shown>>,
}

struct Shown {
    out: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> Size + Send>,
    block: Block,
    with_past: bool,
    zones: Vec<String>,
    colour: bool,
    rows: Rows,
    /// Lines of rows that have left and are not written yet.
    left: Vec<u8>,
    status: Option<String>,
    /// Results taken, and those of them that are drawn.
    taken: u64,
    drawn: u64,
    /// What is drawn is not what is to be shown.
    is_stale: bool,
    drawn_at: Option<Instant>,
    drawn_for: Size,
    bytes: Vec<u8>,
    /// Why the terminal did not take a drawing.
    failed: Option<io::Error>,
    is_over: bool,
}

impl LiveTable {
    /// A table on stdout, which is a terminal. `names` are those of the calendar's series.
    pub fn on_stdout(with_past: bool, names: &[SeriesName]) -> LiveTable {
        let zones: BTreeSet<&str> =
            names.iter().map(|name| name.zone.as_deref().unwrap_or(UTC)).collect();
        let zones = zones.into_iter().map(str::to_owned).collect();
        let size = || {
            let (columns, rows) = screen::size(io::stdout());
            Size { columns, rows }
        };
        let out = Box::new(io::stdout());
        LiveTable::new(out, Box::new(size), with_past, zones, screen::wants_colour())
    }

    fn new(
        out: Box<dyn Write + Send>,
        size: Box<dyn Fn() -> Size + Send>,
        with_past: bool,
        zones: Vec<String>,
        colour: bool,
    ) -> LiveTable {
        let drawn_for = size();
        let shown = Shown {
            out,
            size,
            block: Block::default(),
            with_past,
            zones,
            colour,
            rows: Rows::default(),
            left: Vec::new(),
            status: None,
            taken: 0,
            drawn: 0,
            is_stale: false,
            drawn_at: None,
            drawn_for,
            bytes: Vec::new(),
            failed: None,
            is_over: false,
        };
        LiveTable { shown: Arc::new(Mutex::new(shown)) }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows these words below it from the next drawing on, and draws if it is time. What cannot be drawn is
    /// heard by the output.
    pub fn tick(&self, status: Option<String>) {
        let mut shown = self.lock();
        if shown.status != status {
            shown.status = status;
            shown.is_stale = true;
        }
        let _ = shown.draw_if_due();
    }

    /// Leaves the rows as they are, without words below them.
    pub fn finish(&self) {
        let mut shown = self.lock();
        shown.status = None;
        let _ = shown.draw();
        shown.is_over = true;
    }
}

impl Shown {
    fn take(&mut self, result: &WindowResult) -> io::Result<()> {
        self.check()?;
        self.taken += 1;
        self.is_stale = true;
        self.rows.put(result);
        while self.rows.newest.len() > TABLE_ROWS_MAX {
            self.let_go()?;
        }
        if self.left.len() > TABLE_LEFT_BYTES_MAX { self.draw() } else { Ok(()) }
    }

    /// Has a row leave.
    fn let_go(&mut self) -> io::Result<()> {
        let columns = self.columns();
        match self.rows.leave() {
            Some(row) => columns.row(&row, &mut self.left),
            None => Ok(()),
        }
    }

    fn columns(&self) -> Columns {
        let zones: Vec<&str> = self.zones.iter().map(String::as_str).collect();
        // The last column of the terminal stays free (see the block).
        let width = self.drawn_for.columns.saturating_sub(1);
        Columns::all(self.with_past).within(width, &zones)
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        self.check()?;
        let size = (self.size)();
        self.is_stale |= size != self.drawn_for && self.drawn_at.is_some();
        let is_due = self.drawn_at.is_none_or(|at| at.elapsed() >= DRAW_EVERY);
        if self.is_stale && is_due { self.draw() } else { Ok(()) }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.check()?;
        self.drawn_for = (self.size)();
        let room = self.drawn_for.rows.saturating_sub(OTHER_ROWS).clamp(1, TABLE_ROWS_MAX);
        while self.rows.newest.len() > room {
            self.let_go()?;
        }
        let mut lines = Vec::with_capacity(self.rows.newest.len() + 2);
        if !self.rows.newest.is_empty() {
            let columns = self.columns();
            let text = |written: Vec<u8>| String::from_utf8_lossy(&written).trim_end().to_owned();
            let mut written = Vec::new();
            columns.header(&mut written)?;
            lines.push(Line { text: text(written), dim: false });
            for row in &self.rows.newest {
                let mut written = Vec::new();
                columns.row(row, &mut written)?;
                let dim = self.colour && is_open(row);
                lines.push(Line { text: text(written), dim });
            }
        }
        lines.extend(self.status.iter().map(|text| Line { text: text.clone(), dim: false }));
        self.bytes.clear();
        self.block.draw(&self.left, &lines, self.drawn_for, &mut self.bytes);
        self.left.clear();
        self.write()?;
        (self.drawn, self.is_stale, self.drawn_at) = (self.taken, false, Some(Instant::now()));
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.bytes).and_then(|()| self.out.flush());
        if let Err(e) = &written {
            self.failed = Some(again(e));
        }
        written
    }

    /// That every drawing so far was taken.
    fn check(&self) -> io::Result<()> {
        self.failed.as_ref().map_or(Ok(()), |e| Err(again(e)))
    }
}

impl Drawn for LiveTable {
    fn beside(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let mut shown = self.lock();
        if shown.is_over || shown.failed.is_some() {
            return write();
        }
        let Shown { block, bytes, size, .. } = &mut *shown;
        bytes.clear();
        block.erase(size(), bytes);
        shown.write()?;
        write()?;
        shown.draw()
    }
}

impl ResultSink for LiveTable {
    fn name(&self) -> &str {
        "stdout"
    }

    fn put(&mut self, result: &WindowResult) -> io::Result<()> {
        self.lock().take(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().draw_if_due()
    }

    fn settled(&mut self) -> io::Result<u64> {
        let mut shown = self.lock();
        shown.draw_if_due()?;
        Ok(shown.drawn)
    }
}

/// The same error once more.
fn again(e: &io::Error) -> io::Error {
    match e.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(e.kind(), e.to_string()),
    }
}

/// Whether more is to be said of the window.
fn is_open(row: &WindowResult) -> bool {
    row.closed_by == "open"
}

/// The newest word on each of the newest windows, in the order of their ends, then the shorter first.
#[derive(Debug, Default)]
struct Rows {
    newest: VecDeque<WindowResult>,
}

impl Rows {
    fn put(&mut self, result: &WindowResult) {
        let is_same = |row: &WindowResult| {
            row.ts == result.ts && row.window == result.window && row.zone == result.zone
        };
        match self.newest.iter_mut().rev().find(|row| is_same(row)) {
            Some(row) => *row = result.clone(),
            None => {
                let place = |row: &WindowResult| (row.end.0, Reverse(row.start.0));
                let at = self.newest.partition_point(|row| place(row) <= place(result));
                self.newest.insert(at, result.clone());
            }
        }
    }

    /// Takes the first that is closed, or where none is, the first.
    fn leave(&mut self) -> Option<WindowResult> {
        let closed = self.newest.iter().position(|row| !is_open(row));
        self.newest.remove(closed.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::record::Instant as Second;

    fn result(minute: i64, cnt: u64, closed_by: &'static str) -> WindowResult {
        WindowResult {
            ts: minute * 60,
            cnt,
            window: "minute".into(),
            zone: None,
            start: Second(minute * 60),
            end: Second(minute * 60 + 60),
            frames: cnt,
            late: 0,
            status: if closed_by == "open" { "provisional" } else { "final" },
            rev: 0,
            closed_by,
            complete: true,
            past: None,
        }
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    fn table(rows: usize) -> (LiveTable, Written) {
        let written = Written::default();
        let size = Box::new(move || Size { columns: 120, rows });
        let zones = vec!["UTC".to_owned()];
        (LiveTable::new(Box::new(written.clone()), size, false, zones, false), written)
    }

    /// Start and users of the lines of results, in order.
    fn lines(text: &str) -> Vec<(String, String)> {
        let cells = |line: &str| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let of_minute = cells.first().is_some_and(|cell| cell.ends_with("minute"));
            of_minute.then(|| (cells[1][14..16].to_owned(), cells[2].to_owned()))
        };
        text.lines().filter_map(cells).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(start, users)| (start.to_string(), users.to_string())).collect()
    }

    #[test]
    fn a_newer_word_takes_the_older_ones_place() {
        let (mut table, written) = table(10);
        for one in [result(1, 5, "time"), result(2, 7, "time"), result(1, 6, "time")] {
            table.put(&one).unwrap();
        }
        table.finish();
        assert_eq!(lines(&written.take()), pairs(&[("01", "6"), ("02", "7")]));
    }

    #[test]
    fn what_there_is_no_room_for_stands_above_for_good() {
        let (mut table, written) = table(3 + 2);
        for minute in 1..=5 {
            table.put(&result(minute, 9, "time")).unwrap();
        }
        table.finish();
        let text = written.take();
        let all = ["01", "02", "03", "04", "05"].map(|start| (start, "9"));
        assert_eq!(lines(&text), pairs(&all), "each once, in order");
        let (above, below) = text.split_once("window").unwrap();
        assert_eq!((lines(above).len(), lines(below).len()), (3, 2));
    }

    #[test]
    fn windows_that_are_open_stay() {
        let (mut table, written) = table(3 + 2);
        table.put(&result(1, 1, "open")).unwrap();
        for minute in 2..=4 {
            table.put(&result(minute, 9, "time")).unwrap();
        }
        table.lock().draw().unwrap();
        let shown = [("02", "9"), ("03", "9"), ("01", "1"), ("04", "9")];
        assert_eq!(lines(&written.take()), pairs(&shown));
        table.put(&result(1, 2, "time")).unwrap();
        table.finish();
        assert_eq!(lines(&written.take()), pairs(&[("01", "2"), ("04", "9")]));
    }

    #[test]
    fn results_are_safe_once_they_are_drawn() {
        let (mut table, written) = table(10);
        assert_eq!(table.settled().unwrap(), 0);
        table.put(&result(1, 1, "time")).unwrap();
        while table.settled().unwrap() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(lines(&written.take()), pairs(&[("01", "1")]));
        table.put(&result(2, 2, "time")).unwrap();
        table.flush().unwrap();
        while table.settled().unwrap() < 2 {
            std::thread::yield_now();
        }
        assert_eq!(lines(&written.take()), pairs(&[("01", "1"), ("02", "2")]));
    }

    /// Takes half of the first drawing, and everything after it.
    struct TakesHalf {
        has_failed: bool,
        written: Written,
    }

    impl Write for TakesHalf {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.has_failed {
                return self.written.write(bytes);
            }
            if self.written.0.lock().unwrap().is_empty() {
                return self.written.write(&bytes[..bytes.len() / 2]);
            }
            self.has_failed = true;
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_drawn_in_part_is_never_safe() {
        let written = Written::default();
        let out = TakesHalf { has_failed: false, written: written.clone() };
        let size = Box::new(|| Size { columns: 120, rows: 10 });
        let mut table = LiveTable::new(Box::new(out), size, false, vec!["UTC".to_owned()], false);
        table.put(&result(1, 1, "time")).unwrap();
        // Not on the output's thread, and without a word.
        table.tick(None);
        let half = written.take();
        for _ in 0..3 {
            let heard =
                [table.put(&result(2, 2, "time")), table.flush(), table.settled().map(drop)];
            for said in heard {
                assert_eq!(said.unwrap_err().kind(), io::ErrorKind::StorageFull);
            }
            table.tick(Some("status".into()));
        }
        table.finish();
        assert!(!half.is_empty() && written.take().is_empty());
    }

    #[test]
    fn rows_do_not_pile_up() {
        let (mut table, written) = table(1000);
        for minute in 0..10_000 {
            table.put(&result(minute, 1, "time")).unwrap();
            let shown = table.lock();
            assert!(shown.rows.newest.len() <= TABLE_ROWS_MAX);
            assert!(shown.left.len() <= TABLE_LEFT_BYTES_MAX);
        }
        table.finish();
        let text = written.take();
        let above: usize = text
            .split("\x1b[J")
            .map(|drawing| lines(drawing.split("window").next().unwrap_or_default()).len())
            .sum();
        assert_eq!(above, 10_000 - TABLE_ROWS_MAX);
    }

    #[test]
    fn other_lines_come_between_above_and_table() {
        let (mut table, written) = table(10);
        table.put(&result(1, 1, "time")).unwrap();
        table.tick(Some("status".into()));
        written.take();
        let mut besides = written.clone();
        table.beside(&mut || besides.write_all(b"headcount: said\n")).unwrap();
        let text = written.take();
        assert!(text.starts_with("\r\x1b[3A\x1b[Jheadcount: said\nwindow"), "{text:?}");
        assert!(text.ends_with("status\x1b[K\n\x1b[J"), "{text:?}");
        table.finish();
        written.take();
        table.beside(&mut || besides.write_all(b"headcount: over\n")).unwrap();
        assert_eq!(written.take(), "headcount: over\n");
    }
}
