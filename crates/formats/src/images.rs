//! Tells whether a file is a whole image, while its bytes pass by.
//!
//! Promise: constant memory whatever the file's size, and every refusal says what is wrong. Pixels are not decoded: a file can be
//! whole and still hold nonsense where its compressed data is.

mod bmp;
mod foreign;
mod gif;
mod jpeg;
mod png;
mod walk;
mod webp;

#[cfg(test)]
mod tests;

use std::fmt;

use walk::{Layout, Walk};

/// What is wrong with an image, as a sentence that goes behind the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw(pub(crate) String);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most name their remedy.
        let remedies = ["convert it", "copy it", "fetch it", "git lfs"];
        let has_remedy = remedies.iter().any(|remedy| self.0.contains(remedy));
        let remedy = match has_remedy {
            true => "",
            false if self.0.starts_with("is too big") => "; make it smaller",
            false => "; copy it again, or leave it out",
        };
        write!(f, "{}{remedy}", self.0)
    }
}

impl From<&str> for Flaw {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The most pixels of an image. A small file can announce more than any reader's memory holds.
pub const MAX_PIXELS: u64 = 1 << 28;

/// How many pixels an image has, as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl ImageSize {
    fn checked(width: u32, height: u32) -> Result<Self, Flaw> {
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(Flaw(format!(
                "is too big: {width} x {height} pixels; {MAX_PIXELS} pixels are allowed"
            )));
        }
        Ok(Self { width, height })
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

/// The kinds of image that a dataset may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG, also the progressive kind.
    Jpeg,
    /// Graphics Interchange Format, also moving.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// WebP, also moving.
    WebP,
}

impl ImageKind {
    const ALL: [Self; 5] = [Self::Png, Self::Jpeg, Self::Gif, Self::Bmp, Self::WebP];

    /// The kind that a file's name promises.
    pub fn of_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| kind.extensions().contains(&extension.as_str()))
    }

    fn of_magic(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'B', b'M', ..] => Some(Self::Bmp),
            _ => None,
        }
    }

    const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Gif => &["gif"],
            Self::Bmp => &["bmp", "dib"],
            Self::WebP => &["webp"],
        }
    }

    fn layout(self) -> Box<dyn Layout> {
        match self {
            Self::Png => Box::new(png::Png::default()),
            Self::Jpeg => Box::new(jpeg::Jpeg::default()),
            Self::Gif => Box::new(gif::Gif::default()),
            Self::Bmp => Box::new(bmp::Bmp::default()),
            Self::WebP => Box::new(webp::WebP::default()),
        }
    }
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::WebP => "WebP",
        })
    }
}

/// Checks one file. Feed it every byte in order, then ask whether it is whole. A file whose extension is that of another kind is
/// checked as what it is: decoders go by the content.
pub struct ImageCheck {
    promised: ImageKind,
    found: Option<ImageKind>,
    total: u64,
    state: State,
}

enum State {
    /// Too few bytes yet to tell the kind.
    Head(Vec<u8>),
    Body(Walk),
}

/// So many bytes tell the kind of every image, and no whole image is shorter.
const HEAD: usize = 12;

impl ImageCheck {
    /// A check of a file whose name promises this kind.
    pub const fn new(promised: ImageKind) -> Self {
        Self { promised, found: None, total: 0, state: State::Head(Vec::new()) }
    }

    /// The next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Flaw> {
        self.total += bytes.len() as u64;
        if let State::Head(head) = &mut self.state {
            let (more, rest) = bytes.split_at(bytes.len().min(HEAD - head.len()));
            head.extend_from_slice(more);
            if head.len() < HEAD {
                return Ok(());
            }
            bytes = rest;
            let kind =
                ImageKind::of_magic(head).ok_or_else(|| foreign::flaw(self.promised, head))?;
            self.found = Some(kind);
            let mut walk = Walk::new(kind.layout());
            walk.feed(head)?;
            self.state = State::Body(walk);
        }
        match &mut self.state {
            State::Body(walk) => walk.feed(bytes),
            State::Head(_) => Ok(()),
        }
    }

    /// The kind that the content has where it is another one than the name promises.
    pub fn other_kind(&self) -> Option<ImageKind> {
        self.found.filter(|found| *found != self.promised)
    }

    /// After the last byte. Says how big the image is, unless only its compressed data would tell.
    pub fn finish(self) -> Result<Option<ImageSize>, Flaw> {
        match self.state {
            State::Head(head) if head.is_empty() => Err("is empty".into()),
            State::Head(head) => {
                Err(Flaw(format!("is too short to be an image ({} bytes)", head.len())))
            }
            State::Body(walk) => walk.finish(self.total),
        }
    }
}
