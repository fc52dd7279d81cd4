//! Between the contract's messages and the domain. Everything a client sends is checked here or where it is made.

use hallpass_contract::labeler as wire;
use hallpass_token::UnixTime;
use wire::create_dataset_request::Part;

use crate::error::Error;
use crate::model::access::{Kind, Role, Visibility};
use crate::model::dataset::{Class, Dataset, Format, Share, Split};
use crate::model::ids::RequestId;
use crate::model::spec::{self, Spec, Wish};
use crate::uploads::stream::Message;
use crate::uploads::writer::Piece;
use hallpass_formats::shown;

/// The longest id that is looked at, in bytes: as long as the adapter lets ids be.
const LONGEST_ID: usize = 256;

/// The first message of an upload.
pub(crate) fn start(message: wire::CreateDatasetRequest) -> Result<Spec, Error> {
    let Some(Part::Start(start)) = message.part else {
        return Err(Error::invalid("start", "must be in the first message"));
    };
    let request = request_id(&start.request_id).map_err(|error| error.within("start"))?;
    let dataset = start.dataset.ok_or_else(|| Error::invalid("start.dataset", "must be set"))?;
    let spec = wish(dataset).and_then(|wish| Spec::new(wish, request));
    spec.map_err(|error| error.within("start.dataset"))
}

/// What makes a call idempotent, if it is to be.
pub(crate) fn request_id(text: &str) -> Result<Option<RequestId>, Error> {
    let parsed = RequestId::parse(text);
    if parsed.is_none() && !text.is_empty() {
        let problem = "must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000";
        return Err(Error::invalid("request_id", problem));
    }
    Ok(parsed)
}

/// What a client wants. Errors name the message's field.
pub(crate) fn wish(spec: wire::DatasetSpec) -> Result<Wish, Error> {
    Ok(Wish {
        display_name: spec.display_name,
        description: spec.description,
        format: format_from(spec.format).map_err(|problem| Error::invalid("format", problem))?,
        visibility: visibility_from(spec.visibility)?.unwrap_or_default(),
        shares: spec.shares.into_iter().map(share_from).collect::<Result<_, _>>()?,
    })
}

/// A later message of an upload.
pub(crate) fn piece(
    message: Result<wire::CreateDatasetRequest, tonic::Status>,
) -> Result<Message, Error> {
    match message.map_err(Error::BrokenOff)?.part {
        Some(Part::Chunk(chunk)) => {
            Ok(Message::Piece(Piece { path: chunk.path, data: chunk.data }))
        }
        Some(Part::Start(_)) => Err(Error::invalid("start", "must be in the first message only")),
        None => Err(Error::invalid("chunk", "must be set")),
    }
}

/// A dataset as others see it.
pub(crate) fn dataset(dataset: Dataset) -> wire::Dataset {
    let storage_path = dataset.storage_path();
    let class =
        |class: Class| wire::DatasetClass { name: class.name, item_count: class.item_count };
    let count = |(which, item_count)| wire::SplitCount { split: split(which).into(), item_count };
    wire::Dataset {
        dataset_id: dataset.id.as_str().to_owned(),
        display_name: dataset.display_name,
        format: format(dataset.format).into(),
        owner: dataset.owner,
        visibility: visibility(dataset.visibility).into(),
        classes: dataset.classes.into_iter().map(class).collect(),
        item_count: dataset.item_count,
        size_bytes: dataset.size_bytes,
        storage_path,
        etag: dataset.etag,
        create_time: Some(timestamp(dataset.created)),
        update_time: Some(timestamp(dataset.updated)),
        description: dataset.description,
        splits: dataset.splits.into_iter().map(count).collect(),
        file_count: dataset.file_count,
    }
}

/// The one object that a question is about.
pub(crate) fn object(request: &wire::CheckPermissionRequest) -> Result<(Kind, &str), Error> {
    let named = [
        (Kind::Dataset, "dataset_id", request.dataset_id.as_str()),
        (Kind::Snapshot, "snapshot_id", &request.snapshot_id),
        (Kind::Upload, "upload_id", &request.upload_id),
    ];
    let mut set = named.into_iter().filter(|(_, _, id)| !id.is_empty());
    match (set.next(), set.next()) {
        (Some((_, field, id)), None) if id.len() > LONGEST_ID => {
            Err(Error::invalid(field, "is too long"))
        }
        (Some((kind, _, id)), None) => Ok((kind, id)),
        (None, _) => {
            let problem = "must not be empty, unless snapshot_id or upload_id is set";
            Err(Error::invalid("dataset_id", problem))
        }
        (Some(_), Some((_, field, _))) => {
            let problem = "must be empty: one of dataset_id, snapshot_id and upload_id is asked about at a time";
            Err(Error::invalid(field, problem))
        }
    }
}

/// The name and the description that a dataset is to have, as far as the mask names them.
pub(crate) fn texts(
    request: wire::UpdateDatasetRequest,
) -> Result<(Option<String>, Option<String>), Error> {
    const FIELDS: &str = "right: display_name, description";
    let mask = request.update_mask.unwrap_or_default().paths;
    if mask.is_empty() {
        let problem = format!("must name what is to change; {FIELDS}");
        return Err(Error::invalid("update_mask", problem));
    }
    let change = request.change.unwrap_or_default();
    let (mut name, mut description) = (None, None);
    for path in &mask {
        match path.as_str() {
            "display_name" => name = Some(spec::name(&change.display_name)),
            "description" => {
                let checked = spec::check_description(&change.description);
                description = Some(checked.map(|()| change.description.clone()));
            }
            other => {
                let problem = format!("names {}, which cannot be changed; {FIELDS}", shown(other));
                return Err(Error::invalid("update_mask", problem));
            }
        }
    }
    let within = |error: Error| error.within("change");
    let name = name.transpose().map_err(within)?;
    Ok((name, description.transpose().map_err(within)?))
}

/// What a user may do to an object of this kind.
pub(crate) fn permissions(
    kind: Kind,
    held: Option<Role>,
    bucket: &str,
) -> wire::CheckPermissionResponse {
    let permissions = held.map_or(&[][..], |held| kind.permissions(held));
    let permissions: Vec<_> = permissions.iter().map(ToString::to_string).collect();
    let role = role(held).into();
    let bucket = if permissions.is_empty() { String::new() } else { bucket.to_owned() };
    wire::CheckPermissionResponse { role, permissions, bucket }
}

/// The format, unless it is to be found out.
pub(crate) fn format_from(format: i32) -> Result<Option<Format>, &'static str> {
    match wire::DatasetFormat::try_from(format) {
        Ok(wire::DatasetFormat::Unspecified) => Ok(None),
        Ok(wire::DatasetFormat::ImageFolder) => Ok(Some(Format::ImageFolder)),
        Ok(wire::DatasetFormat::Coco) => Ok(Some(Format::Coco)),
        Ok(wire::DatasetFormat::Yolo) => Ok(Some(Format::Yolo)),
        Ok(wire::DatasetFormat::Csv) => Ok(Some(Format::Csv)),
        Err(_) => Err("is not known; right: image folder, COCO, YOLO or CSV"),
    }
}

/// The visibility, if one is said.
pub(crate) fn visibility_from(visibility: i32) -> Result<Option<Visibility>, Error> {
    match wire::Visibility::try_from(visibility) {
        Ok(wire::Visibility::Unspecified) => Ok(None),
        Ok(wire::Visibility::Private) => Ok(Some(Visibility::Private)),
        Ok(wire::Visibility::Public) => Ok(Some(Visibility::Public)),
        Err(_) => Err(Error::invalid("visibility", "is not known; right: private or public")),
    }
}

/// The role, if one is said that is known.
pub(crate) fn role_from(role: i32) -> Option<Role> {
    match wire::Role::try_from(role) {
        Ok(wire::Role::Viewer) => Some(Role::Viewer),
        Ok(wire::Role::Editor) => Some(Role::Editor),
        Ok(wire::Role::Owner) => Some(Role::Owner),
        Ok(wire::Role::Unspecified) | Err(_) => None,
    }
}

/// How a role is sent.
pub(crate) const fn role(role: Option<Role>) -> wire::Role {
    match role {
        None => wire::Role::Unspecified,
        Some(Role::Viewer) => wire::Role::Viewer,
        Some(Role::Editor) => wire::Role::Editor,
        Some(Role::Owner) => wire::Role::Owner,
    }
}

/// How a format is sent.
pub(crate) const fn format(format: Format) -> wire::DatasetFormat {
    match format {
        Format::ImageFolder => wire::DatasetFormat::ImageFolder,
        Format::Coco => wire::DatasetFormat::Coco,
        Format::Yolo => wire::DatasetFormat::Yolo,
        Format::Csv => wire::DatasetFormat::Csv,
    }
}

/// How a visibility is sent.
pub(crate) const fn visibility(visibility: Visibility) -> wire::Visibility {
    match visibility {
        Visibility::Private => wire::Visibility::Private,
        Visibility::Public => wire::Visibility::Public,
    }
}

/// How a split is sent.
pub(crate) const fn split(split: Split) -> wire::Split {
    match split {
        Split::Train => wire::Split::Train,
        Split::Validation => wire::Split::Validation,
        Split::Test => wire::Split::Test,
    }
}

/// How a share is sent.
pub(crate) fn share(share: Share) -> wire::Share {
    wire::Share { subject: share.subject, role: role(Some(share.role)).into() }
}

/// A part that an owner gives to another user.
pub(crate) fn granted(share: wire::Share) -> Result<Share, Error> {
    let role = match role_from(share.role) {
        Some(Role::Owner) => {
            let problem = "a dataset has one owner; right: viewer or editor, or TransferOwnership";
            return Err(Error::invalid("role", problem));
        }
        role => role.ok_or_else(|| Error::invalid("role", "must be viewer or editor"))?,
    };
    spec::check_subject("subject", &share.subject)?;
    Ok(Share { subject: share.subject, role })
}

/// What a former owner is to be.
pub(crate) fn former(role: i32) -> Result<Option<Role>, Error> {
    let problem = "must be viewer, editor or unspecified: a dataset has one owner";
    match (role_from(role), role) {
        (Some(Role::Owner), _) => Err(Error::invalid("former_owner_role", problem)),
        (None, unknown) if unknown != 0 => Err(Error::invalid("former_owner_role", problem)),
        (former, _) => Ok(former),
    }
}

fn share_from(share: wire::Share) -> Result<Share, Error> {
    let role = role_from(share.role);
    let role = role.ok_or_else(|| Error::invalid("shares.role", "must be viewer or editor"))?;
    Ok(Share { subject: share.subject, role })
}

/// An instant as it is sent.
pub(crate) fn timestamp(at: UnixTime) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_secs().cast_signed(), nanos: 0 }
}
