//! Loads the sample dataset as a user would: with a user token, through Platform.

use std::net::SocketAddr;

use hallpass_contract::labeler::create_dataset_request::Part;
use hallpass_contract::labeler::{CreateDatasetRequest, CreateDatasetStart};
use hallpass_contract::labeler::{DatasetSpec, FileChunk};
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;
use hallpass_guard::Clock;
use hallpass_labeler::sample;
use hallpass_token::{NewToken, TokenId, TokenType};
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::failure::Failure;
use crate::rings::RingFile;
use crate::serve::keys::KeyFiles;
use crate::serve::node::random;

/// The user that owns the sample dataset.
pub(super) const OWNER: &str = "alice";

/// Uploads the sample dataset. A disk that has no room for it is no reason not to serve.
pub(super) async fn load(keys: &KeyFiles, platform: SocketAddr) -> Result<(), Failure> {
    let endpoint = Endpoint::from_shared(format!("http://{platform}")).map_err(Failure::failed)?;
    let channel = endpoint.connect().await.map_err(Failure::failed)?;
    let mut request = Request::new(tokio_stream::iter(parts()));
    let token = format!("Bearer {}", token(keys)?.expose());
    let mut token = tonic::metadata::MetadataValue::try_from(token).map_err(Failure::failed)?;
    token.set_sensitive(true);
    request.metadata_mut().insert("authorization", token);
    let created = DatasetServiceClient::new(channel).create_dataset(request).await;
    let Err(status) = created else { return Ok(()) };
    let (code, message) = (status.code(), status.message());
    if code == Code::ResourceExhausted {
        tracing::warn!(?code, message, "the sample dataset is not loaded");
        return Ok(());
    }
    Err(Failure::failed(format_args!("the sample dataset is not loaded: {code:?}: {message}")))
}

fn token(keys: &KeyFiles) -> Result<hallpass_token::MintedToken, Failure> {
    let ring = RingFile::read(keys.users())?.ring;
    let key = ring.active_signer("users", TokenType::User);
    let key = key.ok_or_else(|| Failure::failed("the users' ring has no active key"))?;
    let mut token = NewToken::new(TokenType::User, TokenId::from_random(random()?));
    token.subject = Some(OWNER.to_owned());
    token.audience = vec!["platform".to_owned()];
    token.scopes = std::iter::once("datasets:write").collect();
    ring.mint(key.kid(), &token, Clock::system().precise()).map_err(Failure::failed)
}

fn parts() -> impl Iterator<Item = CreateDatasetRequest> {
    let dataset = DatasetSpec { display_name: sample::NAME.to_owned(), ..DatasetSpec::default() };
    let start =
        Part::Start(CreateDatasetStart { dataset: Some(dataset), request_id: String::new() });
    let files = sample::files().iter().map(|(path, data)| {
        Part::Chunk(FileChunk { path: (*path).to_owned(), data: (*data).into() })
    });
    std::iter::once(start).chain(files).map(|part| CreateDatasetRequest { part: Some(part) })
}
