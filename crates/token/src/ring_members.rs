//! The members of a ring entry, taken one by one. A member of the wrong form is named with what would be right, never with its value.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretSlice;
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Flaw;
use crate::names;

pub(crate) struct Members(Map<String, Value>);

impl Members {
    pub(crate) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(crate) fn object(&mut self, field: &'static str) -> Result<Self, Flaw> {
        match self.0.remove(field) {
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(_) => Err(Flaw::new(field, "not an object")),
            None => {
                Err(Flaw::new(field, "missing; right: an object that says what the key is for"))
            }
        }
    }

    pub(crate) fn optional_text(&mut self, field: &'static str) -> Result<Option<String>, Flaw> {
        match self.0.remove(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Flaw::new(field, "not a string")),
        }
    }

    fn text(&mut self, field: &'static str) -> Result<String, Flaw> {
        self.optional_text(field)?.ok_or_else(|| Flaw::new(field, "missing"))
    }

    pub(crate) fn exactly(&mut self, field: &'static str, right: &str) -> Result<(), Flaw> {
        match self.optional_text(field)? {
            Some(text) if text == right => Ok(()),
            _ => Err(Flaw::new(field, format!("not what alg needs; right: {right}"))),
        }
    }

    /// A name as claims and headers may hold it.
    pub(crate) fn name(&mut self, field: &'static str) -> Result<String, Flaw> {
        let text = self.text(field)?;
        check_name(field, &text)?;
        Ok(text)
    }

    pub(crate) fn names(&mut self, field: &'static str) -> Result<Vec<String>, Flaw> {
        self.optional_names(field)?.ok_or_else(|| Flaw::new(field, "missing; right: an array"))
    }

    pub(crate) fn optional_names(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Vec<String>>, Flaw> {
        let Some(value) = self.0.remove(field) else { return Ok(None) };
        let texts: Vec<String> = serde_json::from_value(value)
            .map_err(|_| Flaw::new(field, "not an array of strings"))?;
        for text in &texts {
            check_name(field, text)?;
        }
        Ok(Some(texts))
    }

    pub(crate) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, Flaw> {
        self.optional_parsed(field)?.ok_or_else(|| Flaw::new(field, "missing"))
    }

    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, Flaw> {
        self.optional_text(field)?.map(|text| parse(field, &text)).transpose()
    }

    pub(crate) fn each_parsed<T: FromStr<Err: Display>>(
        &mut self,
        field: &'static str,
    ) -> Result<Vec<T>, Flaw> {
        self.names(field)?.iter().map(|text| parse(field, text)).collect()
    }

    /// One of a few words; absent means the usual one.
    pub(crate) fn choice<T: DeserializeOwned + Default>(
        &mut self,
        field: &'static str,
        right: &str,
    ) -> Result<T, Flaw> {
        let Some(value) = self.0.remove(field) else { return Ok(T::default()) };
        serde_json::from_value(value)
            .map_err(|_| Flaw::new(field, format!("not known; right: {right}")))
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, Flaw> {
        match self.0.remove(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Flaw::new(field, "not a boolean; right: true or false")),
        }
    }

    /// Whole seconds.
    pub(crate) fn optional_seconds(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Duration>, Flaw> {
        let Some(value) = self.0.remove(field) else { return Ok(None) };
        let seconds = value.as_u64().filter(|seconds| *seconds > 0);
        let seconds =
            seconds.ok_or_else(|| Flaw::new(field, "not a time; right: whole seconds"))?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, Flaw> {
        decode(field, &self.text(field)?)
    }

    pub(crate) fn optional_secret(
        &mut self,
        field: &'static str,
    ) -> Result<Option<SecretSlice<u8>>, Flaw> {
        let text = self.optional_text(field)?.map(Zeroizing::new);
        text.map(|text| Ok(decode(field, &text)?.into())).transpose()
    }

    pub(crate) fn nothing_left(self, field: &'static str) -> Result<(), Flaw> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(Flaw::new(
                field,
                format!(
                    "has an unknown member {name:?}; right: issuer, owner, types, scopes, audiences, \
                     state, profile, secret, no_expiry, roots, max_life, clock"
                ),
            )),
        }
    }
}

fn check_name(field: &'static str, text: &str) -> Result<(), Flaw> {
    if names::is_name(text) { Ok(()) } else { Err(Flaw::new(field, names::RIGHT_NAME)) }
}

fn parse<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Result<T, Flaw> {
    text.parse().map_err(|error: T::Err| Flaw::new(field, error.to_string()))
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Flaw::new(field, "not base64url; right: base64url without padding"))
}
