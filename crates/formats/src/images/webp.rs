//! WebP (RFC 9649): the RIFF file is as long as it says, every chunk lies in it, and there is an image.

use super::Flaw;
use super::walk::{Layout, Step, little, whole};

#[derive(Default)]
pub(super) struct WebP {
    state: State,
    /// How many bytes of the RIFF file are left.
    left: u64,
    seen_chunk: bool,
    seen_image: bool,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    File,
    ChunkHead,
    ChunkBody,
}

impl Layout for WebP {
    fn first(&self) -> usize {
        12
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        match self.state {
            State::File => {
                self.left = u64::from(little(&bytes[4..8])).saturating_sub(4);
                self.chunk_or_end()
            }
            State::ChunkHead => self.head(bytes),
            State::ChunkBody => self.chunk_or_end(),
        }
    }

    fn end(&self, _total: u64, done: bool) -> Result<(), Flaw> {
        whole(done, "is a truncated WebP: it ends before its last chunk does")
    }
}

impl WebP {
    fn chunk_or_end(&mut self) -> Result<Step, Flaw> {
        match self.left {
            0 if self.seen_image => Ok(Step::Done),
            0 => Err("is a damaged WebP: it holds no image".into()),
            1..8 => Err("is a damaged WebP: a chunk does not fit into the file".into()),
            _ => {
                self.state = State::ChunkHead;
                Ok(Step::Take(8))
            }
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        let kind = &bytes[..4];
        if !self.seen_chunk && !matches!(kind, b"VP8 " | b"VP8L" | b"VP8X") {
            return Err("is a damaged WebP: its first chunk is no image".into());
        }
        self.seen_chunk = true;
        self.seen_image |= matches!(kind, b"VP8 " | b"VP8L" | b"ANMF");
        let size = u64::from(little(&bytes[4..8]));
        // The padding byte of an odd chunk may be missing at the very end.
        let left = self.left - 8;
        if size > left {
            return Err("is a damaged WebP: a chunk does not fit into the file".into());
        }
        let passing = (size + size % 2).min(left);
        self.left = left - passing;
        self.state = State::ChunkBody;
        Ok(Step::Skip(passing))
    }
}
