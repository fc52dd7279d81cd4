//! Where settings come from besides a file: the environment, flags, a role's defaults.

use std::path::PathBuf;

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
    /// The variables; those that begin with `HALLPASS_` count, and `__` stands between a section and its key.
    pub environment: Vec<(String, String)>,
}

impl Sources {
    /// The process's own environment and, if there is one, a file.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self { defaults: Dict::new(), file, environment: std::env::vars().collect() }
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
pub(super) struct Environment(Dict);

impl Environment {
    pub(super) fn new(variables: Vec<(String, String)>) -> Self {
        let mut all = Dict::new();
        for (name, value) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            let key = key.to_lowercase();
            let Ok(value) = value.parse::<Value>();
            set(&mut all, key.split("__"), value);
        }
        Self(all)
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
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
