//! A field's place in a frame: a root member's name, or a dotted path of names.
//!
//! The text has one form only: `.` parts names, `\.` is a dot and `\\` a backslash in a name, and
//! no other use of a backslash is accepted. So the text read is the text given back.

use std::fmt;
use std::str::FromStr;

/// The names to follow from the root: at least one, none empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    names: Vec<String>,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldPathError {
    /// A name without a letter.
    #[error(
        "field {0:?} has an empty name; give a member's name, or names joined by single dots, as in meta.time"
    )]
    EmptyName(String),
    /// A backslash before something else than a dot or a backslash.
    #[error("field {0:?}: a backslash stands only before a dot (\\.) or another backslash (\\\\)")]
    Backslash(String),
}

impl FieldPath {
    /// The path to one member of the root, whatever is in its name.
    ///
    /// # Errors
    /// If the name is empty.
    pub fn member(name: &str) -> Result<FieldPath, FieldPathError> {
        if name.is_empty() {
            return Err(FieldPathError::EmptyName(String::new()));
        }
        Ok(FieldPath { names: vec![name.to_owned()] })
    }

    /// The names, from the root on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<FieldPath, FieldPathError> {
        let mut names = vec![String::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            let letter = match letter {
                '.' => {
                    names.push(String::new());
                    continue;
                }
                '\\' => match letters.next() {
                    Some(escaped @ ('.' | '\\')) => escaped,
                    _ => return Err(FieldPathError::Backslash(text.to_owned())),
                },
                other => other,
            };
            names.last_mut().expect("there is a name from the start").push(letter);
        }
        if names.iter().any(String::is_empty) {
            return Err(FieldPathError::EmptyName(text.to_owned()));
        }
        Ok(FieldPath { names })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names.iter().enumerate() {
            let separator = if index == 0 { "" } else { "." };
            write!(f, "{separator}{}", name.replace('\\', "\\\\").replace('.', "\\."))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_names() {
        let check = |text: &str, names: &[&str]| {
            let path: FieldPath = text.parse().unwrap();
            assert_eq!(path.names().collect::<Vec<_>>(), names, "{text}");
            assert_eq!(path.to_string(), text);
        };
        check("ts", &["ts"]);
        check("meta.time", &["meta", "time"]);
        check(r"a\.b.c", &["a.b", "c"]);
        check(r"a\\.b", &[r"a\", "b"]);
        check("é. ", &["é", " "]);
    }

    #[test]
    fn refused() {
        for text in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(text.parse::<FieldPath>(), Err(FieldPathError::EmptyName(text.to_owned())));
        }
        for text in [r"\", r"a\b", r"a.\"] {
            assert_eq!(text.parse::<FieldPath>(), Err(FieldPathError::Backslash(text.to_owned())));
        }
    }
}
