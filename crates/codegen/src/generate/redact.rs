//! Keeps secrets out of `Debug`: a field that the contract marks as secret is never printed.

use std::fmt::Write as _;

use prost_build::Config;
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, OneofDescriptor};

use crate::model::secrets;
use crate::names;

/// The messages that have a field to be kept from `Debug`.
pub(super) struct Redacted(Vec<MessageDescriptor>);

impl Redacted {
    pub(super) fn find(pool: &DescriptorPool) -> Self {
        Self(pool.all_messages().filter(|message| !secrets(message).is_empty()).collect())
    }

    /// Tells prost not to derive `Debug` for them.
    pub(super) fn configure(&self, config: &mut Config) {
        config.skip_debug(self.0.iter().map(|message| format!(".{}", message.full_name())));
    }

    /// Their `Debug`, as far as they are in this module: the fields that are not marked.
    pub(super) fn render(&self, module: &[String]) -> String {
        let package = module.join(".");
        let mut code = String::new();
        for message in self.0.iter().filter(|message| message.package_name() == package) {
            let name = names::camel(message.name());
            let _ = writeln!(
                code,
                "impl ::core::fmt::Debug for {name} {{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
        f.debug_struct({name:?})"
            );
            let secrets = secrets(message);
            let shown = message.fields().filter(|field| !secrets.contains(field));
            for field in shown.filter(|field| oneof(field).is_none()) {
                let (name, field) = (field.name(), names::snake(field.name()));
                let _ = writeln!(code, "            .field({name:?}, &self.{field})");
            }
            code.push_str("            .finish_non_exhaustive()\n    }\n}\n\n");
        }
        code
    }
}

/// The oneof that a field is a member of; an oneof as a whole is not printed either.
fn oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}
