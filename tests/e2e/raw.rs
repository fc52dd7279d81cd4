//! Calls any RPC by its descriptor: the request is built from the contract, the answer is a status.

use std::str::FromStr as _;

use hallpass_policy::Rule;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// The contract's descriptors.
pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(hallpass_contract::FILE_DESCRIPTOR_SET)
        .expect("the contract is readable")
}

/// The request of an RPC in which every bound field names this object. What would take its time is asked for wrongly: the handler says so.
pub(crate) fn request(pool: &DescriptorPool, rule: &Rule, id: &str) -> Vec<u8> {
    let service = pool.get_service_by_name(rule.service).expect("a declared service");
    let method = service.methods().find(|method| method.name() == rule.method).expect("a method");
    let mut message = DynamicMessage::new(method.input());
    for field in rule.resources.iter().filter_map(|resource| resource.field) {
        set(&mut message, field, id);
    }
    if let Some(settle) = message.descriptor().get_field_by_name("settle_seconds") {
        message.set_field(&settle, Value::U32(u32::MAX));
    }
    message.encode_to_vec()
}

fn set(message: &mut DynamicMessage, path: &str, id: &str) {
    let Some((head, rest)) = path.split_once('.') else {
        let field = message.descriptor().get_field_by_name(path).expect("a bound field");
        let id = Value::String(id.to_owned());
        return message.set_field(&field, if field.is_list() { Value::List(vec![id]) } else { id });
    };
    let field = message.descriptor().get_field_by_name(head).expect("a bound field");
    let Some(nested) = message.get_field_mut(&field).as_message_mut() else {
        panic!("{head} is not a message");
    };
    set(nested, rest, id);
}

/// Calls an RPC with this metadata and returns "OK", or the code and the reason: `PermissionDenied SCOPE_MISSING`.
pub(crate) async fn call(
    channel: &Channel,
    rule: &Rule,
    body: Vec<u8>,
    metadata: &[(&str, &str)],
) -> String {
    match exchange(channel, rule, body, metadata).await {
        Ok(()) => "OK".to_owned(),
        Err(status) => describe(&status),
    }
}

/// A status as its code and its reason.
pub(crate) fn describe(status: &Status) -> String {
    let code = format!("{:?}", status.code());
    match status.get_details_error_info() {
        Some(info) => format!("{code} {}", info.reason),
        None => code,
    }
}

/// One request, and the answer's first message or its end.
async fn exchange(
    channel: &Channel,
    rule: &Rule,
    body: Vec<u8>,
    metadata: &[(&str, &str)],
) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(tokio_stream::once(body));
    *request.metadata_mut() = headers(metadata);
    let path = http::uri::PathAndQuery::from_static(rule.path);
    let mut answer = grpc.streaming(request, path, Raw).await?.into_inner();
    answer.message().await.map(drop)
}

fn headers(metadata: &[(&str, &str)]) -> MetadataMap {
    let mut headers = MetadataMap::new();
    for (name, value) in metadata {
        let name = tonic::metadata::MetadataKey::<Ascii>::from_str(name).expect("a name");
        headers.append(name, MetadataValue::from_str(value).expect("a value"));
    }
    headers
}

/// Messages as bytes.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; bytes::Buf::remaining(buffer)];
        bytes::Buf::copy_to_slice(buffer, &mut item);
        Ok(Some(item))
    }
}
