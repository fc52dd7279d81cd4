//! Keys are rotated in the order in which no call is refused, or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_contract::auth::{RotateKeysRequest, RotateKeysResponse};
use hallpass_guard::Keys;
use hallpass_token::{Algorithm, Key, KeyRing, KeySpec, KeyState, Profile, TokenType, generate};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::world::{ADMIN, World};
use crate::rotation::{RingStore, Rotation, RotationError, Step, Successor};

/// A store that changes the process's ring at once, and says what it did when.
#[derive(Debug)]
struct Store {
    keys: Keys,
    began: Instant,
    done: Mutex<Vec<(&'static str, u64)>>,
    elsewhere: bool,
}

impl Store {
    fn step(&self, name: &'static str, change: impl Fn(&Key) -> Vec<Key>) {
        self.done.lock().unwrap().push((name, self.began.elapsed().as_secs()));
        let keys = self.keys.ring().keys().flat_map(change).collect();
        self.keys.reload(KeyRing::new(keys).unwrap());
    }
}

impl RingStore for Store {
    fn prepare(&self, kids: Vec<String>) -> Step<Vec<Successor>> {
        let ring = self.keys.ring();
        let successor = |kid: &String| Successor {
            kid: kid.clone(),
            successor: format!("{kid}-next"),
            begun: ring.key(&format!("{kid}-next")).is_some(),
            elsewhere: if self.elsewhere { vec!["labeler".to_owned()] } else { Vec::new() },
        };
        let successors: Vec<_> = kids.iter().map(successor).collect();
        self.step("prepare", |old| {
            let kid = format!("{}-next", old.kid());
            let new = kids.contains(&old.kid().to_owned()) && ring.key(&kid).is_none();
            let new = new.then(|| key(&kid, old.owner(), KeyState::Next));
            std::iter::once(old.clone()).chain(new).collect()
        });
        Box::pin(async { Ok(successors) })
    }

    fn activate(&self, keys: Vec<Successor>) -> Step<()> {
        self.step("activate", |key| {
            let new = keys.iter().any(|successor| successor.successor == key.kid());
            let old = keys.iter().any(|successor| successor.kid == key.kid());
            let changed = match (new, old) {
                (true, _) => key.in_state(KeyState::Active),
                (_, true) => key.public().unwrap(),
                _ => key.clone(),
            };
            vec![changed]
        });
        Box::pin(async { Ok::<_, RotationError>(()) })
    }
}

fn key(kid: &str, owner: &str, state: KeyState) -> Key {
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: owner.to_owned(),
        owner: owner.to_owned(),
        types: vec![TokenType::Service],
        scopes: std::iter::empty::<&str>().collect(),
        audiences: vec!["labeler".to_owned()],
        state,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).unwrap()
}

fn ring(elsewhere: bool) -> (Rotation, Arc<Store>) {
    let keys = ["a", "b"].map(|kid| key(kid, "platform", KeyState::Active));
    let others = [key("c", "labeler", KeyState::Active), key("d", "platform", KeyState::Next)];
    let keys = Keys::new(KeyRing::new(keys.into_iter().chain(others).collect()).unwrap());
    let (began, done) = (Instant::now(), Mutex::default());
    let store = Arc::new(Store { keys: keys.clone(), began, done, elsewhere });
    (Rotation { keys, owner: "platform", store: Arc::clone(&store) as _ }, store)
}

async fn rotate(
    rotation: &Rotation,
    kids: &[&str],
    prepare_only: bool,
    settle_seconds: u32,
) -> Result<RotateKeysResponse, Status> {
    let world = World::new();
    let permit = world.permit(&world.mint(&ADMIN), "KeyService/RotateKeys");
    let kids = kids.iter().map(|&kid| kid.to_owned()).collect();
    let request = RotateKeysRequest { kids, prepare_only, settle_seconds };
    rotation.rotate(&permit, request).await.map_err(Into::into)
}

#[tokio::test(start_paused = true)]
async fn every_verifier_has_had_its_time_before_a_new_key_signs() {
    for (asked, seconds) in [(0, 5), (2, 2)] {
        let (rotation, store) = ring(false);
        let rotated = rotate(&rotation, &[], false, asked).await.unwrap().keys;
        let told: Vec<_> = rotated.iter().map(|key| (key.kid.as_str(), key.signs)).collect();
        assert_eq!(told, [("a", true), ("b", true)], "Platform's own that sign, and no others");
        assert_eq!(*store.done.lock().unwrap(), [("prepare", 0), ("activate", seconds)]);
        let ring = rotation.keys.ring();
        assert!(ring.key("a").is_some_and(|old| !old.can_sign()));
        assert!(ring.key("a-next").is_some_and(|new| new.state() == KeyState::Active));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_verifiers_elsewhere_have_to_learn_signs_in_a_second_call() {
    let (rotation, store) = ring(true);
    let refused = rotate(&rotation, &["a"], false, 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("a-next") && refused.message().contains("labeler"),
        "{refused}"
    );
    assert_eq!(*store.done.lock().unwrap(), [("prepare", 0)]);
    let rotated = rotate(&rotation, &["a"], false, 1).await.unwrap().keys;
    assert_eq!((rotated[0].successor.as_str(), rotated[0].signs), ("a-next", true));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_prepared_only_does_not_sign() {
    let (rotation, store) = ring(true);
    let rotated = rotate(&rotation, &["b"], true, 0).await.unwrap().keys;
    assert_eq!((rotated[0].successor.as_str(), rotated[0].signs), ("b-next", false));
    assert_eq!(*store.done.lock().unwrap(), [("prepare", 0)]);
    assert!(rotation.keys.ring().key("b").is_some_and(Key::can_sign));
}

#[tokio::test(start_paused = true)]
async fn only_what_this_node_signs_with_is_rotated() {
    let (rotation, store) = ring(false);
    for kids in [&["c"][..], &["d"], &["e"], &["a", "a"]] {
        assert_eq!(
            rotate(&rotation, kids, false, 0).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    assert_eq!(rotate(&rotation, &[], false, 21).await.unwrap_err().code(), Code::InvalidArgument);
    assert!(store.done.lock().unwrap().is_empty());
    assert!(Duration::from_secs(1) > store.began.elapsed(), "and nobody has to wait for that");
}
