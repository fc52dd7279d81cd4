//! Lists what a user may read, in any order, with any filter.
//!
//! Invariant: the list is put together from three parts that exclude each other: what is public, what is private and the user's
//! own, what is private and shared with the user. Each part is selected by an index that begins with what the user may read, so
//! what the user may not see costs nothing and moves nothing.

#[cfg(test)]
mod plans;
mod sql;

use super::Database;
use super::read::{Listed, complete};
use crate::model::access::Visibility;
use crate::model::dataset::Format;
use sql::Sql;

/// Which datasets of those that the user may read: those that fit everything that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// The name holds this, whatever the case of ASCII letters; empty means any name.
    pub(crate) name_contains: String,
    /// The format.
    pub(crate) format: Option<Format>,
    /// The user that owns it.
    pub(crate) owner: Option<String>,
    /// Who may read it.
    pub(crate) visibility: Option<Visibility>,
    /// A class that it has.
    pub(crate) class_name: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// By name; of one name the older first.
    Name,
    /// The biggest first; of one size the newer first.
    Biggest,
    /// The last changed first; of one instant the newer first.
    LastChanged,
}

/// A place in a list: that of one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    /// By number alone.
    Number(i64),
    /// By a text, then by number.
    Text(String, i64),
    /// By an integer, then by number.
    Integer(i64, i64),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Which datasets.
    pub(crate) filter: Filter,
    /// In which order.
    pub(crate) order: Order,
    /// Behind this one; from the beginning without.
    pub(crate) behind: Option<Position>,
    /// At most so many.
    pub(crate) most: u32,
}

impl Order {
    /// The column that it goes by. Where two have the same in it, their numbers decide.
    const fn column(self) -> &'static str {
        match self {
            Self::Newest | Self::Oldest => "number",
            Self::Name => "display_name",
            Self::Biggest => "size_bytes",
            Self::LastChanged => "updated",
        }
    }

    /// What it is called in page tokens.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Name => "name",
            Self::Biggest => "biggest",
            Self::LastChanged => "last changed",
        }
    }

    const fn is_downward(self) -> bool {
        matches!(self, Self::Newest | Self::Biggest | Self::LastChanged)
    }
}

impl Listed {
    /// Its place in a list of this order.
    pub(crate) fn position(&self, order: Order) -> Position {
        let dataset = &self.dataset;
        match order {
            Order::Newest | Order::Oldest => Position::Number(self.number),
            Order::Name => Position::Text(dataset.display_name.clone(), self.number),
            Order::Biggest => Position::Integer(super::to_stored(dataset.size_bytes), self.number),
            Order::LastChanged => {
                Position::Integer(super::to_stored(dataset.updated.as_secs()), self.number)
            }
        }
    }
}

impl Database {
    /// The datasets that the subject may read and the query asks for; none behind the one (the second or a later one) with which
    /// they weigh more than so much together.
    pub(crate) async fn visible(
        &self,
        subject: &str,
        query: &Query,
        heaviest: usize,
    ) -> Result<Vec<Listed>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let Some(sql) = Sql::visible(subject, query) else { return Ok(Vec::new()) };
        let rows = sql.fetch(&mut state).await?;
        complete(&mut state, &rows, heaviest).await
    }
}
