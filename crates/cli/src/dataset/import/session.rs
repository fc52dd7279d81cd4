//! An upload from its opening to its end, whatever breaks in between.
//!
//! Invariant: before anything is sent the service is asked what it has; so each try sends only what is missing or different.

use std::collections::HashMap;
use std::time::Duration;

use hallpass_contract::labeler::{
    CancelUploadRequest, Dataset, FinishUploadRequest, ListUploadFilesRequest, UploadFile,
};
use hallpass_contract::platform::upload_service_client::UploadServiceClient;
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::parts::{Step, Wanted, parts};
use super::{Open, Opened, of_earlier_run};
use crate::caller::{Service, refused, unary};
use crate::dataset::folder::Hashed;
use crate::dataset::patience::Patience;
use crate::dataset::progress::Progress;
use crate::failure::Failure;
use crate::output::plain;

/// Platform's uploads.
pub(super) type Client = UploadServiceClient<Service>;

/// One call sends about so much, so that a token that is good when it begins is good when it ends.
const BYTES_A_CALL: u64 = 64 * 1024 * 1024;
/// And at most so many files.
const FILES_A_CALL: usize = 2000;
/// Finishing checks all files together.
const FINISHING: Duration = Duration::from_mins(10);

/// What the dataset must be in the end.
pub(super) struct Finish {
    pub(super) content_sha256: Option<[u8; 32]>,
    pub(super) remove_others: bool,
}

/// Why a step was not done.
enum Stop {
    /// The service's answer; it may pass.
    Answer(Status),
    /// Something here is wrong.
    Failure(Failure),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Answer(status)
    }
}

/// One import.
pub(super) struct Session {
    open: Open,
    files: Vec<Hashed>,
    upload_id: Option<String>,
    patience: Patience,
    /// How many files were sent, and had been sent by earlier runs, when it was asked last.
    had: Option<usize>,
}

impl Session {
    /// An import of these files.
    pub(super) fn new(open: Open, is_renewed: bool, files: Vec<Hashed>) -> Self {
        Self { open, files, upload_id: None, patience: Patience::new(is_renewed), had: None }
    }

    /// Sends and finishes; begins again where it was as often as it is of use.
    pub(super) async fn run(&mut self, finish: &Finish) -> Result<Dataset, Failure> {
        loop {
            let status = match self.attempt(finish).await {
                Ok(dataset) => return Ok(dataset),
                Err(Stop::Failure(failure)) => return Err(failure),
                Err(Stop::Answer(status)) => status,
            };
            let Some(wait) = self.patience.wait(&status) else {
                let dropped = is_refusal(&status) && self.dropped().await;
                return Err(explained(&status, dropped));
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&mut self, finish: &Finish) -> Result<Dataset, Stop> {
        let upload_id = match &self.upload_id {
            Some(id) => id.clone(),
            None => match self.open.open().await? {
                Opened::Finished(dataset) => {
                    return of_earlier_run(*dataset, &self.files).map_err(Stop::Failure);
                }
                Opened::Upload(id) => self.upload_id.insert(id).clone(),
            },
        };
        let there = self.there(&upload_id).await?;
        let Some(missing) = self.missing(&there) else {
            return self.start_over(upload_id).await;
        };
        self.send(&upload_id, missing).await?;
        let mut request = Request::new(FinishUploadRequest {
            upload_id,
            content_sha256: finish
                .content_sha256
                .map(|hash| hash.to_vec())
                .unwrap_or_default()
                .into(),
            remove_others: finish.remove_others,
        });
        request.set_timeout(FINISHING);
        let finished = self.open.client.finish_upload(request).await?;
        Ok(finished.into_inner().dataset.unwrap_or_default())
    }

    /// What the service has of the upload.
    async fn there(&mut self, upload_id: &str) -> Result<HashMap<String, UploadFile>, Status> {
        let mut there = HashMap::new();
        let mut page_token = String::new();
        loop {
            let upload_id = upload_id.to_owned();
            let request = ListUploadFilesRequest { upload_id, page_size: 1000, page_token };
            let page = self.open.client.list_upload_files(unary(request)).await?.into_inner();
            there.extend(page.files.into_iter().map(|file| (file.path.clone(), file)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(there);
            }
        }
    }

    /// What is to be sent; `None` if the service has a file that is not in the folder any more.
    fn missing(&mut self, there: &HashMap<String, UploadFile>) -> Option<Vec<Wanted>> {
        let known = self.files.iter().filter(|file| there.contains_key(&file.path)).count();
        if known < there.len() {
            return None;
        }
        let missing: Vec<_> = self
            .files
            .iter()
            .filter_map(|file| {
                let offset = there.get(&file.path).map_or(Some(0), |has| lacks_from(file, has))?;
                Some(Wanted { file: file.clone(), offset })
            })
            .collect();
        let has = self.files.len() - missing.len();
        if self.had.is_none_or(|had| has > had) {
            self.patience.is_rewarded();
        }
        self.had = Some(has);
        Some(missing)
    }

    /// An upload forgets no file, so one that has too many is dropped.
    async fn start_over(&mut self, upload_id: String) -> Result<Dataset, Stop> {
        self.open.client.cancel_upload(unary(CancelUploadRequest { upload_id })).await?;
        self.upload_id = None;
        Err(Status::unavailable("files have gone from the folder: the upload begins anew").into())
    }

    /// Drops the upload; says whether it is gone.
    async fn dropped(&mut self) -> bool {
        let Some(upload_id) = self.upload_id.take() else { return false };
        self.open.client.cancel_upload(unary(CancelUploadRequest { upload_id })).await.is_ok()
    }

    async fn send(&mut self, upload_id: &str, missing: Vec<Wanted>) -> Result<(), Stop> {
        if missing.is_empty() {
            return Ok(());
        }
        let bytes = missing.iter().map(|wanted| wanted.file.size - wanted.offset).sum();
        let mut progress = Progress::new("sending", missing.len() as u64, bytes);
        let has = self.files.len() - missing.len();
        if has > 0 {
            progress.say(&format!("{has} of {} files are there already", self.files.len()));
        }
        for part in calls(missing) {
            self.write(upload_id, part, &mut progress).await?;
            self.patience.is_rewarded();
        }
        Ok(())
    }

    async fn write(
        &mut self,
        upload_id: &str,
        files: Vec<Wanted>,
        progress: &mut Progress,
    ) -> Result<(), Stop> {
        let (failed, mut failure) = oneshot::channel();
        let (steps, mut taken) = mpsc::unbounded_channel();
        let sent = parts(upload_id.to_owned(), files, failed, steps);
        let call = self.open.client.write_files(Request::new(sent));
        let mut call = std::pin::pin!(call);
        let mut reading = true;
        loop {
            tokio::select! {
                biased;
                failed = &mut failure, if reading => match failed {
                    Ok(failure) => return Err(Stop::Failure(failure)),
                    // All has been read.
                    Err(_) => reading = false,
                },
                answer = &mut call => return Ok(answer.map(drop)?),
                Some(step) = taken.recv() => match step {
                    Step::Begun(path) => progress.begin(&path),
                    Step::Sent(bytes) => progress.bytes(bytes),
                    Step::Ended => progress.end(),
                },
            }
        }
    }
}

/// The first byte of a file that the service lacks; `None` if it has the file as it is.
fn lacks_from(file: &Hashed, has: &UploadFile) -> Option<u64> {
    if has.sha256.is_empty() {
        let goes_on = has.size_bytes == file.size && has.received_bytes < file.size;
        return Some(if goes_on { has.received_bytes } else { 0 });
    }
    (has.sha256[..] != file.sha256[..]).then_some(0)
}

/// The files, parted so that each call is short.
fn calls(files: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let (mut calls, mut call, mut bytes) = (Vec::new(), Vec::new(), 0);
    for wanted in files {
        bytes += wanted.file.size - wanted.offset;
        call.push(wanted);
        if bytes >= BYTES_A_CALL || call.len() >= FILES_A_CALL {
            calls.push(std::mem::take(&mut call));
            bytes = 0;
        }
    }
    if !call.is_empty() {
        calls.push(call);
    }
    calls
}

/// Whether the service refuses the files themselves, so that sending them again is of no use.
fn is_refusal(status: &Status) -> bool {
    reason(status).is_some_and(|reason| reason == "UPLOAD_REFUSED" || reason == "FILE_REFUSED")
}

fn reason(status: &Status) -> Option<String> {
    Some(status.get_details_error_info()?.reason)
}

/// What the service answered, line by line where it names files, and what to do about it.
fn explained(status: &Status, dropped: bool) -> Failure {
    let (first, rest) = status.message().split_once('\n').unwrap_or((status.message(), ""));
    let again = match reason(status).as_deref() {
        Some("TOO_MANY_UPLOADS" | "UPLOADS_TOO_BIG") => {
            "`hallpass dataset uploads list` shows the open uploads, `hallpass dataset uploads cancel ID` drops one"
        }
        _ if dropped => "the upload was dropped: mend the folder and run the same command again",
        _ => "the same command again sends only what is missing or has changed",
    };
    if rest.is_empty() {
        return Failure::failed(format_args!("{}\n{again}", refused(status)));
    }
    // The lines are the whole of it: of the details only the reason is new.
    let mut details = ErrorDetails::new();
    if let Some(info) = status.get_details_error_info() {
        details.set_error_info(info.reason, info.domain, info.metadata);
    }
    let first = refused(&Status::with_error_details(status.code(), first, details));
    let rest = rest.lines().fold(String::new(), |text, line| format!("{text}\n  {}", plain(line)));
    Failure::failed(format_args!("{first}{rest}\n{again}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64) -> Hashed {
        Hashed { path: "a".into(), source: "a".into(), size, sha256: [7; 32] }
    }

    #[test]
    fn only_what_is_missing_or_different_is_sent() {
        let has = |size_bytes, received_bytes, sha256: &[u8]| UploadFile {
            path: "a".into(),
            size_bytes,
            received_bytes,
            sha256: sha256.to_vec().into(),
        };
        for (has, from) in [
            (has(9, 9, &[7; 32]), None),
            (has(9, 9, &[8; 32]), Some(0)),
            (has(9, 4, &[]), Some(4)),
            (has(9, 9, &[]), Some(0)),
            (has(8, 4, &[]), Some(0)),
        ] {
            assert_eq!(lacks_from(&file(9), &has), from, "{has:?}");
        }
    }

    #[test]
    fn what_to_do_is_said_by_the_reason() {
        let told = |reason: &str, dropped| {
            let details = ErrorDetails::with_error_info(reason, "hallpass", HashMap::new());
            let code = tonic::Code::InvalidArgument;
            let status = Status::with_error_details(code, "no", details);
            (is_refusal(&status), explained(&status, dropped).to_string())
        };
        let (refused, text) = told("UPLOAD_REFUSED", true);
        assert!(refused && text.ends_with("run the same command again"), "{text}");
        let (refused, text) = told("TOO_MANY_UPLOADS", false);
        assert!(!refused && text.contains("dataset uploads cancel"), "{text}");
        let (refused, text) = told("STORE_UNAVAILABLE", false);
        assert!(!refused && text.contains("only what is missing"), "{text}");
    }

    #[test]
    fn calls_are_short() {
        let wanted = |size| Wanted { file: file(size), offset: 0 };
        let sizes = [BYTES_A_CALL, 1, BYTES_A_CALL - 1, 5].map(wanted);
        let lengths: Vec<_> = calls(sizes.into()).iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 2, 1]);
        assert_eq!(calls(vec![wanted(1); FILES_A_CALL + 1]).len(), 2);
        assert!(calls(Vec::new()).is_empty());
    }
}
