//! Small valid datasets of each format, for tests and measurements.
//!
//! Promise: the same number gives the same bytes; no two images have the same bytes; every class is in use from three items on.

use std::fmt::Write as _;

/// A dataset: path and bytes of each file.
pub type Files = Vec<(String, Vec<u8>)>;

/// The classes of every dataset here, in order.
pub const CLASSES: [&str; 3] = ["cat", "dog", "ox"];

/// The side of every image here.
const SIDE: u32 = 8;

/// So many items in a folder of a class each, in turn; no splits.
pub fn image_folder(items: u32) -> Files {
    (0..items).map(|item| (format!("{}/{item:06}.png", class(item)), image(item))).collect()
}

/// So many items with a box each, in turn of each class; every fourth item is in val, the others are in train.
pub fn coco(items: u32) -> Files {
    let mut files: Files = (0..items)
        .map(|item| (format!("{}2017/{item:06}.png", split(item)), image(item)))
        .collect();
    for wanted in ["train", "val"] {
        let items: Vec<u32> = (0..items).filter(|item| split(*item) == wanted).collect();
        let path = format!("annotations/instances_{wanted}2017.json");
        files.push((path, coco_json(&items).into_bytes()));
    }
    files
}

/// So many items with a box each, in turn of each class; every fourth item is in val, the others are in train.
pub fn yolo(items: u32) -> Files {
    let description =
        "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n  2: ox\n";
    let mut files = vec![("data.yaml".to_owned(), description.as_bytes().to_vec())];
    for item in 0..items {
        let split = split(item);
        files.push((format!("images/{split}/{item:06}.png"), image(item)));
        let label = format!("{} 0.5 0.5 0.25 0.25\n", item % 3);
        files.push((format!("labels/{split}/{item:06}.txt"), label.into_bytes()));
    }
    files
}

/// So many items with a row each, in turn of each class; every fourth item is in val, the others are in train.
pub fn csv(items: u32) -> Files {
    let mut rows = "filename,label,split\n".to_owned();
    let mut files = Files::new();
    for item in 0..items {
        let name = format!("{item:06}.png");
        // A String takes whatever is written.
        let _ = writeln!(rows, "{name},{},{}", class(item), split(item));
        files.push((format!("images/{name}"), image(item)));
    }
    files.push(("labels.csv".to_owned(), rows.into_bytes()));
    files
}

/// A whole grey PNG of at most 255 x 255 pixels. Another number gives other pixels.
pub fn png(width: u8, height: u8, number: u32) -> Vec<u8> {
    let mut pixels = number.to_be_bytes().into_iter().chain(std::iter::repeat(0x80));
    let mut rows = Vec::new();
    for _ in 0..height {
        rows.push(0);
        rows.extend(pixels.by_ref().take(usize::from(width)));
    }
    let mut header = Vec::new();
    header.extend(u32::from(width).to_be_bytes());
    header.extend(u32::from(height).to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        file.extend(length.to_be_bytes());
        let body = [kind.as_slice(), &data].concat();
        file.extend(&body);
        file.extend(crc32fast::hash(&body).to_be_bytes());
    }
    file
}

fn class(item: u32) -> &'static str {
    CLASSES[item as usize % CLASSES.len()]
}

const fn split(item: u32) -> &'static str {
    if item % 4 == 3 { "val" } else { "train" }
}

fn image(item: u32) -> Vec<u8> {
    const SIDE: u8 = 8;
    png(SIDE, SIDE, item)
}

fn coco_json(items: &[u32]) -> String {
    let list = |entry: &dyn Fn(u32) -> String| {
        let entries: Vec<String> = items.iter().map(|item| entry(*item)).collect();
        entries.join(",\n  ")
    };
    let images = list(&|item| {
        format!(
            r#"{{"id": {item}, "file_name": "{item:06}.png", "width": {SIDE}, "height": {SIDE}}}"#
        )
    });
    let annotations = list(&|item| {
        let category = item % 3 + 1;
        format!(
            r#"{{"id": {item}, "image_id": {item}, "category_id": {category}, "bbox": [1, 2, 3.5, 4], "area": 14, "iscrowd": 0}}"#
        )
    });
    let categories: Vec<String> = (1..)
        .zip(CLASSES)
        .map(|(id, name)| format!(r#"{{"id": {id}, "name": "{name}"}}"#))
        .collect();
    format!(
        "{{\"info\": {{\"year\": 2026}},\n \"images\": [\n  {images}],\n \"annotations\": [\n  {annotations}],\n \"categories\": [\n  {}]}}\n",
        categories.join(",\n  ")
    )
}

/// Bytes as a zlib stream of one stored block (RFC 1950, RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let bytes = &bytes[..usize::from(length)];
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(bytes);
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (one, two) = bytes.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % PRIME;
        (one, (two + one) % PRIME)
    });
    two << 16 | one
}
