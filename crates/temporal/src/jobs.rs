//! What the activities and the dispatcher need of Platform, whatever its way to Labeler is made of.

use std::pin::Pin;

use hallpass_jobs::{Peer, Place};
use hallpass_platform::{Handover, HandoverError, Offer, Step, Told};
use tokio_util::sync::CancellationToken;

/// An answer that is still awaited.
pub(crate) type Awaited<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Handover`] without its type parameter, which activities cannot have.
pub(crate) trait Jobs: Send + Sync + 'static {
    fn offer(&self) -> Awaited<'_, Result<Option<Offer>, HandoverError>>;
    fn accepted<'a>(&'a self, offer: &'a Offer) -> Awaited<'a, Result<(), HandoverError>>;
    fn lapsed(&self, offer: Offer) -> Awaited<'_, ()>;
    fn aborting(&self) -> Awaited<'_, Result<Vec<Told>, HandoverError>>;
    fn told<'a>(&'a self, told: &'a Told) -> Awaited<'a, Result<(), HandoverError>>;
    fn wait(&self) -> Awaited<'_, ()>;
    fn attempt<'a>(
        &'a self,
        of: (&'a str, &'a str),
        place: Place,
        trace: &'a str,
        stop: &'a CancellationToken,
    ) -> Awaited<'a, Result<Step, HandoverError>>;
    fn give_up<'a>(
        &'a self,
        of: (&'a str, &'a str),
        is_aborted: bool,
    ) -> Awaited<'a, Result<Step, HandoverError>>;
}

impl<S: Peer> Jobs for Handover<S> {
    fn offer(&self) -> Awaited<'_, Result<Option<Offer>, HandoverError>> {
        Box::pin(self.offer())
    }

    fn accepted<'a>(&'a self, offer: &'a Offer) -> Awaited<'a, Result<(), HandoverError>> {
        Box::pin(self.accepted(offer))
    }

    fn lapsed(&self, offer: Offer) -> Awaited<'_, ()> {
        Box::pin(self.lapsed(offer))
    }

    fn aborting(&self) -> Awaited<'_, Result<Vec<Told>, HandoverError>> {
        Box::pin(self.aborting())
    }

    fn told<'a>(&'a self, told: &'a Told) -> Awaited<'a, Result<(), HandoverError>> {
        Box::pin(self.told(told))
    }

    fn wait(&self) -> Awaited<'_, ()> {
        Box::pin(self.wait())
    }

    fn attempt<'a>(
        &'a self,
        of: (&'a str, &'a str),
        place: Place,
        trace: &'a str,
        stop: &'a CancellationToken,
    ) -> Awaited<'a, Result<Step, HandoverError>> {
        Box::pin(self.attempt(of, place, trace, stop))
    }

    fn give_up<'a>(
        &'a self,
        of: (&'a str, &'a str),
        is_aborted: bool,
    ) -> Awaited<'a, Result<Step, HandoverError>> {
        Box::pin(self.give_up(of, is_aborted))
    }
}
