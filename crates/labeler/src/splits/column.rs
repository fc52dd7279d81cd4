//! Reads the column of a dataset's tables that groups its items.
//!
//! Promise: what is read belongs to the state whose etag is told with it.

use std::io::{self, Read};

use hallpass_contract::can::WriteDataset;
use hallpass_formats::{FilePath, Shape, shown};
use hallpass_policy::Granted;

use crate::database::FileRow;
use crate::datasets::store::{Datasets, gone};
use crate::error::Error;
use crate::files::blocking_reader::ReadBack;
use crate::model::ids::DatasetId;
use crate::splits::items::Column;
use crate::uploads::target::bounds;

/// So many files are looked up at a time.
const AT_ONCE: u32 = 1000;

impl Datasets {
    /// The values of the column, and the etag of the state that has them.
    pub(super) async fn column(
        &self,
        proof: &Granted<WriteDataset>,
        id: &DatasetId,
        name: &str,
    ) -> Result<(Column, String), Error> {
        let dataset = self.database.dataset(id).await?.ok_or_else(|| gone(proof))?;
        let (mut files, mut behind): (Vec<FileRow>, _) = (Vec::new(), String::new());
        loop {
            let more = self.database.files_behind(id, &behind, AT_ONCE).await?;
            let Some(last) = more.last() else { break };
            behind.clone_from(&last.path);
            files.extend(more);
        }
        let bounds = bounds(&self.settings);
        let read_back = ReadBack::new(self.files.clone(), id.clone());
        let name = name.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let mut shape = Shape::new(bounds);
            for file in &files {
                let path = FilePath::parse(&file.path)
                    .map_err(|problem| wrong(&format!("{}: {problem}", shown(&file.path))))?;
                shape.add(&path, file.stored.size, None).map_err(|problem| wrong(&problem))?;
            }
            let open = |path: &FilePath| -> io::Result<Box<dyn Read + '_>> {
                let found = files.binary_search_by(|file| file.path.as_str().cmp(path.as_str()));
                let file = found.ok().and_then(|found| files.get(found));
                Ok(Box::new(read_back.file(file.ok_or(io::ErrorKind::NotFound)?.stored)))
            };
            let values = shape.column(&name, open).map_err(|refusal| wrong(&refusal))?;
            Ok(values.into_iter().map(|(path, value)| (path.as_str().to_owned(), value)).collect())
        });
        let values: Result<Column, Error> = read.await.unwrap_or(Err(Error::TaskLost));
        Ok((values?, dataset.etag))
    }
}

fn wrong(problem: &dyn std::fmt::Display) -> Error {
    Error::invalid("ratios.column", problem.to_string())
}
