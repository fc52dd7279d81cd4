//! Takes the credentials out of a request: read strictly, once, and gone before the handler sees the request.

use hallpass_policy::Denial;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::ACTION_HEADER;

/// The SHA-256 of the certificate that the client showed. The server puts it into the extensions of each request of a
/// connection with mutual TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate(pub [u8; 32]);

/// What a request carried.
pub(crate) struct Presented {
    bearer: Option<HeaderValue>,
    action: Option<HeaderValue>,
}

impl Presented {
    /// Takes both kinds of credential out of the metadata; more than one of a kind is refused.
    pub(crate) fn take(headers: &mut HeaderMap) -> Result<Self, Denial> {
        let bearer = sole(headers, &AUTHORIZATION);
        let action = sole(headers, &ACTION_HEADER);
        Ok(Self { bearer: bearer?, action: action? })
    }

    /// Puts both back, for a call that is decided later.
    pub(crate) fn put_back(self, headers: &mut HeaderMap) {
        if let Some(bearer) = self.bearer {
            headers.insert(AUTHORIZATION, bearer);
        }
        if let Some(action) = self.action {
            headers.insert(ACTION_HEADER, action);
        }
    }

    /// The caller's own token, as the value of `authorization` holds it: `Bearer`, one or more spaces, the token (RFC 6750, section 2.1;
    /// RFC 9110, section 11.4).
    pub(crate) fn bearer(&self) -> Result<Option<Token<'_>>, Denial> {
        const SCHEME: &[u8] = b"bearer ";
        let Some(value) = &self.bearer else { return Ok(None) };
        match value.as_bytes().split_at_checked(SCHEME.len()) {
            Some((scheme, mut token)) if scheme.eq_ignore_ascii_case(SCHEME) => {
                while let [b' ', rest @ ..] = token {
                    token = rest;
                }
                Token::of(token).map(Some)
            }
            _ => Err(Denial::CredentialsMalformed("not of the form `Bearer <token>`")),
        }
    }

    /// The action token.
    pub(crate) fn action(&self) -> Result<Option<Token<'_>>, Denial> {
        self.action.as_ref().map(|value| Token::of(value.as_bytes())).transpose()
    }
}

/// Takes credentials away unread, for calls that need none.
pub(crate) fn discard(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(ACTION_HEADER);
}

fn sole(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<HeaderValue>, Denial> {
    let several = headers.get_all(name).iter().nth(1).is_some();
    let value = headers.remove(name);
    if several {
        return Err(Denial::CredentialsMalformed("more than one value"));
    }
    Ok(value)
}

/// A token as it came. Nobody has read it yet.
#[derive(Clone, Copy)]
pub(crate) struct Token<'a>(&'a [u8]);

impl<'a> Token<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Denial> {
        if bytes.is_empty() {
            return Err(Denial::CredentialsMalformed("empty"));
        }
        Ok(Self(bytes))
    }

    /// The bytes, to find a token that was read before.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text: no space and nothing unprintable is in it. Whether it is a token, the key ring says.
    pub(crate) fn text(self) -> Result<&'a str, Denial> {
        if !self.0.iter().all(u8::is_ascii_graphic) {
            return Err(Denial::CredentialsMalformed("a space or an unprintable character"));
        }
        std::str::from_utf8(self.0).map_err(|_| Denial::CredentialsMalformed("not text"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    /// The values sent, and what is read: nothing where they are refused.
    type Row<'a> = (&'a [&'a [u8]], Option<Option<&'a str>>);

    fn headers(name: &HeaderName, values: &[&[u8]]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_bytes(value).unwrap());
        values.map(|value| (name.clone(), value)).collect()
    }

    #[test]
    fn authorization_is_read_strictly() {
        let table: [Row<'_>; 19] = [
            (&[], Some(None)),
            (&[b"Bearer abc.def.ghi"], Some(Some("abc.def.ghi"))),
            (&[b"bearer abc"], Some(Some("abc"))),
            (&[b"BEARER abc"], Some(Some("abc"))),
            (&[b""], None),
            (&[b"Bearer"], None),
            (&[b"Bearer "], None),
            (&[b"Bearer  abc"], Some(Some("abc"))),
            (&[b"bearer      abc"], Some(Some("abc"))),
            (&[b"Bearer    "], None),
            (&[b"Bearer \tabc"], None),
            (&[b"Bearer abc def"], None),
            (&[b"Bearer abc\xff"], None),
            (&[b" Bearer abc"], None),
            (&[b"Basic abc"], None),
            (&[b"Beare abcd"], None),
            (&[b"abc.def.ghi"], None),
            (&[b"Bearer abc", b"Bearer abc"], None),
            (&[b"Bearer abc", b""], None),
        ];
        for (values, expected) in table {
            let mut headers = headers(&AUTHORIZATION, values);
            let presented = Presented::take(&mut headers);
            let read = presented.as_ref().map_err(Clone::clone).and_then(|it| it.bearer());
            let read = read.and_then(|token| token.map(Token::text).transpose()).ok();
            assert_eq!(read, expected, "{values:?}");
            assert!(headers.is_empty(), "{values:?} stayed in the request");
        }
    }

    #[test]
    fn the_action_token_is_alone_in_its_metadata() {
        let table: [Row<'_>; 6] = [
            (&[], Some(None)),
            (&[b"abc.def.ghi"], Some(Some("abc.def.ghi"))),
            (&[b""], None),
            (&[b"Bearer abc"], None),
            (&[b"abc", b"abc"], None),
            (&[b"abc\x80"], None),
        ];
        for (values, expected) in table {
            let mut headers = headers(&ACTION_HEADER, values);
            let presented = Presented::take(&mut headers);
            let read = presented.as_ref().map_err(Clone::clone).and_then(|it| it.action());
            let read = read.and_then(|token| token.map(Token::text).transpose()).ok();
            assert_eq!(read, expected, "{values:?}");
            assert!(headers.is_empty(), "{values:?} stayed in the request");
        }
    }

    #[test]
    fn credentials_that_are_not_needed_are_still_taken_away() {
        let mut headers = headers(&AUTHORIZATION, &[b"a", b"b"]);
        headers.insert(ACTION_HEADER, HeaderValue::from_static("c"));
        discard(&mut headers);
        assert!(headers.is_empty());
    }
}
