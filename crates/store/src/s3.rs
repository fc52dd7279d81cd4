//! A bucket of a store that speaks S3, and how long it is waited for.
//!
//! Invariant: the key is in no error and no `Debug`.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

/// A store beyond this machine is asked again for so long before a call fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bucket of a store that speaks S3.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// Its region, such as "eu-central-1".
    pub region: String,
    /// Where the store answers, such as `https://s3.example.org`; `None` means Amazon's own.
    pub endpoint: Option<String>,
    /// What all names of objects begin with; may be empty.
    pub prefix: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// Whether the endpoint may be spoken to without TLS.
    pub allow_http: bool,
}

impl S3 {
    /// The bucket, without its prefix. Nothing is asked of it yet.
    pub fn bucket(&self) -> Result<AmazonS3, object_store::Error> {
        let options = ClientOptions::new()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(Duration::from_secs(3))
            .with_timeout(Duration::from_mins(1));
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 3,
            retry_timeout: PATIENCE,
        };
        let builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(&self.secret_access_key)
            .with_client_options(options)
            .with_retry(retry);
        match &self.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint).with_allow_http(self.allow_http),
            None => builder,
        }
        .build()
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
