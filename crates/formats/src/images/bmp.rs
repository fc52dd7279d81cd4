//! BMP: the headers make sense and the pixels that they announce are there.

use super::walk::{Layout, Step, little};
use super::{Flaw, ImageSize};

#[derive(Default)]
pub(super) struct Bmp {
    state: State,
    /// How long the file has to be at least.
    needed: u64,
    offset: u64,
    size: Option<ImageSize>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    File,
    CoreHeader,
    InfoHeader,
}

impl Layout for Bmp {
    /// The file header and the size of the header that follows it.
    fn first(&self) -> usize {
        18
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        match self.state {
            State::File => {
                self.offset = u64::from(little(&bytes[10..14]));
                match little(&bytes[14..18]) {
                    12 => Ok(self.go(State::CoreHeader, Step::Take(8))),
                    40 | 52 | 56 | 64 | 108 | 124 => Ok(self.go(State::InfoHeader, Step::Take(20))),
                    _ => Err("is a damaged BMP: its header has an unknown size".into()),
                }
            }
            State::CoreHeader => {
                let (width, height) = (little(&bytes[..2]), little(&bytes[2..4]));
                self.pixels(width, height, little(&bytes[6..8]), None)
            }
            State::InfoHeader => {
                let width = little(&bytes[..4]);
                // Negative: the rows are stored from the top down.
                let height = little(&bytes[4..8]).cast_signed().unsigned_abs();
                let stored = match little(&bytes[12..16]) {
                    0 | 3 | 6 => None,
                    1 | 2 => Some(little(&bytes[16..20])),
                    _ => return Err("is a BMP with an unknown compression".into()),
                };
                self.pixels(width, height, little(&bytes[10..12]), stored)
            }
        }
    }

    fn end(&self, total: u64, done: bool) -> Result<(), Flaw> {
        if !done || total < self.needed {
            return Err("is a truncated BMP: it ends before its last pixel".into());
        }
        Ok(())
    }

    fn size(&self) -> Option<ImageSize> {
        self.size
    }
}

impl Bmp {
    const fn go(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    fn pixels(
        &mut self,
        width: u32,
        height: u32,
        depth: u32,
        stored: Option<u32>,
    ) -> Result<Step, Flaw> {
        if width == 0 || width > i32::MAX.cast_unsigned() || height == 0 {
            return Err("is a damaged BMP: its width or height makes no sense".into());
        }
        if !matches!(depth, 1 | 2 | 4 | 8 | 16 | 24 | 32) {
            return Err("is a damaged BMP: its colour depth makes no sense".into());
        }
        self.size = Some(ImageSize::checked(width, height)?);
        let row = (u64::from(width) * u64::from(depth)).div_ceil(32) * 4;
        let size = stored.map_or(row.saturating_mul(u64::from(height)), u64::from);
        self.needed = self.offset.saturating_add(size);
        Ok(Step::Done)
    }
}
