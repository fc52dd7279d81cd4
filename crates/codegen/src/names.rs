//! Rust names for what a contract names. Those of messages and fields are prost's.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// A field, module or parameter.
pub(crate) fn snake(name: &str) -> String {
    escaped(&name.to_snake_case())
}

/// A type or variant.
pub(crate) fn camel(name: &str) -> String {
    escaped(&name.to_upper_camel_case())
}

/// A constant.
pub(crate) fn shout(name: &str) -> String {
    name.to_snake_case().to_uppercase()
}

/// The marker type of a permission: "read" of "dataset" is `ReadDataset`.
pub(crate) fn marker(permission: &str, kind: &str) -> String {
    camel(&format!("{permission}_{kind}"))
}

/// The handler's parameter for a checked object: the field's last part without `_id`, such as `dataset` for
/// `job.dataset_id` and `datasets` for `dataset_ids`.
pub(crate) fn proof(dotted: &str, kind: &str) -> String {
    let leaf = dotted.rsplit('.').next().unwrap_or(dotted);
    let named = match leaf {
        "id" => kind.to_owned(),
        "ids" => plural(kind),
        _ => match (leaf.strip_suffix("_id"), leaf.strip_suffix("_ids")) {
            (Some(one), _) => one.to_owned(),
            (_, Some(several)) => plural(several),
            _ => leaf.to_owned(),
        },
    };
    snake(&named)
}

/// More than one of a kind.
pub(crate) fn plural(kind: &str) -> String {
    format!("{kind}s")
}

/// Lower-case letters, digits and single underscores, beginning with a letter.
pub(crate) fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What may stand in a scope or an audience: it is sent in lists separated by spaces.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_' | '-' | '/'))
}

/// Keywords as prost escapes them.
fn escaped(name: &str) -> String {
    match name {
        "as" | "break" | "const" | "continue" | "else" | "enum" | "false" | "fn" | "for" | "if"
        | "impl" | "in" | "let" | "loop" | "match" | "mod" | "move" | "mut" | "pub" | "ref"
        | "return" | "static" | "struct" | "trait" | "true" | "type" | "unsafe" | "use"
        | "where" | "while" | "dyn" | "abstract" | "become" | "box" | "do" | "final" | "macro"
        | "override" | "priv" | "typeof" | "unsized" | "virtual" | "yield" | "async" | "await"
        | "try" | "gen" => format!("r#{name}"),
        "super" | "self" | "Self" | "extern" | "crate" => format!("{name}_"),
        _ => name.to_owned(),
    }
}
