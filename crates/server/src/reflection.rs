//! Shows the contract to those who ask: tools list the services and describe each RPC with its rule.

use tonic::service::Routes;
use tonic_reflection::server::Builder;

use crate::health::list;
use crate::{Contract, StartError};

/// Adds reflection in both of its versions. Only the services that are served are listed.
pub(crate) fn add(
    routes: Routes,
    names: &[&'static str],
    contract: &Contract,
) -> Result<Routes, StartError> {
    let unreadable = |_| StartError::Reflection;
    let health = list::descriptors();
    let builder = |own| builder(names, contract, &health, own);
    let v1 = builder("grpc.reflection.v1.ServerReflection");
    let v1alpha = builder("grpc.reflection.v1alpha.ServerReflection");
    let routes = routes.add_service(v1.build_v1().map_err(unreadable)?);
    Ok(routes.add_service(v1alpha.build_v1alpha().map_err(unreadable)?))
}

fn builder<'a>(
    names: &[&'static str],
    contract: &'a Contract,
    health: &'a [u8],
    own: &str,
) -> Builder<'a> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(contract.descriptors)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(health)
        .with_service_name("grpc.health.v1.Health")
        .with_service_name(own);
    names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
}
