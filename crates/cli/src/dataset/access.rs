//! Who may use a dataset, as its owner says it, with a token for just that.

use clap::{Args, ValueEnum};
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::{
    Dataset, GrantPermissionRequest, ListPermissionsRequest, RevokePermissionRequest, Role,
    SetVisibilityRequest, TransferOwnershipRequest, Visibility,
};
use hallpass_contract::platform::permission_service_client::PermissionServiceClient;
use serde_json::json;
use tonic::Request;

use super::import::Shared;
use super::{print, view};
use crate::action::{self, Elevation};
use crate::caller::{Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};

/// Which dataset.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset access $DATASET\n  hallpass dataset access $DATASET --output json"
)]
pub(crate) struct Access {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// A dataset that is to be changed.
#[derive(Debug, Args)]
struct Changed {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// Change it only if it still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// Who is to have which part.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset share $DATASET bob:viewer
  hallpass dataset share $DATASET carol:editor --etag $ETAG")]
pub(crate) struct Share {
    #[command(flatten)]
    dataset: Changed,
    /// The user and the role, viewer or editor.
    #[arg(value_name = "USER:ROLE")]
    with: Shared,
}

/// Whose part is to go.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset unshare $DATASET bob")]
pub(crate) struct Unshare {
    #[command(flatten)]
    dataset: Changed,
    /// The user.
    #[arg(value_name = "USER")]
    user: String,
}

/// What everyone is to read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset publish $DATASET")]
pub(crate) struct Publish {
    #[command(flatten)]
    dataset: Changed,
}

/// What not everyone is to read any more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset unpublish $DATASET")]
pub(crate) struct Unpublish {
    #[command(flatten)]
    dataset: Changed,
}

/// Who is to own it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset transfer $DATASET bob
  hallpass dataset transfer $DATASET bob --keep viewer")]
pub(crate) struct Transfer {
    #[command(flatten)]
    dataset: Changed,
    /// The user who is to own it.
    #[arg(value_name = "USER")]
    new_owner: String,
    /// What you are to be afterwards [default: nothing].
    #[arg(long, value_enum, value_name = "ROLE")]
    keep: Option<Part>,
}

/// A part in a dataset.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// May read.
    Viewer,
    /// May read and write.
    Editor,
}

type Client = PermissionServiceClient<Service>;

/// Lists who may use a dataset.
pub(super) async fn list(wanted: Access, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = named::dataset(&service, &wanted.id).await?;
    let mut client = Client::new(service);
    let mut request = ListPermissionsRequest { dataset_id, ..Default::default() };
    let mut shares = Vec::new();
    let (owner, visibility) = loop {
        let page =
            client.list_permissions(unary(request.clone())).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        let visibility = view::visibility(page.visibility());
        shares.extend(page.shares);
        if page.next_page_token.is_empty() {
            break (page.owner, visibility);
        }
        request.page_token = page.next_page_token;
    };
    let parts = shares.iter().map(|share| (share.subject.as_str(), view::role(share.role())));
    match format {
        Format::Text => {
            let own = std::iter::once((owner.as_str(), "owner")).chain(parts);
            let rows = own.map(|(user, role)| vec![plain(user).into_owned(), role.to_owned()]);
            output::print(&format!("{visibility}\n{}", output::table(&rows.collect::<Vec<_>>())))
        }
        Format::Json => {
            let shares = parts.map(|(user, role)| json!({ "subject": user, "role": role }));
            let shares: Vec<_> = shares.collect();
            output::print_json(
                &json!({ "owner": owner, "visibility": visibility, "shares": shares }),
            )
        }
    }
}

/// Gives a part.
pub(super) async fn share(wanted: Share, format: Format) -> Result<(), Failure> {
    let share = wire::Share { subject: wanted.with.subject, role: wanted.with.role.into() };
    let (service, dataset_id, etag) = wanted.dataset.find().await?;
    let message = GrantPermissionRequest { dataset_id, share: Some(share), etag };
    let (mut client, request) =
        wanted.dataset.elevated(service, "GrantPermission", message).await?;
    let answer = client.grant_permission(request).await.map_err(|s| refused(&s))?;
    say(answer.into_inner().dataset, format)
}

/// Takes a part away.
pub(super) async fn unshare(wanted: Unshare, format: Format) -> Result<(), Failure> {
    let (service, dataset_id, etag) = wanted.dataset.find().await?;
    let message = RevokePermissionRequest { dataset_id, subject: wanted.user, etag };
    let (mut client, request) =
        wanted.dataset.elevated(service, "RevokePermission", message).await?;
    let answer = client.revoke_permission(request).await.map_err(|s| refused(&s))?;
    say(answer.into_inner().dataset, format)
}

/// Makes it public.
pub(super) async fn publish(wanted: Publish, format: Format) -> Result<(), Failure> {
    set_visibility(wanted.dataset, Visibility::Public, format).await
}

/// Makes it private.
pub(super) async fn unpublish(wanted: Unpublish, format: Format) -> Result<(), Failure> {
    set_visibility(wanted.dataset, Visibility::Private, format).await
}

async fn set_visibility(
    dataset: Changed,
    visibility: Visibility,
    format: Format,
) -> Result<(), Failure> {
    let (service, dataset_id, etag) = dataset.find().await?;
    let message = SetVisibilityRequest { dataset_id, visibility: visibility.into(), etag };
    let (mut client, request) = dataset.elevated(service, "SetVisibility", message).await?;
    let answer = client.set_visibility(request).await.map_err(|s| refused(&s))?;
    say(answer.into_inner().dataset, format)
}

/// Gives it away.
pub(super) async fn transfer(wanted: Transfer, format: Format) -> Result<(), Failure> {
    let role = match wanted.keep {
        None => Role::Unspecified,
        Some(Part::Viewer) => Role::Viewer,
        Some(Part::Editor) => Role::Editor,
    };
    let (service, dataset_id, etag) = wanted.dataset.find().await?;
    let message = TransferOwnershipRequest {
        dataset_id,
        new_owner: wanted.new_owner,
        former_owner_role: role.into(),
        etag,
    };
    let (mut client, request) =
        wanted.dataset.elevated(service, "TransferOwnership", message).await?;
    let answer = client.transfer_ownership(request).await.map_err(|s| refused(&s))?;
    say(answer.into_inner().dataset, format)
}

impl Changed {
    /// The service, the dataset's id, and the etag that it must have.
    async fn find(&self) -> Result<(Service, String, String), Failure> {
        let service = self.connection.open_as_caller().await?;
        let id = named::dataset(&service, &self.id).await?;
        Ok((service, id, self.etag.clone()))
    }

    /// The service, and the request as its rule wants it.
    async fn elevated<T>(
        &self,
        service: Service,
        method: &str,
        message: T,
    ) -> Result<(Client, Request<T>), Failure> {
        let path = format!("/hallpass.platform.v1.PermissionService/{method}");
        let request = action::request(&service, &path, message, &self.elevation).await?;
        Ok((Client::new(service), request))
    }
}

fn say(dataset: Option<Dataset>, format: Format) -> Result<(), Failure> {
    print(&dataset.unwrap_or_default().into(), format)
}
