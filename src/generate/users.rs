//! Which user a draw falls on, and how a user's uid reads.
//!
//! Zipf streams use an alias table (Walker 1977, built as by Vose 1991): one draw, one look-up,
//! whatever the number of users. It is built in user order from weights made by division,
//! multiplication and square root only, so that it is the same table on every machine.

use super::random::{mix, scale};
use super::{Skew, UidForm, Workload};

/// The users of a stream.
#[derive(Debug)]
pub(super) struct Users {
    count: u64,
    /// Empty for a uniform stream.
    aliases: Vec<Alias>,
    form: UidForm,
}

/// A slot of the alias table: a draw that falls here keeps to the slot's own user where its
/// fraction (of 2^32) is below `keep_below`, and goes to `other` elsewhere.
#[derive(Debug, Clone, Copy)]
struct Alias {
    keep_below: u32,
    other: u32,
}

impl Users {
    pub(super) fn new(workload: &Workload) -> Self {
        let aliases = match workload.skew {
            Skew::Uniform => Vec::new(),
            Skew::Zipf { quarters } => alias_table(workload.users, quarters),
        };
        Users { count: workload.users, aliases, form: workload.uid_form }
    }

    /// The number of the user that `draw` falls on.
    pub(super) fn at(&self, draw: u64) -> u64 {
        let (fraction, slot) = scale(draw, self.count);
        if self.aliases.is_empty() {
            return slot;
        }
        let alias = self.aliases[usize::try_from(slot).expect("below the table's length")];
        if fraction >> 32 < u64::from(alias.keep_below) { slot } else { u64::from(alias.other) }
    }

    /// Appends the uid of `user`, UTF-8 that a string holds as it is; says whether it is a JSON
    /// integer.
    pub(super) fn write_uid(&self, user: u64, out: &mut Vec<u8>) -> bool {
        match (self.form, user % 4) {
            (UidForm::Plain, _) | (_, 0) => {
                out.extend_from_slice(b"user-");
                write_digits(user, 9, out);
            }
            (_, 1) => write_hex(mix(user), out),
            (_, 2) => {
                out.extend_from_slice("ü😀-".as_bytes());
                write_digits(user, 9, out);
            }
            // all 12 digits long as long as there are fewer than 3 × 10^11 users
            _ => {
                write_digits(700_000_000_000 + user, 12, out);
                return true;
            }
        }
        false
    }
}

/// `k^(quarters / 4)` by exact operations.
fn power(k: f64, quarters: u32) -> f64 {
    let root = k.sqrt();
    let mut power = match quarters % 4 {
        0 => 1.0,
        1 => root.sqrt(),
        2 => root,
        _ => root * root.sqrt(),
    };
    for _ in 0..quarters / 4 {
        power *= k;
    }
    power
}

// a weight below 1 times 2^32 fits 32 bits; users are checked to be at most 2^26
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn alias_table(users: u64, quarters: u32) -> Vec<Alias> {
    let mut weights: Vec<f64> =
        (1..=users).map(|rank| 1.0 / power(rank as f64, quarters)).collect();
    let mean = weights.iter().sum::<f64>() / users as f64;
    let mut table: Vec<Alias> =
        (0..users as u32).map(|user| Alias { keep_below: u32::MAX, other: user }).collect();
    let mut poor = Vec::new();
    let mut rich = Vec::new();
    for (user, weight) in weights.iter_mut().enumerate() {
        *weight /= mean;
        if *weight < 1.0 { poor.push(user) } else { rich.push(user) }
    }
    // each poor slot is filled up by one rich user, who may become poor by it; what rounding
    // leaves over keeps its slot for itself
    while let (Some(&giver), Some(taker)) = (rich.last(), poor.pop()) {
        let keep_below = (weights[taker] * (1_u64 << 32) as f64) as u32;
        table[taker] = Alias { keep_below, other: giver as u32 };
        weights[giver] -= 1.0 - weights[taker];
        if weights[giver] < 1.0 {
            rich.pop();
            poor.push(giver);
        }
    }
    table
}

/// Appends `x` in decimal, with zeros in front up to `width` digits (20 at most).
pub(super) fn write_digits(mut x: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while x > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (x % 10) as u8;
        x /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the 16 hex digits of `x`.
pub(super) fn write_hex(x: u64, out: &mut Vec<u8>) {
    let digits: [u8; 16] =
        std::array::from_fn(|i| b"0123456789abcdef"[(x >> (60 - 4 * i) & 15) as usize]);
    out.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_exact_where_they_can_be() {
        assert_eq!(power(16.0, 1), 2.0);
        assert_eq!(power(16.0, 2), 4.0);
        assert_eq!(power(16.0, 3), 8.0);
        assert_eq!(power(16.0, 9), 512.0);
    }

    #[test]
    fn alias_table_holds_the_weights() {
        let users = 1_000;
        let table = alias_table(users, 4);
        let mut mass = vec![0.0; table.len()];
        for (slot, alias) in table.iter().enumerate() {
            let keep = f64::from(alias.keep_below) / 4_294_967_296.0;
            mass[slot] += keep;
            mass[alias.other as usize] += 1.0 - keep;
        }
        for k in [1_usize, 2, 10, 999] {
            let ratio = mass[0] / mass[k];
            assert!((ratio / (k + 1) as f64 - 1.0).abs() < 1e-4, "user {k}: {ratio}");
        }
    }
}
