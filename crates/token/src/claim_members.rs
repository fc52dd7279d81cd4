//! The members of a payload, taken one by one, each in the one form that it may have.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::{
    Confirmation, Fingerprint, MAX_PARENTS, ResourceClaim, Scopes, TokenError, TokenType, UnixTime,
    names, outside,
};

/// The most scopes that a token may hold.
pub(crate) const MAX_SCOPES: usize = 64;

/// The most roles, or factors, that a token may name.
pub(crate) const MAX_NAMES: usize = 32;

/// The most audiences that a token may be for.
const MAX_AUDIENCES: usize = 16;

pub(crate) struct Members(Map<String, Value>);

impl Members {
    pub(crate) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(crate) fn into_inner(self) -> Map<String, Value> {
        self.0
    }

    pub(crate) const fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(crate) fn has(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    pub(crate) fn name(&mut self, claim: &'static str) -> Result<Option<String>, TokenError> {
        self.0.remove(claim).map(|value| name(claim, value)).transpose()
    }

    pub(crate) fn needed_name(&mut self, claim: &'static str) -> Result<String, TokenError> {
        self.name(claim)?.ok_or(TokenError::MissingClaim(claim))
    }

    /// Absent and `null` are the same; background tokens are minted with `"sub": null`.
    pub(crate) fn nullable_name(
        &mut self,
        claim: &'static str,
    ) -> Result<Option<String>, TokenError> {
        match self.0.remove(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => name(claim, value).map(Some),
        }
    }

    /// A number of seconds, which may have a fraction (RFC 7519, section 2).
    pub(crate) fn time(&mut self, claim: &'static str) -> Result<Option<UnixTime>, TokenError> {
        let read = |value: Value| numeric_date(&value).ok_or(TokenError::Malformed(claim));
        self.0.remove(claim).map(read).transpose()
    }

    pub(crate) fn needed_time(&mut self, claim: &'static str) -> Result<UnixTime, TokenError> {
        self.time(claim)?.ok_or(TokenError::MissingClaim(claim))
    }

    pub(crate) fn token_type(&mut self) -> Result<TokenType, TokenError> {
        self.needed_name("type")?.parse().map_err(|_| TokenError::Malformed("type"))
    }

    pub(crate) fn scopes(&mut self) -> Result<Option<Scopes>, TokenError> {
        let Some(value) = self.0.remove("scopes") else { return Ok(None) };
        let scopes = texts("scopes", value, MAX_SCOPES)?;
        if scopes.iter().all(|scope| names::is_scope(scope)) {
            Ok(Some(scopes.into_iter().collect()))
        } else {
            Err(TokenError::Malformed("scopes"))
        }
    }

    /// A string or an array of strings (RFC 7519, section 4.1.3); never empty.
    pub(crate) fn audience(&mut self) -> Result<Vec<String>, TokenError> {
        match self.0.remove("aud") {
            None => Err(TokenError::MissingClaim("aud")),
            Some(Value::String(one)) => Ok(vec![name("aud", Value::String(one))?]),
            Some(several) => {
                let several = texts("aud", several, MAX_AUDIENCES)?;
                if several.is_empty() { Err(TokenError::MissingClaim("aud")) } else { Ok(several) }
            }
        }
    }

    /// An array of names; absent is empty.
    pub(crate) fn names(&mut self, claim: &'static str) -> Result<Vec<String>, TokenError> {
        self.names_if_any(claim).map(Option::unwrap_or_default)
    }

    /// An array of names, perhaps an empty one.
    pub(crate) fn names_if_any(
        &mut self,
        claim: &'static str,
    ) -> Result<Option<Vec<String>>, TokenError> {
        self.0.remove(claim).map(|names| texts(claim, names, MAX_NAMES)).transpose()
    }

    /// A string, or an integer as some minters write it.
    pub(crate) fn job_id(&mut self) -> Result<Option<String>, TokenError> {
        match self.0.remove("job_id") {
            None => Ok(None),
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
            Some(value) => name("job_id", value).map(Some),
        }
    }

    pub(crate) fn actor(&mut self, claim: &'static str) -> Result<Option<Value>, TokenError> {
        match self.0.remove(claim) {
            None => Ok(None),
            Some(actor @ Value::Object(_)) => Ok(Some(actor)),
            Some(_) => Err(TokenError::Malformed(claim)),
        }
    }

    pub(crate) fn resource(&mut self) -> Result<Option<ResourceClaim>, TokenError> {
        let Some(mut inner) = self.inner("resource")? else { return Ok(None) };
        let resource =
            ResourceClaim { kind: inner.needed_name("type")?, id: inner.needed_name("id")? };
        inner.nothing_left()?;
        Ok(Some(resource))
    }

    /// A binding that is not understood is refused, not ignored: the token would count for anyone who has it.
    pub(crate) fn confirmation(&mut self) -> Result<Option<Confirmation>, TokenError> {
        let Some(mut inner) = self.inner("cnf")? else { return Ok(None) };
        let digest = inner.needed_name("x5t#S256")?;
        inner.nothing_left()?;
        let bytes = URL_SAFE_NO_PAD.decode(digest).ok().and_then(|bytes| bytes.try_into().ok());
        let certificate_sha256 = bytes.ok_or(TokenError::Malformed("cnf"))?;
        Ok(Some(Confirmation { certificate_sha256 }))
    }

    pub(crate) fn parents(&mut self) -> Result<Vec<Fingerprint>, TokenError> {
        let malformed = TokenError::Malformed("par");
        let present = self.has("par");
        if present != self.has("root_iat") || present != self.has("root_kid") {
            return Err(TokenError::Malformed("par, root_iat and root_kid belong together"));
        }
        if !present && self.has("root_iss") {
            return Err(TokenError::Malformed("root_iss without par"));
        }
        let named = |claim: &str| self.0.get(claim).and_then(Value::as_str);
        let of_key = named("root_kid").and_then(outside::issuer_of_key);
        if of_key.is_some_and(|issuer| named("root_iss").is_some_and(|said| said != issuer)) {
            return Err(TokenError::Malformed("root_iss is not root_kid's issuer"));
        }
        let Some(value) = self.0.remove("par") else { return Ok(Vec::new()) };
        let parents = texts("par", value, MAX_PARENTS)?;
        if parents.is_empty() {
            return Err(malformed);
        }
        parents.iter().map(|parent| parent.parse().map_err(|_| malformed)).collect()
    }

    pub(crate) fn nothing_left(&self) -> Result<(), TokenError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(TokenError::UnexpectedClaim("one that this form does not have"))
        }
    }

    fn inner(&mut self, claim: &'static str) -> Result<Option<Self>, TokenError> {
        match self.0.remove(claim) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(_) => Err(TokenError::Malformed(claim)),
        }
    }
}

/// The instant that a claim says: a `NumericDate` (RFC 7519, section 2), a number of seconds that may have a fraction. One with a fraction
/// beyond what a double tells to the microsecond is none.
pub fn numeric_date(value: &Value) -> Option<UnixTime> {
    const LAST_WITH_FRACTION: f64 = 8_589_934_592.0;
    if let Some(secs) = value.as_u64() {
        return Some(UnixTime::from_secs(secs));
    }
    let date = value.as_f64().filter(|date| (0.0..LAST_WITH_FRACTION).contains(date))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and its microseconds fit"
    )]
    Some(UnixTime::from_micros((date * 1e6).round() as u64))
}

/// An instant as a `NumericDate`.
pub(crate) fn to_numeric_date(time: UnixTime) -> Value {
    if time.subsec_micros() == 0 {
        return time.as_secs().into();
    }
    #[expect(clippy::cast_precision_loss, reason = "a double tells microseconds until 2242")]
    let date = time.as_micros() as f64 / 1e6;
    date.into()
}

fn name(claim: &'static str, value: Value) -> Result<String, TokenError> {
    match value {
        Value::String(text) if names::is_name(&text) => Ok(text),
        _ => Err(TokenError::Malformed(claim)),
    }
}

fn texts(claim: &'static str, value: Value, most: usize) -> Result<Vec<String>, TokenError> {
    match value {
        Value::Array(items) if items.len() <= most => {
            items.into_iter().map(|item| name(claim, item)).collect()
        }
        _ => Err(TokenError::Malformed(claim)),
    }
}
