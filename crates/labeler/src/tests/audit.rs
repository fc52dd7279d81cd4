//! That no user's permission was asked is on record; refusals and tokens are not in it.

use std::io;
use std::sync::{Arc, Mutex};

use hallpass_contract::can::ReadDataset;
use tracing_subscriber::fmt::MakeWriter;

use super::world::World;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn audited(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("\"target\":\"hallpass::audit\""));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_worker_is_audited_by_job_and_service_and_a_user_is_not() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    assert!(world.may::<ReadDataset>(&world.user("alice"), &id).await.is_ok());
    assert_eq!(log.audited(), [""; 0]);
    let worker = world.worker(Some(("dataset", &id)));
    // Tests beside this one reach the same event first and have no subscriber; tracing remembers that until told otherwise.
    assert!(world.may::<ReadDataset>(&worker, &id).await.is_ok());
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    assert!(world.may::<ReadDataset>(&worker, &id).await.is_ok());
    let audited = log.audited();
    assert_eq!(audited.len(), 1, "{audited:?}");
    for part in ["\"job_id\":\"job-7\"", "\"service\":\"platform\"", "\"permission\":\"read\"", &id]
    {
        assert!(audited[0].contains(part), "{part} is missing in {}", audited[0]);
    }
    // A JWT's first part in base64url.
    assert!(!audited[0].contains("eyJ"), "a token is in the log");
}
