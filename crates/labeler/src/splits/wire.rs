//! Between the messages of `SplitService` and the domain.

use hallpass_contract::labeler as wire;
use wire::assign_splits_request::By;

use crate::datasets::wire::split;
use crate::error::Error;
use crate::model::dataset::Split;
use crate::splits::items::{Item, ItemFilter, ItemPage, SplitRule};
use crate::splits::ratios::Ratios;
use crate::splits::units::GroupBy;
use hallpass_formats::DEEPEST_PATH;

/// The longest name of a class, in bytes: a part of a path.
const LONGEST_CLASS: usize = 255;

/// Which items a client asks for.
pub(crate) fn item_filter(request: &wire::ListItemsRequest) -> Result<ItemFilter, Error> {
    let split = match (split_from(request.split)?, request.unassigned) {
        (Some(_), true) => {
            return Err(Error::invalid("unassigned", "must not be set where split is"));
        }
        (Some(split), false) => Some(Some(split)),
        (None, unassigned) => unassigned.then_some(None),
    };
    let name = &request.class_name;
    if name.len() > LONGEST_CLASS {
        return Err(Error::invalid("class_name", "must have at most 255 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("class_name", "must not hold control characters"));
    }
    Ok(ItemFilter { split, class_name: Some(name.clone()).filter(|name| !name.is_empty()) })
}

/// A page of items.
pub(crate) fn items(page: ItemPage) -> wire::ListItemsResponse {
    let item = |item: Item| wire::Item {
        path: item.path,
        class_names: item.class_names,
        split: item.split.map_or(wire::Split::Unspecified, split).into(),
        sha256: item.sha256.to_vec().into(),
    };
    let items = page.items.into_iter().map(item).collect();
    wire::ListItemsResponse { items, next_page_token: page.next_page_token }
}

/// How a dataset is to be split.
pub(crate) fn split_rule(by: Option<By>) -> Result<SplitRule, Error> {
    match by {
        Some(By::Ratios(by)) => {
            let ratios = [by.train, by.validation, by.test];
            let ratios = Ratios::new(ratios, by.seed, by.stratify);
            let ratios = ratios.map_err(|error| error.within("ratios"))?;
            let group_by = by.group_by.map(group_by).transpose()?;
            Ok(SplitRule::Ratios { ratios, group_by })
        }
        Some(By::Lists(by)) => {
            let lists = [
                ("train", Split::Train, by.train),
                ("validation", Split::Validation, by.validation),
                ("test", Split::Test, by.test),
            ];
            SplitRule::lists(lists, by.keep_others, by.allow_leaks)
                .map_err(|error| error.within("lists"))
        }
        None => Err(Error::invalid("ratios", "must be set, or else lists")),
    }
}

/// What is to stay together.
fn group_by(by: wire::split_ratios::GroupBy) -> Result<GroupBy, Error> {
    match by {
        wire::split_ratios::GroupBy::Folder(0) => Ok(GroupBy::Folder),
        wire::split_ratios::GroupBy::Folder(level) => {
            let level = usize::try_from(level).ok().filter(|level| *level < DEEPEST_PATH);
            let problem = format!("must be below {DEEPEST_PATH}, the most parts of a path");
            level.map(GroupBy::FolderAt).ok_or_else(|| Error::invalid("ratios.folder", problem))
        }
        wire::split_ratios::GroupBy::Column(name) => {
            if name.trim().is_empty() || name.len() > LONGEST_CLASS {
                return Err(Error::invalid("ratios.column", "must have 1 to 255 bytes"));
            }
            Ok(GroupBy::Column(name))
        }
    }
}

/// The split, if one is said.
fn split_from(split: i32) -> Result<Option<Split>, Error> {
    match wire::Split::try_from(split) {
        Ok(wire::Split::Unspecified) => Ok(None),
        Ok(wire::Split::Train) => Ok(Some(Split::Train)),
        Ok(wire::Split::Validation) => Ok(Some(Split::Validation)),
        Ok(wire::Split::Test) => Ok(Some(Split::Test)),
        Err(_) => Err(Error::invalid("split", "is not known; right: train, validation or test")),
    }
}
