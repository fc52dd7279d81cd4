//! Where keys come from: a ring file, a data folder, or a bare secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use hallpass_server::private_file;
use hallpass_token::{Algorithm, Key, KeyRing, RingError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::failure::Failure;
use crate::{output, secrets};

/// The data folder that `hallpass up` makes where it is told no other.
const DEFAULT_DATA: &str = "hallpass-data";

/// The rings of a data folder.
pub(crate) const RINGS: [&str; 3] = ["users", "platform", "labeler"];

/// The shared secret of tokens as `bearer-v1` has them.
const SECRET_VARIABLE: &str = "JWT_SECRET_KEY";

/// Which keys to use.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyArguments {
    /// A shared secret of at least 32 bytes. Others on this machine can see arguments: prefer the variable `JWT_SECRET_KEY`.
    #[arg(long, value_name = "TEXT", group = "keys")]
    secret: Option<SecretString>,
    /// A key ring.
    #[arg(long, value_name = "FILE", group = "keys")]
    ring: Option<PathBuf>,
    /// The data folder of `hallpass up`, whose keys are used [env: `HALLPASS_DATA`; else ./hallpass-data].
    #[arg(long, value_name = "DIR", group = "keys")]
    data: Option<PathBuf>,
    /// The algorithm of a shared secret [env: `JWT_ALGORITHM`; default: HS256].
    #[arg(long, value_name = "ALGORITHM", value_parser = shared_secret_algorithm, conflicts_with_all = ["ring", "data"])]
    algorithm: Option<Algorithm>,
}

/// Keys, as they were found.
#[derive(Debug)]
pub(crate) enum Keys {
    /// A bare secret that has been checked, and the one-key ring that it makes.
    Secret {
        /// The secret.
        secret: SecretString,
        /// Its algorithm.
        algorithm: Algorithm,
        /// What verifies its tokens.
        ring: KeyRing,
    },
    /// A ring.
    Ring(RingFile),
}

/// A ring and where it came from.
#[derive(Debug)]
pub(crate) struct RingFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) ring: KeyRing,
}

impl KeyArguments {
    /// Finds the keys: what the arguments name, else `HALLPASS_DATA`, else `JWT_SECRET_KEY`, else the default data folder if it
    /// is there. `name` is the ring to take from a data folder.
    pub(crate) fn find(self, name: &str) -> Result<Keys, Failure> {
        if let Some(secret) = self.secret {
            output::warn("others on this machine can see --secret; JWT_SECRET_KEY they cannot");
            return from_secret(secret, "--secret", self.algorithm);
        }
        if let Some(file) = self.ring {
            return RingFile::read(file).map(Keys::Ring);
        }
        if let Some(folder) = self.data {
            return RingFile::of(&folder, name).map(Keys::Ring);
        }
        // An algorithm is one of a secret.
        if self.algorithm.is_none()
            && let Some(folder) = std::env::var_os("HALLPASS_DATA").filter(|of| !of.is_empty())
        {
            return RingFile::of(Path::new(&folder), name).map(Keys::Ring);
        }
        if let Some(secret) = variable(SECRET_VARIABLE)? {
            if self.algorithm.is_none() && Path::new(DEFAULT_DATA).is_dir() {
                output::note(&format!(
                    "{SECRET_VARIABLE} is set and is used, not the keys in ./{DEFAULT_DATA}: unset it, or give --data {DEFAULT_DATA}, for \
                     those"
                ));
            }
            return from_secret(secret.into(), SECRET_VARIABLE, self.algorithm);
        }
        let folder = Path::new(DEFAULT_DATA);
        if self.algorithm.is_none() && folder.is_dir() {
            return RingFile::of(folder, name).map(Keys::Ring);
        }
        Err(Failure::failed(
            "no keys: JWT_SECRET_KEY is not set; right: a secret of at least 32 bytes in JWT_SECRET_KEY, a key ring with \
             --ring FILE, or the data folder of `hallpass up` with --data DIR, in HALLPASS_DATA or in ./hallpass-data",
        ))
    }
}

impl RingFile {
    /// A ring of a data folder: `users`, `platform` or `labeler`.
    pub(crate) fn of(data: &Path, name: &str) -> Result<Self, Failure> {
        Self::read(ring_file(data, name))
    }

    /// A ring from its file.
    pub(crate) fn read(path: PathBuf) -> Result<Self, Failure> {
        let failed = |problem: &dyn std::fmt::Display| {
            Failure::failed(format_args!("{}: {problem}", path.display()))
        };
        let json: SecretString = fs::read_to_string(&path)
            .map_err(|error| failed(&format_args!("{error}; right: a key ring")))?
            .into();
        let ring = KeyRing::parse(json.expose_secret(), &secrets::fetch).map_err(|e| failed(&e))?;
        // Public keys are for everybody to see.
        if ring.keys().any(Key::is_secret_in_file) {
            let metadata = fs::metadata(&path).map_err(|error| failed(&error))?;
            if let Some(problem) = private_file::exposed(&path, &metadata) {
                return Err(failed(&format_args!("holds private keys, and {problem}")));
            }
        }
        Ok(Self { path, ring })
    }

    /// Puts a ring in its file's place, whole and on the disk, for its owner's eyes alone: a reader finds the former ring or this one.
    pub(crate) fn write(path: &Path, ring: &KeyRing) -> Result<(), Failure> {
        let json = ring.to_json();
        let draft = path.with_extension("json.new");
        let written = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut out = options.open(&draft)?;
            out.write_all(json.expose_secret().as_bytes())?;
            out.sync_all()?;
            fs::rename(&draft, path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        written().map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))
    }
}

/// Where a data folder keeps a ring.
pub(crate) fn ring_file(data: &Path, name: &str) -> PathBuf {
    rings_folder(data).join(format!("{name}.json"))
}

/// Where a data folder keeps its rings.
pub(crate) fn rings_folder(data: &Path) -> PathBuf {
    data.join("keys")
}

/// An environment variable that, if it is there, is text.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::failed(format_args!("{name}: not text; right: UTF-8")))
        }
    }
}

/// The algorithms that take a shared secret.
pub(crate) fn shared_secret_algorithm(text: &str) -> Result<Algorithm, String> {
    let known = text.parse().ok().filter(|algorithm: &Algorithm| algorithm.is_shared_secret());
    known.ok_or_else(|| "not an algorithm of a shared secret; right: HS256 or HS512".to_owned())
}

fn from_secret(
    secret: SecretString,
    origin: &str,
    algorithm: Option<Algorithm>,
) -> Result<Keys, Failure> {
    let algorithm = match (algorithm, variable("JWT_ALGORITHM")?) {
        (Some(algorithm), _) => algorithm,
        (None, None) => Algorithm::Hs256,
        (None, Some(name)) => shared_secret_algorithm(&name)
            .map_err(|problem| Failure::failed(format_args!("JWT_ALGORITHM: {problem}")))?,
    };
    let ring = ring_of(&secret, algorithm).map_err(|error| match error {
        RingError::Key { problem, .. } | RingError::Unreadable(problem) => {
            Failure::failed(format_args!("{origin}: {problem}"))
        }
        RingError::NotJwks(problem) => Failure::failed(format_args!("{origin}: {problem}")),
    })?;
    Ok(Keys::Secret { secret, algorithm, ring })
}

/// A ring of the one key that a bare secret is. Reading it is what checks the secret.
fn ring_of(secret: &SecretString, algorithm: Algorithm) -> Result<KeyRing, RingError> {
    let entry = json!({
        "issuer": "clients", "owner": "clients", "types": ["user"], "audiences": ["any"],
        "profile": "bearer-v1", "secret": "env:JWT_SECRET_KEY",
    });
    let key = json!({"kty": "oct", "kid": "secret", "alg": algorithm, "hallpass": entry});
    KeyRing::parse(&json!({"keys": [key]}).to_string(), &|_| Ok(secret.clone()))
}
