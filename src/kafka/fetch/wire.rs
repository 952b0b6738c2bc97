//! Kafka's protocol in bytes: numbers big-endian, texts and lists behind their lengths. Versions from 2019 on write
//! lengths compactly, and end with fields that are told by a tag; of those we have none, and pass over theirs
//! (<https://kafka.apache.org/protocol.html>).

use std::io;
use std::ops::Range;

/// What is being written.
#[derive(Debug, Default)]
pub struct Out(Vec<u8>);

impl Out {
    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Nothing written.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// A number of one byte.
    pub fn i8(&mut self, number: i8) {
        self.0.extend(number.to_be_bytes());
    }

    /// A number of two bytes.
    pub fn i16(&mut self, number: i16) {
        self.0.extend(number.to_be_bytes());
    }

    /// A number of four bytes.
    pub fn i32(&mut self, number: i32) {
        self.0.extend(number.to_be_bytes());
    }

    /// A number of eight bytes.
    pub fn i64(&mut self, number: i64) {
        self.0.extend(number.to_be_bytes());
    }

    /// How many elements a list has, which follow.
    pub fn count(&mut self, count: usize) {
        // No list of ours is as long as that.
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// A text of at most 32,767 bytes.
    pub fn text(&mut self, text: &str) {
        self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        self.0.extend(text.as_bytes());
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// The same as [`Out::count`], compactly.
    pub fn compact_count(&mut self, count: usize) {
        let mut rest = count + 1;
        while rest >= 0x80 {
            self.0.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        self.0.push(rest.to_le_bytes()[0]);
    }

    /// No fields with tags.
    pub fn no_tags(&mut self) {
        self.0.push(0);
    }

    /// Writes how many bytes follow the first four into these.
    pub fn close(&mut self) {
        let size = i32::try_from(self.0.len() - 4).unwrap_or(i32::MAX);
        self.0[..4].copy_from_slice(&size.to_be_bytes());
    }
}

/// An answer being read: how far, of what.
#[derive(Clone, Copy, Debug)]
pub struct In<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The error for bytes that are no such answer.
pub fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("an answer that cannot be read: {what}"))
}

impl<'a> In<'a> {
    /// Nothing read yet.
    pub fn new(bytes: &'a [u8]) -> In<'a> {
        In { bytes, at: 0 }
    }

    /// The next bytes' place.
    fn range(&mut self, count: usize) -> io::Result<Range<usize>> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| broken("it ends too soon"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let range = self.range(N)?;
        Ok(self.bytes[range].try_into().unwrap_or([0; N]))
    }

    /// A number of one byte.
    pub fn i8(&mut self) -> io::Result<i8> {
        self.array().map(i8::from_be_bytes)
    }

    /// A number of two bytes.
    pub fn i16(&mut self) -> io::Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    /// A number of four bytes.
    pub fn i32(&mut self) -> io::Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// A number of eight bytes.
    pub fn i64(&mut self) -> io::Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// How many elements a list has, which follow; 0 where there is no list.
    pub fn count(&mut self) -> io::Result<usize> {
        self.i32().map(|count| usize::try_from(count).unwrap_or(0))
    }

    fn unsigned(&mut self) -> io::Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(broken("a length"))
    }

    /// The same as [`In::count`], compactly.
    pub fn compact_count(&mut self) -> io::Result<usize> {
        self.unsigned().map(|number| number.saturating_sub(1))
    }

    /// Passes over bytes.
    pub fn skip(&mut self, count: usize) -> io::Result<()> {
        self.range(count).map(drop)
    }

    /// Passes over fields with tags.
    pub fn tags(&mut self) -> io::Result<()> {
        for _ in 0..self.unsigned()? {
            let (_tag, length) = (self.unsigned()?, self.unsigned()?);
            self.skip(length)?;
        }
        Ok(())
    }

    /// A text; none where there is none.
    pub fn text(&mut self) -> io::Result<Option<&'a str>> {
        let Ok(length) = usize::try_from(self.i16()?) else { return Ok(None) };
        let range = self.range(length)?;
        let text = std::str::from_utf8(&self.bytes[range]).map_err(|_| broken("no UTF-8"))?;
        Ok(Some(text))
    }

    /// Where bytes lie that have their length before them, compactly; nowhere where there are none.
    pub fn compact_bytes(&mut self) -> io::Result<Range<usize>> {
        let length = self.compact_count()?;
        self.range(length)
    }
}
