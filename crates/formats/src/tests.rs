//! Whole datasets of each format, right ones and wrong ones.
#![expect(clippy::unwrap_used, reason = "what a test writes is right or the test fails")]

mod bounds;
mod coco;
mod coco_wrong;
mod csv;
mod detection;
mod groups;
mod hostile;
mod image_folder;
mod labels;
mod no_guess;
mod round_trip;
mod world;
mod yolo;
