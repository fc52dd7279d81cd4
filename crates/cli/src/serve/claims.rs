//! The node's store of claims on action tokens: opened where an operation of its services needs it, swept beside the list.

use std::path::Path;
use std::sync::Arc;

use hallpass_contract::SERVICES;
use hallpass_guard::Clock;
use hallpass_nats::{Mesh, SharedClaims};
use hallpass_policy::Rule;
use hallpass_revocation::{ClaimStore, Claims, Index, Options};

use crate::failure::Failure;
use crate::serve::node::random;

/// Where a role's claims are kept.
pub(super) enum Kept {
    /// No token of its operations is good for one call.
    Nowhere,
    /// By this process alone, which owns the operations.
    Here(Claims),
    /// Where all processes of the mesh claim.
    Together(Box<SharedClaims>),
}

impl Kept {
    /// What the guard claims at.
    pub(super) fn store(&self) -> Option<Arc<dyn ClaimStore>> {
        match self {
            Self::Nowhere => None,
            Self::Here(claims) => Some(Arc::new(claims.clone())),
            Self::Together(claims) => Some(Arc::new(SharedClaims::clone(claims))),
        }
    }

    /// The index that tells up to when this process dropped claims.
    pub(super) fn index(&self) -> Option<Arc<Index>> {
        match self {
            Self::Here(claims) => Some(claims.index()),
            // The servers drop them, by a clock of their own, which each claim is held against.
            Self::Nowhere | Self::Together(_) => None,
        }
    }

    /// What has to be swept by this process.
    pub(super) fn swept(self) -> Option<Claims> {
        match self {
            Self::Here(claims) => Some(claims),
            Self::Nowhere | Self::Together(_) => None,
        }
    }
}

/// Opens the store of a role's claims: in the mesh's servers if there are some, else under the role's state folder.
pub(super) async fn open(
    role: &str,
    state: &Path,
    clock: &Clock,
    mesh: Option<&Mesh>,
) -> Result<Kept, Failure> {
    let served = SERVICES.iter().filter(|service| service.audience == role);
    let mut actions = served.flat_map(|service| service.rules).filter_map(Rule::action);
    if !actions.any(|action| action.single_use) {
        return Ok(Kept::Nowhere);
    }
    if let Some(mesh) = mesh {
        return Ok(Kept::Together(Box::new(SharedClaims::new(mesh.clone()))));
    }
    let options = Options::new(random()?, clock.now());
    Claims::open(&state.join("claims"), &options).await.map(Kept::Here).map_err(Failure::failed)
}
