//! The words that rules may use: audiences, scopes, resource types and their permissions, each declared once.

use std::collections::{BTreeMap, BTreeSet};

use super::Permission;
use crate::model::{DeclaredType, Model, Service};
use crate::names;
use crate::options::{ScopeOption, ServiceOption};
use crate::problem::Report;

/// What the whole contract declares.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    /// The permissions of each resource type.
    pub(super) types: BTreeMap<String, Vec<String>>,
    /// Every scope.
    pub(super) scopes: BTreeSet<String>,
    /// Every service's audience.
    pub(super) audiences: BTreeSet<String>,
}

impl Vocabulary {
    /// Every permission, by type and then as declared.
    pub(super) fn into_permissions(self) -> Vec<Permission> {
        let types = self.types.into_iter();
        types
            .flat_map(|(kind, names)| {
                names.into_iter().map(move |name| Permission { kind: kind.clone(), name })
            })
            .collect()
    }
}

/// Gathers what is declared, and reports what is declared badly or twice.
pub(super) fn gather(model: &Model, report: &mut Report) -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    let mut markers = BTreeSet::new();
    for declared in &model.types {
        resource_type(declared, &mut markers, &mut vocabulary, report);
    }
    let mut owners = BTreeMap::new();
    for service in &model.services {
        match &service.option {
            None => report.add(
                &service.place,
                "declares neither audience nor scopes; give it an option (hallpass.auth.v1.service)",
            ),
            Some(option) => {
                audience(service, option, &mut vocabulary, report);
                scopes(service, option, &mut owners, report);
            }
        }
    }
    vocabulary.scopes = owners.into_keys().map(str::to_owned).collect();
    vocabulary
}

fn resource_type(
    declared: &DeclaredType,
    markers: &mut BTreeSet<String>,
    vocabulary: &mut Vocabulary,
    report: &mut Report,
) {
    let (place, option) = (&declared.place, &declared.option);
    if !names::is_plain(&option.r#type) {
        report.add(place, "is not named in lower_snake_case");
    }
    if vocabulary.types.contains_key(&option.r#type) {
        return report.add(place, "is declared twice; declare it once, with all its permissions");
    }
    if option.permissions.is_empty() {
        report.add(place, "has no permissions; name what can be done to it");
    }
    for permission in &option.permissions {
        if !names::is_plain(permission) {
            report.add(
                place,
                format!("has the permission {permission:?}, which is not lower_snake_case"),
            );
        }
        let marker = names::marker(permission, &option.r#type);
        if !markers.insert(marker.clone()) {
            report.add(
                place,
                format!("and its permission {permission:?} make `can::{marker}` a second time"),
            );
        }
    }
    vocabulary.types.insert(option.r#type.clone(), option.permissions.clone());
}

fn audience(
    service: &Service,
    option: &ServiceOption,
    vocabulary: &mut Vocabulary,
    report: &mut Report,
) {
    if names::is_word(&option.audience) {
        vocabulary.audiences.insert(option.audience.clone());
    } else {
        let text = match option.audience.as_str() {
            "" => "has no audience; name the `aud` that tokens for it carry".to_owned(),
            other => format!("has the audience {other:?}, which is not one plain word"),
        };
        report.add(&service.place, text);
    }
}

/// Services of one audience may declare the same scope, but in the same words; of different audiences they may not.
fn scopes<'a>(
    service: &'a Service,
    option: &'a ServiceOption,
    owners: &mut BTreeMap<&'a str, (&'a str, &'a str, &'a ScopeOption)>,
    report: &mut Report,
) {
    let full_name = service.descriptor.full_name();
    for (at, scope) in option.scopes.iter().enumerate() {
        let name = scope.name.as_str();
        if !names::is_word(name) {
            report.add(
                &service.place,
                format!("declares the scope {name:?}, which is not one plain word"),
            );
        }
        if scope.description.is_empty() {
            report
                .add(&service.place, format!("declares the scope {name:?} without a description"));
        }
        if option.scopes[..at].iter().any(|other| other.name == name) {
            report.add(&service.place, format!("declares the scope {name:?} twice"));
            continue;
        }
        match owners.get(name) {
            None => {
                owners.insert(name, (full_name, option.audience.as_str(), scope));
            }
            Some((owner, audience, _)) if *audience != option.audience => report.add(
                &service.place,
                format!(
                    "declares the scope {name:?}, which {owner} declares for the audience {audience:?}; a scope belongs \
                     to one audience"
                ),
            ),
            Some((owner, _, other)) if *other != scope => report.add(
                &service.place,
                format!("describes the scope {name:?} differently from {owner}; declare it in one, or in the same words"),
            ),
            Some(_) => {}
        }
    }
}
