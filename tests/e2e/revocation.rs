//! Revoked means revoked, on every node and on open streams; a node that cannot know refuses.

use std::process::Command;
use std::time::{Duration, Instant};

use hallpass_policy::Rule;
use hallpass_token::{NewToken, TokenType};
use tonic::transport::Channel;

use crate::callers::{fresh_id, now};
use crate::mesh::{HALLPASS, Mesh, connect};
use crate::raw;
use crate::tools::run;
use crate::tour::mint;

const PLATFORM_LIST: &str = "/hallpass.platform.v1.DatasetService/ListDatasets";
const LABELER_LIST: &str = "/hallpass.labeler.v1.DatasetService/ListDatasets";

fn rule(path: &str) -> &'static Rule {
    hallpass_contract::rule(path).expect("a declared RPC")
}

async fn answer(channel: &Channel, path: &str, token: &str) -> String {
    let header = format!("Bearer {token}");
    raw::call(channel, rule(path), Vec::new(), &[("authorization", &header)]).await
}

/// Calls until the answer is this one; fails after the bound.
async fn until_answer(channel: &Channel, path: &str, token: &str, wanted: &str, within: Duration) {
    let asked = async {
        while answer(channel, path, token).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(within, asked).await.unwrap_or_else(|_| panic!("not {wanted} within {within:?}"));
}

fn revoke(mesh: &Mesh, token: &str) {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", token);
    let revoked = run(&mut command);
    assert_eq!(revoked.code, 0, "{revoked:?}");
}

/// A token that Platform would mint for Labeler on behalf of the holder of `parent`.
fn child(mesh: &Mesh, parent: &str) -> String {
    let parent = mesh.ring("platform").verify(parent, now()).expect("Platform knows the users' key");
    let mut child = NewToken::child_of(&parent, TokenType::Service, fresh_id(), &["labeler:read"]).expect("a child");
    child.service = Some("platform".to_owned());
    child.audience = vec!["labeler".to_owned()];
    child.scopes = std::iter::once("labeler:read").collect();
    let minted = mesh.ring("platform").mint("platform-1", &child, now()).expect("Platform may sign it");
    minted.expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once_and_its_descendants_on_the_other_node() {
    let mesh = Mesh::up();
    let (platform, labeler) = (connect(&mesh.platform()).await, connect(&mesh.labeler()).await);
    let token = mint(&mesh, "alice");
    let child = child(&mesh, &token);
    let other = mint(&mesh, "alice");
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "OK");
    assert_eq!(answer(&labeler, LABELER_LIST, &child).await, "OK");

    revoke(&mesh, &token);
    let acknowledged = Instant::now();
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
    let bound = Duration::from_secs(2);
    until_answer(&labeler, LABELER_LIST, &child, "Unauthenticated TOKEN_REVOKED", bound).await;
    eprintln!("Labeler refused {:?} after the acknowledgement", acknowledged.elapsed());
    assert_eq!(answer(&platform, PLATFORM_LIST, &other).await, "OK", "only that token is revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_survives_the_death_of_the_process() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    revoke(&mesh, &token);
    let mesh = Mesh::over(mesh.kill(), &[]);
    let platform = connect(&mesh.platform()).await;
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
    let other = mint(&mesh, "alice");
    assert_eq!(answer(&platform, PLATFORM_LIST, &other).await, "OK");
}
