//! Keeps what an upload has received.
//!
//! Invariant: what is recorded lies in the store already, durably. Two streams that write one file do not mix: each part is recorded
//! behind exactly the part that its stream wrote before it.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_store::{Connection, Row, rows};
use hallpass_token::UnixTime;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Database, from_stored, to_stored};
use crate::error::Error;
use hallpass_formats::shown;

/// A part of a file, or a whole one, in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The object's number.
    pub(crate) number: u64,
    pub(crate) size: u64,
}

/// What a stream has written and wants to have recorded.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) path: String,
    /// How many bytes the file is to have.
    pub(crate) size: u64,
    /// How many have come with this part.
    pub(crate) received: u64,
    /// Of a file that is whole with this part.
    pub(crate) sha256: Option<[u8; 32]>,
    /// The part that must be the file's last one; `None` begins the file anew, whatever there was.
    pub(crate) behind: Option<u64>,
    /// Whether the part holds the whole file and takes the place of all others.
    pub(crate) replaces: bool,
    pub(crate) part: Part,
}

/// Steps of one upload.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) upload: i64,
    pub(crate) steps: &'a [Step],
    /// When the upload is to expire now.
    pub(crate) expires: UnixTime,
    pub(crate) now: UnixTime,
    pub(crate) limits: Limits,
}

/// How much an upload, and all of one user's, may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) path_bytes: u64,
    pub(crate) open_bytes: u64,
}

/// What has come of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReceivedFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) received: u64,
    /// Of a file that has come in whole.
    pub(crate) sha256: Option<[u8; 32]>,
}

/// What an upload holds, as far as its bounds go.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    files: i64,
    whole: i64,
    bytes: i64,
    path_bytes: i64,
}

/// So many numbers are given out at a time.
pub(crate) const BLOCK: u64 = 4096;

/// So many files a statement.
const ROWS: usize = 500;

impl Database {
    /// The first of `BLOCK` numbers for objects of an upload, never given before.
    pub(crate) async fn numbers(&self, upload: i64) -> Result<u64, Error> {
        let next = sqlx::query(
            "UPDATE uploads SET blocks = blocks + 1 WHERE number = $1 RETURNING blocks",
        );
        let row = next.bind(upload).fetch_optional(&mut *self.store.write().await?).await?;
        let block: i64 = row.ok_or(Error::UploadEnded)?.try_get("blocks")?;
        Ok((from_stored(upload) << 32) | (from_stored(block - 1) * BLOCK))
    }

    /// Records what was written. Says which objects have become needless.
    pub(crate) async fn record(&self, batch: &Batch<'_>) -> Result<Vec<u64>, Error> {
        self.store.change(batch, |change, batch| Box::pin(record(change, batch))).await
    }

    /// One file of an upload, with its parts in order.
    pub(crate) async fn received(
        &self,
        upload: i64,
        path: &str,
    ) -> Result<Option<(ReceivedFile, Vec<Part>)>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let row = sqlx::query(
            "SELECT path, size_bytes, received, sha256 FROM upload_files WHERE upload = $1 AND path = $2",
        );
        let row = row.bind(upload).bind(path).fetch_optional(&mut *state).await?;
        let Some(row) = row else { return Ok(None) };
        let parts = sqlx::query(
            "SELECT stored_as, size_bytes FROM upload_parts WHERE upload = $1 AND path = $2 ORDER BY position",
        );
        let parts = parts.bind(upload).bind(path).fetch_all(&mut *state).await?;
        let parts = parts.iter().map(part).collect::<Result<_, sqlx::Error>>()?;
        Ok(Some((file(&row)?, parts)))
    }

    /// The files of an upload behind a path, in the order of their paths.
    pub(crate) async fn received_behind(
        &self,
        upload: i64,
        path: &str,
        most: u32,
    ) -> Result<Vec<ReceivedFile>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT path, size_bytes, received, sha256 FROM upload_files WHERE upload = $1 AND path > $2 \
             ORDER BY path LIMIT $3",
        );
        let rows = rows.bind(upload).bind(path).bind(i64::from(most));
        rows.fetch_all(&mut *self.store.read().await?).await?.iter().map(file).collect()
    }
}

async fn record(change: &mut Connection, batch: &Batch<'_>) -> Result<Vec<u64>, Error> {
    let touched = sqlx::query(
        "UPDATE uploads SET version = version + 1, expires = $2 WHERE number = $1 AND expires > $3",
    );
    let touched = touched.bind(batch.upload).bind(to_stored(batch.expires.as_secs()));
    let touched = touched.bind(to_stored(batch.now.as_secs())).execute(&mut *change).await?;
    if touched.rows_affected() == 0 {
        return Err(Error::UploadEnded);
    }
    let (mut sums, mut needless) = (Sums::default(), Vec::new());
    let (anew, on): (Vec<_>, Vec<_>) = batch.steps.iter().partition(|step| step.behind.is_none());
    for steps in anew.chunks(ROWS) {
        needless.extend(clear(change, batch.upload, steps, &mut sums).await?);
        begin(change, batch.upload, steps, &mut sums).await?;
    }
    for step in on {
        needless.extend(go_on(change, batch.upload, step, &mut sums).await?);
    }
    settle(change, batch, sums).await?;
    Ok(needless)
}

/// Drops what there is of these files; says which objects it was.
async fn clear(
    change: &mut Connection,
    upload: i64,
    steps: &[&Step],
    sums: &mut Sums,
) -> Result<Vec<u64>, sqlx::Error> {
    let paths: BTreeSet<_> = steps.iter().map(|step| step.path.as_str()).collect();
    let places: Vec<_> = (0..paths.len()).map(|place| format!("${}", place + 2)).collect();
    let among = format!("FROM {{}} WHERE upload = $1 AND path IN ({})", places.join(", "));
    let of =
        |what: &str, table: &str| AssertSqlSafe(format!("{what} {}", among.replace("{}", table)));
    let bound =
        |sql| paths.iter().fold(sqlx::query(sql).bind(upload), |query, path| query.bind(*path));
    let files = bound(of("SELECT path, size_bytes, received, sha256", "upload_files"));
    let files = files.fetch_all(&mut *change).await?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    for row in &files {
        let file = file(row)?;
        sums.files -= 1;
        sums.whole -= i64::from(file.sha256.is_some());
        sums.bytes -= to_stored(file.received);
        sums.path_bytes -= to_stored(file.path.len() as u64);
    }
    let parts =
        bound(of("SELECT stored_as, size_bytes", "upload_parts")).fetch_all(&mut *change).await?;
    bound(of("DELETE", "upload_files")).execute(change).await?;
    parts.iter().map(|row| part(row).map(|part| part.number)).collect()
}

async fn begin(
    change: &mut Connection,
    upload: i64,
    steps: &[&Step],
    sums: &mut Sums,
) -> Result<(), sqlx::Error> {
    // Of one path the last one counts.
    let steps: BTreeMap<_, _> = steps.iter().map(|step| (step.path.as_str(), *step)).collect();
    let into = "INSERT INTO upload_files (upload, path, size_bytes, received, sha256) VALUES";
    let insert = steps.values().fold(sqlx::query(rows(into, 5, steps.len())), |insert, step| {
        let insert = insert.bind(upload).bind(&step.path).bind(to_stored(step.size));
        insert.bind(to_stored(step.received)).bind(stored(step.sha256.as_ref()))
    });
    insert.execute(&mut *change).await?;
    let into = "INSERT INTO upload_parts (upload, path, position, size_bytes, stored_as) VALUES";
    let insert = steps.values().fold(sqlx::query(rows(into, 5, steps.len())), |insert, step| {
        let insert = insert.bind(upload).bind(&step.path).bind(0_i64);
        insert.bind(to_stored(step.part.size)).bind(to_stored(step.part.number))
    });
    insert.execute(change).await?;
    for step in steps.values() {
        sums.files += 1;
        sums.whole += i64::from(step.sha256.is_some());
        sums.bytes += to_stored(step.received);
        sums.path_bytes += to_stored(step.path.len() as u64);
    }
    Ok(())
}

async fn go_on(
    change: &mut Connection,
    upload: i64,
    step: &Step,
    sums: &mut Sums,
) -> Result<Vec<u64>, Error> {
    let parts = sqlx::query(
        "SELECT stored_as, size_bytes FROM upload_parts WHERE upload = $1 AND path = $2 ORDER BY position",
    );
    let parts = parts.bind(upload).bind(&step.path).fetch_all(&mut *change).await?;
    let parts = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    if parts.last().map(|part| part.number) != step.behind {
        return Err(Error::FileBusy { path: shown(&step.path) });
    }
    let needless =
        if step.replaces { parts.iter().map(|part| part.number).collect() } else { vec![] };
    if step.replaces {
        let gone = sqlx::query("DELETE FROM upload_parts WHERE upload = $1 AND path = $2");
        gone.bind(upload).bind(&step.path).execute(&mut *change).await?;
    }
    let position = if step.replaces { 0 } else { parts.len() as u64 };
    let insert = sqlx::query(
        "INSERT INTO upload_parts (upload, path, position, size_bytes, stored_as) VALUES ($1, $2, $3, $4, $5)",
    );
    let insert = insert.bind(upload).bind(&step.path).bind(to_stored(position));
    let insert = insert.bind(to_stored(step.part.size)).bind(to_stored(step.part.number));
    insert.execute(&mut *change).await?;
    let update = sqlx::query(
        "UPDATE upload_files SET received = $3, sha256 = $4 WHERE upload = $1 AND path = $2",
    );
    let update = update.bind(upload).bind(&step.path).bind(to_stored(step.received));
    update.bind(stored(step.sha256.as_ref())).execute(change).await?;
    let before: u64 = parts.iter().map(|part| part.size).sum();
    sums.bytes += to_stored(step.received) - to_stored(before);
    sums.whole += i64::from(step.sha256.is_some());
    Ok(needless)
}

/// Adds the sums up and holds them against the bounds.
async fn settle(change: &mut Connection, batch: &Batch<'_>, sums: Sums) -> Result<(), Error> {
    let update = sqlx::query(
        "UPDATE uploads SET file_count = file_count + $2, whole_count = whole_count + $3, size_bytes = size_bytes + $4, \
         path_bytes = path_bytes + $5 WHERE number = $1 RETURNING file_count, size_bytes, path_bytes, owner",
    );
    let update = update.bind(batch.upload).bind(sums.files).bind(sums.whole);
    let row = update.bind(sums.bytes).bind(sums.path_bytes).fetch_one(&mut *change).await?;
    let count = |column| row.try_get(column).map(from_stored);
    let Limits { files, bytes, path_bytes, open_bytes } = batch.limits;
    if count("file_count")? > files || count("path_bytes")? > path_bytes {
        return Err(Error::UploadRefused(format!("has too many files; {files} are allowed")));
    }
    if count("size_bytes")? > bytes {
        return Err(Error::UploadRefused(format!("is too big; {bytes} bytes are allowed")));
    }
    let all = sqlx::query(
        "SELECT CAST(SUM(size_bytes) AS BIGINT) AS bytes FROM uploads WHERE owner = $1",
    );
    let all = all.bind(row.try_get::<&str, _>("owner")?).fetch_one(change).await?;
    if from_stored(all.try_get("bytes")?) > open_bytes {
        return Err(Error::UploadsTooBig { most: open_bytes });
    }
    Ok(())
}

const fn stored(sha256: Option<&[u8; 32]>) -> &[u8] {
    match sha256 {
        Some(sha256) => sha256,
        None => &[],
    }
}

fn part(row: &Row) -> Result<Part, sqlx::Error> {
    let number = from_stored(row.try_get("stored_as")?);
    Ok(Part { number, size: from_stored(row.try_get("size_bytes")?) })
}

fn file(row: &Row) -> Result<ReceivedFile, sqlx::Error> {
    Ok(ReceivedFile {
        path: row.try_get("path")?,
        size: from_stored(row.try_get("size_bytes")?),
        received: from_stored(row.try_get("received")?),
        sha256: <[u8; 32]>::try_from(row.try_get::<&[u8], _>("sha256")?).ok(),
    })
}
