//! The keys that a replay asks with: an access log doesn't hold them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::Failure;
use crate::platform::config::Secret;

/// The name that stands for everybody whom the file doesn't name.
const EVERYBODY: &str = "*";

/// Keys by who asked.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Secret>);

impl Keys {
    /// Reads a file of lines `name key`; the name `*` is for everybody else, lines with `#` are comments.
    ///
    /// # Errors
    /// When it cannot be read, or a line is something else. The line itself is not told.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let about = |what: &str| Failure::new(format!("{}: {what}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| about(&error.to_string()))?;
        let keys = Self::of(&text).map_err(|line| about(&format!("line {line} is not a name and a key")))?;
        if keys.0.is_empty() { Err(about("it holds no key")) } else { Ok(keys) }
    }

    /// The keys of a text, or the number of the line that holds none.
    fn of(text: &str) -> Result<Self, usize> {
        let mut keys = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(name), Some(key), None) = (words.next(), words.next(), words.next()) else {
                return Err(at + 1);
            };
            keys.insert(name.to_owned(), Secret::new(key));
        }
        Ok(Self(keys))
    }

    /// The key of who asked.
    pub(super) fn of_user(&self, user: Option<&str>) -> Option<&Secret> {
        user.and_then(|user| self.0.get(user)).or_else(|| self.0.get(EVERYBODY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_key_of_their_own_has_everybodys() {
        let keys = Keys::of("# keys\nbot 1|a\n\n* 2|b\n").ok().unwrap();
        let key = |user| keys.of_user(user).map(Secret::expose);
        assert_eq!((key(Some("bot")), key(Some("else")), key(None)), (Some("1|a"), Some("2|b"), Some("2|b")));
        assert_eq!(Keys::of("bot 1|a\nbot").err(), Some(2));
    }
}
