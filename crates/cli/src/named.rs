//! Finds the id of a dataset, a snapshot or a job that is given by its name.
//!
//! Invariant: what has an id's form is taken as one and asks nothing; a name that several have is refused with their ids.

use hallpass_contract::labeler::{
    Dataset, DatasetFilter, ListDatasetsRequest, ListSnapshotsRequest, Snapshot,
};
use hallpass_contract::platform::ListJobsRequest;
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::snapshot_service_client::SnapshotServiceClient;
use tonic::Status;

use crate::caller::{Service, refused, unary};
use crate::failure::Failure;
use crate::output::plain;

/// How long a page may be.
const PAGE: i32 = 1000;

/// The id of a dataset that the caller may read, given by id or by name.
pub(crate) async fn dataset(service: &Service, given: &str) -> Result<String, Failure> {
    if has_form("ds_", given) {
        return Ok(given.to_owned());
    }
    let found = datasets(service, given).await?;
    one("dataset", "ds_", given, &found)
}

/// The id of a snapshot, given by id or as DATASET/NAME.
pub(crate) async fn snapshot(service: &Service, given: &str) -> Result<String, Failure> {
    if has_form("sn_", given) {
        return Ok(given.to_owned());
    }
    match given.rsplit_once('/') {
        Some((of, name)) => snapshot_of(service, of, name).await,
        None => one("snapshot", "sn_", given, &[]),
    }
}

/// The id of a dataset or of a snapshot, of whichever one of these was given.
pub(crate) async fn dataset_or_snapshot(service: &Service, given: &str) -> Result<String, Failure> {
    if has_form("ds_", given) || has_form("sn_", given) {
        return Ok(given.to_owned());
    }
    // A dataset's name may have a slash.
    let found = datasets(service, given).await?;
    match given.rsplit_once('/').filter(|_| found.is_empty()) {
        Some((of, name)) => snapshot_of(service, of, name).await,
        None if given.starts_with("sn_") && found.is_empty() => Ok(given.to_owned()),
        None => one("dataset", "ds_", given, &found),
    }
}

/// The id of one of the caller's jobs, given by id or by name.
pub(crate) async fn job(service: &Service, given: &str) -> Result<String, Failure> {
    if has_form("job_", given) {
        return Ok(given.to_owned());
    }
    let mut client = JobServiceClient::new(service.clone());
    let mut request = ListJobsRequest { page_size: PAGE, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = client.list_jobs(unary(request.clone())).await;
        let page = page.map_err(|status| unlisted("job", &status))?.into_inner();
        let named = page.jobs.into_iter().filter(|job| job.display_name == given);
        found.extend(named.map(|job| job.job_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return one("job", "job_", given, &found);
        }
    }
}

async fn datasets(service: &Service, name: &str) -> Result<Vec<String>, Failure> {
    let mut client = DatasetServiceClient::new(service.clone());
    let filter = DatasetFilter { name_contains: name.to_owned(), ..Default::default() };
    let mut request =
        ListDatasetsRequest { filter: Some(filter), page_size: PAGE, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = client.list_datasets(unary(request.clone())).await;
        let page = page.map_err(|status| unlisted("dataset", &status))?.into_inner();
        let named = page.datasets.into_iter().filter(|of: &Dataset| of.display_name == name);
        found.extend(named.map(|of| of.dataset_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(found);
        }
    }
}

async fn snapshot_of(service: &Service, of: &str, name: &str) -> Result<String, Failure> {
    let dataset_id = dataset(service, of).await?;
    let mut client = SnapshotServiceClient::new(service.clone());
    let mut request = ListSnapshotsRequest { dataset_id, page_size: PAGE, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = client.list_snapshots(unary(request.clone())).await;
        let page = page.map_err(|status| unlisted("snapshot", &status))?.into_inner();
        let is = |of: &Snapshot| of.display_name == name || of.snapshot_id == name;
        found.extend(page.snapshots.into_iter().filter(is).map(|of| of.snapshot_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return one("snapshot", "sn_", name, &found);
        }
    }
}

/// The only one that has the name. What at least begins as an id does is left to the service to know.
fn one(kind: &str, prefix: &str, given: &str, found: &[String]) -> Result<String, Failure> {
    match found {
        [id] => Ok(id.clone()),
        [] if given.starts_with(prefix) => Ok(given.to_owned()),
        [] => {
            let right = match kind {
                "snapshot" => {
                    "an id, or DATASET/NAME of one in `hallpass dataset snapshot list DATASET`"
                }
                "job" => "an id or a name of `hallpass job list`",
                _ => "an id or a name of `hallpass dataset list`",
            };
            let given = plain(given);
            Err(Failure::failed(format_args!("no {kind} has the name {given:?}; right: {right}")))
        }
        several => {
            let (count, given) = (several.len(), plain(given));
            let ids = several.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", ");
            Err(Failure::failed(format_args!(
                "{count} {kind}s have the name {given:?}; right: one of their ids, {ids}"
            )))
        }
    }
}

fn unlisted(kind: &str, status: &Status) -> Failure {
    let cause = refused(status);
    Failure::failed(format_args!(
        "{cause}; a name is looked up in the list of {kind}s: an id needs none"
    ))
}

/// Whether a text is an id: the kind's prefix and 32 hexadecimal digits.
fn has_form(prefix: &str, given: &str) -> bool {
    given.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 32 && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_once_or_refused() {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let told = |given: &str, found: &[&str]| {
            one("dataset", "ds_", given, &ids(found)).map_err(|failure| failure.to_string())
        };
        assert_eq!(told("mine", &["ds_1"]), Ok("ds_1".to_owned()));
        assert_eq!(told("ds_9", &[]), Ok("ds_9".to_owned()), "the service knows");
        let absent =
            "no dataset has the name \"mine\"; right: an id or a name of `hallpass dataset list`";
        assert_eq!(told("mine", &[]), Err(absent.to_owned()));
        let several = "2 datasets have the name \"mine\"; right: one of their ids, ds_1, ds_2";
        assert_eq!(told("mine", &["ds_1", "ds_2"]), Err(several.to_owned()));
    }

    #[test]
    fn what_has_the_form_of_an_id_is_one() {
        let id = format!("ds_{}", "0123456789abcdef".repeat(2));
        assert!(has_form("ds_", &id) && !has_form("sn_", &id));
        assert!(!has_form("ds_", "ds_train") && !has_form("ds_", &id.to_uppercase()));
    }
}
