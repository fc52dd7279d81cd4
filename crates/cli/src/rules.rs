//! What each RPC demands, as the contract says it. The one table beside the contract is that of health and reflection.

use hallpass_contract::RULES;
use hallpass_guard::PUBLIC_RULES;
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

/// Prints the rules, in the contract's order.
pub(crate) fn run(format: Format) -> Result<(), Failure> {
    let rows: Vec<Row> = RULES.iter().chain(&PUBLIC_RULES).map(row).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
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
    let head = head.map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let resource: Vec<_> = row.resource.iter().map(Bound::to_text).collect();
        vec![
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
    output::table(&std::iter::once(head).chain(lines).collect::<Vec<_>>())
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
