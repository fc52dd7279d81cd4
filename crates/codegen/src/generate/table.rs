//! The tables of rules and of elevated operations: what the guard looks up on every call, and what everything else asks the contract.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::{Checked, CheckedAction, CheckedRpc, CheckedService};
use crate::options::{TokenKind, WhenStale};

/// Writes `ACTIONS`, `RULES`, `SERVICES`, `rule` and `FILE_DESCRIPTOR_SET`.
pub(super) fn render(checked: &Checked, code: &mut String) {
    actions(&checked.actions, code);
    let rules: usize = checked.services.iter().map(|service| service.rpcs.len()).sum();
    let _ = writeln!(code, "static TABLE: [::hallpass_policy::Rule; {rules}] = [");
    for service in &checked.services {
        for rpc in &service.rpcs {
            rule(checked, service, rpc, code);
        }
    }
    code.push_str("];\n\n");
    code.push_str(
        "/// Every rule, in the contract's order.\npub static RULES: &[::hallpass_policy::Rule] = &TABLE;\n\n\
         /// Every service, in the contract's order.\npub static SERVICES: &[::hallpass_policy::ServiceDeclaration] = &[\n",
    );
    let mut before = 0;
    for declared in &checked.services {
        service(declared, before, code);
        before += declared.rpcs.len();
    }
    code.push_str("];\n\n");
    look_up(checked, code);
    code.push_str(
        "/// The contract's files, with options and comments, as a `FileDescriptorSet`.\n\
         pub static FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(\"contract.binpb\");\n",
    );
}

fn path(service: &CheckedService, rpc: &CheckedRpc) -> String {
    format!("/{}/{}", service.descriptor.full_name(), rpc.descriptor.name())
}

fn rule(checked: &Checked, service: &CheckedService, rpc: &CheckedRpc, code: &mut String) {
    let rule = &rpc.rule;
    let stale = match rule.when_stale() {
        WhenStale::Unspecified => "Refuse",
        WhenStale::Serve => "Serve",
    };
    let _ = write!(
        code,
        "    ::hallpass_policy::Rule {{
        path: {:?},
        service: {:?},
        method: {:?},
        audience: {:?},
        access: {},
        scope: {:?},
        resources: &[{}],
        delegates: &{:?},
        when_stale: ::hallpass_policy::WhenStale::{stale},
        request_bytes: {},
        client_streaming: {},
        server_streaming: {},
        description: {:?},
    }},
",
        path(service, rpc),
        service.descriptor.full_name(),
        rpc.descriptor.name(),
        service.option.audience,
        access(checked, rpc),
        Some(&rule.scope).filter(|scope| !scope.is_empty()),
        resources(rpc),
        rule.delegates,
        grouped(rule.request_bytes()),
        rpc.descriptor.is_client_streaming(),
        rpc.descriptor.is_server_streaming(),
        rule.description,
    );
}

/// The elevated operations, in the order of their audiences.
fn actions(actions: &[CheckedAction], code: &mut String) {
    let _ =
        writeln!(code, "static ACTION_TABLE: [::hallpass_policy::Action; {}] = [", actions.len());
    for CheckedAction { option, owner, life: [shortest, longest, usual] } in actions {
        let step_up = option.step_up.as_ref().map_or_else(
            || "None".to_owned(),
            |step_up| {
                let age = Some(step_up.max_age_seconds).filter(|age| *age > 0);
                let age =
                    age.map_or_else(|| "None".to_owned(), |age| format!("Some({})", secs(age)));
                let amr = &step_up.amr;
                format!("Some(::hallpass_policy::StepUp {{ amr: &{amr:?}, max_age: {age} }})")
            },
        );
        let _ = write!(
            code,
            "    ::hallpass_policy::Action {{
        audience: {:?},
        owner: {owner:?},
        description: {:?},
        shortest_life: {},
        longest_life: {},
        usual_life: {},
        single_use: {},
        roles: &{:?},
        step_up: {step_up},
    }},
",
            option.audience,
            option.description,
            secs(*shortest),
            secs(*longest),
            secs(*usual),
            option.single_use,
            option.roles,
        );
    }
    code.push_str(
        "];\n\n/// Every elevated operation, in the order of their audiences.\n\
         pub static ACTIONS: &[::hallpass_policy::Action] = &ACTION_TABLE;\n\n",
    );
}

/// A number as clippy wants it: `1_114_112`.
fn grouped(number: u32) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (above, rest) => format!("{}_{rest:03}", grouped(above)),
    }
}

fn secs(secs: u32) -> String {
    match secs % 60 {
        0 => format!("::core::time::Duration::from_mins({})", secs / 60),
        _ => format!("::core::time::Duration::from_secs({secs})"),
    }
}

/// Beside an ACTION token the caller's own is a user's.
fn access(checked: &Checked, rpc: &CheckedRpc) -> String {
    let rule = &rpc.rule;
    if rule.public {
        return "::hallpass_policy::Access::Public".to_owned();
    }
    let own = rule.tokens().filter_map(|token| match token {
        TokenKind::User | TokenKind::Action => Some("User"),
        TokenKind::Service => Some("Service"),
        TokenKind::Background => Some("Background"),
        TokenKind::Unspecified => None,
    });
    let types: Vec<_> = own.map(|own| format!("::hallpass_policy::TokenType::{own}")).collect();
    let at = checked.actions.iter().position(|action| action.option.audience == rule.audience);
    let action = at.map_or_else(|| "None".to_owned(), |at| format!("Some(&ACTION_TABLE[{at}])"));
    format!(
        "::hallpass_policy::Access::Tokens {{ types: &[{}], action: {action} }}",
        types.join(", ")
    )
}

fn resources(rpc: &CheckedRpc) -> String {
    let resources: Vec<_> = rpc
        .bindings
        .iter()
        .map(|bound| {
            let field = bound.field.as_ref().map(|field| &field.dotted);
            format!(
                "::hallpass_policy::Resource {{ kind: {:?}, field: {field:?}, permission: {:?} }}",
                bound.kind, bound.permission
            )
        })
        .collect();
    resources.join(", ")
}

fn service(service: &CheckedService, before: usize, code: &mut String) {
    let scopes: Vec<_> = service
        .option
        .scopes
        .iter()
        .map(|scope| format!("({:?}, {:?})", scope.name, scope.description))
        .collect();
    let _ = write!(
        code,
        "    ::hallpass_policy::ServiceDeclaration {{
        name: {:?},
        audience: {:?},
        scopes: &[{}],
        rules: TABLE.split_at({before}).1.split_at({}).0,
    }},
",
        service.descriptor.full_name(),
        service.option.audience,
        scopes.join(", "),
        service.rpcs.len(),
    );
}

/// A match on the length first: most paths of a contract differ in it, and the rest begin alike.
fn look_up(checked: &Checked, code: &mut String) {
    let mut lengths: BTreeMap<usize, Vec<(String, usize)>> = BTreeMap::new();
    let rpcs = checked
        .services
        .iter()
        .flat_map(|service| service.rpcs.iter().map(move |rpc| path(service, rpc)));
    for (at, path) in rpcs.enumerate() {
        lengths.entry(path.len()).or_default().push((path, at));
    }
    code.push_str(
        "/// The rule of the RPC with this path, `/package.Service/Method`. No rule means no.\n\
         pub fn rule(path: &str) -> Option<&'static ::hallpass_policy::Rule> {\n    match path.len() {\n",
    );
    for (length, paths) in lengths {
        let _ = writeln!(code, "        {length} => match path {{");
        for (path, at) in paths {
            let _ = writeln!(code, "            {path:?} => Some(&TABLE[{at}]),");
        }
        code.push_str("            _ => None,\n        },\n");
    }
    code.push_str("        _ => None,\n    }\n}\n\n");
}
