//! Datasets as they are printed.

use hallpass_contract::labeler::{
    Dataset, DatasetClass, DatasetFormat, Role, Split, SplitCount, Visibility,
};
use serde::Serialize;

use crate::instant;
use crate::output::{self, plain};

/// A dataset as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct DatasetView {
    dataset_id: String,
    display_name: String,
    description: String,
    format: &'static str,
    owner: String,
    visibility: &'static str,
    classes: Vec<ClassView>,
    splits: Vec<SplitView>,
    item_count: u64,
    file_count: u64,
    size_bytes: u64,
    storage_path: String,
    etag: String,
    create_time: String,
    update_time: String,
}

/// One of its classes.
#[derive(Debug, Serialize)]
pub(super) struct ClassView {
    name: String,
    item_count: u64,
}

/// One of its splits.
#[derive(Debug, Serialize)]
pub(super) struct SplitView {
    split: &'static str,
    item_count: u64,
}

impl From<DatasetClass> for ClassView {
    fn from(class: DatasetClass) -> Self {
        Self { name: class.name, item_count: class.item_count }
    }
}

impl From<SplitCount> for SplitView {
    fn from(count: SplitCount) -> Self {
        Self { split: split(count.split()), item_count: count.item_count }
    }
}

impl From<Dataset> for DatasetView {
    fn from(dataset: Dataset) -> Self {
        let (format, visibility) = (dataset.format(), dataset.visibility());
        Self {
            dataset_id: dataset.dataset_id,
            display_name: dataset.display_name,
            description: dataset.description,
            format: layout(format),
            owner: dataset.owner,
            visibility: self::visibility(visibility),
            classes: dataset.classes.into_iter().map(Into::into).collect(),
            splits: dataset.splits.into_iter().map(Into::into).collect(),
            item_count: dataset.item_count,
            file_count: dataset.file_count,
            size_bytes: dataset.size_bytes,
            storage_path: dataset.storage_path,
            etag: dataset.etag,
            create_time: instant::of_timestamp(dataset.create_time),
            update_time: instant::of_timestamp(dataset.update_time),
        }
    }
}

impl DatasetView {
    /// One line for each member, and one for each class.
    pub(super) fn to_text(&self) -> String {
        let counted = |(name, value): (&str, u64)| vec![name.to_owned(), value.to_string()];
        let members = [
            ("dataset_id", self.dataset_id.as_str()),
            ("display_name", &self.display_name),
            ("description", &self.description),
            ("owner", &self.owner),
            ("format", self.format),
            ("visibility", self.visibility),
            ("etag", &self.etag),
            ("create_time", &self.create_time),
            ("update_time", &self.update_time),
        ];
        let mut rows: Vec<Vec<String>> = members
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), plain(value).into_owned()])
            .collect();
        let counts = [
            ("item_count", self.item_count),
            ("file_count", self.file_count),
            ("size_bytes", self.size_bytes),
        ];
        rows.extend(counts.map(counted));
        rows.extend(counts_to_text(&self.classes, &self.splits));
        output::table(&rows)
    }
}

/// One row for each class and for each split.
pub(super) fn counts_to_text<'a>(
    classes: &'a [ClassView],
    splits: &'a [SplitView],
) -> impl Iterator<Item = Vec<String>> + 'a {
    let row = |name: String, count: u64| vec![name, count.to_string()];
    let classes =
        classes.iter().map(move |of| row(format!("class {}", plain(&of.name)), of.item_count));
    classes.chain(splits.iter().map(move |of| row(format!("split {}", of.split), of.item_count)))
}

/// One line for each dataset.
pub(super) fn table(datasets: &[DatasetView]) -> String {
    let head = ["ID", "NAME", "OWNER", "VISIBILITY", "CLASSES", "ITEMS", "BYTES", "CREATED"];
    let rows = datasets.iter().map(|dataset| {
        [
            plain(&dataset.dataset_id).into_owned(),
            plain(&dataset.display_name).into_owned(),
            plain(&dataset.owner).into_owned(),
            dataset.visibility.to_owned(),
            dataset.classes.len().to_string(),
            dataset.item_count.to_string(),
            dataset.size_bytes.to_string(),
            dataset.create_time.clone(),
        ]
    });
    output::listing(head, rows, &["ID", "NAME", "ITEMS", "OWNER", "VISIBILITY"])
}

/// A role as people write it.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "none",
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

/// A layout as people write it.
pub(super) fn layout(format: DatasetFormat) -> &'static str {
    match format {
        DatasetFormat::Unspecified => "unspecified",
        DatasetFormat::ImageFolder => "image-folder",
        DatasetFormat::Coco => "coco",
        DatasetFormat::Yolo => "yolo",
        DatasetFormat::Csv => "csv",
    }
}

/// Who may read it, as people write it.
pub(super) fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Unspecified | Visibility::Private => "private",
        Visibility::Public => "public",
    }
}

/// A split as people write it.
pub(super) fn split(split: Split) -> &'static str {
    match split {
        Split::Unspecified => "none",
        Split::Train => "train",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}
