//! What the log says of a call, whoever refuses it: who called, with which token and key, about which object, under which decision.

use hallpass_policy::adapter::{self, answered};
use hallpass_policy::{
    Denial, Granted, ObjectPolicy, Permission, Permit, Unknown, Verdict, Visible,
};
use hallpass_token::{Fingerprint, TokenType};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::fixture::{Mesh, action, reason, request, service, user, with};
use crate::silence::Log;

const READ: &str = "/t.Platform/Read";
const ABORT: &str = "/t.Platform/Abort";

#[derive(Debug)]
struct ReadJob;

impl Permission for ReadJob {
    const KIND: &'static str = "job";
    const NAME: &'static str = "read";
}

/// Says the same of every object.
struct Says(Result<Verdict, Unknown>);

impl ObjectPolicy for Says {
    async fn check(
        &self,
        permit: &Permit,
        _: &'static str,
        _: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        // What it refuses by itself is about the object, too, and the same refusal is said once.
        if self.0 == Ok(Verdict::Refused) {
            permit.refuse(Denial::ObjectRefused { kind: "job", permission: "read" });
        }
        assert_eq!(id, "job_7");
        self.0.clone()
    }
}

#[tokio::test]
async fn a_call_that_is_let_through_names_its_key_and_its_token() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    let user = mesh.user_token();
    let worker = mesh.mint("platform-1", &service(TokenType::Service));
    mesh.call(READ, &user).await;
    let jti = mesh.keys.ring().verify(&user, mesh.clock.now()).unwrap().claims().id.clone();
    log.has("allowed", &["DEBUG", READ, "sub=\"ann\"", "kid=\"users\"", &jti.unwrap()]);
    mesh.call("/t.Labeler/Read", &worker).await;
    log.has("allowed", &["/t.Labeler/Read", "kid=\"platform-1\"", "service=\"platform\""]);
}

#[tokio::test]
async fn a_refused_action_token_is_logged_under_its_own_id() {
    let mesh = Mesh::start();
    let own = user("ann");
    let bearer = format!("Bearer {}", mesh.mint("users", &own));
    let good = action("ann", "jobs.abort");
    let revoked = action("ann", "jobs.abort");
    mesh.revoke(Fingerprint::token(crate::fixture::ISSUER, revoked.id.as_str()));
    let expired = with(action("ann", "jobs.abort"), |new| {
        new.life = Some(std::time::Duration::from_secs(30));
    });
    let others = action("bob", "jobs.abort");
    let elsewhere = action("ann", "jobs.create");
    let minted = [&revoked, &expired, &others, &elsewhere].map(|new| mesh.mint("users", new));
    let table = [
        ("TOKEN_REVOKED", &revoked),
        ("TOKEN_EXPIRED", &expired),
        ("ACTION_MISMATCH", &others),
        ("AUDIENCE_MISMATCH", &elsewhere),
    ];
    mesh.clock.advance(std::time::Duration::from_secs(61));
    for ((expected, new), token) in table.into_iter().zip(&minted) {
        let log = Log::default();
        let _logging = log.take_all();
        let headers = [("authorization", &*bearer), ("hallpass-action", token)];
        assert_eq!(mesh.send(request(ABORT, &headers)).await.reason(), expected);
        let refused = format!(" jti=\"{}\"", new.id);
        let beside = format!("caller_jti=\"{}\"", own.id);
        log.has("refused", &[expected, &refused, &beside, "token_type=\"action\""]);
    }
    // Where the caller's own is refused, the line is about that one.
    mesh.revoke(Fingerprint::token(crate::fixture::ISSUER, own.id.as_str()));
    let log = Log::default();
    let _logging = log.take_all();
    let good_token = mesh.mint("users", &good);
    let headers = [("authorization", &*bearer), ("hallpass-action", &*good_token)];
    mesh.send(request(ABORT, &headers)).await;
    let (refused, beside) = (format!(" jti=\"{}\"", own.id), format!("action_jti=\"{}\"", good.id));
    log.has("refused", &["TOKEN_REVOKED", &refused, &beside, "token_type=\"user\""]);
}

#[tokio::test]
async fn a_token_that_is_over_is_logged_with_whose_it_was() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let new = with(user("ann"), |new| new.life = Some(std::time::Duration::from_mins(1)));
    let token = mesh.mint("users", &new);
    mesh.call(READ, &token).await;
    mesh.clock.advance(std::time::Duration::from_mins(2));
    let _logging = log.take_all();
    for _ in 0..2 {
        assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_EXPIRED");
        log.has("refused", &["sub=\"ann\"", new.id.as_str(), "kid=\"users\""]);
    }
}

#[tokio::test]
async fn what_the_object_check_refuses_is_recorded_with_who_and_which_object() {
    let not_granted =
        Verdict::StorageNotGranted { operation: "s3:GetObject", bucket: "pictures".to_owned() };
    let table = [
        (Ok(Verdict::Refused), "OBJECT_REFUSED", ""),
        (Ok(not_granted), "STORAGE_NOT_GRANTED", "bucket=\"pictures\""),
        (Err(Unknown("the database")), "CANNOT_DECIDE", ""),
    ];
    for (verdict, expected, bucket) in table {
        let (mesh, log) = (Mesh::start(), Log::default());
        let _logging = log.take_all();
        let permit = permit(&mesh).await;
        log.news();
        let policy = Says(verdict);
        let refused = adapter::grant::<ReadJob>(&policy, &permit, "job_id", Some("job_7")).await;
        assert_eq!(reason(&refused.unwrap_err()), expected);
        let decision = permit.decision().to_string();
        let parts = [
            "INFO hallpass::decision",
            expected,
            &decision,
            READ,
            "sub=\"ann\"",
            " jti=\"",
            "kid=\"users\"",
            "object_type=\"job\"",
            "object_id=\"job_7\"",
            bucket,
        ];
        log.has("refused", &parts);
        let kept = mesh.guard.refusals().find(permit.decision()).unwrap();
        assert_eq!(kept.why.reason(), expected);
        assert_eq!(kept.object.as_ref().unwrap().to_string(), "job:job_7");
    }
}

#[tokio::test]
async fn what_a_handler_refuses_is_recorded_with_who_and_which_object() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    let permit = permit(&mesh).await;
    let policy = Says(Ok(Verdict::Granted));
    let proof: Granted<ReadJob> =
        adapter::grant(&policy, &permit, "job_id", Some("job_7")).await.unwrap();
    let details = ErrorDetails::with_error_info("NOT_THE_CALLERS", "hallpass", []);
    let said = Status::with_error_details(Code::PermissionDenied, "not the caller's", details);
    let told = adapter::failed(&permit, Some(proof.object().clone()), said);
    assert_eq!((told.code(), reason(&told).as_str()), (Code::PermissionDenied, "NOT_THE_CALLERS"));
    let decision = permit.decision().to_string();
    let parts = [
        "INFO hallpass::decision",
        "NOT_THE_CALLERS",
        "PermissionDenied",
        &decision,
        READ,
        "sub=\"ann\"",
        " jti=\"",
        "kid=\"users\"",
        "object_id=\"job_7\"",
    ];
    log.has("refused by the handler", &parts);
    let kept = mesh.guard.refusals().find(permit.decision()).unwrap();
    assert_eq!(
        (kept.why.reason(), kept.caller.as_ref().unwrap().subject.as_deref()),
        ("NOT_THE_CALLERS", Some("ann"))
    );

    // What the permit refused is in the log already; what another service refused keeps that one's decision.
    let refusal = proof.permit().refuse(Denial::TokenExpired);
    log.has("refused", &["TOKEN_EXPIRED", "object_id=\"job_7\""]);
    adapter::failed(&permit, None, refusal);
    assert!(log.news().is_empty(), "{}", log.news());
    let elsewhere = Denial::TokenExpired.into_status(hallpass_policy::DecisionId::new(9, 9));
    let passed_on = adapter::failed(&permit, None, elsewhere);
    let id = hallpass_policy::DecisionId::new(9, 9).to_string();
    log.has("refused by the handler", &[&decision, &id, "TOKEN_EXPIRED"]);
    assert_eq!(passed_on.get_error_details().error_info().unwrap().metadata["decision_id"], id);
}

#[tokio::test]
async fn what_cannot_be_seen_and_a_credential_in_the_place_of_an_id_are_recorded_without_it() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let token = mesh.mint("platform-1", &service(TokenType::Background));
    let _logging = log.take_all();
    let outcome = mesh.call("/t.Labeler/Unscoped", &token).await;
    let worker = Permit::of(&outcome.parts().extensions).unwrap().clone();
    let refused: Result<Visible<ReadJob>, _> = adapter::visible(&worker);
    assert_eq!(reason(&refused.unwrap_err()), "OBJECT_REFUSED");
    log.has("refused", &["OBJECT_REFUSED", "service=\"platform\"", "kid=\"platform-1\""]);
    let permit = permit(&mesh).await;
    for credential in [token.as_str(), "hps_0123456789"] {
        let id = &credential[..credential.len().min(200)];
        let object = hallpass_policy::Object::new("job", id);
        permit
            .clone()
            .about(object)
            .refuse(Denial::ObjectRefused { kind: "job", permission: "read" });
        assert!(!log.news().contains(id));
    }
}

#[tokio::test]
async fn only_the_services_that_deal_with_tokens_have_each_call_recorded() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    let permit = permit(&mesh).await;
    log.news();
    answered(&permit);
    assert!(!log.news().contains("hallpass::audit"));
}

/// A permit as the guard gives it.
async fn permit(mesh: &Mesh) -> Permit {
    let outcome = mesh.call(READ, &mesh.user_token()).await;
    Permit::of(&outcome.parts().extensions).unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn lines_that_tell_of_no_change_are_limited_for_each_caller_and_counted() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let permit = permit(&mesh).await;
    let _logging = log.take_all();
    let listed =
        |permit: &Permit, about| (0..300).filter(|_| permit.lists("introspect", about)).count();
    let foreign = Some(Fingerprint::token(crate::fixture::ISSUER, "t1"));
    assert_eq!((listed(&permit, None), listed(&permit, foreign)), (60, 60));
    let outcome = mesh.call(READ, &mesh.mint("users", &user("bob"))).await;
    let bob = Permit::of(&outcome.parts().extensions).unwrap();
    assert_eq!(listed(bob, None), 60, "another caller has lines of their own");
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    log.has("lines not listed", &["hallpass::audit", "line=\"introspect\"", "callers=720"]);
}
