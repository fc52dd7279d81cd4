//! What an issuer may answer, and what comes of it.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::answer::Answer;
use crate::error::{Document, FetchError, FetchProblem};
use crate::fetch::Source;
use crate::tests::server::{Reply, Server, answer, json};
use crate::tests::{Watching, jwks, settings};

/// What comes of asking an issuer that answers so, and the heads of the requests.
async fn asked(
    reply: impl FnMut(&str) -> Reply + Send + 'static,
) -> (Result<Answer, FetchError>, Server) {
    let server = Server::start(reply).await;
    let settings = settings(&server.url, Some(format!("{}/keys?tenant=1", server.url)));
    (Source::new(&settings, true).unwrap().jwks().await, server)
}

/// The same: bytes, or the problem alone, and the paths that were asked for.
async fn fetched(
    reply: impl FnMut(&str) -> Reply + Send + 'static,
) -> (Result<Vec<u8>, FetchProblem>, Vec<String>) {
    let (fetched, server) = asked(reply).await;
    let fetched = fetched.map(|answer| answer.bytes).map_err(|error| error.problem);
    (fetched, server.requests())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_whole_answer_is_taken_as_it_is_whatever_it_is_called() {
    for kind in [
        "Content-Type: application/json\r\n",
        "Content-Type: application/jwk-set+json\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: application/octet-stream\r\n",
        "Content-Type: text/html\r\n",
        "",
    ] {
        let set = jwks(&["1"]);
        let body = set.clone();
        let (fetched, asked) = fetched(move |_| answer("200 OK", kind, &body)).await;
        assert_eq!(fetched, Ok(set.into_bytes()));
        assert_eq!(asked, ["/keys?tenant=1"]);
    }
}

#[tokio::test]
async fn a_request_says_who_asks_and_what_is_understood() {
    let (_, server) = asked(|_| json("{}")).await;
    let head = server.heads()[0].to_ascii_lowercase();
    for line in [
        "accept: application/jwk-set+json, application/json;q=0.9, */*;q=0.1\r\n",
        "accept-encoding: gzip\r\n",
        concat!("user-agent: hallpass/", env!("CARGO_PKG_VERSION"), "\r\n"),
    ] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn gzip_is_unpacked_within_the_limit() {
    let set = jwks(&["1"]);
    for encoding in ["gzip", "GZIP", "x-gzip"] {
        let (packed, head) = (gzip(set.as_bytes()), format!("Content-Encoding: {encoding}\r\n"));
        let (fetched, _) = fetched(move |_| answer("200 OK", &head, &packed)).await;
        assert_eq!(fetched, Ok(set.clone().into_bytes()));
    }
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    let (fetched_bomb, _) =
        fetched(move |_| answer("200 OK", "Content-Encoding: gzip\r\n", &bomb)).await;
    assert_eq!(fetched_bomb, Err(FetchProblem::TooLong));
    for (encoding, body) in
        [("gzip", &b"{}"[..]), ("gzip", b""), ("br", b"{}"), ("gzip, gzip", b"{}")]
    {
        let head = format!("Content-Encoding: {encoding}\r\n");
        let (fetched, _) = fetched(move |_| answer("200 OK", &head, body)).await;
        assert!(matches!(fetched, Err(FetchProblem::Encoding(..))), "{encoding}: {fetched:?}");
    }
}

#[tokio::test]
async fn what_is_not_200_is_refused_with_its_status_and_media_type() {
    for (status, number) in [
        ("204 No Content", 204),
        ("304 Not Modified", 304),
        ("404 Not Found", 404),
        ("503 Service Unavailable", 503),
    ] {
        let (fetched, _) =
            fetched(move |_| answer(status, "Content-Type: text/html\r\n", "")).await;
        assert_eq!(fetched, Err(FetchProblem::Status(number, "text/html".to_owned())));
    }
}

#[tokio::test]
async fn an_error_names_the_document_its_place_its_status_and_its_media_type_and_nothing_of_it() {
    let (fetched, server) =
        asked(|_| answer("403 Forbidden", "Content-Type: text/html; a=b\r\n", "secret")).await;
    assert_eq!(
        fetched.unwrap_err().to_string(),
        format!(
            "JWKS {}/keys: status 403, text/html; right: status 200, and no redirect",
            server.url
        )
    );
    let (fetched, server) =
        asked(|_| answer("200 OK", "Content-Type: text/html\r\n", "<p>secret")).await;
    let error = fetched.unwrap().unusable(&"no JWKS: not JSON");
    assert_eq!(
        error.to_string(),
        format!("JWKS {}/keys: status 200, text/html: no JWKS: not JSON", server.url)
    );
    assert_eq!(error.document, Document::Jwks);
}

#[tokio::test]
async fn an_issuer_says_how_long_its_answer_counts() {
    for (headers, right) in [
        ("", None),
        ("Cache-Control: public, max-age=600\r\n", Some(600)),
        ("Cache-Control: MAX-AGE=\"600\"\r\nAge: 100\r\n", Some(500)),
        ("Cache-Control: max-age=60\r\nAge: 100\r\n", Some(0)),
        ("Cache-Control: max-age=600, no-cache\r\n", Some(0)),
        ("Cache-Control: max-age=600\r\nCache-Control: no-store\r\n", Some(0)),
        ("Cache-Control: max-age=soon\r\n", None),
        ("Cache-Control: private\r\n", None),
    ] {
        let (fetched, _) = asked(move |_| answer("200 OK", headers, "{}")).await;
        assert_eq!(fetched.unwrap().fresh_for, right.map(Duration::from_secs), "{headers}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_document() {
    let server = Server::start(|path| match path {
        "/keys" => json(&format!("\u{feff}{}", jwks(&["1"]))),
        _ => json("{}"),
    })
    .await;
    let watching = Watching::new(&settings(&server.url, Some(format!("{}/keys", server.url))));
    watching.fetch().await;
    assert_eq!(watching.kids(), ["1"]);
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let (fetched, asked) = fetched(move |path| match path {
            "/keys?tenant=1" => answer(status, "Location: /elsewhere\r\n", ""),
            _ => json(&jwks(&["1"])),
        })
        .await;
        assert!(matches!(fetched, Err(FetchProblem::Status(300..=399, _))), "{fetched:?}");
        assert_eq!(asked, ["/keys?tenant=1"], "it was not followed");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_broken_off() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let said = format!("{head}Content-Length: 999999999999\r\n\r\n");
    let unsaid = format!("{head}Connection: close\r\n\r\n");
    for head in [said, unsaid] {
        let (fetched, _) =
            fetched(move |_| Reply::Endless(head.clone().into_bytes(), vec![b' '; 16 * 1024]))
                .await;
        assert_eq!(fetched, Err(FetchProblem::TooLong));
    }
    let header = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    let (fetched, _) =
        fetched(move |_| Reply::Endless(header.clone(), vec![b'x'; 16 * 1024])).await;
    assert!(matches!(fetched, Err(FetchProblem::NoAnswer(_))), "{fetched:?}");
}

/// Nobody waits for real: the clock of the runtime goes on by itself as soon as nothing else does.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_says_nothing_is_not_waited_for() {
    let (fetched, _) = fetched(|_| Reply::Silence).await;
    assert_eq!(fetched, Err(FetchProblem::TooSlow));
}

#[tokio::test]
async fn what_is_no_http_and_what_breaks_off_is_no_answer() {
    let part = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"keys\":";
    for bytes in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200", part] {
        let (fetched, _) = fetched(move |_| Reply::Bytes(bytes.into())).await;
        assert!(matches!(fetched, Err(FetchProblem::NoAnswer(_))), "{bytes:?}: {fetched:?}");
    }
    let gone = settings("http://127.0.0.1:1", None);
    let fetched = Source::new(&gone, true).unwrap().jwks().await;
    let error = fetched.unwrap_err();
    assert!(matches!(error.problem, FetchProblem::NoAnswer(_)), "{error}");
    assert_eq!(error.document, Document::Configuration);
}

#[tokio::test]
async fn the_issuers_own_configuration_says_where_the_keys_are() {
    type Text = fn(&str) -> String;
    let rows: [(Text, Result<(), &str>); 8] = [
        (|url| format!("{{\"issuer\":\"{url}\",\"jwks_uri\":\"{url}/jwks\"}}"), Ok(())),
        (
            |url| format!("{{\"issuer\":\"{url}/\",\"jwks_uri\":\"{url}/jwks\"}}"),
            Err("another issuer"),
        ),
        (|url| format!("{{\"jwks_uri\":\"{url}/jwks\"}}"), Err("another issuer")),
        (|url| format!("{{\"issuer\":\"{url}\"}}"), Err("no jwks_uri")),
        (
            |url| {
                format!("{{\"issuer\":\"{url}\",\"jwks_uri\":\"http://169.254.169.254/latest\"}}")
            },
            Err("no jwks_uri"),
        ),
        (
            |url| format!("{{\"issuer\":\"{url}\",\"jwks_uri\":\"file:///etc/passwd\"}}"),
            Err("no jwks_uri"),
        ),
        (|_| "<html>".to_owned(), Err("not JSON")),
        (|url| format!("\u{feff}{{\"issuer\":\"{url}\",\"jwks_uri\":\"{url}/jwks\"}}"), Ok(())),
    ];
    for (document, right) in rows {
        let url = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let own = std::sync::Arc::clone(&url);
        let server = Server::start(move |path| match path {
            "/.well-known/openid-configuration" => json(&document(own.get().unwrap())),
            _ => json(&jwks(&["1"])),
        })
        .await;
        url.set(server.url.clone()).unwrap();
        let fetched = Source::new(&settings(&server.url, None), true).unwrap().jwks().await;
        match right {
            Ok(()) => {
                assert!(fetched.is_ok(), "{fetched:?}");
                assert_eq!(server.requests(), ["/.well-known/openid-configuration", "/jwks"]);
            }
            Err(problem) => {
                let error = fetched.unwrap_err().to_string();
                let place = format!(
                    "configuration document {}/.well-known/openid-configuration: status 200, application/json: ",
                    server.url
                );
                assert!(error.starts_with(&place) && error.contains(problem), "{error}");
                assert_eq!(server.requests().len(), 1, "nothing else is asked");
            }
        }
    }
}
