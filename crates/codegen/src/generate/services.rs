//! What one service becomes: tonic's client, public; tonic's server and the adapter around it, private but for the handler's
//! trait and the one function that serves a handler.

use std::fmt::Write as _;
use std::rc::Rc;

use prost_build::{Service, ServiceGenerator};

use super::adapter;
use crate::check::Checked;
use crate::names;

/// Runs once for each service, called by prost.
pub(super) struct Services {
    checked: Rc<Checked>,
    client: Box<dyn ServiceGenerator>,
    server: Box<dyn ServiceGenerator>,
}

impl Services {
    pub(super) fn new(checked: Rc<Checked>) -> Self {
        let tonic = tonic_prost_build::configure;
        Self {
            checked,
            client: tonic().build_server(false).service_generator(),
            server: tonic().build_client(false).proto_path("super::super").service_generator(),
        }
    }
}

impl ServiceGenerator for Services {
    fn generate(&mut self, service: Service, code: &mut String) {
        let full_name = match service.package.as_str() {
            "" => service.proto_name.clone(),
            package => format!("{package}.{}", service.proto_name),
        };
        let Some(checked) = self
            .checked
            .services
            .iter()
            .find(|checked| checked.descriptor.full_name() == full_name)
        else {
            return;
        };
        let module = format!("{}_adapter", names::snake(&service.proto_name));
        let names = adapter::Names::of(&service, &full_name);
        let _ = writeln!(
            code,
            "pub use {module}::{{{}, {}, {}}};\n\n/// Checks objects and then enters the handler.\nmod {module} {{",
            names.handler, names.serve, names.constant
        );
        adapter::render(&names, &service, checked, code);
        self.server.generate(service.clone(), code);
        code.push_str("}\n\n");
        self.client.generate(service, code);
    }
}
