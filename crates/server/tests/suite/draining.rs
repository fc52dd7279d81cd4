//! How a server ends: it lets calls under way end, for a while, and no stream holds it up.

use hallpass_server::Stopped;
use tonic::Code;
use tonic::transport::Channel;

use crate::fixture::{Flags, Running};

#[tokio::test]
async fn a_call_under_way_is_answered() {
    let server = Running::start(&Flags::new()).await;
    let call = server.waiting(None);
    server.gate.entered().await;
    server.switch.press();
    server.gate.open();
    assert!(call.await.unwrap().unwrap().active);
    assert_eq!(server.serving.await.unwrap().unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn nothing_new_is_begun() {
    let flags = Flags::from([("listen", "127.0.0.1:0".into())]);
    let server = Running::start(&flags).await;
    let call = server.waiting(None);
    server.gate.entered().await;
    server.switch.press();
    // The connection that is there takes no further call, and a new one cannot be made once the port is closed.
    while server.vital().await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.gate.open();
    assert!(call.await.unwrap().is_ok());
    assert_eq!(server.serving.await.unwrap().unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn draining_has_an_end() {
    let server = Running::start(&Flags::from([("drain", "20ms".into())])).await;
    let call = server.waiting(None);
    server.gate.entered().await;
    server.switch.press();
    assert_eq!(server.serving.await.unwrap().unwrap(), Stopped::CutOff);
    assert!(!call.is_finished());
}

#[tokio::test]
async fn told_again_it_ends_at_once() {
    let server = Running::start(&Flags::from([("drain", "1h".into())])).await;
    let call = server.waiting(None);
    server.gate.entered().await;
    server.switch.press();
    server.switch.press();
    assert_eq!(server.serving.await.unwrap().unwrap(), Stopped::CutOff);
    assert!(!call.is_finished());
}

#[tokio::test]
async fn a_stream_without_end_does_not_hold_it_up() {
    let server = Running::start(&Flags::from([("drain", "1h".into())])).await;
    let mut stream = server.endless().await.unwrap();
    server.switch.press();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    drop::<Channel>(server.channel);
    assert_eq!(server.serving.await.unwrap().unwrap(), Stopped::Drained);
}
