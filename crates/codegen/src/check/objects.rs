//! The objects that a request names: each is bound to a field that exists and to a permission that is declared, and no
//! field that looks like an id is forgotten.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::Bound;
use super::rules::list;
use super::vocabulary::Vocabulary;
use crate::model::Rpc;
use crate::names;
use crate::options::{BindingOption, RuleOption, TokenKind};
use crate::path::{self, FieldPath};
use crate::problem::Report;

/// What generated adapters call their own variables.
const RESERVED: [&str; 6] = ["permit", "request", "requests", "first", "rest", "response"];

/// Resolves a rule's bindings and reports what is wrong with them.
pub(super) fn bind(
    rpc: &Rpc,
    rule: &RuleOption,
    vocabulary: &Vocabulary,
    report: &mut Report,
) -> Vec<Bound> {
    let mut bound = Vec::new();
    for option in &rule.resource {
        declared(rpc, option, vocabulary, report);
        let field = match (option.list, option.field.is_empty()) {
            (true, _) => {
                listed(rpc, rule, option, report);
                None
            }
            (false, true) => {
                let text = "names neither the `field` that holds the id nor `list: true`";
                report.add(&rpc.place, format!("binds {:?} but {text}", option.r#type));
                continue;
            }
            (false, false) => match field(rpc, option) {
                Ok(field) => Some(field),
                Err(text) => {
                    report.add(&rpc.place, text);
                    continue;
                }
            },
        };
        let proof = field.as_ref().map_or_else(
            || names::snake(&names::plural(&option.r#type)),
            |field| names::proof(&field.dotted, &option.r#type),
        );
        let (kind, permission) = (option.r#type.clone(), option.permission.clone());
        bound.push(Bound { kind, permission, proof, field });
    }
    proofs(rpc, &bound, report);
    ids(rpc, rule, report);
    bound
}

fn field(rpc: &Rpc, option: &BindingOption) -> Result<FieldPath, String> {
    path::resolve(&rpc.descriptor.input(), &option.field, rpc.descriptor.is_client_streaming())
}

fn declared(rpc: &Rpc, option: &BindingOption, vocabulary: &Vocabulary, report: &mut Report) {
    let (kind, permission) = (&option.r#type, &option.permission);
    match vocabulary.types.get(kind) {
        None => {
            let declared: Vec<_> = vocabulary.types.keys().collect();
            let text = format!(
                "binds the type {kind:?}, which is not declared; declared are {}",
                list(&declared)
            );
            report.add(&rpc.place, text);
        }
        Some(permissions) if !permissions.contains(permission) => {
            let text = format!(
                "asks for the permission {permission:?}, which {kind:?} does not declare; it declares {}",
                list(permissions)
            );
            report.add(&rpc.place, text);
        }
        Some(_) => {}
    }
}

/// A list has a user through whose eyes it is seen, and no field.
fn listed(rpc: &Rpc, rule: &RuleOption, option: &BindingOption, report: &mut Report) {
    if !option.field.is_empty() {
        let text = format!("lists {:?} and yet binds the field {:?}", option.r#type, option.field);
        report.add(&rpc.place, format!("{text}; drop one of the two"));
    }
    if rpc.descriptor.is_client_streaming() {
        report.add(
            &rpc.place,
            "lists objects on a stream of requests; list in an RPC with one request",
        );
    }
    if rule.tokens().any(|token| token == TokenKind::Background) {
        report
            .add(&rpc.place, "lists objects for BACKGROUND tokens, which have no user to see them");
    }
    if rule.resource.iter().filter(|option| option.list).count() > 1 {
        report.add(&rpc.place, "lists objects of several bindings; list one type in one RPC");
    }
}

/// Each proof is a parameter of its own.
fn proofs(rpc: &Rpc, bound: &[Bound], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for proof in bound.iter().map(|bound| bound.proof.as_str()) {
        if RESERVED.contains(&proof) {
            report.add(
                &rpc.place,
                format!("makes a proof called `{proof}`, which adapters use themselves"),
            );
        }
        if !seen.insert(proof) {
            report.add(
                &rpc.place,
                format!("makes two proofs called `{proof}`; bind fields of different names"),
            );
        }
    }
}

/// Every field that looks like an id is bound, or said to need no check.
fn ids(rpc: &Rpc, rule: &RuleOption, report: &mut Report) {
    let mut fields = Vec::new();
    walk(&rpc.descriptor.input(), "", &mut Vec::new(), &mut fields);
    let bound: BTreeSet<_> = rule.resource.iter().map(|option| option.field.as_str()).collect();
    let mut unbound = BTreeSet::new();
    for option in &rule.unbound {
        let field = option.field.as_str();
        if option.reason.is_empty() {
            report.add(&rpc.place, format!("leaves {field:?} unbound without a reason"));
        }
        if !fields.iter().any(|id| id == field) {
            let text = format!(
                "leaves {field:?} unbound, but the request has no such field named like an id"
            );
            report.add(&rpc.place, text);
        }
        if bound.contains(field) {
            report.add(
                &rpc.place,
                format!("binds {field:?} and leaves it unbound; drop one of the two"),
            );
        }
        if !unbound.insert(field) {
            report.add(&rpc.place, format!("leaves {field:?} unbound twice"));
        }
    }
    for id in &fields {
        if !bound.contains(id.as_str()) && !unbound.contains(id.as_str()) {
            let text = format!("has a request with {id:?}, which no `resource` binds");
            report.add(
                &rpc.place,
                format!("{text}; bind it, or say in `unbound` why it needs no check"),
            );
        }
    }
}

/// The dotted names of all fields named like ids, nested messages included.
fn walk(
    message: &MessageDescriptor,
    prefix: &str,
    above: &mut Vec<String>,
    found: &mut Vec<String>,
) {
    if above.iter().any(|name| name == message.full_name()) {
        return;
    }
    above.push(message.full_name().to_owned());
    for field in message.fields() {
        let dotted = format!("{prefix}{}", field.name());
        if looks_like_an_id(&field) {
            found.push(dotted.clone());
        }
        if let Some(nested) = field.kind().as_message() {
            walk(nested, &format!("{dotted}."), above, found);
        }
    }
    above.pop();
}

fn looks_like_an_id(field: &FieldDescriptor) -> bool {
    let name = field.name();
    matches!(name, "id" | "ids") || name.ends_with("_id") || name.ends_with("_ids")
}
