//! Lists the items of a dataset.

use clap::{Args, ValueEnum};
use hallpass_contract::labeler::{ListItemsRequest, Split};
use hallpass_contract::platform::split_service_client::SplitServiceClient;
use serde::Serialize;

use super::view;
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};

/// Which items.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset items $DATASET
  hallpass dataset items $DATASET --split train --class circle --output json")]
pub(crate) struct Items {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// Only those of this split.
    #[arg(long, value_enum)]
    split: Option<Of>,
    /// Only those of this class.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    class: String,
    #[command(flatten)]
    connection: Connection,
}

/// A split, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// To train on.
    Train,
    /// To choose between models.
    Validation,
    /// To measure the chosen one.
    Test,
    /// Of no split.
    None,
}

/// An item as it is printed.
#[derive(Debug, Serialize)]
struct ItemView {
    path: String,
    class_names: Vec<String>,
    split: &'static str,
}

/// Lists them all, page by page.
pub(super) async fn run(wanted: Items, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = named::dataset(&service, &wanted.id).await?;
    let mut client = SplitServiceClient::new(service);
    let split = match wanted.split {
        None | Some(Of::None) => Split::Unspecified,
        Some(Of::Train) => Split::Train,
        Some(Of::Validation) => Split::Validation,
        Some(Of::Test) => Split::Test,
    };
    let mut request = ListItemsRequest {
        dataset_id,
        page_size: 1000,
        page_token: String::new(),
        split: split.into(),
        unassigned: wanted.split == Some(Of::None),
        class_name: wanted.class,
    };
    let mut items = Vec::new();
    loop {
        let page = client.list_items(unary(request.clone())).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        items.extend(page.items.into_iter().map(|item| ItemView {
            split: view::split(item.split()),
            path: item.path,
            class_names: item.class_names,
        }));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    match format {
        Format::Text => output::print(&table(&items)),
        Format::Json => output::print_json(&items),
    }
}

fn table(items: &[ItemView]) -> String {
    let head = ["PATH", "SPLIT", "CLASSES"];
    let rows = items.iter().map(|item| {
        let classes = item.class_names.join(", ");
        [&item.path, item.split, &classes].map(|cell: &str| plain(cell).into_owned())
    });
    output::listing(head, rows, &["PATH", "SPLIT"])
}
