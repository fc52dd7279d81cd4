//! Real images pass in any pieces; every truncation and the usual damages are named.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::ImageKind::{Bmp, Gif, Jpeg, Png, WebP};
use super::*;

const WHOLE: &[(&str, &[u8])] = &[
    ("rgb.png", include_bytes!("samples/rgb.png")),
    ("palette.png", include_bytes!("samples/palette.png")),
    ("baseline.jpg", include_bytes!("samples/baseline.jpg")),
    ("progressive.jpg", include_bytes!("samples/progressive.jpg")),
    ("grey.jpeg", include_bytes!("samples/grey.jpeg")),
    ("still.gif", include_bytes!("samples/still.gif")),
    ("moving.gif", include_bytes!("samples/moving.gif")),
    ("rgb.bmp", include_bytes!("samples/rgb.bmp")),
    ("mono.bmp", include_bytes!("samples/mono.bmp")),
    ("lossy.webp", include_bytes!("samples/lossy.webp")),
    ("lossless.webp", include_bytes!("samples/lossless.webp")),
    ("moving.webp", include_bytes!("samples/moving.webp")),
];

/// Of each of them.
const SIZE: Option<ImageSize> = Some(ImageSize { width: 24, height: 17 });

fn named(name: &str) -> ImageCheck {
    let extension = name.rsplit('.').next().unwrap_or_default();
    ImageCheck::new(ImageKind::of_extension(extension).unwrap_or(Png))
}

fn verdict(name: &str, bytes: &[u8], piece: usize) -> Result<Option<ImageSize>, Flaw> {
    let mut check = named(name);
    bytes.chunks(piece).try_for_each(|piece| check.feed(piece))?;
    check.finish()
}

fn whole(name: &str) -> Vec<u8> {
    WHOLE
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| bytes.to_vec())
        .unwrap_or_default()
}

/// The image with the bytes at `at` replaced.
fn with(name: &str, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = whole(name);
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image
}

#[test]
fn whole_images_pass_in_pieces_of_any_size() {
    for (name, bytes) in WHOLE {
        for piece in [1, 2, 3, 7, 64, bytes.len()] {
            assert_eq!(verdict(name, bytes, piece), Ok(SIZE), "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for (name, bytes) in WHOLE {
        for length in 0..bytes.len() {
            assert!(
                verdict(name, &bytes[..length], 64).is_err(),
                "{name} cut to {length} bytes passed"
            );
        }
    }
}

#[test]
fn bytes_behind_the_end_are_no_damage() {
    for (name, bytes) in WHOLE {
        assert_eq!(verdict(name, &[bytes, b"padding".as_slice()].concat(), 64), Ok(SIZE), "{name}");
    }
}

#[test]
fn an_image_of_another_kind_is_checked_as_what_it_is() {
    for (name, bytes) in WHOLE {
        for promised in ImageKind::ALL {
            let mut check = ImageCheck::new(promised);
            assert_eq!(check.feed(bytes), Ok(()), "{name} named as a {promised}");
            let own = name.rsplit('.').next().and_then(ImageKind::of_extension);
            assert_eq!(check.other_kind(), own.filter(|own| *own != promised), "{name} {promised}");
            assert_eq!(check.finish(), Ok(SIZE), "{name} named as a {promised}");
        }
    }
    let cut = &whole("still.gif")[..40];
    let problem = Flaw::from("is a truncated GIF: it ends before its trailer");
    assert_eq!(verdict("a.png", cut, 64), Err(problem));
}

#[test]
fn every_flipped_bit_of_a_png_chunk_is_found() {
    let image = whole("rgb.png");
    for at in 8..image.len() {
        let mut damaged = image.clone();
        damaged[at] ^= 0x10;
        assert!(verdict("a.png", &damaged, 64).is_err(), "byte {at} flipped and not found");
    }
}

#[test]
fn damages_are_named() {
    for (name, bytes, problem) in damages_of_png_and_jpeg().into_iter().chain(other_damages()) {
        assert_eq!(verdict(name, &bytes, 5), Err(Flaw::from(problem)), "{name}: {problem}");
    }
}

fn damages_of_png_and_jpeg() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("a.png", Vec::new(), "is empty"),
        ("a.png", b"\x89PNG".to_vec(), "is too short to be an image (4 bytes)"),
        (
            "a.png",
            b"just some text".to_vec(),
            "is named as a PNG image but does not begin like one",
        ),
        (
            "a.jpg",
            b"<!DOCTYPE html><html>".to_vec(),
            "is named as a JPEG image and holds a web page or other markup, perhaps of a download that failed: fetch it again",
        ),
        (
            "a.jpg",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "is a pointer of Git LFS, not the image: run `git lfs pull`",
        ),
        (
            "a.jpg",
            b"II*\0________".to_vec(),
            "is named as a JPEG image and holds a TIFF image: convert it",
        ),
        (
            "a.jpg",
            b"\0\0\0\x18ftypheic".to_vec(),
            "is named as a JPEG image and holds a HEIC image: convert it",
        ),
        ("a.png", vec![0; 40], "is named as a PNG image and holds only zero bytes: copy it again"),
        (
            "a.png",
            with("rgb.png", 12, b"IDAT"),
            "is a damaged PNG: it does not begin with one IHDR chunk",
        ),
        (
            "a.png",
            with("rgb.png", 45, b"\x00"),
            "is a damaged PNG: the checksum of its IDAT chunk is wrong",
        ),
        (
            "a.png",
            whole("rgb.png")[..60].to_vec(),
            "is a truncated PNG: it ends before its IEND chunk",
        ),
        (
            "a.jpg",
            b"\xff\xd8\xff\xd9________".to_vec(),
            "is a damaged JPEG: it ends without an image",
        ),
        (
            "a.jpg",
            b"\xff\xd8\xff\xe0\0\0______".to_vec(),
            "is a damaged JPEG: a segment is shorter than its own length",
        ),
        (
            "a.jpg",
            whole("baseline.jpg")[..300].to_vec(),
            "is a truncated JPEG: it ends before its EOI marker",
        ),
    ]
}

fn other_damages() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("a.gif", b"GIF89a\0\0\0\0\0\0\0\x3b".to_vec(), "is a damaged GIF: it holds no image"),
        (
            "a.gif",
            b"GIF89a\0\0\0\0\0\0\0\x07".to_vec(),
            "is a damaged GIF: a block begins with nonsense",
        ),
        ("a.bmp", with("rgb.bmp", 14, &[9]), "is a damaged BMP: its header has an unknown size"),
        ("a.bmp", with("rgb.bmp", 28, &[5]), "is a damaged BMP: its colour depth makes no sense"),
        ("a.bmp", with("rgb.bmp", 22, &[255]), "is a truncated BMP: it ends before its last pixel"),
        (
            "a.webp",
            with("lossy.webp", 12, b"JUNK"),
            "is a damaged WebP: its first chunk is no image",
        ),
        (
            "a.webp",
            with("lossy.webp", 16, &[255, 255]),
            "is a damaged WebP: a chunk does not fit into the file",
        ),
    ]
}

#[test]
fn images_that_would_burst_their_reader_are_refused() {
    let huge = [0xFF, 0xFF, 0xFF, 0x00];
    for (name, at, bytes) in [
        ("rgb.png", 16, &[0, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF][..]),
        ("baseline.jpg", 0, &[]),
        ("still.gif", 6, &[0xFF; 4]),
        ("rgb.bmp", 18, &[huge, huge].concat()),
        ("moving.webp", 24, &[0xFF; 6]),
    ] {
        let mut image = with(name, at, bytes);
        if name == "baseline.jpg" {
            let frame = image.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap_or_default();
            image[frame + 5..frame + 9].fill(0xFF);
        }
        let flaw = verdict(name, &image, 64).map_or_else(|flaw| flaw.0, |_| "passed".to_owned());
        assert!(flaw.starts_with("is too big: "), "{name}: {flaw}");
        assert!(flaw.ends_with("; 268435456 pixels are allowed"), "{name}: {flaw}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn random_damage_is_borne(image in 0..WHOLE.len(), damage in vec((any::<Index>(), any::<u8>()), 1..6), piece in 1..64_usize) {
        let (name, bytes) = WHOLE[image];
        let mut bytes = bytes.to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Some(size)) = verdict(name, &bytes, piece) {
            prop_assert!(u64::from(size.width) * u64::from(size.height) <= MAX_PIXELS);
        }
    }
}

#[test]
fn names_promise_kinds() {
    let kinds = ["PNG", "Jpg", "jpeg", "gif", "bmp", "webp", "tiff", "txt", ""]
        .map(ImageKind::of_extension);
    let expected =
        [Some(Png), Some(Jpeg), Some(Jpeg), Some(Gif), Some(Bmp), Some(WebP), None, None, None];
    assert_eq!(kinds, expected);
}
