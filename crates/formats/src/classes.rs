//! The classes of a dataset while they are found.
//!
//! Invariant: each name is there once, can be shown, and is not blank.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::bounds::LONGEST_CLASS_NAME;
use crate::{is_refused, shown};

/// The names that have been found, each under a number.
#[derive(Debug)]
pub(crate) struct Classes {
    numbers: HashMap<String, u32>,
    most: usize,
}

impl Classes {
    pub(crate) fn new(most: usize) -> Self {
        Self { numbers: HashMap::new(), most }
    }

    /// The number of a class by its name; a new one if the name is new.
    pub(crate) fn number(&mut self, name: &str) -> Result<u32, String> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let name = class_name(name)?;
        if let Some(number) = self.numbers.get(&name) {
            return Ok(*number);
        }
        if self.numbers.len() >= self.most {
            let (name, most) = (shown(&name), self.most);
            return Err(format!("the class {name} is one too many; {most} are allowed"));
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name, number);
        Ok(number)
    }

    /// The names in order, and where each number went.
    pub(crate) fn sorted(self) -> (Vec<String>, Vec<u32>) {
        let mut names: Vec<(String, u32)> = self.numbers.into_iter().collect();
        names.sort_unstable();
        let mut places = vec![0; names.len()];
        for (place, (_, number)) in (0..).zip(&names) {
            places[*number as usize] = place;
        }
        (names.into_iter().map(|(name, _)| name).collect(), places)
    }
}

/// A class's name as it is kept: without blanks around it, composed (NFC).
pub(crate) fn class_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("a class has a blank name".to_owned());
    }
    if name.len() > LONGEST_CLASS_NAME {
        return Err(format!("the class {} is longer than {LONGEST_CLASS_NAME} bytes", shown(name)));
    }
    if let Some(refused) = name.chars().find(|c| is_refused(*c)) {
        let code = u32::from(refused);
        let name = shown(name);
        return Err(format!(
            "the class {name} holds the character U+{code:04X}, which is not allowed"
        ));
    }
    Ok(name.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_sorted() {
        let mut classes = Classes::new(3);
        let numbers =
            ["dog", " cat ", "dog", "caf\u{e9}", "cafe\u{301}"].map(|name| classes.number(name));
        assert_eq!(numbers, [Ok(0), Ok(1), Ok(0), Ok(2), Ok(2)]);
        assert_eq!(
            classes.number("ox"),
            Err("the class \"ox\" is one too many; 3 are allowed".to_owned())
        );
        let (names, places) = classes.sorted();
        assert_eq!(names, ["caf\u{e9}", "cat", "dog"]);
        assert_eq!(places, [2, 1, 0]);
    }

    #[test]
    fn names_that_cannot_be_shown_are_refused() {
        for (name, problem) in [
            ("", "a class has a blank name"),
            (" \t\u{a0}", "a class has a blank name"),
            (
                "a\u{202e}b",
                "the class \"a\\u{202e}b\" holds the character U+202E, which is not allowed",
            ),
            ("a\nb", "the class \"a\\nb\" holds the character U+000A, which is not allowed"),
        ] {
            assert_eq!(class_name(name), Err(problem.to_owned()));
        }
        assert!(class_name(&"a".repeat(255)).is_ok());
        assert!(class_name(&"a".repeat(256)).is_err());
    }
}
