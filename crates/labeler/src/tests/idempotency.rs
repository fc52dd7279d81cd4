//! The same request twice makes one dataset, one after the other or at once.

use hallpass_contract::labeler as wire;
use tonic::Code;

use super::world::{World, image, sample_files, start};

const REQUEST: &str = "123e4567-e89b-12d3-a456-426614174000";

fn again(name: &str) -> wire::CreateDatasetStart {
    wire::CreateDatasetStart { request_id: REQUEST.to_owned(), ..start(name) }
}

#[tokio::test]
async fn a_repeated_request_answers_the_first_dataset() {
    let world = World::new().await;
    let alice = world.user("alice");
    let first = world.upload(&alice, again("a"), &sample_files()).await.unwrap();
    let world = world.restarted().await;
    let repeated = wire::CreateDatasetStart { request_id: REQUEST.to_uppercase(), ..start("a") };
    let second = world.upload(&alice, repeated, &[]).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(world.stored_files(), 13);
    let other = world.upload(&alice, again("b"), &sample_files()).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    let bobs = world.upload(&world.user("bob"), again("b"), &sample_files()).await.unwrap();
    assert_ne!(bobs.dataset_id, first.dataset_id, "request ids are each user's own");
}

#[tokio::test]
async fn without_a_request_id_each_upload_is_its_own() {
    let world = World::new().await;
    let (one, other) = (world.sample_of("alice").await, world.sample_of("alice").await);
    assert_ne!(one.dataset_id, other.dataset_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_requests_make_one_dataset() {
    let world = World::new().await;
    let alice = world.user("alice");
    let files = sample_files();
    let upload = || world.upload(&alice, again("a"), &files);
    let answers = tokio::join!(upload(), upload(), upload(), upload());
    let first = answers.0.unwrap();
    for answer in [answers.1, answers.2, answers.3] {
        assert_eq!(answer.unwrap(), first);
    }
    world.labeler.settled().await;
    assert_eq!(world.stored_files(), 13, "the files of those that came second are still there");
    assert_eq!(world.list(&alice, 0, "").await.unwrap().datasets.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_requests_for_different_datasets_make_one() {
    let world = World::new().await;
    let alice = world.user("alice");
    let files = [image("a/1.png")];
    let (one, other) = tokio::join!(
        world.upload(&alice, again("a"), &files),
        world.upload(&alice, again("b"), &files)
    );
    let refused = [one, other].into_iter().filter_map(Result::err).map(|status| status.code());
    assert_eq!(refused.collect::<Vec<_>>(), [Code::AlreadyExists]);
    world.labeler.settled().await;
    assert_eq!(world.stored_files(), 1);
}

#[tokio::test]
async fn a_failed_request_may_be_repeated() {
    let world = World::new().await;
    let alice = world.user("alice");
    assert!(world.upload(&alice, again("a"), &[]).await.is_err());
    assert!(world.upload(&alice, again("a"), &sample_files()).await.is_ok());
}

#[tokio::test]
async fn a_deleted_dataset_takes_its_request_along() {
    let world = World::new().await;
    let alice = world.user("alice");
    let first = world.upload(&alice, again("a"), &sample_files()).await.unwrap();
    world.delete(&alice, &first.dataset_id, "").await.unwrap();
    let second = world.upload(&alice, again("a"), &sample_files()).await.unwrap();
    assert_ne!(second.dataset_id, first.dataset_id);
}
