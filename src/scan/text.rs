//! JSON's text: white space, the ends of strings, and what a string says.

/// White space as JSON has it.
#[inline(always)]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first place from `at` on that is no white space; the length, if there is none.
#[inline(always)]
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_space(bytes[at]) {
        at += 1;
    }
    at
}

/// A string's content as it stands in the frame, without its quotes.
#[derive(Clone, Copy)]
pub(super) struct Raw {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Nothing but ASCII, no control character and no escape: the content is what it says.
    pub(super) plain: bool,
}

/// The string whose opening quote is before `from`; nothing if it is not closed.
#[inline(always)]
pub(super) fn string(bytes: &[u8], from: usize) -> Option<Raw> {
    let to = from + plain_len(&bytes[from..]);
    match bytes.get(to) {
        Some(b'"') => Some(Raw { from, to, plain: true }),
        _ => Some(Raw { from, to: closing_quote(bytes, to)?, plain: false }),
    }
}

/// The first quote from `at` on which is not escaped.
fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// How many bytes at the beginning are ASCII and neither control characters, nor `"`, nor `\`.
#[inline(always)]
fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut len = 0;
    for word in words {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return len + special.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    len + tail.iter().take_while(|&&byte| special(u64::from(byte) | SPACES << 8) == 0).count()
}

const ONES: u64 = 0x0101_0101_0101_0101;
const SPACES: u64 = ONES * 0x20;

/// Sets the upper bit of the first byte that is not plain, and maybe of bytes above it; 0 if all
/// are plain. (A borrow can only come from a byte that is marked itself.)
#[inline(always)]
fn special(word: u64) -> u64 {
    let less = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let is = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    (less(word, 0x20) | is(b'"') | is(b'\\') | word) & ONES << 7
}

/// In no UTF-8 text: stands for what a string may not hold (raw control characters, unknown or
/// half escapes, lone surrogates), so that every reader of the text refuses it.
pub(super) const NO_TEXT: u8 = 0xFF;

/// The bytes a string says, up to its closing quote or the end of the slice.
#[derive(Clone)]
pub(super) struct Unescaped<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What is left of a letter written as an escape.
    pending: [u8; 4],
    pending_from: usize,
}

impl<'a> Unescaped<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Unescaped<'a> {
        Unescaped { bytes, at: 0, pending: [0; 4], pending_from: 4 }
    }

    /// The place of the quote, once everything before it was taken.
    pub(super) fn closing_quote(&self) -> Option<usize> {
        (self.pending_from == 4 && self.bytes.get(self.at) == Some(&b'"')).then_some(self.at)
    }

    /// What the escape after a backslash says. `at` stands behind the backslash.
    fn escape(&mut self) -> Option<u8> {
        let letter = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// The first byte of the letter after `\u`; the others become pending.
    fn unicode(&mut self) -> Option<u8> {
        let mut code = self.four_hex_digits()?;
        if (0xD800..0xDC00).contains(&code) {
            // The lower half belongs to it only if it is one: else it speaks for itself.
            let rest = self.bytes.get(self.at..)?.strip_prefix(b"\\u")?;
            let low = hex(rest.first_chunk()?)?;
            if !(0xDC00..0xE000).contains(&low) {
                return None;
            }
            self.at += 6;
            code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        let letter = char::from_u32(code)?;
        let len = letter.len_utf8();
        letter.encode_utf8(&mut self.pending[4 - len..]);
        self.pending_from = 4 - len + 1;
        Some(self.pending[4 - len])
    }

    fn four_hex_digits(&mut self) -> Option<u32> {
        let code = hex(self.bytes.get(self.at..)?.first_chunk()?)?;
        self.at += 4;
        Some(code)
    }
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let Some(&byte) = self.pending.get(self.pending_from) {
            self.pending_from += 1;
            return Some(byte);
        }
        let byte = *self.bytes.get(self.at)?;
        if byte == b'"' {
            return None;
        }
        self.at += 1;
        Some(match byte {
            b'\\' => self.escape().unwrap_or(NO_TEXT),
            0..0x20 => NO_TEXT,
            _ => byte,
        })
    }
}

fn hex(digits: &[u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescaped_strings() {
        let check = |raw: &str, says: &[u8]| {
            let text: Vec<u8> = Unescaped::new(raw.as_bytes()).collect();
            assert_eq!(text, says, "{raw}");
        };
        check("", b"");
        check("a\"b", b"a");
        check(r#"\"\\\/\b\f\n\r\t"#, b"\"\\/\x08\x0C\n\r\t");
        check(r"\u0041\u00e9\u20AC\ud83d\uDE00", "Aé€😀".as_bytes());
        check(r"\ud83d", b"\xFF");
        check(r"\ud83dx", b"\xFFx");
        check(r"\ud83d\u0041", b"\xFFA");
        check(r"\ude00\ud83d", b"\xFF\xFF");
        check(r"\ud83d\ud83d\ude00", b"\xFF\xF0\x9F\x98\x80");
        check(r"\q", b"\xFF");
        check(r"\u12", b"\xFF12");
        check("\\", b"\xFF");
        check("\x1F\x7F", b"\xFF\x7F");
    }

    #[test]
    fn plain_runs_end_at_the_first_special_byte() {
        for byte in 0..=255u8 {
            let plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            for len in 1..20 {
                for at in 0..len {
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = byte;
                    assert_eq!(plain_len(&bytes), if plain { len } else { at }, "{byte} {at}");
                }
            }
        }
    }

    #[test]
    fn strings_end_at_an_unescaped_quote() {
        let check = |text: &str, to: Option<usize>| {
            assert_eq!(string(text.as_bytes(), 0).map(|raw| raw.to), to, "{text}");
        };
        check("\"", Some(0));
        check("abc\"", Some(3));
        check(r#"a\"b"x"#, Some(4));
        check(r#"a\\"x"#, Some(3));
        check("é\"", Some(2));
        check("abc", None);
        check(r#"abc\""#, None);
        check("abc\\", None);
    }
}
