//! Leads the bytes of a file, in whatever pieces they come, through the layout of an image format.

use super::{Flaw, ImageSize};

/// What a layout wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Exactly so many bytes, together. Few.
    Take(usize),
    /// Let so many bytes pass.
    Skip(u64),
    /// Let everything pass up to and including the next such byte.
    Until(u8),
    /// The image is whole; whatever follows is no part of it.
    Done,
}

/// The layout of one format. It begins with `Take(first)`.
pub(super) trait Layout: Send {
    /// How many bytes it wants to see first.
    fn first(&self) -> usize;
    /// A step is done. `bytes` are those that `Take` asked for, the one that `Until` found, none after `Skip`.
    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw>;
    /// Bytes that pass during `Skip`.
    fn passing(&mut self, _bytes: &[u8]) {}
    /// The file has ended after `total` bytes; `done` tells whether the layout had said so.
    fn end(&self, total: u64, done: bool) -> Result<(), Flaw>;
    /// How big the image is, once its header has passed.
    fn size(&self) -> Option<ImageSize>;
}

pub(super) struct Walk {
    layout: Box<dyn Layout>,
    step: Step,
    held: Vec<u8>,
}

impl Walk {
    pub(super) fn new(layout: Box<dyn Layout>) -> Self {
        let step = Step::Take(layout.first());
        Self { layout, step, held: Vec::new() }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Flaw> {
        while !bytes.is_empty() && self.step != Step::Done {
            let used = self.step(bytes)?;
            bytes = &bytes[used..];
        }
        Ok(())
    }

    pub(super) fn finish(self, total: u64) -> Result<Option<ImageSize>, Flaw> {
        self.layout.end(total, self.step == Step::Done)?;
        Ok(self.layout.size())
    }

    /// Goes one step, or as far as the bytes reach; says how many it used.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        match self.step {
            Step::Take(count) => {
                let used = bytes.len().min(count - self.held.len());
                self.held.extend_from_slice(&bytes[..used]);
                if self.held.len() == count {
                    let next = self.layout.next(&self.held)?;
                    self.held.clear();
                    self.enter(next)?;
                }
                Ok(used)
            }
            Step::Skip(count) => {
                let used = usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len());
                self.layout.passing(&bytes[..used]);
                self.enter(Step::Skip(count - used as u64))?;
                Ok(used)
            }
            Step::Until(wanted) => match bytes.iter().position(|byte| *byte == wanted) {
                None => Ok(bytes.len()),
                Some(at) => {
                    let next = self.layout.next(&bytes[at..=at])?;
                    self.enter(next)?;
                    Ok(at + 1)
                }
            },
            Step::Done => Ok(bytes.len()),
        }
    }

    /// Steps that need no bytes are over at once: the file may end here.
    fn enter(&mut self, mut step: Step) -> Result<(), Flaw> {
        while matches!(step, Step::Skip(0) | Step::Take(0)) {
            step = self.layout.next(&[])?;
        }
        self.step = step;
        Ok(())
    }
}

/// What an image is that has to be done when its file ends.
pub(super) fn whole(done: bool, otherwise: &str) -> Result<(), Flaw> {
    if done { Ok(()) } else { Err(otherwise.into()) }
}

/// Reads a big-endian number.
pub(super) fn big(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Reads a little-endian number.
pub(super) fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
