//! Acknowledged is durable, and one sync carries many.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::channel;

use tokio::task::JoinSet;

use super::super::options::Target;
use super::*;

#[tokio::test]
async fn what_was_revoked_is_found_again_with_its_note() {
    let folder = tempfile::tempdir().unwrap();
    let (subject, session) = (Fingerprint::subject("issuer", "ann"), Fingerprint::session("s"));
    let list = open(folder.path());
    assert_eq!(list.opened(), &Opened::Created);
    assert_eq!(revoke(&list, Entry::exact(session, Some(at(5_000)))).await, 1);
    assert_eq!(revoke(&list, Entry::cutoff(subject, at(700), None)).await, 2);
    let before = (list.epoch(), list.sequence(), list.page(0, 10).unwrap());
    drop(list);
    let list = List::open(folder.path(), &Options::new([9; 8], at(2_000))).unwrap();
    assert_eq!(list.opened(), &Opened::Existing);
    assert_eq!((list.epoch(), list.sequence(), list.page(0, 10).unwrap()), before);
    assert!(list.index().contains(session));
    assert_eq!(list.index().cutoff(subject), Some(at(700)));
    let found = list.lookup(session).unwrap();
    assert_eq!(found[0].note, Some(note("stolen")));
    assert_eq!(revoke(&list, exact(1)).await, 3);
}

#[tokio::test]
async fn the_strictest_of_two_is_kept_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let subject = Fingerprint::subject("issuer", "ann");
    let list = open(folder.path());
    assert_eq!(revoke(&list, Entry::cutoff(subject, at(700), Some(at(5_000)))).await, 1);
    assert_eq!(revoke(&list, Entry::cutoff(subject, at(600), Some(at(4_000)))).await, 1);
    assert_eq!(revoke(&list, Entry::cutoff(subject, at(600), None)).await, 2);
    assert_eq!(revoke(&list, exact(1)).await, 3);
    let (_place, again) = open_copy(folder.path());
    for list in [list, again] {
        let found = list.lookup(subject).unwrap();
        assert_eq!(found[0].entry, Entry::cutoff(subject, at(700), None));
        let sequences: Vec<u64> = list.page(0, 10).unwrap().iter().map(|l| l.sequence).collect();
        assert_eq!(sequences, [2, 3], "the place that was superseded is gone");
        assert_eq!(list.sweep(at(9_000)).await.unwrap(), 0);
        assert_eq!(list.index().cutoff(subject), Some(at(700)));
    }
}

#[tokio::test]
async fn a_superseded_place_stays_until_its_successor_is_durable_and_goes_even_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let subject = Fingerprint::subject("issuer", "ann");
    revoke(&list, Entry::cutoff(subject, at(700), None)).await;
    revoke(&list, Entry::cutoff(subject, at(800), None)).await;
    let sequences = |list: &List| -> Vec<u64> {
        list.page(0, 10).unwrap().iter().map(|listed| listed.sequence).collect()
    };
    let (_place, again) = open_copy(folder.path());
    assert_eq!(sequences(&again), [1, 2]);
    revoke(&again, exact(1)).await;
    assert_eq!(sequences(&again), [2, 3]);
}

/// What would be left after a power loss is what had been synced: each sync copies the files as they are at that moment.
#[tokio::test]
async fn what_is_acknowledged_is_in_what_was_synced() {
    let (folder, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = folder.path().join("list");
    let image = images.path().join("list");
    let mut options = options();
    let (from, to) = (store.clone(), image.clone());
    options.sync = Arc::new(move |_, target| {
        if target == Target::Content {
            copy(&from, &to);
        }
        Ok(())
    });
    let list = List::open(&store, &options).unwrap();
    for number in 0..20 {
        revoke(&list, exact(number)).await;
        let after_loss = open(&image);
        assert!((0..=number).all(|old| after_loss.index().contains(print(old))), "at {number}");
    }
}

#[tokio::test]
async fn callers_at_the_same_time_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (release, held) = channel();
    let (opened, held) = (Arc::new(AtomicBool::new(false)), Mutex::new(held));
    let mut options = options();
    let is_open = Arc::clone(&opened);
    options.sync = Arc::new(move |_, _| {
        if is_open.swap(false, Ordering::SeqCst) {
            // The first sync lasts until everyone has asked.
            let _ = held.lock().unwrap().recv();
        }
        Ok(())
    });
    let list = Arc::new(List::open(folder.path(), &options).unwrap());
    opened.store(true, Ordering::SeqCst);
    let mut callers = JoinSet::new();
    for number in 0..256 {
        let list = Arc::clone(&list);
        callers.spawn(async move { revoke(&list, exact(number)).await });
    }
    callers.spawn(async move {
        release.send(()).unwrap();
        0
    });
    let mut sequences = callers.join_all().await;
    sequences.sort_unstable();
    assert_eq!(sequences, (0..=256).collect::<Vec<_>>());
    assert!(list.stats().syncs <= 2, "{:?}", list.stats());
    assert_eq!(list.stats().written, 256);
}

#[tokio::test]
async fn what_cannot_be_synced_is_not_acknowledged_and_the_list_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let mut options = options();
    let fails = Arc::clone(&broken);
    options.sync = Arc::new(move |_, _| {
        if fails.load(Ordering::SeqCst) {
            Err(std::io::Error::other("disk is gone"))
        } else {
            Ok(())
        }
    });
    let list = List::open(folder.path(), &options).unwrap();
    revoke(&list, exact(1)).await;
    let (epoch, index) = (list.epoch(), list.index());
    assert_eq!(list.healthy(), Ok(()));
    broken.store(true, Ordering::SeqCst);
    let refused = list.revoke(exact(2), note("stolen")).await.unwrap_err();
    assert!(refused.to_string().contains("disk is gone"), "{refused}");
    assert_eq!(list.healthy(), Err(refused.clone()));
    assert_eq!((list.sequence(), index.contains(print(1))), (1, true), "what was kept is in force");
    assert!(list.revoke(exact(3), note("stolen")).await.is_err(), "it is not well yet");
    broken.store(false, Ordering::SeqCst);
    until_well(&list).await;
    revoke(&list, exact(3)).await;
    assert_eq!(list.epoch(), epoch);
    let (_place, again) = open_copy(folder.path());
    for list in [&list, &again] {
        assert!([1, 3].iter().all(|number| list.index().contains(print(*number))));
        let listed = list.page(0, 10).unwrap().len();
        assert_eq!(listed as u64, list.sequence(), "index, order and number fit together");
    }
}

/// The way there is what a restart would do, with the index left as it is.
async fn until_well(list: &List) {
    let well = async {
        while list.healthy().is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), well).await.unwrap();
}

#[tokio::test]
async fn changes_that_wait_while_the_list_recovers_are_refused_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let failures = Arc::new(AtomicU64::new(0));
    let mut options = options();
    let left = Arc::clone(&failures);
    options.sync = Arc::new(move |_, _| {
        let fails =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        fails.map_or(Ok(()), |_| Err(std::io::Error::from_raw_os_error(28)))
    });
    let list = Arc::new(List::open(folder.path(), &options).unwrap());
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        failures.store(round, Ordering::SeqCst);
        let mut callers = JoinSet::new();
        for number in round * 10..round * 10 + 10 {
            let list = Arc::clone(&list);
            callers.spawn(async move {
                list.revoke(exact(number), note("stolen")).await.ok().map(|_| number)
            });
        }
        acknowledged.extend(callers.join_all().await.into_iter().flatten());
        until_well(&list).await;
    }
    assert!(acknowledged.len() >= 10, "{acknowledged:?}");
    let (_place, again) = open_copy(folder.path());
    for list in [&*list, &again] {
        assert!(acknowledged.iter().all(|number| list.index().contains(print(*number))));
    }
}

#[tokio::test]
async fn the_change_is_told_after_the_index_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let (mut changes, index) = (list.changes(), list.index());
    let watcher = tokio::spawn(async move {
        changes.changed().await.unwrap();
        (*changes.borrow(), index.contains(print(1)))
    });
    revoke(&list, exact(1)).await;
    assert_eq!(watcher.await.unwrap(), (1, true));
}

#[tokio::test]
async fn a_note_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(folder.path());
    let refused = list.revoke(exact(1), note(&"x".repeat(1_025))).await;
    assert_eq!(refused, Err(WriteError::NoteTooLong));
    assert!(list.revoke(exact(1), note(&"x".repeat(1_024))).await.is_ok());
}

/// sled can wait for ever for a write that it has given up: such a database is left behind, with the lock that it has.
#[tokio::test]
async fn a_database_that_cannot_be_closed_is_left_behind_with_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let left = open(folder.path());
    revoke(&left, exact(1)).await;
    assert!(matches!(List::open(folder.path(), &options()), Err(OpenError::InUse(_))));
    open::leave_lock(folder.path(), &options()).unwrap();
    let list = open(folder.path());
    assert_eq!(list.opened(), &Opened::Existing);
    assert!(list.index().contains(print(1)));
    revoke(&list, exact(2)).await;
    drop(list);
    let list = open(folder.path());
    assert!([1, 2].iter().all(|number| list.index().contains(print(*number))));
}
