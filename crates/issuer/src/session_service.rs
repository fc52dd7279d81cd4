//! `SessionService`: users open sessions with their tokens, see which they have, and close them.

use std::sync::Arc;

use aws_lc_rs::rand;
use hallpass_contract::auth::{
    CloseAllSessionsRequest, CloseAllSessionsResponse, CloseSessionRequest, CloseSessionResponse,
    ListSessionsRequest, ListSessionsResponse, OpenSessionRequest, OpenSessionResponse, Session,
    SessionService, serve_session_service,
};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_policy::{Denial, Permit};
use hallpass_revocation::{
    BeginError, Entry, Handle, List, NewSession, Note, Session as Open, Sessions, WriteError,
};
use hallpass_token::{Fingerprint, TokenId, Verified};

use crate::Issuer;
use crate::diagnostics::sessions::kept;
use crate::error::Error;
use crate::instant::timestamp;
use crate::rate::Rate;
use crate::target::note;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct SessionHandler {
    list: Arc<List>,
    keys: Keys,
    clock: Clock,
    rate: Rate,
    sessions: Sessions,
}

impl Issuer {
    /// Lets users open sessions; they are kept in this store, which the guard resolves handles with.
    pub fn sessions(&self, store: Sessions) -> Served<impl GrpcService + use<>> {
        serve_session_service(self.session_handler(store))
    }

    pub(crate) fn session_handler(&self, sessions: Sessions) -> SessionHandler {
        let (list, keys) = (Arc::clone(&self.tokens.list), self.tokens.keys.clone());
        let clock = self.tokens.clock.clone();
        // Opening a session counts as getting a token.
        let rate = self.actions.rate.clone();
        SessionHandler { list, keys, clock, rate, sessions }
    }
}

impl SessionService for SessionHandler {
    type Error = Error;

    async fn open_session(
        &self,
        permit: Permit,
        request: OpenSessionRequest,
    ) -> Result<OpenSessionResponse, Error> {
        let (caller, now) = (caller(&permit)?, self.clock.now());
        let not_the_callers = Error::Invalid {
            field: "token",
            problem: "must be the very token that authorizes the call; a session opens no session",
        };
        let sent = self.keys.ring().verify(&request.token, now).ok();
        let same = sent.is_some_and(|sent| sent.signed_part() == caller.signed_part());
        if !same || caller.claims().session.is_some() {
            return Err(not_the_callers);
        }
        self.rate.check(caller).map_err(|wait| permit.refuse(Denial::TooMany(wait)))?;
        let handle = Handle::new(&random()?);
        let new = NewSession {
            id: format!("ses_{}", TokenId::from_random(random()?)),
            holder: holder(caller)?,
            user: user(caller)?,
            token: &request.token,
            token_ends: caller.expires_at(),
            about: kept(caller, &self.keys.ring(), now),
        };
        let begun = self.sessions.begin(&handle, new, now).await;
        self.close_displaced(&permit).await?;
        let session = begun?;
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sub = permit.subject(),
            jti = caller.claims().id,
            sid = session.id(),
            life_seconds = session.ends().since(now).as_secs(),
            "session opened",
        );
        let session = self.told(&session, &permit);
        Ok(OpenSessionResponse { handle: handle.expose().to_owned(), session: Some(session) })
    }

    async fn list_sessions(
        &self,
        permit: Permit,
        _: ListSessionsRequest,
    ) -> Result<ListSessionsResponse, Error> {
        let own = self.own(&permit)?;
        Ok(ListSessionsResponse {
            sessions: own.iter().map(|session| self.told(session, &permit)).collect(),
        })
    }

    async fn close_session(
        &self,
        permit: Permit,
        request: CloseSessionRequest,
    ) -> Result<CloseSessionResponse, Error> {
        let own = self.own(&permit)?;
        let found = own.iter().find(|session| session.id() == request.session_id);
        let session = found.ok_or(Error::Invalid {
            field: "session_id",
            problem: "must be that of a session of the caller's that has not ended",
        })?;
        self.close(session, &permit, request.reason).await?;
        Ok(CloseSessionResponse {})
    }

    async fn close_all_sessions(
        &self,
        permit: Permit,
        request: CloseAllSessionsRequest,
    ) -> Result<CloseAllSessionsResponse, Error> {
        let mut closed = 0;
        for session in self.own(&permit)? {
            self.close(&session, &permit, request.reason.clone()).await?;
            closed += 1;
        }
        Ok(CloseAllSessionsResponse { closed })
    }
}

impl SessionHandler {
    /// The caller's sessions that are open.
    fn own(&self, permit: &Permit) -> Result<Vec<Arc<Open>>, Error> {
        let own = self.sessions.of(holder(caller(permit)?)?, self.clock.now());
        let index = self.list.index();
        let open = |session: &Arc<Open>| !index.contains(Fingerprint::session(session.id()));
        Ok(own.into_iter().filter(open).collect())
    }

    async fn close(&self, session: &Open, permit: &Permit, reason: String) -> Result<(), Error> {
        let note = note(permit, reason, self.clock.now())?;
        let entry = Entry::exact(Fingerprint::session(session.id()), Some(session.kept_until()));
        self.list.revoke(entry, note).await?;
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            sub = permit.subject(),
            sid = session.id(),
            "session closed",
        );
        Ok(())
    }

    /// Closes those that made room for others: what was made from them is refused as well, and their open streams end.
    async fn close_displaced(&self, permit: &Permit) -> Result<(), Error> {
        for displaced in self.sessions.take_displaced() {
            let print = Fingerprint::session(displaced.id());
            let entry = Entry::exact(print, Some(displaced.kept_until()));
            let (reason, by) = ("the node is full of sessions".to_owned(), "hallpass".to_owned());
            self.list.revoke(entry, Note { reason, by, at: self.clock.now() }).await?;
            tracing::info!(
                target: "hallpass::audit",
                decision = %permit.decision(),
                sid = displaced.id(),
                "session closed to make room for another user's",
            );
        }
        Ok(())
    }

    fn told(&self, session: &Open, permit: &Permit) -> Session {
        let current = permit.token().and_then(|token| token.claims().session.as_deref());
        told(&self.sessions, session, current)
    }
}

/// A session as it is told; `current` is the id of the one that carries the call.
pub(crate) fn told(sessions: &Sessions, session: &Open, current: Option<&str>) -> Session {
    let idle = session.used().plus(sessions.limits().idle);
    Session {
        session_id: session.id().to_owned(),
        create_time: Some(timestamp(session.opened())),
        expire_time: Some(timestamp(session.ends())),
        last_use_time: Some(timestamp(session.used())),
        idle_expire_time: Some(timestamp(idle.min(session.ends()))),
        current: current == Some(session.id()),
    }
}

impl From<BeginError> for Error {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::TooMany(_) => Self::TooMany("sessions at once; close one first"),
            BeginError::TooLong => {
                Self::Invalid { field: "token", problem: "must have at most 20000 bytes" }
            }
            BeginError::Unsealed => Self::NoRandomness,
            BeginError::Write(WriteError::NotCarried) => Self::SessionNotShared,
            BeginError::Write(error) => error.into(),
        }
    }
}

fn caller(permit: &Permit) -> Result<&Arc<Verified>, Error> {
    permit.token().ok_or(Error::NoToken)
}

/// The user, whoever acts for them.
fn user(token: &Verified) -> Result<Fingerprint, Error> {
    let (Some(subject), Some(issuer)) = (&token.claims().subject, token.root_issuer()) else {
        return Err(Error::NotTheCallers);
    };
    Ok(Fingerprint::subject(issuer, subject))
}

/// Whose sessions: those of a user of an issuer; an agent that acts for the user has its own.
fn holder(token: &Verified) -> Result<Fingerprint, Error> {
    let (Some(subject), Some(issuer)) = (&token.claims().subject, token.root_issuer()) else {
        return Err(Error::NotTheCallers);
    };
    let actor = token.claims().actor.as_ref().map(ToString::to_string);
    Ok(match actor {
        None => Fingerprint::subject(issuer, subject),
        Some(actor) => Fingerprint::subject(&format!("{issuer} {actor}"), subject),
    })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}
