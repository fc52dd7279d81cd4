//! What a child token has from its parent.

use crate::{Fingerprint, Scopes, UnixTime};

#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    pub(crate) parents: Vec<Fingerprint>,
    pub(crate) root_issued_at: UnixTime,
    pub(crate) root_key: String,
    pub(crate) not_after: Option<UnixTime>,
    pub(crate) allowed: Scopes,
}
