//! What can be written into the log by being refused: a limited number of lines, and the count of the rest.

use std::time::Duration;

use hallpass_guard::PeerAddress;

use crate::fixture::{Mesh, request, user};
use crate::silence::Log;

const CALLS: usize = 300;

fn refused(log: &Log) -> usize {
    log.news().lines().filter(|line| line.contains(": refused ")).count()
}

#[tokio::test(start_paused = true)]
async fn what_strangers_are_refused_is_counted_and_not_listed() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    for path in ["/t.Platform/Read", "/no.such/Path"] {
        for _ in 0..CALLS {
            let mut request = request(path, &[]);
            let address = "192.0.2.1".parse().unwrap();
            request.extensions_mut().insert(PeerAddress(address, 5000));
            mesh.send(request).await;
        }
        assert_eq!(refused(&log), 10, "{path}");
    }
    tokio::time::sleep(Duration::from_secs(61)).await;
    let news = log.news();
    for reason in ["TOKEN_MISSING", "UNKNOWN_METHOD"] {
        let counts = format!("refused, not listed reason={reason} strangers=290 callers=0");
        assert!(news.contains(&counts), "{news}");
    }
}

#[tokio::test]
async fn what_was_counted_until_the_end_is_logged() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    for _ in 0..11 {
        mesh.call("/t.Platform/Read", "a.b.c").await;
    }
    drop(mesh);
    tokio::task::yield_now().await;
    let news = log.news();
    assert!(news.contains("not listed reason=TOKEN_INVALID strangers=1"), "{news}");
}

#[tokio::test]
async fn one_caller_writes_a_limited_number_of_lines() {
    let (mesh, log) = (Mesh::start(), Log::default());
    let _logging = log.take_all();
    for _ in 0..CALLS {
        mesh.call("/t.Platform/Admin", &mesh.user_token()).await;
    }
    assert_eq!(refused(&log), 60, "of one user, whatever her tokens");
    let bob = mesh.mint("users", &user("bob"));
    mesh.call("/t.Platform/Admin", &bob).await;
    assert_eq!(refused(&log), 1);
}
