//! What the services' databases share: a SQLite file or PostgreSQL behind one query text, page tokens, ids; and how a bucket is opened.
//!
//! Invariant: what a change returned as written is durable, and each transaction sees one state of the database, whichever database
//! it is. No password of a database is in any error or `Debug`.
//!
//! Queries are written once for both: `$1` for values, `CASE WHEN … THEN 1 ELSE 0 END` for truth, `CAST(SUM(…) AS BIGINT)` for sums,
//! an alias for each query in `FROM`, no typed NULL among the values. Integers are read as `i64`. Text is ordered by its bytes.

mod again;
mod connections;
mod ids;
mod location;
mod migrations;
mod open_error;
mod owner;
mod page;
mod postgres_url;
mod rows;
mod s3;
mod space;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod turns;

pub use again::Failure;
pub use connections::{Connection, Held, Reading};
pub use ids::{Id, IdKind, NoChance, RequestId, etag, random};
pub use location::{Location, LocationError};
pub use migrations::{Migration, Migrations};
pub use open_error::{OpenError, Problem};
pub use owner::{Owner, OwnerError};
pub use page::{NegativePageSize, PageKey, PageRequest};
pub use rows::rows;
pub use s3::S3;
pub use space::{NoSpace, Space, Taken};
pub use store::{Query, Row, Store, Work};
