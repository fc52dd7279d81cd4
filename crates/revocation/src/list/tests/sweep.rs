//! Entries go when their time is over, not before, and others stay.

use super::*;

#[tokio::test]
async fn drops_what_is_over_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let subject = Fingerprint::subject("issuer", "ann");
    revoke(&list, Entry::exact(print(1), Some(at(100)))).await;
    revoke(&list, Entry::exact(print(2), Some(at(101)))).await;
    revoke(&list, Entry::exact(print(3), None)).await;
    revoke(&list, Entry::cutoff(subject, at(50), Some(at(90)))).await;
    assert_eq!(list.sweep(at(89)).await, Ok(0));
    assert_eq!(list.sweep(at(100)).await, Ok(2));
    // What was dropped is synced with the sweep, so a copy lacks it, too.
    let (_place, again) = open_copy(folder.path());
    for (round, list) in [list, again].iter().enumerate() {
        let index = list.index();
        let present = [1, 2, 3].map(|number| index.contains(print(number)));
        assert_eq!((present, index.cutoff(subject)), ([false, true, true], None), "round {round}");
        let left = list.page(0, 10).unwrap();
        let marks = left.iter().filter(|listed| listed.entry.as_forgotten().is_some()).count();
        assert_eq!((left.len(), marks), (3, 1));
        assert_eq!(list.sequence(), 5, "the sequence never goes back");
    }
}

#[tokio::test]
async fn a_longer_life_given_later_counts() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    revoke(&list, Entry::exact(print(1), Some(at(100)))).await;
    revoke(&list, Entry::exact(print(1), Some(at(200)))).await;
    assert_eq!(list.sweep(at(150)).await, Ok(0));
    assert!(list.index().contains(print(1)));
    assert_eq!(list.sweep(at(200)).await, Ok(1));
    assert!(!list.index().contains(print(1)) && list.lookup(print(1)).unwrap().is_empty());
    revoke(&list, Entry::exact(print(1), Some(at(300)))).await;
    assert!(list.index().contains(print(1)));
}

#[tokio::test]
async fn drops_more_than_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let over = |number| Entry::exact(print(number), Some(at(100)));
    let total = 3 * GROUP as u64 + 7;
    let entries = (0..total).map(over).chain([exact(total)]).collect();
    let batch = Batch { epoch: 7, snapshot: false, last: false, sequence: 9, entries };
    list.apply(batch).await.unwrap();
    assert_eq!(list.sweep(at(100)).await, Ok(total));
    assert_eq!(list.index().usage().exact, 1);
    assert_eq!(list.sweep(at(100)).await, Ok(0));
}

/// The mark is in the same change as what was dropped, so no crash leaves one without the other.
#[tokio::test]
async fn what_was_dropped_leaves_a_durable_mark_and_nothing_else_raises_it() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    revoke(&list, Entry::exact(print(1), Some(at(100)))).await;
    revoke(&list, Entry::exact(print(2), Some(at(300)))).await;
    assert_eq!(list.sweep(at(99)).await, Ok(0));
    assert_eq!(list.index().forgotten_upto(), at(0), "nothing was dropped");
    // Far beyond the end of what is dropped: a clock that is wrong moves the mark no further than that end.
    assert_eq!(list.sweep(at(250)).await, Ok(1));
    assert_eq!(list.index().forgotten_upto(), at(100));
    let (_place, again) = open_copy(folder.path());
    for list in [list, again] {
        assert_eq!(list.index().forgotten_upto(), at(100));
        assert_eq!(list.index().usage().cutoffs, 0, "a mark revokes nothing");
    }
}

#[tokio::test]
async fn a_cutoff_of_everything_voids_the_mark_and_a_follower_hears_of_both() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (list, follower) = (open(folder.path()), open(other.path()));
    revoke(&list, Entry::exact(print(1), Some(at(5_000)))).await;
    list.sweep(at(9_000)).await.unwrap();
    follower.apply(list.snapshot(0, 100).unwrap()).await.unwrap();
    assert_eq!(follower.index().forgotten_upto(), at(5_000), "it cannot know either");
    let seen = follower.position().unwrap();
    revoke(&list, Entry::everything(at(1_000))).await;
    follower.apply(list.since(seen, 100).unwrap()).await.unwrap();
    drop(list);
    for list in [open(folder.path()), follower] {
        assert_eq!(list.index().forgotten_upto(), at(0));
        revoke(&list, Entry::exact(print(2), Some(at(1_100)))).await;
        list.sweep(at(1_200)).await.unwrap();
        assert_eq!(list.index().forgotten_upto(), at(1_100), "it begins again");
    }
}
