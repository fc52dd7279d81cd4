//! The form in which two names are the same.
//!
//! Promise: names that some usual system takes for one (other case, other composition, other width) have one folded form.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// NFKC, without regard to case, and without the characters that only shape their neighbours.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        return if lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
    }
    // By way of upper case, so that ß meets SS, and ς meets σ.
    let visible = name.nfkc().filter(|c| !is_shaping(*c));
    let upper: String = visible.flat_map(char::to_uppercase).collect();
    Cow::Owned(upper.to_lowercase().nfkc().collect())
}

/// Joiners and variation selectors.
const fn is_shaping(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}
