//! What a feed reads from an issuer's list, and what a follower's list keeps.

use super::*;

fn entries(batch: &Batch) -> Vec<Entry> {
    batch.entries.clone()
}

#[tokio::test]
async fn since_gives_what_came_after_in_order_and_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    for number in 1..=5 {
        revoke(&list, exact(number)).await;
    }
    let from = |sequence| Position { epoch: list.epoch(), sequence };
    let page = list.since(from(1), 2).unwrap();
    assert_eq!((entries(&page), page.sequence), (vec![exact(2), exact(3)], 3));
    let page = list.since(from(3), 2).unwrap();
    assert_eq!((entries(&page), page.sequence), (vec![exact(4), exact(5)], 5));
    let page = list.since(from(5), 2).unwrap();
    assert_eq!((entries(&page), page.sequence, page.reaches()), (vec![], 5, Some(from(5))));
    let beyond = list.since(from(6), 2);
    let other = list.since(Position { epoch: 1, sequence: 1 }, 2);
    assert!(matches!(beyond, Err(ReadError::NeedSnapshot)));
    assert!(matches!(other, Err(ReadError::NeedSnapshot)));
}

/// An entry that is made stricter moves to the end of the order. A page that is read meanwhile shows it at one place or the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_moves_is_in_every_page() {
    let folder = tempfile::tempdir().unwrap();
    let list = Arc::new(open(folder.path()));
    let until = |secs| Entry::exact(print(0), Some(at(secs)));
    revoke(&list, until(2_000)).await;
    for number in 1..=200 {
        revoke(&list, exact(number)).await;
    }
    let moving = tokio::spawn({
        let list = Arc::clone(&list);
        async move {
            for later in 1..=300 {
                revoke(&list, until(2_000 + later)).await;
            }
        }
    });
    let start = Position { epoch: list.epoch(), sequence: 0 };
    while !moving.is_finished() {
        for page in [list.since(start, 1_000).unwrap(), list.snapshot(0, 1_000).unwrap()] {
            assert!(page.entries.iter().any(|entry| entry.fingerprint == print(0)));
        }
    }
    moving.await.unwrap();
}

#[tokio::test]
async fn a_snapshot_is_all_of_it_and_counts_with_its_last_page() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let empty = list.snapshot(0, 2).unwrap();
    assert!(empty.snapshot && empty.last && empty.entries.is_empty());
    for number in 1..=5 {
        revoke(&list, exact(number)).await;
    }
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = list.snapshot(after, 2).unwrap();
        assert_eq!(page.reaches().is_some(), page.last);
        after = page.sequence;
        all.extend(page.entries);
        if page.last {
            break;
        }
    }
    assert_eq!((after, all), (5, (1..=5).map(exact).collect()));
}

#[tokio::test]
async fn a_follower_resumes_where_it_was() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let issuer = open(one.path());
    let follower = List::open(two.path(), &Options::new([5; 8], at(1_000))).unwrap();
    for number in 1..=3 {
        revoke(&issuer, exact(number)).await;
    }
    assert_eq!(follower.position(), None);
    let first = issuer.snapshot(0, 2).unwrap();
    follower.apply(first).await.unwrap();
    assert_eq!(follower.position(), None, "a snapshot counts only once it is complete");
    assert!(follower.index().contains(print(1)), "its entries count at once");
    follower.apply(issuer.snapshot(2, 2).unwrap()).await.unwrap();
    let reached = follower.position().unwrap();
    assert_eq!(reached, Position { epoch: issuer.epoch(), sequence: 3 });
    drop(follower);
    let follower = open(two.path());
    assert_eq!(follower.position(), Some(reached));
    revoke(&issuer, exact(4)).await;
    let rest = issuer.since(reached, 100).unwrap();
    assert_eq!(entries(&rest), [exact(4)]);
    follower.apply(rest).await.unwrap();
    assert_eq!(follower.position().unwrap().sequence, 4);
    assert!((1..=4).all(|number| follower.index().contains(print(number))));
    assert_eq!(follower.lookup(print(4)).unwrap()[0].note, None);
}

#[tokio::test]
async fn a_snapshot_of_another_store_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let follower = open(folder.path());
    let snapshot = |epoch, number| Batch {
        epoch,
        snapshot: true,
        last: true,
        sequence: 1,
        entries: vec![exact(number)],
    };
    follower.apply(snapshot(1, 1)).await.unwrap();
    follower.apply(snapshot(2, 2)).await.unwrap();
    assert!(follower.index().contains(print(1)) && follower.index().contains(print(2)));
    assert_eq!(follower.position(), Some(Position { epoch: 2, sequence: 1 }));
}

#[tokio::test]
async fn a_large_batch_is_applied_whole_and_counts_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let follower = open(folder.path());
    let entries: Vec<Entry> = (0..=2 * GROUP as u64).map(exact).collect();
    let batch = Batch { epoch: 7, snapshot: false, last: false, sequence: 5_000, entries };
    follower.apply(batch.clone()).await.unwrap();
    assert_eq!(follower.stats().syncs, 3);
    assert_eq!(follower.position(), Some(Position { epoch: 7, sequence: 5_000 }));
    assert_eq!(follower.index().usage().exact, batch.entries.len() as u64);
    follower.apply(batch).await.unwrap();
    assert_eq!(follower.stats().syncs, 3, "what is known already needs no sync");
}
