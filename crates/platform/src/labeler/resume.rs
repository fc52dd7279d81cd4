//! A download that outlives the tokens with which it is made.
//!
//! Invariant: the user gets each byte once, in order. Platform's tokens live for minutes; where Labeler ends a stream because one of
//! them has, the stream goes on at the very byte with a new one, as long as the user's own token lets one be made. A file that is
//! another by then ends the download instead.

use std::pin::Pin;

use futures_util::stream;
use hallpass_contract::labeler::{
    DownloadDatasetRequest, DownloadDatasetResponse, DownloadSnapshotRequest,
    DownloadSnapshotResponse, FileChunk, FileInfo,
};
use hallpass_policy::adapter::Reply;
use tonic::codegen::Bytes;
use tonic::{Response, Status, Streaming};

use super::answer::{Asked, LabelerError};
use super::client::answered;
use crate::error::Error;

/// So often in a row a stream is begun anew without a piece having come: a user who does not read lets tokens end, too.
const FRUITLESS: u8 = 3;

/// A call that is to be answered in pieces.
pub(crate) type Opening<A> =
    Pin<Box<dyn Future<Output = Result<Response<Streaming<A>>, Status>> + Send>>;

/// A request for files that can begin at any byte.
pub(crate) trait FromPlace: Clone + Send + 'static {
    /// The path that it names, if it names one, and the byte.
    fn place(&self) -> (&str, u64);
    /// The same request, begun at a later place.
    fn at(&self, path: &str, offset: u64) -> Self;
}

/// A piece of a file.
pub(crate) trait Piece: Send + 'static {
    /// The bytes, and what comes with the first of each file.
    fn parts(&mut self) -> (Option<&FileChunk>, &mut Option<FileInfo>);
}

macro_rules! download_messages {
    ($request:ty, $response:ty) => {
        impl FromPlace for $request {
            fn place(&self) -> (&str, u64) {
                (&self.path, self.offset)
            }

            fn at(&self, path: &str, offset: u64) -> Self {
                // Whoever named no file wanted them all.
                let onwards = self.onwards || self.path.is_empty();
                Self { path: path.to_owned(), offset, onwards, ..self.clone() }
            }
        }

        impl Piece for $response {
            fn parts(&mut self) -> (Option<&FileChunk>, &mut Option<FileInfo>) {
                (self.chunk.as_ref(), &mut self.file)
            }
        }
    };
}

download_messages!(DownloadDatasetRequest, DownloadDatasetResponse);
download_messages!(DownloadSnapshotRequest, DownloadSnapshotResponse);

/// What Labeler answers in pieces, as they come. `open` makes the call, each time with a token that is good.
pub(crate) async fn download<Q: FromPlace, A: Piece>(
    asked: Asked,
    request: Q,
    open: impl Fn(Q) -> Opening<A> + Send + 'static,
) -> Result<Reply<A, Error>, Error> {
    let pieces = answered(&asked, open(request.clone()).await)?;
    let (path, offset) = request.place();
    let named = !path.is_empty();
    let place = named.then(|| Place { path: path.to_owned(), offset, sha256: None });
    let going = Going { asked, request, open, pieces, place, begun_anew: false, fruitless: 0 };
    Ok(Box::pin(stream::try_unfold(going, async |mut going| {
        Ok(going.next().await?.map(|piece| (piece, going)))
    })))
}

struct Going<Q, A, O> {
    asked: Asked,
    request: Q,
    open: O,
    pieces: Streaming<A>,
    place: Option<Place>,
    /// Whether the next piece is the first after the stream was begun anew.
    begun_anew: bool,
    fruitless: u8,
}

/// Where the user is: the byte that is to come next.
struct Place {
    path: String,
    offset: u64,
    sha256: Option<Bytes>,
}

impl<Q: FromPlace, A: Piece, O: Fn(Q) -> Opening<A>> Going<Q, A, O> {
    async fn next(&mut self) -> Result<Option<A>, Error> {
        loop {
            match self.pieces.message().await {
                Ok(None) => return Ok(None),
                Ok(Some(mut piece)) => {
                    self.fruitless = 0;
                    if self.is_news(&mut piece)? {
                        return Ok(Some(piece));
                    }
                }
                Err(status) if Asked::token_ended(&status) && self.fruitless < FRUITLESS => {
                    self.begin_anew().await?;
                }
                Err(status) => return Err(self.asked.understand(&status).into()),
            }
        }
    }

    async fn begin_anew(&mut self) -> Result<(), Error> {
        self.fruitless += 1;
        let request = match &self.place {
            Some(place) => self.request.at(&place.path, place.offset),
            None => self.request.clone(),
        };
        self.pieces = answered(&self.asked, (self.open)(request).await)?;
        self.begun_anew = self.place.is_some();
        Ok(())
    }

    /// Takes note of a piece. False if the user has it all already.
    fn is_news(&mut self, piece: &mut A) -> Result<bool, Error> {
        let begun_anew = std::mem::take(&mut self.begun_anew);
        let (Some(chunk), file) = piece.parts() else { return Ok(true) };
        let length = chunk.data.len() as u64;
        let sha256 = file.as_ref().map(|file| file.sha256.clone());
        match &mut self.place {
            Some(place) if place.path == chunk.path => {
                place.offset += length;
                if !begun_anew {
                    place.sha256 = place.sha256.take().or(sha256);
                    return Ok(true);
                }
                if place.sha256.is_some() && sha256.is_some() && place.sha256 != sha256 {
                    return Err(LabelerError::Changed.into());
                }
                *file = None;
                Ok(length > 0)
            }
            place => {
                *place = Some(Place { path: chunk.path.clone(), offset: length, sha256 });
                Ok(true)
            }
        }
    }
}
