//! A client that comes too often waits as long as it is told, within its deadline, and sends nothing twice that was done once.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_guard::{Deadline, PatienceLayer};
use hallpass_policy::{DecisionId, Denial};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::rules::rule;

const READ: &str = "/t.Platform/Read";

/// What a service saw of one attempt: when, the message, and how long the caller waits.
type Seen = (Duration, Vec<u8>, Option<String>);

/// A service that answers in this order, and then that all is well.
struct Served {
    began: Instant,
    answers: Mutex<Vec<Status>>,
    seen: Mutex<Vec<Seen>>,
}

impl Served {
    fn new(answers: impl IntoIterator<Item = Status>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { began: Instant::now(), answers, seen: Mutex::default() })
    }

    async fn serve(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let timeout = request.headers().get("grpc-timeout");
        let timeout = timeout.map(|value| value.to_str().unwrap().to_owned());
        let message = request.into_body().collect().await.unwrap().to_bytes();
        self.seen.lock().unwrap().push((self.began.elapsed(), message.to_vec(), timeout));
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { Status::ok("") } else { answers.remove(0) };
        Ok(answer.into_http())
    }

    /// Calls through the layer; when the answer came, and its code.
    async fn call(self: &Arc<Self>, request: Request<Body>) -> (Duration, Code) {
        let served = Arc::clone(self);
        let inner = service_fn(move |request| Arc::clone(&served).serve(request));
        let answer = PatienceLayer::new(rule).layer(inner).oneshot(request).await.unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        (self.began.elapsed(), status.code())
    }

    /// When each attempt came, in seconds.
    fn times(&self) -> Vec<u64> {
        self.seen.lock().unwrap().iter().map(|(at, ..)| at.as_secs()).collect()
    }
}

fn request(path: &str) -> Request<Body> {
    let body = Body::new(Full::new("message".into()).map_err(|never: Infallible| match never {}));
    Request::post(format!("http://t{path}")).body(body).unwrap()
}

fn within(seconds: u64) -> Request<Body> {
    let mut request = request(READ);
    let timeout = format!("{seconds}S").parse().unwrap();
    request.headers_mut().insert("grpc-timeout", timeout);
    request
}

fn too_many(seconds: u64) -> Status {
    Denial::TooMany(Duration::from_secs(seconds)).into_status(DecisionId::new(1, 1))
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_it_is_told() {
    let served = Served::new([too_many(3), too_many(4)]);
    assert_eq!(served.call(request(READ)).await, (Duration::from_secs(7), Code::Ok));
    assert_eq!(served.times(), [0, 3, 7]);
    assert!(served.seen.lock().unwrap().iter().all(|(_, message, _)| message == b"message"));
}

#[tokio::test(start_paused = true)]
async fn the_service_is_told_of_the_time_that_is_left() {
    let served = Served::new([too_many(3)]);
    assert_eq!(served.call(within(10)).await, (Duration::from_secs(3), Code::Ok));
    let timeouts: Vec<_> = served.seen.lock().unwrap().iter().map(|of| of.2.clone()).collect();
    assert_eq!(timeouts, [Some("10S".to_owned()), Some("7000000u".to_owned())]);
}

/// There is nothing to wait for beyond the deadline: the refusal comes at once.
#[tokio::test(start_paused = true)]
async fn it_does_not_wait_past_the_deadline() {
    let refused = (Duration::from_secs(3), Code::ResourceExhausted);
    let served = Served::new([too_many(3), too_many(3)]);
    assert_eq!(served.call(within(6)).await, refused);
    let served = Served::new([too_many(3), too_many(3)]);
    let mut request = request(READ);
    request.extensions_mut().insert(Deadline(Instant::now() + Duration::from_secs(6)));
    assert_eq!(served.call(request).await, refused);
    assert_eq!(served.times(), [0, 3]);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_ask_for_ever() {
    let served = Served::new(std::iter::repeat_with(|| too_many(0)).take(9));
    let (took, code) = served.call(request(READ)).await;
    assert_eq!((code, served.times().len()), (Code::ResourceExhausted, 5));
    // A timer's milliseconds round up.
    assert!((750..760).contains(&took.as_millis()), "it comes less often each time: {took:?}");
    let served = Served::new([too_many(29), too_many(2)]);
    let (took, code) = served.call(request(READ)).await;
    assert_eq!((took.as_secs(), code), (29, Code::ResourceExhausted), "half a minute is enough");
}

/// A handler may have done something: these are not sent again.
#[tokio::test(start_paused = true)]
async fn what_a_handler_may_have_seen_is_sent_once() {
    let with = |code, reason: &str, domain: &str, wait: Option<u64>| {
        let mut details = ErrorDetails::with_error_info(reason, domain, []);
        details.set_retry_info(wait.map(Duration::from_secs));
        Status::with_error_details(code, "", details)
    };
    for status in [
        with(Code::ResourceExhausted, "TOO_MANY_UPLOADS", "hallpass", Some(1)),
        with(Code::ResourceExhausted, "TOO_MANY", "elsewhere", Some(1)),
        with(Code::ResourceExhausted, "TOO_MANY", "hallpass", None),
        with(Code::Unavailable, "TOO_MANY", "hallpass", Some(1)),
        with(Code::Aborted, "UPLOAD_INTERRUPTED", "hallpass", Some(0)),
        Status::resource_exhausted("too big"),
    ] {
        let (served, code) = (Served::new([status.clone()]), status.code());
        assert_eq!(served.call(request(READ)).await, (Duration::ZERO, code), "{status}");
        assert_eq!(served.times(), [0], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_of_the_client_and_what_has_no_rule_are_sent_once() {
    for path in ["/t.Streams/Up", "/t.Streams/Both", "/t.None/None"] {
        let served = Served::new([too_many(1)]);
        let answer = served.call(request(path)).await;
        assert_eq!(answer, (Duration::ZERO, Code::ResourceExhausted), "{path}");
    }
    let served = Served::new([too_many(1)]);
    assert_eq!(served.call(request("/t.Streams/Down")).await.1, Code::Ok);
}
