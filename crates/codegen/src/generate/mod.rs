//! Writes a checked contract as Rust: messages and clients as prost and tonic write them, tonic's servers hidden behind
//! adapters, the proofs' marker types, and the table of rules.
//!
//! Invariant: what tonic would let anyone serve is in private modules only.

mod adapter;
mod redact;
mod rpc;
mod services;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;

use prost_build::{Config, Module};

use crate::check::Checked;
use crate::compile::{RULE_PROTO, Sources};
use crate::names;

/// The file of a contract's Rust code.
const CODE: &str = "contract.rs";
/// The file of its descriptors.
const DESCRIPTORS: &str = "contract.binpb";

/// Writes both files.
pub(crate) fn write(sources: &Sources, checked: Checked, out: &Path) -> io::Result<()> {
    let checked = Rc::new(checked);
    let mut code = String::from("// Generated from the contract; do not edit.\n\n");
    packages(sources, &checked)?.render(&mut code);
    markers(&checked, &mut code);
    table::render(&checked, &mut code);
    write_changed(&out.join(CODE), code.as_bytes())?;
    write_changed(&out.join(DESCRIPTORS), &sources.descriptor_set)
}

/// The modules of all packages. The options are no part of what services say to each other, so their file is left out.
fn packages(sources: &Sources, checked: &Rc<Checked>) -> io::Result<Tree> {
    let requests: Vec<_> = sources
        .pool
        .file_descriptor_protos()
        .filter(|file| file.name() != RULE_PROTO)
        .map(|file| (Module::from_protobuf_package_name(file.package()), file.clone()))
        .collect();
    let mut config = Config::new();
    config.bytes(["."]).service_generator(Box::new(services::Services::new(Rc::clone(checked))));
    let redacted = redact::Redacted::find(&sources.pool);
    redacted.configure(&mut config);
    let mut tree = Tree::default();
    for (module, text) in config.generate(requests)? {
        let parts: Vec<_> = module.parts().map(str::to_owned).collect();
        let text = text + &redacted.render(&parts);
        tree.insert(&parts, &text);
    }
    Ok(tree)
}

/// One type for each permission of each resource type, with which proofs are told apart.
fn markers(checked: &Checked, code: &mut String) {
    code.push_str(
        "/// What can be done to objects: the types that tell proofs apart.\npub mod can {\n",
    );
    for permission in &checked.permissions {
        let (kind, name) = (&permission.kind, &permission.name);
        let marker = names::marker(name, kind);
        let _ = write!(
            code,
            "    /// To {name} a {kind}.\n    #[derive(Debug, Clone, Copy)]\n    pub enum {marker} {{}}\n\n    impl \
             ::hallpass_policy::Permission for {marker} {{\n        const KIND: &'static str = {kind:?};\n        const \
             NAME: &'static str = {name:?};\n    }}\n\n"
        );
    }
    code.push_str("}\n\n");
}

/// Nested modules.
#[derive(Default)]
struct Tree {
    text: String,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    fn insert(&mut self, parts: &[String], text: &str) {
        match parts {
            [] => self.text.push_str(text),
            [first, rest @ ..] => {
                self.below.entry(first.clone()).or_default().insert(rest, text);
            }
        }
    }

    fn render(&self, code: &mut String) {
        code.push_str(&self.text);
        for (name, tree) in &self.below {
            let _ = writeln!(code, "/// The package's part called `{name}`.\npub mod {name} {{");
            tree.render(code);
            code.push_str("}\n\n");
        }
    }
}

/// Leaves a file alone that would not change, so that cargo need not build what uses it.
fn write_changed(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    fs::write(path, content)
}
