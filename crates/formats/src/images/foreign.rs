//! What a file holds that is named as an image and does not begin like one.
//!
//! Promise: what is recognized is named, with the remedy. The first twelve bytes tell.

use super::{Flaw, ImageKind};

/// The flaw of a file with this beginning.
pub(super) fn flaw(promised: ImageKind, head: &[u8]) -> Flaw {
    let what = match head {
        b"version http" => "is a pointer of Git LFS, not the image: run `git lfs pull`",
        [0, 5, 0x16, 7, ..] => "is an AppleDouble file, which macOS leaves behind: leave it out",
        _ => return named_as(promised, head),
    };
    what.into()
}

fn named_as(promised: ImageKind, head: &[u8]) -> Flaw {
    let content = match head {
        b"\0\0\0\0\0\0\0\0\0\0\0\0" => "holds only zero bytes: copy it again",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "holds a TIFF image: convert it",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => {
            "holds an AVIF image: convert it"
        }
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => "holds a HEIC image: convert it",
        [0, 0, 0, 12, b'j', b'P', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => {
            "holds a JPEG 2000 image: convert it"
        }
        [b'P', b'1'..=b'7', b'\n' | b' ', ..] => "holds a PNM image: convert it",
        [b'P', b'K', 3, 4, ..] => "holds a zip archive: unpack it",
        [b'%', b'P', b'D', b'F', ..] => "holds a PDF: export its pages as images",
        _ if is_markup(head) => {
            "holds a web page or other markup, perhaps of a download that failed: fetch it again"
        }
        _ => "does not begin like one",
    };
    let joint = if content.starts_with("does") { "but" } else { "and" };
    Flaw(format!("is named as a {promised} image {joint} {content}"))
}

fn is_markup(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let head = head.to_ascii_lowercase();
    [&b"<!doc"[..], b"<html", b"<?xml", b"<svg", b"<!--"].iter().any(|one| head.starts_with(one))
}
