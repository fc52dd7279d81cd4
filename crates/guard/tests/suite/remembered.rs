//! What a guard remembers of refused calls: the latest, each with whose it was, and none for ever.

use std::sync::Arc;

use hallpass_guard::{Refusals, Why};
use hallpass_policy::{DecisionId, Denial, Permit};
use hallpass_token::{NewToken, Verified};
use serde_json::json;
use tonic_types::StatusExt as _;

use crate::fixture::{Mesh, NOW, Outcome, request, user, with};

const ADMIN: &str = "/t.Platform/Admin";

fn decision(outcome: &Outcome) -> DecisionId {
    let details = outcome.status().get_error_details();
    details.error_info().unwrap().metadata["decision_id"].parse().unwrap()
}

fn verified(mesh: &Mesh, new: &NewToken) -> Verified {
    mesh.keys.ring().verify(&mesh.mint("users", new), NOW).unwrap()
}

fn robot(subject: &str) -> NewToken {
    with(user(subject), |new| new.actor = Some(json!({ "sub": "robot" })))
}

#[tokio::test]
async fn a_refusal_is_its_callers() {
    let mesh = Mesh::start();
    let ann = mesh.call(ADMIN, &mesh.user_token()).await;
    let agent = mesh.call(ADMIN, &mesh.mint("users", &robot("ann"))).await;
    let [ann, agent] = [ann, agent].map(|outcome| mesh.guard.refusals().find(decision(&outcome)));
    let (ann, agent) = (ann.unwrap(), agent.unwrap());
    assert_eq!(
        (ann.why.clone(), ann.at),
        (Why::Denied(Denial::ScopeMissing("platform:admin")), NOW)
    );
    assert_eq!((&*ann.path, ann.rule.map(|rule| rule.path)), (ADMIN, Some(ADMIN)));
    for (asker, of_ann, of_agent) in [
        (user("ann"), true, true),
        (user("bob"), false, false),
        (robot("ann"), false, true),
        (robot("bob"), false, false),
    ] {
        let asker = verified(&mesh, &asker);
        assert_eq!((ann.is_of(&asker), agent.is_of(&asker)), (of_ann, of_agent), "{asker:?}");
    }
}

#[tokio::test]
async fn a_call_without_a_token_that_verifies_is_nobodys() {
    let mesh = Mesh::start();
    let path = format!("/{}é/x", "a".repeat(126));
    let table = [
        (mesh.send(request(ADMIN, &[])).await, Denial::TokenMissing, ADMIN),
        (mesh.send(request("/t.None/None", &[])).await, Denial::UnknownMethod, "/t.None/None"),
        (mesh.send(request(&path, &[])).await, Denial::UnknownMethod, &path[..127]),
    ];
    let ann = verified(&mesh, &user("ann"));
    for (outcome, denial, path) in table {
        let refused = mesh.guard.refusals().find(decision(&outcome)).unwrap();
        assert_eq!((&refused.why, &*refused.path), (&Why::Denied(denial), path));
        assert!(refused.caller.is_none() && !refused.is_of(&ann));
    }
}

#[tokio::test]
async fn what_is_refused_after_the_guard_is_remembered_too() {
    let mesh = Mesh::start();
    let outcome = mesh.call("/t.Platform/Read", &mesh.user_token()).await;
    let permit = Permit::of(&outcome.parts().extensions).unwrap();
    assert!(mesh.guard.refusals().find(permit.decision()).is_none());
    let denial = Denial::ObjectRefused { kind: "job", permission: "read" };
    let refusal = permit.refuse(denial.clone());
    let refused = mesh.guard.refusals().find(refusal.decision).unwrap();
    assert_eq!(refused.why, Why::Denied(denial));
    assert!(refused.is_of(&verified(&mesh, &user("ann"))));
}

#[tokio::test]
async fn what_others_do_pushes_out_nobodys() {
    const OF_ONE: usize = 64;
    const OF_STRANGERS: usize = 512;
    let mesh = Mesh::start();
    let refused = async |token: &str| decision(&mesh.call(ADMIN, token).await);
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    let anns = refused(&ann).await;
    let (first, second) = (refused(&bob).await, refused(&bob).await);
    for _ in 2..OF_ONE {
        refused(&bob).await;
    }
    let refusals: Arc<Refusals> = mesh.guard.refusals();
    assert!(refusals.find(first).is_some());
    let latest = refused(&bob).await;
    assert!(refusals.find(first).is_none());
    assert!(refusals.find(second).is_some() && refusals.find(latest).is_some());
    let stranger = decision(&mesh.send(request(ADMIN, &[])).await);
    for _ in 0..OF_STRANGERS {
        mesh.send(request(ADMIN, &[])).await;
    }
    assert!(refusals.find(stranger).is_none());
    assert!(refusals.find(anns).is_some() && refusals.find(latest).is_some());
}
