//! Between the contract's messages of uploads and the domain. A wish that waits for its files is stored as the message it came in.

use hallpass_contract::labeler as wire;
use prost::Message as _;
use wire::write_files_request::Part;

use crate::database::{ReceivedFile, UploadRow};
use crate::datasets::wire::{share, timestamp, visibility};
use crate::error::Error;
use crate::model::ids::RequestId;
use crate::model::spec::Spec;
use crate::uploads::partial_file::Announced;
use crate::uploads::stream::Message;

/// A wish as it is stored.
pub(crate) fn stored_spec(spec: &Spec) -> Vec<u8> {
    let stored = wire::DatasetSpec {
        display_name: spec.display_name().to_owned(),
        format: spec.format().map_or(0, |format| crate::datasets::wire::format(format).into()),
        visibility: visibility(spec.visibility()).into(),
        shares: spec.shares().iter().cloned().map(share).collect(),
        description: spec.description().to_owned(),
    };
    stored.encode_to_vec()
}

/// Reads what `stored_spec` wrote.
pub(crate) fn spec_from_stored(stored: &[u8], request: Option<RequestId>) -> Result<Spec, Error> {
    let decoded = wire::DatasetSpec::decode(stored).map_err(damaged)?;
    spec(Some(decoded), request)
}

/// The name in what `stored_spec` wrote; empty for nothing.
pub(crate) fn stored_name(stored: &[u8]) -> Result<String, sqlx::Error> {
    Ok(wire::DatasetSpec::decode(stored).map_err(damaged)?.display_name)
}

/// What a new dataset is to be.
pub(crate) fn spec(
    dataset: Option<wire::DatasetSpec>,
    request: Option<RequestId>,
) -> Result<Spec, Error> {
    let dataset = dataset.ok_or_else(|| Error::invalid("dataset", "must be set"))?;
    let spec = crate::datasets::wire::wish(dataset).and_then(|wish| Spec::new(wish, request));
    spec.map_err(|error| error.within("dataset"))
}

/// A SHA-256, if one is said.
pub(crate) fn sha256(field: &'static str, bytes: &[u8]) -> Result<Option<[u8; 32]>, Error> {
    match <[u8; 32]>::try_from(bytes) {
        Ok(sha256) => Ok(Some(sha256)),
        Err(_) if bytes.is_empty() => Ok(None),
        Err(_) => Err(Error::invalid(field, "must have 32 bytes, or none")),
    }
}

/// A later message of a stream of files.
pub(crate) fn message(
    message: Result<wire::WriteFilesRequest, tonic::Status>,
) -> Result<Message, Error> {
    match message.map_err(Error::BrokenOff)?.part {
        Some(Part::File(file)) => {
            let sha256 = sha256("file.sha256", &file.sha256)?;
            if file.offset > file.size_bytes {
                return Err(Error::invalid("file.offset", "must not be behind size_bytes"));
            }
            let announced = Announced { size: file.size_bytes, sha256 };
            Ok(Message::File { path: file.path, announced, offset: file.offset })
        }
        Some(Part::Data(data)) => Ok(Message::Data(data)),
        Some(Part::Start(_)) => Err(Error::invalid("start", "must be in the first message only")),
        None => Err(Error::invalid("file", "must be set, or data")),
    }
}

/// An upload as its owner sees it.
pub(crate) fn upload(row: UploadRow) -> wire::Upload {
    wire::Upload {
        upload_id: row.id.as_str().to_owned(),
        dataset_id: row.dataset_id.as_str().to_owned(),
        revision: row.revision,
        display_name: row.display_name,
        file_count: row.whole_count,
        size_bytes: row.size_bytes,
        create_time: Some(timestamp(row.created)),
        expire_time: Some(timestamp(row.expires)),
    }
}

/// A file of an upload as its owner sees it.
pub(crate) fn file(file: ReceivedFile) -> wire::UploadFile {
    wire::UploadFile {
        path: file.path,
        size_bytes: file.size,
        received_bytes: file.received,
        sha256: file.sha256.map(|sha256| sha256.to_vec().into()).unwrap_or_default(),
    }
}

fn damaged(error: prost::DecodeError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
