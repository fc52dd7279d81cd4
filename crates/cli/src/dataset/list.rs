//! Lists datasets.

use clap::{Args, ValueEnum};
use hallpass_contract::labeler::{DatasetFilter, DatasetOrder, ListDatasetsRequest, Visibility};

use super::import::Layout;
use super::open;
use super::view::{self, DatasetView};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format};

/// Which, and in which order.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset list
  hallpass dataset list --name shapes --order biggest
  hallpass dataset list --visibility public --class circle --output json")]
pub(crate) struct List {
    /// Only those whose name holds this text.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    name: String,
    /// Only those that are laid out so.
    #[arg(long, value_enum)]
    format: Option<Layout>,
    /// Only those of this user.
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    owner: String,
    /// Only those that are visible so.
    #[arg(long, value_enum)]
    visibility: Option<Seen>,
    /// Only those with a class of this name.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    class: String,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Newest)]
    order: Order,
    #[command(flatten)]
    connection: Connection,
}

/// Who may read it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Seen {
    /// Its owner, and those it is shared with.
    Private,
    /// Everyone.
    Public,
}

/// In which order.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// By name.
    Name,
    /// The biggest first.
    Biggest,
    /// The last changed first.
    LastChanged,
}

/// Lists them all, page by page.
pub(super) async fn run(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let mut request = request(wanted);
    let mut datasets = Vec::new();
    loop {
        let page = client.list_datasets(unary(request.clone())).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        datasets.extend(page.datasets.into_iter().map(DatasetView::from));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    match format {
        Format::Text => output::print(&view::table(&datasets)),
        Format::Json => output::print_json(&datasets),
    }
}

fn request(wanted: &List) -> ListDatasetsRequest {
    let visibility = match wanted.visibility {
        None => Visibility::Unspecified,
        Some(Seen::Private) => Visibility::Private,
        Some(Seen::Public) => Visibility::Public,
    };
    let order = match wanted.order {
        Order::Newest => DatasetOrder::Newest,
        Order::Oldest => DatasetOrder::Oldest,
        Order::Name => DatasetOrder::Name,
        Order::Biggest => DatasetOrder::Biggest,
        Order::LastChanged => DatasetOrder::LastChanged,
    };
    let filter = DatasetFilter {
        name_contains: wanted.name.clone(),
        format: wanted.format.map_or_else(Default::default, |format| format.to_wire().into()),
        owner: wanted.owner.clone(),
        visibility: visibility.into(),
        class_name: wanted.class.clone(),
    };
    ListDatasetsRequest { filter: Some(filter), order_by: order.into(), ..Default::default() }
}
