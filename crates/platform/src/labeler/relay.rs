//! A stream on its way from the user to Labeler, piece by piece.
//!
//! Invariant: a stream that breaks off at the user never looks complete to Labeler. A client's stream of gRPC can end in one way only,
//! so a broken one does not end: it tells of the break, and the call that reads it is dropped, which resets it.

use futures_util::{Stream, StreamExt, future, stream};
use hallpass_policy::adapter::Incoming;
use tokio::sync::oneshot;
use tonic::Status;

/// What the user still sends, as Labeler takes it, and how one learns that it broke off. Nothing is read ahead.
pub(crate) fn relay<T: Send + 'static>(
    first: T,
    rest: Incoming<T>,
) -> (impl Stream<Item = T> + Send, oneshot::Receiver<Status>) {
    let (tell, broken_off) = oneshot::channel();
    let rest = stream::unfold((rest, tell), |(mut rest, tell)| async move {
        match rest.next().await? {
            Ok(part) => Some((part, (rest, tell))),
            Err(status) => {
                // Whoever made the call may have gone already.
                let _ = tell.send(status);
                future::pending().await
            }
        }
    });
    (stream::once(future::ready(first)).chain(rest), broken_off)
}
