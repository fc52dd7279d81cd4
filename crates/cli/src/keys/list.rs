//! Lists the keys of rings. Nothing here shows key material.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use hallpass_token::Key;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Format, plain};
use crate::rings::{RINGS, RingFile};

/// Which ring.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys list --data hallpass-data
  hallpass keys list --ring hallpass-data/keys/platform.json --output json")]
#[group(id = "rings", required = true, multiple = false, args = ["ring", "data"])]
pub(crate) struct List {
    /// A key ring.
    #[arg(long, value_name = "FILE")]
    ring: Option<PathBuf>,
    /// The data folder of `hallpass up`: all its rings.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A key as it is listed.
#[derive(Serialize)]
struct Row<'a> {
    ring: String,
    kid: &'a str,
    algorithm: &'static str,
    issuer: &'a str,
    owner: &'a str,
    types: Vec<&'static str>,
    scopes: Vec<&'a str>,
    audiences: &'a [String],
    state: String,
    profile: String,
    signs: bool,
}

/// Runs the command.
pub(super) fn run(wanted: &List, format: Format) -> Result<(), Failure> {
    let rings = read(wanted)?;
    let keys = rings.iter().flat_map(|file| file.ring.keys().map(move |key| (file, key)));
    let rows: Vec<Row<'_>> = keys.map(|(file, key)| row(file, key)).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn read(wanted: &List) -> Result<Vec<RingFile>, Failure> {
    match (&wanted.ring, &wanted.data) {
        (Some(file), _) => Ok(vec![RingFile::read(file.clone())?]),
        (None, Some(data)) => RINGS.iter().map(|name| RingFile::of(data, name)).collect(),
        (None, None) => Err(Failure::arguments("which ring? right: --ring FILE or --data DIR")),
    }
}

fn row<'a>(file: &RingFile, key: &'a Key) -> Row<'a> {
    Row {
        ring: file.path.display().to_string(),
        kid: key.kid(),
        algorithm: key.algorithm().as_str(),
        issuer: key.issuer(),
        owner: key.owner(),
        types: key.types().iter().map(|kind| kind.as_str()).collect(),
        scopes: key.scopes().iter().collect(),
        audiences: key.audiences(),
        state: name_of(&key.state()),
        profile: name_of(&key.profile()),
        signs: key.can_sign(),
    }
}

/// The name that the ring file has for it.
fn name_of(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

fn table(rows: &[Row<'_>]) -> String {
    let head = [
        "RING",
        "KID",
        "ALGORITHM",
        "ISSUER",
        "OWNER",
        "TYPES",
        "STATE",
        "PROFILE",
        "SIGNS",
        "AUDIENCES",
        "SCOPES",
    ];
    let lines = rows.iter().map(|row| {
        let cells = [
            plain(&row.ring),
            plain(row.kid),
            row.algorithm.into(),
            plain(row.issuer),
            plain(row.owner),
            row.types.join(",").into(),
            row.state.as_str().into(),
            row.profile.as_str().into(),
            if row.signs { "yes" } else { "no" }.into(),
            row.audiences.iter().map(|name| plain(name)).collect::<Vec<_>>().join(",").into(),
            row.scopes.join(",").into(),
        ];
        cells.map(Cow::into_owned)
    });
    output::listing(
        head,
        lines,
        &["KID", "STATE", "SIGNS", "ALGORITHM", "OWNER", "TYPES", "ISSUER"],
    )
}
