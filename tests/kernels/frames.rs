//! Generated frames: valid JSON, most of them with both fields, all of them unpleasant.

use headcount::scan::TsUnit;

use crate::random::Random;

/// Where the fields of generated frames may stand, and in which unit the time.
pub(crate) const SETTINGS: [(&str, &str, TsUnit); 6] = [
    ("ts", "uid", TsUnit::S),
    ("ts", "uid", TsUnit::Rfc3339),
    ("meta.time", "meta.user.id", TsUnit::Ms),
    ("uid.ts", "uid.uid", TsUnit::Us),
    ("a long name, é and 😀", "\"\\\\", TsUnit::Ns),
    ("ts", "ts", TsUnit::S),
];

/// Keys, and texts of values: the wanted ones, and what looks like them.
const TEXTS: [&str; 32] = [
    "ts",
    "uid",
    "t",
    "u",
    "tss",
    "uidx",
    "TS",
    "",
    "meta",
    "time",
    "user",
    "id",
    "meta.time",
    "a long name, é and 😀",
    "a long name, é and 😁",
    "\"\\",
    "\\",
    "\\\\\\",
    "\"",
    "{",
    "}",
    "[]",
    "ts\":1,\"uid",
    "}\"ts\":5",
    ":",
    ",",
    "\n",
    "\0",
    "é",
    "😀",
    "\u{7F}",
    "\u{FFFF}",
];

/// A path of names, and the unit if what stands there is a time.
type Field = (Vec<String>, Option<TsUnit>);

pub(crate) struct Frame<'r> {
    random: &'r mut Random,
    text: Vec<u8>,
    /// How many of the members are spaced out, in eighths.
    spaced: usize,
}

impl Frame<'_> {
    /// A frame with fields at these paths, mostly.
    pub(crate) fn generate(random: &mut Random, (ts, uid, unit): (&str, &str, TsUnit)) -> Vec<u8> {
        let spaced = random.below(8);
        let mut frame = Frame { random, text: Vec::new(), spaced };
        frame.space();
        if frame.random.one_in(60) {
            frame.value(2);
        } else {
            let steps =
                |path: &str| path.replace("\\\\", "\\").split('.').map(str::to_owned).collect();
            frame.object(&[(steps(ts), Some(unit)), (steps(uid), None)]);
        }
        frame.space();
        frame.text
    }

    /// An object with the fields' members, these now and then missing, doubled or far behind.
    fn object(&mut self, fields: &[Field]) {
        let mut firsts: Vec<&str> = fields.iter().map(|(steps, _)| steps[0].as_str()).collect();
        firsts.dedup();
        let mut order: Vec<Option<&str>> = vec![None; self.random.below(8)];
        for first in firsts {
            let copies = match self.random.below(24) {
                0 => 0,
                1..4 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let at = self.random.below(order.len() + 1);
                order.insert(at, Some(first));
            }
        }
        self.members(order.len(), |frame, index| match order[index] {
            None => {
                let key = frame.random.of(&TEXTS);
                frame.member(key, |frame| frame.value(2));
            }
            Some(first) => frame.member(first, |frame| {
                let here = fields.iter().filter(|(steps, _)| steps[0] == first);
                let rest: Vec<Field> =
                    here.map(|(steps, unit)| (steps[1..].to_vec(), *unit)).collect();
                match rest.iter().find(|(steps, _)| steps.is_empty()) {
                    Some((_, unit)) => frame.field(*unit),
                    None => frame.object(&rest),
                }
            }),
        });
    }

    fn field(&mut self, unit: Option<TsUnit>) {
        if self.random.one_in(20) {
            return self.value(2);
        }
        match unit {
            None => self.uid(),
            Some(unit) => {
                let rfc3339 = (unit == TsUnit::Rfc3339) != self.random.one_in(20);
                let text = if rfc3339 { self.rfc3339() } else { self.number() };
                if rfc3339 || self.random.one_in(4) {
                    self.string(&text);
                } else {
                    self.text.extend(text.bytes());
                }
            }
        }
    }

    fn uid(&mut self) {
        match self.random.below(8) {
            0 => {
                let integer = self.random.bits().to_string();
                self.text.extend(integer.bytes());
            }
            1 => {
                let text = self.random.of(&TEXTS);
                self.string(text);
            }
            2 => {
                let letter = self.random.of(&["u", "\\", "\"", "é", "😀"]);
                let around_the_limit = (1020 + self.random.below(10)) / letter.len();
                self.string(&letter.repeat(around_the_limit));
            }
            _ => {
                let len = 1 + self.random.below(40);
                let text: String =
                    (0..len).map(|_| self.random.of(&["a", "7", "-", "Z"])).collect();
                self.string(&text);
            }
        }
    }

    /// A number of the grammar of JSON, near the bounds of times as likely as within.
    fn number(&mut self) -> String {
        let most = if self.random.one_in(4) { 22 } else { 11 };
        let digits = 1 + self.random.below(most);
        let mut number = String::from(self.random.of(&["", "", "", "-"]));
        if self.random.one_in(3) {
            number +=
                self.random.of(&["0", "253402300799", "253402300800", "62135596800", "1700000000"]);
        } else {
            number += &(1 + self.random.below(9)).to_string();
            (1..digits).for_each(|_| number += &self.random.below(10).to_string());
        }
        if self.random.one_in(3) {
            number += ".";
            let long = if self.random.one_in(20) { 2000 } else { 12 };
            let digit = self.random.of(&["0", "9", "x"]);
            for _ in 0..=self.random.below(long) {
                number += &digit.replace('x', &self.random.below(10).to_string());
            }
        }
        if self.random.one_in(4) {
            number += self.random.of(&["e", "E", "e+", "e-", "E-"]);
            number += &self.random.below(16).to_string();
            number += self.random.of(&["", "", "", "00", "00000000000000000000"]);
        }
        number
    }

    /// A time as text; one in ten with something wrong.
    fn rfc3339(&mut self) -> String {
        let mut two = |bound| format!("{:02}", self.random.below(bound));
        let (month, day, hour, minute, second, offset) =
            (two(13), two(32), two(24), two(60), two(61), two(24));
        let year =
            self.random.of(&["0000", "0001", "1969", "2000", "2023", "2024", "2100", "9999"]);
        let middle = self.random.of(&["T", "t", " "]);
        let fraction = self.random.of(&["", "", ".0", ".999999999999"]);
        let zone = self.random.of(&["Z", "z", "+x:30", "-x:00"]).replace('x', &offset);
        let mut text =
            format!("{year}-{month}-{day}{middle}{hour}:{minute}:{second}{fraction}{zone}");
        if self.random.one_in(10) {
            let at = self.random.below(text.len());
            text.replace_range(at..=at, self.random.of(&["", "9", ":", "+", "é"]));
        }
        text
    }

    fn value(&mut self, depth: usize) {
        match self.random.below(if depth == 0 { 6 } else { 9 }) {
            0 => self.text.extend(b"null"),
            1 => self.text.extend(b"true"),
            2 | 3 => {
                let number = self.number();
                self.text.extend(number.bytes());
            }
            4 => {
                let text = self.random.of(&TEXTS);
                let times = self.random.below(80);
                self.string(&text.repeat(times));
            }
            5 => {
                let text = self.random.of(&TEXTS);
                self.string(text);
            }
            6 => {
                self.text.push(b'[');
                for index in 0..self.random.below(5) {
                    self.comma(index);
                    self.value(depth - 1);
                    self.space();
                }
                self.text.push(b']');
            }
            _ => {
                let members = self.random.below(5);
                self.members(members, |frame, _| {
                    let key = frame.random.of(&TEXTS);
                    frame.member(key, |frame| frame.value(depth - 1));
                });
            }
        }
    }

    fn members(&mut self, count: usize, mut each: impl FnMut(&mut Self, usize)) {
        self.text.push(b'{');
        self.space();
        for index in 0..count {
            self.comma(index);
            each(self, index);
            self.space();
        }
        self.text.push(b'}');
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.text.push(b',');
            self.space();
        }
    }

    fn member(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        self.string(key);
        self.space();
        self.text.push(b':');
        self.space();
        value(self);
    }

    fn space(&mut self) {
        while self.random.below(8) < self.spaced / 2 {
            let spaces = self.random.of(&[" ", "\t", "\n", "\r\n", "        "]);
            self.text.extend(spaces.bytes());
        }
    }

    /// A string in one of the ways to write it; one in a hundred with a lone surrogate.
    fn string(&mut self, text: &str) {
        let escapes = self.random.of(&[&0usize, &0, &3, &8]);
        self.text.push(b'"');
        for letter in text.chars() {
            if self.random.below(8) < *escapes {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let hex = format!("\\u{unit:04x}");
                    let hex = if self.random.one_in(2) {
                        hex.to_uppercase().replace("\\U", "\\u")
                    } else {
                        hex
                    };
                    self.text.extend(hex.bytes());
                }
            } else {
                match letter {
                    '"' | '\\' => self.text.extend([b'\\', u8::try_from(letter).unwrap()]),
                    '\n' => self.text.extend(b"\\n"),
                    '\0'..' ' => self.text.extend(format!("\\u{:04X}", u32::from(letter)).bytes()),
                    _ => self.text.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
                }
            }
        }
        if self.random.one_in(100) {
            self.text.extend(self.random.of(&["\\ud83d", "\\uDE00", "\\ud83d\\u0041"]).bytes());
        }
        self.text.push(b'"');
    }
}
