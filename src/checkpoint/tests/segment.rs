//! Segments: back as they were, in sections, and nothing that was changed is taken for whole.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

use super::model::{Change, Life, Random, State, state};
use super::{each_damage, seeds};
use crate::checkpoint::section::{self, Head, Kind};
use crate::checkpoint::{FORMAT, Section, SegmentReader, SegmentWriter, ids, varint};
use crate::error::Error;
use crate::limits::{SECTION_BYTES_MAX, SECTION_IDS_MAX, UID_BYTES_MAX};

fn reader(bytes: &[u8]) -> Result<SegmentReader<&[u8]>, Error> {
    SegmentReader::new(bytes, "seg".into())
}

/// Reads all, and gives the number of sections.
fn read(bytes: &[u8]) -> Result<usize, Error> {
    let (mut reader, mut sections) = (reader(bytes)?, 0);
    while reader.next()?.is_some() {
        sections += 1;
    }
    Ok(sections)
}

fn change(seed: u64, users: u32) -> Change {
    let mut life = Life::new(seed);
    let mut changes = std::iter::repeat_with(|| life.go_on(users));
    changes.find(|change| change.new.members.len() > 3 && change.kept.len() > 1).unwrap()
}

#[test]
fn a_segment_comes_back() {
    for seed in 0..40 {
        let change = change(seed, 300);
        let got = state(vec![reader(&change.bytes()).unwrap()], &change.kept).unwrap();
        assert_eq!(got, (change.new, change.note), "seed {seed}");
    }
}

#[test]
fn lists_longer_than_a_section_come_back_and_in_pieces() {
    let mut random = Random::new(5);
    let n = 3 * SECTION_IDS_MAX as u32;
    let uid = |id: u32| format!("{id:x}").repeat(1 + id as usize % 17);
    let uids: Vec<String> = (0..n).map(uid).collect();
    let ids: Vec<u32> = (0..n).filter(|_| random.below(3) > 0).collect();
    let mut writer = SegmentWriter::new(Vec::new()).unwrap();
    for (at, uid) in uids.iter().enumerate() {
        writer.users(9, [(at as u32, uid.as_bytes())]).unwrap();
    }
    for piece in ids.chunks(777) {
        writer.members(9, 4, piece).unwrap();
    }
    let note: Vec<u8> = (0..3_000_000).map(|_| random.below(256) as u8).collect();
    writer.kept(&[4]).unwrap();
    writer.note(&note).unwrap();
    let bytes = writer.finish().unwrap().out;
    let (mut users, mut members, mut sections) = (0, Vec::new(), 0);
    let mut reader = reader(&bytes).unwrap();
    while let Some(section) = reader.next().unwrap() {
        sections += 1;
        match section {
            Section::Users { shard, users: these } => {
                assert_eq!(shard, 9);
                assert!(these.len() <= SECTION_IDS_MAX);
                for (index, (id, uid)) in these.iter().enumerate() {
                    assert_eq!((id, uid), (users, uids[users as usize].as_bytes()));
                    assert_eq!(these.uid(index), uid);
                    users += 1;
                }
            }
            Section::Members { shard, serial, ids } => {
                assert_eq!((shard, serial), (9, 4));
                members.extend_from_slice(ids);
            }
            Section::Kept(kept) => assert_eq!(kept, [4]),
            Section::Note(got) => assert!(got == note),
        }
    }
    assert_eq!(users, n);
    assert!(members == ids);
    assert!(sections > 8);
}

#[test]
fn a_segment_of_nothing_comes_back() {
    let bytes = Change::default().bytes();
    assert_eq!(read(&bytes).unwrap(), 2);
    assert_eq!(state(vec![reader(&bytes).unwrap()], &[]).unwrap(), (State::default(), vec![]));
}

#[test]
fn the_extremes_come_back() {
    let mut change = Change::default();
    for (shard, id, length) in [(0, 0, 1), (0, u32::MAX, UID_BYTES_MAX), (255, u32::MAX, 7)] {
        change.new.users.insert((shard, id), vec![0xff; length]);
        change.new.members.entry((shard, u64::MAX)).or_default().insert(id);
    }
    change.kept = vec![0, u64::MAX];
    let got = state(vec![reader(&change.bytes()).unwrap()], &change.kept).unwrap();
    assert_eq!(got.0, change.new);
}

#[test]
fn every_flipped_bit_and_every_truncation_is_found_and_says_where() {
    let bytes = change(1, 60).bytes();
    assert!(read(&bytes).is_ok());
    let found = |bytes: &[u8], what: &str| {
        let Err(error) = read(bytes) else { panic!("{what} was not found") };
        let text = error.to_string();
        assert!(text.starts_with("seg: damaged: ") && text.contains("at byte "), "{what}: {text}");
    };
    each_damage(&bytes, &found);
    found(&[&bytes[..], &[0]].concat(), "a byte more");
    // Each section is whole, and one is not there.
    let mut random = Random::new(7);
    for _ in 0..300 {
        let (from, to) = (random.below(bytes.len() as u32), random.below(bytes.len() as u32));
        let (from, to) = (from.min(to) as usize, from.max(to) as usize + 1);
        found(&[&bytes[..from], &bytes[to..]].concat(), "a part left out");
    }
}

#[test]
fn a_section_of_another_segment_is_found() {
    let [one, other] = [5, 6].map(|id| {
        let mut change = Change::default();
        change.new.members.insert((0, 1), [id].into());
        change.bytes()
    });
    assert_eq!(one.len(), other.len());
    let begins = section::head(env!("CARGO_PKG_VERSION")).len();
    let ends = begins + 5 + 2 + 4;
    let mixed = [&one[..begins], &other[begins..ends], &one[ends..]].concat();
    let text = read(&mixed).unwrap_err().to_string();
    assert!(text.contains("the checksum of all checksums is another"), "{text}");
}

#[test]
fn a_newer_format_is_refused_by_its_name() {
    let mut bytes = section::head("9.8.7");
    bytes[8..10].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    let at = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..at]);
    bytes[at..].copy_from_slice(&crc.to_le_bytes());
    let text = reader(&bytes).unwrap_err().to_string();
    assert!(text.starts_with("seg: written in format 2 by headcount 9.8.7, "), "{text}");
}

/// A segment that begins with this section.
fn beginning(kind: Kind, count: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { kind, shard: 1, serial: 2, count };
    [section::head("1"), framed(head, payload)].concat()
}

fn framed(head: Head, payload: &[u8]) -> Vec<u8> {
    let (before, crc) = section::frame(head, payload).unwrap();
    [&before, payload, &crc].concat()
}

#[test]
fn what_is_wrong_under_a_right_checksum_is_an_error_and_takes_no_memory() {
    let mut random = Random::new(8);
    for round in 0..60_000 {
        let length = random.below(60);
        let payload: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let kinds = [Kind::Users, Kind::Members, Kind::Kept, Kind::Note, Kind::Index];
        let kind = kinds[round % kinds.len()];
        let bits = random.below(32);
        let count = random.below(1 << bits);
        assert!(read(&beginning(kind, count, &payload)).is_err());
    }
    // A length that is not there: 2^63 bytes.
    let mut bytes = section::head("1");
    bytes.extend([
        Kind::Members as u8,
        0,
        0,
        1,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0x7f,
    ]);
    assert!(read(&bytes).unwrap_err().to_string().contains("longer than any section"));
    // What is small, and would be large once decompressed.
    let bomb = zstd::bulk::compress(&vec![0; 4 * SECTION_BYTES_MAX], 1).unwrap();
    let mut payload = Vec::new();
    varint::put(4 * SECTION_BYTES_MAX as u64, &mut payload);
    payload.extend(&bomb);
    let kept = beginning(Kind::Kept, 0, &[]);
    let note = framed(Head { kind: Kind::Note, shard: 0, serial: 0, count: 1 }, &payload);
    let text = read(&[kept, note].concat()).unwrap_err().to_string();
    assert!(text.contains("longer than any once decompressed"), "{text}");
}

#[test]
fn what_is_out_of_order_is_not_written() {
    type Calls = fn(&mut SegmentWriter<Vec<u8>>) -> std::io::Result<()>;
    let wrong: [Calls; 9] = [
        |to| to.members(0, 1, &[2, 2]),
        |to| to.members(0, 1, &[2]).and_then(|()| to.members(0, 1, &[2])),
        |to| to.members(0, 2, &[1]).and_then(|()| to.members(0, 1, &[1])),
        |to| to.members(1, 1, &[1]).and_then(|()| to.members(0, 1, &[1])),
        |to| to.members(0, 1, &[1]).and_then(|()| to.users(0, [(1, &b"u"[..])])),
        |to| to.users(0, [(1, &b"u"[..]), (1, b"v")]),
        |to| to.users(0, [(1, &b""[..])]),
        |to| to.users(0, [(1, &[b'u'; UID_BYTES_MAX + 1][..])]),
        |to| to.kept(&[1, 1]),
    ];
    for (at, calls) in wrong.iter().enumerate() {
        let mut writer = SegmentWriter::new(Vec::new()).unwrap();
        assert!(calls(&mut writer).is_err(), "{at}");
    }
    assert!(SegmentWriter::new(Vec::new()).unwrap().finish().is_err(), "no note");
}

#[test]
fn merged_is_what_was_there_before_without_what_is_not_kept() {
    for seed in seeds(60) {
        let mut life = Life::new(seed);
        let changes: Vec<Change> = (0..12).map(|_| life.go_on(120)).collect();
        let bytes: Vec<Vec<u8>> = changes.iter().map(Change::bytes).collect();
        let readers = bytes.iter().map(|bytes| reader(bytes).unwrap());
        let last = &changes[11];
        let got = state(readers.collect(), &last.kept).unwrap();
        assert_eq!(got, (life.state, last.note.clone()), "seed {seed}");
    }
}

#[test]
fn merging_goes_on_over_the_borders_of_sections() {
    let mut random = Random::new(9);
    let mut all: Vec<Vec<u32>> = vec![Vec::new(); 4];
    for id in 0..400_000 {
        // long stretches of one, and stretches of all
        let of = if (id / 50_000) % 2 == 0 { 0 } else { random.below(5) };
        if let Some(list) = all.get_mut(of as usize) {
            list.push(id);
        }
    }
    let bytes = all.iter().enumerate().map(|(at, ids)| {
        let mut writer = SegmentWriter::new(Vec::new()).unwrap();
        let uid = at.to_string();
        // all of them know some of the same users: the last one's uid counts
        let users = (0..400_000).filter(|id| id % (at as u32 + 1) == 0);
        writer.users(0, users.map(|id| (id, uid.as_bytes()))).unwrap();
        writer.members(0, 1, ids).unwrap();
        writer.kept(&[1]).unwrap();
        writer.note(b"").unwrap();
        writer.finish().unwrap().out
    });
    let bytes: Vec<Vec<u8>> = bytes.collect();
    let readers = bytes.iter().map(|bytes| reader(bytes).unwrap()).collect();
    let (got, _) = state(readers, &[1]).unwrap();
    let mut right: Vec<u32> = all.concat();
    right.sort_unstable();
    assert!(got.members[&(0, 1)].iter().eq(&right));
    assert_eq!(got.users.len(), 400_000);
    for (&(_, id), uid) in &got.users {
        let last = (0..4).rev().find(|at| id % (at + 1) == 0).unwrap();
        assert_eq!(uid, last.to_string().as_bytes(), "user {id}");
    }
}

#[test]
fn a_user_twice_in_a_window_is_found() {
    let mut change = Change::default();
    change.new.members.insert((3, 7), [5, 6].into());
    change.kept = vec![7];
    let bytes = change.bytes();
    let twice = || vec![reader(&bytes).unwrap(), reader(&bytes).unwrap()];
    let text = state(twice(), &[7]).unwrap_err().to_string();
    assert!(text.contains("a user of shard 3 is twice in the window of serial 7"), "{text}");
    assert!(state(twice(), &[]).is_ok(), "that is not kept");
}

/// Sections of ids under a right head and right checksums, then the end.
fn sections(lists: &[(u8, u64, &[u32])]) -> Vec<u8> {
    let mut bytes = section::head("1");
    for &(shard, serial, ids) in lists {
        let mut payload = Vec::new();
        ids::encode(ids, &mut payload);
        let count = ids.len() as u32;
        bytes.extend(framed(Head { kind: Kind::Members, shard, serial, count }, &payload));
    }
    bytes
}

#[test]
fn what_is_out_of_order_is_not_read() {
    for (lists, good) in [
        (&[(1, 1, &[1, 2][..]), (1, 1, &[3]), (1, 2, &[1]), (2, 1, &[1])][..], 4),
        (&[(1, 1, &[1, 2]), (1, 1, &[2])], 1),
        (&[(1, 2, &[1]), (1, 1, &[1])], 1),
        (&[(2, 1, &[1]), (1, 1, &[1])], 1),
    ] {
        let bytes = sections(lists);
        let mut reader = reader(&bytes).unwrap();
        for _ in 0..good {
            assert!(reader.next().unwrap().is_some());
        }
        let text = reader.next().unwrap_err().to_string();
        let ends = text.contains("the file ends here");
        assert_eq!(ends, good == lists.len(), "{text}");
    }
}

/// A segment of these sections, with its end; `change` is made to the end before its checksum.
fn whole(parts: &[(Head, Vec<u8>)], change: impl FnOnce(&mut u32, &mut u64)) -> Vec<u8> {
    let mut bytes = section::head("1");
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes[bytes.len() - 4..]);
    let (mut count, mut tail) = (0, 0);
    for (head, payload) in parts {
        if head.kind == Kind::Kept {
            tail = bytes.len() as u64;
        }
        bytes.extend(framed(*head, payload));
        crc.update(&bytes[bytes.len() - 4..]);
        count += 1;
    }
    change(&mut count, &mut tail);
    let end = section::end(count, tail);
    crc.update(&end);
    bytes.extend(end);
    bytes.extend(crc.finalize().to_le_bytes());
    bytes
}

#[test]
fn an_end_that_does_not_say_what_there_is_is_found() {
    let part = |kind, serial, count, payload: &[u8]| {
        (Head { kind, shard: 0, serial, count }, payload.to_vec())
    };
    let mut list = Vec::new();
    ids::encode(&[5], &mut list);
    let members = part(Kind::Members, 3, 1, &list);
    let kept = part(Kind::Kept, 0, 1, &[3]);
    let note = [1, 2].map(|of| part(Kind::Note, 0, of, &[&[0][..], &zstd_of_nothing()].concat()));
    // No users; of the window 3 one member in two bytes.
    let index = part(Kind::Index, 0, 1, &[0, 0, 3, 1, 2]);
    let good = [members.clone(), kept.clone(), note[0].clone(), index.clone()];
    assert_eq!(read(&whole(&good, |_, _| ())).unwrap(), 3);
    let wrong = |bytes: Vec<u8>| assert!(matches!(read(&bytes), Err(Error::Damaged { .. })));
    wrong(whole(&good, |count, _| *count += 1));
    wrong(whole(&good, |_, tail| *tail += 1));
    for payload in [&[1, 0, 3, 1, 2], &[0, 0, 2, 1, 2], &[0, 0, 3, 2, 2], &[0, 0, 3, 1, 1]] {
        let lie = part(Kind::Index, 0, 1, payload);
        wrong(whole(&[members.clone(), kept.clone(), note[0].clone(), lie], |_, _| ()));
    }
    wrong(whole(&[members.clone(), kept.clone(), note[1].clone(), index.clone()], |_, _| ()));
    wrong(whole(&[members.clone(), note[0].clone(), index.clone()], |_, _| ()));
    wrong(whole(&[members.clone(), kept.clone(), index.clone(), index], |_, _| ()));
    wrong(whole(&[members, kept, note[0].clone()], |_, _| ()));
}

/// What zstd makes of no bytes.
fn zstd_of_nothing() -> Vec<u8> {
    zstd::bulk::compress(&[], 1).unwrap()
}
