//! Many revocations in one call.
//!
//! Invariant: an answer names a request only once it and all before it are durable. What was asked for while a sync ran shares the
//! next one, and no more is taken in than that.

use std::future::ready;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use hallpass_contract::auth::{RevokeManyRequest, RevokeManyResponse};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{DecisionId, Permit};
use hallpass_revocation::{Entry, List, Note};
use tonic::Status;

use crate::error::Error;
use crate::present::Present;
use crate::target;

/// How many may wait for their sync: as many as one carries.
const UNDER_WAY: usize = 256;

/// Revokes what comes, in its order, and says how far it is.
pub(crate) fn all(
    list: Arc<List>,
    (clock, keys): (Clock, Keys),
    permit: Permit,
    requests: Incoming<RevokeManyRequest>,
) -> Reply<RevokeManyResponse, Error> {
    let (mut highest, mut failed) = (0, false);
    let understood = requests.map(move |request| {
        let present = Present::read(&clock, &keys);
        understand(request, &mut highest, &present, &permit)
    });
    // What comes after a wrong request is not begun.
    let understood = understood.take_while(move |request| {
        let go_on = !failed;
        failed |= request.is_err();
        ready(go_on)
    });
    let revoked = understood.map(move |request| revoke(Arc::clone(&list), request));
    let revoked = revoked.buffered(UNDER_WAY).ready_chunks(UNDER_WAY);
    Box::pin(revoked.flat_map(|done| stream::iter(newest(done))))
}

/// One revocation that is well formed.
struct Understood {
    number: u64,
    entry: Entry,
    note: Note,
    named: String,
    decision: DecisionId,
}

fn understand(
    request: Result<RevokeManyRequest, Status>,
    last: &mut u64,
    present: &Present,
    permit: &Permit,
) -> Result<Understood, Error> {
    let RevokeManyRequest { number, target, expire_time, reason } =
        request.map_err(Error::Follower)?;
    if number <= *last {
        let problem = "must be greater than the one before, and than 0";
        return Err(Error::Invalid { field: "number", problem });
    }
    *last = number;
    let entry = target::entry(target.as_ref(), expire_time.as_ref(), present)?;
    let note = target::note(permit, reason, present.now())?;
    let named = target::named(target.as_ref());
    Ok(Understood { number, entry, note, named, decision: permit.decision() })
}

async fn revoke(
    list: Arc<List>,
    request: Result<Understood, Error>,
) -> Result<RevokeManyResponse, Error> {
    let Understood { number, entry, note, named, decision } = request?;
    let by = note.by.clone();
    let sequence = list.revoke(entry, note).await?;
    tracing::info!(
        target: "hallpass::audit",
        %decision,
        sequence,
        what = named,
        by,
        "revoked by name, one of many",
    );
    Ok(RevokeManyResponse { number, sequence })
}

/// The newest answer of a run stands for those before it. After the first failure nothing is said.
fn newest(
    done: Vec<Result<RevokeManyResponse, Error>>,
) -> impl Iterator<Item = Result<RevokeManyResponse, Error>> {
    let (mut newest, mut failed) = (None, None);
    for answer in done {
        match answer {
            Ok(answer) => newest = Some(Ok(answer)),
            Err(error) => {
                failed = Some(Err(error));
                break;
            }
        }
    }
    newest.into_iter().chain(failed)
}
