//! What it takes to tell the contents of 100,000 items: time and memory, by format.

use std::io::{ErrorKind, Read};

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use hallpass_formats::{Bounds, FilePath, Format, Shape, testing};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const ITEMS: u32 = 100_000;

fn main() {
    divan::main();
}

#[divan::bench(args = Format::ALL, sample_count = 3, sample_size = 1)]
fn contents(bencher: Bencher<'_, '_>, format: Format) {
    let files = match format {
        Format::ImageFolder => testing::image_folder(ITEMS),
        Format::Coco => testing::coco(ITEMS),
        Format::Yolo => testing::yolo(ITEMS),
        Format::Csv => testing::csv(ITEMS),
    };
    let sizes: Vec<(FilePath, u64)> = files
        .iter()
        .filter_map(|(path, bytes)| Some((FilePath::parse(path).ok()?, bytes.len() as u64)))
        .collect();
    let files: std::collections::HashMap<_, _> = files.into_iter().collect();
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| {
        let mut shape = Shape::new(Bounds::default());
        for (path, size) in &sizes {
            assert!(shape.add(path, *size, None).is_ok());
        }
        let contents = shape.finish(None, |path| {
            let bytes = files.get(path.as_str()).ok_or(ErrorKind::NotFound)?;
            Ok(Box::new(bytes.as_slice()) as Box<dyn Read>)
        });
        assert!(black_box(contents).is_ok_and(|contents| contents.items.len() == ITEMS as usize));
    });
}
