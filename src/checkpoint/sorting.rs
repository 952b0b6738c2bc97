//! Sorting lists of numbers of which none may be there twice: by bits, one for each number between the least
//! and the largest, where they are dense. Of 60,000 out of a million that takes a tenth of the time of
//! comparing them.

/// Below one number in so many words of bits, comparing is less work than looking through them.
const WORDS_A_NUMBER: usize = 8;
/// Numbers of a word that are taken out in one go: one loop for most words, and few ends to guess.
const AT_ONCE: usize = 8;

/// The memory that sorting takes, used again by the next list.
#[derive(Debug, Default)]
pub struct Sorting {
    bits: Vec<u64>,
    ids: Vec<u32>,
}

impl Sorting {
    /// The numbers of all pieces, ascending; none if one is there twice.
    pub fn sorted<'p>(
        &mut self,
        pieces: impl Iterator<Item = &'p [u32]> + Clone,
    ) -> Option<&[u32]> {
        let (mut count, mut least, mut most) = (0, u32::MAX, 0);
        for piece in pieces.clone() {
            count += piece.len();
            least = piece.iter().copied().fold(least, u32::min);
            most = piece.iter().copied().fold(most, u32::max);
        }
        if count == 0 {
            return Some(&[]);
        }
        // Words begin at multiples of 64.
        let first = least - least % u64::BITS;
        let words = ((most - first) / u64::BITS) as usize + 1;
        if words <= count.saturating_mul(WORDS_A_NUMBER) {
            return self.by_bits(pieces, first, words, count);
        }
        self.ids.clear();
        pieces.for_each(|piece| self.ids.extend_from_slice(piece));
        // The stable one finds the runs that pieces are when segments are merged.
        self.ids.sort();
        self.ids.is_sorted_by(|a, b| a < b).then_some(&self.ids)
    }

    /// The same by bits, so many words of them, of which the first stands for `first` and those behind it.
    fn by_bits<'p>(
        &mut self,
        pieces: impl Iterator<Item = &'p [u32]>,
        first: u32,
        words: usize,
        count: usize,
    ) -> Option<&[u32]> {
        self.bits.clear();
        self.bits.resize(words, 0);
        for piece in pieces {
            for &id in piece {
                let bit = id - first;
                self.bits[(bit / u64::BITS) as usize] |= 1 << (bit % u64::BITS);
            }
        }
        // Behind the last number there is room for what is taken out of its word besides.
        if self.ids.len() < count + AT_ONCE {
            self.ids.resize(count + AT_ONCE, 0);
        }
        let mut end = 0;
        for (&word, first) in self.bits.iter().zip((first..).step_by(u64::BITS as usize)) {
            let mut rest = word;
            let mut at = end;
            end += word.count_ones() as usize;
            while at < end {
                let these: &mut [u32; AT_ONCE] = self.ids[at..].first_chunk_mut()?;
                for id in these {
                    *id = first.wrapping_add(rest.trailing_zeros());
                    rest &= rest.wrapping_sub(1);
                }
                at += AT_ONCE;
            }
        }
        (end == count).then(|| &self.ids[..count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_dense_or_not() {
        let mut sorting = Sorting { bits: vec![7; 3], ids: vec![7; 3] };
        let top = u32::MAX - 4099 * 1001;
        for start in [0, 1, 63, 64, 1_000_000, top] {
            for (count, step) in [(0, 1), (1, 1), (1, 5000), (1000, 1), (1000, 7), (1000, 4099)] {
                let sorted: Vec<u32> = (0..count).map(|n| start + n * step + step / 2).collect();
                let mut mixed = sorted.clone();
                mixed.reverse();
                mixed.rotate_left(sorted.len() / 3);
                let pieces = mixed.chunks(97).chain([&[][..]]);
                assert_eq!(sorting.sorted(pieces), Some(&sorted[..]), "{start} {count} {step}");
            }
        }
        assert_eq!(
            sorting.sorted([&[u32::MAX][..], &[u32::MAX - 1]].into_iter()).map(<[u32]>::len),
            Some(2)
        );
    }

    #[test]
    fn a_number_that_is_there_twice_is_noticed() {
        let mut sorting = Sorting::default();
        for step in [1, 3, 100_000] {
            let ids: Vec<u32> = (0..100).map(|n| n * step).collect();
            for twice in [0, 1, 50, 99] {
                let again = [ids[twice]];
                assert_eq!(
                    sorting.sorted([&ids[..], &again].into_iter()),
                    None,
                    "{twice} * {step}"
                );
            }
        }
    }
}
