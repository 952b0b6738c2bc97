//! The other members of a frame's root: what logs hold, and what looks like `ts` and `uid`.
//!
//! Each is a template ending in a comma, in which `%` and a letter stand for something drawn, of a
//! fixed length, so that a member is one memcpy and some bytes written over: `%h` 16 hex digits,
//! `%1` to `%9` that many decimal digits, `%s` a service, `%l` a level. A number begins with a digit
//! of its own, as JSON knows no leading zero. No template has `ts` or `uid` as a key at its root.

use super::random::Random;

const PLAIN: [&str; 14] = [
    r#""level":"%l","#,
    r#""service":"%s","#,
    r#""host":"ip-10-0-7%3","#,
    r#""trace_id":"%h%h","#,
    r#""span_id":"%h","#,
    r#""status":200,"#,
    r#""duration_ms":1.7%3,"#,
    r#""sampled":true,"#,
    r#""parent":null,"#,
    r#""http":{"method":"GET","path":"/v2/items/7%3","bytes":7%3,"agent":"Mozilla/5.0 (X11)"},"#,
    r#""tags":["eu-west-1","blue","build-7%3",[],{}],"#,
    r#""geo":{"lat":47.7%3,"lon":-8.7%3e-1,"city":"Zürich, 東京"},"#,
    r#""k8s":{"pod":"%s-%h","node":{"name":"n7%3","labels":{"zone":"b","spot":false}}},"#,
    r#""error":"open \"/var/lib/%s/7%3\": no such file\n","#,
];

const LOOKALIKES: [&str; 14] = [
    r#""tsx":1%9,"#,
    r#""t":1%9,"#,
    r#""ts_ms":1%9123,"#,
    r#""TS":"1%9","#,
    r#""uid2":"user-000%6","#,
    r#""ui":"user-000%6","#,
    r#""Uid":"user-000%6","#,
    r#""uids":["user-000%6","uid","ts",1%9],"#,
    r#""kind":"uid","of":"ts","#,
    r#""ctx":{"ts":1%9,"uid":"user-000%6","request":{"id":"%h","uid":"user-000%6"}},"#,
    r#""prev":[{"uid":"user-000%6","ts":1%9},{"ts":1%9,"uid":7%3}],"#,
    r#""note":"said \"uid\":\"x\", then {\"ts\":1%9} }}]","#,
    r#""raw":"{\"ts\":1%9,\"uid\":\"user-000%6\",\"a\":\"\\\"}\"}","#,
    r#""tail":"\\","uid\\":"user-000%6","\"ts":1%9,"#,
];

/// All 8 bytes long.
const SERVICES: [&[u8]; 6] =
    [b"checkout", b"frontend", b"payments", b"accounts", b"sessions", b"delivery"];
/// All 4 bytes long.
const LEVELS: [&[u8]; 4] = [b"info", b"warn", b"crit", b"note"];

/// What a hole is filled with.
#[derive(Debug, Clone, Copy)]
enum Filling {
    Hex,
    Digits,
    Service,
    Level,
}

/// A place in a template that is drawn anew each time.
#[derive(Debug, Clone, Copy)]
struct Hole {
    begin: usize,
    end: usize,
    filling: Filling,
}

/// A template taken apart.
#[derive(Debug)]
struct Template {
    text: Vec<u8>,
    holes: Vec<Hole>,
}

/// The templates of a stream.
#[derive(Debug)]
pub(super) struct Members {
    templates: Vec<Template>,
    /// Of the shortest template.
    bytes_min: usize,
}

/// Which of the templates a frame has used: none twice.
#[derive(Debug, Default)]
pub(super) struct Used(u32);

const _: () = assert!(PLAIN.len() + LOOKALIKES.len() <= u32::BITS as usize);

impl Members {
    pub(super) fn new(lookalikes: bool) -> Self {
        let more: &[&str] = if lookalikes { &LOOKALIKES } else { &[] };
        let templates: Vec<Template> =
            PLAIN.iter().chain(more).map(|text| Template::new(text)).collect();
        let bytes_min = templates.iter().map(|template| template.text.len()).min().unwrap_or(0);
        Members { templates, bytes_min }
    }

    /// Appends those unused members that fit in `room` bytes, from a drawn one on.
    pub(super) fn write(
        &self,
        mut room: usize,
        used: &mut Used,
        draws: &mut Random,
        out: &mut Vec<u8>,
    ) {
        let first = draws.below_len(self.templates.len());
        for at in (first..self.templates.len()).chain(0..first) {
            if room < self.bytes_min {
                return;
            }
            let template = &self.templates[at];
            if used.0 >> at & 1 == 0 && template.text.len() <= room {
                used.0 |= 1 << at;
                template.write(draws, out);
                room -= template.text.len();
            }
        }
    }
}

impl Template {
    fn new(template: &str) -> Self {
        let mut parts = template.split('%');
        let mut text = parts.next().unwrap_or_default().as_bytes().to_vec();
        let mut holes = Vec::new();
        for part in parts {
            let (letter, literal) = part.split_at(1);
            let (filling, bytes) = match letter {
                "h" => (Filling::Hex, 16),
                "s" => (Filling::Service, SERVICES[0].len()),
                "l" => (Filling::Level, LEVELS[0].len()),
                digits => (Filling::Digits, digits.parse().expect("a digit in a template")),
            };
            holes.push(Hole { begin: text.len(), end: text.len() + bytes, filling });
            text.resize(text.len() + bytes, b'?');
            text.extend_from_slice(literal.as_bytes());
        }
        Template { text, holes }
    }

    fn write(&self, draws: &mut Random, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.text);
        let text = &mut out[begin..];
        for hole in &self.holes {
            let bytes = &mut text[hole.begin..hole.end];
            match hole.filling {
                Filling::Hex => draw_hex(draws, bytes),
                Filling::Digits => draw_digits(draws, bytes),
                Filling::Service => bytes.copy_from_slice(draws.pick(&SERVICES)),
                Filling::Level => bytes.copy_from_slice(draws.pick(&LEVELS)),
            }
        }
    }
}

fn draw_hex(draws: &mut Random, out: &mut [u8]) {
    for (pair, byte) in out.chunks_exact_mut(2).zip(draws.next().to_le_bytes()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

/// Nearly all equally likely: each of a byte's 256 values falls on one of the ten.
fn draw_digits(draws: &mut Random, out: &mut [u8]) {
    for eight in out.chunks_mut(8) {
        for (digit, byte) in eight.iter_mut().zip(draws.next().to_le_bytes()) {
            *digit = DIGIT_OF_BYTE[usize::from(byte)];
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

const DIGIT_OF_BYTE: [u8; 256] = {
    let mut digits = [b'0'; 256];
    let mut byte = 0;
    while byte < digits.len() {
        digits[byte] = b"0123456789"[byte * 10 / 256];
        byte += 1;
    }
    digits
};
