//! Handles where tokens are presented: one stands for its session, and whoever looks at it learns no more than of a token.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{
    DiagnosticsService as _, IntrospectTokenRequest, IntrospectTokenResponse,
    ListOpenSessionsRequest, ListOpenSessionsResponse, OpenSessionRequest, RevokeTokenRequest,
    SessionService as _, TokenService as _, ValidateTokenRequest, ValidateTokenResponse,
};
use hallpass_guard::Refusals;
use hallpass_revocation::{Handle, NewSession, Options, SessionLimits, Sessions};
use hallpass_token::{Fingerprint, MintedToken};
use tonic::{Code, Status};

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, Wish, World};
use crate::{Diagnostics, Issuer};

const LOOKER: Wish = Wish { scopes: &["diagnostics:admin"], ..ADMIN };

/// An issuer to which handles may be presented, and alice's open session.
struct Shown {
    world: World,
    issuer: Issuer,
    sessions: Sessions,
    token: MintedToken,
    handle: Handle,
}

impl Shown {
    async fn new() -> Self {
        let world = World::new();
        let folder = world.folder("sessions");
        let (options, limits) = (Options::new([7; 8], NOW), SessionLimits::default());
        let sessions = Sessions::open(&folder, &options, limits, world.list.index()).unwrap();
        let issuer = world.issuer.clone().knowing(sessions.clone());
        let token = world.mint(&Wish { life: Some(HOUR * 24), ..ALICE });
        let handle = Handle::new(&[1; 32]);
        let new = NewSession {
            id: "ses_1".to_owned(),
            holder: Fingerprint::subject("users", "alice"),
            user: Fingerprint::subject("users", "alice"),
            token: token.expose(),
            token_ends: token.expires_at(),
            about: Vec::new(),
        };
        sessions.begin(&handle, new, NOW).await.unwrap();
        Self { world, issuer, sessions, token, handle }
    }

    async fn revoke(&self, caller: &Wish) -> Result<(), Code> {
        let caller = self.world.mint(caller);
        let permit = self.world.permit(&caller, "TokenService/RevokeToken");
        let token = self.handle.expose().to_owned();
        let request = RevokeTokenRequest { token, reason: String::new() };
        let answer = self.issuer.tokens.revoke_token(permit, request).await;
        answer.map(drop).map_err(|error| Status::from(error).code())
    }

    async fn introspect(&self, caller: &Wish) -> IntrospectTokenResponse {
        let caller = self.world.mint(caller);
        let permit = self.world.permit(&caller, "TokenService/IntrospectToken");
        let request = IntrospectTokenRequest { token: self.handle.expose().to_owned() };
        self.issuer.tokens.introspect_token(permit, request).await.unwrap()
    }

    /// Opens a session as the service does.
    async fn open(&self, caller: &Wish) -> String {
        let caller = self.world.mint(caller);
        let permit = self.world.permit(&caller, "SessionService/OpenSession");
        let request = OpenSessionRequest { token: caller.expose().to_owned() };
        let handler = self.issuer.session_handler(self.sessions.clone());
        handler.open_session(permit, request).await.unwrap().session.unwrap().session_id
    }

    async fn all(&self, request: ListOpenSessionsRequest) -> ListOpenSessionsResponse {
        let (keys, clock) = (self.world.tokens.keys.clone(), self.world.clock.clone());
        let own = Diagnostics::new("platform", keys, clock.clone(), Refusals::new(clock));
        let nowhere = |_, _| Box::pin(async { Err(Status::not_found("")) }) as _;
        let handler = self.issuer.diagnostics_handler(own, Arc::new(nowhere));
        let caller = self.world.mint(&LOOKER);
        let permit = self.world.permit(&caller, "DiagnosticsService/ListOpenSessions");
        handler.list_open_sessions(permit, request).await.unwrap()
    }

    async fn validate(&self, caller: &Wish, token: &str) -> ValidateTokenResponse {
        let (keys, clock) = (self.world.tokens.keys.clone(), self.world.clock.clone());
        let own = Diagnostics::new("platform", keys, clock.clone(), Refusals::new(clock));
        let nowhere = |_, _| Box::pin(async { Err(Status::not_found("")) }) as _;
        let handler = self.issuer.diagnostics_handler(own, Arc::new(nowhere));
        let caller = self.world.mint(caller);
        let permit = self.world.permit(&caller, "DiagnosticsService/ValidateToken");
        let request = ValidateTokenRequest { token: token.to_owned() };
        let told = handler.validate_token(permit, request).await.unwrap();
        assert!(!format!("{told:?}").contains(&self.handle.expose()[4..]), "the handle is echoed");
        told
    }

    fn is_closed(&self) -> bool {
        self.world.list.index().contains(Fingerprint::session("ses_1"))
    }
}

#[tokio::test]
async fn a_token_revoked_through_a_session_stays_revoked_when_that_is_over() {
    for life in [Some(HOUR * 24), None] {
        let world = World::new();
        let token = world.mint(&Wish { life, ..ALICE });
        let verified = world.signers.verify(token.expose(), world.clock.now()).unwrap();
        let shown = verified.in_session("ses_1", world.clock.now().plus(HOUR)).unwrap();
        let permit = World::permit_of(shown, "TokenService/RevokeToken");
        let request = RevokeTokenRequest { token: String::new(), reason: String::new() };
        world.tokens.revoke_token(permit, request).await.unwrap();
        assert!(world.is_revoked(&token));
        world.clock.advance(HOUR + Duration::from_mins(2));
        world.list.sweep(world.clock.now()).await.unwrap();
        assert!(world.signers.verify(token.expose(), world.clock.now()).is_ok());
        assert!(world.is_revoked(&token), "it passes again where it lives {life:?}");
    }
}

#[tokio::test]
async fn whoever_may_revoke_the_token_may_close_the_session_by_its_handle() {
    let others_alice = Wish { kid: "others", ..ALICE };
    let worker = Wish { kid: "workers", subject: "", ..ALICE };
    let refused = Err(Code::PermissionDenied);
    let table = [
        (ALICE, Ok(())),
        (ADMIN, Ok(())),
        (BOB, refused),
        (others_alice, refused),
        (worker, refused),
    ];
    for (caller, expected) in table {
        let shown = Shown::new().await;
        assert_eq!(shown.revoke(&caller).await, expected, "{}", caller.subject);
        assert_eq!(shown.is_closed(), expected.is_ok(), "{}", caller.subject);
        assert!(!shown.world.is_revoked(&shown.token), "the token was not presented");
    }
}

#[tokio::test]
async fn a_handle_of_no_session_is_revoked_without_an_entry() {
    let shown = Shown::new().await;
    let alice = shown.world.mint(&ALICE);
    let handle = Handle::new(&[9; 32]);
    let permit = shown.world.permit(&alice, "TokenService/RevokeToken");
    let token = handle.expose().to_owned();
    let request = RevokeTokenRequest { token, reason: String::new() };
    shown.issuer.tokens.revoke_token(permit, request).await.unwrap();
    assert_eq!(shown.world.list.sequence(), 0);
}

#[tokio::test]
async fn looking_into_a_handle_tells_of_its_session_and_is_no_use_of_it() {
    let shown = Shown::new().await;
    shown.world.clock.advance(Duration::from_mins(10));
    for caller in [ALICE, ADMIN] {
        let told = shown.introspect(&caller).await;
        assert!(told.active && told.subject == "alice", "{}", caller.subject);
        let end = told.expire_time.unwrap().seconds.cast_unsigned();
        assert_eq!(end, NOW.plus(HOUR).as_secs(), "the session's end");
    }
    let told = shown.validate(&ALICE, shown.handle.expose()).await;
    assert_eq!(told.validation, "passed");
    assert_eq!(told.validated_claims.unwrap().session_id, "ses_1");
    let session = shown.sessions.look_up(shown.handle.expose()).unwrap();
    assert_eq!(session.used(), NOW);

    let nothing = shown.validate(&BOB, "nonsense").await;
    assert_eq!(shown.validate(&BOB, shown.handle.expose()).await, nothing);
    assert_eq!(shown.introspect(&BOB).await, IntrospectTokenResponse::default());
}

#[tokio::test]
async fn a_session_that_has_ended_is_inactive() {
    let idle = Shown::new().await;
    idle.world.clock.advance(Duration::from_mins(15));
    assert_eq!(idle.introspect(&ALICE).await, IntrospectTokenResponse::default());
    let told = idle.validate(&ALICE, idle.handle.expose()).await;
    assert_eq!(told.reason, "SESSION_ENDED");

    let closed = Shown::new().await;
    closed.revoke(&ALICE).await.unwrap();
    assert_eq!(closed.introspect(&ALICE).await, IntrospectTokenResponse::default());
    assert_eq!(closed.validate(&LOOKER, closed.handle.expose()).await.reason, "TOKEN_REVOKED");
}

#[tokio::test]
async fn an_operator_sees_everybodys_sessions_and_what_their_tokens_say() {
    let shown = Shown::new().await;
    shown.world.clock.advance(HOUR / 60);
    let bobs = shown.open(&Wish { roles: &["keeper"], ..BOB }).await;
    shown.world.clock.advance(HOUR / 60);
    let alices = shown.open(&ALICE).await;
    let listed = shown.all(ListOpenSessionsRequest::default()).await;
    let told = listed.sessions.iter().map(|one| {
        let session = one.session.as_ref().unwrap();
        let token = one.token.as_ref();
        let subject = token.map(|token| token.subject.clone()).unwrap_or_default();
        (session.session_id.clone(), subject)
    });
    // The first is of an earlier version, which kept nothing of its token.
    let first = ("ses_1".to_owned(), String::new());
    let others = [(bobs.clone(), "bob".to_owned()), (alices.clone(), "alice".to_owned())];
    assert_eq!(told.collect::<Vec<_>>(), [first, others[0].clone(), others[1].clone()]);

    let one = ListOpenSessionsRequest { session_id: bobs.clone(), ..Default::default() };
    let facts = shown.all(one).await.sessions[0].token.clone().unwrap();
    assert_eq!((&*facts.subject, &*facts.roles), ("bob", &["keeper".to_owned()][..]));
    assert_eq!((&*facts.key_state, &*facts.session_id), ("active", &*bobs));
    let bob = ListOpenSessionsRequest { subject: "bob".to_owned(), ..Default::default() };
    assert_eq!(shown.all(bob).await.sessions.len(), 1);

    let first = ListOpenSessionsRequest { page_size: 2, ..Default::default() };
    let page = shown.all(first.clone()).await;
    assert_eq!(page.sessions.len(), 2);
    let next = ListOpenSessionsRequest { page_token: page.next_page_token, ..first };
    let page = shown.all(next).await;
    assert_eq!(page.sessions[0].session.as_ref().unwrap().session_id, alices);
    assert!(page.sessions.len() == 1 && page.next_page_token.is_empty());
}
