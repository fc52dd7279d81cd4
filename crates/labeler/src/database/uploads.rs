//! Opens, looks up and drops uploads.
//!
//! Invariant: an upload that is dropped leaves a note in the same transaction that its objects have to go.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::{AssertSqlSafe, Row as _};

use super::permissions::may;
use super::read::{known, requested};
use super::{Database, from_stored, quota, to_stored};
use crate::error::Error;
use crate::model::dataset::Dataset;
use crate::model::ids::{DatasetId, RequestId, UploadId};
use crate::settings::Quota;

/// An upload that is to be opened.
#[derive(Debug)]
pub(crate) struct NewUpload<'a> {
    pub(crate) id: UploadId,
    pub(crate) dataset_id: DatasetId,
    pub(crate) owner: &'a str,
    /// Whether it changes a dataset that exists.
    pub(crate) revision: bool,
    /// Whether one call opens, fills and ends it.
    pub(crate) one_call: bool,
    /// The encoded wish; empty for a revision.
    pub(crate) spec: Vec<u8>,
    pub(crate) request: Option<&'a RequestId>,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) now: UnixTime,
    pub(crate) expires: UnixTime,
    /// The most uploads that the owner may have open.
    pub(crate) most_open: u32,
    /// What the owner's datasets may come to.
    pub(crate) quota: Quota,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It is open: this one or the same request's earlier one.
    Open(UploadRow),
    /// The same request had made this dataset before.
    Made(Box<Dataset>),
    /// There is no such dataset, or the user may not change it.
    Refused,
}

/// An open upload.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) number: i64,
    pub(crate) id: UploadId,
    pub(crate) dataset_id: DatasetId,
    pub(crate) owner: String,
    pub(crate) revision: bool,
    pub(crate) display_name: String,
    pub(crate) spec: Vec<u8>,
    pub(crate) request: Option<RequestId>,
    pub(crate) created: UnixTime,
    pub(crate) expires: UnixTime,
    pub(crate) version: i64,
    /// How many files have come in whole.
    pub(crate) whole_count: u64,
    /// How many bytes have come.
    pub(crate) size_bytes: u64,
}

pub(super) const COLUMNS: &str = "number, upload_id, dataset_id, owner, revision, spec, request_id, fingerprint, created, \
                                  expires, version, whole_count, size_bytes";

impl Database {
    /// Opens an upload, or finds what the same request opened or made before.
    pub(crate) async fn open_upload(&self, new: &NewUpload<'_>) -> Result<Opened, Error> {
        self.store.change(new, |change, new| Box::pin(open(change, new))).await
    }

    /// An open upload that has not expired.
    pub(crate) async fn open_one(
        &self,
        id: &UploadId,
        now: UnixTime,
    ) -> Result<Option<UploadRow>, sqlx::Error> {
        let mut connection = self.store.read().await?;
        by_id(&mut connection, id, now).await
    }

    /// The user's open uploads, newest first, behind this one. A revision of a dataset that the user may not change any more is
    /// left out, so there may be fewer than asked for; the number that comes with them says where the next page begins.
    pub(crate) async fn uploads_of(
        &self,
        owner: &str,
        behind: i64,
        most: u32,
        now: UnixTime,
    ) -> Result<(Vec<UploadRow>, Option<i64>), sqlx::Error> {
        let mut state = self.store.reading().await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM uploads WHERE owner = $1 AND number < $2 AND expires > $3 AND one_call = 0 \
             ORDER BY number DESC LIMIT $4"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(owner).bind(behind);
        let rows = rows.bind(to_stored(now.as_secs())).bind(i64::from(most) + 1);
        let rows = rows.fetch_all(&mut *state).await?;
        let mut found = rows.iter().map(upload).collect::<Result<Vec<_>, _>>()?;
        let next = if found.len() > most as usize {
            found.pop();
            found.last().map(|last| last.number)
        } else {
            None
        };
        let mut seen = Vec::with_capacity(found.len());
        for row in found {
            if !row.revision || may(&mut state, &row.dataset_id, owner, "write").await? {
                seen.push(row);
            }
        }
        Ok((seen, next))
    }

    /// Drops an upload; `false` if there is none.
    pub(crate) async fn drop_upload(&self, id: &UploadId) -> Result<bool, Error> {
        self.store.change(id, |change, id| Box::pin(drop_one(change, id))).await
    }

    /// Drops the uploads that have expired, and those of calls that have ended with their process if that is `alone`. At most so
    /// many at a time; says how many.
    pub(crate) async fn drop_expired(&self, now: UnixTime, alone: bool) -> Result<usize, Error> {
        const AT_ONCE: i64 = 100;
        let rows = sqlx::query(
            "SELECT upload_id FROM uploads WHERE expires <= $1 OR one_call = $2 ORDER BY number LIMIT $3",
        );
        // No upload has a 2 there.
        let of_calls = if alone { 1 } else { 2 };
        let rows = rows.bind(to_stored(now.as_secs())).bind(of_calls).bind(AT_ONCE);
        let rows = rows.fetch_all(&mut *self.store.read().await?).await?;
        for row in &rows {
            let id = known(row, "upload_id", UploadId::parse)?;
            self.drop_upload(&id).await?;
        }
        Ok(rows.len())
    }

    /// The datasets beneath whose ids objects may lie that nobody needs.
    pub(crate) async fn untidy(&self) -> Result<Vec<DatasetId>, sqlx::Error> {
        let rows = sqlx::query("SELECT dataset_id FROM untidy ORDER BY dataset_id LIMIT 1000");
        let rows = rows.fetch_all(&mut *self.store.read().await?).await?;
        rows.iter().map(|row| known(row, "dataset_id", DatasetId::parse)).collect()
    }

    /// The objects beneath this id have been seen to.
    pub(crate) async fn is_tidy(&self, id: &DatasetId) -> Result<(), sqlx::Error> {
        let gone = sqlx::query("DELETE FROM untidy WHERE dataset_id = $1").bind(id.as_str());
        gone.execute(&mut *self.store.write().await?).await.map(|_| ())
    }
}

async fn open(change: &mut Connection, new: &NewUpload<'_>) -> Result<Opened, Error> {
    if new.revision && !may(change, &new.dataset_id, new.owner, "write").await? {
        return Ok(Opened::Refused);
    }
    if !new.one_call
        && let Some(request) = new.request
        && let Some(earlier) = earlier(change, new, request).await?
    {
        return Ok(earlier);
    }
    if !new.one_call {
        let count = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS open FROM uploads WHERE owner = $1 AND expires > $2 AND one_call = 0",
        );
        let count = count.bind(new.owner).bind(to_stored(new.now.as_secs()));
        let open: i64 = count.fetch_one(&mut *change).await?.try_get("open")?;
        if open >= i64::from(new.most_open) {
            return Err(Error::TooManyUploads { most: new.most_open });
        }
    }
    if !new.revision {
        quota::check_new(change, new.owner, new.now, new.quota).await?;
    }
    insert(change, new).await?;
    let opened = by_id(change, &new.id, new.now).await?;
    Ok(opened.map_or(Opened::Refused, Opened::Open))
}

/// What the same request opened or made before.
async fn earlier(
    change: &mut Connection,
    new: &NewUpload<'_>,
    request: &RequestId,
) -> Result<Option<Opened>, Error> {
    if let Some((fingerprint, dataset)) = requested(change, new.owner, request).await? {
        let same = !new.revision && fingerprint == new.fingerprint;
        return same.then(|| Some(Opened::Made(Box::new(dataset)))).ok_or(Error::RequestReused);
    }
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE owner = $1 AND request_id = $2");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(new.owner).bind(request.as_str());
    let Some(row) = row.fetch_optional(&mut *change).await? else { return Ok(None) };
    let found = upload(&row)?;
    if found.expires <= new.now {
        drop_one(change, &found.id).await?;
        return Ok(None);
    }
    let fingerprint: &[u8] = row.try_get("fingerprint")?;
    if fingerprint == new.fingerprint {
        Ok(Some(Opened::Open(found)))
    } else {
        Err(Error::RequestReused)
    }
}

async fn insert(change: &mut Connection, new: &NewUpload<'_>) -> Result<(), sqlx::Error> {
    // What belongs to one call has no second one to be found by.
    let request = new.request.filter(|_| !new.one_call).map_or("", RequestId::as_str);
    sqlx::query(
        "INSERT INTO uploads (upload_id, dataset_id, owner, revision, spec, request_id, fingerprint, created, expires, one_call) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.id.as_str())
    .bind(new.dataset_id.as_str())
    .bind(new.owner)
    .bind(i64::from(new.revision))
    .bind(new.spec.as_slice())
    .bind(request)
    .bind(new.fingerprint.as_slice())
    .bind(to_stored(new.now.as_secs()))
    .bind(to_stored(new.expires.as_secs()))
    .bind(i64::from(new.one_call))
    .execute(change)
    .await
    .map(|_| ())
}

pub(super) async fn by_id(
    connection: &mut Connection,
    id: &UploadId,
    now: UnixTime,
) -> Result<Option<UploadRow>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE upload_id = $1 AND expires > $2");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str()).bind(to_stored(now.as_secs()));
    row.fetch_optional(connection).await?.as_ref().map(upload).transpose()
}

pub(super) async fn drop_one(change: &mut Connection, id: &UploadId) -> Result<bool, Error> {
    let row = sqlx::query("SELECT dataset_id FROM uploads WHERE upload_id = $1");
    let row = row.bind(id.as_str()).fetch_optional(&mut *change).await?;
    let Some(row) = row else { return Ok(false) };
    untidy(change, &known(&row, "dataset_id", DatasetId::parse)?).await?;
    let gone = sqlx::query("DELETE FROM uploads WHERE upload_id = $1").bind(id.as_str());
    gone.execute(change).await?;
    Ok(true)
}

/// Notes that objects beneath this id may have to go.
pub(super) async fn untidy(change: &mut Connection, id: &DatasetId) -> Result<(), sqlx::Error> {
    let note = sqlx::query("INSERT INTO untidy (dataset_id) VALUES ($1) ON CONFLICT DO NOTHING");
    note.bind(id.as_str()).execute(change).await.map(|_| ())
}

fn upload(row: &Row) -> Result<UploadRow, sqlx::Error> {
    let spec: Vec<u8> = row.try_get("spec")?;
    let count = |column| row.try_get(column).map(from_stored);
    let time = |column| count(column).map(UnixTime::from_secs);
    Ok(UploadRow {
        number: row.try_get("number")?,
        id: known(row, "upload_id", UploadId::parse)?,
        dataset_id: known(row, "dataset_id", DatasetId::parse)?,
        owner: row.try_get("owner")?,
        revision: row.try_get::<i64, _>("revision")? == 1,
        display_name: crate::uploads::wire::stored_name(&spec)?,
        spec,
        request: RequestId::parse(row.try_get("request_id")?),
        created: time("created")?,
        expires: time("expires")?,
        version: row.try_get("version")?,
        whole_count: count("whole_count")?,
        size_bytes: count("size_bytes")?,
    })
}
