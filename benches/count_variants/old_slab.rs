//! Where uid bytes lie: pages of equal cells, one list of pages for each cell size.
//!
//! A cell never moves, pages are never freed, and a freed cell is the next one given out, so years
//! of users coming and going do not fragment it and no growth copies anything. A uid loses at most
//! half of its length to its cell (a third from 16 bytes on).

use headcount::limits::UID_BYTES_MAX;

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
    number: u32,
    len: u16,
}

#[derive(Debug, Default)]
struct Class {
    pages: Vec<Box<[u8]>>,
    cells: u32,
    free: Vec<u32>,
}

/// Bytes by cells.
#[derive(Debug, Default)]
pub struct Slab {
    classes: [Class; CELL_BYTES.len()],
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

    /// Keeps a copy of at most [`UID_BYTES_MAX`] bytes.
    pub fn keep(&mut self, bytes: &[u8]) -> Cell {
        let class_index = usize::from(CLASS_OF[bytes.len()]);
        let class = &mut self.classes[class_index];
        let number = class.free.pop().unwrap_or_else(|| {
            let number = class.cells;
            class.cells += 1;
            if number as usize / cells_a_page(class_index) == class.pages.len() {
                class.pages.push(vec![0; PAGE_BYTES].into_boxed_slice());
            }
            number
        });
        let len = u16::try_from(bytes.len()).expect("UID_BYTES_MAX fits 16 bits");
        let cell = Cell { number, len };
        let (page, at) = place(class_index, number);
        class.pages[page][at..at + bytes.len()].copy_from_slice(bytes);
        cell
    }

    /// The bytes of a cell.
    #[inline]
    pub fn get(&self, cell: Cell) -> &[u8] {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        let (page, at) = place(class_index, cell.number);
        &self.classes[class_index].pages[page][at..at + usize::from(cell.len)]
    }

    pub fn prefetch(&self, cell: Cell) {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        let (page, at) = place(class_index, cell.number);
        crate::variants::ask(&self.classes[class_index].pages[page][at]);
    }

    /// Gives a cell back.
    pub fn free(&mut self, cell: Cell) {
        let class_index = usize::from(CLASS_OF[usize::from(cell.len)]);
        self.classes[class_index].free.push(cell.number);
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
