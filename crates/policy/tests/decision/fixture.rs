//! Rules, keys and tokens that the tests decide about.

use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::{
    Access, Action, Credential, DecisionId, Denial, Facts, ListState, ObjectPolicy, Permission,
    Permit, Resource, Rule, StepUp, Unknown, Verdict, WhenStale, decide,
};
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, Scopes, TokenId, TokenType, UnixTime,
    Verified, generate,
};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const DECISION: DecisionId = DecisionId::new(7, 9);

pub(crate) static READ: Rule =
    rule("/t.S/Read", Access::Tokens { types: &[TokenType::User], action: None });
pub(crate) static ABORT: Rule =
    rule("/t.S/Abort", Access::Tokens { types: &[TokenType::User], action: Some(&ABORTING) });
/// As `ABORT`, for some who have proved who they are lately, and for a job that the request names.
pub(crate) static STOP: Rule = Rule {
    resources: &[Resource { kind: "job", field: Some("job_id"), permission: "abort" }],
    ..rule("/t.S/Stop", Access::Tokens { types: &[TokenType::User], action: Some(&STOPPING) })
};
pub(crate) static ABORTING: Action = Action {
    audience: "jobs.abort",
    owner: "platform",
    description: "",
    shortest_life: Duration::from_secs(30),
    longest_life: Duration::from_mins(10),
    usual_life: Duration::from_mins(2),
    single_use: true,
    roles: &[],
    step_up: None,
};
pub(crate) static STOPPING: Action =
    Action { roles: &["operator", "admin"], step_up: Some(STEP_UP), ..ABORTING };
pub(crate) const STEP_UP: StepUp =
    StepUp { amr: &["otp", "hwk"], max_age: Some(Duration::from_mins(5)) };
pub(crate) static OPEN: Rule = rule("/t.S/Open", Access::Public);
pub(crate) static FEED: Rule = Rule {
    when_stale: WhenStale::Serve,
    ..rule("/t.S/Feed", Access::Tokens { types: &[TokenType::User], action: None })
};

pub(crate) const fn rule(path: &'static str, access: Access) -> Rule {
    Rule {
        path,
        service: "t.S",
        method: "M",
        audience: "platform",
        access,
        scope: Some("jobs:read"),
        resources: &[],
        delegates: &[],
        when_stale: WhenStale::Refuse,
        request_bytes: 16 << 10,
        client_streaming: false,
        server_streaming: false,
        description: "",
    }
}

pub(crate) struct Minter(KeyRing);

impl Minter {
    pub(crate) fn new() -> Self {
        let spec = |issuer: &str, types: [TokenType; 2]| KeySpec {
            kid: format!("{issuer}-{}", types[0]),
            issuer: issuer.to_owned(),
            owner: "edge".to_owned(),
            types: types.to_vec(),
            scopes: ["jobs:read", "jobs:write"].into_iter().collect(),
            audiences: ["platform", "labeler", "jobs.abort"].map(str::to_owned).to_vec(),
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        let edge = [TokenType::User, TokenType::Action];
        let inside = [TokenType::Service, TokenType::Background];
        let keys = [spec("one", edge), spec("one", inside), spec("two", edge)];
        let keys = keys.map(|spec| generate(Algorithm::EdDsa, spec).unwrap());
        Self(KeyRing::new(keys.into()).unwrap())
    }

    pub(crate) fn mint(
        &self,
        issuer: &str,
        kind: TokenType,
        audience: &str,
        change: impl FnOnce(&mut NewToken),
    ) -> Arc<Verified> {
        let mut token = NewToken::new(kind, TokenId::from_random([3; 16]));
        token.subject = (kind != TokenType::Background).then(|| "alice".to_owned());
        token.service = kind.names_service().then(|| "edge".to_owned());
        token.scopes = std::iter::once("jobs:read").collect();
        token.audience = vec![audience.to_owned()];
        token.life = Some(Duration::from_secs(100));
        change(&mut token);
        let named = format!("{issuer}-{}", if kind.names_service() { "service" } else { "user" });
        let minted = self.0.mint(&named, &token, NOW).unwrap();
        Arc::new(self.0.verify(minted.expose(), NOW).unwrap())
    }

    /// An action token that `issuer` signs for the holder of `parent`.
    pub(crate) fn child(
        &self,
        parent: &Verified,
        issuer: &str,
        change: impl FnOnce(&mut NewToken),
    ) -> Arc<Verified> {
        let id = TokenId::from_random([4; 16]);
        let mut token = NewToken::child_of(parent, TokenType::Action, id, &[]).unwrap();
        (token.audience, token.scopes) = (vec!["jobs.abort".to_owned()], Scopes::default());
        change(&mut token);
        let minted = self.0.mint(&format!("{issuer}-user"), &token, NOW).unwrap();
        Arc::new(self.0.verify(minted.expose(), NOW).unwrap())
    }

    pub(crate) fn user(&self) -> Arc<Verified> {
        self.mint("one", TokenType::User, "platform", |_| {})
    }
}

pub(crate) fn facts<'a>(
    rule: &'static Rule,
    bearer: Option<&'a Arc<Verified>>,
    action: Option<&'a Arc<Verified>>,
) -> Facts<'a> {
    Facts {
        rule,
        bearer: bearer.map(Credential::new),
        action: action.map(Credential::new),
        list: ListState::Fresh,
        client_certificate: None,
    }
}

pub(crate) fn denial(facts: &Facts<'_>, now: UnixTime) -> Denial {
    decide(facts, now, DECISION).unwrap_err()
}

pub(crate) struct Counting(pub(crate) std::sync::atomic::AtomicUsize);

impl ObjectPolicy for Counting {
    async fn check(
        &self,
        _: &Permit,
        _: &'static str,
        _: &'static str,
        _: &str,
    ) -> Result<Verdict, Unknown> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Verdict::Granted)
    }
}

#[derive(Debug)]
pub(crate) enum ReadJob {}

impl Permission for ReadJob {
    const KIND: &'static str = "job";
    const NAME: &'static str = "read";
}
