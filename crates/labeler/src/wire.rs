//! Between the contract's messages and the domain. Everything a client sends is checked here or where it is made.

use hallpass_contract::labeler as wire;
use hallpass_token::UnixTime;
use wire::create_dataset_request::Part;

use crate::access::{Role, Visibility};
use crate::dataset::{Dataset, Format, Share};
use crate::error::Error;
use crate::ids::RequestId;
use crate::intake::Piece;
use crate::spec::Spec;

/// The first message of an upload.
pub(crate) fn start(message: wire::CreateDatasetRequest) -> Result<Spec, Error> {
    let Some(Part::Start(start)) = message.part else {
        return Err(Error::invalid("start", "must be in the first message"));
    };
    let request = match start.request_id.as_str() {
        "" => None,
        text => Some(RequestId::parse(text).ok_or_else(|| {
            Error::invalid(
                "start.request_id",
                "must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000",
            )
        })?),
    };
    let dataset = start.dataset.ok_or_else(|| Error::invalid("start.dataset", "must be set"))?;
    check_format(dataset.format)?;
    let shares = dataset.shares.into_iter().map(share).collect::<Result<_, _>>()?;
    Spec::new(dataset.display_name, visibility(dataset.visibility)?, shares, request)
}

/// A later message of an upload.
pub(crate) fn piece(
    message: Result<wire::CreateDatasetRequest, tonic::Status>,
) -> Result<Piece, Error> {
    match message.map_err(Error::BrokenOff)?.part {
        Some(Part::Chunk(chunk)) => Ok(Piece { path: chunk.path, data: chunk.data }),
        Some(Part::Start(_)) => Err(Error::invalid("start", "must be in the first message only")),
        None => Err(Error::invalid("chunk", "must be set")),
    }
}

/// A piece of a download.
pub(crate) fn downloaded(piece: Piece) -> wire::DownloadDatasetResponse {
    let chunk = wire::FileChunk { path: piece.path, data: piece.data };
    wire::DownloadDatasetResponse { chunk: Some(chunk), file: None }
}

/// A dataset as others see it.
pub(crate) fn dataset(dataset: Dataset) -> wire::Dataset {
    let storage_path = dataset.storage_path();
    let class = |class: crate::dataset::Class| wire::DatasetClass {
        name: class.name,
        item_count: class.item_count,
    };
    wire::Dataset {
        dataset_id: dataset.id.as_str().to_owned(),
        display_name: dataset.display_name,
        format: match dataset.format {
            Format::ImageFolder => wire::DatasetFormat::ImageFolder.into(),
        },
        owner: dataset.owner,
        visibility: match dataset.visibility {
            Visibility::Private => wire::Visibility::Private.into(),
            Visibility::Public => wire::Visibility::Public.into(),
        },
        classes: dataset.classes.into_iter().map(class).collect(),
        item_count: dataset.item_count,
        size_bytes: dataset.size_bytes,
        storage_path,
        etag: dataset.etag,
        create_time: Some(timestamp(dataset.created)),
        update_time: Some(timestamp(dataset.updated)),
        description: String::new(),
        splits: Vec::new(),
        file_count: 0,
    }
}

/// What a user may do.
pub(crate) fn permissions(role: Option<Role>) -> wire::CheckPermissionResponse {
    let permissions = role.map_or(&[][..], Role::permissions);
    let role = match role {
        None => wire::Role::Unspecified,
        Some(Role::Viewer) => wire::Role::Viewer,
        Some(Role::Editor) => wire::Role::Editor,
        Some(Role::Owner) => wire::Role::Owner,
    };
    let permissions = permissions.iter().map(ToString::to_string).collect();
    wire::CheckPermissionResponse { role: role.into(), permissions }
}

fn check_format(format: i32) -> Result<(), Error> {
    match wire::DatasetFormat::try_from(format) {
        // Unspecified: there is one format so far, and whether it is that is found out from the files.
        Ok(wire::DatasetFormat::Unspecified | wire::DatasetFormat::ImageFolder) => Ok(()),
        Ok(_) | Err(_) => Err(Error::invalid("start.dataset.format", "is not known")),
    }
}

fn visibility(visibility: i32) -> Result<Visibility, Error> {
    match wire::Visibility::try_from(visibility) {
        Ok(wire::Visibility::Unspecified | wire::Visibility::Private) => Ok(Visibility::Private),
        Ok(wire::Visibility::Public) => Ok(Visibility::Public),
        Err(_) => Err(Error::invalid("start.dataset.visibility", "is not known")),
    }
}

fn share(share: wire::Share) -> Result<Share, Error> {
    let role = match wire::Role::try_from(share.role) {
        Ok(wire::Role::Viewer) => Role::Viewer,
        Ok(wire::Role::Editor) => Role::Editor,
        Ok(wire::Role::Owner) => Role::Owner,
        Ok(wire::Role::Unspecified) | Err(_) => {
            return Err(Error::invalid("start.dataset.shares.role", "must be viewer or editor"));
        }
    };
    Ok(Share { subject: share.subject, role })
}

fn timestamp(at: UnixTime) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_secs().cast_signed(), nanos: 0 }
}
