//! The contract that a server is held to: what services there are, what methods they have, and the rule of each.

use hallpass_guard::Rules;

/// A contract. Services of other projects bring their own.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// The encoded `FileDescriptorSet`, options included.
    pub descriptors: &'static [u8],
    /// Finds the rule of a path.
    pub rule: Rules,
}

impl Contract {
    /// Hallpass's own.
    pub const HALLPASS: Self =
        Self { descriptors: hallpass_contract::FILE_DESCRIPTOR_SET, rule: hallpass_contract::rule };
}
