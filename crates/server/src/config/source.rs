//! Where settings come from besides a file: the environment, flags, a role's defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

pub(super) const ENVIRONMENT: &str = "the environment";

const PREFIX: &str = "HALLPASS_";

/// Where a configuration is read from, besides the flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// What holds where nothing is said, such as a role's own port.
    pub defaults: Dict,
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The variables; those that begin with `HALLPASS_` count, and `__` stands between a section and its key. An empty one counts as
    /// unset, and what Kubernetes sets for services named `hallpass` or `hallpass-…` is no setting.
    pub environment: Vec<(String, String)>,
    /// The first variable with that prefix whose value is not text.
    pub unreadable: Option<String>,
}

impl Sources {
    /// The process's own environment and, if there is one, a file.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let (mut environment, mut unreadable) = (Vec::new(), None);
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => environment.push((name, value)),
                (Ok(name), Err(_)) if name.starts_with(PREFIX) => unreadable = Some(name),
                _ => {}
            }
        }
        Self { defaults: Dict::new(), file, environment, unreadable }
    }

    /// Sets a default; a dot stands between a section and its key.
    #[must_use]
    pub fn default_for(mut self, key: &str, value: impl Into<Value>) -> Self {
        set(&mut self.defaults, key.split('.'), value.into());
        self
    }
}

/// The variable that holds a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The variables that begin with the prefix.
#[derive(Clone)]
pub(super) struct Environment {
    all: Dict,
    /// What each holds, as it was written.
    written: BTreeMap<String, String>,
}

impl Environment {
    pub(super) fn new(variables: Vec<(String, String)>) -> Self {
        let mut environment = Self { all: Dict::new(), written: BTreeMap::new() };
        for (name, value) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            if is_of_kubernetes(key, &value) {
                continue;
            }
            let path = path(key);
            // What a trainer is given is text, empty or not.
            let is_given = is_given_to_a_trainer(&path);
            if value.is_empty() && !is_given {
                continue;
            }
            let read = if is_given { Value::from(value.clone()) } else { parsed(&value) };
            set(&mut environment.all, path.iter().map(String::as_str), read);
            environment.written.insert(path.join("."), value);
        }
        environment
    }

    /// Takes the values as text that were read as numbers and the like where text is expected: a bucket may be called 007. True if
    /// there were any.
    pub(super) fn keep_texts(&mut self, error: &Error) -> bool {
        let mut kept = false;
        for error in error.clone() {
            let Kind::InvalidType(found, expected) = &error.kind else { continue };
            let from_here = error.metadata.as_ref().is_some_and(|from| from.name == ENVIRONMENT);
            if !from_here || matches!(found, Actual::Str(_)) || !expected.contains("string") {
                continue;
            }
            if let Some(text) = self.written.remove(&error.path.join(".")) {
                set(&mut self.all, error.path.iter().map(String::as_str), Value::from(text));
                kept = true;
            }
        }
        kept
    }
}

fn parsed(value: &str) -> Value {
    let Ok(value) = value.parse::<Value>();
    value
}

/// The key that a variable sets: lower case, but for the names of variables that a trainer gets.
fn path(key: &str) -> Vec<String> {
    let lower: Vec<_> = key.to_lowercase().split("__").map(str::to_owned).collect();
    match (lower.as_slice(), key.splitn(4, "__").nth(3)) {
        ([trainers, name, environment, ..], Some(variable))
            if trainers == "trainers" && environment == "environment" =>
        {
            vec![trainers.clone(), name.clone(), environment.clone(), variable.to_owned()]
        }
        _ => lower,
    }
}

fn is_given_to_a_trainer(path: &[String]) -> bool {
    path.len() == 4 && path[0] == "trainers" && path[2] == "environment"
}

/// Whether Kubernetes sets this variable in every pod beside a service named `hallpass` or `hallpass-…`: `SERVICE_HOST`, `SERVICE_PORT`,
/// `SERVICE_PORT_<NAME>`, `PORT`, `PORT_<NUMBER>_<PROTOCOL>` and its three parts. No setting is called so.
fn is_of_kubernetes(key: &str, value: &str) -> bool {
    if key.contains("__") {
        return false;
    }
    let key = format!("_{key}");
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_number = value.parse::<u16>().is_ok();
    let named_port = key.split_once("_SERVICE_PORT_").is_some_and(|(_, name)| !name.is_empty());
    key.ends_with("_SERVICE_HOST")
        || (is_number && (key.ends_with("_SERVICE_PORT") || named_port))
        || (is_address && key.ends_with("_PORT"))
        || is_port_of_kubernetes(&key)
}

/// Whether it is such as `_PORT_7401_TCP` or `_PORT_7401_TCP_ADDR`.
fn is_port_of_kubernetes(key: &str) -> bool {
    let parts: Vec<_> = key.split('_').collect();
    let parts = match parts.as_slice() {
        [rest @ .., "PROTO" | "PORT" | "ADDR"] => rest,
        all => all,
    };
    let [.., "PORT", number, "TCP" | "UDP" | "SCTP"] = parts else { return false };
    number.parse::<u16>().is_ok()
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.all.clone())]))
    }
}

fn set<'k>(all: &mut Dict, mut path: impl Iterator<Item = &'k str>, value: Value) {
    let Some(key) = path.next() else { return };
    let rest: Vec<_> = path.collect();
    if rest.is_empty() {
        all.insert(key.to_owned(), value);
        return;
    }
    let section = all.entry(key.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if !matches!(section, Value::Dict(..)) {
        *section = Value::from(Dict::new());
    }
    if let Value::Dict(_, section) = section {
        set(section, rest.into_iter(), value);
    }
}

/// A source under a name that people know.
pub(super) struct Named<P> {
    name: &'static str,
    inner: P,
}

impl<P> Named<P> {
    pub(super) const fn new(name: &'static str, inner: P) -> Self {
        Self { name, inner }
    }
}

impl Provider for Named<Dict> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, said(self.inner.clone()))]))
    }
}

impl<T: serde::Serialize> Provider for Named<figment::providers::Serialized<T>> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let profiles = self.inner.data()?;
        Ok(profiles.into_iter().map(|(profile, dict)| (profile, said(dict))).collect())
    }
}

/// What a source really says: a flag that was not given says nothing.
fn said(dict: Dict) -> Dict {
    let given = dict.into_iter().filter_map(|(key, value)| match value {
        Value::Empty(..) => None,
        Value::Dict(tag, inner) => Some((key, Value::Dict(tag, said(inner)))),
        other => Some((key, other)),
    });
    given.collect()
}
