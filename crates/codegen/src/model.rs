//! A contract as its files state it: every service, RPC and resource type with its options, not yet checked.

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

use crate::compile::Sources;
use crate::options::{self, RuleOption, ServiceOption, TypeOption};
use crate::problem::{Place, Report};

/// A contract as stated.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) types: Vec<DeclaredType>,
    pub(crate) services: Vec<Service>,
    pub(crate) secrets: Vec<Secret>,
}

/// A field that is never to be printed.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) place: Place,
    pub(crate) field: FieldDescriptor,
}

/// A resource type.
#[derive(Debug)]
pub(crate) struct DeclaredType {
    pub(crate) place: Place,
    pub(crate) option: TypeOption,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) place: Place,
    pub(crate) descriptor: ServiceDescriptor,
    pub(crate) option: Option<ServiceOption>,
    pub(crate) rpcs: Vec<Rpc>,
}

/// An RPC.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) place: Place,
    pub(crate) descriptor: MethodDescriptor,
    pub(crate) option: Option<RuleOption>,
}

/// Reads the options of all files.
pub(crate) fn read(sources: &Sources, report: &mut Report) -> Model {
    let mut reader = Reader { sources, report };
    let mut model = Model { types: Vec::new(), services: Vec::new(), secrets: Vec::new() };
    for file in sources.pool.files() {
        model.types.extend(reader.types(&file));
        for descriptor in file.services() {
            model.services.push(reader.service(&file, descriptor));
        }
    }
    let secrets = sources.pool.all_messages().flat_map(|message| secrets(&message));
    model.secrets = secrets.map(|field| reader.secret(field)).collect();
    model
}

/// The fields of a message that the contract marks as secret: by its own option, or by protobuf's `debug_redact`.
pub(crate) fn secrets(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let own = extension(message.parent_pool(), "secret");
    let marked = |field: &FieldDescriptor| {
        let options = field.options();
        let secret = own.as_ref().and_then(|own| options.get_extension(own).as_bool());
        let redacted = options.get_field_by_name("debug_redact").and_then(|mark| mark.as_bool());
        secret == Some(true) || redacted == Some(true)
    };
    message.fields().filter(marked).collect()
}

struct Reader<'a> {
    sources: &'a Sources,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn types(&mut self, file: &FileDescriptor) -> Vec<DeclaredType> {
        let options = file.options();
        let Some(extension) = extension(&self.sources.pool, "resource_types") else {
            return Vec::new();
        };
        if !options.has_extension(&extension) {
            return Vec::new();
        }
        let value = options.get_extension(&extension);
        let mut types = Vec::new();
        for (at, declared) in (0..).zip(value.as_list().unwrap_or_default()) {
            let Some(message) = declared.as_message() else { continue };
            let name = message.get_field_by_name("type");
            let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
            let place =
                self.place(file, &[FILE_OPTIONS, TYPES, at], format!("resource type {name:?}"));
            if let Some(option) = self.decode(message, &place) {
                types.push(DeclaredType { place, option });
            }
        }
        types
    }

    fn service(&mut self, file: &FileDescriptor, descriptor: ServiceDescriptor) -> Service {
        let name = descriptor.full_name();
        let place = self.place(file, descriptor.path(), format!("service {name}"));
        let option = self.option(&descriptor.options(), "service", &place);
        let rpcs = descriptor
            .methods()
            .map(|method| {
                let subject = format!("rpc {name}/{}", method.name());
                let place = self.place(file, method.path(), subject);
                let option = self.option(&method.options(), "rule", &place);
                Rpc { place, descriptor: method, option }
            })
            .collect();
        Service { place, descriptor, option, rpcs }
    }

    fn secret(&self, field: FieldDescriptor) -> Secret {
        let subject = format!("field {}", field.full_name());
        let place = self.place(&field.parent_file(), field.path(), subject);
        Secret { place, field }
    }

    fn option<M: Message + Default>(
        &mut self,
        options: &DynamicMessage,
        name: &str,
        place: &Place,
    ) -> Option<M> {
        let extension = extension(&self.sources.pool, name)?;
        if !options.has_extension(&extension) {
            return None;
        }
        let value = options.get_extension(&extension);
        self.decode(value.as_message()?, place)
    }

    /// An option as a Rust type. What that type would drop is a problem, not something to pass over.
    fn decode<M: Message + Default>(
        &mut self,
        message: &DynamicMessage,
        place: &Place,
    ) -> Option<M> {
        let option = options::whole(&message.encode_to_vec());
        if option.is_none() {
            self.report
                .add(place, "has an option with something in it that this build does not know");
        }
        option
    }

    fn place(&self, file: &FileDescriptor, path: &[i32], subject: String) -> Place {
        let name = file.name();
        let found = self.sources.paths.get(name).map_or(name, String::as_str);
        Place { file: found.to_owned(), line: line(file, path), subject }
    }
}

/// `options` in `FileDescriptorProto`.
const FILE_OPTIONS: i32 = 8;
/// `resource_types` in them.
const TYPES: i32 = 50100;

/// The line, from 1, on which the element with this path begins; the same or the first one below it.
fn line(file: &FileDescriptor, path: &[i32]) -> u32 {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    info.into_iter()
        .flat_map(|info| &info.location)
        .filter(|location| location.path.starts_with(path))
        .min_by_key(|location| location.path.len())
        .and_then(|location| u32::try_from(*location.span.first()?).ok())
        .map_or(0, |line| line + 1)
}

fn extension(pool: &DescriptorPool, name: &str) -> Option<prost_reflect::ExtensionDescriptor> {
    pool.get_extension_by_name(&format!("hallpass.auth.v1.{name}"))
}
