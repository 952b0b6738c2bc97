//! The other members of a frame's root: what logs hold, and what looks like `ts` and `uid`.
//!
//! Each is a template ending in a comma, in which `%` and a letter stand for something drawn:
//! `%h` 16 hex digits, `%d` 4 digits, `%t` 10 digits like a time, `%u` a uid, `%s` a service,
//! `%l` a level. No template holds `ts` or `uid` as a key at its own root.

use super::random::Random;
use super::users::{write_digits, write_hex};

const PLAIN: [&str; 14] = [
    r#""level":"%l","#,
    r#""service":"%s","#,
    r#""host":"ip-10-0-%d","#,
    r#""trace_id":"%h%h","#,
    r#""span_id":"%h","#,
    r#""status":200,"#,
    r#""duration_ms":1.%d,"#,
    r#""sampled":true,"#,
    r#""parent":null,"#,
    r#""http":{"method":"GET","path":"/v2/items/%d","bytes":%d,"agent":"Mozilla/5.0 (X11)"},"#,
    r#""tags":["eu-west-1","blue","build-%d",[],{}],"#,
    r#""geo":{"lat":47.%d,"lon":-8.%de-1,"city":"Z\u00fcrich"},"#,
    r#""k8s":{"pod":"%s-%h","node":{"name":"n%d","labels":{"zone":"b","spot":false}}},"#,
    r#""error":"open \"/var/lib/%s/%d\": no such file\n","#,
];

const LOOKALIKES: [&str; 14] = [
    r#""tsx":%t,"#,
    r#""t":%t,"#,
    r#""ts_ms":%t123,"#,
    r#""TS":"%t","#,
    r#""uid2":"%u","#,
    r#""ui":"%u","#,
    r#""Uid":"%u","#,
    r#""uids":["%u","uid","ts",%t],"#,
    r#""kind":"uid","of":"ts","#,
    r#""ctx":{"ts":%t,"uid":"%u","request":{"id":"%h","uid":"%u"}},"#,
    r#""prev":[{"uid":"%u","ts":%t},{"ts":%t,"uid":%d}],"#,
    r#""note":"said \"uid\":\"x\", then {\"ts\":%t} }}]","#,
    r#""raw":"{\"ts\":%t,\"uid\":\"%u\",\"a\":\"\\\"}\"}","#,
    r#""tail":"\\","uid\\":"%u","\"ts":%t,"#,
];

const SERVICES: [&str; 6] = ["checkout", "search", "auth", "billing", "edge-proxy", "mailer"];
const LEVELS: [&str; 4] = ["info", "warn", "error", "debug"];

/// A piece of a template.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Literal(&'static str),
    Hex,
    Digits,
    Time,
    Uid,
    Service,
    Level,
}

/// A template taken apart.
#[derive(Debug)]
struct Template {
    pieces: Vec<Piece>,
    bytes_max: usize,
}

/// The templates of a stream.
#[derive(Debug)]
pub(super) struct Members {
    templates: Vec<Template>,
}

/// Which of the templates a frame has used: none twice.
#[derive(Debug, Default)]
pub(super) struct Used(u32);

const _: () = assert!(PLAIN.len() + LOOKALIKES.len() <= u32::BITS as usize);

impl Members {
    pub(super) fn new(lookalikes: bool) -> Self {
        let more: &[&str] = if lookalikes { &LOOKALIKES } else { &[] };
        Members { templates: PLAIN.iter().chain(more).map(|text| Template::new(text)).collect() }
    }

    /// Appends unused members as long as they are sure to fit in `room` bytes, from a drawn one on.
    pub(super) fn write(
        &self,
        room: usize,
        used: &mut Used,
        draws: &mut Random,
        out: &mut Vec<u8>,
    ) {
        let end = out.len() + room;
        let first = draws.below_len(self.templates.len());
        for step in 0..self.templates.len() {
            let at = (first + step) % self.templates.len();
            let template = &self.templates[at];
            if used.0 >> at & 1 == 0 && out.len() + template.bytes_max <= end {
                used.0 |= 1 << at;
                template.write(draws, out);
            }
        }
    }
}

impl Template {
    fn new(text: &'static str) -> Self {
        let mut parts = text.split('%');
        let mut pieces = vec![Piece::Literal(parts.next().unwrap_or_default())];
        for part in parts {
            let (letter, literal) = part.split_at(1);
            pieces.push(match letter {
                "h" => Piece::Hex,
                "d" => Piece::Digits,
                "t" => Piece::Time,
                "u" => Piece::Uid,
                "s" => Piece::Service,
                _ => Piece::Level,
            });
            pieces.push(Piece::Literal(literal));
        }
        let bytes_max = pieces.iter().map(Piece::bytes_max).sum();
        Template { pieces, bytes_max }
    }

    fn write(&self, draws: &mut Random, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Hex => write_hex(draws.next(), out),
                Piece::Digits => write_digits(1_000 + draws.below(9_000), 4, out),
                Piece::Time => write_digits(1_000_000_000 + draws.below(1_000_000_000), 10, out),
                Piece::Uid => {
                    out.extend_from_slice(b"user-");
                    write_digits(draws.below(1_000_000), 9, out);
                }
                Piece::Service => out.extend_from_slice(draws.pick(&SERVICES).as_bytes()),
                Piece::Level => out.extend_from_slice(draws.pick(&LEVELS).as_bytes()),
            }
        }
    }
}

impl Piece {
    fn bytes_max(&self) -> usize {
        match self {
            Piece::Literal(text) => text.len(),
            Piece::Hex => 16,
            Piece::Digits => 4,
            Piece::Time | Piece::Service => 10,
            Piece::Uid => 14,
            Piece::Level => 5,
        }
    }
}
