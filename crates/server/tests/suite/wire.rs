//! What comes over the wire and is not as it should be: each has its own answer, with a stable reason, and is recorded. And gzip.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Service as _, ServiceExt as _};

use crate::fixture::{Flags, Running};

const INTROSPECT: &str = "/hallpass.auth.v1.TokenService/IntrospectToken";
const WATCH: &str = "/hallpass.auth.v1.RevocationService/Watch";
const CHECK: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

struct Answer {
    http: StatusCode,
    headers: HeaderMap,
    data: Bytes,
    status: Option<Status>,
}

impl Answer {
    /// The code and the reason, after checking that the refusal can be found by its decision.
    fn refusal(&self, server: &Running) -> (Code, String) {
        let status = self.status.clone().unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.domain, "hallpass");
        let decision = info.metadata["decision_id"].parse().unwrap();
        let recorded = server.guard.refusals().find(decision).unwrap();
        assert_eq!(recorded.why.reason(), info.reason);
        (status.code(), info.reason)
    }
}

/// Sends these bytes as they are.
async fn send(
    server: &Running,
    (method, path): (Method, &str),
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut request = Request::new(Body::new(Full::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    let mut channel = server.channel.clone();
    let answer = channel.ready().await.unwrap().call(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&parts.headers);
    let status = status.or_else(|| Status::from_header_map(&trailers));
    Answer { http: parts.status, headers: parts.headers, data: body.to_bytes(), status }
}

/// Calls a method with these bytes and the caller's token.
async fn call(
    server: &Running,
    path: &str,
    more: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Answer {
    let token = server.with_token(()).metadata().get("authorization").unwrap().clone();
    let own = [("content-type", "application/grpc"), ("authorization", token.to_str().unwrap())];
    send(server, (Method::POST, path), &[&own[..], more].concat(), body).await
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[flag], &length.to_be_bytes()[..], message].concat()
}

fn zipped(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message).unwrap();
    framed(1, &encoder.finish().unwrap())
}

const GZIP: (&str, &str) = ("grpc-encoding", "gzip");
const ACCEPTS: (&str, &str) = ("grpc-accept-encoding", "identity, deflate, gzip");

#[tokio::test]
async fn a_message_in_gzip_is_read_and_answered_in_gzip() {
    let server = Running::start(&Flags::new()).await;
    server.gate.open();
    let token = [&[0x0a, 0xc8, 0x01][..], &[b'x'; 200]].concat();
    for headers in [&[GZIP][..], &[GZIP, ACCEPTS], &[ACCEPTS]] {
        let body = if headers.contains(&GZIP) { zipped(&token) } else { framed(0, &token) };
        let answer = call(&server, INTROSPECT, headers, body).await;
        assert_eq!(answer.status.unwrap().code(), Code::Ok, "{headers:?}");
        let announced = answer.headers.get("grpc-encoding").map(HeaderValue::as_bytes);
        assert_eq!(announced, headers.contains(&ACCEPTS).then_some(&b"gzip"[..]), "{headers:?}");
        assert_eq!(answer.data[0], 0, "a short message stays as it is");
    }

    // A long answer: the file that holds this message.
    let name = "hallpass.auth.v1.RevokeTokenRequest";
    let request = [&[0x22, u8::try_from(name.len()).unwrap()][..], name.as_bytes()].concat();
    let plain = call(&server, REFLECTION, &[ACCEPTS], framed(0, &request)).await.data;
    assert_eq!(plain[0], 0, "an answer in a stream is compressed where the request is");
    let answer = call(&server, REFLECTION, &[GZIP, ACCEPTS], zipped(&request)).await.data;
    assert_eq!(answer[0], 1);
    assert!(answer.len() < plain.len() * 2 / 3, "{} of {}", answer.len(), plain.len());
    let mut decoder = GzDecoder::new(Vec::new());
    decoder.write_all(&answer[5..]).unwrap();
    assert_eq!(decoder.finish().unwrap(), plain[5..]);
}

/// The message counts by what it becomes, and no more is kept of it.
#[tokio::test]
async fn a_decompression_bomb_stays_within_the_limits() {
    let server = Running::start(&Flags::new()).await;
    let bomb = zipped(&vec![0; 64 << 20]);
    for (path, most) in [(INTROSPECT, "65536"), (CHECK, "1024")] {
        // What is too long by its prefix already, and what only becomes it.
        for body in [bomb.clone(), zipped(&vec![0; 70_000])] {
            let answer = call(&server, path, &[GZIP], body).await;
            assert_eq!(
                answer.refusal(&server),
                (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned())
            );
            let info = answer.status.unwrap().get_details_error_info().unwrap();
            assert_eq!(info.metadata["limit_bytes"], most);
        }
    }
}

#[tokio::test]
async fn a_message_beyond_the_limit_and_metadata_beyond_it() {
    let server = Running::start(&Flags::new()).await;
    let answer = call(&server, INTROSPECT, &[], framed(0, &vec![7; 1 << 20])).await;
    assert_eq!(answer.refusal(&server), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned()));
    for length in [33_000, 60_000, 120_000] {
        let fat = "a".repeat(length);
        let answer = call(&server, INTROSPECT, &[("x-fat", &fat)], framed(0, &[])).await;
        let refusal = answer.refusal(&server);
        assert_eq!(refusal, (Code::ResourceExhausted, "METADATA_TOO_LARGE".to_owned()));
    }
}

#[tokio::test]
async fn a_compression_that_is_not_known() {
    let server = Running::start(&Flags::new()).await;
    for path in [INTROSPECT, CHECK, WATCH] {
        for encoding in ["deflate", "snappy", "zstd", "GZIP"] {
            let answer = call(&server, path, &[("grpc-encoding", encoding)], framed(1, b"x")).await;
            let refusal = answer.refusal(&server);
            assert_eq!(refusal, (Code::Unimplemented, "COMPRESSION_UNSUPPORTED".to_owned()));
            assert_eq!(answer.headers["grpc-accept-encoding"], "gzip,identity");
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded() {
    let server = Running::start(&Flags::new()).await;
    server.gate.open();
    for path in [INTROSPECT, CHECK] {
        let bent = [
            (&[][..], framed(0, &[0xff, 0xff])),
            (&[], framed(1, b"compressed, but how")),
            (&[], framed(7, b"no such flag")),
            (&[], framed(0, b"cut")[..6].to_vec()),
            (&[], Vec::new()),
            (&[GZIP], framed(1, b"no gzip")),
            (&[GZIP], zipped(b"cut")[..12].to_vec()),
            (&[GZIP], zipped(&[0xff, 0xff])),
        ];
        for (headers, body) in bent {
            let answer = call(&server, path, headers, body.clone()).await;
            let refusal = answer.refusal(&server);
            let expected = (Code::Internal, "MESSAGE_UNREADABLE".to_owned());
            assert_eq!(refusal, expected, "{path} {headers:?} {body:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_grpc_gets_an_http_status_and_never_200() {
    let server = Running::start(&Flags::new()).await;
    let json = ("content-type", "application/json");
    for (method, path, expected) in [
        (Method::POST, INTROSPECT, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::GET, INTROSPECT, StatusCode::METHOD_NOT_ALLOWED),
        (Method::OPTIONS, CHECK, StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/", StatusCode::NOT_FOUND),
        (Method::GET, "/healthz", StatusCode::NOT_FOUND),
        (Method::POST, "/v1/datasets", StatusCode::NOT_FOUND),
        (Method::GET, "/.well-known/jwks.json", StatusCode::NOT_FOUND),
    ] {
        let answer = send(&server, (method, path), &[json], b"{}".to_vec()).await;
        assert_eq!(answer.http, expected, "{path}");
        assert!(answer.status.is_none());
    }
    // A path of gRPC that is not there is refused as gRPC.
    let answer = call(&server, "/no.Such/Method", &[], Vec::new()).await;
    assert_eq!(answer.refusal(&server), (Code::Unimplemented, "UNKNOWN_METHOD".to_owned()));
}

#[tokio::test]
async fn who_is_told_to_wait_is_told_so_in_metadata_too() {
    let limits = serde_json::json!({"calls": 1});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let first = server.waiting(None);
    server.gate.entered().await;
    let refused = server.waiting(None).await.unwrap().unwrap_err();
    assert_eq!(refused.metadata().get("grpc-retry-pushback-ms").unwrap(), "1000");
    server.gate.open();
    assert!(first.await.unwrap().is_ok());
}
