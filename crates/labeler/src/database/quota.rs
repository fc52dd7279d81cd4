//! What one user's datasets, and one dataset's snapshots and shares, may come to.
//!
//! Invariant: whatever makes them more or bigger is held against the quota in the transaction that does it, so that calls at the same
//! time cannot exceed it together. What makes them fewer or smaller never is: a user above a quota that was lowered can get below it.

use hallpass_store::Connection;
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::{from_stored, to_stored};
use crate::error::Error;
use crate::settings::Quota;

/// What a user's datasets come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holdings {
    datasets: u64,
    bytes: u64,
}

impl Holdings {
    /// What a user owns at this moment. Snapshots of the same content count once, and beside their dataset.
    pub(super) async fn of(change: &mut Connection, owner: &str) -> Result<Self, sqlx::Error> {
        let datasets = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS datasets, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes \
             FROM datasets WHERE owner = $1",
        );
        let datasets = datasets.bind(owner).fetch_one(&mut *change).await?;
        let snapshots = sqlx::query(
            "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM (SELECT MAX(snapshots.size_bytes) AS size_bytes \
             FROM snapshots JOIN datasets ON dataset = datasets.number WHERE owner = $1 GROUP BY dataset, content_sha256) AS kept",
        );
        let snapshots = snapshots.bind(owner).fetch_one(change).await?;
        let (of_datasets, of_snapshots) =
            (from_stored(datasets.try_get("bytes")?), from_stored(snapshots.try_get("bytes")?));
        let bytes = of_datasets.saturating_add(of_snapshots);
        Ok(Self { datasets: from_stored(datasets.try_get("datasets")?), bytes })
    }

    /// Whether they may have become what they are now.
    pub(super) const fn grown_to(self, now: Self, quota: Quota) -> Result<(), Error> {
        if now.datasets > quota.datasets && now.datasets > self.datasets {
            return Err(Error::TooManyDatasets { most: quota.datasets });
        }
        if now.bytes > quota.bytes && now.bytes > self.bytes {
            return Err(Error::DatasetsTooBig { most: quota.bytes });
        }
        Ok(())
    }

    /// Whether another user may have given them this. What others give takes at most half of the quota, so that nobody can use up
    /// somebody else's.
    pub(super) const fn given(self, quota: Quota) -> Result<(), Error> {
        if self.datasets > quota.datasets / 2 || self.bytes > quota.bytes / 2 {
            return Err(Error::NewOwnerFull);
        }
        Ok(())
    }
}

/// Whether a user may begin another dataset: those that exist and those that are being uploaded count.
pub(super) async fn check_new(
    change: &mut Connection,
    owner: &str,
    now: UnixTime,
    quota: Quota,
) -> Result<(), Error> {
    let held = Holdings::of(change, owner).await?;
    let open = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) AS open FROM uploads WHERE owner = $1 AND revision = 0 AND expires > $2",
    );
    let open = open.bind(owner).bind(to_stored(now.as_secs()));
    let open = from_stored(open.fetch_one(change).await?.try_get("open")?);
    if held.datasets.saturating_add(open) >= quota.datasets {
        return Err(Error::TooManyDatasets { most: quota.datasets });
    }
    if held.bytes >= quota.bytes {
        return Err(Error::DatasetsTooBig { most: quota.bytes });
    }
    Ok(())
}

/// Whether the snapshots of a dataset, after one was made, may be so many.
pub(super) async fn check_snapshots(
    change: &mut Connection,
    dataset: i64,
    quota: Quota,
) -> Result<(), Error> {
    let count =
        sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS found FROM snapshots WHERE dataset = $1");
    if found(&count.bind(dataset).fetch_one(change).await?)? > quota.snapshots {
        return Err(Error::TooManySnapshots { most: quota.snapshots });
    }
    Ok(())
}

/// Whether the users that a dataset is shared with, after one was added, may be so many.
pub(super) async fn check_shares(
    change: &mut Connection,
    dataset: i64,
    quota: Quota,
) -> Result<(), Error> {
    let count =
        sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS found FROM shares WHERE dataset = $1");
    if found(&count.bind(dataset).fetch_one(change).await?)? > quota.shares {
        return Err(Error::TooManyShares { most: quota.shares });
    }
    Ok(())
}

fn found(row: &hallpass_store::Row) -> Result<u64, sqlx::Error> {
    row.try_get("found").map(from_stored)
}
