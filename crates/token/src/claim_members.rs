//! The members of a payload, taken one by one.
//!
//! Promise: a claim that decides has the one form that it may have, or its token is refused; one that decides nothing refuses no token, and is absent
//! where it cannot be read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::error::Limit;
use crate::{
    Confirmation, Fingerprint, MAX_PARENTS, ResourceClaim, Scopes, TokenError, TokenType, UnixTime,
    names, outside,
};

/// The most values that are read of one claim: audiences, scopes, roles, factors, elevated operations.
pub(crate) const MAX_VALUES: usize = 256;

/// When a token without `iat` counts as issued.
pub(crate) const UNDATED: UnixTime = UnixTime::from_secs(0);

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

    fn has(&self, claim: &str) -> bool {
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

    /// The name of a key.
    pub(crate) fn key_name(&mut self, claim: &'static str) -> Result<Option<String>, TokenError> {
        match self.0.remove(claim) {
            None => Ok(None),
            Some(Value::String(text)) if names::is_key_name(&text) => Ok(Some(text)),
            Some(_) => Err(TokenError::Malformed(claim)),
        }
    }

    /// A name that decides nothing; absent where it cannot be read.
    pub(crate) fn name_if_readable(&mut self, claim: &str) -> Option<String> {
        match self.0.remove(claim)? {
            Value::String(text) if names::is_name(&text) => Some(text),
            _ => None,
        }
    }

    /// An instant to the microsecond.
    pub(crate) fn instant(&mut self, claim: &'static str) -> Result<Option<UnixTime>, TokenError> {
        let read = |value: Value| numeric_date(&value).ok_or(TokenError::Malformed(claim));
        self.0.remove(claim).map(read).transpose()
    }

    /// An end or an issue: the fraction is dropped, so that neither is later than the token says.
    pub(crate) fn time(&mut self, claim: &'static str) -> Result<Option<UnixTime>, TokenError> {
        Ok(self.instant(claim)?.map(UnixTime::whole))
    }

    pub(crate) fn needed_time(&mut self, claim: &'static str) -> Result<UnixTime, TokenError> {
        self.time(claim)?.ok_or(TokenError::MissingClaim(claim))
    }

    /// `iat` of a user token. One without it counts as issued at 0: every cut-off of its subject covers it.
    pub(crate) fn issued_at_or_zero(&mut self) -> Result<UnixTime, TokenError> {
        Ok(self.instant("iat")?.unwrap_or(UNDATED))
    }

    /// `nbf`: a fraction counts as the next second, so that the token begins no earlier than it says.
    pub(crate) fn not_before(&mut self) -> Result<Option<UnixTime>, TokenError> {
        let next = |at: UnixTime| UnixTime::from_secs(at.as_secs().saturating_add(1));
        let round_up = |at: UnixTime| if at.subsec_micros() == 0 { at } else { next(at) };
        Ok(self.instant("nbf")?.map(round_up))
    }

    /// An instant that decides nothing by its absence; absent where it cannot be read.
    pub(crate) fn time_if_readable(&mut self, claim: &str) -> Option<UnixTime> {
        numeric_date(&self.0.remove(claim)?).map(UnixTime::whole)
    }

    /// The names that a claim such as `roles` or `amr` gives, in whatever form; what is no name is skipped, and so is what is beyond the limit.
    pub(crate) fn names_if_readable(&mut self, claim: &str) -> Vec<String> {
        let value = self.0.remove(claim);
        let all = value.iter().flat_map(said_names).filter(|name| names::is_name(name));
        all.take(MAX_VALUES).map(str::to_owned).collect()
    }

    pub(crate) fn token_type(&mut self) -> Result<TokenType, TokenError> {
        self.needed_name("type")?.parse().map_err(|_| TokenError::Malformed("type"))
    }

    pub(crate) fn scopes(&mut self) -> Result<Option<Scopes>, TokenError> {
        let Some(value) = self.0.remove("scopes") else { return Ok(None) };
        let scopes = texts("scopes", value, MAX_VALUES)?;
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
                let several = texts("aud", several, MAX_VALUES)?;
                if several.is_empty() { Err(TokenError::MissingClaim("aud")) } else { Ok(several) }
            }
        }
    }

    /// An array of names, perhaps an empty one.
    pub(crate) fn names_if_any(
        &mut self,
        claim: &'static str,
    ) -> Result<Option<Vec<String>>, TokenError> {
        self.0.remove(claim).map(|names| texts(claim, names, MAX_VALUES)).transpose()
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

/// The instant that a claim says: a `NumericDate` (RFC 7519, section 2), a number of seconds that may have a fraction or an exponent. Beyond
/// the year 2242 a double does not tell microseconds, and the fraction is dropped.
pub fn numeric_date(value: &Value) -> Option<UnixTime> {
    const LAST_WITH_FRACTION: f64 = 8_589_934_592.0;
    const LAST: f64 = 1e18;
    if let Some(secs) = value.as_u64() {
        return Some(UnixTime::from_secs(secs));
    }
    let date = value.as_f64().filter(|date| (0.0..LAST).contains(date))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and its seconds or microseconds fit"
    )]
    Some(if date < LAST_WITH_FRACTION {
        UnixTime::from_micros((date * 1e6).round() as u64)
    } else {
        UnixTime::from_secs(date as u64)
    })
}

/// The names that a value gives: a text is one, of a list it is each text, and of an object each member's name. ZITADEL has roles as objects, and lists
/// of them. Members that are `false` or `null` name nothing.
pub(crate) fn said_names(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(one) => Box::new(std::iter::once(one.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(|item| match item {
            Value::String(_) | Value::Object(_) => said_names(item),
            _ => Box::new(std::iter::empty()),
        })),
        Value::Object(members) => {
            let held = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
            let held = members.iter().filter(move |(_, value)| held(value));
            Box::new(held.map(|(name, _)| name.as_str()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Box::new(std::iter::empty()),
    }
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
        Value::String(text) if text.len() > names::MAX_NAME => {
            Err(TokenError::BeyondLimit(claim, Limit::Bytes(names::MAX_NAME)))
        }
        _ => Err(TokenError::Malformed(claim)),
    }
}

fn texts(claim: &'static str, value: Value, most: usize) -> Result<Vec<String>, TokenError> {
    match value {
        Value::Array(items) if items.len() > most => {
            Err(TokenError::BeyondLimit(claim, Limit::Values(most)))
        }
        Value::Array(items) => items.into_iter().map(|item| name(claim, item)).collect(),
        _ => Err(TokenError::Malformed(claim)),
    }
}
