//! Who may do what to a dataset: roles, what follows from them, and what everyone may do.
//!
//! Invariant: this table is the only place that knows; the object check and `CheckPermission` both ask it.

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

impl Role {
    /// The permissions that follow, as the contract names them.
    pub(crate) const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Viewer => &["read"],
            Self::Editor => &["read", "write"],
            Self::Owner => &["read", "write", "delete", "share"],
        }
    }

    /// Whether a permission follows.
    pub(crate) fn permits(self, permission: &str) -> bool {
        self.permissions().contains(&permission)
    }

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
            assert!(smaller.permissions().iter().all(|permission| greater.permits(permission)));
            assert!(!greater.permissions().iter().all(|permission| smaller.permits(permission)));
        }
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
