//! Checks a contract as a whole.
//!
//! Invariant: a `Checked` exists only if nothing at all was wrong, so what is generated from it needs no further doubt.

mod actions;
mod objects;
mod rules;
mod secrets;
mod vocabulary;

use prost_reflect::{MethodDescriptor, ServiceDescriptor};

use crate::model::{Model, Rpc};
use crate::options::{RuleOption, ServiceOption};
use crate::path::FieldPath;
use crate::problem::{Problems, Report};
pub(crate) use actions::CheckedAction;
use vocabulary::Vocabulary;

/// A contract in which nothing is wrong.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) permissions: Vec<Permission>,
    pub(crate) actions: Vec<CheckedAction>,
    pub(crate) services: Vec<CheckedService>,
}

/// Something that can be done to objects of one type.
#[derive(Debug)]
pub(crate) struct Permission {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// A service that declares its audience and scopes.
#[derive(Debug)]
pub(crate) struct CheckedService {
    pub(crate) descriptor: ServiceDescriptor,
    pub(crate) option: ServiceOption,
    pub(crate) rpcs: Vec<CheckedRpc>,
}

/// An RPC with its rule.
#[derive(Debug)]
pub(crate) struct CheckedRpc {
    pub(crate) descriptor: MethodDescriptor,
    pub(crate) rule: RuleOption,
    pub(crate) bindings: Vec<Bound>,
}

impl CheckedRpc {
    /// Whether a call needs an action token.
    pub(crate) fn is_elevated(&self) -> bool {
        !self.rule.audience.is_empty()
    }
}

/// A binding to a field that exists.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) kind: String,
    pub(crate) permission: String,
    /// The handler's parameter.
    pub(crate) proof: String,
    /// Where the id is; none for a list.
    pub(crate) field: Option<FieldPath>,
}

/// Checks everything and reports all that is wrong, what reading has found included.
pub(crate) fn check(model: Model, mut report: Report) -> Result<Checked, Problems> {
    let vocabulary = vocabulary::gather(&model, &mut report);
    let actions = actions::gather(&model, &vocabulary, &mut report);
    secrets::check(&model.secrets, &mut report);
    let mut services = Vec::new();
    for service in model.services {
        let option = service.option.unwrap_or_default();
        let rpcs = service
            .rpcs
            .into_iter()
            .filter_map(|rpc| check_rpc(rpc, &option, &vocabulary, &mut report))
            .collect();
        services.push(CheckedService { descriptor: service.descriptor, option, rpcs });
    }
    report.into_result()?;
    Ok(Checked { permissions: vocabulary.into_permissions(), actions, services })
}

fn check_rpc(
    rpc: Rpc,
    service: &ServiceOption,
    vocabulary: &Vocabulary,
    report: &mut Report,
) -> Option<CheckedRpc> {
    let Some(rule) = &rpc.option else {
        report.add(
            &rpc.place,
            "has no rule; give it an option (hallpass.auth.v1.rule) that says which tokens and scope a call needs, or \
             that it is public",
        );
        return None;
    };
    rules::check(&rpc.place, rule, service, vocabulary, report);
    let bindings = objects::bind(&rpc, rule, vocabulary, report);
    let rule = rule.clone();
    Some(CheckedRpc { descriptor: rpc.descriptor, rule, bindings })
}
