//! Inputs: something right, bent in a few places.

use std::sync::atomic::{AtomicU64, Ordering};

use bolero::TypeGenerator;

/// What breaks readers of JSON, base64url and tokens, put in where chance says.
const FRAGMENTS: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ".",
    "..",
    "=",
    "==",
    "-",
    "_",
    "\u{0}",
    "\n",
    "\u{feff}",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-1",
    "0.5",
    "18446744073709551616",
    "9007199254740993",
    "null",
    "true",
    "\"alg\":\"none\",",
    "\"kid\":\"users\",",
    "\"jwk\":{},",
    "\"d\":\"AAAA\",",
    "\"scopes\":[\"datasets:delete\"],",
    "\"type\":\"service\",",
    "\"aud\":\"labeler\",",
    "\"exp\":99999999999,",
    "\"sub\":\"root\",",
    "\"iss\":\"platform\",",
    "bearer ",
    "Bearer ",
    "AAAAAAAA",
    "[[[[[[[[",
];

/// One change at a place.
#[derive(Debug, Clone, Copy, TypeGenerator)]
pub(crate) enum Bend {
    Put(u16, u8),
    Flip(u16, u8),
    Insert(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8),
    Cut(u16),
    Swap(u16, u16),
}

/// An input: which seed, and how it is bent.
pub(crate) type Bent = (u8, Vec<Bend>);

/// The seed that the input chooses, bent in a few places; one in eight is left as it is.
pub(crate) fn bend(seeds: &[Vec<u8>], (seed, bends): &Bent) -> Vec<u8> {
    let mut bytes = seeds[usize::from(*seed) % seeds.len()].clone();
    for bend in bends.iter().take(usize::from(seed >> 5)) {
        apply(&mut bytes, *bend);
    }
    bytes
}

fn apply(bytes: &mut Vec<u8>, bend: Bend) {
    let length = bytes.len();
    let within = |place: u16| usize::from(place) % (length + 1);
    match bend {
        Bend::Put(place, value) => {
            if let Some(byte) = bytes.get_mut(within(place)) {
                *byte = value;
            }
        }
        Bend::Flip(place, bit) => {
            if let Some(byte) = bytes.get_mut(within(place)) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Bend::Insert(place, which) => {
            let fragment = FRAGMENTS[usize::from(which) % FRAGMENTS.len()];
            bytes.splice(within(place)..within(place), fragment.bytes());
        }
        Bend::Remove(place, count) => {
            let end = (within(place) + usize::from(count % 16)).min(length);
            bytes.drain(within(place)..end);
        }
        Bend::Repeat(place, count) => {
            let end = (within(place) + usize::from(count)).min(length);
            let part = bytes[within(place)..end].to_vec();
            bytes.splice(end..end, part);
        }
        Bend::Cut(place) => bytes.truncate(within(place)),
        Bend::Swap(one, other) => {
            if length > 0 {
                bytes.swap(usize::from(one) % length, usize::from(other) % length);
            }
        }
    }
}

/// Counts inputs, and says at the end how many there were and how many of them were taken.
pub(crate) struct Count {
    name: &'static str,
    inputs: AtomicU64,
    taken: AtomicU64,
}

impl Count {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, inputs: AtomicU64::new(0), taken: AtomicU64::new(0) }
    }

    pub(crate) fn input(&self, taken: bool) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
        self.taken.fetch_add(u64::from(taken), Ordering::Relaxed);
    }

    pub(crate) fn tell(&self) {
        let (inputs, taken) =
            (self.inputs.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed));
        eprintln!("{}: {inputs} inputs, {taken} taken", self.name);
        assert!(
            taken > 0,
            "{}: none of {inputs} inputs was taken, so nothing was shown",
            self.name
        );
    }
}
