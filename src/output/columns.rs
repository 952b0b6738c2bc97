//! The columns of a table of results: to read, so each has its width, and numbers end where they end.

use std::borrow::Cow;
use std::io::{self, Write};

use super::record::{Past, WindowResult};

/// What lines of cells have in the place of no zone.
pub const UTC: &str = "UTC";

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The window's length.
    Window,
    /// Its start.
    Start,
    /// Different users in it.
    Users,
    /// Those not seen before.
    New,
    /// Those seen before.
    Returning,
    /// Frames in it.
    Frames,
    /// Those that were late.
    Late,
    /// How sure it is.
    Status,
    /// What brought it out.
    ClosedBy,
    /// Whether it was read whole.
    Complete,
    /// Whose local time it is by.
    Zone,
}

use Column::{
    ClosedBy, Complete, Frames, Late, New, Returning, Start, Status, Users, Window, Zone,
};

/// All of them, as they stand.
const ALL: [Column; 11] =
    [Window, Start, Users, New, Returning, Frames, Late, Status, ClosedBy, Complete, Zone];
/// Those about the past.
const OF_PAST: [Column; 2] = [New, Returning];
/// Those that go where there is no room for all, the first first.
const SPARED: [Column; 8] = [Complete, ClosedBy, Late, Frames, Zone, Returning, New, Status];
/// Columns of the terminal between two.
const GAP: usize = 2;

impl Column {
    fn title(self) -> &'static str {
        match self {
            Window => "window",
            Start => "start",
            Users => "users",
            New => "new",
            Returning => "returning",
            Frames => "frames",
            Late => "late",
            Status => "status",
            ClosedBy => "closed by",
            Complete => "complete",
            Zone => "zone",
        }
    }

    fn width(self) -> usize {
        match self {
            Window | Status => 11,
            Start => 20,
            Users | New | Returning => 12,
            Frames => 14,
            Late => 10,
            ClosedBy => 9,
            Complete => 8,
            // As wide as it is.
            Zone => 0,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Users | New | Returning | Frames | Late)
    }

    fn cell(self, result: &WindowResult) -> Cow<'_, str> {
        match self {
            Window => (&*result.window).into(),
            Start => result.start.to_string().into(),
            Users => result.cnt.to_string().into(),
            New => in_past(result, |past| past.new.to_string()).into(),
            Returning => in_past(result, |past| past.returning.to_string()).into(),
            Frames => result.frames.to_string().into(),
            Late => result.late.to_string().into(),
            Status => result.status.into(),
            ClosedBy => result.closed_by.into(),
            Complete => if result.complete { "yes" } else { "no" }.into(),
            Zone => result.zone.as_deref().unwrap_or(UTC).into(),
        }
    }
}

/// A cell about a window's past; nothing where nothing is told of it.
pub(super) fn in_past(result: &WindowResult, cell: impl Fn(&Past) -> String) -> String {
    result.past.as_ref().map_or_else(String::new, cell)
}

/// The columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// All, those about the past only where they are told of.
    pub fn all(with_past: bool) -> Columns {
        let told = |column: &Column| with_past || !OF_PAST.contains(column);
        Columns(ALL.into_iter().filter(told).collect())
    }

    /// Of these as many as there is room for in so many columns of a terminal; `zones` are the names of the
    /// time zones there are.
    #[must_use]
    pub fn within(mut self, width: usize, zones: &[&str]) -> Columns {
        let names = zones.iter().map(|zone| zone.len());
        let zone_width = names.max().unwrap_or(0).max(Zone.title().len());
        // Where there is but one zone it tells nothing.
        let first = (zones.len() < 2).then_some(Zone);
        for spared in first.into_iter().chain(SPARED) {
            let needed: usize = self.0.iter().map(|column| column.width() + GAP).sum();
            let of_zone = if self.0.contains(&Zone) { zone_width } else { 0 };
            if needed + of_zone <= width + GAP {
                break;
            }
            self.0.retain(|column| *column != spared);
        }
        self
    }

    /// The line above them all, with its line end.
    ///
    /// # Errors
    /// Those of writing.
    pub fn header(&self, to: &mut impl Write) -> io::Result<()> {
        self.line(|column| column.title().into(), to)
    }

    /// A result's line, with its line end.
    ///
    /// # Errors
    /// Those of writing.
    pub fn row(&self, result: &WindowResult, to: &mut impl Write) -> io::Result<()> {
        self.line(|column| column.cell(result), to)
    }

    fn line<'a>(
        &self,
        cell: impl Fn(Column) -> Cow<'a, str>,
        to: &mut impl Write,
    ) -> io::Result<()> {
        for (index, &column) in self.0.iter().enumerate() {
            let (cell, width) = (cell(column), column.width());
            if index > 0 {
                to.write_all(b"  ")?;
            }
            match column.is_number() {
                true => write!(to, "{cell:>width$}")?,
                false => write!(to, "{cell:<width$}")?,
            }
        }
        to.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(columns: &Columns) -> String {
        let mut line = Vec::new();
        columns.header(&mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn as_many_as_there_is_room_for() {
        let all = || Columns::all(false);
        let whole = header(&all()).trim_end().len();
        assert_eq!(all().within(whole, &["UTC"]), all());
        assert_eq!(all().within(whole - 1, &["UTC"]).0.last(), Some(&Complete));
        let with_zones = whole - "zone".len() + "Europe/Zurich".len();
        let zones = ["UTC", "Europe/Zurich"];
        assert_eq!(all().within(with_zones, &zones), all());
        let narrower = all().within(with_zones - 1, &zones).0;
        assert!(narrower.contains(&Zone) && !narrower.contains(&Complete));
        for width in 47..200 {
            for zones in [&zones[..], &["UTC"]] {
                let columns = Columns::all(true).within(width, zones);
                let of_zone = if zones.len() > 1 { "Europe/Zurich" } else { "zone" };
                let has_zone = columns.0.contains(&Zone);
                let more = if has_zone { of_zone.len() - "zone".len() } else { 0 };
                let taken = header(&columns).trim_end().len() + more;
                assert!(taken <= width.max(47), "{width}: {columns:?}");
            }
        }
        assert_eq!(all().within(10, &["UTC"]).0, [Window, Start, Users]);
        assert!(all().within(80, &["UTC"]).0.contains(&Status));
    }
}
