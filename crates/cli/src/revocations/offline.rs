//! The list of a Platform that does not run.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use clap::Args;
use hallpass_guard::Clock;
use hallpass_revocation::{List, Options};

use crate::failure::Failure;

/// Whose list.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// Platform's data folder.
    #[arg(long, value_name = "DIR", env = "HALLPASS_DATA", default_value = "hallpass-data")]
    data: PathBuf,
}

impl Folder {
    /// Opens Platform's list; refuses where Platform has never been.
    pub(super) fn open(&self, clock: &Clock) -> Result<List, Failure> {
        open(&self.state()?.join("revocations"), clock)
    }

    /// Opens what else forgets by time at Platform, as far as it is there.
    pub(super) fn others(&self, clock: &Clock) -> Result<Vec<List>, Failure> {
        let state = self.state()?;
        let others = ["claims", "sessions", "delegations"].map(|store| state.join(store));
        others.iter().filter(|store| store.is_dir()).map(|store| open(store, clock)).collect()
    }

    fn state(&self) -> Result<PathBuf, Failure> {
        let state = self.data.join("platform");
        if !state.is_dir() {
            return Err(Failure::failed(format_args!(
                "{}: not there; right: --data with the data folder of a Platform",
                state.display()
            )));
        }
        Ok(state)
    }
}

/// Opens a list that nobody else has open.
pub(super) fn open(folder: &Path, clock: &Clock) -> Result<List, Failure> {
    let mut epoch = [0; 8];
    rand::fill(&mut epoch).map_err(|_| Failure::failed("the system gives no random bits"))?;
    List::open(folder, &Options::new(epoch, clock.now())).map_err(Failure::failed)
}
