//! Transfers that outlive Platform's tokens at Labeler, behind real guards; the time is moved.

use std::time::Duration;

use futures_util::StreamExt;
use hallpass_contract::labeler::DownloadDatasetRequest;
use hallpass_contract::platform::DatasetService;
use hallpass_policy::Granted;
use hallpass_policy::adapter::Reply;
use hallpass_token::{SKEW, TokenType};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::stock::Files;
use super::world::World;
use crate::error::Error;

type Pieces = Reply<hallpass_contract::labeler::DownloadDatasetResponse, Error>;

#[tokio::test]
async fn a_download_outlives_three_tokens_and_the_user_sees_one_stream() {
    let world = World::new().await;
    let files = vec![("a.txt", "0123"), ("b.txt", ""), ("c.txt", "45")];
    let (stock, mut reply) = (world.labeler.stock(), download(&world, files, "").await);
    let mut got = Vec::new();
    for piece in 0..7 {
        got.push(match piece {
            2 | 6 => next_after_the_tokens_end(&world, &mut reply, 1).await.unwrap(),
            // At the end of a file Labeler tells once more that it has ended.
            4 => next_after_the_tokens_end(&world, &mut reply, 2).await.unwrap(),
            _ => {
                stock.let_go(1);
                next(&mut reply).await.unwrap()
            }
        });
    }
    assert!(reply.next().await.is_none());
    let whole: Vec<_> = got.iter().map(|(path, data, _)| (path.as_str(), data.as_str())).collect();
    let right = [("a.txt", "0"), ("a.txt", "1"), ("a.txt", "2"), ("a.txt", "3")];
    assert_eq!(whole[..4], right);
    assert_eq!(whole[4..], [("b.txt", ""), ("c.txt", "4"), ("c.txt", "5")]);
    let first_of_each: Vec<_> = got.iter().map(|(_, _, first)| *first).collect();
    assert_eq!(first_of_each, [true, false, false, false, true, true, false]);
    assert_eq!(world.labeler.stock().asked().len(), 4, "begun, and begun anew three times");
}

#[tokio::test]
async fn the_users_own_end_ends_the_download() {
    let world = World::new().await;
    let mut reply = download(&world, vec![("a.txt", "01")], "").await;
    world.labeler.stock().let_go(1);
    next(&mut reply).await.unwrap();
    world.clock.advance(TokenType::User.usual_life() + SKEW + SKEW);
    let ended = next(&mut reply).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
    assert_eq!(ended.get_error_details().error_info().unwrap().reason, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn one_file_goes_on_alone() {
    let world = World::new().await;
    let files = vec![("a.txt", "01"), ("b.txt", "2")];
    let mut reply = download(&world, files, "a.txt").await;
    world.labeler.stock().let_go(1);
    next(&mut reply).await.unwrap();
    assert_eq!(next_after_the_tokens_end(&world, &mut reply, 1).await.unwrap().1, "1");
    assert!(reply.next().await.is_none());
    assert_eq!(world.labeler.stock().asked()[1], ("a.txt".to_owned(), 1));
}

#[tokio::test]
async fn a_file_that_has_changed_meanwhile_ends_it() {
    let world = World::new().await;
    let mut reply = download(&world, vec![("a.txt", "01")], "").await;
    world.labeler.stock().let_go(1);
    next(&mut reply).await.unwrap();
    world.labeler.stock().hold(vec![("a.txt", "xyz")]);
    let ended = next_after_the_tokens_end(&world, &mut reply, 1).await.unwrap_err();
    assert_eq!(ended.code(), Code::Aborted);
    assert_eq!(ended.get_error_details().error_info().unwrap().reason, "DATASET_CHANGED");
}

/// Moves the time behind the end of every token that Platform has minted, and not of the user's; lets pieces go once the download
/// has been begun anew.
async fn next_after_the_tokens_end(
    world: &World,
    reply: &mut Pieces,
    pieces: usize,
) -> Result<(String, String, bool), Status> {
    let stock = world.labeler.stock();
    let begun = stock.asked().len();
    world.clock.advance(TokenType::Service.usual_life() + SKEW + Duration::from_secs(1));
    let anew = async {
        while stock.asked().len() == begun {
            tokio::task::yield_now().await;
        }
        stock.let_go(pieces);
    };
    tokio::join!(next(reply), anew).0
}

async fn download(world: &World, files: Files, path: &str) -> Pieces {
    world.labeler.add("ds_1", "alice");
    world.labeler.stock().hold(files);
    let permit = world.permit("DatasetService/DownloadDataset", "alice");
    let proof = Granted::for_tests(permit, "ds_1");
    let request = DownloadDatasetRequest { path: path.to_owned(), ..Default::default() };
    world.platform.datasets.download_dataset(proof, request).await.unwrap()
}

/// The next piece: its path, its bytes, and whether it says what the file is.
async fn next(reply: &mut Pieces) -> Result<(String, String, bool), Status> {
    let piece = reply.next().await.unwrap().map_err(Status::from)?;
    let chunk = piece.chunk.unwrap();
    let data = String::from_utf8(chunk.data.to_vec()).unwrap();
    Ok((chunk.path, data, piece.file.is_some()))
}
