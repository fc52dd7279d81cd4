//! The adapter of one service: it stands between tonic's trait and the handler's, and does the object checks.

use std::fmt::Write as _;

use prost_build::{Method, Service};

use crate::check::{Bound, CheckedRpc, CheckedService};
use crate::names;

/// What the generated items are called.
pub(super) struct Names {
    pub(super) handler: String,
    pub(super) serve: String,
    pub(super) constant: String,
    full_name: String,
    server_module: String,
    up_to_root: String,
}

impl Names {
    pub(super) fn of(service: &Service, full_name: &str) -> Self {
        let snake = names::snake(&service.proto_name);
        let depth = service.package.split('.').filter(|part| !part.is_empty()).count();
        Self {
            handler: service.name.clone(),
            serve: format!("serve_{snake}"),
            constant: names::shout(&service.proto_name),
            full_name: full_name.to_owned(),
            server_module: format!("{snake}_server"),
            up_to_root: "super::".repeat(depth + 1),
        }
    }
}

/// Writes the handler's trait, the function that serves a handler, and what stands between.
pub(super) fn render(
    names: &Names,
    service: &Service,
    checked: &CheckedService,
    code: &mut String,
) {
    let rpcs: Vec<_> = service
        .methods
        .iter()
        .filter_map(|method| {
            let mut rpcs = checked.rpcs.iter();
            Some((method, rpcs.find(|rpc| rpc.descriptor.name() == method.proto_name)?))
        })
        .map(|(method, rpc)| Adapted { method, rpc })
        .collect();
    let mut body = format!(
        "/// The service's full name.
         pub const {}: &str = {:?};

         ",
        names.constant, names.full_name
    );
    handler(names, service, &rpcs, &mut body);
    serve(names, &rpcs, &mut body);
    adapter(names, &rpcs, &mut body);
    imports(names, &body, code);
    code.push_str(&body);
}

/// Imports what is used.
fn imports(names: &Names, body: &str, code: &mut String) {
    let used = |all: &[&'static str]| {
        let used = all.iter().filter(|name| body.contains(&format!("{name}<")));
        used.copied().collect::<Vec<_>>().join(", ")
    };
    let runtime = used(&["Incoming", "Reply", "Served"]);
    let proofs = used(&["Granted", "Seen", "Visible"]);
    let permit = if body.contains("permit: Permit") { "Permit, " } else { "" };
    let policy = if body.contains(": ObjectPolicy") { "ObjectPolicy, " } else { "" };
    let _ = writeln!(
        code,
        "use ::hallpass_policy::adapter::{{self, {runtime}}};
         use ::hallpass_policy::{{{policy}{permit}{proofs}}};
         use tonic::codegen::{{Service, async_trait, http}};"
    );
    if body.contains("can::") {
        let _ = writeln!(code, "use {}can;", names.up_to_root);
    }
    code.push('\n');
}

fn handler(names: &Names, service: &Service, rpcs: &[Adapted<'_>], code: &mut String) {
    service.comments.append_with_indent(0, code);
    let _ = write!(
        code,
        "///
         /// Handlers are entered after the guard's decision and the checks of the objects that the rules bind.
         pub trait {}: Send + Sync + 'static {{
             /// What a handler fails with.
             type Error: Into<tonic::Status> + Send + 'static;

         ",
        names.handler
    );
    for rpc in rpcs {
        rpc.method.comments.append_with_indent(1, code);
        let _ = writeln!(
            code,
            "fn {}(&self, {}) -> impl Future<Output = Result<{}, Self::Error>> + Send;\n",
            rpc.method.name,
            rpc.parameters(),
            rpc.answer()
        );
    }
    code.push_str("}\n\n");
}

fn serve(names: &Names, rpcs: &[Adapted<'_>], code: &mut String) {
    let Names { handler, serve, constant, server_module, .. } = names;
    let (doc, generics, parameter, field) = if checks_objects(rpcs) {
        (", its objects guarded by a policy", ", P: ObjectPolicy", ", policy: P", ", policy")
    } else {
        ("; its rules bind no objects", "", "", "")
    };
    let _ = write!(
        code,
        "/// Serves a handler{doc}. There is no other way to serve one.
         pub fn {serve}<H: {handler}{generics}>(handler: H{parameter}) -> Served<impl Service<
             http::Request<tonic::body::Body>,
             Response = http::Response<tonic::body::Body>,
             Error = std::convert::Infallible,
             Future: Send + 'static,
         > + tonic::server::NamedService + Clone + Send + Sync + 'static> {{
             let service = {server_module}::{handler}Server::new(Adapter {{ handler{field} }});
             Served {{ name: {constant}, service }}
         }}

         "
    );
}

fn adapter(names: &Names, rpcs: &[Adapted<'_>], code: &mut String) {
    let Names { handler, server_module, .. } = names;
    let (parameters, field, generics) = if checks_objects(rpcs) {
        ("H, P", ", policy: P", ", P: ObjectPolicy")
    } else {
        ("H", "", "")
    };
    let _ = write!(
        code,
        "struct Adapter<{parameters}> {{ handler: H{field} }}

         #[async_trait]
         impl<H: {handler}{generics}> {server_module}::{handler} for Adapter<{parameters}> {{
         "
    );
    for rpc in rpcs {
        rpc.implementation(code);
    }
    code.push_str("}\n\n");
}

/// Whether any RPC names an object that a policy has to be asked about.
fn checks_objects(rpcs: &[Adapted<'_>]) -> bool {
    rpcs.iter().any(|rpc| rpc.rpc.bindings.iter().any(|bound| bound.field.is_some()))
}

/// An RPC as prost names it, with its rule.
struct Adapted<'a> {
    method: &'a Method,
    rpc: &'a CheckedRpc,
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

    fn parameters(&self) -> String {
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
    fn answer(&self) -> String {
        let response = from_adapter(&self.method.output_type);
        let answer = if self.method.server_streaming {
            format!("Reply<{response}, Self::Error>")
        } else {
            response
        };
        if self.lists() { format!("Seen<{answer}>") } else { answer }
    }

    fn implementation(&self, code: &mut String) {
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
                 {}{}
                 let answer = self.handler.{name}({}).await.map_err(Into::into)?;
                 Ok(tonic::Response::new({}))
             }}

             ",
            self.entry(),
            self.checks(),
            self.arguments(),
            self.response()
        );
    }

    /// Takes the request apart. The permit is demanded even where nothing uses it: without a guard nothing is served.
    fn entry(&self) -> String {
        let used = self.takes_permit() || !self.rpc.bindings.is_empty();
        match self.input() {
            Input::Message => {
                let permit = if used { "permit" } else { "_" };
                format!("let ({permit}, request) = adapter::enter(request)?;\n")
            }
            Input::FirstAndRest => "let (permit, stream) = adapter::enter(request)?;
                 let (first, rest) = adapter::first(&permit, stream).await?;\n"
                .to_owned(),
            Input::Unread => {
                let permit = if used { "permit" } else { "_" };
                format!(
                    "let ({permit}, stream) = adapter::enter(request)?;
                     let requests: Incoming<_> = Box::pin(stream);\n"
                )
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
            (false, true) => "adapter::outgoing(answer)",
            (true, true) => "adapter::outgoing(answer.into_inner())",
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
