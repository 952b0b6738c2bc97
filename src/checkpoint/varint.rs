//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit says that
//! another byte follows (LEB128).

use super::Wrong;

/// Puts `value` behind `out`.
pub(super) fn put(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Takes a number off the front of `bytes`.
///
/// # Errors
/// There is none, or it is larger than 64 bits.
pub(super) fn take(bytes: &mut &[u8]) -> Result<u64, Wrong> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Err(Wrong("it ends within a number"));
        };
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Wrong("a number is larger than 64 bits"))
}

/// Puts numbers behind `out` that ascend: each as its distance to the one before.
pub(super) fn put_rising(before: &mut u64, value: u64, out: &mut Vec<u8>) {
    put(value - *before, out);
    *before = value;
}

/// Takes one of those.
///
/// # Errors
/// As [`take`].
pub(super) fn take_rising(before: &mut u64, bytes: &mut &[u8]) -> Result<u64, Wrong> {
    let value = before.checked_add(take(bytes)?).ok_or(Wrong("a number is larger than 64 bits"))?;
    *before = value;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, !(1 << bit)]) {
            let mut bytes = Vec::new();
            put(value, &mut bytes);
            let mut rest = &bytes[..];
            assert_eq!(take(&mut rest), Ok(value));
            assert!(rest.is_empty());
            assert!(take(&mut &bytes[..bytes.len() - 1]).is_err());
        }
        assert!(take(&mut &[0xff; 12][..]).is_err());
        let too_large = [[0xff; 9].as_slice(), &[2]].concat();
        assert!(take(&mut &too_large[..]).is_err());
    }
}
