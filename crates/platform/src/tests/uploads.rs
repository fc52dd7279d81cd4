//! Uploads pass through piece by piece, and end together on both sides.

use hallpass_contract::labeler::{
    CreateDatasetRequest, CreateDatasetResponse, CreateDatasetStart, create_dataset_request::Part,
};
use hallpass_contract::labeler::{DatasetSpec, FileChunk};
use hallpass_contract::platform::DatasetService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::fake::Event;
use super::world::World;
use crate::error::Error;

#[tokio::test]
async fn each_piece_arrives_before_the_next_is_sent() {
    let world = World::new().await;
    let mut seen = world.labeler.watch();
    let (send, answer) = upload(&world);
    let (user, answer) = tokio::join!(
        async {
            assert_eq!(seen.recv().await, Some(Event::Started("cats".to_owned())));
            for path in ["a.png", "b.png", "c.png"] {
                send.send(Ok(chunk(path))).await.unwrap();
                assert_eq!(seen.recv().await, Some(Event::Chunk(path.to_owned())));
            }
            drop(send);
            seen.recv().await
        },
        answer
    );
    assert_eq!(user, Some(Event::Ended));
    assert_eq!(answer.unwrap().dataset.unwrap().dataset_id, "ds_new");
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_looks_complete() {
    let world = World::new().await;
    let mut seen = world.labeler.watch();
    let (send, answer) = upload(&world);
    let cut = Status::unauthenticated("the token is revoked");
    let (broken, answer) = tokio::join!(
        async {
            send.send(Ok(chunk("a.png"))).await.unwrap();
            assert_eq!(seen.recv().await, Some(Event::Started("cats".to_owned())));
            assert_eq!(seen.recv().await, Some(Event::Chunk("a.png".to_owned())));
            send.send(Err(cut)).await.unwrap();
            seen.recv().await
        },
        answer
    );
    assert_eq!(broken, Some(Event::BrokenOff));
    let answer = Status::from(answer.unwrap_err());
    assert_eq!((answer.code(), answer.message()), (Code::Unauthenticated, "the token is revoked"));
}

#[tokio::test]
async fn a_user_that_goes_away_takes_the_upload_along() {
    let world = World::new().await;
    let mut seen = world.labeler.watch();
    let (send, answer) = upload(&world);
    {
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            _ = &mut answer => panic!("answered before the upload's end"),
            started = seen.recv() => assert_eq!(started, Some(Event::Started("cats".to_owned()))),
        }
    }
    assert_eq!(seen.recv().await, Some(Event::BrokenOff));
    assert!(send.is_closed());
}

#[tokio::test]
async fn labelers_refusal_ends_the_users_half() {
    let world = World::new().await;
    world.labeler.answer_with(Status::resource_exhausted("too many bytes"));
    let (send, answer) = upload(&world);
    let answer = Status::from(answer.await.unwrap_err());
    assert_eq!((answer.code(), answer.message()), (Code::ResourceExhausted, "too many bytes"));
    send.closed().await;
}

#[tokio::test]
async fn what_is_no_upload_is_labelers_to_refuse() {
    let world = World::new().await;
    let permit = world.permit("DatasetService/CreateDataset", "alice");
    let none = CreateDatasetRequest { part: None };
    let rest = Box::pin(tokio_stream::empty());
    let answer = world.platform.datasets.create_dataset(permit, none, rest).await;
    assert_eq!(Status::from(answer.unwrap_err()).code(), Code::InvalidArgument);
}

type Sender = mpsc::Sender<Result<CreateDatasetRequest, Status>>;

/// An upload that has begun; what is sent follows. There is room for one piece on the user's side.
fn upload(world: &World) -> (Sender, impl Future<Output = Result<CreateDatasetResponse, Error>>) {
    let permit = world.permit("DatasetService/CreateDataset", "alice");
    let (send, rest) = mpsc::channel(1);
    let dataset = DatasetSpec { display_name: "cats".to_owned(), ..DatasetSpec::default() };
    let start = CreateDatasetStart { dataset: Some(dataset), ..CreateDatasetStart::default() };
    let first = CreateDatasetRequest { part: Some(Part::Start(start)) };
    let rest = Box::pin(ReceiverStream::new(rest));
    (send, world.platform.datasets.create_dataset(permit, first, rest))
}

fn chunk(path: &str) -> CreateDatasetRequest {
    let chunk = FileChunk { path: path.to_owned(), ..FileChunk::default() };
    CreateDatasetRequest { part: Some(Part::Chunk(chunk)) }
}
