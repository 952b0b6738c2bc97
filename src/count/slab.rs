//! Where uid bytes lie: pages of equal cells, one list of pages for each cell size.
//!
//! A cell never moves, pages are never freed, and a freed cell is the next one given out (the chain
//! of free cells runs through the cells), so years of users coming and going do not fragment it and
//! no growth copies anything. A uid loses at most
//! half of its length to its cell (a third from 16 bytes on).

use super::budget::{Budget, NoRoom};
use crate::limits::UID_BYTES_MAX;
use crate::prefetch::prefetch;

/// The cell sizes, bytes.
const CELL_BYTES: [usize; 14] = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
const PAGE_BYTES: usize = 64 * 1024;

const _: () = assert!(CELL_BYTES[CELL_BYTES.len() - 1] == UID_BYTES_MAX);

/// For each length the index of its cell size.
const CLASS_OF: [u8; UID_BYTES_MAX + 1] = {
    let mut class_of = [0; UID_BYTES_MAX + 1];
    let (mut len, mut class) = (0, 0u8);
    while len <= UID_BYTES_MAX {
        if len > CELL_BYTES[class as usize] {
            class += 1;
        }
        class_of[len] = class;
        len += 1;
    }
    class_of
};

/// Where some bytes lie; meaningful only to the slab that gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Which cell of its size.
    pub number: u32,
    /// Bytes of the uid; they tell the size.
    pub len: u16,
}

/// In place of a cell's number: none.
const NO_CELL: u32 = u32::MAX;

#[derive(Debug)]
struct Class {
    pages: Vec<Box<[u8]>>,
    cells: u32,
    /// The cell freed last; each free cell holds the number of the one freed before it.
    free: u32,
}

impl Default for Class {
    fn default() -> Class {
        Class { pages: Vec::new(), cells: 0, free: NO_CELL }
    }
}

/// Bytes by cells.
#[derive(Debug, Default)]
pub struct Slab {
    classes: [Class; CELL_BYTES.len()],
    /// Cells ever given out.
    cells: u64,
}

impl Slab {
    /// An empty slab.
    pub fn new() -> Slab {
        Slab::default()
    }

    /// Bytes that a uid of this length takes.
    pub fn bytes_for(uid_bytes: u64) -> u64 {
        let len = usize::try_from(uid_bytes).unwrap_or(UID_BYTES_MAX).min(UID_BYTES_MAX);
        CELL_BYTES[usize::from(CLASS_OF[len])] as u64
    }

    /// Keeps a copy of at most [`UID_BYTES_MAX`] bytes, if there is room.
    pub fn keep(&mut self, bytes: &[u8], budget: &mut Budget) -> Result<Cell, NoRoom> {
        let class_index = usize::from(CLASS_OF[bytes.len()]);
        let class = &mut self.classes[class_index];
        let number = class.free;
        let number = if number == NO_CELL {
            let number = class.cells;
            if number as usize / cells_a_page(class_index) == class.pages.len() {
                budget.take(PAGE_BYTES)?;
                class.pages.push(vec![0; PAGE_BYTES].into_boxed_slice());
            }
            class.cells += 1;
            self.cells += 1;
            number
        } else {
            let (page, at) = place(class_index, number);
            let next = class.pages[page][at..].first_chunk();
            class.free = next.map_or(NO_CELL, |&next| u32::from_le_bytes(next));
            number
        };
        let len = u16::try_from(bytes.len()).expect("UID_BYTES_MAX fits 16 bits");
        let cell = Cell { number, len };
        let (page, at) = place(class_index, number);
        class.pages[page][at..at + bytes.len()].copy_from_slice(bytes);
        Ok(cell)
    }

    /// Whether it never held anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    /// Asks for the beginning of a cell.
    #[inline]
    pub fn prefetch(&self, cell: Cell) {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        let (page, at) = place(class_index, cell.number);
        prefetch(&self.classes[class_index].pages[page][at]);
    }

    /// The bytes of a cell.
    #[inline]
    pub fn get(&self, cell: Cell) -> &[u8] {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        let (page, at) = place(class_index, cell.number);
        &self.classes[class_index].pages[page][at..at + usize::from(cell.len)]
    }

    /// Cells ever given out.
    #[cfg(test)]
    pub(super) fn cells(&self) -> u64 {
        self.cells
    }

    /// Gives a cell back.
    pub fn free(&mut self, cell: Cell) {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        let class = &mut self.classes[class_index];
        let (page, at) = place(class_index, cell.number);
        let next = std::mem::replace(&mut class.free, cell.number);
        class.pages[page][at..at + size_of::<u32>()].copy_from_slice(&next.to_le_bytes());
    }
}

fn cells_a_page(class_index: usize) -> usize {
    PAGE_BYTES / CELL_BYTES[class_index]
}

#[inline]
fn place(class_index: usize, number: u32) -> (usize, usize) {
    let (cells, number) = (cells_a_page(class_index), number as usize);
    (number / cells, number % cells * CELL_BYTES[class_index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(slab: &mut Slab, bytes: &[u8]) -> Cell {
        slab.keep(bytes, &mut Budget::new(u64::MAX)).unwrap()
    }

    #[test]
    fn every_length_comes_back_whole_and_cells_are_used_again() {
        let mut slab = Slab::new();
        let text =
            |len: usize| -> Vec<u8> { (0u8..=250).cycle().skip(len % 251).take(len).collect() };
        let mut cells: Vec<Cell> =
            (0..=UID_BYTES_MAX).map(|len| keep(&mut slab, &text(len))).collect();
        for round in 0..3 {
            for (len, cell) in cells.iter_mut().enumerate().skip(round).step_by(2) {
                assert_eq!(slab.get(*cell), text(len));
                slab.free(*cell);
                *cell = keep(&mut slab, &text(len));
            }
        }
        for (len, &cell) in cells.iter().enumerate() {
            assert_eq!(slab.get(cell), text(len));
        }
        let pages: usize = slab.classes.iter().map(|class| class.pages.len()).sum();
        assert!(pages <= CELL_BYTES.len() + 8, "{pages} pages for a thousand uids");
    }

    #[test]
    fn all_cells_given_back_are_given_out_again() {
        let mut slab = Slab::new();
        // Three pages of cells, given back together and in another order.
        let mut cells: Vec<Cell> =
            (0..=255u8).cycle().take(600).map(|n| keep(&mut slab, &[n; 300])).collect();
        cells.rotate_left(250);
        cells.iter().for_each(|&cell| slab.free(cell));
        let again: Vec<Cell> =
            (0..=255u8).cycle().take(600).map(|n| keep(&mut slab, &[!n; 300])).collect();
        assert_eq!(slab.cells(), 600);
        for (n, &cell) in (0..=255u8).cycle().zip(&again) {
            assert_eq!(slab.get(cell), [!n; 300]);
        }
    }

    #[test]
    fn a_class_is_the_smallest_that_fits() {
        for (len, &class) in CLASS_OF.iter().enumerate() {
            let class = usize::from(class);
            assert!(len <= CELL_BYTES[class]);
            assert!(class == 0 || len > CELL_BYTES[class - 1]);
        }
    }
}
