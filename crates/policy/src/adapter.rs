//! What generated adapters call: they take the permit, check the objects that the rule binds, and enter the handler.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream::try_unfold;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::{Request, Status, Streaming};

pub use crate::desk::{desk, use_up};
pub use crate::user::ForUser;
use crate::{Denial, Granted, Object, ObjectPolicy, Permission, Permit, Refusal, Visible, record};

/// How long the first message of a call may take to arrive, where no witness says otherwise.
pub const FIRST_MESSAGE_WITHIN: Duration = Duration::from_secs(10);

/// What a client sends in pieces.
pub type Incoming<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A server's answer in pieces.
pub type Reply<T, E> = std::pin::Pin<Box<dyn Stream<Item = Result<T, E>> + Send>>;

/// What a server can serve: tonic's bounds under one name.
pub trait GrpcService:
    Service<
        http::Request<Body>,
        Response = http::Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> GrpcService for S where
    S: Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A service that its adapter guards, with the name that it is recorded under.
#[derive(Debug, Clone)]
pub struct Served<S> {
    /// The service's full name: `package.Service`.
    pub name: &'static str,
    /// The tonic service.
    pub service: S,
}

/// Takes a request apart into the permit and the message. The call was let through by its head alone: what has ended until its message came
/// is refused here.
pub fn enter<T>(request: Request<T>) -> Result<(Permit, T), Status> {
    let permit = Permit::of(request.extensions())?.clone();
    if let Err(denial) = permit.stands() {
        return Err(permit.refuse(denial).into());
    }
    Ok((permit, request.into_inner()))
}

/// Checks one object.
pub async fn grant<P: Permission>(
    policy: &impl ObjectPolicy,
    permit: &Permit,
    field: &'static str,
    id: Option<&str>,
) -> Result<Granted<P>, Status> {
    let id = named(permit, field, id)?;
    Granted::check(policy, permit, id).await.map_err(|refusal| report(refusal, permit))
}

/// Checks every object of a repeated field: all or none, and never none at all.
pub async fn grant_each<P: Permission>(
    policy: &impl ObjectPolicy,
    permit: &Permit,
    field: &'static str,
    ids: &[String],
) -> Result<Vec<Granted<P>>, Status> {
    const AT_MOST: usize = 100;
    let problem = match ids.len() {
        0 => Some("must name at least one"),
        1..=AT_MOST => None,
        _ => Some("must name at most 100"),
    };
    if let Some(problem) = problem {
        return Err(invalid(permit, field, problem));
    }
    let mut proofs = Vec::with_capacity(ids.len());
    for id in ids {
        // An id that is named again costs no second check, which may be a call to another service.
        let proof = match proofs.iter().find(|proof: &&Granted<P>| proof.id() == id) {
            Some(proof) => proof.again(),
            None => grant(policy, permit, field, Some(id)).await?,
        };
        proofs.push(proof);
    }
    Ok(proofs)
}

/// What the caller can see of a list.
pub fn visible<P: Permission>(permit: &Permit) -> Result<Visible<P>, Status> {
    Visible::through(permit).map_err(|refusal| report(refusal, permit))
}

/// The first message of a client's stream and the rest of it.
pub async fn first<T>(permit: &Permit, mut rest: Streaming<T>) -> Result<(T, Incoming<T>), Status>
where
    T: Send + 'static,
{
    let first = in_time(permit.first_message_within(), &mut rest).await;
    match first.map_err(|status| unreadable(permit, status))? {
        Some(first) => Ok((first, readable(permit, rest))),
        None => Err(invalid(permit, "", "the stream has no first message")),
    }
}

/// A client's stream whose handler reads all of it.
pub fn incoming<T: Send + 'static>(permit: &Permit, stream: Streaming<T>) -> Incoming<T> {
    let start = (stream, Some(permit.first_message_within()));
    readable(
        permit,
        try_unfold(start, |(mut rest, within)| async move {
            let message = match within {
                Some(within) => in_time(within, &mut rest).await?,
                None => rest.message().await?,
            };
            Ok(message.map(|message| (message, (rest, None))))
        }),
    )
}

/// A client's stream in which a message that cannot be decoded is a refusal, recorded like any other.
fn readable<T: 'static>(
    permit: &Permit,
    stream: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> Incoming<T> {
    let permit = permit.clone();
    Box::pin(stream.map(move |message| message.map_err(|status| unreadable(&permit, status))))
}

fn unreadable(permit: &Permit, status: Status) -> Status {
    match Denial::of_transport(&status) {
        Some(denial) => permit.refuse(denial).into(),
        None => status,
    }
}

/// The first message of a stream, unless it does not arrive whole in time.
async fn in_time<T>(within: Duration, stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    let first = tokio::time::timeout(within, stream.message()).await;
    first.unwrap_or_else(|_| {
        Err(Status::deadline_exceeded("the stream's first message did not arrive in time"))
    })
}

/// Keeps a client's stream on the object that its first message named: an empty id means the same, another one ends it.
pub fn pinned<T: Send + 'static>(
    permit: &Permit,
    field: &'static str,
    id: &str,
    rest: Incoming<T>,
    named: fn(&T) -> Option<&str>,
) -> Incoming<T> {
    let (permit, id) = (permit.clone(), id.to_owned());
    Box::pin(try_unfold((rest, permit, id), move |(mut rest, permit, id)| async move {
        let Some(message) = rest.next().await.transpose()? else {
            return Ok(None);
        };
        match named(&message) {
            Some(other) if !other.is_empty() && other != id => {
                Err(invalid(&permit, field, "must stay the same throughout the stream"))
            }
            _ => Ok(Some((message, (rest, permit, id)))),
        }
    }))
}

/// A handler's answer in pieces, its errors as the client gets them.
pub fn outgoing<T, E>(
    permit: Permit,
    object: Option<Object>,
    reply: Reply<T, E>,
) -> Reply<T, Status>
where
    T: 'static,
    E: Into<Status> + 'static,
{
    Box::pin(reply.map(move |piece| piece.map_err(|error| failed(&permit, object.clone(), error))))
}

/// A handler's error as the client gets it. Whoever called is recorded with it.
pub fn failed(permit: &Permit, object: Option<Object>, error: impl Into<Status>) -> Status {
    record::failed(permit, object, error.into())
}

/// The handler did what it was called for.
pub fn answered(permit: &Permit) {
    if permit.rule().is_audited() {
        permit.tell_answered();
    }
}

/// A refusal as the client gets it; the permit's witness gets the cause.
pub fn report(refusal: Refusal, permit: &Permit) -> Status {
    permit.tell(&refusal);
    refusal.into()
}

fn named<'a>(permit: &Permit, field: &'static str, id: Option<&'a str>) -> Result<&'a str, Status> {
    const LONGEST: usize = 256;
    match id {
        None | Some("") => Err(invalid(permit, field, "must not be empty")),
        Some(id) if id.len() > LONGEST => Err(invalid(permit, field, "is too long")),
        Some(id) => Ok(id),
    }
}

fn invalid(permit: &Permit, field: &'static str, problem: &'static str) -> Status {
    permit.refuse(Denial::ObjectIdInvalid { field, problem }).into()
}
