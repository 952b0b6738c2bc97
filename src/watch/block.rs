//! A block of lines at the bottom of a terminal that is drawn again in place.
//!
//! Only says which bytes do it: by cursor movements that every terminal since the VT100 knows. Drawing
//! overwrites line by line and then erases the rest, so nothing flickers. Lines are cut at the terminal's
//! width and never padded: made narrower, a terminal that folds what stands there makes more rows of the longer lines,
//! and how many is counted. (indicatif, which draws the bar, pads each line to the width: narrowed by a
//! column, each is two, and its next drawing leaves half of them behind. For one line that does not matter.)

use std::io::Write;

/// A line of the block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its text: characters of one column each.
    pub text: String,
    /// Whether it is to stand back.
    pub dim: bool,
}

/// What is drawn now. The cursor stands below it.
#[derive(Debug, Default)]
pub struct Block {
    /// Columns of each line.
    widths: Vec<usize>,
}

/// Where it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Block {
    /// To the first of its lines, as many rows up as they take by now.
    fn up(&mut self, size: Size, to: &mut Vec<u8>) {
        let columns = size.columns.max(1);
        let rows: usize = self.widths.drain(..).map(|width| width.div_ceil(columns).max(1)).sum();
        // What has gone out at the top cannot be reached.
        let rows = rows.min(size.rows.saturating_sub(1));
        if rows > 0 {
            // Into memory; it cannot fail.
            let _ = write!(to, "\r\x1b[{rows}A");
        }
    }

    /// Takes it away.
    pub fn erase(&mut self, size: Size, to: &mut Vec<u8>) {
        self.up(size, to);
        to.extend_from_slice(b"\x1b[J");
    }

    /// Draws these lines in its place; `above` stands over them from now on, whole lines.
    pub fn draw(&mut self, above: &[u8], lines: &[Line], size: Size, to: &mut Vec<u8>) {
        self.up(size, to);
        for line in above.split_inclusive(|&byte| byte == b'\n') {
            to.extend_from_slice(line.trim_ascii_end());
            to.extend_from_slice(b"\x1b[K\n");
        }
        for Line { text, dim } in lines {
            // The last column stays free: what terminals do after writing there differs.
            let cut = text.char_indices().nth(size.columns.saturating_sub(1));
            let shown = cut.map_or(&text[..], |(at, _)| &text[..at]).trim_end();
            if *dim {
                to.extend_from_slice(b"\x1b[2m");
            }
            to.extend_from_slice(shown.as_bytes());
            to.extend_from_slice(if *dim { b"\x1b[0m\x1b[K\n" } else { b"\x1b[K\n" });
            self.widths.push(shown.chars().count());
        }
        to.extend_from_slice(b"\x1b[J");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 20, rows: 10 };

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|&text| Line { text: text.into(), dim: false }).collect()
    }

    fn drawn(block: &mut Block, above: &str, texts: &[&str], size: Size) -> String {
        let mut to = Vec::new();
        block.draw(above.as_bytes(), &lines(texts), size, &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn it_is_drawn_in_the_place_of_what_was_drawn() {
        let mut block = Block::default();
        assert_eq!(drawn(&mut block, "", &["one", "two"], SIZE), "one\x1b[K\ntwo\x1b[K\n\x1b[J");
        let again = "\r\x1b[2Aover\x1b[K\nthree\x1b[K\n\x1b[J";
        assert_eq!(drawn(&mut block, "over\n", &["three"], SIZE), again);
        let mut to = Vec::new();
        block.erase(SIZE, &mut to);
        assert_eq!(to, b"\r\x1b[1A\x1b[J");
        to.clear();
        block.erase(SIZE, &mut to);
        assert_eq!(to, b"\x1b[J", "it is gone already");
    }

    #[test]
    fn lines_are_cut_and_not_padded() {
        let mut block = Block::default();
        let line = format!("{}{}", "é".repeat(15), "x".repeat(15));
        let cut = format!("{}xxxx\x1b[K\n\x1b[J", "é".repeat(15));
        assert_eq!(drawn(&mut block, "", &[&line], SIZE), cut);
        let padded = "a         ";
        assert_eq!(drawn(&mut Block::default(), "", &[padded], SIZE), "a\x1b[K\n\x1b[J");
    }

    #[test]
    fn a_narrower_terminal_has_folded_what_was_drawn() {
        let mut block = Block::default();
        drawn(&mut block, "", &["seventeen columns", "two", ""], SIZE);
        // 17 columns are three rows of 8.
        let narrow = Size { columns: 8, rows: 10 };
        assert!(drawn(&mut block, "", &["a"], narrow).starts_with("\r\x1b[5A"));
        let mut block = Block::default();
        drawn(&mut block, "", &["1", "2", "3", "4", "5", "6"], SIZE);
        let low = Size { columns: 20, rows: 4 };
        assert!(drawn(&mut block, "", &["a"], low).starts_with("\r\x1b[3A"));
    }

    #[test]
    fn what_stands_back_is_dim() {
        let mut to = Vec::new();
        let line = Line { text: "open".into(), dim: true };
        Block::default().draw(b"", &[line], SIZE, &mut to);
        assert_eq!(to, b"\x1b[2mopen\x1b[0m\x1b[K\n\x1b[J");
    }
}
