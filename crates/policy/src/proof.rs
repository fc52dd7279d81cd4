//! Proofs that the object check was done. A store that takes one cannot be reached without it.
//!
//! Invariant: `Granted` is made by `Granted::check` alone, `Seen` by `Visible::look` alone. A token with a `resource` claim gets neither for
//! anything but its object, whatever a service's policy says.

use std::future::Future;
use std::marker::PhantomData;

use hallpass_token::ResourceClaim;

use crate::{Denial, Object, Permit, Refusal};

/// Something that can be done to objects of one type. The build writes one type for each that the contract declares.
pub trait Permission: Send + Sync + 'static {
    /// The object's type, such as "dataset".
    const KIND: &'static str;
    /// What is done to it, such as "read".
    const NAME: &'static str;
}

/// Knows who may do what to which object. Each service has one.
pub trait ObjectPolicy: Send + Sync + 'static {
    /// Whether the permit's holder may do `permission` to the object of type `kind` with this id. Not asked about objects that a token
    /// with a `resource` claim is not for: [`Granted::check`] refuses those.
    ///
    /// An absent object and a forbidden one are both `Verdict::Refused`. An error means that the policy cannot know.
    fn check(
        &self,
        permit: &Permit,
        kind: &'static str,
        permission: &'static str,
        id: &str,
    ) -> impl Future<Output = Result<Verdict, Unknown>> + Send;

    /// Whether the object lies inside the one that the caller's token is for, so that the token opens it, too, as far as
    /// [`ObjectPolicy::check`] allows. Unless a service says otherwise, a token for one object opens that object alone.
    fn is_inside(
        &self,
        claimed: &ResourceClaim,
        kind: &'static str,
        id: &str,
    ) -> impl Future<Output = Result<bool, Unknown>> + Send {
        let _ = (claimed, kind, id);
        std::future::ready(Ok(false))
    }
}

impl<P: ObjectPolicy> ObjectPolicy for std::sync::Arc<P> {
    fn check(
        &self,
        permit: &Permit,
        kind: &'static str,
        permission: &'static str,
        id: &str,
    ) -> impl Future<Output = Result<Verdict, Unknown>> + Send {
        P::check(self, permit, kind, permission, id)
    }

    fn is_inside(
        &self,
        claimed: &ResourceClaim,
        kind: &'static str,
        id: &str,
    ) -> impl Future<Output = Result<bool, Unknown>> + Send {
        P::is_inside(self, claimed, kind, id)
    }
}

/// What an object policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The caller may.
    Granted,
    /// The caller may, and the object lies in this bucket.
    GrantedIn(String),
    /// The object check says yes, and the storage grants of the caller's token lack an operation in the object's bucket.
    StorageNotGranted {
        /// The operation, such as `s3:GetObject`.
        operation: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// The caller may not, or there is no such object.
    Refused,
}

/// An object policy that cannot know; it has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown(
    /// What did not answer, such as "the database".
    pub &'static str,
);

/// The proof that the caller may do `P` to one object.
#[derive(Debug, Clone)]
pub struct Granted<P> {
    object: Object,
    permit: Permit,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Granted<P> {
    /// Asks the policy, unless the caller's token is for another object. The only way to a `Granted`.
    pub async fn check(
        policy: &impl ObjectPolicy,
        permit: &Permit,
        id: &str,
    ) -> Result<Self, Refusal> {
        let object = Object::new(P::KIND, id);
        let permit = permit.clone().about(object.clone());
        let refused = Denial::ObjectRefused { kind: P::KIND, permission: P::NAME };
        if !is_within_action(&permit, P::KIND, id) {
            return Err(permit.refusal(refused));
        }
        match is_within_claim(policy, &permit, P::KIND, id).await {
            Ok(true) => {}
            Ok(false) => return Err(permit.refusal(refused)),
            Err(Unknown(what)) => return Err(permit.refusal(Denial::CannotDecide(what))),
        }
        match policy.check(&permit, P::KIND, P::NAME, id).await {
            Ok(Verdict::Granted) => Ok(Self::make(permit, object)),
            Ok(Verdict::GrantedIn(bucket)) => Ok(Self::make(permit.within_bucket(&bucket), object)),
            Ok(Verdict::StorageNotGranted { operation, bucket }) => {
                let denial = Denial::StorageNotGranted(operation);
                Err(permit.within_bucket(&bucket).refusal(denial))
            }
            Ok(Verdict::Refused) => Err(permit.refusal(refused)),
            Err(Unknown(what)) => Err(permit.refusal(Denial::CannotDecide(what))),
        }
    }

    /// A proof without a check, for tests of handlers.
    #[cfg(feature = "testing")]
    pub fn for_tests(permit: Permit, id: &str) -> Self {
        Self::make(permit, Object::new(P::KIND, id))
    }

    const fn make(permit: Permit, object: Object) -> Self {
        Self { object, permit, permission: PhantomData }
    }

    /// The same proof, for the same object named twice in one request.
    pub(crate) fn again(&self) -> Self {
        Self::make(self.permit.clone(), self.object.clone())
    }

    /// The object's id.
    pub fn id(&self) -> &str {
        &self.object.id
    }

    /// The object, by its type and id.
    pub const fn object(&self) -> &Object {
        &self.object
    }

    /// The permit under which the check was made.
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }
}

/// A caller's token that is for one object opens that one, and what the policy says lies inside it.
async fn is_within_claim(
    policy: &impl ObjectPolicy,
    permit: &Permit,
    kind: &'static str,
    id: &str,
) -> Result<bool, Unknown> {
    match permit.claimed() {
        Some(claimed) if !permit.is_for(kind, id) => policy.is_inside(claimed, kind, id).await,
        Some(_) | None => Ok(true),
    }
}

/// An action token that is for one object counts for no other of its kind.
fn is_within_action(permit: &Permit, kind: &str, id: &str) -> bool {
    let object = permit.action().and_then(|action| action.claims().resource.as_ref());
    object.is_none_or(|object| object.kind != kind || object.id == id)
}

/// The proof that a list may be looked at, and through whose eyes.
#[derive(Debug, Clone)]
pub struct Visible<P> {
    permit: Permit,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Visible<P> {
    /// What the permit's holder can see of a list. Refused where the permit has no subject to see it with, and where the caller's token is
    /// for one object: it names that one itself, and of others it must not learn.
    pub fn through(permit: &Permit) -> Result<Self, Refusal> {
        if permit.subject().is_none() || permit.claimed().is_some() {
            let denial = Denial::ObjectRefused { kind: P::KIND, permission: P::NAME };
            return Err(permit.refusal(denial));
        }
        Ok(Self { permit: permit.clone(), permission: PhantomData })
    }

    /// The user through whose eyes the list is seen.
    pub fn subject(&self) -> &str {
        self.permit.subject().unwrap_or_default()
    }

    /// The permit.
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Runs a query that is given the subject and has to select by it. The only way to a `Seen`.
    pub async fn look<'a, T, E, F>(&'a self, query: impl FnOnce(&'a str) -> F) -> Result<Seen<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        Ok(Seen(query(self.subject()).await?))
    }
}

/// What a list shows to its caller. List handlers return it, so a list that was not selected for the caller does not compile.
#[derive(Debug)]
pub struct Seen<T>(T);

impl<T> Seen<T> {
    /// Encodes what was seen.
    pub fn map<U>(self, encode: impl FnOnce(T) -> U) -> Seen<U> {
        Seen(encode(self.0))
    }

    /// The content, for the adapter to send.
    pub fn into_inner(self) -> T {
        self.0
    }
}
