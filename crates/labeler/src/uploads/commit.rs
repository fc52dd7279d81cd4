//! Ends an upload: its files, taken together, become a dataset or change one.
//!
//! Invariant: nothing of the dataset changes unless all of it does, and what changes is what was checked. Where the files are
//! refused, the upload stays as it was.

use std::io::{self, Read};
use std::sync::Arc;

use hallpass_contract::can::WriteUpload;
use hallpass_formats::{Contents, FilePath, Refusal, Shape};
use hallpass_policy::{Granted, for_current_user};
use tracing::Instrument;

use crate::database::{Base, Complete, Finish, Finished, ItemRow, Origin, UploadRow};
use crate::datasets::store::{Datasets, gone, subject_of};
use crate::error::Error;
use crate::files::blocking_reader::ReadBack;
use crate::model::access::Visibility;
use crate::model::dataset::{Class, Dataset, Format, Split};
use crate::model::ids::{UploadId, etag, random};
use crate::model::manifest::Manifest;
use crate::model::spec::Spec;
use crate::model::stored_file::StoredFile;
use crate::uploads::target::bounds;
use crate::uploads::wire;
use hallpass_formats::shown;

/// What a client says of the end of an upload.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The wish, where it is not stored with the upload.
    pub(crate) spec: Option<Spec>,
    /// The hash that the content must have.
    pub(crate) content_sha256: Option<[u8; 32]>,
    /// Whether files of the dataset go that the upload does not have.
    pub(crate) remove_others: bool,
}

/// So often an upload is checked anew that has changed meanwhile.
const TRIES: usize = 3;

/// So many of the files that are not whole are named.
const NAMED: usize = 5;

impl Datasets {
    /// Finishes an upload. A caller that goes away does not stop it.
    pub(crate) async fn finish_proven(
        self: &Arc<Self>,
        proof: &Granted<WriteUpload>,
        wanted: Wanted,
    ) -> Result<Dataset, Error> {
        let id = UploadId::parse(proof.id()).ok_or_else(|| gone(proof))?;
        let (datasets, by) = (Arc::clone(self), subject_of(proof.permit())?.to_owned());
        let finished = async move { datasets.finish(&id, &by, &wanted).await };
        let finished = self.tasks.spawn(for_current_user(finished.in_current_span())).await;
        match finished.unwrap_or(Err(Error::TaskLost)) {
            Err(Error::UploadEnded) => Err(gone(proof)),
            finished => finished,
        }
    }

    /// Finishes an upload in this user's name. One call at a time finishes it, and the user waits for a turn: reading an upload through
    /// takes a processor for as long as its annotations are long.
    pub(crate) async fn finish(
        self: &Arc<Self>,
        id: &UploadId,
        by: &str,
        wanted: &Wanted,
    ) -> Result<Dataset, Error> {
        let _alone = self.reading.alone(id.as_str()).ok_or(Error::UploadBusy)?;
        self.files.have_room()?;
        let _turn = self.reading.turn(by).await?;
        for _ in 0..TRIES {
            let complete = self.database.complete(id, (self.now)()).await?;
            let complete = complete.ok_or(Error::UploadEnded)?;
            let dataset_id = complete.upload.dataset_id.clone();
            match self.try_finish(complete, by, wanted).await? {
                Finished::Made(dataset) | Finished::Already(dataset) => {
                    self.tidy_behind(&dataset_id).await?;
                    return Ok(dataset);
                }
                Finished::Changed => {}
                Finished::Refused => return Err(Error::UploadEnded),
            }
        }
        Err(Error::UploadChanged)
    }

    async fn try_finish(
        &self,
        complete: Complete,
        by: &str,
        wanted: &Wanted,
    ) -> Result<Finished, Error> {
        let Complete { upload, files, partial, base } = complete;
        if !partial.is_empty() {
            return Err(Error::Incomplete(named(&partial)));
        }
        let spec = match (&wanted.spec, &base) {
            (Some(spec), None) => Some(spec.clone()),
            (None, None) => Some(wire::spec_from_stored(&upload.spec, upload.request.clone())?),
            (_, Some(_)) => None,
        };
        let files = overlaid(files, base.as_ref(), wanted.remove_others);
        let given = base.as_ref().map(|base| base.dataset.format);
        let given = given.or_else(|| spec.as_ref().and_then(Spec::format));
        self.check_bounds(&files)?;
        check_hash(&files, wanted.content_sha256)?;
        let (files, contents) = self.understood(&upload, files, given).await?;
        let dataset = self.described(&upload, &files, &contents, spec.as_ref(), base.as_ref())?;
        let items = items(&contents, base.as_ref());
        let origin = match (&spec, &base) {
            (_, Some(base)) => Origin::Dataset { etag: &base.dataset.etag },
            (Some(spec), None) => Origin::Spec(spec),
            (None, None) => return Err(Error::UploadEnded),
        };
        let finish = Finish {
            upload: &upload,
            by,
            dataset: &dataset,
            from: origin,
            files: &files,
            items: &items,
            now: (self.now)(),
            quota: self.settings.quota,
        };
        self.database.finish(&finish).await
    }

    /// What has come was counted when it came; what a revision adds to is counted here.
    fn check_bounds(&self, files: &[(String, StoredFile)]) -> Result<(), Error> {
        let (most, bytes) = (self.settings.max_files, self.settings.max_dataset_bytes);
        if files.len() > most {
            return Err(Error::UploadRefused(format!("makes too many files; {most} are allowed")));
        }
        if files.iter().map(|(_, file)| file.size).sum::<u64>() > bytes {
            return Err(Error::UploadRefused(format!("makes too much; {bytes} bytes are allowed")));
        }
        Ok(())
    }

    /// What the files say. Reads the annotations, so it runs where blocking is fine.
    async fn understood(
        &self,
        upload: &UploadRow,
        files: Vec<(String, StoredFile)>,
        given: Option<Format>,
    ) -> Result<(Vec<(String, StoredFile)>, Contents), Error> {
        let bounds = bounds(&self.settings);
        let read_back = ReadBack::new(self.files.clone(), upload.dataset_id.clone());
        let understood = tokio::task::spawn_blocking(move || {
            let mut shape = Shape::new(bounds);
            for (path, file) in &files {
                let path = FilePath::parse(path).map_err(|problem| {
                    Error::UploadRefused(format!("holds {}: {problem}", shown(path)))
                })?;
                let added = shape.add(&path, file.size, None);
                added.map_err(|problem| Error::ContentRefused(problem.into()))?;
            }
            let open = |path: &FilePath| -> io::Result<Box<dyn Read + '_>> {
                let found = files.binary_search_by(|(other, _)| other.as_str().cmp(path.as_str()));
                let file = found.ok().and_then(|found| files.get(found));
                let (_, file) = file.ok_or(io::ErrorKind::NotFound)?;
                Ok(Box::new(read_back.file(*file)))
            };
            let contents = shape.finish(given.map(Into::into), open).map_err(refusal)?;
            if contents.items.is_empty() {
                return Err(Error::UploadRefused("holds no images".to_owned()));
            }
            Ok((files, contents))
        });
        understood.await.unwrap_or(Err(Error::TaskLost))
    }

    fn described(
        &self,
        upload: &UploadRow,
        files: &[(String, StoredFile)],
        contents: &Contents,
        spec: Option<&Spec>,
        base: Option<&Base>,
    ) -> Result<Dataset, Error> {
        let now = (self.now)();
        let before = base.map(|base| &base.dataset);
        let class = |class: &hallpass_formats::Class| Class {
            name: class.name.clone(),
            item_count: class.item_count,
        };
        Ok(Dataset {
            id: upload.dataset_id.clone(),
            display_name: spec.map_or("", Spec::display_name).to_owned(),
            format: contents.format.into(),
            owner: before.map_or(&upload.owner, |before| &before.owner).clone(),
            visibility: spec.map_or(Visibility::Private, Spec::visibility),
            classes: contents.classes.iter().map(class).collect(),
            item_count: contents.items.len() as u64,
            size_bytes: files.iter().map(|(_, file)| file.size).sum(),
            etag: etag(random()?),
            created: before.map_or(now, |before| before.created),
            updated: now,
            description: spec.map_or("", Spec::description).to_owned(),
            splits: Vec::new(),
            file_count: files.len() as u64,
        })
    }
}

/// The files of a dataset with those of the upload over them, sorted by path.
fn overlaid(
    files: Vec<(String, StoredFile)>,
    base: Option<&Base>,
    remove_others: bool,
) -> Vec<(String, StoredFile)> {
    let Some(base) = base.filter(|_| !remove_others) else { return files };
    let mut all: std::collections::BTreeMap<_, _> = base.files.iter().cloned().collect();
    all.extend(files);
    all.into_iter().collect()
}

fn check_hash(files: &[(String, StoredFile)], wanted: Option<[u8; 32]>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    let mut manifest = Manifest::new();
    for (path, file) in files {
        manifest.add(path, &file.sha256, file.size, None)?;
    }
    if manifest.finish() == wanted { Ok(()) } else { Err(Error::ContentMismatch) }
}

/// Items that stay keep their split; the others have the one that their files say.
fn items(contents: &Contents, base: Option<&Base>) -> Vec<ItemRow> {
    let item = |item: &hallpass_formats::Item| {
        let kept = base.and_then(|base| base.splits.get(item.path.as_str()));
        ItemRow {
            path: item.path.as_str().to_owned(),
            classes: contents.class_names(item).map(str::to_owned).collect(),
            split: kept.copied().unwrap_or_else(|| item.split.map(Split::from)),
        }
    };
    contents.items.iter().map(item).collect()
}

fn named(partial: &[(String, u64, u64)]) -> String {
    let first = partial.iter().take(NAMED);
    let first = first.map(|(path, has, of)| format!("{} has {has} of {of} bytes", shown(path)));
    let mut text = first.collect::<Vec<_>>().join(", ");
    if partial.len() > NAMED {
        text.push_str(", and there are more");
    }
    text
}

fn refusal(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Problems(problems) => Error::ContentRefused(problems),
        Refusal::Unreadable { path, error } => {
            let cause = format!("{}: {error}", shown(path.as_str()));
            Error::Files { action: "reading back", cause }
        }
    }
}

impl From<Format> for hallpass_formats::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::ImageFolder => Self::ImageFolder,
            Format::Coco => Self::Coco,
            Format::Yolo => Self::Yolo,
            Format::Csv => Self::Csv,
        }
    }
}

impl From<hallpass_formats::Format> for Format {
    fn from(format: hallpass_formats::Format) -> Self {
        match format {
            hallpass_formats::Format::ImageFolder => Self::ImageFolder,
            hallpass_formats::Format::Coco => Self::Coco,
            hallpass_formats::Format::Yolo => Self::Yolo,
            hallpass_formats::Format::Csv => Self::Csv,
        }
    }
}

impl From<hallpass_formats::Split> for Split {
    fn from(split: hallpass_formats::Split) -> Self {
        match split {
            hallpass_formats::Split::Train => Self::Train,
            hallpass_formats::Split::Val => Self::Validation,
            hallpass_formats::Split::Test => Self::Test,
        }
    }
}
