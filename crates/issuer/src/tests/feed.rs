//! What a follower gets: everything that it lacks, what is new at once, and answers that prove it.

use futures_util::StreamExt;
use hallpass_contract::auth::watch_response::Event;
use hallpass_contract::auth::{
    EntryBatch, ProbeAnswer, RevocationService, WatchRequest, WatchResponse,
};
use hallpass_policy::adapter::Reply;
use hallpass_revocation::{Entry, Note};
use hallpass_token::Fingerprint;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::world::{ALICE, NOW, Wish, World};
use crate::error::Error;

#[tokio::test]
async fn a_new_follower_gets_all_of_it_then_its_answer() {
    let world = World::new();
    fill(&world, 0..3).await;
    let mut follower = Follower::new(&world).await;
    follower.probe(1, 0, 0).await;
    let batch = follower.entries().await;
    assert_eq!((batch.epoch, batch.sequence), (world.list.epoch(), 3));
    assert!(batch.snapshot && batch.last);
    let prints: Vec<_> = batch.entries.iter().map(|entry| entry.fingerprint.to_vec()).collect();
    assert_eq!(prints, [0, 1, 2].map(|number| key(number).to_bytes().to_vec()));
    assert_eq!(follower.answer().await, answer(&world, 1, 3));
}

#[tokio::test]
async fn an_empty_list_is_a_snapshot_too() {
    let world = World::new();
    let mut follower = Follower::new(&world).await;
    follower.probe(1, 0, 0).await;
    let batch = follower.entries().await;
    assert!(batch.snapshot && batch.last && batch.entries.is_empty());
    assert_eq!(follower.answer().await, answer(&world, 1, 0));
}

#[tokio::test]
async fn a_known_place_is_resumed_and_any_other_means_all_of_it() {
    let world = World::new();
    fill(&world, 0..3).await;
    let epoch = world.list.epoch();
    for (at, sequence, entries, snapshot) in
        [(epoch, 1, 2, false), (epoch ^ 1, 1, 3, true), (epoch, 9, 3, true), (0, 0, 3, true)]
    {
        let mut follower = Follower::new(&world).await;
        follower.probe(1, at, sequence).await;
        let batch = follower.entries().await;
        assert_eq!((batch.entries.len(), batch.snapshot), (entries, snapshot));
        assert_eq!(follower.answer().await, answer(&world, 1, 3));
    }
    let mut follower = Follower::new(&world).await;
    follower.probe(1, epoch, 3).await;
    assert_eq!(follower.answer().await, answer(&world, 1, 3));
}

#[tokio::test]
async fn what_is_new_comes_without_a_probe() {
    let world = World::new();
    let mut follower = Follower::new(&world).await;
    follower.probe(1, world.list.epoch(), 0).await;
    assert_eq!(follower.answer().await, answer(&world, 1, 0));
    for number in 0..3 {
        fill(&world, number..number + 1).await;
        let batch = follower.entries().await;
        assert_eq!(batch.entries[0].fingerprint, key(number).to_bytes().as_slice());
        assert_eq!((batch.sequence, batch.snapshot), (u64::from(number) + 1, false));
    }
}

#[tokio::test]
async fn a_long_list_comes_in_bounded_pages() {
    let world = World::new();
    fill(&world, 0..2_500).await;
    let mut follower = Follower::new(&world).await;
    follower.probe(1, 0, 0).await;
    let mut seen = 0;
    loop {
        let batch = follower.entries().await;
        assert!(batch.snapshot && batch.entries.len() <= 1000);
        seen += batch.entries.len();
        if batch.last {
            break;
        }
    }
    assert_eq!(seen, 2_500);
    assert_eq!(follower.answer().await, answer(&world, 1, 2_500));
}

#[tokio::test]
async fn a_probe_is_read_between_two_pages() {
    let world = World::new();
    fill(&world, 0..2_500).await;
    let mut follower = Follower::new(&world).await;
    follower.probe(1, world.list.epoch(), 0).await;
    assert_eq!(follower.entries().await.sequence, 1_000);
    follower.probe(2, world.list.epoch(), 0).await;
    assert_eq!(follower.entries().await.sequence, 2_000);
    fill(&world, 2_500..2_501).await;
    assert_eq!(follower.entries().await.sequence, 2_501);
    assert_eq!(follower.answer().await, answer(&world, 2, 2_500), "read after the new entry");
}

#[tokio::test]
async fn the_feed_ends_with_its_follower() {
    let world = World::new();
    let mut follower = Follower::new(&world).await;
    follower.probe(1, world.list.epoch(), 0).await;
    follower.answer().await;
    follower.send.send(Err(Status::aborted("gone"))).await.unwrap();
    let error = Status::from(follower.reply.next().await.unwrap().unwrap_err());
    assert_eq!(error.code(), Code::Aborted);
    assert!(follower.reply.next().await.is_none());

    let Follower { send, mut reply } = Follower::new(&world).await;
    drop(send);
    assert!(reply.next().await.is_none());
}

struct Follower {
    send: mpsc::Sender<Result<WatchRequest, Status>>,
    reply: Reply<WatchResponse, Error>,
}

impl Follower {
    async fn new(world: &World) -> Self {
        let token = world.mint(&Wish { kid: "workers", subject: "", ..ALICE });
        let permit = world.permit(&token, "RevocationService/Watch");
        let (send, requests) = mpsc::channel(4);
        let requests = Box::pin(ReceiverStream::new(requests));
        Self { send, reply: world.revocations.watch(permit, requests).await.unwrap() }
    }

    async fn probe(&self, probe: u64, epoch: u64, sequence: u64) {
        self.send.send(Ok(WatchRequest { probe, epoch, sequence })).await.unwrap();
    }

    async fn event(&mut self) -> Event {
        self.reply.next().await.unwrap().unwrap().event.unwrap()
    }

    async fn entries(&mut self) -> EntryBatch {
        let Event::Entries(batch) = self.event().await else { panic!("an answer came first") };
        batch
    }

    async fn answer(&mut self) -> ProbeAnswer {
        let Event::Answer(answer) = self.event().await else { panic!("entries came first") };
        answer
    }
}

fn key(number: u32) -> Fingerprint {
    Fingerprint::key(&number.to_string())
}

fn answer(world: &World, probe: u64, sequence: u64) -> ProbeAnswer {
    ProbeAnswer { probe, epoch: world.list.epoch(), sequence }
}

/// Revokes keys of these numbers, all of them at once, in this order.
async fn fill(world: &World, numbers: std::ops::Range<u32>) {
    let note = Note { reason: String::new(), by: String::new(), at: NOW };
    let revoked =
        numbers.map(|number| world.list.revoke(Entry::exact(key(number), None), note.clone()));
    for sequence in futures_util::future::join_all(revoked).await {
        sequence.unwrap();
    }
}
