//! A file as it lies in the store.

/// One stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredFile {
    /// The number under which it is stored in its dataset's folder: chosen once, never used for anything else.
    pub(crate) number: u64,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}
