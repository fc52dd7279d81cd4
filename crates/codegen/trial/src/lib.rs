//! A library of books: a service that is built on Hallpass from outside, with an RPC of every kind.
//!
//! Its tests show that adapters check what the rules say, and that what must not compile does not.

pub use contract::trial::v1;
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
