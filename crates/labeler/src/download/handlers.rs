//! Downloads of datasets and snapshots, begun by those who may.
//!
//! Invariant: a file is sent only to a holder of the proof for the dataset or the snapshot that has it.

use hallpass_contract::can::{ReadDataset, ReadSnapshot};
use hallpass_policy::{Granted, Permission};

use crate::datasets::store::{Datasets, gone, id_of};
use crate::download::{Download, Source, Wanted};
use crate::error::Error;
use crate::snapshots::store::snapshot_of;

impl Datasets {
    /// The files of a dataset, in the order of their paths.
    pub(crate) async fn download(
        &self,
        proof: &Granted<ReadDataset>,
        wanted: Wanted,
    ) -> Result<Download, Error> {
        self.begin(proof, Source::Dataset(id_of(proof)?), wanted).await
    }

    /// The files of a snapshot, in the order of their paths.
    pub(crate) async fn download_snapshot(
        &self,
        proof: &Granted<ReadSnapshot>,
        wanted: Wanted,
    ) -> Result<Download, Error> {
        let id = snapshot_of(proof)?;
        let dataset = self.snapshot(proof).await?.dataset;
        self.begin(proof, Source::Snapshot(id, dataset), wanted).await
    }

    async fn begin<P: Permission>(
        &self,
        proof: &Granted<P>,
        source: Source,
        wanted: Wanted,
    ) -> Result<Download, Error> {
        let (database, files) = (self.database.clone(), self.files.clone());
        // What went between the object check and now was never there.
        Download::begin(database, files, source, wanted).await.map_err(|error| match error {
            Error::GoneMidway(_) => gone(proof),
            error => error,
        })
    }
}
