//! Results as lines: JSON, CSV, or a table to read.
//!
//! A line is put together in a buffer that is used again; it goes out in one piece.

use std::io::{self, Write};

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

const TABLE_HEADER: [&str; 8] =
    ["window", "start", "users", "frames", "late", "status", "closed by", "complete"];

/// Writes results in one format.
#[derive(Debug)]
pub struct LineWriter {
    format: Format,
    line: Vec<u8>,
    header_due: bool,
}

const HEADER: [&str; 11] = [
    "ts",
    "cnt",
    "window",
    "start",
    "end",
    "frames",
    "late",
    "status",
    "rev",
    "closed_by",
    "complete",
];

impl LineWriter {
    /// Nothing written yet.
    pub fn new(format: Format) -> LineWriter {
        LineWriter { format, line: Vec::with_capacity(512), header_due: format != Format::Json }
    }

    /// The line of a result, with its line end, and the header before the first one.
    pub fn line(&mut self, result: &WindowResult) -> io::Result<&[u8]> {
        self.line.clear();
        if self.header_due {
            self.header_due = false;
            match self.format {
                Format::Json => {}
                Format::Csv => writeln!(self.line, "{}", HEADER.join(","))?,
                Format::Table => self.row(TABLE_HEADER)?,
            }
        }
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut self.line, result)?;
                self.line.push(b'\n');
            }
            Format::Csv => {
                let mut writer =
                    csv::WriterBuilder::new().has_headers(false).from_writer(&mut self.line);
                writer.serialize(result).map_err(io::Error::other)?;
                writer.flush()?;
            }
            Format::Table => self.row([
                result.window,
                &result.start.to_string(),
                &result.cnt.to_string(),
                &result.frames.to_string(),
                &result.late.to_string(),
                result.status,
                result.closed_by,
                if result.complete { "yes" } else { "no" },
            ])?,
        }
        Ok(&self.line)
    }

    fn row(&mut self, cells: [&str; 8]) -> io::Result<()> {
        let [window, start, users, frames, late, status, closed_by, complete] = cells;
        writeln!(
            self.line,
            "{window:<6}  {start:<20}  {users:>12}  {frames:>14}  {late:>10}  {status:<8}  {closed_by:<9}  {complete}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::calendar::WindowSize;
    use crate::clock::verdict::{ClosedBy, Head, Status};

    fn result() -> WindowResult {
        let head = Head {
            window: WindowSize::Minute.window_at(1_700_000_040),
            frames: 97,
            late: 0,
            status: Status::Final,
            rev: 0,
            closed_by: ClosedBy::Time,
            complete: true,
        };
        WindowResult::new(&head, 42)
    }

    fn lines(format: Format) -> String {
        let mut writer = LineWriter::new(format);
        let mut text = writer.line(&result()).unwrap().to_vec();
        text.extend_from_slice(writer.line(&result()).unwrap());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn json_is_the_line_of_the_design() {
        let line = concat!(
            r#"{"ts":1700000040,"cnt":42,"window":"minute","start":"2023-11-14T22:14:00Z","#,
            r#""end":"2023-11-14T22:15:00Z","frames":97,"late":0,"status":"final","rev":0,"#,
            r#""closed_by":"time","complete":true}"#,
            "\n"
        );
        assert_eq!(lines(Format::Json), line.repeat(2));
    }

    #[test]
    fn csv_has_one_header_with_the_names_of_the_record() {
        let text = lines(Format::Csv);
        let row = "1700000040,42,minute,2023-11-14T22:14:00Z,2023-11-14T22:15:00Z,97,0,final,0,time,true\n";
        assert_eq!(text, format!("{}\n{row}{row}", HEADER.join(",")));
        let json: serde_json::Value =
            serde_json::from_str(lines(Format::Json).lines().next().unwrap()).unwrap();
        assert!(HEADER.iter().all(|name| json.get(name).is_some()));
        assert_eq!(json.as_object().unwrap().len(), HEADER.len());
    }

    #[test]
    fn tables_line_up() {
        let text = lines(Format::Table);
        let widths: Vec<usize> = text
            .lines()
            .map(|line| line.find("time").or(line.find("closed by")).unwrap())
            .collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }
}
