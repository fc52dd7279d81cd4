//! Callers find out about their own calls on the running mesh, by RPC and by command.

use std::process::Command;

use hallpass_contract::auth::diagnostics_service_client::DiagnosticsServiceClient;
use hallpass_contract::auth::{ExplainRefusalRequest, ExplainRefusalResponse};
use hallpass_contract::labeler::GetDatasetRequest;
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::mesh::{HALLPASS, Mesh, connect};
use crate::tools::{Ran, run};
use crate::tour::{hallpass, mint};

/// Runs `hallpass` with this token.
fn with(mesh: &Mesh, token: &str, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token);
    run(&mut command)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {ran:?}"))
}

/// The decision's id, as a refused command tells it.
fn decision(ran: &Ran) -> &str {
    let (_, rest) = ran.stderr.split_once("decision ").unwrap_or_else(|| panic!("{ran:?}"));
    rest.get(..32).expect("an id")
}

#[test]
fn one_learns_who_one_is_and_what_one_may() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let told = with(&mesh, &token, &["whoami"]);
    let line = told.stdout.lines().next().unwrap_or_default();
    assert!(line.starts_with("Environment: platform | Authentication: Active | "), "{told:?}");
    let told = json(&with(&mesh, &token, &["whoami", "--output", "json"]));
    assert_eq!(
        (&told["token"]["subject"], &told["auth_scheme"]),
        (&"alice".into(), &"bearer".into())
    );
    assert_eq!(
        (&told["token"]["key_id"], &told["token"]["key_state"]),
        (&"users-1".into(), &"active".into())
    );
    assert!(told["token"]["life_left_seconds"].as_u64().expect("it ends") > 0);

    let allowed = json(&with(&mesh, &token, &["may", "--output", "json"]));
    let find = |rows: &Value, name: &str| {
        let rows = rows.as_array().expect("rows").iter();
        rows.clone().find(|row| row["rpc"].as_str().is_some_and(|rpc| rpc.ends_with(name))).cloned()
    };
    assert!(find(&allowed, "platform.v1.DatasetService/ListDatasets").is_some());
    assert!(find(&allowed, "labeler.v1.DatasetService/ListDatasets").is_none());
    let abort = find(&allowed, "JobService/AbortJob").expect("alice can get an action token");
    assert_eq!(abort["missing"][0]["reason"], "ACTION_MISSING");
    assert_eq!(abort["objects"][0], "abort job(job_id)");
    let all = json(&with(&mesh, &token, &["may", "--all", "--output", "json"]));
    let elsewhere = find(&all, "labeler.v1.DatasetService/ListDatasets").expect("it is listed");
    assert_eq!(elsewhere["missing"][0]["reason"], "TYPE_NOT_ACCEPTED");

    for arguments in [&["whoami"][..], &["may", "--all"], &["token", "validate"]] {
        let ran = with(&mesh, &token, arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token), "{arguments:?}");
    }
}

#[test]
fn a_token_is_validated_for_its_owner() {
    let mesh = Mesh::up();
    let (alice, bob) = (mint(&mesh, "alice"), mint(&mesh, "bob"));
    let asked =
        |token: &str| with(&mesh, &alice, &["token", "validate", token, "--output", "json"]);
    let own = asked(&mint(&mesh, "alice"));
    assert_eq!((own.code, &json(&own)["validation"]), (0, &"passed".into()));
    assert_eq!(json(&own)["validated_claims"]["subject"], "alice");
    let (others, none) = (asked(&bob), asked("nonsense"));
    assert_eq!((others.code, &others.stdout, &others.stderr), (1, &none.stdout, &none.stderr));
    assert_eq!(json(&none)["reason"], "TOKEN_INVALID");
    assert_eq!(with(&mesh, &bob, &["token", "revoke"]).code, 0);
    assert!(with(&mesh, &bob, &["token", "validate"]).stderr.contains("TOKEN_REVOKED"));
}

#[test]
fn a_refusal_is_explained_to_whose_call_it_was() {
    let mesh = Mesh::up();
    let refused =
        hallpass(&mesh, &["dataset", "access", "ds_00000000000000000000000000000000"], "alice");
    let id = decision(&refused).to_owned();
    let told = json(&hallpass(&mesh, &["explain", &id, "--output", "json"], "alice"));
    assert_eq!(
        (&told["reason"], &told["environment"]),
        (&"OBJECT_REFUSED".into(), &"platform".into())
    );
    assert!(
        told["rpc"].as_str().is_some_and(|rpc| rpc.starts_with("hallpass.platform.v1.")),
        "{told}"
    );
    let stranger = hallpass(&mesh, &["explain", &id], "bob");
    let unknown = hallpass(&mesh, &["explain", &"0".repeat(32)], "alice");
    // All but the id of the decision, which each refusal has of its own.
    let said = |ran: &Ran| ran.stderr.split(", decision ").next().map(str::to_owned);
    assert_eq!((stranger.code, said(&stranger)), (1, said(&unknown)));
    assert!(unknown.stderr.contains("REFUSAL_UNKNOWN"), "{unknown:?}");
}

fn authorized<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("Bearer {token}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", header);
    request
}

async fn explain(
    platform: &Channel,
    token: &str,
    decision_id: &str,
) -> Result<ExplainRefusalResponse, Status> {
    let request = ExplainRefusalRequest { decision_id: decision_id.to_owned() };
    let mut client = DiagnosticsServiceClient::new(platform.clone());
    client.explain_refusal(authorized(token, request)).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_asks_labeler_about_labelers_refusals() {
    let mesh = Mesh::up();
    let (platform, labeler) = (connect(&mesh.platform()).await, connect(&mesh.labeler()).await);
    let (alice, bob) = (mint(&mesh, "alice"), mint(&mesh, "bob"));
    let request =
        GetDatasetRequest { dataset_id: "ds_00000000000000000000000000000000".to_owned() };
    let call = DatasetServiceClient::new(labeler).get_dataset(authorized(&alice, request)).await;
    let details = call.expect_err("Labeler takes no users' tokens").get_error_details();
    let id = details.error_info().expect("a reason").metadata["decision_id"].clone();
    let told = explain(&platform, &alice, &id).await.expect("it was alice's call");
    assert_eq!((told.environment.as_str(), told.reason.as_str()), ("labeler", "TYPE_NOT_ACCEPTED"));
    assert!(told.explanation.contains("service and background"), "{}", told.explanation);
    let stranger = explain(&platform, &bob, &id).await.expect_err("it was not bob's");
    assert_eq!(stranger.code(), Code::NotFound);
}
