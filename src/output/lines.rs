//! Results as lines: JSON, CSV, or a table to read.
//!
//! A line is put together in a buffer that is used again; it goes out in one piece.

use std::io::{self, Write};

use super::columns::{Columns, UTC, in_past};
use super::record::WindowResult;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Comma-separated values with a header line (RFC 4180, but for `\n` line ends).
    Csv,
    /// Columns to read.
    Table,
}

/// Writes results in one format.
#[derive(Debug)]
pub struct LineWriter {
    format: Format,
    line: Vec<u8>,
    header_due: bool,
    /// Whether there are columns about the past.
    with_past: bool,
    /// Of a table.
    columns: Columns,
}

const HEADER: [&str; 15] = [
    "ts",
    "cnt",
    "window",
    "zone",
    "start",
    "end",
    "frames",
    "late",
    "status",
    "rev",
    "closed_by",
    "complete",
    "new",
    "returning",
    "past_complete",
];

/// Columns of [`HEADER`] about the past, its last.
const PAST_COLUMNS: usize = 3;

impl LineWriter {
    /// Nothing written yet.
    pub fn new(format: Format) -> LineWriter {
        let header_due = format != Format::Json;
        let (line, columns) = (Vec::with_capacity(512), Columns::all(false));
        LineWriter { format, line, header_due, with_past: false, columns }
    }

    /// The same with columns about the past; in JSON it stands where there is something to say of it.
    #[must_use]
    pub fn with_past(self, with_past: bool) -> LineWriter {
        LineWriter { with_past, columns: Columns::all(with_past), ..self }
    }

    /// The same where others were written before.
    #[must_use]
    pub fn without_header(self) -> LineWriter {
        LineWriter { header_due: false, ..self }
    }

    /// Columns of a line of CSV.
    fn columns(&self) -> usize {
        HEADER.len() - if self.with_past { 0 } else { PAST_COLUMNS }
    }

    /// The line of a result, with its line end, and the header before the first one.
    pub fn line(&mut self, result: &WindowResult) -> io::Result<&[u8]> {
        self.line.clear();
        if self.header_due {
            self.header_due = false;
            match self.format {
                Format::Json => {}
                Format::Csv => {
                    let columns = self.columns();
                    writeln!(self.line, "{}", HEADER[..columns].join(","))?;
                }
                Format::Table => self.columns.header(&mut self.line)?,
            }
        }
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut self.line, result)?;
                self.line.push(b'\n');
            }
            Format::Csv => {
                let columns = self.columns();
                let mut writer =
                    csv::WriterBuilder::new().has_headers(false).from_writer(&mut self.line);
                writer.write_record(&cells(result)[..columns]).map_err(io::Error::other)?;
                writer.flush()?;
            }
            Format::Table => self.columns.row(result, &mut self.line)?,
        }
        Ok(&self.line)
    }
}

/// What CSV says of a result, in the order of the header.
fn cells(result: &WindowResult) -> [String; HEADER.len()] {
    [
        result.ts.to_string(),
        result.cnt.to_string(),
        result.window.to_string(),
        result.zone.as_deref().unwrap_or(UTC).into(),
        result.start.to_string(),
        result.end.to_string(),
        result.frames.to_string(),
        result.late.to_string(),
        result.status.into(),
        result.rev.to_string(),
        result.closed_by.into(),
        result.complete.to_string(),
        in_past(result, |past| past.new.to_string()),
        in_past(result, |past| past.returning.to_string()),
        in_past(result, |past| past.past_complete.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::calendar::{Calendar, Length};
    use crate::clock::verdict::{ClosedBy, Counted, Head, Status};

    fn result(zone: &str, past: Option<bool>) -> WindowResult {
        let mut calendar = Calendar::new(&[Length::Day], &[zone.parse().unwrap()]).unwrap();
        let head = Head {
            window: calendar.window_at(0, 1_700_000_040),
            frames: 97,
            late: 0,
            status: Status::Final,
            rev: 0,
            closed_by: ClosedBy::Time,
            complete: true,
            past,
            counted: true,
        };
        WindowResult::new(&head, Counted { users: 42, returning: 30 }, &calendar.names())
    }

    fn lines(format: Format, zone: &str) -> String {
        let mut writer = LineWriter::new(format);
        let mut text = writer.line(&result(zone, None)).unwrap().to_vec();
        text.extend_from_slice(writer.line(&result(zone, None)).unwrap());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn json_is_the_line_of_the_design() {
        let line = concat!(
            r#"{"ts":1699920000,"cnt":42,"window":"day","start":"2023-11-14T00:00:00Z","#,
            r#""end":"2023-11-15T00:00:00Z","frames":97,"late":0,"status":"final","rev":0,"#,
            r#""closed_by":"time","complete":true}"#,
            "\n"
        );
        assert_eq!(lines(Format::Json, "UTC"), line.repeat(2));
        let there = concat!(
            r#"{"ts":1699985700,"cnt":42,"window":"day","zone":"Asia/Kathmandu","#,
            r#""start":"2023-11-14T18:15:00Z","end":"2023-11-15T18:15:00Z","#,
            r#""frames":97,"late":0,"status":"final","rev":0,"closed_by":"time","complete":true}"#,
            "\n"
        );
        assert_eq!(lines(Format::Json, "Asia/Kathmandu"), there.repeat(2));
    }

    #[test]
    fn csv_has_one_header_with_the_names_of_the_record() {
        let row = "1699920000,42,day,UTC,2023-11-14T00:00:00Z,2023-11-15T00:00:00Z,97,0,final,0,time,true\n";
        assert_eq!(lines(Format::Csv, "UTC"), format!("{}\n{row}{row}", HEADER[..12].join(",")));
        let json: serde_json::Value =
            serde_json::from_str(lines(Format::Json, "Asia/Tokyo").lines().next().unwrap())
                .unwrap();
        assert!(HEADER[..12].iter().all(|name| json.get(name).is_some()));
        assert_eq!(json.as_object().unwrap().len(), 12);
    }

    #[test]
    fn what_is_told_of_the_past_has_its_columns() {
        let line = |format, past| {
            let mut writer = LineWriter::new(format).with_past(true);
            String::from_utf8(writer.line(&result("UTC", past)).unwrap().to_vec()).unwrap()
        };
        let json = line(Format::Json, Some(false));
        let end = r#","complete":true,"new":12,"returning":30,"past_complete":false}"#;
        assert!(json.trim_end().ends_with(end), "{json}");
        assert!(line(Format::Json, None).trim_end().ends_with(r#""complete":true}"#));
        let csv = line(Format::Csv, Some(true));
        assert!(csv.starts_with(&format!("{}\n", HEADER.join(","))), "{csv}");
        assert!(csv.ends_with(",time,true,12,30,true\n"), "{csv}");
        assert!(line(Format::Csv, None).ends_with(",time,true,,,\n"));
        for past in [Some(true), None] {
            let table = line(Format::Table, past);
            let ends =
                |word: &str| table.lines().find_map(|line| Some(line.find(word)? + word.len()));
            assert_eq!(ends(" users"), ends(" 42"), "{table}");
            assert_eq!(ends(" frames"), ends(" 97"), "{table}");
            assert!(past.is_none() || ends(" returning") == ends(" 30"), "{table}");
        }
    }

    #[test]
    fn tables_line_up() {
        let text = lines(Format::Table, "UTC") + &lines(Format::Table, "America/New_York");
        for column in [["closed by", "time"], ["zone", "UTC"]] {
            let places: Vec<usize> = text
                .lines()
                .filter_map(|line| column.iter().find_map(|cell| line.find(cell)))
                .collect();
            assert!(places.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        }
    }
}
