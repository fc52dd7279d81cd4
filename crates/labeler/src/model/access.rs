//! Who may do what: roles, what follows from them for each kind of object, and what everyone may do.
//!
//! Invariant: this table is the only place that knows; the object check and `CheckPermission` both ask it.

use hallpass_contract::can::{ReadDataset, ReadSnapshot, ReadUpload};
use hallpass_policy::Permission;

/// A user's part in a dataset. A greater one includes the smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// May read.
    Viewer,
    /// May read and write.
    Editor,
    /// May do everything. Each dataset has one.
    Owner,
}

/// What can be asked for: each type of object that the contract declares for Labeler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A dataset.
    Dataset,
    /// A snapshot. A user's part in it is the part in its dataset.
    Snapshot,
    /// An open upload. It has an owner and nobody else.
    Upload,
}

impl Kind {
    /// The kind that the contract calls so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Dataset, Self::Snapshot, Self::Upload].into_iter().find(|kind| kind.name() == name)
    }

    /// What the contract calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dataset => ReadDataset::KIND,
            Self::Snapshot => ReadSnapshot::KIND,
            Self::Upload => ReadUpload::KIND,
        }
    }

    /// The permissions that follow from a role, as the contract names them.
    pub(crate) const fn permissions(self, role: Role) -> &'static [&'static str] {
        match (self, role) {
            (Self::Dataset, Role::Viewer) | (Self::Snapshot, Role::Viewer | Role::Editor) => {
                &["read"]
            }
            (Self::Dataset, Role::Editor) | (Self::Upload, Role::Owner) => &["read", "write"],
            (Self::Dataset, Role::Owner) => &["read", "write", "delete", "share"],
            (Self::Snapshot, Role::Owner) => &["read", "delete"],
            (Self::Upload, Role::Viewer | Role::Editor) => &[],
        }
    }

    /// Whether a permission follows from a role.
    pub(crate) fn permits(self, role: Role, permission: &str) -> bool {
        self.permissions(role).contains(&permission)
    }
}

impl Role {
    /// How the role is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Editor, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }
}

/// Who may read a dataset besides its owner and those it is shared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Visibility {
    /// Nobody.
    #[default]
    Private,
    /// Everyone.
    Public,
}

impl Visibility {
    /// How it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        [Self::Private, Self::Public].into_iter().find(|known| known.as_str() == text)
    }

    /// What a user may be who has this part, or none, in a dataset that is visible so.
    pub(crate) fn raise(self, own: Option<Role>) -> Option<Role> {
        match self {
            Self::Private => own,
            Self::Public => own.max(Some(Role::Viewer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greater_role_includes_the_smaller_ones() {
        for (smaller, greater) in [(Role::Viewer, Role::Editor), (Role::Editor, Role::Owner)] {
            assert!(smaller < greater);
            let held = |role| Kind::Dataset.permissions(role);
            assert!(held(smaller).iter().all(|permission| held(greater).contains(permission)));
            assert!(!held(greater).iter().all(|permission| held(smaller).contains(permission)));
        }
    }

    #[test]
    fn a_snapshot_is_read_and_deleted_as_its_dataset_is() {
        for role in [Role::Viewer, Role::Editor, Role::Owner] {
            for permission in ["read", "delete"] {
                let dataset = Kind::Dataset.permits(role, permission);
                assert_eq!(Kind::Snapshot.permits(role, permission), dataset);
            }
        }
        assert!(!Kind::Snapshot.permits(Role::Owner, "write"), "a snapshot never changes");
    }

    #[test]
    fn kinds_have_the_contracts_names() {
        for (kind, name) in
            [(Kind::Dataset, "dataset"), (Kind::Snapshot, "snapshot"), (Kind::Upload, "upload")]
        {
            assert_eq!((Kind::named(name), kind.name()), (Some(kind), name));
        }
        assert_eq!(Kind::named("job"), None);
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for role in [Role::Viewer, Role::Editor, Role::Owner] {
            assert_eq!(Role::from_stored(role.as_str()), Some(role));
        }
        assert_eq!((Role::from_stored("admin"), Visibility::from_stored("")), (None, None));
    }

    #[test]
    fn public_raises_nobody_above_viewer_and_lowers_nobody() {
        assert_eq!(Visibility::Public.raise(None), Some(Role::Viewer));
        assert_eq!(Visibility::Public.raise(Some(Role::Editor)), Some(Role::Editor));
        assert_eq!(Visibility::Private.raise(None), None);
        assert_eq!(Visibility::Private.raise(Some(Role::Owner)), Some(Role::Owner));
    }
}
