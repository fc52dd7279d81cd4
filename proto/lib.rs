//! The contract: what the services of the mesh say to each other, and what each call must prove.
//!
//! Invariant: every RPC has a rule, and a service can be served only through the adapter that its rules made. All of it
//! is generated from the `.proto` files beside this one.

pub mod storage;

pub use contract::hallpass::auth::v1 as auth;
pub use contract::hallpass::labeler::v1 as labeler;
pub use contract::hallpass::platform::v1 as platform;
pub use contract::{ACTIONS, FILE_DESCRIPTOR_SET, RULES, SERVICES, can, rule};
pub use hallpass_policy as policy;

#[expect(
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::default_trait_access,
    clippy::doc_markdown,
    clippy::too_many_lines,
    reason = "written by prost, tonic and hallpass-codegen"
)]
mod contract {
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}
