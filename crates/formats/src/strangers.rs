//! Files that have no place in a dataset: what they are, and what to do about each.
//!
//! Promise: a refusal names the kind of file and the remedy. It is told by the name alone.

use crate::FilePath;
use crate::leftovers::is_left_behind;

/// Extensions, and what is said of files that have them.
const KNOWN: [(&[&str], &str); 17] = [
    (&["xml"], VOC),
    (&["tfrecord", "tfrecords", "tfrec", "record"], TFRECORD),
    (&["pbtxt"], "is a label map of TensorFlow: leave it out, and export the annotations as COCO"),
    (&["parquet", "arrow", "feather"], PARQUET),
    (
        &["npy", "npz", "mat", "h5", "hdf5", "pkl", "pickle", "mdb", "lmdb", "rec", "ubyte", "bin"],
        "holds data of a program, not an image: write each image as a PNG or JPEG file",
    ),
    (
        &["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "zst"],
        "is an archive: unpack it, and leave the archive out",
    ),
    (&["tif", "tiff", "heic", "heif", "avif", "jp2", "j2k", "jxl"], CONVERT),
    (&["svg", "ppm", "pgm", "pbm", "pnm", "tga", "exr", "hdr", "ico", "psd"], CONVERT),
    (&["dcm", "nii", "dng", "nef", "cr2", "cr3", "arw", "raw"], CONVERT),
    (
        &["mp4", "avi", "mov", "mkv", "webm", "mpg", "mpeg", "m4v"],
        "is a video: extract its frames as images, and leave the video out",
    ),
    (&["xls", "xlsx", "ods"], "is a spreadsheet: save it as CSV, encoded as UTF-8"),
    (
        &["manifest"],
        "is an augmented manifest, as SageMaker Ground Truth writes it: write a labels.csv with the columns filename and label",
    ),
    (&["lnk", "url", "webloc"], "is a shortcut: put the file itself in its place"),
    (
        &["cfg", "weights", "pt", "pth", "onnx", "safetensors", "ckpt"],
        "belongs to a model, not to a dataset: leave it out",
    ),
    (
        &["part", "crdownload", "tmp", "download"],
        "is a download that has not ended: fetch it again, or leave it out",
    ),
    (&["geojson"], "is GeoJSON: export the annotations as COCO"),
    (
        &["pdf", "djvu", "doc", "docx", "ppt", "pptx", "odt"],
        "is a document: save its pages as images, and leave the document out",
    ),
];

const VOC: &str = "is XML, as Pascal VOC, CVAT and ImageNet write it, which is not read: export the annotations as COCO or YOLO";
const TFRECORD: &str =
    "is a TFRecord, which is not read: export the dataset as COCO or YOLO, with image files";
const PARQUET: &str = "is a table in Parquet or Arrow, which is not read: write image files and a metadata.csv with the columns file_name and label";
const CONVERT: &str = "is an image of a kind that is not read: convert it to PNG or JPEG";

/// What is said of a file that is of no kind.
const OF_NO_KIND: &str = "is neither an image (png, jpg, gif, bmp, webp) nor an annotation (json, jsonl, csv, tsv, yaml, txt) \
     nor a text for people (md, README, LICENSE): leave it out";

/// Why a file has no place in a dataset.
pub(crate) fn problem_of(path: &FilePath) -> &'static str {
    if is_left_behind(path.as_str()) {
        return "is a hidden file or one that a system has left behind: leave it out";
    }
    let Some(extension) = path.extension() else {
        return "has no extension: if it is an image, add the extension of its kind, such as .png; else leave it out";
    };
    let extension = extension.to_lowercase();
    // Written in parts: `train.tfrecord-00000-of-00010`.
    let extension = extension.split_once("-0").map_or(extension.as_str(), |(kind, _)| kind);
    let known = KNOWN.iter().find(|(extensions, _)| extensions.contains(&extension));
    known.map_or(OF_NO_KIND, |(_, problem)| problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PathProblem;

    #[test]
    fn each_stranger_is_named_with_a_remedy() -> Result<(), PathProblem> {
        for (path, part) in [
            ("Annotations/1.xml", "Pascal VOC"),
            ("train.tfrecord", "TFRecord"),
            ("x-train.tfrecord-00000-of-00010", "TFRecord"),
            ("paper.pdf", "pages as images"),
            ("data/train-00000.parquet", "metadata.csv"),
            ("more.ZIP", "unpack"),
            ("cat/1.tiff", "convert"),
            ("cat/1.HEIC", "convert"),
            ("clip.mp4", "frames"),
            ("labels.xlsx", "CSV"),
            ("cat/0001", "extension"),
            (".DS_Store", "left behind"),
            ("setup.exe", "neither an image"),
        ] {
            let problem = problem_of(&FilePath::parse(path)?);
            assert!(problem.contains(part) && problem.contains(": "), "{path}: {problem}");
        }
        Ok(())
    }
}
