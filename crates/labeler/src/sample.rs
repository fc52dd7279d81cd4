//! A small real data set that ships with the program: drawings of three shapes, one folder each.

/// Its name for people.
pub const NAME: &str = "Shapes";

/// Its files: path in the dataset and content, sorted by path.
pub const fn files() -> &'static [(&'static str, &'static [u8])] {
    FILES
}

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../sample/shapes/", $path)))),+]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "README.md",
    "circle/01.png",
    "circle/02.png",
    "circle/03.png",
    "circle/04.png",
    "square/01.png",
    "square/02.png",
    "square/03.png",
    "square/04.png",
    "triangle/01.png",
    "triangle/02.png",
    "triangle/03.png",
    "triangle/04.png",
];
