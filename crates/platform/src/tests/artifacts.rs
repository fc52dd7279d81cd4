//! Downloads of what jobs have made begin at any byte and tell each file's hash with its first piece.

use futures_util::TryStreamExt as _;
use hallpass_contract::platform::DownloadArtifactRequest;
use hallpass_jobs::{ArtifactFile, Artifacts};
use tempfile::TempDir;
use tonic::{Code, Status};

use crate::artifact::Download;

/// A store in which `job_1` has made four files.
fn store(folder: &TempDir) -> Artifacts {
    let files = [("a", 1_500_000), ("b/c", 0), ("d", 3), ("e", 2)].map(|(path, length)| {
        let place = folder.path().join("jobs/job_1").join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, vec![b'x'; length]).unwrap();
        ArtifactFile { path: path.to_owned(), size_bytes: length as u64, sha256: [7; 32] }
    });
    let list = serde_json::to_vec(&files).unwrap();
    std::fs::write(folder.path().join("jobs/job_1.json"), list).unwrap();
    Artifacts::folder(folder.path(), hallpass_store::Space::of(folder.path(), Some(0))).unwrap()
}

const PIECE: usize = 64 << 10;

/// What comes: each piece's path, its length, and whether it says what the file is.
async fn fetched(
    store: &Artifacts,
    (path, offset, onwards): (&str, u64, bool),
) -> Result<Vec<(String, usize, bool)>, Status> {
    let path = path.to_owned();
    let request = DownloadArtifactRequest { job_id: String::new(), path, offset, onwards };
    let pieces = Download::begin(store.clone(), "job_1", &request).await?.stream();
    let pieces: Vec<_> = pieces.try_collect().await?;
    let told = pieces.into_iter().map(|piece| {
        let chunk = piece.chunk.unwrap();
        assert!(piece.file.as_ref().is_none_or(|file| file.sha256 == [7; 32][..]));
        (chunk.path, chunk.data.len(), piece.file.is_some())
    });
    Ok(told.collect())
}

fn pieces(of: &[(&str, usize, bool)]) -> Vec<(String, usize, bool)> {
    of.iter().map(|(path, length, info)| ((*path).to_owned(), *length, *info)).collect()
}

#[tokio::test]
async fn a_download_begins_at_any_byte() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let behind = [("b/c", 0, true), ("d", 3, true), ("e", 2, true)];
    let mut whole: Vec<_> = std::iter::repeat_n(("a", PIECE, false), 1_500_000 / PIECE).collect();
    whole[0].2 = true;
    whole.push(("a", 1_500_000 % PIECE, false));
    let all = [&whole[..], &behind].concat();
    assert_eq!(fetched(&store, ("", 0, false)).await.unwrap(), pieces(&all));
    assert_eq!(fetched(&store, ("a", 0, true)).await.unwrap(), pieces(&all));
    assert_eq!(fetched(&store, ("d", 1, false)).await.unwrap(), pieces(&[("d", 2, true)]));
    let onwards = [&[("a", 10, true)][..], &behind].concat();
    assert_eq!(fetched(&store, ("a", 1_499_990, true)).await.unwrap(), pieces(&onwards));
    assert_eq!(fetched(&store, ("b/c", 0, false)).await.unwrap(), pieces(&[("b/c", 0, true)]));
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    for (wanted, code) in [
        (("f", 0, false), Code::NotFound),
        (("../job_1.json", 0, false), Code::NotFound),
        (("d", 4, false), Code::OutOfRange),
        (("", 1, false), Code::InvalidArgument),
        (("", 0, true), Code::InvalidArgument),
    ] {
        assert_eq!(fetched(&store, wanted).await.unwrap_err().code(), code, "{wanted:?}");
    }
    std::fs::remove_file(folder.path().join("jobs/job_1/d")).unwrap();
    assert_eq!(fetched(&store, ("d", 0, false)).await.unwrap_err().code(), Code::DataLoss);
    std::fs::write(folder.path().join("jobs/job_1/d"), b"xx").unwrap();
    assert_eq!(fetched(&store, ("d", 0, false)).await.unwrap_err().code(), Code::Unavailable);
}
