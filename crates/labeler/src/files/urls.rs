//! URLs of single files, for stores that answer by themselves.
//!
//! Invariant: a URL is good for reading one file, for as long as was said, and is printed by no `Debug`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::signer::{Method, Signer};

use super::{Files, Place, failed};
use crate::error::Error;
use crate::model::ids::DatasetId;

/// What signs URLs: the store's own key.
#[derive(Clone)]
pub(super) struct UrlSigner(pub(super) Arc<AmazonS3>);

impl fmt::Debug for UrlSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlSigner")
    }
}

/// A URL from which whoever has it can fetch a file.
pub(crate) struct FileUrl(String);

impl FileUrl {
    /// A URL that was signed here.
    pub(crate) const fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL itself, for the one answer that carries it.
    pub(crate) fn into_exposed(self) -> String {
        self.0
    }
}

impl fmt::Debug for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileUrl")
    }
}

impl Files {
    /// A URL from which a file can be fetched for so long; `None` if the store gives none, as a folder.
    pub(crate) async fn url(
        &self,
        id: &DatasetId,
        number: u64,
        life: Duration,
    ) -> Result<Option<FileUrl>, Error> {
        let Place::S3 { signer, .. } = &self.place else { return Ok(None) };
        let location = self.location(id, number);
        let signed = signer.0.signed_url(Method::GET, &location, life).await;
        signed.map(|url| Some(FileUrl(url.into()))).map_err(|error| failed("signing", &error))
    }
}
