//! Too many calls or refusals: refused with the time to wait, and nobody else suffers for it.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::CallLimits;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{Mesh, Outcome, user};

const READ: &str = "/t.Platform/Read";
const ADMIN: &str = "/t.Platform/Admin";

fn limits(change: impl FnOnce(&mut CallLimits)) -> Mesh {
    let mut limits = CallLimits::default();
    change(&mut limits);
    Mesh::limited(limits)
}

fn wait(outcome: &Outcome) -> Duration {
    let status = outcome.status();
    assert_eq!(status.code(), Code::ResourceExhausted);
    status.get_error_details().retry_info().unwrap().retry_delay.unwrap()
}

#[tokio::test]
async fn a_caller_that_is_refused_again_and_again_has_to_wait() {
    let mesh = limits(|it| it.refusals = NonZeroU32::new(2));
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    for _ in 0..3 {
        assert_eq!(mesh.call(ADMIN, &ann).await.reason(), "SCOPE_MISSING");
    }
    assert_eq!(wait(&mesh.call(READ, &ann).await), Duration::from_secs(30));
    assert_eq!(
        mesh.call(READ, &mesh.user_token()).await.reason(),
        "TOO_MANY",
        "another token of hers"
    );
    assert_eq!(mesh.call(READ, &bob).await.reason(), "OK");
    mesh.clock.advance(Duration::from_secs(30));
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
}

#[tokio::test]
async fn a_caller_keeps_the_pace_where_one_is_set() {
    let mesh = limits(|it| it.calls = NonZeroU32::new(60));
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    for _ in 0..60 {
        assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
    }
    assert_eq!(wait(&mesh.call(READ, &ann).await), Duration::from_secs(1));
    assert_eq!(mesh.call(READ, &bob).await.reason(), "OK");
    mesh.clock.advance(Duration::from_secs(1));
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
}
