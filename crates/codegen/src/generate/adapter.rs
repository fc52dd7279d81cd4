//! The adapter of one service: it stands between tonic's trait and the handler's, and does the object checks.

use std::fmt::Write as _;

use prost_build::Service;

use super::rpc::Adapted;
use crate::check::CheckedService;
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
         use tonic::codegen::{{Service, async_trait, http}};"
    );
    let all = format!("{policy}{permit}{proofs}");
    // A service whose RPCs are all public uses none.
    if !all.is_empty() {
        let _ = writeln!(code, "use ::hallpass_policy::{{{all}}};");
    }
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
             Served {{ name: {constant}, service: adapter::ForUser(service) }}
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
