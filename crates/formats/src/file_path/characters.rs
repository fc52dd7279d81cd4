//! Which characters have no place in names.
//!
//! Promise: what passes can be seen, does not turn the text around it, and is neither a separator nor taken for one.

use unicode_normalization::UnicodeNormalization;

/// Control characters, backslashes, and those that a person does not see or that turn the text around them.
pub fn is_refused(c: char) -> bool {
    c == '\\'
        || c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}'
            | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// What Windows does not let into a name, beside control characters and separators.
pub(super) const fn is_foreign(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// Not '/', '\' or '.', but taken for one: by a person, or by a system that normalizes names (NFKC).
pub(super) fn is_look_alike(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let drawn_alike = matches!(
        c,
        // Slashes: fraction, division, big, mathematical, box drawing, Katakana's repeat mark.
        '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{27CB}' | '\u{2571}' | '\u{3033}'
        // Backslashes: set minus, mathematical, box drawing.
        | '\u{2216}' | '\u{29F5}' | '\u{29F9}' | '\u{27CD}' | '\u{2572}'
        // Dots on the line: full stops of Arabic, Syriac, Lisu and Vai. (Arabic's zero is one, too, but people number with it.)
        | '\u{06D4}' | '\u{0701}' | '\u{0702}' | '\u{A4F8}' | '\u{A60E}'
    );
    drawn_alike || std::iter::once(c).nfkc().any(|plain| matches!(plain, '/' | '\\' | '.'))
}
