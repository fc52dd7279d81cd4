//! WebP (RFC 9649): the RIFF file is as long as it says, every chunk lies in it, and there is an image.

use super::walk::{Layout, Step, little, whole};
use super::{Flaw, ImageSize};

#[derive(Default)]
pub(super) struct WebP {
    state: State,
    /// How many bytes of the RIFF file are left.
    left: u64,
    seen_image: bool,
    size: Option<ImageSize>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    File,
    ChunkHead,
    /// The first bytes of the first chunk, which tell the size; so many follow them.
    FirstChunk(Chunk, u64),
    ChunkBody,
}

/// What the first chunk may be.
#[derive(Clone, Copy)]
enum Chunk {
    /// A key frame of VP8 (RFC 6386, 9.1).
    Lossy,
    Lossless,
    /// A canvas, on which the chunks that follow are put.
    Extended,
}

impl Chunk {
    const fn of(kind: &[u8]) -> Option<Self> {
        match kind {
            b"VP8 " => Some(Self::Lossy),
            b"VP8L" => Some(Self::Lossless),
            b"VP8X" => Some(Self::Extended),
            _ => None,
        }
    }

    /// The size that the chunk's first ten bytes tell.
    fn size(self, bytes: &[u8]) -> Result<ImageSize, Flaw> {
        const SIDE: u32 = 0x3FFF;
        let (width, height) = match self {
            Self::Lossy if bytes[3..6] != [0x9D, 0x01, 0x2A] => {
                return Err("is a damaged WebP: its image does not begin like one".into());
            }
            Self::Lossy => (little(&bytes[6..8]) & SIDE, little(&bytes[8..10]) & SIDE),
            Self::Lossless if bytes[0] != 0x2F => {
                return Err("is a damaged WebP: its image does not begin like one".into());
            }
            Self::Lossless => {
                let sides = little(&bytes[1..5]);
                ((sides & SIDE) + 1, (sides >> 14 & SIDE) + 1)
            }
            Self::Extended => (little(&bytes[4..7]) + 1, little(&bytes[7..10]) + 1),
        };
        ImageSize::checked(width, height)
    }
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
            State::FirstChunk(chunk, rest) => {
                self.size = Some(chunk.size(bytes)?);
                self.state = State::ChunkBody;
                Ok(Step::Skip(rest))
            }
            State::ChunkBody => self.chunk_or_end(),
        }
    }

    fn end(&self, _total: u64, done: bool) -> Result<(), Flaw> {
        whole(done, "is a truncated WebP: it ends before its last chunk does")
    }

    fn size(&self) -> Option<ImageSize> {
        self.size
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
        self.seen_image |= matches!(kind, b"VP8 " | b"VP8L" | b"ANMF");
        let size = u64::from(little(&bytes[4..8]));
        // The padding byte of an odd chunk may be missing at the very end.
        let left = self.left - 8;
        if size > left {
            return Err("is a damaged WebP: a chunk does not fit into the file".into());
        }
        let passing = (size + size % 2).min(left);
        self.left = left - passing;
        if self.size.is_some() {
            self.state = State::ChunkBody;
            return Ok(Step::Skip(passing));
        }
        self.first_chunk(kind, passing)
    }

    fn first_chunk(&mut self, kind: &[u8], passing: u64) -> Result<Step, Flaw> {
        const TELLING: u64 = 10;
        let Some(chunk) = Chunk::of(kind) else {
            return Err("is a damaged WebP: its first chunk is no image".into());
        };
        let Some(rest) = passing.checked_sub(TELLING) else {
            return Err("is a damaged WebP: its first chunk is too short".into());
        };
        self.state = State::FirstChunk(chunk, rest);
        Ok(Step::Take(10))
    }
}
