use super::*;

const MAX: Duration = Duration::from_secs(2);

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn position(sequence: u64) -> Position {
    Position { epoch: 7, sequence }
}

fn batch(sequence: u64) -> Batch {
    Batch { epoch: 7, snapshot: false, last: false, sequence, entries: Vec::new() }
}

fn snapshot(sequence: u64, last: bool) -> Batch {
    Batch { snapshot: true, last, ..batch(sequence) }
}

fn answer(probe: u64, sequence: u64) -> Answer {
    Answer { probe, epoch: 7, sequence }
}

fn follower(stands: Option<Position>) -> (Follower, Freshness) {
    let freshness = Freshness::follower(MAX);
    (Follower::new(Timing::within(MAX), freshness.clone(), stands), freshness)
}

#[test]
fn says_where_it_stands_as_soon_as_it_is_connected() {
    let (mut follower, _) = follower(Some(position(5)));
    let probe = Probe { number: 1, position: Some(position(5)) };
    assert_eq!(follower.connected(at(0)), [Effect::Probe(probe)]);
    assert_eq!(follower.tick(at(249)), []);
    let next = Probe { number: 2, position: Some(position(5)) };
    assert_eq!(follower.tick(at(250)), [Effect::Probe(next)]);
}

#[test]
fn is_fresh_from_its_own_sending_not_from_the_answer() {
    let (mut follower, freshness) = follower(Some(position(5)));
    follower.connected(at(1_000));
    assert_eq!(follower.answered(answer(1, 5), at(1_900)), []);
    assert_eq!(freshness.age(at(1_900)), Some(at(900)));
    assert!(freshness.is_fresh(at(2_999)) && !freshness.is_fresh(at(3_000)));
}

#[test]
fn an_answer_counts_only_once_its_entries_are_applied() {
    let (mut follower, freshness) = follower(Some(position(5)));
    follower.connected(at(0));
    assert_eq!(follower.received(batch(9), at(10)), [Effect::Apply(batch(9))]);
    assert_eq!(follower.answered(answer(1, 9), at(11)), []);
    assert_eq!(freshness.age(at(11)), None);
    follower.applied(Some(position(9)), at(20));
    assert_eq!(freshness.age(at(20)), Some(at(20)));
}

#[test]
fn a_snapshot_counts_only_once_its_last_batch_is_applied() {
    let (mut follower, freshness) = follower(Some(Position { epoch: 3, sequence: 99 }));
    follower.connected(at(0));
    follower.received(snapshot(4, false), at(1));
    follower.applied(None, at(2));
    assert_eq!(follower.position(), Some(Position { epoch: 3, sequence: 99 }));
    follower.received(snapshot(8, true), at(3));
    follower.answered(answer(1, 8), at(4));
    assert_eq!(freshness.age(at(4)), None);
    follower.applied(Some(position(8)), at(5));
    assert_eq!((follower.position(), freshness.age(at(5))), (Some(position(8)), Some(at(5))));
}

#[test]
fn gives_up_what_cannot_be_true() {
    type Play = fn(&mut Follower) -> Vec<Effect>;
    let table: [(&str, Play); 8] = [
        ("no store", |f| f.received(Batch { epoch: 0, ..batch(6) }, at(1))),
        ("another store's run", |f| f.received(Batch { epoch: 8, ..batch(6) }, at(1))),
        ("a step back", |f| f.received(batch(4), at(1))),
        ("an answer of another store", |f| f.answered(Answer { epoch: 8, ..answer(1, 5) }, at(1))),
        ("an answer before its entries", |f| f.answered(answer(1, 6), at(1))),
        ("an answer to an unknown probe", |f| f.answered(answer(9, 5), at(1))),
        ("a run within a snapshot", |f| {
            f.received(snapshot(2, false), at(1));
            f.received(batch(6), at(2))
        }),
        ("a snapshot that changes its store", |f| {
            f.received(snapshot(2, false), at(1));
            f.received(Batch { epoch: 8, ..snapshot(6, true) }, at(2))
        }),
    ];
    for (what, play) in table {
        let (mut follower, freshness) = follower(Some(position(5)));
        follower.connected(at(0));
        let effects = play(&mut follower);
        assert!(matches!(effects[..], [Effect::Reconnect(_)]), "{what}: {effects:?}");
        assert_eq!(freshness.age(at(9)), None, "{what}");
        assert_eq!(follower.received(batch(6), at(9)), [], "{what}: it must take nothing more");
    }
}

#[test]
fn an_answer_from_an_earlier_connection_proves_nothing() {
    let (mut follower, freshness) = follower(Some(position(5)));
    follower.connected(at(0));
    follower.disconnected();
    follower.connected(at(500));
    let effects = follower.answered(answer(1, 5), at(501));
    assert!(matches!(effects[..], [Effect::Reconnect(_)]));
    assert_eq!(freshness.age(at(501)), None);
}

#[test]
fn silence_ends_a_connection_but_not_while_it_applies() {
    let (mut follower, _) = follower(Some(position(5)));
    follower.connected(at(0));
    follower.received(batch(6), at(100));
    assert!(!matches!(follower.tick(at(9_000))[..], [Effect::Reconnect(_)]));
    follower.applied(Some(position(6)), at(9_000));
    assert!(!matches!(follower.tick(at(9_999))[..], [Effect::Reconnect(_)]));
    assert!(matches!(follower.tick(at(10_000))[..], [Effect::Reconnect(_)]));
}

/// The way to the issuer is dead and the way back is not: what comes is no sign that the probes arrive.
#[test]
fn unanswered_probes_end_a_connection_however_many_entries_come() {
    let (mut follower, _) = follower(Some(position(5)));
    follower.connected(at(0));
    follower.answered(answer(1, 5), at(10));
    let gave_up = (1..100_u64).map(|round| round * 100).find(|&now| {
        let sequence = 5 + now / 100;
        follower.received(batch(sequence), at(now));
        follower.applied(Some(position(sequence)), at(now));
        matches!(follower.tick(at(now))[..], [Effect::Reconnect(_)])
    });
    assert!(gave_up.is_some_and(|at| (2_000..3_000).contains(&at)), "{gave_up:?} ms");
}

#[test]
fn few_probes_are_under_way_however_long_nothing_is_answered() {
    let (mut follower, _) = follower(None);
    follower.connected(at(0));
    follower.received(snapshot(1, false), at(1));
    let probes = (1..10_000).flat_map(|n| follower.tick(at(n * 250))).count();
    assert_eq!(probes + 1, UNDER_WAY);
}
