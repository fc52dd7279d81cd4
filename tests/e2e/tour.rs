//! The README's tour with the real tools: grpcurl lists, describes and calls, the probe probes.

use std::path::Path;
use std::process::Command;

use crate::mesh::{HALLPASS, Mesh};
use crate::tools::{self, Ran, run};

/// A user token as the README mints it.
pub(crate) fn mint(mesh: &Mesh, subject: &str) -> String {
    let mut command = Command::new(HALLPASS);
    command.args(["token", "mint", "--subject", subject, "--data"]).arg(mesh.data());
    let minted = run(&mut command);
    assert_eq!(minted.code, 0, "{minted:?}");
    minted.stdout.trim_end().to_owned()
}

/// Runs `hallpass` against Platform as a user.
pub(crate) fn hallpass(mesh: &Mesh, arguments: &[&str], subject: &str) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", mint(mesh, subject));
    run(&mut command)
}

fn grpcurl(tool: &Path, token: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(tool);
    command.arg("-plaintext");
    if let Some(token) = token {
        command
            .args(["-expand-headers", "-H", "authorization: Bearer ${TOKEN}"])
            .env("TOKEN", token);
    }
    run(command.args(arguments))
}

#[test]
fn grpcurl_lists_the_services_and_describes_their_rules() {
    let Some(tool) = tools::find("grpcurl") else { return };
    let mesh = Mesh::up();
    let listed = grpcurl(&tool, None, &[&mesh.labeler(), "list"]);
    for service in ["grpc.health.v1.Health", "hallpass.labeler.v1.DatasetService"] {
        assert!(listed.stdout.lines().any(|line| line == service), "{listed:?}");
    }
    let method = "hallpass.labeler.v1.DatasetService.GetDataset";
    let described = grpcurl(&tool, None, &[&mesh.labeler(), "describe", method]);
    assert!(described.stdout.contains("scope: \"labeler:read\""), "{described:?}");
    assert!(described.stdout.contains("permission: \"read\""), "{described:?}");
}

#[test]
fn grpcurl_calls_what_it_may_and_is_told_why_where_it_may_not() {
    let Some(tool) = tools::find("grpcurl") else { return };
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let list = "hallpass.platform.v1.DatasetService/ListDatasets";
    let called = grpcurl(&tool, Some(&token), &[&mesh.platform(), list]);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(called.stdout.contains("\"itemCount\""), "the sample dataset is listed: {called:?}");

    let anonymous = grpcurl(&tool, None, &[&mesh.platform(), list]);
    assert!(anonymous.stderr.contains("Unauthenticated"), "{anonymous:?}");
    assert!(anonymous.stderr.contains("TOKEN_MISSING"), "{anonymous:?}");

    let labeler = "hallpass.labeler.v1.DatasetService/ListDatasets";
    let refused = grpcurl(&tool, Some(&token), &[&mesh.labeler(), labeler]);
    assert_eq!(refused.code, 64 + 7, "{refused:?}");
    assert!(
        refused.stderr.contains("TYPE_NOT_ACCEPTED"),
        "Labeler takes no users' tokens: {refused:?}"
    );
}

#[test]
fn the_health_probe_passes_on_both_services() {
    let Some(tool) = tools::find("grpc-health-probe") else { return };
    let mesh = Mesh::up();
    let services = [
        (mesh.platform(), ""),
        (mesh.platform(), "hallpass.platform.v1.DatasetService"),
        (mesh.labeler(), ""),
        (mesh.labeler(), "hallpass.labeler.v1.DatasetService"),
    ];
    for (address, service) in services {
        let addr = format!("-addr={address}");
        let serving = || {
            let probed = run(Command::new(&tool).args([&addr, &format!("-service={service}")]));
            (probed.code == 0 && probed.stderr.contains("SERVING")).then_some(())
        };
        crate::traces::until(serving);
    }
    let absent =
        run(Command::new(&tool).args([&format!("-addr={}", mesh.labeler()), "-service=absent"]));
    assert_ne!(absent.code, 0);
    assert!(absent.stderr.contains("NotFound"), "{absent:?}");
}
