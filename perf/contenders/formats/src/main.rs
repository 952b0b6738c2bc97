//! The frames of `headcount generate` as JSON, MessagePack, CBOR, Avro, Protobuf and FlatBuffers: how large
//! they are, and how long it takes to get the two fields out of them.
//!
//! ```text
//! formats sizes [--frames N] [--no-text]
//! formats times [--frames N] [--no-text] [--rounds N]
//! ```
//!
//! Lines with tabs on stdout. `--no-text` leaves out the filler (`msg`, `detail`, `body`), which no format
//! makes smaller. One thread. Every way's answer on every frame is held against what the generator knows,
//! and every whole decode's of the first thousand against one another, before anything is timed.
//!
//! Ways: `fast` is the fastest fair one, by hand, with the library's building blocks where it has any that
//! are as fast (CBOR's and Avro's have none), which stops behind the second field (JSON: headcount's scanner;
//! `sonic-rs`); `two fields` is the library's ordinary way to two fields; `whole` decodes into a struct with
//! all of them; `encode` makes the frame of such a struct; `unpack …` decompresses batches of several frames,
//! which comes before any of these.

mod avro;
mod batches;
mod cbor;
mod flat;
mod frame;
mod json;
mod messagepack;
mod protobuf;
mod ways;

use std::cell::RefCell;
use std::hint::black_box;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use flatbuffers::FlatBufferBuilder;
use headcount::generate::{Reading, Workload};
use serde_json::{Map, Value};

use batches::{BATCHES, Codec};
use frame::Frame;
use ways::{Place, Set, Walk, facts, walk};

/// Frames of which sizes are told, and that are unpacked.
const PACKED_FRAMES: usize = 20_000;
/// Frames that are decoded whole and compared, and that are encoded.
const WHOLE_FRAMES: usize = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, default: usize| {
        let at = args.iter().position(|arg| arg == flag);
        at.map_or(default, |at| args[at + 1].parse().expect("a number behind the flag"))
    };
    let frames = number("--frames", 100_000).max(WHOLE_FRAMES);
    let text = !args.iter().any(|arg| arg == "--no-text");
    let of = if text { "as made" } else { "no text" };
    match args.first().map(String::as_str) {
        Some("sizes") => sizes(&Frames::new(frames, text), of),
        Some("times") => times(&Frames::new(frames, text), of, number("--rounds", 7)),
        _ => {
            eprintln!("usage: formats sizes|times [--frames N] [--no-text] [--rounds N]");
            std::process::exit(2);
        }
    }
}

/// The stream: in every format, and what is true of each frame.
struct Frames {
    sets: Vec<Rc<Set>>,
    truth: Rc<Vec<u64>>,
    /// The first ones, decoded.
    decoded: Rc<Vec<Frame>>,
}

impl Frames {
    fn new(count: usize, text: bool) -> Frames {
        let workload = Workload { frames: count as u64, ..Workload::default() };
        let generator = workload.generator().expect("these settings can be met");
        let mut sets: Vec<Set> = [
            ("JSON", &[Place::First, Place::Mixed, Place::Last][..]),
            ("MessagePack", &[Place::First, Place::Mixed, Place::Last]),
            ("CBOR", &[Place::First, Place::Mixed, Place::Last]),
            ("Avro", &[Place::First, Place::Last]),
            ("Protobuf", &[Place::First, Place::Last]),
            ("FlatBuffers", &[Place::First]),
        ]
        .into_iter()
        .flat_map(|(format, places)| places.iter().map(move |place| Set::new(format, *place)))
        .collect();
        let avro = [avro::encode(Place::First), avro::encode(Place::Last)];
        let mut builder = FlatBufferBuilder::new();
        let (mut truth, mut decoded, mut line) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..count as u64 {
            let Reading::Good { ts_s, uid } = generator.truth(index).reading else {
                unreachable!("none is malformed");
            };
            truth.push(facts(ts_s, &uid));
            line.clear();
            generator.frame(index, &mut line);
            line.pop();
            let mut value: Map<String, Value> =
                serde_json::from_slice(&line).expect("a frame is JSON");
            if !text {
                value.retain(|key, _| !matches!(key.as_str(), "msg" | "detail" | "body"));
                line = serde_json::to_vec(&value).expect("a vector takes all");
            }
            let frame: Frame = serde_json::from_slice(&line).expect("a frame");
            for set in &mut sets {
                let place = set.place;
                match set.format {
                    "JSON" if place == Place::Mixed => set.push(|out| out.extend_from_slice(&line)),
                    "JSON" => set.push(|out| {
                        serde_json::to_writer(out, &placed(&value, place))
                            .expect("a vector takes all");
                    }),
                    "MessagePack" => {
                        set.push(|out| messagepack::encode(&placed(&value, place), out))
                    }
                    "CBOR" => set.push(|out| cbor::encode(&placed(&value, place), out)),
                    "Avro" => set.push(|out| avro[usize::from(place == Place::Last)](&frame, out)),
                    "Protobuf" => set.push(|out| protobuf::encode(place, &frame, out)),
                    _ => set.push(|out| flat::encode(&frame, &mut builder, out)),
                }
            }
            if decoded.len() < WHOLE_FRAMES {
                decoded.push(frame);
            }
        }
        Frames {
            sets: sets.into_iter().map(Rc::new).collect(),
            truth: Rc::new(truth),
            decoded: Rc::new(decoded),
        }
    }
}

/// A frame's members with the two fields where they are to stand.
fn placed(frame: &Map<String, Value>, place: Place) -> Map<String, Value> {
    let is_one = |key: &str| key == "ts" || key == "uid";
    let (two, rest): (Vec<_>, Vec<_>) = frame
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .partition(|(key, _)| is_one(key));
    match place {
        Place::First => two.into_iter().chain(rest).collect(),
        Place::Last => rest.into_iter().chain(two).collect(),
        Place::Mixed => frame.clone(),
    }
}

fn sizes(frames: &Frames, of: &str) {
    println!("frames\tformat\tplace\tcodec\tbatch\tbytes");
    let row = |set: &Set, codec: &str, batch: &str, bytes: f64| {
        println!("{of}\t{}\t{}\t{codec}\t{batch}\t{bytes:.2}", set.format, set.place.name());
    };
    for set in &frames.sets {
        let count = PACKED_FRAMES.min(set.frames.len());
        row(set, "none", "none", set.frames[count - 1].end as f64 / count as f64);
        for codec in Codec::ALL {
            for batch in BATCHES {
                row(
                    set,
                    codec.name(),
                    batch.name,
                    batches::bytes_a_frame(set, count, codec, batch),
                );
            }
        }
    }
}

/// Something that is timed.
struct Contender {
    set: Rc<Set>,
    way: String,
    state: &'static str,
    frames: usize,
    run: Box<dyn FnMut() -> Duration>,
}

fn times(frames: &Frames, of: &str, rounds: usize) {
    let mut contenders = decoding(frames);
    contenders.extend(encoding(frames));
    contenders.extend(unpacking(frames));
    println!("round\tframes\tformat\tplace\tway\tstate\tns");
    // in turns, after one round to warm up
    for round in 0..=rounds {
        for Contender { set, way, state, frames, run } in &mut contenders {
            let ns = run().as_secs_f64() * 1e9 / *frames as f64;
            if round > 0 {
                println!(
                    "{round}\t{of}\t{}\t{}\t{way}\t{state}\t{ns:.2}",
                    set.format,
                    set.place.name()
                );
            }
        }
    }
}

/// The ways of each set, the same kind of all sets one after the other, so that a set has rested when its
/// next way comes.
fn decoding(frames: &Frames) -> Vec<Contender> {
    let mut ways: Vec<(u8, Rc<Set>, &str, Walk, usize)> = Vec::new();
    for set in &frames.sets {
        let place = set.place;
        let mut add = |kind, way, walk, ahead| ways.push((kind, Rc::clone(set), way, walk, ahead));
        let (mut fast, two) = match set.format {
            "JSON" => (json::scanner(), json::two()),
            "MessagePack" => (messagepack::by_hand(), messagepack::two()),
            "CBOR" => (cbor::by_hand(), cbor::two()),
            "Avro" => (avro::by_hand(place), avro::two(place)),
            "Protobuf" => (protobuf::by_hand(), protobuf::two()),
            _ => (flat::unverified(), flat::two()),
        };
        let needed = match set.format {
            "FlatBuffers" => ninth_in_ten((0..WHOLE_FRAMES).map(|at| flat::uid_end(set.frame(at)))),
            // to the end of the scanner's block, which it loads whole
            "JSON" => {
                ninth_in_ten((0..WHOLE_FRAMES).map(|at| bytes_needed(set.frame(at), &mut fast)))
                    .next_multiple_of(64)
            }
            _ => ninth_in_ten((0..WHOLE_FRAMES).map(|at| bytes_needed(set.frame(at), &mut fast))),
        };
        add(0, "fast", fast, needed);
        if set.format == "JSON" {
            add(1, "sonic-rs", json::sonic(), needed);
        }
        add(2, "two fields", two, usize::MAX);
        let decode = whole(set);
        let decoded = Rc::clone(&frames.decoded);
        for (at, decoded) in decoded.iter().enumerate() {
            let said = decode(set.frame(at));
            assert_eq!(&said, decoded, "{} {}, frame {at}", set.format, place.name());
        }
        let whole = walk(move |frame| {
            let frame = black_box(decode(frame));
            Some(facts(frame.ts, frame.uid.as_bytes()))
        });
        add(3, "whole", whole, usize::MAX);
    }
    ways.sort_by_key(|way| way.0);
    let mut contenders = Vec::new();
    for (kind, set, way, mut walk, ahead) in ways {
        for (at, frame) in set.frames.iter().enumerate() {
            let said = walk(&set.bytes, std::slice::from_ref(frame), 0);
            assert_eq!(
                said,
                Some(frames.truth[at]),
                "{} {}, {way}, frame {at}",
                set.format,
                set.place.name()
            );
        }
        let count = set.frames.len() / [2, 2, 4, 20][usize::from(kind)];
        let walk = Rc::new(RefCell::new(walk));
        for state in ["warm", "cold"] {
            let (of, walk) = (Rc::clone(&set), Rc::clone(&walk));
            contenders.push(Contender {
                set: Rc::clone(&set),
                way: way.to_owned(),
                state,
                frames: count,
                run: Box::new(move || match state {
                    "warm" => of.warm(count, &mut walk.borrow_mut()),
                    _ => of.cold(count, &mut walk.borrow_mut(), ahead),
                }),
            });
        }
    }
    contenders
}

fn whole(set: &Set) -> Rc<dyn Fn(&[u8]) -> Frame> {
    match set.format {
        "JSON" => Rc::new(json::whole),
        "MessagePack" => Rc::new(messagepack::whole),
        "CBOR" => Rc::new(cbor::whole),
        "Avro" => avro::whole(set.place),
        "Protobuf" => Rc::new(protobuf::whole),
        _ => Rc::new(flat::whole),
    }
}

/// The shortest beginning of a frame that says what the whole of it says.
fn bytes_needed(frame: &[u8], walk: &mut Walk) -> usize {
    let whole = 0..frame.len();
    let said = walk(frame, &[whole], 0);
    let (mut too_few, mut enough) = (0, frame.len());
    while too_few + 1 < enough {
        let half = (too_few + enough) / 2;
        let part: Range<usize> = 0..half;
        match walk(frame, &[part], 0) == said {
            true => enough = half,
            false => too_few = half,
        }
    }
    enough
}

fn ninth_in_ten(of: impl Iterator<Item = usize>) -> usize {
    let mut of: Vec<usize> = of.collect();
    of.sort_unstable();
    of[of.len() * 9 / 10]
}

type Encode = Box<dyn FnMut(&Frame, &mut Vec<u8>)>;

/// Structs into bytes, into a buffer that has room.
fn encoding(frames: &Frames) -> Vec<Contender> {
    let firsts = frames.sets.iter().filter(|set| set.place == Place::First);
    let contender = |set: &Rc<Set>| {
        let mut encode: Encode = match set.format {
            "JSON" => Box::new(json::encode),
            "MessagePack" => Box::new(messagepack::encode),
            "CBOR" => Box::new(cbor::encode),
            "Avro" => {
                let encode = avro::encode(Place::First);
                Box::new(move |frame, out| encode(frame, out))
            }
            "Protobuf" => Box::new(|frame, out| protobuf::encode(Place::First, frame, out)),
            _ => {
                let mut builder = FlatBufferBuilder::new();
                Box::new(move |frame, out| flat::encode(frame, &mut builder, out))
            }
        };
        let decoded = Rc::clone(&frames.decoded);
        let decode = whole(set);
        let mut out = Vec::new();
        for frame in decoded.iter() {
            out.clear();
            encode(frame, &mut out);
            assert_eq!(&decode(&out), frame, "{}", set.format);
        }
        Contender {
            set: Rc::clone(set),
            way: "encode".to_owned(),
            state: "warm",
            frames: decoded.len() * 10,
            run: Box::new(move || {
                let began = Instant::now();
                for _ in 0..10 {
                    for frame in decoded.iter() {
                        out.clear();
                        encode(frame, &mut out);
                        black_box(&out);
                    }
                }
                began.elapsed()
            }),
        }
    };
    firsts.map(contender).collect()
}

/// Batches as a broker hands them out, unpacked into one buffer.
fn unpacking(frames: &Frames) -> Vec<Contender> {
    let mut contenders = Vec::new();
    for set in frames.sets.iter().filter(|set| set.place == Place::First) {
        for (codec, batch) in
            [Codec::Lz4, Codec::Zstd].into_iter().flat_map(|c| [(c, BATCHES[1]), (c, BATCHES[2])])
        {
            let count = PACKED_FRAMES.min(set.frames.len());
            let plain = batches::batches(set, count, batch);
            let packed: Vec<Vec<u8>> = plain.iter().map(|batch| codec.pack(batch)).collect();
            let mut zstd = zstd::bulk::Decompressor::new().expect("memory");
            let mut out = vec![0; plain.iter().map(Vec::len).max().unwrap_or(0)];
            for (plain, packed) in plain.iter().zip(&packed) {
                let bytes = codec.unpack(packed, &mut zstd, &mut out);
                assert!(out[..bytes] == plain[..], "{}, {}", set.format, codec.name());
            }
            drop(plain);
            contenders.push(Contender {
                set: Rc::clone(set),
                way: format!("unpack {}, {}", codec.name(), batch.name),
                state: "warm",
                frames: count,
                run: Box::new(move || {
                    let began = Instant::now();
                    for packed in &packed {
                        black_box(codec.unpack(packed, &mut zstd, &mut out));
                    }
                    began.elapsed()
                }),
            });
        }
    }
    contenders
}
