//! The method `List` of the health service: the status of every name at once (gRFC A90). The crate that the service's other methods come
//! from does not have it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Ready;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, MessageOptions, MethodDescriptorProto,
};
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckResponse;
use tower::Service;

use super::{LIVENESS, NodeHealth, said};

const PATH: &str = "/grpc.health.v1.Health/List";

/// Asks for nothing in particular.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HealthListRequest {}

/// The status of every name.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HealthListResponse {
    /// By the names that `Check` takes.
    #[prost(map = "string, message", tag = "1")]
    pub(crate) statuses: HashMap<String, HealthCheckResponse>,
}

/// Adds the method to the service's others.
pub(crate) fn add(routes: Routes, health: NodeHealth) -> Routes {
    routes.into_axum_router().route_service(PATH, List(health)).into()
}

#[derive(Clone)]
struct List(NodeHealth);

impl Service<http::Request<axum::body::Body>> for List {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<axum::body::Body>) -> Self::Future {
        let health = self.clone();
        async move {
            let codec = tonic_prost::ProstCodec::default();
            Ok(Grpc::new(codec).unary(health, request).await)
        }
        .boxed()
    }
}

impl UnaryService<HealthListRequest> for List {
    type Response = HealthListResponse;
    type Future = Ready<Result<Response<HealthListResponse>, Status>>;

    fn call(&mut self, _: Request<HealthListRequest>) -> Self::Future {
        let names = self.0.services.keys().copied().chain(["", LIVENESS]);
        let status = |name: &'static str| Some((name.to_owned(), said(self.0.status(name)?)));
        let statuses = names.filter_map(status).collect();
        std::future::ready(Ok(Response::new(HealthListResponse { statuses })))
    }
}

/// The health service's descriptors, with this method.
pub(crate) fn descriptors() -> Vec<u8> {
    let Ok(mut set) = FileDescriptorSet::decode(tonic_health::pb::FILE_DESCRIPTOR_SET) else {
        return tonic_health::pb::FILE_DESCRIPTOR_SET.to_vec();
    };
    for file in &mut set.file {
        let Some(service) = file.service.iter_mut().find(|service| service.name() == "Health")
        else {
            continue;
        };
        if service.method.iter().any(|method| method.name() == "List") {
            continue;
        }
        service.method.push(MethodDescriptorProto {
            name: Some("List".to_owned()),
            input_type: Some(".grpc.health.v1.HealthListRequest".to_owned()),
            output_type: Some(".grpc.health.v1.HealthListResponse".to_owned()),
            ..Default::default()
        });
        file.message_type.extend([request(), response()]);
    }
    set.encode_to_vec()
}

fn request() -> DescriptorProto {
    DescriptorProto { name: Some("HealthListRequest".to_owned()), ..Default::default() }
}

fn response() -> DescriptorProto {
    const ENTRY: &str = ".grpc.health.v1.HealthListResponse.StatusesEntry";
    const STATUS: &str = ".grpc.health.v1.HealthCheckResponse";
    let entry = DescriptorProto {
        name: Some("StatusesEntry".to_owned()),
        field: vec![
            field("key", 1, Label::Optional, None),
            field("value", 2, Label::Optional, Some(STATUS)),
        ],
        options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
        ..Default::default()
    };
    DescriptorProto {
        name: Some("HealthListResponse".to_owned()),
        field: vec![field("statuses", 1, Label::Repeated, Some(ENTRY))],
        nested_type: vec![entry],
        ..Default::default()
    }
}

/// A field that holds text, or the message of this name.
fn field(name: &str, number: i32, label: Label, message: Option<&str>) -> FieldDescriptorProto {
    let kind = if message.is_some() { Type::Message } else { Type::String };
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        type_name: message.map(str::to_owned),
        json_name: Some(name.to_owned()),
        ..Default::default()
    }
}
