//! URLs from which one file can be fetched without a token.
//!
//! Invariant: a URL ends after at most a minute, and no later than the token of the call that asked for it. It is in no log, span or
//! error.

use std::time::Duration;

use hallpass_contract::can::ReadDataset;
use hallpass_policy::{Denial, Granted, Permit};
use hallpass_token::{SKEW, UnixTime};

use crate::database::FileRow;
use crate::datasets::store::{Datasets, gone, id_of};
use crate::download::fetch::DOWNLOAD_PATH;
use crate::download::signature::Ticket;
use crate::download::{Source, one};
use crate::error::Error;
use crate::files::FileUrl;

/// So long a URL is good at most.
const LONGEST: Duration = Duration::from_mins(1);

/// Where to fetch a file, and what will come.
#[derive(Debug)]
pub(crate) struct DownloadUrl {
    /// Where.
    pub(crate) url: FileUrl,
    /// When it ends.
    pub(crate) expires: UnixTime,
    /// What will come.
    pub(crate) file: FileRow,
}

impl Datasets {
    /// A URL of one file of a dataset.
    pub(crate) async fn download_url(
        &self,
        proof: &Granted<ReadDataset>,
        path: &str,
    ) -> Result<DownloadUrl, Error> {
        if path.is_empty() {
            return Err(Error::invalid("path", "must not be empty"));
        }
        let (id, now) = (id_of(proof)?, (self.now)());
        let file = one(&self.database, &Source::Dataset(id.clone()), path).await;
        let file = file.map_err(|error| match error {
            Error::GoneMidway(_) => gone(proof),
            error => error,
        })?;
        let Some(life) = life(proof.permit(), now) else {
            return Err(Error::Refused(proof.permit().refuse(Denial::TokenExpired)));
        };
        let expires = UnixTime::from_secs(now.as_secs() + life.as_secs());
        let number = file.stored.number;
        let url = match self.files.url(&id, number, life).await? {
            Some(url) => url,
            None => {
                self.own_url(&Ticket { dataset: id, path: file.path.clone(), number, expires })?
            }
        };
        Ok(DownloadUrl { url, expires, file })
    }
}

impl Datasets {
    /// A URL at which this service answers itself.
    fn own_url(&self, ticket: &Ticket) -> Result<FileUrl, Error> {
        let configured = self.settings.download_url.as_deref();
        let base = configured.or_else(|| self.address.get().map(String::as_str));
        let base = base.ok_or(Error::NoUrls)?;
        Ok(FileUrl::new(format!("{base}{DOWNLOAD_PATH}?{}", self.url_key.query(ticket))))
    }
}

/// How long a URL may be good; `None` if the token has ended, which leaves no time at all.
fn life(permit: &Permit, now: UnixTime) -> Option<Duration> {
    // As long as the token is accepted: its own end and the skew.
    let ends = permit.token().and_then(|token| token.expires_at()).map(|ends| ends.plus(SKEW));
    let left = ends.map(|ends| Duration::from_secs(ends.as_secs().saturating_sub(now.as_secs())));
    Some(left.map_or(LONGEST, |left| left.min(LONGEST))).filter(|life| !life.is_zero())
}
