//! A stack of numbers in pages, so that growing moves nothing.

const PAGE_NUMBERS: usize = if cfg!(test) { 4 } else { 16 * 1024 };

/// Numbers, the last one in first out. Pages are kept when it shrinks.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pages: Vec<Box<[u32]>>,
    len: usize,
}

impl Stack {
    /// Puts one on top.
    #[inline]
    pub(super) fn push(&mut self, number: u32) {
        if self.len == self.pages.len() * PAGE_NUMBERS {
            self.pages.push(vec![0; PAGE_NUMBERS].into_boxed_slice());
        }
        self.pages[self.len / PAGE_NUMBERS][self.len % PAGE_NUMBERS] = number;
        self.len += 1;
    }

    /// Takes the top one.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<u32> {
        let number = self.peek(0)?;
        self.len -= 1;
        Some(number)
    }

    /// The one this many below the top.
    #[inline]
    pub(super) fn peek(&self, below: usize) -> Option<u32> {
        let at = self.len.checked_sub(below + 1)?;
        Some(self.pages[at / PAGE_NUMBERS][at % PAGE_NUMBERS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_in_first_out_over_many_pages() {
        let mut stack = Stack::default();
        for round in 0..3 {
            (0..100).for_each(|n| stack.push(n + round));
            assert_eq!((stack.peek(0), stack.peek(7)), (Some(99 + round), Some(92 + round)));
            (0..100).rev().for_each(|n| assert_eq!(stack.pop(), Some(n + round)));
            assert_eq!((stack.pop(), stack.peek(0)), (None, None));
        }
        assert_eq!(stack.pages.len(), 100usize.div_ceil(PAGE_NUMBERS));
    }
}
