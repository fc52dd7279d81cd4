//! The list of datasets: what a client may ask for, checked, and the page that answers it.

use hallpass_contract::can::ReadDataset;
use hallpass_contract::{labeler as wire, storage};
use hallpass_policy::{Seen, Visible};

use crate::database::{Filter, Listed, Order, Query};
use crate::datasets::store::{Datasets, HEAVIEST_ANSWER};
use crate::datasets::wire::{format_from, visibility_from};
use crate::error::Error;
use crate::model::spec::{LONGEST_NAME, check_subject};
use crate::page::{self, Listing, Page, PageRequest};

/// The longest name of a class, in bytes: a part of a path.
const LONGEST_CLASS: usize = 255;

/// What a client asks of the list.
#[derive(Debug)]
pub(crate) struct Asked {
    filter: Filter,
    order: Order,
    page: PageRequest,
}

impl Asked {
    /// Checks a request.
    pub(crate) fn parse(request: wire::ListDatasetsRequest) -> Result<Self, Error> {
        let filter = filter(request.filter.unwrap_or_default());
        Ok(Self {
            filter: filter.map_err(|error| error.within("filter"))?,
            order: order(request.order_by)?,
            page: page::request(request.page_size, request.page_token)?,
        })
    }
}

impl Datasets {
    /// One page of what the proof's holder may read.
    pub(crate) async fn list(
        &self,
        visible: &Visible<ReadDataset>,
        asked: Asked,
    ) -> Result<Seen<Page>, Error> {
        // All datasets lie in one bucket: whoever may not list it sees none.
        if storage::check(visible.permit(), self.settings.bucket()).is_err() {
            return visible.look(|_| async { Ok(Page::default()) }).await;
        }
        visible.look(|subject| self.page(subject, asked)).await
    }

    async fn page(&self, subject: &str, asked: Asked) -> Result<Page, Error> {
        let Asked { filter, order, page } = asked;
        let behind = Listing { subject, filter: &filter, order }.open(&self.pages, &page.token)?;
        let query = Query { filter, order, behind, most: page.size + 1 };
        let mut listed = self.database.visible(subject, &query, HEAVIEST_ANSWER).await?;
        let fits = fitting(&listed, page.size as usize);
        let more = listed.len() > fits;
        listed.truncate(fits);
        let listing = Listing { subject, filter: &query.filter, order };
        let next_page_token = match listed.last() {
            Some(last) if more => listing.seal(&self.pages, &last.position(order))?,
            _ => String::new(),
        };
        let datasets = listed.into_iter().map(|listed| listed.dataset).collect();
        Ok(Page { datasets, next_page_token })
    }
}

/// How many of these an answer can carry: at least one.
fn fitting(listed: &[Listed], most: usize) -> usize {
    let weights = listed.iter().scan(0, |sum, listed| {
        *sum += listed.dataset.weight();
        Some(*sum)
    });
    weights.take(most).take_while(|sum| *sum <= HEAVIEST_ANSWER).count().max(1)
}

fn filter(filter: wire::DatasetFilter) -> Result<Filter, Error> {
    if filter.name_contains.chars().nth(LONGEST_NAME).is_some() {
        return Err(Error::invalid("name_contains", "must have at most 200 characters"));
    }
    if filter.class_name.len() > LONGEST_CLASS {
        return Err(Error::invalid("class_name", "must have at most 255 bytes"));
    }
    for (field, text) in
        [("name_contains", &filter.name_contains), ("class_name", &filter.class_name)]
    {
        if text.chars().any(char::is_control) {
            return Err(Error::invalid(field, "must not hold control characters"));
        }
    }
    if !filter.owner.is_empty() {
        check_subject("owner", &filter.owner)?;
    }
    let set = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Filter {
        name_contains: filter.name_contains,
        format: format_from(filter.format).map_err(|problem| Error::invalid("format", problem))?,
        owner: set(filter.owner),
        visibility: visibility_from(filter.visibility)?,
        class_name: set(filter.class_name),
    })
}

fn order(order: i32) -> Result<Order, Error> {
    match wire::DatasetOrder::try_from(order) {
        Ok(wire::DatasetOrder::Unspecified | wire::DatasetOrder::Newest) => Ok(Order::Newest),
        Ok(wire::DatasetOrder::Oldest) => Ok(Order::Oldest),
        Ok(wire::DatasetOrder::Name) => Ok(Order::Name),
        Ok(wire::DatasetOrder::Biggest) => Ok(Order::Biggest),
        Ok(wire::DatasetOrder::LastChanged) => Ok(Order::LastChanged),
        Err(_) => Err(Error::invalid(
            "order_by",
            "is not known; right: newest, oldest, name, biggest or last changed",
        )),
    }
}
