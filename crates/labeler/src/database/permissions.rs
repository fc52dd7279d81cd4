//! Changes what people read of a dataset and who may use it.
//!
//! Invariant: whether the caller may, whether the etag is still the dataset's, and the change itself are one transaction. A change
//! that changes nothing leaves the etag as it is.

use hallpass_store::Connection;
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::quota::{self, Holdings};
use super::read::{dataset, known};
use super::roles::role_in_dataset;
use super::{Database, to_stored};
use crate::error::Error;
use crate::model::access::{Kind, Role, Visibility};
use crate::model::dataset::{Dataset, Share};
use crate::model::ids::DatasetId;
use crate::settings::Quota;

/// Who changes which dataset, and from which state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alteration<'a> {
    /// The dataset.
    pub(crate) id: &'a DatasetId,
    /// The user.
    pub(crate) by: &'a str,
    /// What the user must be allowed to do to it.
    pub(crate) needs: &'static str,
    /// The etag that the dataset must have; empty for any.
    pub(crate) expected: &'a str,
    /// The etag that it will have.
    pub(crate) etag: &'a str,
    /// When.
    pub(crate) now: UnixTime,
    /// What it, and the datasets of a new owner, may come to.
    pub(crate) quota: Quota,
}

/// What is to change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// What people read of it; `None` stays as it is.
    Text {
        /// The new name.
        display_name: Option<&'a str>,
        /// The new description.
        description: Option<&'a str>,
    },
    /// A user gets this part, whatever the user had.
    Grant(&'a Share),
    /// A user's part goes.
    Revoke(&'a str),
    /// Who else may read it.
    Visibility(Visibility),
    /// It gets another owner, and the former one a part or none.
    Owner {
        /// The user that gets it.
        new: &'a str,
        /// What the former owner is to be.
        former: Option<Role>,
    },
}

/// What became of an alteration.
#[derive(Debug)]
pub(crate) struct Altered {
    /// The dataset as it is now.
    pub(crate) dataset: Dataset,
    /// Whether anything changed.
    pub(crate) changed: bool,
}

/// One page of who may use a dataset.
#[derive(Debug)]
pub(crate) struct Permissions {
    /// The user that owns it.
    pub(crate) owner: String,
    /// Who else may read it.
    pub(crate) visibility: Visibility,
    /// The others, sorted by user.
    pub(crate) shares: Vec<Share>,
}

impl Database {
    /// Changes a dataset; `None` if there is none, or if the user may not.
    pub(crate) async fn alter(
        &self,
        alteration: Alteration<'_>,
        what: Change<'_>,
    ) -> Result<Option<Altered>, Error> {
        let work = (alteration, what);
        self.store.change(&work, |change, work| Box::pin(alter(change, work.0, work.1))).await
    }

    /// Who may use a dataset, the users behind this one: at most so many. `None` if there is no such dataset, or if the asking user
    /// may not share it.
    pub(crate) async fn permissions(
        &self,
        id: &DatasetId,
        asking: &str,
        behind: &str,
        most: u32,
    ) -> Result<Option<Permissions>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        if !may(&mut state, id, asking, "share").await? {
            return Ok(None);
        }
        let Some(found) = found(&mut state, id).await? else { return Ok(None) };
        let shares = sqlx::query(
            "SELECT subject, role FROM shares WHERE dataset = $1 AND subject > $2 ORDER BY subject LIMIT $3",
        );
        let shares = shares.bind(found.number).bind(behind).bind(i64::from(most));
        let shares = shares.fetch_all(&mut *state).await?;
        let share = |row| {
            let role = known(row, "role", Role::from_stored)?;
            Ok(Share { subject: row.try_get("subject")?, role })
        };
        let shares = shares.iter().map(share).collect::<Result<_, sqlx::Error>>()?;
        Ok(Some(Permissions { owner: found.owner, visibility: found.visibility, shares }))
    }
}

/// Gives a dataset a new etag: it has changed.
pub(super) async fn touch(
    change: &mut Connection,
    number: i64,
    etag: &str,
    now: UnixTime,
) -> Result<(), sqlx::Error> {
    let update = sqlx::query("UPDATE datasets SET etag = $2, updated = $3 WHERE number = $1");
    let update = update.bind(number).bind(etag).bind(to_stored(now.as_secs()));
    update.execute(change).await.map(|_| ())
}

/// Whether the subject may do this to a dataset, in the state that the connection sees.
pub(super) async fn may(
    connection: &mut Connection,
    id: &DatasetId,
    subject: &str,
    permission: &str,
) -> Result<bool, sqlx::Error> {
    let role = role_in_dataset(connection, id, subject).await?;
    Ok(role.is_some_and(|role| Kind::Dataset.permits(role, permission)))
}

struct Found {
    number: i64,
    owner: String,
    visibility: Visibility,
    etag: String,
}

async fn alter(
    change: &mut Connection,
    alteration: Alteration<'_>,
    what: Change<'_>,
) -> Result<Option<Altered>, Error> {
    let Alteration { id, by, needs, expected, etag, now, quota } = alteration;
    if !may(change, id, by, needs).await? {
        return Ok(None);
    }
    let Some(found) = found(change, id).await? else { return Ok(None) };
    if !expected.is_empty() && expected != found.etag {
        return Err(Error::EtagMismatch);
    }
    let changed = match what {
        Change::Text { display_name, description } => {
            let name = set_text(change, found.number, NAME, display_name).await?;
            set_text(change, found.number, DESCRIPTION, description).await? || name
        }
        Change::Grant(share) => grant(change, &found, share, quota).await?,
        Change::Revoke(subject) => revoke(change, &found, subject).await?,
        Change::Visibility(visibility) => set_visibility(change, &found, visibility).await?,
        Change::Owner { new, former } => transfer(change, &found, (new, former), quota).await?,
    };
    if changed {
        touch(change, found.number, etag, now).await?;
    }
    let dataset = dataset(change, id).await?;
    Ok(dataset.map(|dataset| Altered { dataset, changed }))
}

async fn found(connection: &mut Connection, id: &DatasetId) -> Result<Option<Found>, sqlx::Error> {
    let row =
        sqlx::query("SELECT number, owner, visibility, etag FROM datasets WHERE dataset_id = $1");
    let Some(row) = row.bind(id.as_str()).fetch_optional(connection).await? else {
        return Ok(None);
    };
    let visibility = known(&row, "visibility", Visibility::from_stored)?;
    let (number, owner, etag) =
        (row.try_get("number")?, row.try_get("owner")?, row.try_get("etag")?);
    Ok(Some(Found { number, owner, visibility, etag }))
}

const NAME: &str = "UPDATE datasets SET display_name = $2 WHERE number = $1 AND display_name <> $2";
const DESCRIPTION: &str =
    "UPDATE datasets SET description = $2 WHERE number = $1 AND description <> $2";

async fn set_text(
    change: &mut Connection,
    number: i64,
    update: &'static str,
    text: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let Some(text) = text else { return Ok(false) };
    let updated = sqlx::query(update).bind(number).bind(text).execute(change).await?;
    Ok(updated.rows_affected() > 0)
}

async fn grant(
    change: &mut Connection,
    found: &Found,
    share: &Share,
    quota: Quota,
) -> Result<bool, Error> {
    if share.subject == found.owner {
        let problem = "owns the dataset and may do everything; right: TransferOwnership gives it to another user";
        return Err(Error::invalid("share.subject", problem));
    }
    let held = sqlx::query("SELECT 1 FROM shares WHERE dataset = $1 AND subject = $2");
    let held = held.bind(found.number).bind(&share.subject).fetch_optional(&mut *change).await?;
    let granted = sqlx::query(
        "INSERT INTO shares (dataset, subject, role) VALUES ($1, $2, $3) \
         ON CONFLICT (dataset, subject) DO UPDATE SET role = excluded.role WHERE shares.role <> excluded.role",
    );
    let granted = granted.bind(found.number).bind(&share.subject).bind(share.role.as_str());
    let changed = granted.execute(&mut *change).await?.rows_affected() > 0;
    // Another role for a user who has one makes them no more.
    if held.is_none() {
        quota::check_shares(change, found.number, quota).await?;
    }
    Ok(changed)
}

async fn revoke(change: &mut Connection, found: &Found, subject: &str) -> Result<bool, Error> {
    if subject == found.owner {
        let problem = "owns the dataset; right: TransferOwnership gives it to another user";
        return Err(Error::invalid("subject", problem));
    }
    let revoked = sqlx::query("DELETE FROM shares WHERE dataset = $1 AND subject = $2");
    let revoked = revoked.bind(found.number).bind(subject).execute(change).await?;
    Ok(revoked.rows_affected() > 0)
}

async fn set_visibility(
    change: &mut Connection,
    found: &Found,
    visibility: Visibility,
) -> Result<bool, Error> {
    let update = sqlx::query("UPDATE datasets SET visibility = $2 WHERE number = $1");
    update.bind(found.number).bind(visibility.as_str()).execute(change).await?;
    Ok(visibility != found.visibility)
}

/// What the former owner's requests made is answered to them no more: they may have no part in it now.
async fn transfer(
    change: &mut Connection,
    found: &Found,
    (new, former): (&str, Option<Role>),
    quota: Quota,
) -> Result<bool, Error> {
    if new == found.owner {
        return Err(Error::invalid("new_owner", "owns the dataset already; right: another user"));
    }
    for goes in [
        "DELETE FROM shares WHERE dataset = $1 AND subject = $2",
        "DELETE FROM requests WHERE dataset = $1 AND owner <> $2",
    ] {
        sqlx::query(goes).bind(found.number).bind(new).execute(&mut *change).await?;
    }
    let update = sqlx::query("UPDATE datasets SET owner = $2 WHERE number = $1");
    update.bind(found.number).bind(new).execute(&mut *change).await?;
    Holdings::of(change, new).await?.given(quota)?;
    if let Some(role) = former {
        let insert = sqlx::query("INSERT INTO shares (dataset, subject, role) VALUES ($1, $2, $3)");
        let insert = insert.bind(found.number).bind(&found.owner).bind(role.as_str());
        insert.execute(change).await?;
    }
    Ok(true)
}
