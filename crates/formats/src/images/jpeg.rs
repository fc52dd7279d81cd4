//! JPEG (ITU-T T.81): from SOI through a frame and a scan to EOI. Stray bytes between segments pass, as decoders let them.

use super::walk::{Layout, Step, big, whole};
use super::{Flaw, ImageSize};

#[derive(Default)]
pub(super) struct Jpeg {
    state: State,
    marker: u8,
    seen_frame: bool,
    seen_scan: bool,
    size: Option<ImageSize>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Start,
    /// Something that is no part of a segment; ends with 0xFF.
    Between,
    /// The byte behind 0xFF.
    Marker,
    Length,
    /// The first bytes of a frame header, and how many bytes follow them.
    Frame(u64),
    Segment,
}

impl Layout for Jpeg {
    fn first(&self) -> usize {
        2
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        match self.state {
            State::Start | State::Segment => Ok(self.go(State::Between, Step::Until(0xFF))),
            State::Between => Ok(self.go(State::Marker, Step::Take(1))),
            State::Marker => self.marker(bytes[0]),
            State::Length => self.length(big(bytes)),
            State::Frame(rest) => self.frame(bytes, rest),
        }
    }

    fn end(&self, _total: u64, done: bool) -> Result<(), Flaw> {
        whole(done, "is a truncated JPEG: it ends before its EOI marker")
    }

    fn size(&self) -> Option<ImageSize> {
        self.size
    }
}

impl Jpeg {
    const fn go(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    fn marker(&mut self, marker: u8) -> Result<Step, Flaw> {
        self.marker = marker;
        match marker {
            // A fill byte: the marker is still to come.
            0xFF => Ok(Step::Take(1)),
            // An escaped 0xFF inside a scan, a restart, or TEM: nothing follows that belongs to it.
            0x00 | 0x01 | 0xD0..=0xD7 => Ok(self.go(State::Between, Step::Until(0xFF))),
            0xD8 => Err("is a damaged JPEG: it has a second SOI marker".into()),
            0xD9 if self.seen_frame && self.seen_scan => Ok(Step::Done),
            0xD9 => Err("is a damaged JPEG: it ends without an image".into()),
            _ => Ok(self.go(State::Length, Step::Take(2))),
        }
    }

    fn length(&mut self, length: u32) -> Result<Step, Flaw> {
        const IN_FRAME: u64 = 5;
        let Some(body) = u64::from(length).checked_sub(2) else {
            return Err("is a damaged JPEG: a segment is shorter than its own length".into());
        };
        match self.marker {
            // SOF0 to SOF15 without DHT, JPG and DAC.
            0xC0..=0xCF if !matches!(self.marker, 0xC4 | 0xC8 | 0xCC) => {
                let rest = body.checked_sub(IN_FRAME);
                let rest = rest.ok_or_else(|| {
                    Flaw::from("is a damaged JPEG: its frame header is too short")
                })?;
                return Ok(self.go(State::Frame(rest), Step::Take(5)));
            }
            0xDA if !self.seen_frame => {
                return Err("is a damaged JPEG: its data begins before its frame header".into());
            }
            0xDA => self.seen_scan = true,
            _ => {}
        }
        Ok(self.go(State::Segment, Step::Skip(body)))
    }

    /// The height may be 0: then the scan says it (DNL).
    fn frame(&mut self, bytes: &[u8], rest: u64) -> Result<Step, Flaw> {
        if big(&bytes[3..5]) == 0 {
            return Err("is a damaged JPEG: its width is 0".into());
        }
        let (height, width) = (big(&bytes[1..3]), big(&bytes[3..5]));
        if height > 0 {
            self.size = Some(ImageSize::checked(width, height)?);
        }
        self.seen_frame = true;
        Ok(self.go(State::Segment, Step::Skip(rest)))
    }
}
