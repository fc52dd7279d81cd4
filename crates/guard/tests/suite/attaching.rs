//! Calls that leave: each carries a token made for that call, or is refused before it is sent.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_guard::{
    Attach, AttachError, AttachLayer, Clock, Deadline, GuardLayer, TokenExpiry, as_service,
    on_behalf,
};
use hallpass_policy::Permit;
use hallpass_token::{Claims, Key, KeyRing, KeySpec, SKEW, TokenType, generate};
use http::{Request, Response};
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::caller::{Caller, LABELER, SERVED};
use crate::fixture::{Mesh, NOW, request, service, user, with};
use crate::rules::rule;

#[tokio::test]
async fn a_call_for_a_user_carries_the_narrowest_token() {
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    let parent = permit.token().unwrap();
    let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
    let Claims { subject, audience, service, scopes, token_type, actor, .. } = sent.claims();
    assert_eq!((subject.as_deref(), service.as_deref()), (Some("ann"), Some("platform")));
    assert_eq!(
        (audience.as_slice(), *token_type),
        (&["labeler".to_owned()][..], TokenType::Service)
    );
    assert_eq!(scopes.to_string(), "labeler:read");
    assert_eq!(actor.as_ref().unwrap()["sub"], "platform");
    assert_eq!(sent.txn(), parent.txn());
    assert_eq!(sent.claims().parents, [parent.fingerprint()]);
    assert_eq!(sent.root_key(), "users");
    assert_eq!(sent.expires_at(), Some(NOW.plus(Duration::from_mins(5))));
    assert!(sent.lookups().contains(&parent.fingerprint()));
}

/// An issuer that gives one id to two tokens does not make one user act in the other's name.
#[tokio::test]
async fn users_whose_tokens_share_an_id_share_no_child() {
    let caller = Caller::start();
    let ann = user("ann");
    let bob = with(user("bob"), |new| new.id = ann.id.clone());
    for (new, subject) in [(ann, "ann"), (bob, "bob")] {
        let token = caller.mesh.mint("users", &new);
        let permit = caller.serving(SERVED, &token).await;
        let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
        assert_eq!(sent.claims().subject.as_deref(), Some(subject));
    }
}

#[tokio::test]
async fn a_chain_keeps_its_transaction_and_all_its_ancestors() {
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    caller.call(LABELER, on_behalf(&permit, ())).await;
    let bearer = caller.headers()["authorization"].to_str().unwrap()["Bearer ".len()..].to_owned();
    let labeler = Attach::new("labeler", caller.mesh.keys.clone(), caller.mesh.clock.clone(), rule);
    let permit_of_labeler = caller.serving(LABELER, &bearer).await;
    let next = Caller { attach: labeler.unwrap(), ..caller };
    let sent = next.sends("/t.Audit/Write", on_behalf(&permit_of_labeler, ())).await;
    assert_eq!(sent.claims().parents.len(), 2);
    assert_eq!(sent.txn(), permit.token().unwrap().txn());
    assert_eq!((sent.root_key(), sent.claims().subject.as_deref()), ("users", Some("ann")));
    let actor = sent.claims().actor.clone().unwrap();
    assert_eq!((&actor["sub"], &actor["act"]["sub"]), (&"labeler".into(), &"platform".into()));
}

#[tokio::test]
async fn a_worker_stays_a_worker() {
    let caller = Caller::start();
    let work = with(service(TokenType::Background), |new| {
        new.job_id = Some("job-1".to_owned());
        new.service = Some("platform-training".to_owned());
    });
    let token = caller.mesh.mint("platform-1", &work);
    let permit = caller.serving(LABELER, &token).await;
    let labeler = Attach::new("labeler", caller.mesh.keys.clone(), caller.mesh.clock.clone(), rule);
    let next = Caller { attach: labeler.unwrap(), ..caller };
    let sent = next.sends("/t.Audit/Write", on_behalf(&permit, ())).await;
    assert_eq!(sent.claims().token_type, TokenType::Background);
    assert_eq!(
        (sent.claims().subject.as_deref(), sent.claims().job_id.as_deref()),
        (None, Some("job-1"))
    );
    assert_eq!(sent.expires_at(), permit.token().unwrap().expires_at());
}

#[tokio::test]
async fn a_service_calls_in_its_own_name() {
    let caller = Caller::start();
    let sent = caller.sends("/t.Labeler/Work", as_service(())).await;
    let Claims { subject, service, token_type, parents, scopes, .. } = sent.claims();
    assert_eq!((subject.as_deref(), service.as_deref()), (None, Some("platform")));
    assert_eq!((*token_type, parents.len()), (TokenType::Background, 0));
    assert_eq!(scopes.to_string(), "labeler:read");
    assert_eq!(sent.expires_at(), Some(NOW.plus(Duration::from_hours(1))));
}

#[tokio::test]
async fn what_is_not_delegated_is_not_sent() {
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    let public =
        Permit::of(&caller.mesh.send(request("/t.Platform/Open", &[])).await.parts().extensions)
            .unwrap()
            .clone();
    for (what, path, request) in [
        ("a scope that the rule does not delegate", "/t.Labeler/Write", on_behalf(&permit, ())),
        ("an RPC for workers only", "/t.Labeler/Work", on_behalf(&permit, ())),
        ("an RPC without a scope", "/t.Labeler/Unscoped", on_behalf(&permit, ())),
        ("an RPC for users only", "/t.Platform/Admin", on_behalf(&permit, ())),
        ("an RPC that takes an action token", "/t.Labeler/Elevated", on_behalf(&permit, ())),
        ("a scope that the key may not sign", "/t.Labeler/Write", as_service(())),
        ("an RPC without a rule", "/t.Labeler/Unknown", on_behalf(&permit, ())),
        ("nobody to act for", LABELER, on_behalf(&public, ())),
        ("nobody said who", LABELER, tonic::Request::new(())),
    ] {
        assert_eq!(caller.refuses(path, request).await, "DELEGATION_REFUSED", "{what}");
    }
}

#[tokio::test]
async fn a_token_at_hand_is_no_way_around_the_serving_rule() {
    let caller = Caller::start();
    let token = caller.mesh.user_token();
    let delegating = caller.serving(SERVED, &token).await;
    caller.sends(LABELER, on_behalf(&delegating, ())).await;
    caller.sent.lock().unwrap().take();
    let without = caller.serving("/t.Platform/Revoke", &token).await;
    assert_eq!(caller.refuses(LABELER, on_behalf(&without, ())).await, "DELEGATION_REFUSED");
}

#[tokio::test]
async fn the_minting_keys_entry_is_a_bound_of_its_own() {
    for narrow in [
        |spec: &mut KeySpec| spec.scopes = ["audit:write"].into_iter().collect(),
        |spec: &mut KeySpec| spec.audiences = vec!["audit".to_owned()],
        |spec: &mut KeySpec| spec.types = vec![TokenType::Background],
    ] {
        let caller = Caller::start();
        let permit = caller.serving_user().await;
        caller.mesh.keys.reload(narrowed(&caller.mesh.all, narrow));
        let refused = caller.refuses(LABELER, on_behalf(&permit, ())).await;
        assert_eq!(refused, "DELEGATION_REFUSED");
    }
}

fn narrowed(all: &[Key], narrow: impl Fn(&mut KeySpec)) -> KeyRing {
    let keys = all.iter().map(|key| {
        if key.kid() != "platform-1" {
            return key.clone();
        }
        let mut spec = key.spec().clone();
        narrow(&mut spec);
        generate(key.algorithm(), spec).unwrap()
    });
    KeyRing::new(keys.collect()).unwrap()
}

#[tokio::test]
async fn a_token_never_outlives_the_callers() {
    let caller = Caller::start();
    let life = Duration::from_mins(2);
    let token = caller.mesh.mint("users", &with(user("ann"), |new| new.life = Some(life)));
    let permit = caller.serving(SERVED, &token).await;
    let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
    assert_eq!(sent.expires_at(), Some(NOW.plus(life)));

    // As long as the caller's own token is accepted here, what is sent in its name is accepted there, and no longer.
    let second = Duration::from_secs(1);
    caller.mesh.clock.advance(life + SKEW.saturating_sub(second));
    let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
    assert_eq!(sent.expires_at(), Some(NOW.plus(life)));
    caller.mesh.clock.advance(second);
    caller.sent.lock().unwrap().take();
    assert_eq!(caller.refuses(LABELER, on_behalf(&permit, ())).await, "TOKEN_EXPIRED");
    caller.mesh.clock.advance(Duration::from_hours(1));
    assert_eq!(caller.refuses(LABELER, on_behalf(&permit, ())).await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_token_is_shared_by_calls_of_one_name_while_it_lasts() {
    let caller = Caller::start();
    let (ann, other) = (caller.serving_user().await, caller.serving_user().await);
    let first = caller.sends(LABELER, on_behalf(&ann, ())).await.fingerprint();
    assert_eq!(caller.sends(LABELER, on_behalf(&ann, ())).await.fingerprint(), first);
    assert_ne!(caller.sends(LABELER, on_behalf(&other, ())).await.fingerprint(), first);
    caller.mesh.clock.advance(Duration::from_mins(4));
    assert_eq!(caller.sends(LABELER, on_behalf(&ann, ())).await.fingerprint(), first);
    caller.mesh.clock.advance(Duration::from_secs(1));
    let renewed = caller.sends(LABELER, on_behalf(&ann, ())).await.fingerprint();
    assert_ne!(renewed, first);
    caller.mesh.keys.reload(KeyRing::new(caller.mesh.all.clone()).unwrap());
    assert_ne!(caller.sends(LABELER, on_behalf(&ann, ())).await.fingerprint(), renewed);
}

#[tokio::test]
async fn revoking_the_callers_token_revokes_what_was_minted_from_it() {
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
    assert!(!caller.mesh.index.is_revoked(&sent));
    caller.mesh.revoke(permit.token().unwrap().fingerprint());
    assert!(caller.mesh.index.is_revoked(&sent));
}

#[tokio::test]
async fn a_public_rpc_gets_no_token() {
    let caller = Caller::start();
    let mut request = tonic::Request::new(());
    request.metadata_mut().insert("authorization", "Bearer passed-on".parse().unwrap());
    assert_eq!(caller.call("/t.Platform/Open", request).await.code(), Code::Ok);
    assert!(!caller.headers().contains_key("authorization"));
}

#[tokio::test]
async fn the_remaining_deadline_travels_with_the_call() {
    tokio::time::pause();
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    let deadline = Deadline(Instant::now() + Duration::from_millis(800));
    for (stated, sent) in [(None, "800000u"), (Some(200), "200000u"), (Some(5_000), "800000u")] {
        let mut request = on_behalf(&permit, ());
        request.extensions_mut().insert(deadline);
        if let Some(stated) = stated {
            request.set_timeout(Duration::from_millis(stated));
        }
        caller.call(LABELER, request).await;
        assert_eq!(caller.headers()["grpc-timeout"], sent);
    }
    caller.sent.lock().unwrap().take();
    tokio::time::advance(Duration::from_secs(1)).await;
    let mut request = on_behalf(&permit, ());
    request.extensions_mut().insert(deadline);
    assert_eq!(caller.call(LABELER, request).await.code(), Code::DeadlineExceeded);
    assert!(caller.sent.lock().unwrap().is_none());
}

#[tokio::test]
async fn a_handler_passes_its_deadline_on_without_knowing() {
    let mesh = Mesh::start();
    let deadline = Deadline(Instant::now() + Duration::from_secs(3));
    let bearer = format!("Bearer {}", mesh.user_token());
    let mut request = request(SERVED, &[("authorization", &bearer)]);
    request.extensions_mut().insert(deadline);
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    let handler = service_fn(move |request: Request<Body>| {
        let told = Arc::clone(&told);
        async move {
            tokio::task::yield_now().await;
            let permit = Permit::of(request.extensions()).unwrap();
            *told.lock().unwrap() = on_behalf(permit, ()).extensions().get::<Deadline>().copied();
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(handler);
    guarded.oneshot(request).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(deadline));
}

#[tokio::test]
async fn a_response_tells_when_its_token_ends() {
    let caller = Caller::start();
    let answers = service_fn(|_: Request<Body>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    let client = AttachLayer::new(caller.attach.clone()).layer(answers);
    let mut call = request("/t.Labeler/Work", &[]);
    *call.extensions_mut() = as_service(()).into_parts().1;
    let response = client.oneshot(call).await.unwrap();
    let expiry = response.extensions().get::<TokenExpiry>().copied();
    assert_eq!(expiry, Some(TokenExpiry(NOW.plus(Duration::from_hours(1)))));
}

#[test]
fn a_client_that_could_sign_nothing_does_not_start() {
    let mesh_keys = hallpass_guard::Keys::new(KeyRing::default());
    let attach = |name: &str| Attach::new(name, mesh_keys.clone(), Clock::manual(NOW), rule);
    assert_eq!(attach("").unwrap_err(), AttachError::NoName);
    assert_eq!(attach("platform").unwrap_err(), AttachError::NoSigner("platform".to_owned()));
}
