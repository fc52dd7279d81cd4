//! Leaks between splits: items of equal content of which one is trained on and the other measured with.
//!
//! Promise: equal means equal bytes. Pictures that were scaled or saved anew are not found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hallpass_contract::labeler::{ListItemsRequest, ListSnapshotFilesRequest, Split};
use hallpass_contract::platform::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::platform::split_service_client::SplitServiceClient;
use serde::Serialize;
use tonic::Status;

use super::view;
use crate::caller::{Service, unary};
use crate::output::plain;

/// So many are asked for at a time.
const AT_ONCE: i32 = 1000;
/// At most so many leaks are printed for people.
const PRINTED: usize = 20;

/// Items of equal content in more than one split.
#[derive(Debug, Serialize)]
pub(super) struct Leak {
    items: Vec<Leaked>,
}

#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Leaked {
    split: &'static str,
    path: String,
}

/// What is in which split, by content.
#[derive(Debug, Default)]
struct Contents(BTreeMap<Vec<u8>, Vec<Leaked>>);

impl Contents {
    fn add(&mut self, sha256: Vec<u8>, split: Split, path: String) {
        if split != Split::Unspecified {
            self.0.entry(sha256).or_default().push(Leaked { split: view::split(split), path });
        }
    }

    fn leaks(self) -> Vec<Leak> {
        let several = |items: &[Leaked]| items.iter().any(|item| item.split != items[0].split);
        let mut leaks: Vec<_> = self
            .0
            .into_values()
            .filter(|items| several(items))
            .map(|items| Leak { items })
            .collect();
        leaks.sort_by(|one, other| one.items.cmp(&other.items));
        leaks
    }
}

/// The leaks of a dataset.
pub(super) async fn of_dataset(service: Service, id: &str) -> Result<Vec<Leak>, Status> {
    let (mut client, mut contents) = (SplitServiceClient::new(service), Contents::default());
    let dataset_id = id.to_owned();
    let mut request = ListItemsRequest { dataset_id, page_size: AT_ONCE, ..Default::default() };
    loop {
        let page = client.list_items(unary(request.clone())).await?.into_inner();
        for item in page.items {
            contents.add(item.sha256.to_vec(), item.split(), item.path);
        }
        if page.next_page_token.is_empty() {
            return Ok(contents.leaks());
        }
        request.page_token = page.next_page_token;
    }
}

/// The leaks of a snapshot.
pub(super) async fn of_snapshot(service: Service, id: &str) -> Result<Vec<Leak>, Status> {
    let (mut client, mut contents) = (SnapshotServiceClient::new(service), Contents::default());
    let (snapshot_id, page_token) = (id.to_owned(), String::new());
    let mut request = ListSnapshotFilesRequest { snapshot_id, page_size: AT_ONCE, page_token };
    loop {
        let page = client.list_snapshot_files(unary(request.clone())).await?.into_inner();
        for found in page.files {
            let split = found.split();
            let file = found.file.unwrap_or_default();
            contents.add(file.sha256.to_vec(), split, file.path);
        }
        if page.next_page_token.is_empty() {
            return Ok(contents.leaks());
        }
        request.page_token = page.next_page_token;
    }
}

/// A line that counts them, and a line for each of the first.
pub(super) fn to_text(leaks: &[Leak]) -> String {
    if leaks.is_empty() {
        return "leaks between splits: none\n".to_owned();
    }
    let mut text = format!(
        "leaks between splits: {} (equal files in more than one split; hallpass dataset split keeps them together)\n",
        leaks.len()
    );
    for leak in leaks.iter().take(PRINTED) {
        let named = leak.items.iter().map(|item| format!("{} {}", item.split, plain(&item.path)));
        let _ = writeln!(text, "  {}", named.collect::<Vec<_>>().join(" = "));
    }
    if leaks.len() > PRINTED {
        let _ = writeln!(text, "  and {} more", leaks.len() - PRINTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_two_splits_leaks() {
        let mut contents = Contents::default();
        for (content, split, path) in [
            (1, Split::Train, "b.png"),
            (1, Split::Test, "a.png"),
            (1, Split::Train, "c.png"),
            (2, Split::Train, "d.png"),
            (2, Split::Train, "e.png"),
            (3, Split::Train, "f.png"),
            (3, Split::Unspecified, "g.png"),
        ] {
            contents.add(vec![content], split, path.to_owned());
        }
        let text = to_text(&contents.leaks());
        assert!(text.ends_with("\n  train b.png = test a.png = train c.png\n"), "{text}");
        assert!(text.starts_with("leaks between splits: 1 "), "{text}");
        assert_eq!(to_text(&Contents::default().leaks()), "leaks between splits: none\n");
    }
}
