//! Every refusal that the layer makes, by its code and its stable reason, and what a handler sees when there is none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_guard::{ClientCertificate, Decisions};
use hallpass_policy::{Denial, Permit};
use hallpass_revocation::Freshness;
use hallpass_token::{Confirmation, NewToken, SKEW, TokenType};
use std::time::Duration;
use tonic::Code;

use crate::fixture::{Mesh, NOW, STALENESS, action, key, reason, request, service, user, with};

const READ: &str = "/t.Platform/Read";
const ABORT: &str = "/t.Platform/Abort";

/// Calls `path` with these credentials and compares code and reason.
async fn expect(mesh: &Mesh, what: &str, path: &str, headers: &[(&str, &str)], expected: &str) {
    let outcome = mesh.send(request(path, headers)).await;
    assert_eq!(outcome.reason(), expected, "{what}");
}

#[tokio::test]
async fn callers_are_refused_by_what_they_show() {
    let mesh = Mesh::start();
    let bearer = |kid: &str, new: &NewToken| format!("Bearer {}", mesh.mint(kid, new));
    let good = bearer("users", &user("ann"));
    let (revoked, print) = mesh.revocable();
    mesh.revoke(print);
    let elsewhere = with(user("ann"), |new| new.audience = vec!["labeler".to_owned()]);
    let powerless = with(user("ann"), |new| new.scopes = [""; 0].into_iter().collect());
    let service = bearer("platform-1", &service(TokenType::Service));
    let table = [
        ("no token", READ, None, "TOKEN_MISSING"),
        ("a good token", READ, Some(good.clone()), "OK"),
        ("no such method", "/t.Platform/Reads", Some(good.clone()), "UNKNOWN_METHOD"),
        ("no such service", "/", Some(good.clone()), "UNKNOWN_METHOD"),
        ("another scheme", READ, Some("Basic YTpi".to_owned()), "CREDENTIALS_MALFORMED"),
        ("no token at all", READ, Some("Bearer ".to_owned()), "CREDENTIALS_MALFORMED"),
        ("not a token", READ, Some("Bearer abc".to_owned()), "TOKEN_INVALID"),
        ("tampered", READ, Some(tampered(&good)), "TOKEN_INVALID"),
        ("an unknown key", READ, Some(forged(&mesh)), "TOKEN_INVALID"),
        ("revoked", READ, Some(format!("Bearer {revoked}")), "TOKEN_REVOKED"),
        ("for another service", READ, Some(bearer("users", &elsewhere)), "AUDIENCE_MISMATCH"),
        ("without the scope", READ, Some(bearer("users", &powerless)), "SCOPE_MISSING"),
        ("of a service", READ, Some(service), "TYPE_NOT_ACCEPTED"),
        ("a public method", "/t.Platform/Open", None, "OK"),
        ("public, with nonsense", "/t.Platform/Open", Some("nonsense".to_owned()), "OK"),
        ("health", "/grpc.health.v1.Health/Check", None, "OK"),
        ("reflection", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None, "OK"),
    ];
    for (what, path, bearer, expected) in table {
        let headers: Vec<_> =
            bearer.iter().map(|value| ("authorization", value.as_str())).collect();
        expect(&mesh, what, path, &headers, expected).await;
    }
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    expect(&mesh, "two tokens", READ, &twice, "CREDENTIALS_MALFORMED").await;
}

/// A proxy in front may read a path in another way: drop a parameter, resolve dots, decode, fold slashes or case. What is not a method's
/// path byte for byte is no method, a public one's neither, whoever asks.
#[tokio::test]
async fn a_path_that_another_could_read_as_a_methods_is_unknown() {
    let mesh = Mesh::start();
    let good = format!("Bearer {}", mesh.user_token());
    let forms: [fn(&str, &str) -> String; 16] = [
        |service, method| format!("{service}/{method}"),
        |service, method| format!("/{service}/{method};x=y"),
        |service, method| format!("/{service};x=y/{method}"),
        |service, method| format!("/;/{service}/{method}"),
        |service, method| format!("/./{service}/{method}"),
        |service, method| format!("/{service}/./{method}"),
        |service, method| format!("/x/../{service}/{method}"),
        |service, method| format!("/{service}/x/../{method}"),
        |service, method| format!("/%2e/{service}/{method}"),
        |service, method| format!("/x/%2e%2e/{service}/{method}"),
        |service, method| format!("/{service}%2f{method}"),
        |service, method| format!("//{service}/{method}"),
        |service, method| format!("/{service}//{method}"),
        |service, method| format!("/{service}/{method}/"),
        |service, method| format!("/{service}/%{:02x}{}", method.as_bytes()[0], &method[1..]),
        |service, method| format!("/{service}/{}", method.to_uppercase()),
    ];
    for method in ["Open", "Read"] {
        let path = format!("/t.Platform/{method}");
        assert!(crate::rules::rule(&path).is_some(), "{path} is a method");
        for form in forms {
            let path = form("t.Platform", method);
            for headers in [&[][..], &[("authorization", good.as_str())]] {
                let mut request = request("/", headers);
                // What the HTTP library cannot even hold goes no further.
                let Ok(uri) = path.parse() else { continue };
                *request.uri_mut() = uri;
                assert_eq!(mesh.send(request).await.reason(), "UNKNOWN_METHOD", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_elevated_call_takes_the_callers_own_action_token() {
    let mesh = Mesh::start();
    let good = format!("Bearer {}", mesh.user_token());
    let own = mesh.mint("users", &action("ann", "jobs.abort"));
    let others = mesh.mint("users", &action("bob", "jobs.abort"));
    let create = mesh.mint("users", &action("ann", "jobs.create"));
    let no_action = mesh.user_token();
    let table = [
        ("none", ABORT, None, "ACTION_MISSING"),
        ("the caller's own", ABORT, Some(&own), "OK"),
        ("another user's", ABORT, Some(&others), "ACTION_MISMATCH"),
        ("a user token", ABORT, Some(&no_action), "ACTION_MISMATCH"),
        ("for something else", ABORT, Some(&create), "AUDIENCE_MISMATCH"),
        ("where none is demanded", READ, Some(&own), "ACTION_UNEXPECTED"),
    ];
    for (what, path, action, expected) in table {
        let mut headers = vec![("authorization", good.as_str())];
        headers.extend(action.map(|action| ("hallpass-action", action.as_str())));
        expect(&mesh, what, path, &headers, expected).await;
    }
    let twice =
        [("authorization", good.as_str()), ("hallpass-action", &own), ("hallpass-action", &own)];
    expect(&mesh, "two action tokens", ABORT, &twice, "CREDENTIALS_MALFORMED").await;
    expect(&mesh, "alone", ABORT, &[("hallpass-action", &own)], "TOKEN_MISSING").await;
    let as_caller = format!("Bearer {own}");
    expect(&mesh, "as caller", ABORT, &[("authorization", &as_caller)], "TYPE_NOT_ACCEPTED").await;
}

#[tokio::test]
async fn time_decides_on_every_call() {
    let mesh = Mesh::start();
    let hour = with(user("ann"), |new| new.life = Some(Duration::from_hours(1)));
    let token = mesh.mint("users", &hour);
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.clock.advance(Duration::from_hours(1) + SKEW);
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_EXPIRED");

    let later = with(user("ann"), |new| new.not_before = Some(NOW.plus(Duration::from_hours(2))));
    let token = mesh.mint("users", &later);
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_NOT_YET_VALID");
    mesh.clock.advance(Duration::from_hours(1));
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
}

#[tokio::test]
async fn a_stale_node_refuses_what_it_cannot_know() {
    let mesh = Mesh::with(Freshness::follower(STALENESS));
    let (token, print) = mesh.revocable();
    assert_eq!(mesh.call(READ, &token).await.reason(), "LIST_STALE");
    assert_eq!(mesh.call("/t.Platform/Revoke", &token).await.reason(), "OK");
    mesh.freshness.proven_at(mesh.clock.boot());
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.clock.advance(STALENESS);
    assert_eq!(mesh.call(READ, &token).await.reason(), "LIST_STALE");
    mesh.revoke(print);
    assert_eq!(mesh.call("/t.Platform/Revoke", &token).await.reason(), "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_bound_token_needs_its_certificate() {
    let mesh = Mesh::start();
    let confirmation = Some(Confirmation { certificate_sha256: [1; 32] });
    let bearer = format!(
        "Bearer {}",
        mesh.mint("users", &with(user("ann"), |new| new.confirmation = confirmation))
    );
    for (shown, expected) in
        [(None, "BINDING_MISMATCH"), (Some([2; 32]), "BINDING_MISMATCH"), (Some([1; 32]), "OK")]
    {
        let mut request = request(READ, &[("authorization", &bearer)]);
        if let Some(shown) = shown {
            request.extensions_mut().insert(ClientCertificate(shown));
        }
        assert_eq!(mesh.send(request).await.reason(), expected, "{shown:?}");
    }
}

#[tokio::test]
async fn a_handler_sees_a_permit_and_no_credential() {
    let mesh = Mesh::start();
    let bearer = format!("Bearer {}", mesh.user_token());
    let own = mesh.mint("users", &action("ann", "jobs.abort"));
    let headers = [("authorization", bearer.as_str()), ("hallpass-action", &own), ("x-else", "y")];
    let outcome = mesh.send(request(ABORT, &headers)).await;
    let parts = outcome.parts();
    let names: Vec<_> = parts.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["x-else"]);
    let permit = Permit::of(&parts.extensions).unwrap();
    assert_eq!((permit.subject(), permit.rule().path), (Some("ann"), ABORT));

    let outcome = mesh.send(request("/t.Platform/Open", &headers)).await;
    assert_eq!(outcome.parts().headers.len(), 1);
    assert_eq!(Permit::of(&outcome.parts().extensions).unwrap().subject(), None);
}

#[tokio::test]
async fn refusals_tell_the_category_and_not_the_cause() {
    let mesh = Mesh::start();
    let outcome = mesh.call(READ, &forged(&mesh)["Bearer ".len()..]).await;
    let status = outcome.status();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, "the token is not valid")
    );
    let other = mesh.call(READ, "abc").await;
    assert_eq!(other.status().message(), status.message());
    assert_eq!(mesh.guard.counts().refusals, 2);
    assert_eq!(mesh.guard.counts().decisions, 2);
}

/// The reasons that no layer gives, so that every one is in a table.
#[test]
fn the_other_reasons_are_the_adapters_and_the_clients() {
    let decision = Decisions::new(1).next();
    for (denial, code, name) in [
        (
            Denial::ObjectRefused { kind: "job", permission: "read" },
            Code::PermissionDenied,
            "OBJECT_REFUSED",
        ),
        (
            Denial::ObjectIdInvalid { field: "job_id", problem: "must not be empty" },
            Code::InvalidArgument,
            "OBJECT_ID_INVALID",
        ),
        (Denial::TooMany(Duration::from_secs(1)), Code::ResourceExhausted, "TOO_MANY"),
        (Denial::CannotDecide("the database"), Code::Unavailable, "CANNOT_DECIDE"),
        (Denial::DelegationRefused("no"), Code::Internal, "DELEGATION_REFUSED"),
        (Denial::Misconfigured("no guard"), Code::Internal, "MISCONFIGURED"),
    ] {
        let status = denial.into_status(decision);
        assert_eq!((status.code(), reason(&status).as_str()), (code, name));
    }
}

/// The same header and signature over other claims: one bit of the payload's bytes is another.
fn tampered(bearer: &str) -> String {
    let parts: Vec<_> = bearer.split('.').collect();
    let mut payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let at = payload.windows(3).position(|three| three == b"ann").unwrap();
    payload[at] ^= 1;
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(payload), parts[2])
}

/// Signed by a key of the right name that is not in the ring.
fn forged(mesh: &Mesh) -> String {
    let stranger = key("users", "edge", &[TokenType::User]);
    let ring = hallpass_token::KeyRing::new(vec![stranger]).unwrap();
    format!("Bearer {}", ring.mint("users", &user("ann"), mesh.clock.now()).unwrap().expose())
}
