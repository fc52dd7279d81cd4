//! Asks an issuer for its keys over HTTP.
//!
//! Promise: no answer is longer, takes longer or leads elsewhere than is said here, and nothing of it is in an error.

use std::fs;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use serde_json::Value;

use crate::place::Place;
use crate::settings::{IssuerSettings, OidcError};

/// The most bytes of an answer.
const MOST_BYTES: usize = 256 * 1024;

/// How long all of it may take, discovery included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why keys could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The issuer cannot be reached, or breaks off.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
    /// It took too long.
    #[error("no whole answer within 5 s")]
    TooSlow,
    /// It answers something other than 200; redirects are not followed.
    #[error("status {0}; right: 200, and no redirect")]
    Status(u16),
    /// It answers something other than JSON.
    #[error("the answer says that it is no JSON")]
    NotJson,
    /// It answers too much.
    #[error("the answer is longer than 256 KiB")]
    TooLong,
    /// Its configuration document is not one of this issuer.
    #[error("the issuer's configuration: {0}")]
    Configuration(&'static str),
}

/// One issuer's way.
#[derive(Debug)]
pub(crate) struct Source {
    client: Client,
    issuer: String,
    start: Start,
    development: bool,
}

#[derive(Debug)]
enum Start {
    Jwks(Place),
    Configuration(Place),
}

impl Source {
    pub(crate) fn new(settings: &IssuerSettings, development: bool) -> Result<Self, OidcError> {
        let issuer = settings.issuer.issuer.clone();
        let wrong = |problem: String| OidcError::Client { issuer: issuer.clone(), problem };
        let start = match &settings.jwks_uri {
            Some(uri) => Place::parse(uri, development).map(Start::Jwks),
            None => Place::parse(&configuration_of(&issuer), development).map(Start::Configuration),
        };
        let start = start.ok_or_else(|| wrong("no place to fetch from".to_owned()))?;
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(!development)
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .pool_max_idle_per_host(0)
            .referer(false);
        if let Some(file) = &settings.ca {
            let at = |problem: &dyn std::fmt::Display| {
                wrong(format!("ca: {}: {problem}", file.display()))
            };
            let pem = fs::read(file).map_err(|error| at(&error))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|_| at(&"no PEM certificates"))?;
            if certificates.is_empty() {
                return Err(at(&"no PEM certificates"));
            }
            for certificate in certificates {
                client = client.add_root_certificate(certificate);
            }
        }
        let client = client.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, issuer, start, development })
    }

    /// The issuer's JWKS as it stands.
    pub(crate) async fn jwks(&self) -> Result<Vec<u8>, FetchError> {
        let fetched = tokio::time::timeout(PATIENCE, self.fetch()).await;
        fetched.unwrap_or(Err(FetchError::TooSlow))
    }

    async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        match &self.start {
            Start::Jwks(place) => self.get(place).await,
            Start::Configuration(place) => {
                let document = self.get(place).await?;
                self.get(&self.read_configuration(&document)?).await
            }
        }
    }

    /// Reads where the keys are (`OpenID` Connect Discovery, section 4.3): the document must be the very issuer's.
    fn read_configuration(&self, document: &[u8]) -> Result<Place, FetchError> {
        let document: Value =
            serde_json::from_slice(document).map_err(|_| FetchError::Configuration("not JSON"))?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(FetchError::Configuration("is of another issuer"));
        }
        let uri = document.get("jwks_uri").and_then(Value::as_str);
        let place = uri.and_then(|uri| Place::parse(uri, self.development));
        place.ok_or(FetchError::Configuration("no jwks_uri that may be fetched; right: https://…"))
    }

    async fn get(&self, place: &Place) -> Result<Vec<u8>, FetchError> {
        let asked = self.client.get(place.url()).header(ACCEPT, "application/json").send().await;
        let mut answer = asked.map_err(|error| no_answer(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        if !is_json(&answer) {
            return Err(FetchError::NotJson);
        }
        if answer.content_length().is_some_and(|length| length > MOST_BYTES as u64) {
            return Err(FetchError::TooLong);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(FetchError::TooLong);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Where an issuer's configuration is (`OpenID` Connect Discovery, section 4).
fn configuration_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// `application/json`, `application/jwk-set+json` and the like; an answer that says nothing is read as well.
fn is_json(answer: &Response) -> bool {
    let Some(kind) = answer.headers().get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn no_answer(error: &reqwest::Error) -> FetchError {
    match error {
        error if error.is_timeout() => FetchError::TooSlow,
        error if error.is_connect() => FetchError::NoAnswer(
            "no connection, or its certificate is not one that is trusted here",
        ),
        _ => FetchError::NoAnswer("it breaks off, or speaks no HTTP"),
    }
}
