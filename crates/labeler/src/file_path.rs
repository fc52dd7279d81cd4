//! Names of files inside a dataset, as `hallpass-formats` checks them.

pub(crate) use hallpass_formats::{FilePath, is_refused, shown};
