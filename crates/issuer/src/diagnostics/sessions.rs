//! What an operator sees of the sessions that are open: whose they are and what their tokens said when they were opened.
//!
//! Invariant: neither a handle nor a token is kept or told.

use hallpass_contract::auth::{
    ListOpenSessionsRequest, ListOpenSessionsResponse, OpenSessionFacts, StorageGrants, TokenFacts,
};
use hallpass_revocation::{Session, Sessions};
use hallpass_token::{KeyRing, UnixTime, Verified};
use prost::Message as _;

use super::facts;
use crate::error::Error;
use crate::session_service::told;

const USUAL_PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;
/// The most bytes of what is kept of a token with its session.
const LONGEST: usize = 3000;

/// What is kept of a token with its session. The names of what it may store go where they are too many.
pub(crate) fn kept(token: &Verified, ring: &KeyRing, now: UnixTime) -> Vec<u8> {
    let mut facts = facts::of(token, ring, now);
    if facts.encoded_len() > LONGEST
        && let Some(grants) = &mut facts.grants
    {
        let counts = grants.clone();
        *grants = StorageGrants {
            bucket_names: Vec::new(),
            permission_names: Vec::new(),
            role_names: Vec::new(),
            ..counts
        };
    }
    let kept = if facts.encoded_len() > LONGEST { shortened(facts) } else { facts };
    kept.encode_to_vec()
}

/// Who it is, where even that is all there is room for.
fn shortened(of: TokenFacts) -> TokenFacts {
    let fits = |text: String| if text.len() > LONGEST / 8 { String::new() } else { text };
    TokenFacts {
        issuer: fits(of.issuer),
        subject: fits(of.subject),
        r#type: of.r#type,
        token_id: fits(of.token_id),
        key_id: fits(of.key_id),
        algorithm: of.algorithm,
        issue_time: of.issue_time,
        expire_time: of.expire_time,
        grants: of.grants,
        ..TokenFacts::default()
    }
}

/// One page of the open sessions, the oldest first. A page begins behind the session that the token names.
pub(super) fn page(
    sessions: &Sessions,
    ring: &KeyRing,
    request: &ListOpenSessionsRequest,
    now: UnixTime,
) -> Result<ListOpenSessionsResponse, Error> {
    let size = match usize::try_from(request.page_size) {
        Ok(0) => USUAL_PAGE,
        Ok(size) => size.min(LONGEST_PAGE),
        Err(_) => {
            return Err(Error::Invalid { field: "page_size", problem: "must not be negative" });
        }
    };
    let after = place(&request.page_token)?;
    let open = sessions.all(now);
    let behind = |session: &&std::sync::Arc<Session>| {
        after
            .as_ref()
            .is_none_or(|after| (session.opened().as_secs(), session.id()) > (after.0, &*after.1))
    };
    let asked = |(session, token): &(&Session, Option<TokenFacts>)| {
        is_asked_for(session, token.as_ref(), request)
    };
    let told = open.iter().filter(behind).map(|session| (&**session, read(session, ring, now)));
    let mut told = told.filter(asked);
    let page: Vec<_> = told.by_ref().take(size).collect();
    let last = page.last().filter(|_| told.next().is_some());
    let next_page_token = last
        .map(|(session, _)| format!("{} {}", session.opened().as_secs(), session.id()))
        .unwrap_or_default();
    let facts = |(session, token): (&Session, Option<TokenFacts>)| OpenSessionFacts {
        session: Some(self::told(sessions, session, None)),
        token,
    };
    Ok(ListOpenSessionsResponse {
        sessions: page.into_iter().map(facts).collect(),
        next_page_token,
    })
}

fn is_asked_for(
    session: &Session,
    token: Option<&TokenFacts>,
    request: &ListOpenSessionsRequest,
) -> bool {
    let subject = token.map_or("", |token| &token.subject);
    (request.session_id.is_empty() || request.session_id == session.id())
        && (request.subject.is_empty() || request.subject == subject)
}

/// What was kept, as it is now: the life that is left, and whether the key counts still.
fn read(session: &Session, ring: &KeyRing, now: UnixTime) -> Option<TokenFacts> {
    let mut facts =
        TokenFacts::decode(session.about()).ok().filter(|_| !session.about().is_empty())?;
    let end = facts.expire_time.as_ref().map(|end| end.seconds.cast_unsigned());
    facts.life_left_seconds = end.map(|end| UnixTime::from_secs(end).since(now).as_secs());
    facts.key_state = facts::state_of(ring.key(&facts.key_id)).to_owned();
    session.id().clone_into(&mut facts.session_id);
    Some(facts)
}

fn place(token: &str) -> Result<Option<(u64, String)>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = token.split_once(' ').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    let problem = "must be one that a page before gave";
    read.map(Some).ok_or(Error::Invalid { field: "page_token", problem })
}
