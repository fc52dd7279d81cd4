//! Finishing is heavy: one call at a time finishes an upload, and a caller that goes away makes no room for the next.

use std::pin::pin;

use tonic::Code;
use tonic_types::StatusExt;

use super::world::{World, image};

#[tokio::test]
async fn many_calls_finish_an_upload_once_and_those_that_go_away_free_nothing() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    world.write_whole(&alice, &id, &[image("a/1.png")]).await;
    let reading = world.labeler.datasets.reading.clone();
    // Another upload of hers is being read.
    let turn = reading.turn("alice").await.unwrap();
    {
        let mut first = pin!(world.finish(&alice, &id, |_| {}));
        let begun = async {
            while reading.alone(&id).is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = &mut first => panic!("it does not wait for its turn: {ended:?}"),
            () = begun => {}
        }
    }
    // Its caller has gone away. Whoever asks again is told at once, and finds no turn.
    for _ in 0..60 {
        let busy = world.finish(&alice, &id, |_| {}).await.unwrap_err();
        let reason = busy.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((busy.code(), reason.as_str()), (Code::Aborted, "UPLOAD_BUSY"));
    }
    assert!(world.list(&alice, 10, "").await.unwrap().datasets.is_empty());
    drop(turn);
    world.labeler.settled().await;
    assert_eq!(world.list(&alice, 10, "").await.unwrap().datasets.len(), 1);
    assert!(reading.alone(&id).is_some(), "nothing is held any more");
}
