//! Asks an issuer for its keys over HTTP.
//!
//! Promise: no answer is longer, takes longer or leads elsewhere than is said here, and nothing of its body is in an error.

use std::fs;
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING};
use reqwest::{Certificate, Client, ClientBuilder, redirect};
use serde_json::Value;

use crate::answer::{Answer, no_answer};
use crate::error::{Document, FetchError, FetchProblem};
use crate::place::Place;
use crate::settings::{IssuerSettings, OidcError};

/// How long all of it may take, discovery included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Servers that mind what is asked for give either (RFC 7517, section 8.5); the others are asked for anything.
const ACCEPTED: &str = "application/jwk-set+json, application/json;q=0.9, */*;q=0.1";

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
        let client = client(settings).map_err(wrong)?;
        let client = client.https_only(!development).build();
        let client = client.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, issuer, start, development })
    }

    /// The issuer's JWKS as it stands.
    pub(crate) async fn jwks(&self) -> Result<Answer, FetchError> {
        let (document, first) = match &self.start {
            Start::Jwks(place) => (Document::Jwks, place),
            Start::Configuration(place) => (Document::Configuration, place),
        };
        let fetched = tokio::time::timeout(PATIENCE, self.fetch(document, first)).await;
        fetched
            .unwrap_or_else(|_| Err(FetchError::new(document, &first.url(), FetchProblem::TooSlow)))
    }

    async fn fetch(&self, document: Document, first: &Place) -> Result<Answer, FetchError> {
        let answer = self.get(document, first).await?;
        match document {
            Document::Jwks => Ok(answer),
            Document::Configuration => {
                let place = self.read_configuration(&answer);
                let place = place.map_err(|problem| answer.unusable(&problem))?;
                self.get(Document::Jwks, &place).await
            }
        }
    }

    /// Reads where the keys are (`OpenID` Connect Discovery, section 4.3): the document must be the very issuer's.
    fn read_configuration(&self, answer: &Answer) -> Result<Place, &'static str> {
        let document: Value = serde_json::from_slice(answer.text()).map_err(|_| "not JSON")?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(
                "is of another issuer; right: `issuer` exactly as this document has it, the last slash included, and jwks_uri where \
                 tokens name another one",
            );
        }
        let uri = document.get("jwks_uri").and_then(Value::as_str);
        let place = uri.and_then(|uri| Place::parse(uri, self.development));
        place.ok_or("no jwks_uri that may be fetched; right: https://…")
    }

    async fn get(&self, document: Document, place: &Place) -> Result<Answer, FetchError> {
        let url = place.url();
        let request = self.client.get(url.clone()).header(ACCEPT, ACCEPTED);
        let asked = request.header(ACCEPT_ENCODING, "gzip").send().await;
        let asked = asked.map_err(|error| FetchError::new(document, &url, no_answer(&error)))?;
        Answer::read(document, url, asked).await
    }
}

/// A client that goes where it is sent and nowhere else, by the way that the settings say.
fn client(settings: &IssuerSettings) -> Result<ClientBuilder, String> {
    let mut client = Client::builder()
        .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .referer(false);
    if let Some(proxy) = settings.proxy.for_https()? {
        client = client.proxy(proxy);
    }
    let Some(file) = &settings.ca else { return Ok(client) };
    let at = |problem: &dyn std::fmt::Display| format!("ca: {}: {problem}", file.display());
    let pem = fs::read(file).map_err(|error| at(&error))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|_| at(&"no PEM certificates"))?;
    if certificates.is_empty() {
        return Err(at(&"no PEM certificates"));
    }
    Ok(certificates.into_iter().fold(client, ClientBuilder::add_root_certificate))
}

/// Where an issuer's configuration is (`OpenID` Connect Discovery, section 4).
fn configuration_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}
