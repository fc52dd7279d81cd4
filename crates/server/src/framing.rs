//! Follows the frames of gRPC messages in a body, without keeping any of it (gRPC over HTTP/2, `Length-Prefixed-Message`).

/// Where a body is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Framing {
    /// How many bytes of the prefix have come: one flag and four of the length.
    prefix: u8,
    /// The length as far as it has come; then how many bytes of the message are still to come.
    left: u32,
}

const PREFIX: u8 = 5;

impl Framing {
    /// Goes on by some bytes. Fails with the announced length of a message that is too long.
    pub(crate) fn advance(&mut self, mut bytes: &[u8], most: u32) -> Result<(), u32> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.prefix < PREFIX {
                if self.prefix > 0 {
                    self.left = self.left << 8 | u32::from(*first);
                }
                self.prefix += 1;
                bytes = rest;
                if self.prefix == PREFIX && self.left > most {
                    return Err(self.left);
                }
            } else {
                let here =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                bytes = &bytes[here..];
                self.left -= u32::try_from(here).unwrap_or(self.left);
            }
            if self.prefix == PREFIX && self.left == 0 {
                *self = Self::default();
            }
        }
        Ok(())
    }

    /// Whether what has come are whole messages.
    pub(crate) const fn is_whole(self) -> bool {
        self.prefix == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Vec<u8> {
        let data = std::iter::repeat_n(7, length as usize);
        std::iter::once(0).chain(length.to_be_bytes()).chain(data).collect()
    }

    #[test]
    fn messages_are_followed_however_they_are_cut() {
        let body = [message(0), message(300), message(1), message(70_000)].concat();
        let ends = [5, 310, 316, 316 + 70_005];
        for step in [1, 2, 3, 5, 7, 299, 16_384, body.len()] {
            let (mut framing, mut at) = (Framing::default(), 0);
            for piece in body.chunks(step) {
                assert_eq!(framing.advance(piece, 70_000), Ok(()));
                at += piece.len();
                assert_eq!(framing.is_whole(), ends.contains(&at), "{at} by {step}");
            }
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_known_by_its_prefix() {
        for length in [101, 1 << 24, u32::MAX] {
            let prefix: Vec<_> = [0].into_iter().chain(length.to_be_bytes()).collect();
            assert_eq!(Framing::default().advance(&prefix[..4], 100), Ok(()));
            assert_eq!(Framing::default().advance(&prefix, 100), Err(length));
            let second = [message(100), prefix].concat();
            assert_eq!(Framing::default().advance(&second, 100), Err(length));
        }
        assert_eq!(Framing::default().advance(&message(100), 100), Ok(()));
    }
}
