//! The way from a request to the id of an object in it: which fields a rule may bind, and how generated code gets there.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::names;

/// A field that holds the id of an object, or several.
#[derive(Debug, Clone)]
pub(crate) struct FieldPath {
    /// As the rule names it.
    pub(crate) dotted: String,
    /// Whether it holds several ids.
    pub(crate) repeated: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Into a nested message.
    Message(String),
    /// Into a member of one of the request's oneofs.
    Oneof { field: String, variant: String, leaf: bool },
    /// To the id.
    Leaf { field: String, optional: bool },
}

/// Finds the field of a request that a rule names; says what is wrong with it if it cannot be bound.
pub(crate) fn resolve(
    request: &MessageDescriptor,
    dotted: &str,
    client_streaming: bool,
) -> Result<FieldPath, String> {
    let mut steps = Vec::new();
    let mut message = request.clone();
    let mut parts = dotted.split('.').peekable();
    while let Some(part) = parts.next() {
        let field = message.get_field_by_name(part).ok_or_else(|| {
            format!("binds the field {dotted:?}, but {} has no field {part:?}", message.full_name())
        })?;
        let oneof = oneof_of(&field, client_streaming && steps.is_empty(), dotted)?;
        if parts.peek().is_none() {
            let repeated = leaf(&field, dotted, client_streaming)?;
            steps.push(
                oneof.map_or_else(|| leaf_step(&field), |oneof| oneof_step(&oneof, part, true)),
            );
            return Ok(FieldPath { dotted: dotted.to_owned(), repeated, steps });
        }
        message = into_message(&field, dotted)?;
        steps.push(oneof.map_or_else(
            || Step::Message(names::snake(part)),
            |oneof| oneof_step(&oneof, part, false),
        ));
    }
    Err("binds no field; name the one that holds the id".to_owned())
}

/// The oneof that a field belongs to: it can be followed at the top of a client stream's first message only.
fn oneof_of(
    field: &FieldDescriptor,
    allowed: bool,
    dotted: &str,
) -> Result<Option<String>, String> {
    match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        Some(oneof) if allowed => Ok(Some(oneof.name().to_owned())),
        Some(oneof) => Err(format!(
            "binds the field {dotted:?}, but {:?} is in the oneof {:?} and may be absent; move the id out of it",
            field.name(),
            oneof.name()
        )),
        None => Ok(None),
    }
}

fn into_message(field: &FieldDescriptor, dotted: &str) -> Result<MessageDescriptor, String> {
    let (name, kind) = (field.name(), field.kind());
    let problem = match kind.as_message() {
        _ if field.is_map() => "is a map; bind a plain field",
        Some(_) if field.is_list() => "is repeated; only the last field of a binding may be",
        Some(_) if field.is_required() => "is a required field; use proto3",
        Some(message) => return Ok(message.clone()),
        None => "is no message",
    };
    Err(format!("binds the field {dotted:?}, but {name:?} {problem}"))
}

/// Whether the last field of a binding holds one id or several, if it holds ids at all.
fn leaf(field: &FieldDescriptor, dotted: &str, client_streaming: bool) -> Result<bool, String> {
    let problem = if field.is_map() {
        "is a map; bind a plain field"
    } else if field.kind() != Kind::String {
        "is not a string; ids are strings"
    } else if field.is_required() {
        "is a required field; use proto3"
    } else if field.is_list() && client_streaming {
        "is repeated; a client stream names one object"
    } else {
        return Ok(field.is_list());
    };
    Err(format!("binds the field {dotted:?}, but {:?} {problem}", field.name()))
}

fn leaf_step(field: &FieldDescriptor) -> Step {
    let optional = !field.is_list() && field.supports_presence();
    Step::Leaf { field: names::snake(field.name()), optional }
}

fn oneof_step(oneof: &str, member: &str, leaf: bool) -> Step {
    let variant = format!("{}::{}", names::camel(oneof), names::camel(member));
    Step::Oneof { field: names::snake(oneof), variant, leaf }
}

impl FieldPath {
    /// An expression for the id in `message`, of type `Option<&str>`, or for the ids, of type `&[String]`. `module` is the
    /// Rust path of the module with the request's nested types.
    pub(crate) fn expression(&self, message: &str, module: &str) -> String {
        let mut steps = self.steps.iter();
        let Some(first) = steps.next() else { return String::new() };
        let mut code = self.begin(first, message, module);
        for step in steps {
            code.push_str(&self.go_on(step));
        }
        if self.repeated && self.steps.len() > 1 {
            code.push_str(".unwrap_or_default()");
        }
        code
    }

    fn begin(&self, step: &Step, message: &str, module: &str) -> String {
        match step {
            Step::Message(field) => format!("{message}.{field}.as_ref()"),
            Step::Oneof { field, variant, leaf } => {
                let bound = if *leaf { "m.as_str()" } else { "m" };
                format!(
                    "(match &{message}.{field} {{ Some({module}::{variant}(m)) => Some({bound}), _ => None }})"
                )
            }
            Step::Leaf { field, .. } if self.repeated => format!("{message}.{field}.as_slice()"),
            Step::Leaf { field, optional: true } => format!("{message}.{field}.as_deref()"),
            Step::Leaf { field, .. } => format!("Some({message}.{field}.as_str())"),
        }
    }

    fn go_on(&self, step: &Step) -> String {
        match step {
            Step::Message(field) => format!(".and_then(|m| m.{field}.as_ref())"),
            Step::Oneof { .. } => String::new(),
            Step::Leaf { field, .. } if self.repeated => format!(".map(|m| m.{field}.as_slice())"),
            Step::Leaf { field, optional: true } => format!(".and_then(|m| m.{field}.as_deref())"),
            Step::Leaf { field, .. } => format!(".map(|m| m.{field}.as_str())"),
        }
    }
}
