//! What a node prints once it serves: for programs its addresses, for people what to paste next.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use crate::failure::Failure;
use crate::output::{Format, print};
use crate::serve::sample;

/// The addresses that a process listens on, by service.
pub(super) fn listening(addresses: &[(&str, SocketAddr)], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => {
            let named: BTreeMap<_, _> = addresses.iter().copied().collect();
            let line = serde_json::to_string(&named).map_err(Failure::failed)?;
            print(&format!("{line}\n"))
        }
        Format::Text => {
            let lines =
                addresses.iter().map(|(name, address)| format!("{name} listens on {address}\n"));
            print(&lines.collect::<String>())
        }
    }
}

/// Where the worker gets its work, and where it answers health checks.
#[cfg(feature = "temporal")]
pub(super) fn working(
    temporal: &str,
    health: Option<SocketAddr>,
    format: Format,
) -> Result<(), Failure> {
    match (format, health) {
        (Format::Json, health) => {
            let mut line = BTreeMap::from([("temporal", temporal.to_owned())]);
            line.extend(health.map(|address| ("health", address.to_string())));
            let line = serde_json::to_string(&line).map_err(Failure::failed)?;
            print(&format!("{line}\n"))
        }
        (Format::Text, None) => print(&format!("the worker runs jobs of Temporal at {temporal}\n")),
        (Format::Text, Some(health)) => print(&format!(
            "the worker runs jobs of Temporal at {temporal}, and says at {health} whether it can\n"
        )),
    }
}

/// What to do with a mesh that has just come up.
pub(super) fn tour(
    data: &Path,
    platform: SocketAddr,
    labeler: SocketAddr,
    first_start: bool,
) -> Result<(), Failure> {
    let hallpass = own_name();
    let (data, owner) = (data.display(), sample::OWNER);
    let keys = if first_start { "made just now" } else { "as they were" };
    let list = "hallpass.platform.v1.DatasetService/ListDatasets";
    let refused = "hallpass.labeler.v1.DatasetService/ListDatasets";
    let header = "-expand-headers -H 'authorization: Bearer ${TOKEN}'";
    print(&format!(
        "\
Hallpass is up. Ctrl-C ends it.

  Platform  {platform}   for users: datasets, jobs, tokens, revocations
  Labeler   {labeler}   for services: datasets
  State     {data} (keys {keys}; the sample dataset is {owner}'s)

Paste this in another terminal. A token for {owner}, and a call that works:

  export TOKEN=$({hallpass} token mint --data {data} --subject {owner})
  grpcurl -plaintext {header} {platform} {list}

One that is refused, because Labeler takes no users' tokens, with the reason and the id under which the log has the cause:

  grpcurl -plaintext {header} {labeler} {refused}

Where to look:

  {hallpass} rules
  grpcurl -plaintext {platform} describe hallpass.platform.v1.DatasetService.ListDatasets
  grpcurl -plaintext {labeler} grpc.health.v1.Health/Check
"
    ))
}

/// How this binary is called from here: by its name if the shell finds it, else by its path.
fn own_name() -> String {
    const NAME: &str = "hallpass";
    let Ok(binary) = std::env::current_exe() else { return NAME.to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(NAME) == binary) {
        return NAME.to_owned();
    }
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| binary.strip_prefix(here).ok().map(Path::to_owned));
    near.unwrap_or(binary).display().to_string()
}
