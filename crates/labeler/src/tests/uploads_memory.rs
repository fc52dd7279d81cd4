//! Streams of uploads that find little memory.

use super::uploads_steps::long_text;
use super::world::{World, image};
use crate::Settings;

const MIB: usize = 1 << 20;

/// Alice's share is 24 MiB, of which other streams hold all but a little.
#[tokio::test]
async fn a_stream_that_finds_no_memory_stores_what_it_holds_and_goes_on() {
    let settings = Settings { upload_memory_bytes: 128 * MIB, ..Settings::default() };
    let world = World::with(settings).await;
    let alice = world.user("alice");
    let others = world.labeler.datasets.memory.stream("alice").await.unwrap();
    // Room for putting the file together, which takes more on S3, and for a message.
    let room = world.labeler.datasets.files.writer_bytes() + MIB;
    let held = others.try_take((24 * MIB).saturating_sub(room)).unwrap();
    let upload = world.open_upload(&alice, "big").await;
    let files = [image("a/1.png"), long_text(10 * MIB + 17)];
    world.write_whole(&alice, &upload.upload_id, &files).await;
    drop(held);
    let dataset = world.finish(&alice, &upload.upload_id, |_| {}).await.unwrap();
    let mut there = world.download(&alice, &dataset.dataset_id, "", 0).await.unwrap();
    there.sort();
    let mut files = files.to_vec();
    files.sort();
    assert!(there == files, "what was stored in small parts is whole");
    drop(others);
    let memory = &world.labeler.datasets.memory;
    let again = memory.stream("alice").await.unwrap();
    assert!(again.try_take(24 * MIB).is_some(), "all of it is given back");
}
