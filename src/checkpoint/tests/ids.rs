//! Lists of ids: back as they were, near their information, and damage is found.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

use super::model::Random;
use crate::checkpoint::ids::{decode, encode};

fn coded(ids: &[u32]) -> Vec<u8> {
    let mut out = vec![7];
    encode(ids, &mut out);
    assert_eq!(out[0], 7, "behind what is there");
    out.split_off(1)
}

fn check(ids: &[u32]) -> usize {
    let bytes = coded(ids);
    let mut back = vec![1, 2];
    decode(&bytes, ids.len(), &mut back).unwrap();
    assert!(back[2..] == *ids, "{} ids from {:?}", ids.len(), ids.first());
    bytes.len()
}

/// About `density` of 0..`n`.
fn some(random: &mut Random, n: u32, density: f64) -> Vec<u32> {
    (0..n).filter(|_| random.share() < density).collect()
}

#[test]
fn they_come_back() {
    let mut random = Random::new(1);
    let max = u32::MAX;
    for ids in [
        vec![0],
        vec![1],
        vec![max],
        vec![0, max],
        vec![max - 1, max],
        vec![0, 1, max - 1, max],
        (0..5000).collect(),
        (max - 5000..=max).collect(),
        (0..1025).map(|i| i * 2).collect(),
        (0..3000).map(|i| i * 1_000_000).collect(),
        (0..1500).chain(9_000_000..9_001_500).collect(),
    ] {
        check(&ids);
    }
    for _ in 0..400 {
        let n = 1 + random.below(6000);
        let density = random.share();
        let mut ids = some(&mut random, n, density);
        ids.push(n);
        let up = random.below(max - n);
        ids.iter_mut().for_each(|id| *id += up);
        check(&ids);
    }
}

/// log2 of n over k.
fn information_bits(n: usize, k: usize) -> f64 {
    (0..k).map(|i| ((n - i) as f64 / (k - i) as f64).log2()).sum()
}

#[test]
fn they_take_little_more_than_their_information() {
    let n = 1_000_000;
    let mut random = Random::new(2);
    let densities =
        [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.38, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9];
    for density in densities {
        let ids = some(&mut random, n, density);
        let (bits, least) = (check(&ids) * 8, information_bits(n as usize, ids.len()));
        let (each, ratio) = (bits as f64 / ids.len() as f64, bits as f64 / least);
        eprintln!("density {density}: {each:.3} bits an id, {ratio:.3} of the information");
        assert!(ratio <= 1.1, "density {density}: {ratio}");
    }
}

#[test]
fn two_lists_in_one_take_what_each_takes() {
    let mut random = Random::new(3);
    let old = some(&mut random, 9_000_000, 0.001);
    let new: Vec<u32> = (9_000_000..9_100_000).collect();
    let apart = check(&old) + check(&new);
    let together = check(&[old, new].concat());
    assert!(together * 10 <= apart * 11, "{together}, apart {apart}");
}

#[test]
fn what_is_damaged_ends_in_an_error_or_another_ascending_list() {
    let mut random = Random::new(4);
    for density in [0.01, 0.3, 0.9] {
        let ids = some(&mut random, 3000, density);
        let bytes = coded(&ids);
        let tried = |bytes: &[u8], count: usize| {
            let mut back = Vec::new();
            let done = decode(bytes, count, &mut back);
            assert!(done.is_err() || back.is_sorted_by(|a, b| a < b));
            done
        };
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = tried(&bytes, ids.len());
        }
        for end in 0..bytes.len() {
            assert!(tried(&bytes[..end], ids.len()).is_err(), "cut at {end}");
        }
        assert!(tried(&[&bytes[..], &[0]].concat(), ids.len()).is_err());
        assert!(tried(&bytes, ids.len() + 600).is_err());
        assert!(tried(&bytes, ids.len() / 2).is_err());
    }
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.below(256) as u8).collect();
        let mut back = Vec::new();
        if decode(&bytes, 1 + random.below(3000) as usize, &mut back).is_ok() {
            assert!(back.is_sorted_by(|a, b| a < b));
        }
    }
    assert!(decode(&[], 1, &mut Vec::new()).is_err());
    // Nine bits, so that seven are zeros.
    let mut bytes = coded(&[5]);
    bytes[1] |= 0x80;
    assert!(decode(&bytes, 1, &mut Vec::new()).is_err());
}
