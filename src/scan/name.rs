//! A key to look for.

use super::generic::Probe;
use super::text::{Unescaped, skip_space};

/// A name with its closing quote, so that one comparison tells a key from a longer one.
#[derive(Clone)]
pub(super) struct Name {
    quoted: Vec<u8>,
    /// The first bytes of `quoted`, up to eight, and which bits of a word these are.
    word: u64,
    word_bits: u64,
    /// Whether it may stand in a frame as it is. A name with quotes, backslashes or control
    /// characters is always written with escapes.
    as_it_is: bool,
    probe: Probe,
}

impl Name {
    /// `name` is not empty.
    pub(super) fn new(name: &str) -> Name {
        let quoted = [name.as_bytes(), b"\""].concat();
        let (mut word, mut bits) = ([0; 8], [0; 8]);
        for (at, &byte) in quoted.iter().take(8).enumerate() {
            word[at] = byte;
            bits[at] = 0xFF;
        }
        let as_it_is = !name.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        let (word, word_bits) = (u64::from_le_bytes(word), u64::from_le_bytes(bits));
        Name { quoted, word, word_bits, as_it_is, probe: Probe::new(name.as_bytes()) }
    }

    /// How a block is asked for it.
    #[inline(always)]
    pub(super) fn probe(&self) -> Probe {
        self.probe
    }

    /// The place of the value, if the string that opens at `quote` is this key: it says the name,
    /// and a colon follows. The value may be missing: the place can be the length of the slice.
    #[inline(always)]
    pub(super) fn value_at(&self, bytes: &[u8], quote: usize) -> Option<usize> {
        let behind = self.behind(bytes, quote + 1)?;
        let colon = skip_space(bytes, behind);
        (bytes.get(colon) == Some(&b':')).then(|| skip_space(bytes, colon + 1))
    }

    /// The place behind the closing quote of the string that begins at `from` and says the name.
    #[inline(always)]
    fn behind(&self, bytes: &[u8], from: usize) -> Option<usize> {
        if self.as_it_is
            && let Some(next) = bytes.get(from..).and_then(|rest| rest.first_chunk())
        {
            let differs = (u64::from_le_bytes(*next) ^ self.word) & self.word_bits;
            if differs != 0 {
                // Up to there they are the same; only an escape could still say the same.
                let at = differs.trailing_zeros() as usize / 8;
                if next[at] != b'\\' {
                    return None;
                }
            } else if self.quoted.len() <= 8 || bytes[from..].starts_with(&self.quoted) {
                return Some(from + self.quoted.len());
            }
        }
        self.behind_escaped(bytes, from)
    }

    /// The same letter by letter, until one differs: for escapes, and next to the slice's end.
    #[cold]
    fn behind_escaped(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut text = Unescaped::new(&bytes[from..]);
        let name = &self.quoted[..self.quoted.len() - 1];
        let same = name.iter().all(|&byte| text.next() == Some(byte));
        let closing = text.closing_quote().filter(|_| same)?;
        Some(from + closing + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_values() {
        let check = |name: &str, text: &str, value: Option<usize>| {
            for padding in ["", " , more than eight bytes"] {
                let text = format!("{text}{padding}");
                assert_eq!(Name::new(name).value_at(text.as_bytes(), 0), value, "{name} in {text}");
            }
        };
        check("ts", r#""ts":1"#, Some(5));
        check("ts", "\"ts\" \n:\t\r1", Some(9));
        check("ts", r#""\u0074s":1"#, Some(10));
        check("ts", r#""t\u0073":1"#, Some(10));
        check("é", r#""\u00e9":1"#, Some(9));
        check("é", r#""é":1"#, Some(5));
        check("😀", r#""\ud83d\ude00":1"#, Some(15));
        check("a\"b", r#""a\"b":1"#, Some(7));
        check("a\"b", "\"a\"b\":1", None);
        check("a\\", r#""a\":1"#, None);
        check("a\\", r#""a\\":1"#, Some(6));
        check("a/b", r#""a\/b":1"#, Some(7));
        check("sevenee", r#""sevenee":1"#, Some(10));
        check("eighteee", r#""eighteee":1"#, Some(11));
        check("eighteee", r#""eight\u0065ee":1"#, Some(16));
        check("eighteee", r#""eighteex":1"#, None);
        for text in [r#""ts""#, r#""ts",1"#, r#""tsx":1"#, r#""t":1"#, r#""Ts":1"#, r#""\u0074":1"#]
        {
            check("ts", text, None);
        }
        for text in [r#""t\u00"#, "\"ts\\", "\"t", "\""] {
            assert_eq!(Name::new("ts").value_at(text.as_bytes(), 0), None, "{text}");
        }
    }
}
