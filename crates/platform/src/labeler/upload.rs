//! An upload on its way from the user to Labeler, piece by piece.
//!
//! Invariant: an upload that breaks off at the user never looks complete to Labeler. A client's stream of gRPC can end in one way only,
//! so a broken one does not end: it tells of the break, and the call that reads it is dropped, which resets it.

use futures_util::{Stream, StreamExt, future, stream};
use hallpass_contract::{labeler, platform};
use hallpass_policy::adapter::Incoming;
use tokio::sync::oneshot;
use tonic::Status;

/// What the user still sends, as Labeler takes it, and how one learns that it broke off. Nothing is read ahead.
pub(super) fn relay(
    first: platform::CreateDatasetRequest,
    rest: Incoming<platform::CreateDatasetRequest>,
) -> (impl Stream<Item = labeler::CreateDatasetRequest> + Send, oneshot::Receiver<Status>) {
    let (tell, broken_off) = oneshot::channel();
    let rest = stream::unfold((rest, tell), |(mut rest, tell)| async move {
        match rest.next().await? {
            Ok(part) => Some((passed_on(part), (rest, tell))),
            Err(status) => {
                // Whoever made the call may have gone already.
                let _ = tell.send(status);
                future::pending().await
            }
        }
    });
    (stream::once(future::ready(passed_on(first))).chain(rest), broken_off)
}

fn passed_on(part: platform::CreateDatasetRequest) -> labeler::CreateDatasetRequest {
    use labeler::create_dataset_request::Part as Theirs;
    use platform::create_dataset_request::Part as Ours;
    let part = part.part.map(|part| match part {
        Ours::Start(platform::CreateDatasetStart { dataset, request_id }) => {
            Theirs::Start(labeler::CreateDatasetStart { dataset, request_id })
        }
        Ours::Chunk(chunk) => Theirs::Chunk(chunk),
    });
    labeler::CreateDatasetRequest { part }
}
