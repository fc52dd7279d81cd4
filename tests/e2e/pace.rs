//! Whoever comes too often is told how long to wait, and a client of ours waits.

use std::process::Command;

use crate::mesh::{HALLPASS, Mesh, Node, connect};
use crate::raw;
use crate::tools::run;
use crate::tour::mint;

const CALLER: &str = "/hallpass.auth.v1.DiagnosticsService/GetCaller";

#[tokio::test]
async fn the_command_line_waits_as_long_as_it_is_told() {
    const CALLS: usize = 20;
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let data = mesh.kill();
    let folder = data.path().to_str().expect("a path of text");
    let platform = Node::start(
        &["platform", "--data", folder, "--listen", "127.0.0.1:0"],
        &[("HALLPASS_LIMITS__CALLS_A_MINUTE", &CALLS.to_string())],
    );
    let address = platform.address("platform");
    let (channel, header) = (connect(&address).await, format!("Bearer {token}"));
    let rule = hallpass_contract::rule(CALLER).expect("a declared RPC");
    let mut let_through = 0;
    while raw::call(&channel, rule, Vec::new(), &[("authorization", &header)]).await == "OK" {
        let_through += 1;
        assert!(let_through < 2 * CALLS, "there is no limit");
    }
    assert!(let_through >= CALLS, "only {let_through} calls were let through");
    let mut whoami = Command::new(HALLPASS);
    whoami.args(["whoami", "--server", &format!("http://{address}")]);
    let told = run(whoami.env("HALLPASS_TOKEN", &token));
    assert_eq!(told.code, 0, "{told:?}");
}
