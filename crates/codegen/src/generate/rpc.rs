//! One RPC of an adapter: what its handler takes and returns, and the checks before the handler is entered.

use std::fmt::Write as _;

use prost_build::Method;

use crate::check::{Bound, CheckedRpc};
use crate::names;

/// An RPC as prost names it, with its rule.
pub(super) struct Adapted<'a> {
    pub(super) method: &'a Method,
    pub(super) rpc: &'a CheckedRpc,
}

/// How a handler gets what the client sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// One message.
    Message,
    /// The first message, which names the objects, and the rest.
    FirstAndRest,
    /// A stream that nothing was read from: a bidirectional one that names no object, so the server may speak first.
    Unread,
}

impl Adapted<'_> {
    fn input(&self) -> Input {
        match (self.method.client_streaming, self.method.server_streaming) {
            (false, _) => Input::Message,
            (true, true) if self.rpc.bindings.is_empty() => Input::Unread,
            (true, _) => Input::FirstAndRest,
        }
    }

    fn lists(&self) -> bool {
        self.rpc.bindings.iter().any(|bound| bound.field.is_none())
    }

    fn takes_permit(&self) -> bool {
        self.rpc.bindings.is_empty() && !self.rpc.rule.public
    }

    pub(super) fn parameters(&self) -> String {
        let request = from_adapter(&self.method.input_type);
        let mut parameters: Vec<_> = self.rpc.bindings.iter().map(proof_parameter).collect();
        if self.takes_permit() {
            parameters.push("permit: Permit".to_owned());
        }
        parameters.push(match self.input() {
            Input::Message => format!("request: {request}"),
            Input::FirstAndRest => format!("first: {request}, rest: Incoming<{request}>"),
            Input::Unread => format!("requests: Incoming<{request}>"),
        });
        parameters.join(", ")
    }

    fn arguments(&self) -> String {
        let mut arguments: Vec<_> =
            self.rpc.bindings.iter().map(|bound| bound.proof.as_str()).collect();
        if self.takes_permit() {
            arguments.push("permit");
        }
        arguments.push(match self.input() {
            Input::Message => "request",
            Input::FirstAndRest => "first, rest",
            Input::Unread => "requests",
        });
        arguments.join(", ")
    }

    /// What the handler returns.
    pub(super) fn answer(&self) -> String {
        let response = from_adapter(&self.method.output_type);
        let answer = if self.method.server_streaming {
            format!("Reply<{response}, Self::Error>")
        } else {
            response
        };
        if self.lists() { format!("Seen<{answer}>") } else { answer }
    }

    pub(super) fn implementation(&self, code: &mut String) {
        let Method { name, proto_name, client_streaming, server_streaming, .. } = self.method;
        let response = from_adapter(&self.method.output_type);
        let request = match (from_adapter(&self.method.input_type), client_streaming) {
            (request, true) => format!("tonic::Streaming<{request}>"),
            (request, false) => request,
        };
        let answer = if *server_streaming {
            let _ = writeln!(code, "type {proto_name}Stream = Reply<{response}, tonic::Status>;\n");
            format!("Self::{proto_name}Stream")
        } else {
            response
        };
        let _ = write!(
            code,
            "async fn {name}(&self, request: tonic::Request<{request}>) -> Result<tonic::Response<{answer}>, \
             tonic::Status> {{
                 {}{}{}{}
                 let (caller, object) = ({}, {});
                 match self.handler.{name}({}).await {{
                     Ok(answer) => {{
                         adapter::answered(&caller);
                         Ok(tonic::Response::new({}))
                     }}
                     Err(error) => Err(adapter::failed(&caller, object, error)),
                 }}
             }}

             ",
            self.desk(),
            self.entry(),
            self.checks(),
            self.use_up(),
            if self.takes_permit() { "permit.clone()" } else { "permit" },
            self.object(),
            self.arguments(),
            self.response()
        );
    }

    /// The object that is named where the handler fails: of several the first.
    fn object(&self) -> String {
        match self.rpc.bindings.iter().find_map(|bound| Some((bound, bound.field.as_ref()?))) {
            None => "None".to_owned(),
            Some((bound, field)) if field.repeated => {
                format!("{}.first().map(|proof| proof.object().clone())", bound.proof)
            }
            Some((bound, _)) => format!("Some({}.object().clone())", bound.proof),
        }
    }

    /// Where an action token is used: the guard has left it in the request.
    fn desk(&self) -> &'static str {
        if self.rpc.is_elevated() { "let desk = adapter::desk(&request)?;\n" } else { "" }
    }

    /// The last step before the handler: a token that is good for one call is spent.
    fn use_up(&self) -> &'static str {
        if self.rpc.is_elevated() { "adapter::use_up(&*desk, &permit).await?;\n" } else { "" }
    }

    /// Takes the request apart. The permit is demanded even where no handler takes it: without a guard nothing is served.
    fn entry(&self) -> &'static str {
        match self.input() {
            Input::Message => "let (permit, request) = adapter::enter(request)?;\n",
            Input::FirstAndRest => {
                "let (permit, stream) = adapter::enter(request)?;
                 let (first, rest) = adapter::first(&permit, stream).await?;\n"
            }
            Input::Unread => {
                "let (permit, stream) = adapter::enter(request)?;
                 let requests = adapter::incoming(&permit, stream);\n"
            }
        }
    }

    fn checks(&self) -> String {
        let nested = nested_module(&from_adapter(&self.method.input_type));
        let mut code = String::new();
        for bound in &self.rpc.bindings {
            let (proof, marker) = (&bound.proof, marker(bound));
            let Some(field) = &bound.field else {
                let _ = writeln!(code, "let {proof} = adapter::visible::<{marker}>(&permit)?;");
                continue;
            };
            let message = if self.input() == Input::Message { "request" } else { "first" };
            let grant = if field.repeated { "grant_each" } else { "grant" };
            let _ = writeln!(
                code,
                "let {proof} = adapter::{grant}::<{marker}>(&self.policy, &permit, {:?}, {}).await?;",
                field.dotted,
                field.expression(message, &nested)
            );
        }
        if self.input() == Input::FirstAndRest {
            self.pins(&nested, &mut code);
        }
        code
    }

    /// Later messages of a stream stay on the objects of the first.
    fn pins(&self, nested: &str, code: &mut String) {
        for bound in &self.rpc.bindings {
            let Some(field) = &bound.field else { continue };
            let _ = writeln!(
                code,
                "let rest = adapter::pinned(&permit, {:?}, {}.id(), rest, |message| {});",
                field.dotted,
                bound.proof,
                field.expression("message", nested)
            );
        }
    }

    fn response(&self) -> &'static str {
        match (self.lists(), self.method.server_streaming) {
            (false, false) => "answer",
            (true, false) => "answer.into_inner()",
            (false, true) => "adapter::outgoing(caller, object, answer)",
            (true, true) => "adapter::outgoing(caller, object, answer.into_inner())",
        }
    }
}

/// A handler's parameter for what was checked.
fn proof_parameter(bound: &Bound) -> String {
    let (proof, marker) = (&bound.proof, marker(bound));
    match &bound.field {
        None => format!("{proof}: Visible<{marker}>"),
        Some(field) if field.repeated => format!("{proof}: Vec<Granted<{marker}>>"),
        Some(_) => format!("{proof}: Granted<{marker}>"),
    }
}

fn marker(bound: &Bound) -> String {
    format!("can::{}", names::marker(&bound.permission, &bound.kind))
}

/// A Rust type, which prost names as seen from the package's module, as seen from the adapter's.
fn from_adapter(name: &str) -> String {
    match name {
        "()" => name.to_owned(),
        absolute if absolute.starts_with("::") || absolute.starts_with("crate::") => {
            name.to_owned()
        }
        relative => format!("super::{relative}"),
    }
}

/// The module that prost puts a message's nested types into.
fn nested_module(message: &str) -> String {
    match message.rsplit_once("::") {
        Some((module, name)) => format!("{module}::{}", names::snake(name)),
        None => names::snake(message),
    }
}
