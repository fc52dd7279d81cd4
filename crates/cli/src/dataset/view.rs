//! Datasets as they are printed.

use hallpass_contract::labeler::{Dataset, DatasetFormat, Role, Visibility};
use serde::Serialize;

use crate::instant;
use crate::output::{self, plain};

/// A dataset as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct DatasetView {
    dataset_id: String,
    display_name: String,
    format: &'static str,
    owner: String,
    visibility: &'static str,
    classes: Vec<ClassView>,
    item_count: u64,
    size_bytes: u64,
    storage_path: String,
    etag: String,
    create_time: String,
    update_time: String,
}

/// One of its classes.
#[derive(Debug, Serialize)]
struct ClassView {
    name: String,
    item_count: u64,
}

impl From<Dataset> for DatasetView {
    fn from(dataset: Dataset) -> Self {
        let (format, visibility) = (dataset.format(), dataset.visibility());
        let classes = dataset.classes.into_iter();
        let classes = classes.map(|of| ClassView { name: of.name, item_count: of.item_count });
        Self {
            dataset_id: dataset.dataset_id,
            display_name: dataset.display_name,
            format: match format {
                DatasetFormat::Unspecified => "unspecified",
                DatasetFormat::ImageFolder => "image-folder",
                DatasetFormat::Coco => "coco",
                DatasetFormat::Yolo => "yolo",
                DatasetFormat::Csv => "csv",
            },
            owner: dataset.owner,
            visibility: match visibility {
                Visibility::Unspecified | Visibility::Private => "private",
                Visibility::Public => "public",
            },
            classes: classes.collect(),
            item_count: dataset.item_count,
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
        rows.extend(
            [("item_count", self.item_count), ("size_bytes", self.size_bytes)].map(counted),
        );
        let classes = self.classes.iter();
        rows.extend(
            classes.map(|of| counted((&format!("class {}", plain(&of.name)), of.item_count))),
        );
        output::table(&rows)
    }
}

/// One line for each dataset.
pub(super) fn table(datasets: &[DatasetView]) -> String {
    let head = ["ID", "NAME", "OWNER", "VISIBILITY", "CLASSES", "ITEMS", "BYTES", "CREATED"];
    let rows = datasets.iter().map(|dataset| {
        vec![
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
    let head = head.map(str::to_owned).to_vec();
    output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
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
