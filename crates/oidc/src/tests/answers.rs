//! What an issuer may answer, and what comes of it.

use crate::fetch::{FetchError, Source};
use crate::tests::server::{Reply, Server, answer, json};
use crate::tests::{jwks, settings};

/// What comes of asking an issuer that answers so.
async fn fetched(
    reply: impl FnMut(&str) -> Reply + Send + 'static,
) -> (Result<Vec<u8>, FetchError>, Vec<String>) {
    let server = Server::start(reply).await;
    let settings = settings(&server.url, Some(format!("{}/keys", server.url)));
    let fetched = Source::new(&settings, true).unwrap().jwks().await;
    (fetched, server.requests())
}

#[tokio::test]
async fn a_whole_answer_is_taken_as_it_is() {
    for kind in ["application/json", "application/jwk-set+json", "Application/JSON;charset=utf-8"] {
        let set = jwks(&["1"]);
        let (body, kind) = (set.clone(), format!("Content-Type: {kind}\r\n"));
        let (fetched, asked) = fetched(move |_| answer("200 OK", &kind, &body)).await;
        assert_eq!(fetched, Ok(set.into_bytes()));
        assert_eq!(asked, ["/keys"]);
    }
}

#[tokio::test]
async fn what_is_not_200_and_json_is_refused() {
    let (html, set) = ("Content-Type: text/html\r\n", jwks(&["1"]));
    for (status, headers, right) in [
        ("200 OK", html, FetchError::NotJson),
        ("200 OK", "Content-Type: application/javascript\r\n", FetchError::NotJson),
        ("200 OK", "Content-Type: text/json+json\r\n", FetchError::NotJson),
        ("204 No Content", "", FetchError::Status(204)),
        ("304 Not Modified", "", FetchError::Status(304)),
        ("404 Not Found", "Content-Type: application/json\r\n", FetchError::Status(404)),
        ("503 Service Unavailable", html, FetchError::Status(503)),
    ] {
        let body = set.clone();
        let (fetched, _) = fetched(move |_| answer(status, headers, &body)).await;
        assert_eq!(fetched, Err(right), "{status} {headers}");
    }
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
            "/keys" => answer(status, "Location: /elsewhere\r\n", ""),
            _ => json(&jwks(&["1"])),
        })
        .await;
        assert!(matches!(fetched, Err(FetchError::Status(300..=399))), "{fetched:?}");
        assert_eq!(asked, ["/keys"], "it was not followed");
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
        assert_eq!(fetched, Err(FetchError::TooLong));
    }
    let header = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    let (fetched, _) =
        fetched(move |_| Reply::Endless(header.clone(), vec![b'x'; 16 * 1024])).await;
    assert!(matches!(fetched, Err(FetchError::NoAnswer(_))), "{fetched:?}");
}

/// Nobody waits for real: the clock of the runtime goes on by itself as soon as nothing else does.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_says_nothing_is_not_waited_for() {
    let (fetched, _) = fetched(|_| Reply::Silence).await;
    assert_eq!(fetched, Err(FetchError::TooSlow));
}

#[tokio::test]
async fn what_is_no_http_and_what_breaks_off_is_no_answer() {
    let part = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"keys\":";
    for bytes in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200", part] {
        let (fetched, _) = fetched(move |_| Reply::Bytes(bytes.into())).await;
        assert!(matches!(fetched, Err(FetchError::NoAnswer(_))), "{bytes:?}: {fetched:?}");
    }
    let gone = settings("http://127.0.0.1:1", None);
    let fetched = Source::new(&gone, true).unwrap().jwks().await;
    assert!(matches!(fetched, Err(FetchError::NoAnswer(_))), "{fetched:?}");
}

#[tokio::test]
async fn the_issuers_own_configuration_says_where_the_keys_are() {
    type Document = fn(&str) -> String;
    let rows: [(Document, Result<(), &str>); 7] = [
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
                assert!(error.contains(problem), "{error}");
                assert_eq!(server.requests().len(), 1, "nothing else is asked");
            }
        }
    }
}
