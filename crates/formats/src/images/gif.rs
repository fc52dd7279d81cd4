//! GIF (87a and 89a): every block is whole, there is an image, and the trailer ends it.

use super::walk::{Layout, Step, little, whole};
use super::{Flaw, ImageSize};

#[derive(Default)]
pub(super) struct Gif {
    state: State,
    images: u32,
    size: Option<ImageSize>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Screen,
    /// A colour table has passed; a block begins.
    BeforeBlock,
    Block,
    ExtensionLabel,
    Image,
    /// A local colour table has passed; the code size comes.
    BeforeCodeSize,
    CodeSize,
    /// A sub-block has passed; the next one's length comes.
    BeforeLength,
    Length,
}

impl Layout for Gif {
    fn first(&self) -> usize {
        13
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        Ok(match self.state {
            State::Screen => {
                self.size = Some(ImageSize::checked(little(&bytes[6..8]), little(&bytes[8..10]))?);
                self.go(State::BeforeBlock, Step::Skip(table(bytes[10])))
            }
            State::BeforeBlock => self.go(State::Block, Step::Take(1)),
            State::Block => return self.block(bytes[0]),
            State::ExtensionLabel | State::CodeSize | State::BeforeLength => {
                self.go(State::Length, Step::Take(1))
            }
            State::Image => self.go(State::BeforeCodeSize, Step::Skip(table(bytes[8]))),
            State::BeforeCodeSize => self.go(State::CodeSize, Step::Take(1)),
            State::Length if bytes[0] == 0 => self.go(State::Block, Step::Take(1)),
            State::Length => self.go(State::BeforeLength, Step::Skip(u64::from(bytes[0]))),
        })
    }

    fn end(&self, _total: u64, done: bool) -> Result<(), Flaw> {
        whole(done, "is a truncated GIF: it ends before its trailer")
    }

    fn size(&self) -> Option<ImageSize> {
        self.size
    }
}

impl Gif {
    const fn go(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    fn block(&mut self, introducer: u8) -> Result<Step, Flaw> {
        match introducer {
            0x21 => Ok(self.go(State::ExtensionLabel, Step::Take(1))),
            0x2C => {
                self.images = self.images.saturating_add(1);
                Ok(self.go(State::Image, Step::Take(9)))
            }
            0x3B if self.images > 0 => Ok(Step::Done),
            0x3B => Err("is a damaged GIF: it holds no image".into()),
            _ => Err("is a damaged GIF: a block begins with nonsense".into()),
        }
    }
}

/// The bytes of the colour table that a flags byte announces.
const fn table(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
