//! The metadata that carries credentials, through the guard itself: who gets in came with exactly one token that was minted.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use hallpass_guard::{Actions, Clock, Guard, GuardLayer, GuardSetup, Keys};
use hallpass_revocation::{Freshness, Index};
use http::{HeaderName, HeaderValue, Request, Response};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::bent::{Bent, Count, bend};
use crate::keys::{NOW, RING, service_token, user_token};

const PATH: &str = "http://t/hallpass.platform.v1.DatasetService/ListDatasets";

static TOKEN: LazyLock<String> = LazyLock::new(user_token);

static VALUES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let (user, service) = (&*TOKEN, service_token());
    let all = [
        format!("Bearer {user}"),
        format!("bearer {user}"),
        user.clone(),
        format!("Bearer {service}"),
        String::new(),
    ];
    all.map(String::into_bytes).into()
});

static GUARD: LazyLock<(Runtime, Arc<Guard>)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let clock = Clock::manual(NOW);
    let (_, changes) = watch::channel(0);
    let setup = GuardSetup {
        rules: hallpass_contract::rule,
        keys: Keys::new(RING.clone()),
        index: Arc::new(Index::default()),
        changes,
        freshness: Freshness::always(),
        clock: clock.clone(),
        actions: Actions::new(None, clock),
        node: 1,
        cache_bytes: GuardSetup::CACHE_BYTES,
        sessions: None,
    };
    let guard = runtime.block_on(async { Guard::start(setup) });
    (runtime, guard)
});

#[test]
fn authorization_metadata() {
    static COUNT: Count = Count::new("authorization_metadata");
    bolero::check!().with_type::<(u8, [Bent; 2])>().for_each(|(chance, bents)| {
        // Mostly one value and no action token: that is what gets in.
        let several = usize::from(chance % 8 == 0);
        let action = chance % 8 == 1;
        let values: Vec<_> = bents[..=several].iter().map(|bent| bend(&VALUES, bent)).collect();
        let Some(entered) = entered(&values, action) else { return COUNT.input(false) };
        if entered {
            let [value] = &values[..] else { panic!("{} values", values.len()) };
            let (scheme, token) = value.split_at(7);
            assert!(scheme.eq_ignore_ascii_case(b"bearer "), "{value:?}");
            assert_eq!(token, TOKEN.as_bytes());
            assert!(!action, "the operation takes no action token");
        }
        COUNT.input(entered);
    });
    COUNT.tell();
}

/// Whether a call with this metadata reaches its handler, which must find none of it; `None` where it is no metadata at all.
fn entered(values: &[Vec<u8>], action: bool) -> Option<bool> {
    let mut request = Request::post(PATH).body(Body::empty()).unwrap();
    for value in values {
        let value = HeaderValue::from_bytes(value).ok()?;
        request.headers_mut().append(http::header::AUTHORIZATION, value);
    }
    if action {
        let value = HeaderValue::from_str(&TOKEN).unwrap();
        request.headers_mut().append(HeaderName::from_static("hallpass-action"), value);
    }
    let reached = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&reached);
    let handler = service_fn(move |request: Request<Body>| {
        assert!(request.headers().is_empty(), "the handler sees credentials");
        seen.store(true, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    let (runtime, guard) = &*GUARD;
    let response =
        runtime.block_on(GuardLayer::new(Arc::clone(guard)).layer(handler).oneshot(request));
    let refused = response.unwrap().headers().contains_key("grpc-status");
    let reached = reached.load(Ordering::Relaxed);
    assert_ne!(reached, refused);
    Some(reached)
}
