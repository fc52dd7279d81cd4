//! Checks of images, as `hallpass-formats` makes them.

pub(crate) use hallpass_formats::{Flaw, ImageCheck, ImageKind};
