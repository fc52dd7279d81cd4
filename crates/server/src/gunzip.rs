//! Takes the gzip off request messages (gRPC over HTTP/2, `Message-Encoding`), one message at a time.
//!
//! Invariant: of a message that becomes longer than its method takes, no more than that is kept, however little of it was sent.

use std::io::{self, Write};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use flate2::write::GzDecoder;

const PREFIX: usize = 5;

/// The messages of one request.
#[derive(Debug, Default)]
pub(crate) struct Gunzip {
    /// What has come and is not looked at yet.
    rest: Bytes,
    prefix: BytesMut,
    message: Option<Message>,
}

/// A message that has not come whole.
#[derive(Debug)]
struct Message {
    /// How many of its bytes are still to come, as sent.
    left: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Plain(BytesMut),
    Zipped(Box<GzDecoder<Limited>>),
}

/// Why a message cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is longer than this: so much is known of it.
    TooLong(u64),
    /// It is not gzip, or not all of it.
    Corrupt(String),
}

impl Gunzip {
    /// Takes what has come. The messages before it must have been taken out.
    pub(crate) fn push(&mut self, data: Bytes) {
        self.rest = data;
    }

    /// Whether there is nothing left to look at without more from the client.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether what has come are whole messages.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_empty() && self.prefix.is_empty() && self.message.is_none()
    }

    /// How many bytes are kept of a message that has not come whole.
    pub(crate) fn held(&self) -> usize {
        match self.message.as_ref().map(|message| &message.form) {
            None => 0,
            Some(Form::Plain(bytes)) => bytes.len(),
            Some(Form::Zipped(decoder)) => decoder.get_ref().bytes.len(),
        }
    }

    /// The next whole message with the prefix that says it is not compressed.
    pub(crate) fn next(&mut self, most: u32) -> Result<Option<Bytes>, Unusable> {
        if self.message.is_none() {
            let missing = (PREFIX - self.prefix.len()).min(self.rest.len());
            self.prefix.put(self.rest.split_to(missing));
            if self.prefix.len() < PREFIX {
                return Ok(None);
            }
            self.message = Some(begin(&mut self.prefix, most)?);
        }
        let Some(message) = &mut self.message else { return Ok(None) };
        let here = self.rest.split_to(message.left.min(self.rest.len()));
        message.left -= here.len();
        match &mut message.form {
            Form::Plain(bytes) => bytes.put(here),
            Form::Zipped(decoder) => {
                let written = decoder.write_all(&here).and_then(|()| decoder.flush());
                written.map_err(|error| unusable(&error))?;
            }
        }
        if message.left > 0 {
            return Ok(None);
        }
        self.message.take().map(|message| whole(message.form)).transpose()
    }
}

/// Reads the prefix, by which some messages are known to be too long.
fn begin(prefix: &mut BytesMut, most: u32) -> Result<Message, Unusable> {
    let (zipped, length) = (prefix.get_u8(), prefix.get_u32());
    let longest = match zipped {
        0 => most,
        // What gzip cannot make shorter it makes a little longer.
        1 => most.saturating_add(most / 64).saturating_add(64),
        flag => return Err(Unusable::Corrupt(format!("the flag of a message is {flag}"))),
    };
    if length > longest {
        return Err(Unusable::TooLong(length.into()));
    }
    let form = if zipped == 1 {
        Form::Zipped(Box::new(GzDecoder::new(Limited { bytes: opened(), most })))
    } else {
        Form::Plain(opened())
    };
    Ok(Message { left: usize::try_from(length).unwrap_or(usize::MAX), form })
}

/// Room for the prefix, which is known last.
fn opened() -> BytesMut {
    BytesMut::from(&[0; PREFIX][..])
}

fn whole(form: Form) -> Result<Bytes, Unusable> {
    let mut bytes = match form {
        Form::Plain(bytes) => bytes,
        Form::Zipped(decoder) => decoder.finish().map_err(|error| unusable(&error))?.bytes,
    };
    let length = u32::try_from(bytes.len() - PREFIX).unwrap_or(u32::MAX);
    bytes[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    Ok(bytes.freeze())
}

fn unusable(error: &io::Error) -> Unusable {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Full>()) {
        Some(Full(length)) => Unusable::TooLong(*length),
        None => Unusable::Corrupt(format!("gzip: {error}")),
    }
}

/// Keeps a message up to its longest.
#[derive(Debug)]
struct Limited {
    bytes: BytesMut,
    most: u32,
}

/// A message has become longer than it may be.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes and more")]
struct Full(u64);

impl Write for Limited {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let length = (self.bytes.len() - PREFIX + piece.len()) as u64;
        if length > self.most.into() {
            return Err(io::Error::other(Full(length)));
        }
        self.bytes.put(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn plain(data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        [&[0], &length.to_be_bytes()[..], data].concat()
    }

    fn zipped(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        let mut message = plain(&encoder.finish().unwrap());
        message[0] = 1;
        message
    }

    fn noise(length: usize) -> Vec<u8> {
        let next = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(state.to_be_bytes()[0])
        };
        std::iter::repeat_n((), length).scan(7, |state, ()| next(state)).collect()
    }

    fn read(body: &[u8], step: usize, most: u32) -> Result<Vec<u8>, Unusable> {
        let (mut gunzip, mut read) = (Gunzip::default(), Vec::new());
        for piece in body.chunks(step) {
            gunzip.push(Bytes::copy_from_slice(piece));
            loop {
                let message = gunzip.next(most)?;
                assert!(gunzip.held() <= PREFIX + most as usize);
                match message {
                    Some(message) => read.extend(message),
                    None if gunzip.is_done() => break,
                    None => {}
                }
            }
        }
        assert!(gunzip.is_whole());
        Ok(read)
    }

    #[test]
    fn messages_are_read_however_they_are_cut() {
        let messages: [&[u8]; 4] = [b"", b"one", &[7; 9_000], &noise(70_000)];
        let parts = messages.iter().flat_map(|message| [zipped(message), plain(message)]);
        let body: Vec<u8> = parts.flatten().collect();
        let expected: Vec<u8> =
            messages.iter().flat_map(|message| [plain(message), plain(message)].concat()).collect();
        for step in [1, 3, 5, 16_384, body.len()] {
            assert_eq!(read(&body, step, 70_000).unwrap(), expected, "by {step}");
        }
    }

    #[test]
    fn a_message_is_limited_by_what_it_becomes() {
        let bomb = zipped(&vec![0; 64 << 20]);
        assert!(bomb.len() < 70_000);
        assert!(matches!(read(&bomb, 16_384, 100_000), Err(Unusable::TooLong(100_001..))));
        for length in [1, 1024, 100_000] {
            let most = u32::try_from(length).unwrap();
            assert!(read(&zipped(&noise(length)), 16_384, most).is_ok(), "{length}");
            assert!(read(&zipped(&noise(length + 1)), 16_384, most).is_err(), "{length} and one");
            assert!(read(&plain(&noise(length + 1)), 16_384, most).is_err(), "{length} and one");
        }
        let prefix = [&[1], &u32::MAX.to_be_bytes()[..]].concat();
        assert_eq!(read(&prefix, 5, 1024), Err(Unusable::TooLong(u32::MAX.into())));
    }

    #[test]
    fn what_is_no_gzip_is_refused() {
        let whole = zipped(b"a message of some length");
        let mut bent = whole.clone();
        let last = bent.len() - 6;
        bent[last] ^= 1;
        let mut cut = whole[..whole.len() - 4].to_vec();
        cut[4] -= 4;
        let mut more = [whole, vec![0; 3]].concat();
        more[4] += 3;
        let mut text = plain(b"not gzip at all");
        text[0] = 1;
        let flag = vec![2, 0, 0, 0, 0];
        for body in [bent, cut, more, text, flag, vec![1, 0, 0, 0, 0]] {
            assert!(matches!(read(&body, 16_384, 1024), Err(Unusable::Corrupt(_))), "{body:?}");
        }
    }
}
