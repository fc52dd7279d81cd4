//! PNG (ISO/IEC 15948): every chunk is whole and its checksum holds, from IHDR to IEND.

use super::walk::{Layout, Step, big, whole};
use super::{Flaw, ImageSize};

#[derive(Default)]
pub(super) struct Png {
    state: State,
    kind: [u8; 4],
    checksum: crc32fast::Hasher,
    seen_header: bool,
    seen_data: bool,
    size: Option<ImageSize>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Signature,
    ChunkHead,
    Header,
    ChunkBody,
    Checksum,
}

impl Layout for Png {
    fn first(&self) -> usize {
        8
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        match self.state {
            State::Signature => Ok(self.go(State::ChunkHead, Step::Take(8))),
            State::ChunkHead => self.head(bytes),
            State::Header => self.header(bytes),
            State::ChunkBody => Ok(self.go(State::Checksum, Step::Take(4))),
            State::Checksum => self.checksum(bytes),
        }
    }

    fn passing(&mut self, bytes: &[u8]) {
        self.checksum.update(bytes);
    }

    fn end(&self, _total: u64, done: bool) -> Result<(), Flaw> {
        whole(done, "is a truncated PNG: it ends before its IEND chunk")
    }

    fn size(&self) -> Option<ImageSize> {
        self.size
    }
}

impl Png {
    const fn go(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        let (length, kind) = bytes.split_at(4);
        self.kind.copy_from_slice(kind);
        self.checksum = crc32fast::Hasher::new();
        self.checksum.update(kind);
        let length = big(length);
        if !kind.iter().all(u8::is_ascii_alphabetic) || length > 0x7FFF_FFFF {
            return Err("is a damaged PNG: a chunk begins with nonsense".into());
        }
        match (&self.kind, self.seen_header) {
            (b"IHDR", false) if length == 13 => return Ok(self.go(State::Header, Step::Take(13))),
            (_, false) | (b"IHDR", true) => {
                return Err("is a damaged PNG: it does not begin with one IHDR chunk".into());
            }
            (b"IDAT", true) => self.seen_data = true,
            _ => {}
        }
        Ok(self.go(State::ChunkBody, Step::Skip(u64::from(length))))
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        self.checksum.update(bytes);
        self.seen_header = true;
        let (width, height) = (big(&bytes[..4]), big(&bytes[4..8]));
        if width == 0 || height == 0 {
            return Err("is a damaged PNG: its width or height is 0".into());
        }
        self.size = Some(ImageSize::checked(width, height)?);
        Ok(self.go(State::Checksum, Step::Take(4)))
    }

    fn checksum(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        if big(bytes) != self.checksum.clone().finalize() {
            let kind = String::from_utf8_lossy(&self.kind).into_owned();
            return Err(Flaw(format!(
                "is a damaged PNG: the checksum of its {kind} chunk is wrong"
            )));
        }
        match (&self.kind, self.seen_data) {
            (b"IEND", true) => Ok(Step::Done),
            (b"IEND", false) => Err("is a damaged PNG: it has no IDAT chunk".into()),
            _ => Ok(self.go(State::ChunkHead, Step::Take(8))),
        }
    }
}
