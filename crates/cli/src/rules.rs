//! What each RPC demands, as the contract says it. The one table beside the contract is that of health and reflection.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use hallpass_contract::{RULES, SERVICES};
use hallpass_guard::{HTTP_PATHS, PUBLIC_RULES};
use hallpass_policy::{Access, Resource, Rule, WhenStale};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Format};

/// An RPC and what a call of it must prove.
#[derive(Serialize)]
struct Row {
    rpc: &'static str,
    tokens: Vec<&'static str>,
    scope: Option<&'static str>,
    scope_description: Option<&'static str>,
    audience: Option<&'static str>,
    action_audience: Option<&'static str>,
    single_use: bool,
    resource: Vec<Bound>,
    delegates: &'static [&'static str],
    when_stale: &'static str,
    request_bytes: u32,
    description: &'static str,
}

/// An object that the request names; without a field, all objects that a list may show.
#[derive(Serialize)]
struct Bound {
    #[serde(rename = "type")]
    kind: &'static str,
    field: Option<&'static str>,
    permission: &'static str,
}

/// Which rules.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass rules
  hallpass rules labeler
  hallpass rules JobService
  hallpass rules --scopes
  hallpass rules --output json")]
pub(crate) struct Rules {
    /// Only services of this name or audience: `JobService`, `hallpass.platform.v1.JobService` or `platform`.
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Only the scopes, each with what it is for.
    #[arg(long)]
    scopes: bool,
}

/// A scope and the services that declare it.
#[derive(Serialize)]
struct Declared {
    scope: &'static str,
    description: &'static str,
    audience: &'static str,
    services: Vec<&'static str>,
}

/// Prints the rules, in the contract's order, and the scopes that they name.
pub(crate) fn run(wanted: &Rules, format: Format) -> Result<(), Failure> {
    let all = || RULES.iter().chain(&PUBLIC_RULES).chain(&HTTP_PATHS);
    let is = |rule: &&'static Rule| wanted.service.as_deref().is_none_or(|of| is_of(rule, of));
    let chosen: Vec<_> = all().filter(is).collect();
    if let (Some(service), true) = (&wanted.service, chosen.is_empty()) {
        return Err(unknown(service, all()));
    }
    let scopes = scopes(&chosen);
    let rows: Vec<Row> = chosen.into_iter().map(row).collect();
    match (format, wanted.scopes) {
        (Format::Json, true) => output::print_json(&scopes),
        (Format::Json, false) => output::print_json(&rows),
        (Format::Text, true) => output::print(&scope_table(&scopes)),
        (Format::Text, false) if scopes.is_empty() => output::print(&table(&rows)),
        (Format::Text, false) => {
            output::print(&format!("{}\n{}", table(&rows), scope_table(&scopes)))
        }
    }
}

/// Whether a rule is of a service that is called so: by its full name, its own, or its audience.
fn is_of(rule: &Rule, name: &str) -> bool {
    let own = rule.service.rsplit_once('.').map_or(rule.service, |(_, own)| own);
    let names = [rule.service, own, rule.audience];
    names.iter().any(|is| is.eq_ignore_ascii_case(name))
        || rule.path.trim_start_matches('/').eq_ignore_ascii_case(name.trim_start_matches('/'))
}

fn unknown(service: &str, all: impl Iterator<Item = &'static Rule>) -> Failure {
    let known: BTreeSet<_> = all.map(|rule| rule.service).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let service = output::plain(service);
    Failure::failed(format_args!(
        "{service}: no such service; right: platform, labeler, or one of {known}"
    ))
}

/// The scopes that rules demand or delegate, in the order of their names.
fn scopes(rules: &[&'static Rule]) -> Vec<Declared> {
    let named = |rule: &&'static Rule| rule.scope.into_iter().chain(rule.delegates.iter().copied());
    let named: BTreeSet<_> = rules.iter().flat_map(named).collect();
    // A scope may be checked by a handler alone: it is told with the service that declares it.
    let own: BTreeSet<_> = rules.iter().map(|rule| rule.service).collect();
    let mut all: BTreeMap<(&str, &str), Declared> = BTreeMap::new();
    for service in SERVICES {
        for (scope, description) in service.scopes.iter().copied() {
            if named.contains(scope) || own.contains(service.name) {
                let audience = service.audience;
                let new = Declared { scope, description, audience, services: Vec::new() };
                all.entry((scope, audience)).or_insert(new).services.push(service.name);
            }
        }
    }
    all.into_values().collect()
}

fn scope_table(scopes: &[Declared]) -> String {
    let lines = scopes.iter().map(|of| [of.scope, of.audience, of.description].map(str::to_owned));
    output::listing(["SCOPE", "AUDIENCE", "DESCRIPTION"], lines, &["SCOPE", "DESCRIPTION"])
}

fn row(rule: &'static Rule) -> Row {
    let (tokens, action) = match rule.access {
        Access::Public => (Vec::new(), None),
        Access::Tokens { types, action } => (types.iter().map(|t| t.as_str()).collect(), action),
    };
    Row {
        rpc: rule.path.trim_start_matches('/'),
        tokens,
        scope: rule.scope,
        scope_description: rule.scope.and_then(|scope| {
            let declared = SERVICES.iter().filter(|service| service.name == rule.service);
            let mut scopes = declared.flat_map(|service| service.scopes);
            scopes.find(|(name, _)| *name == scope).map(|(_, description)| *description)
        }),
        audience: (rule.access != Access::Public).then_some(rule.audience),
        action_audience: action.map(|action| action.audience),
        single_use: action.is_some_and(|action| action.single_use),
        resource: rule.resources.iter().map(bound).collect(),
        delegates: rule.delegates,
        when_stale: match rule.when_stale {
            WhenStale::Refuse => "refuse",
            WhenStale::Serve => "serve",
        },
        request_bytes: rule.request_bytes,
        description: rule.description,
    }
}

fn bound(resource: &Resource) -> Bound {
    Bound { kind: resource.kind, field: resource.field, permission: resource.permission }
}

fn table(rows: &[Row]) -> String {
    let head = [
        "RPC",
        "TOKENS",
        "SCOPE",
        "AUDIENCE",
        "RESOURCE",
        "DELEGATES",
        "WHEN STALE",
        "REQUEST BYTES",
        "DESCRIPTION",
    ];
    let lines = rows.iter().map(|row| {
        let resource: Vec<_> = row.resource.iter().map(Bound::to_text).collect();
        [
            row.rpc.to_owned(),
            tokens(row),
            or_dash(row.scope.unwrap_or_default()),
            or_dash(row.audience.unwrap_or_default()),
            or_dash(&resource.join(", ")),
            or_dash(&row.delegates.join(", ")),
            row.when_stale.to_owned(),
            row.request_bytes.to_string(),
            row.description.to_owned(),
        ]
    });
    output::listing(head, lines, &["RPC", "TOKENS", "SCOPE", "RESOURCE", "AUDIENCE"])
}

fn tokens(row: &Row) -> String {
    let tokens = row.tokens.join(", ");
    match row.action_audience {
        _ if row.tokens.is_empty() => "public".to_owned(),
        Some(audience) if row.single_use => format!("{tokens} + action {audience}, once"),
        Some(audience) => format!("{tokens} + action {audience}"),
        None => tokens,
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

impl Bound {
    /// Such as `read dataset(job.dataset_id)`, or `read dataset(listed)`.
    fn to_text(&self) -> String {
        format!("{} {}({})", self.permission, self.kind, self.field.unwrap_or("listed"))
    }
}
