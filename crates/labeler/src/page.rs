//! Pages of the list of datasets and the tokens that lead from one to the next.
//!
//! Invariant: a page token opens only for the caller, the filter and the order that it was made for, and shows none of the place
//! that it leads to.

pub(crate) use hallpass_store::{PageKey, PageRequest};

use crate::database::{Filter, Order, Position};
use crate::error::Error;
use crate::model::dataset::{Dataset, Format};

/// One page of datasets.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The datasets, in the order asked for.
    pub(crate) datasets: Vec<Dataset>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// What a client asks for.
pub(crate) fn request(size: i32, token: String) -> Result<PageRequest, Error> {
    PageRequest::new(size, token).map_err(|error| Error::invalid("page_size", error.to_string()))
}

/// A list as one subject sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    /// Who looks.
    pub(crate) subject: &'a str,
    /// At what.
    pub(crate) filter: &'a Filter,
    /// How it is sorted.
    pub(crate) order: Order,
}

impl Listing<'_> {
    /// A token for what comes behind this position.
    pub(crate) fn seal(self, pages: &PageKey, position: &Position) -> Result<String, Error> {
        pages.seal(&self.query(), &encoded(position)).map_err(|_| Error::Chance)
    }

    /// The position that a token leads to; `None` without a token.
    pub(crate) fn open(self, pages: &PageKey, token: &str) -> Result<Option<Position>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let position = pages.open(&self.query(), token);
        let position = position.and_then(|position| decoded(&position, self.order));
        position.map(Some).ok_or_else(|| {
            let problem =
                "must come from the page before, of the same list: the same user, filter and order";
            Error::invalid("page_token", problem)
        })
    }

    fn query(&self) -> [&str; 8] {
        let Filter { name_contains, format, owner, visibility, class_name } = self.filter;
        // No user's id and no class name is empty.
        [
            "ListDatasets",
            self.subject,
            self.order.name(),
            name_contains,
            format.map_or("", Format::as_str),
            owner.as_deref().unwrap_or_default(),
            visibility.map_or("", |visibility| visibility.as_str()),
            class_name.as_deref().unwrap_or_default(),
        ]
    }
}

/// The number, then what else the order goes by.
fn encoded(position: &Position) -> Vec<u8> {
    match position {
        Position::Number(number) => number.to_be_bytes().to_vec(),
        Position::Text(text, number) => [&number.to_be_bytes(), text.as_bytes()].concat(),
        Position::Integer(integer, number) => {
            [number.to_be_bytes(), integer.to_be_bytes()].concat()
        }
    }
}

fn decoded(bytes: &[u8], order: Order) -> Option<Position> {
    let (number, rest) = bytes.split_first_chunk()?;
    let number = i64::from_be_bytes(*number);
    match order {
        Order::Newest | Order::Oldest => rest.is_empty().then_some(Position::Number(number)),
        Order::Name => Some(Position::Text(String::from_utf8(rest.to_vec()).ok()?, number)),
        Order::Biggest | Order::LastChanged => {
            Some(Position::Integer(i64::from_be_bytes(rest.try_into().ok()?), number))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;
    use crate::model::access::Visibility;

    const ORDERS: [Order; 5] =
        [Order::Newest, Order::Oldest, Order::Name, Order::Biggest, Order::LastChanged];

    fn place(order: Order) -> Position {
        match order {
            Order::Newest | Order::Oldest => Position::Number(7),
            Order::Name => Position::Text("cats".into(), 7),
            Order::Biggest | Order::LastChanged => Position::Integer(-1, 7),
        }
    }

    #[test]
    fn a_token_opens_for_its_user_filter_and_order_only() {
        let key = PageKey::new(&[7; 32]).unwrap();
        let filters = [
            Filter::default(),
            Filter { name_contains: "cats".into(), ..Filter::default() },
            Filter { owner: Some("cats".into()), ..Filter::default() },
            Filter { class_name: Some("cats".into()), ..Filter::default() },
            Filter { format: Some(Format::Coco), ..Filter::default() },
            Filter { visibility: Some(Visibility::Public), ..Filter::default() },
        ];
        let mut listings = Vec::new();
        for subject in ["alice", "bob"] {
            for filter in &filters {
                listings.extend(ORDERS.map(|order| Listing { subject, filter, order }));
            }
        }
        for (made, for_this) in listings.iter().enumerate() {
            let token = for_this.seal(&key, &place(for_this.order)).unwrap();
            for (opened, by_this) in listings.iter().enumerate() {
                let position = by_this.open(&key, &token).ok().flatten();
                assert_eq!(position, (made == opened).then(|| place(for_this.order)));
            }
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let size = |size| request(size, String::new()).map(|page| page.size).ok();
        assert_eq!([0, 1, 1000, 1001].map(size), [50, 1, 1000, 1000].map(Some));
        assert_eq!(size(-1), None);
    }
}
