//! The one place where services are added. It records their names, and refuses a set that the contract does not cover.

use std::collections::BTreeSet;
use std::convert::Infallible;

use hallpass_policy::Action;
use hallpass_policy::adapter::Served;
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

use crate::Contract;

/// The services of one server.
#[derive(Debug, Clone, Default)]
pub struct ServiceSet {
    routes: Routes,
    names: Vec<&'static str>,
}

/// A set of services that must not be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceSetError {
    /// The contract cannot be read.
    #[error("the contract's descriptors cannot be read")]
    Descriptors,
    /// A service is declared for the role and was not added.
    #[error("{0} is declared for this role and was not added")]
    Missing(String),
    /// A service was added that is not declared for the role.
    #[error("{0} was added and is not declared for this role")]
    Undeclared(&'static str),
    /// A service was added twice.
    #[error("{0} was added twice")]
    Twice(&'static str),
    /// A service is not in the contract.
    #[error("{0} is not in the contract")]
    Unknown(&'static str),
    /// A method has no rule.
    #[error("{service}.{method} has no rule")]
    NoRule {
        /// The service.
        service: &'static str,
        /// The method.
        method: String,
    },
}

impl ServiceSet {
    /// Adds a service as the build made it, and records its name.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "no sum: a set that grows, read as a list")]
    pub fn add<S>(mut self, served: Served<S>) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(served.name);
        self.routes = self.routes.add_service(served.service);
        self
    }

    /// The services' names.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Checks that exactly the declared services are there and that each of their methods has a rule.
    pub fn check(&self, declared: &[&str], contract: &Contract) -> Result<(), ServiceSetError> {
        let all = FileDescriptorSet::decode(contract.descriptors)
            .map_err(|_| ServiceSetError::Descriptors)?;
        let mut seen = BTreeSet::new();
        for name in self.names.iter().copied() {
            if !seen.insert(name) {
                return Err(ServiceSetError::Twice(name));
            }
            if !declared.contains(&name) {
                return Err(ServiceSetError::Undeclared(name));
            }
            let service = find(&all, name).ok_or(ServiceSetError::Unknown(name))?;
            ruled(name, service, contract)?;
        }
        match declared.iter().find(|name| !seen.contains(*name)) {
            Some(missing) => Err(ServiceSetError::Missing((*missing).to_owned())),
            None => Ok(()),
        }
    }

    /// An operation of these services whose tokens are good for one call, if there is one.
    pub(crate) fn single_use(&self, contract: &Contract) -> Option<&'static Action> {
        let all = FileDescriptorSet::decode(contract.descriptors).ok()?;
        self.names.iter().find_map(|name| {
            let rule = |method: &MethodDescriptorProto| {
                (contract.rule)(&format!("/{name}/{}", method.name()))
            };
            let mut rules = find(&all, name)?.method.iter().filter_map(rule);
            rules.find_map(|rule| rule.action().filter(|action| action.single_use))
        })
    }

    pub(crate) fn into_routes(self) -> Routes {
        self.routes
    }
}

fn find<'a>(all: &'a FileDescriptorSet, name: &str) -> Option<&'a ServiceDescriptorProto> {
    all.file.iter().find_map(|file| {
        let short = name.strip_prefix(file.package())?.strip_prefix('.')?;
        file.service.iter().find(|service| service.name() == short)
    })
}

fn ruled(
    name: &'static str,
    service: &ServiceDescriptorProto,
    contract: &Contract,
) -> Result<(), ServiceSetError> {
    let unruled = |method: &&str| (contract.rule)(&format!("/{name}/{method}")).is_none();
    match service.method.iter().map(MethodDescriptorProto::name).find(unruled) {
        Some(method) => Err(ServiceSetError::NoRule { service: name, method: method.to_owned() }),
        None => Ok(()),
    }
}
