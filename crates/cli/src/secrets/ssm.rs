//! Secrets of an AWS parameter store: secure strings, decrypted by the store for whoever may.
//!
//! Promise: whatever fails is said with the region and what would be right, and without anything that the store answered.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::ParameterType;
use secrecy::SecretString;

/// How long the store may take, looking for credentials and trying again included.
const PATIENCE: Duration = Duration::from_secs(10);

/// What would be right where there are no credentials.
const CREDENTIALS: &str = "no AWS credentials are found; right: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the \
                           machine or the pod";

/// The parameter of this path. Waits for the store, on a thread of its own: whoever asks may be part of a runtime.
pub(super) fn fetch(path: &str) -> Result<SecretString, String> {
    let path = path.to_owned();
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        let answer = async { tokio::time::timeout(PATIENCE, ask(&path)).await };
        runtime.block_on(answer).unwrap_or_else(|_| Err(silent()))
    });
    asked.join().unwrap_or_else(|_| Err("the parameter store's client failed".to_owned()))
}

async fn ask(path: &str) -> Result<SecretString, String> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(PATIENCE / 3)
        .operation_attempt_timeout(PATIENCE / 2);
    let config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .load()
        .await;
    let region = region(&config)?;
    let client = aws_sdk_ssm::Client::new(&config);
    let asked = client.get_parameter().name(path).with_decryption(true).send().await;
    let parameter = asked.map_err(|error| told(&error, &region))?.parameter;
    let parameter =
        parameter.ok_or_else(|| "the parameter store answers without a parameter".to_owned())?;
    if parameter.r#type != Some(ParameterType::SecureString) {
        return Err("is kept as plain text; right: a parameter of the type SecureString".to_owned());
    }
    parameter.value.map(SecretString::from).ok_or_else(|| "has no value".to_owned())
}

fn region(config: &SdkConfig) -> Result<String, String> {
    let region = config.region().map(ToString::to_string);
    region
        .ok_or_else(|| "no AWS region is set; right: AWS_REGION, or one in the profile".to_owned())
}

fn told(error: &SdkError<GetParameterError, HttpResponse>, region: &str) -> String {
    match error {
        SdkError::ServiceError(refused) => match refused.err() {
            GetParameterError::ParameterNotFound(_) => {
                format!(
                    "there is no such parameter in region {region}; right: its path, and the region that it is in"
                )
            }
            GetParameterError::InvalidKeyId(_) => {
                "cannot be decrypted: the key that it is encrypted with is not usable".to_owned()
            }
            other => {
                let code = other
                    .code()
                    .filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                let code = code.unwrap_or("an error that it does not name");
                format!(
                    "the parameter store in region {region} refuses: {code}; right: credentials that may ssm:GetParameter and kms:Decrypt"
                )
            }
        },
        SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => {
            CREDENTIALS.to_owned()
        }
        SdkError::ConstructionFailure(_) => CREDENTIALS.to_owned(),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => silent(),
        _ => "the parameter store's answer is not one".to_owned(),
    }
}

fn silent() -> String {
    "the parameter store does not answer; right: AWS_REGION and the way to it".to_owned()
}
