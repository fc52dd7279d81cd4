//! The client's half: every call that leaves carries a token made for that call, or does not leave.

mod authority;
mod background;
mod elevate;
mod layer;
mod mint;
mod minted;
mod patience;

pub use authority::{as_service, on_behalf};
pub use background::{Background, Job};
pub use elevate::elevate;
pub use layer::{AttachLayer, Attached, Sending, TokenExpiry};
pub use mint::{Attach, AttachError};
pub use patience::{PatienceLayer, Patient};
